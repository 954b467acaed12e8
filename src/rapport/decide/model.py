"""The nouns of a decision: placement, candidates, the rules on them, the chosen with their odds. No I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import Any, Protocol, TypeAlias

import msgspec

from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection

__all__ = [
    "PRODUCT",
    "Ask",
    "Candidate",
    "CandidateSource",
    "Choice",
    "EligibilityRule",
    "Guardrail",
    "ItemKind",
    "Pin",
    "Pinner",
    "Placement",
    "Policy",
    "PolicyName",
    "Score",
    "Scorer",
    "Worth",
]

PRODUCT = "product"
"""The kind of items that products are; their id is also told as `product_id`."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a placement."""

    workspace: WorkspaceId
    placement: str
    kind: str
    """Of the items the placement shows."""
    strands: tuple[Key, ...]
    """All strands of the customer; empty where nobody is named or the customer is new."""
    context: Mapping[str, Any]
    limit: int
    now: int
    shown: frozenset[str] = frozenset()
    """Items that another placement of the same page shows."""
    alone: bool = False
    """Nobody but a browser says whom it is for: nothing is looked at but what that browser did."""
    trial: Mapping[str, Any] = {}
    """By slice: what holds for this one decision in place of what is in force, where something is tried."""
    db: Any = None
    """The database and its data folder (`storage.engine.Database`), for what is kept beside decisions; None in tests
    of single steps."""


class Worth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What showing an item once is expected to bring, each part for itself; None, and named, where it is not known."""

    currency: str
    looks: float
    """How likely it is what the visitor turns to next, of all that may be shown."""
    bought: float | None = None
    kept: float | None = None
    """Bought, and not sent back."""
    revenue: float | None = None
    """Minor units, without tax, of what is kept."""
    contribution: float | None = None
    """Minor units: what is left after cost, sending and returns."""
    piece_minor: int | None = None
    """The same of one piece that is sold."""
    returned: float | None = None
    unknown: list[str] = []


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be shown, with its score and what speaks for it."""

    kind: str
    """What it is: `product`, or a word of the slice that offers it (`message`, `banner` …)."""
    item_id: str
    """Unique within its kind."""
    score: float
    reasons: list[str]
    worth: Worth | None = None


class Guardrail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule that candidates had to pass, and how many it took away."""

    name: str
    removed: int
    title: str = ""
    """The rule in words."""
    failed: str = ""
    """Name of the error where the rule failed and so let nothing pass."""


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What a scorer makes of a candidate: its score from now on, and what is said for it before what was said."""

    score: float
    reasons: list[str] = []
    worth: Worth | None = None
    """What it is expected to bring, where the scorer says so."""


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """That people want an item at a certain place."""

    position: int
    """From 1. The next free place where another pin has it."""
    reason: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the slate."""

    candidate: Candidate
    odds: float
    """The probability with which the policy puts this candidate at this place, given the places before it."""
    explored: bool
    """True where it was not the best one left."""
    pinned: bool = False
    """Its place was given before the policy chose: no policy would have done otherwise."""


class PolicyName(msgspec.Struct, frozen=True, kw_only=True):
    """Which rule chose, so that it can be judged later on what was logged."""

    name: str
    version: str


class Policy(Protocol):
    """Chooses from candidates. Its chance comes in as `rng`, so a decision can be replayed."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def choose(self, candidates: Sequence[Candidate], *, limit: int, rng: random.Random) -> list[Choice]: ...


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """A place where something is shown: which kind of items, and which policy chooses."""

    name: str
    title: str
    description: str
    policy: Policy
    kind: str = PRODUCT


Details: TypeAlias = Callable[
    [Connection, WorkspaceId, Collection[str], Mapping[str, Any], int], Mapping[str, Mapping[str, Any]]
]
"""Given ids of items, the context that is asked in and the time: by id what is to be known to draw it, in plain
values; unknown ones are missing."""

Find: TypeAlias = Callable[[Connection, Ask], Sequence[Candidate]]
Bar: TypeAlias = Callable[[Connection, Ask, Sequence[Candidate]], Set[str]]
Place: TypeAlias = Callable[[Connection, Ask, Sequence[Candidate]], Mapping[str, Pin]]
Rate: TypeAlias = Callable[[Connection, Ask, Sequence[Candidate]], Mapping[str, Score]]


class ItemKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of items that placements show, and how each of them looks when shown."""

    name: str
    title: str
    details: Details


class CandidateSource(msgspec.Struct, frozen=True, kw_only=True):
    """A step of deciding that offers candidates; all sources of a placement are asked, once a decision each."""

    name: str
    placements: tuple[str, ...]
    find: Find
    """A bounded number of candidates of the placement's kind, each item once; no rule has to be heeded."""


class EligibilityRule(msgspec.Struct, frozen=True, kw_only=True):
    """A step of deciding that takes candidates away before any is chosen, however good they are.

    A rule that raises lets nothing pass.
    """

    name: str
    """As the guardrail is called in answers and facts, for ever."""
    title: str
    """The same in words, for people."""
    order: int
    """Rules are asked in this order; a candidate is counted by the first rule that bars it."""
    barred: Bar
    """Ids of those of the candidates that must not be shown; asked once a decision, for all of them."""
    kinds: tuple[str, ...] = ()
    """Where it applies; empty is every kind."""
    placements: tuple[str, ...] = ()
    """Where it applies; empty is every placement."""


class Scorer(msgspec.Struct, frozen=True, kw_only=True):
    """A step of deciding that changes the scores of eligible candidates. One that raises changes nothing."""

    name: str
    order: int
    """Scorers are asked in this order, each sees what the one before made."""
    rate: Rate
    """By item id the score from now on; who is missing keeps theirs. Asked once a decision, for all candidates."""
    kinds: tuple[str, ...] = ()
    placements: tuple[str, ...] = ()
    """Where it applies, as with rules."""


class Pinner(msgspec.Struct, frozen=True, kw_only=True):
    """A step of deciding that gives eligible candidates a place before the policy fills the others.

    One that raises pins nothing.
    """

    name: str
    order: int
    """Pinners are asked in this order; who is pinned first has its place."""
    pins: Place
    """By item id; asked once a decision, for all eligible candidates as they are rated."""
    kinds: tuple[str, ...] = ()
    placements: tuple[str, ...] = ()
    """Where it applies, as with rules."""
