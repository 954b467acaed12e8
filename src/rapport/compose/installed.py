"""All slices of an installation, joined and held against each other once, when a process starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Table

from rapport.act.channels import MakeChannel
from rapport.act.firing import firing
from rapport.act.jobs import Job
from rapport.act.send_rules import SendRule
from rapport.act.stages import Stages
from rapport.collect.admission import Everything, MakeAdmission
from rapport.collect.names import Vocabulary
from rapport.collect.unread import CountingUnread
from rapport.compose.command import Command
from rapport.compose.law import Law
from rapport.compose.slice import Joined, Slice
from rapport.compose.upkeep import clock, filling, summaries
from rapport.decide.steps import Steps
from rapport.kernel.gate import Gate, NamePurposes, closed
from rapport.kernel.named import by_name
from rapport.kernel.wording import Wording
from rapport.kernel.work import TimerHandler
from rapport.measure.model import Measured
from rapport.remember.registry import Remembered
from rapport.remember.retelling import RetoldStage, stage_named
from rapport.storage.migrate import Branch
from rapport.web.permissions import Permissions

if TYPE_CHECKING:
    from rapport.web.part import WebPart

__all__ = ["Installed"]

T = TypeVar("T")


class Installed:
    """What all slices bring together, in the order of the slices. Immutable.

    Raises ValueError, naming both, where two slices claim one name.
    """

    def __init__(self, slices: Iterable[Slice]) -> None:
        self.slices: Sequence[Slice] = tuple(slices)
        by_name("slice", ((one.name, one.title, one) for one in self.slices))
        self.tables = self._joined("table", lambda one: ((held.table.name, held.table) for held in one.holds))
        self.branches = [Branch(one.name, one.migrations) for one in self.slices if one.migrations is not None]
        self.secrets = tuple(place for one in self.slices for place in one.secrets)
        facts = self._joined("fact", lambda one: ((kind.name, kind) for kind in one.facts))
        self.wording = Wording(facts.values())
        self.vocabulary = Vocabulary(facts.values())
        self.sections = [one.settings for one in self.slices if one.settings is not None]
        self.timers: Mapping[str, TimerHandler] = self._joined("timer", lambda one: one.timers.items())
        self.remembered = Remembered(
            self._joined("part", lambda one: ((part.name, part) for part in one.parts)).values(),
            self._joined("trait", lambda one: ((trait.name, trait) for trait in one.traits)).values(),
            choices=next((one.choices for one in self.slices if one.choices is not None), None),
            segment_users=[one.segment_user for one in self.slices if one.segment_user is not None],
        )
        self.retold: Sequence[RetoldStage] = tuple(
            RetoldStage(stage_named(one.name), one.title, one.retelling)
            for one in self.slices
            if one.stage is not None and one.retelling is not None
        )
        self.channels: Mapping[str, MakeChannel] = self._joined("channel", lambda one: one.channels.items())
        self.send_rules: Sequence[SendRule] = tuple(
            self._joined("send rule", lambda one: ((rule.name, rule) for rule in one.send_rules)).values()
        )
        self.listeners = [one.after_delivery for one in self.slices if one.after_delivery is not None]
        self.deciding = self._steps()
        gates = [(one.name, one.gate) for one in self.slices if one.gate is not None]
        by_name("gate", (("gate", name, gate) for name, gate in gates))
        self.gate: Gate = gates[0][1] if gates else closed
        self.whats: Mapping[str, str] = {held.table.name: held.what for one in self.slices for held in one.holds}
        self.law: Law = next((one.law for one in self.slices if one.law is not None), Law())
        self.admission: MakeAdmission = next(
            (one.admission for one in self.slices if one.admission is not None), lambda _: Everything()
        )
        self.name_purposes: NamePurposes = next(
            (one.name_purposes for one in self.slices if one.name_purposes is not None), lambda *_: {}
        )
        self.jobs: Sequence[Job] = self._jobs()
        self.metrics: Sequence[Measured] = tuple(
            self._joined("metric", lambda one: ((m.metric.name, m) for m in one.metrics)).values()
        )
        permissions = self._joined("permission", lambda one: ((p.name, p) for p in one.permissions))
        self.permissions = Permissions(permissions.values())
        self.commands: Mapping[str, Command] = self._joined("command", lambda one: ((c.name, c) for c in one.commands))

    def _steps(self) -> Steps:
        return Steps(
            self._joined("placement", lambda one: ((p.name, p) for p in one.placements)),
            kinds=self._joined("item kind", lambda one: ((kind.name, kind) for kind in one.kinds)),
            sources=self._joined("candidates", lambda one: ((c.name, c) for c in one.candidates)).values(),
            rules=self._joined("eligibility rule", lambda one: ((r.name, r) for r in one.eligibility)).values(),
            scorers=self._joined("scorer", lambda one: ((scorer.name, scorer) for scorer in one.scorers)).values(),
            pinners=self._joined("pinner", lambda one: ((p.name, p) for p in one.pinners)).values(),
        )

    def _jobs(self) -> Sequence[Job]:
        own = [
            ("act", firing(self.timers)), ("remember", summaries(self.remembered)),
            ("segments", clock(self.remembered)), ("segments", filling(self.remembered)),
        ]  # they serve all slices  # fmt: skip
        joined = Joined(self.remembered, self.deciding, self.gate)
        brought = [*own]
        for one in self.slices:
            more = one.joint_jobs(joined) if one.joint_jobs is not None else ()
            brought += [(one.name, job) for job in (*one.jobs, *more)]
        return tuple(by_name("job", ((job.name, name, job) for name, job in brought)).values())

    def tables_of(self, branch: str) -> list[Table]:
        """The tables that the migrations of this slice make; those of Rapport's own line where it is empty."""
        owners = [one for one in self.slices if (one.name == branch if branch else one.migrations is None)]
        return [held.table for one in owners for held in one.holds]

    def stages(self) -> Stages:
        """The stages of one worker process, newly made."""
        own = {kind.name for kind in self.wording.kinds.values() if kind.stated_by == "rapport"}
        made = {one.name: one.stage() for one in self.slices if one.stage is not None}
        unread = CountingUnread(self.wording, self.vocabulary)
        return Stages(
            [unread, *made.values()], own=own, named={stage_named(name): stage for name, stage in made.items()}
        )

    def web_parts(self) -> dict[str, WebPart]:
        """What each slice brings to the server. Imports pages and the web framework: for the server process alone."""
        from rapport.web.part import load_parts

        return load_parts((one.name, one.web) for one in self.slices if one.web)

    def _joined(self, what: str, of: Callable[[Slice], Iterable[tuple[str, T]]]) -> dict[str, T]:
        """What the slices bring of one kind by name; every name once."""
        return by_name(what, ((name, one.name, value) for one in self.slices for name, value in of(one)))
