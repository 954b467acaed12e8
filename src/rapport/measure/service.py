"""Follow decisions to what came of them, and answer metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from rapport.decide import people
from rapport.decide.model import PRODUCT
from rapport.kernel.clock import DAY, MINUTE, now_us, to_iso
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.named import by_name
from rapport.measure import store
from rapport.measure.days import zone_named
from rapport.measure.metrics import BOUGHT_WITHIN_DAYS, CLICKED_WITHIN_MINUTES, totals_of, with_shares
from rapport.measure.model import Answer, Measured, Metric, Question, Row
from rapport.measure.periods import PERIODS, with_periods
from rapport.measure.store import ItemRow, OutcomeRow
from rapport.remember.segments.service import id_of
from rapport.storage.workspaces import all_workspaces

__all__ = ["Happening", "Metrics", "Paid", "outcomes_of", "zone_of"]

_CLICKED = CLICKED_WITHIN_MINUTES * MINUTE
_BOUGHT = BOUGHT_WITHIN_DAYS * DAY


class Paid(NamedTuple):
    """What was paid for all pieces of a product."""

    minor: int
    currency: str


class Happening(NamedTuple):
    """A customer viewed or bought products, perhaps because they were shown."""

    workspace: WorkspaceId
    strand: Key
    bought: bool
    at: int
    fact_id: str
    product_ids: Sequence[str]
    paid: Mapping[str, Paid] = MappingProxyType({})
    """By product what an order took for it, where it says so."""
    order_id: str = ""


def zone_of(conn: Connection, workspace: WorkspaceId) -> ZoneInfo:
    """The time zone of a shop, whose days its numbers are told by."""
    return zone_named(next((s.settings.time_zone for s in all_workspaces(conn) if s.id == workspace), "UTC"))


class Metrics:
    """All metrics of the installation, by name."""

    def __init__(self, measured: Iterable[Measured]) -> None:
        self._measured = by_name("metric", ((one.metric.name, one.metric.title, one) for one in measured))

    def all(self) -> list[Metric]:
        """The definitions, by name."""
        return [self._measured[name].metric for name in sorted(self._measured)]

    def find(self, name: str) -> Measured:
        """The metric of this name. Raises NotFound."""
        measured = self._measured.get(name)
        if measured is None:
            raise NotFound(f"no metric {name[:60]!r}", hint=f"there are: {', '.join(sorted(self._measured))}")
        return measured

    def answer(self, conn: Connection, name: str, question: Question, *, segment: str = "") -> Answer:
        """Answer a metric; `question.by` may be empty, `segment` names one. Raises NotFound and InvalidInput."""
        measured, now = self.find(name), now_us()
        metric = measured.metric
        asked = self.asked(conn, metric, question, segment=segment)
        rows = _with_values(metric, measured.read(conn, asked))
        if asked.by in PERIODS:
            rows = with_periods(metric, rows, asked, now=now)
        return Answer(
            metric=metric.name, unit=metric.value.unit, name=metric.name, title=metric.title,
            definition=metric.definition, by=asked.by, segment=segment or None, since=to_iso(asked.since),
            until=to_iso(asked.until), as_of=to_iso(now), zone=asked.zone, columns=list(metric.columns), rows=rows,
            totals=totals_of(metric, rows),
        )  # fmt: skip

    def asked(self, conn: Connection, metric: Metric, question: Question, *, segment: str = "") -> Question:
        """The question with nothing left open. Raises NotFound for the segment, InvalidInput for what is not known."""
        by = question.by or metric.by[0]
        if by not in metric.by:
            raise InvalidInput(
                f"{metric.name} cannot be grouped by {by[:60]!r}", hint=f"by one of: {', '.join(metric.by)}"
            )
        if segment and not metric.for_segments:
            raise InvalidInput(f"{metric.name} is not counted by customer, so not for a segment", hint="ask for all")
        return msgspec.structs.replace(
            question, by=by, zone=question.zone or zone_of(conn, question.workspace).key,
            segment=id_of(conn, question.workspace, segment) if segment else question.segment,
        )  # fmt: skip


def _with_values(metric: Metric, rows: Iterable[Row]) -> list[dict[str, Any]]:
    made = (with_shares(metric, row) for row in rows)
    return [row | {"value": row[metric.main]} for row in made] if metric.main else list(made)


def outcomes_of(conn: Connection, workspace: WorkspaceId, happenings: Collection[Happening]) -> list[OutcomeRow]:
    """What these happenings say of decisions: a handful of set-based queries a batch, none where nothing was shown."""
    if not happenings or not store.has_items(conn, workspace):
        return []
    roots = people.roots_of(conn, workspace, {happening.strand for happening in happenings})
    owner = {
        strand: root
        for root, strands in people.strands_by_root(conn, workspace, roots.values()).items()
        for strand in strands
    }
    since = min(happening.at - (_BOUGHT if happening.bought else _CLICKED) for happening in happenings)
    until = max(happening.at for happening in happenings)
    shown: dict[tuple[Key, str], list[ItemRow]] = {}
    for item in store.items_of(conn, workspace, owner, kind=PRODUCT, since=since, until=until):
        shown.setdefault((owner[Key(item.strand)], item.item_id), []).append(item)
    found: list[OutcomeRow] = []
    if shown:
        for happening in happenings:
            for product_id in happening.product_ids:
                found.extend(_outcomes(happening, shown.get((roots[happening.strand], product_id), ())))
    return found


def _outcomes(happening: Happening, shown: Collection[ItemRow]) -> list[OutcomeRow]:
    """A purchase speaks of every decision that showed the product in time, a view of the latest one only."""
    within = _BOUGHT if happening.bought else _CLICKED
    in_time = sorted(item for item in shown if 0 <= happening.at - item.at <= within)
    meant = in_time if happening.bought else in_time[-1:]
    kind = "bought" if happening.bought else "clicked"
    found = []
    for item in meant:
        minor, currency = happening.paid.get(item.item_id, (None, None))
        found.append(OutcomeRow(
            item.workspace, item.decision_id, kind, item.item_id, happening.at, happening.fact_id, minor, currency,
            happening.order_id,
        ))  # fmt: skip
    return found
