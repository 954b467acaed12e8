"""`Slice`: all that one part of the product brings, in one frozen declaration.

Rapport's own rooms are declared in the same form (`compose.rooms`), the folders of `capabilities/` in their `slice.py`,
and a slice of another distribution is named by an entry point of the group `rapport.slices`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rapport.act.channels import AfterDelivery, MakeChannel
from rapport.act.jobs import Job
from rapport.act.send_rules import SendRule
from rapport.collect.admission import MakeAdmission
from rapport.compose.command import Command
from rapport.compose.holding import Holding, RedactFiles, SiftFiles
from rapport.compose.law import Law
from rapport.decide.model import CandidateSource, EligibilityRule, ItemKind, Pinner, Placement, Scorer
from rapport.decide.steps import Steps
from rapport.kernel.gate import Choices, Gate, NamePurposes
from rapport.kernel.settings import Section
from rapport.kernel.wording import FactKind
from rapport.kernel.work import Refiled, Retelling, Stage, TimerHandler, Unsay
from rapport.measure.model import Measured
from rapport.remember.registry import Part, Remembered, SegmentUser, Trait
from rapport.storage.resealing import SecretPlace
from rapport.web.permissions import Permission

__all__ = ["Joined", "Slice"]


class Joined(NamedTuple):
    """What all slices together remember, decide and allow."""

    remembered: Remembered
    deciding: Steps
    gate: Gate


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """One slice. Everything but its name may be left out."""

    name: str
    """One word of small letters; leads the names of all it brings (`giftcards.expiry`)."""
    title: str
    """How people call it."""
    facts: tuple[FactKind, ...] = ()
    """The kinds of facts that it understands or states."""
    stage: Callable[[], Stage] | None = None
    """Makes its part of the worker's batch, once in each worker process."""
    retelling: Retelling | None = None
    """That its stage learns the past, and by which version it reads facts; None for one that is told each fact once."""
    unsay: Unsay | None = None
    """Takes facts back out of its tables, where what a source sent is withdrawn; None where nothing follows from facts
    but what is told again, or what cannot be taken back (what was sent, what was counted and fades)."""
    refiled: Refiled | None = None
    """Is told which facts leave the log, or come back to where they stood in it, for the copies that it keeps."""
    segment_user: SegmentUser | None = None
    """Says what of it names a segment, which then keeps its name and stays."""
    holds: tuple[Holding, ...] = ()
    """Each of its tables, with how a person in it is exported and erased."""
    sift_files: SiftFiles | None = None
    """Takes somebody erased out of files that it keeps beside the database."""
    secrets: tuple[SecretPlace, ...] = ()
    """Where secrets lie in its tables that are sealed where the installation has a key."""
    redact_files: RedactFiles | None = None
    """Takes a redacted field out of them, and out of what else it keeps beside facts."""
    migrations: Path | None = None
    """The folder of its migration branch, numbered from `0001_…py`; None where its tables are in Rapport's own line."""
    settings: Section[Any] | None = None
    """What a shop decides of it: shown and edited in the console, by the API and by `rapport settings`."""
    timers: Mapping[str, TimerHandler] = {}
    """By kind; a kind begins with the slice's name: `orders.cart`."""
    jobs: tuple[Job, ...] = ()
    """What workers do for it again and again, beside folding."""
    joint_jobs: Callable[[Joined], tuple[Job, ...]] | None = None
    """Jobs of it that need what all slices bring: that ask conditions of records, or decide."""
    parts: tuple[Part, ...] = ()
    """What of its facts is kept in the states of strands. What an uninstalled slice kept stays there, unread."""
    traits: tuple[Trait, ...] = ()
    """What the Golden Record shows of parts, its own or another slice's."""
    kinds: tuple[ItemKind, ...] = ()
    """What placements may show."""
    placements: tuple[Placement, ...] = ()
    candidates: tuple[CandidateSource, ...] = ()
    """What it offers to placements, its own or another slice's."""
    eligibility: tuple[EligibilityRule, ...] = ()
    """What must not be shown, on any placement."""
    scorers: tuple[Scorer, ...] = ()
    pinners: tuple[Pinner, ...] = ()
    """What gives items a place before a policy fills the others."""
    channels: Mapping[str, MakeChannel] = {}
    """By name: what carries messages to the outside."""
    send_rules: tuple[SendRule, ...] = ()
    """Which messages may go, of any slice; asked at the moment of delivery."""
    after_delivery: AfterDelivery | None = None
    """Told what became of messages, in the transaction that records it."""
    metrics: tuple[Measured, ...] = ()
    permissions: tuple[Permission, ...] = ()
    """What there is to be allowed in it. A handler may name another slice's, too."""
    gate: Gate | None = None
    """Says what may be done with whom; one slice of an installation does."""
    admission: MakeAdmission | None = None
    """Says what of what comes in is kept; one slice of an installation does."""
    choices: Choices | None = None
    """Says what people allow and refuse, from what the gate rests on: the trait `consent`."""
    law: Law | None = None
    """Says by when requests are to be answered, and does what they ask; one slice of an installation does."""
    name_purposes: NamePurposes | None = None
    """Names what may be asked of the gate."""
    web: str = ""
    """Where its `WebPart` stands, `package.module:NAME`: all it shows to people and programs, which the server alone
    imports."""
    commands: tuple[Command, ...] = ()
    """What it adds to the command line."""
