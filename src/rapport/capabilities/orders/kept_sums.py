"""Revenue of each day, kept summed: so that a look costs the same however many orders a day has.

Whoever saves orders or refunds leaves a *mark* on the day (UTC) of each that this may have changed, in the same
transaction; marks are only added, so writers never wait for each other. A look takes the kept sums of the days that
have no mark and asks for the others, and for the parts of days at the ends of its period, by the same SQL from the
orders themselves. A job sums marked days anew and takes away exactly the marks it had seen. The days are those of the
shop's time zone; in another zone everything is summed anew. A day with a refund that counts or not by who its customer
is (`refund_rows`) is asked for, too: that changes without a word about orders.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table

from rapport.act.jobs import Job, Turn
from rapport.capabilities.orders.refund_rows import IS_SHARED, refunds
from rapport.capabilities.orders.store import Range, Revenue, orders, revenue_live, theirs
from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key, WorkspaceId
from rapport.measure.days import day_of, parts_of, zone_named
from rapport.measure.model import Question
from rapport.measure.service import zone_of
from rapport.storage.bulk import chunks, insert_rows, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.workspaces import all_workspaces

__all__ = ["SUMMING", "eraser_of", "mark", "revenue_by", "revenue_days", "revenue_marks", "revenue_zones"]

revenue_days = Table(
    "revenue_days",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("currency", CText, primary_key=True),
    Column("orders", Integer, nullable=False),
    Column("revenue_minor", BigInteger, nullable=False),
    Column("cancelled_minor", BigInteger, nullable=False),
    Column("refunds_minor", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""By the day's local start (`measure/days.py`) in the zone that `revenue_zones` names."""

revenue_marks = Table(
    "revenue_marks",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("workspace", Integer, nullable=False),
    Column("day", BigInteger, nullable=False),
    Index("revenue_marks_day", "workspace", "day"),
)
"""Days of UTC on which something has changed since they were summed."""

revenue_zones = Table(
    "revenue_zones",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("zone", CText, nullable=False),
)
"""In whose days the sums of a shop are kept; none are while it has no row here."""

_d, _m, _z = revenue_days.c, revenue_marks.c, revenue_zones.c

MOST_RANGES = 60
"""Where what has to be asked for lies in more pieces, all of the period is."""

MARKS_A_TURN, DAYS_A_TURN = 2_000, 7


def mark(conn: Connection, workspace: WorkspaceId, moments: Iterable[int]) -> None:
    """What was ordered or given back at these moments has changed."""
    days = sorted({at - at % DAY for at in moments})
    insert_rows(conn, revenue_marks, [{"workspace": workspace, "day": day} for day in days])


def mark_of_orders(conn: Connection, *which: sa.ColumnElement[bool], table: Table) -> None:
    """The rows of orders or refunds that these conditions name are about to go."""
    at: sa.ColumnElement[int] = table.c.at
    of = sa.select(table.c.workspace, at - at % sa.literal_column(str(DAY))).where(*which, at < 2**61).distinct()
    conn.execute(revenue_marks.insert().from_select(["workspace", "day"], of))


def eraser_of(table: Table) -> Callable[[Connection, WorkspaceId, Collection[Key]], int]:
    """How the orders, or the refunds, of a person are erased: their days are summed anew without them. What was kept of
    them for the books stays, also what was given back for an order that nobody has reported.
    """

    def erase(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
        gone = 0
        for some in chunks(sorted(keys), 500):
            which = (*theirs(table, workspace, some), table.c.kept_until.is_(None))
            mark_of_orders(conn, *which, table=table)
            gone += conn.execute(table.delete().where(*which)).rowcount
        return gone

    return erase


class _Look(NamedTuple):
    """What is kept of a period, in one moment."""

    zone: str
    marked: set[int]
    sums: list[tuple[int, Revenue]]
    """With the day of each."""


def revenue_by(conn: Connection, question: Question) -> list[Revenue]:
    """Revenue by `day`, `country` or `currency`, and by currency within it; see `store.revenue_live`.

    By country it is asked live: an order that names none counts for its customer's, and that may change.
    """
    if question.by == "country" or question.since >= question.until:
        return revenue_live(conn, question)
    zone = ZoneInfo(question.zone)
    look = _look(conn, question, zone)
    if look.zone != question.zone:
        return revenue_live(conn, question)
    touched = _cut(question, zone) | _touched(look.marked, zone)
    parts = _joined(part for day in touched for part in parts_of(day, zone))
    inside = (Range(max(a, question.since), min(b, question.until)) for a, b in parts)
    ranges = [found for found in inside if found.since < found.until]
    if len(ranges) > MOST_RANGES:
        return revenue_live(conn, question)
    live = revenue_live(conn, question, ranges=ranges) if ranges else []
    return _together(question.by, live, ((day, sums) for day, sums in look.sums if day not in touched))


def _look(conn: Connection, question: Question, zone: ZoneInfo) -> _Look:
    """Zone, marked days and sums in one statement: between two, the job might have moved a day between them."""
    first, last = day_of(question.since, zone) - DAY, day_of(question.until, zone) + DAY
    nothing = [sa.literal_column("0", BigInteger)] * 4
    ours = question.workspace
    sums = sa.select(
        sa.literal_column("'sums'", sa.Text), _d.day, _d.currency, _d.orders, _d.revenue_minor, _d.cancelled_minor,
        _d.refunds_minor,
    ).where(_d.workspace == ours, _d.day >= first, _d.day <= last)  # fmt: skip
    marks = (
        sa.select(sa.literal_column("'mark'", sa.Text), _m.day, sa.literal_column("''", sa.Text), *nothing)
        .where(_m.workspace == ours, _m.day >= first - DAY, _m.day <= last + DAY)
        .distinct()
    )
    r = refunds.c
    whose = sa.select(
        sa.literal_column("'mark'", sa.Text), r.at - r.at % sa.literal_column(str(DAY)),
        sa.literal_column("''", sa.Text), *nothing,
    ).where(r.workspace == ours, IS_SHARED, r.at >= first - DAY, r.at <= last + 2 * DAY)  # fmt: skip
    kept_in = sa.select(
        sa.literal_column("'zone'", sa.Text), sa.literal_column("0", BigInteger), _z.zone, *nothing
    ).where(_z.workspace == ours)
    found = _Look("", set(), [])
    for what, day, text, *numbers in conn.execute(sa.union_all(kept_in, marks, whose.distinct(), sums)):
        if what == "zone":
            found = found._replace(zone=text)
        elif what == "mark":
            found.marked.add(day)
        else:
            found.sums.append((day, Revenue(str(day), text, *map(int, numbers))))
    return found


def _cut(question: Question, zone: ZoneInfo) -> set[int]:
    """Days at the ends of the period that do not lie in it whole."""
    near = {day_of(at, zone) + step for at in (question.since, question.until) for step in (-DAY, 0, DAY)}
    return {
        day
        for day in near
        if any(a < question.since or b > question.until for a, b in parts_of(day, zone))
    }  # fmt: skip


def _touched(marked: Collection[int], zone: ZoneInfo) -> set[int]:
    """The shop's days that share a moment with these days of UTC."""
    near = {day + step for day in marked for step in (-DAY, 0, DAY)}
    return {
        local
        for local in near
        if any(a - a % DAY in marked or (b - 1) - (b - 1) % DAY in marked for a, b in parts_of(local, zone))
    }


def _joined(parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same moments in as few pieces as can be."""
    found: list[tuple[int, int]] = []
    for a, b in sorted(parts):
        if found and a <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], b))
        else:
            found.append((a, b))
    return found


def _together(by: str, live: Sequence[Revenue], kept: Iterable[tuple[int, Revenue]]) -> list[Revenue]:
    found = {(one.key, one.currency): one for one in live}
    for _, one in kept:
        key = one.key if by == "day" else one.currency
        before = found.get((key, one.currency), Revenue(key, one.currency, 0, 0, 0, 0))
        numbers = (mine + more for mine, more in zip(before[2:], one[2:], strict=True))
        found[key, one.currency] = Revenue(key, one.currency, *numbers)
    return [found[key] for key in sorted(found)]


class _Due(NamedTuple):
    """Days of a shop to be summed anew, and the marks that ask for it."""

    workspace: WorkspaceId
    zone: ZoneInfo
    marks: list[int]
    days: set[int]
    """The shop's."""
    more: bool
    """Whether there are other marks than these."""


def _is_due(conn: Connection, turn: Turn) -> bool:
    return conn.execute(sa.select(_m.id).limit(1)).first() is not None or _moved(conn) is not None


def _moved(conn: Connection) -> tuple[WorkspaceId, str] | None:
    """A shop whose sums are not in its zone, and the zone."""
    known = {row.workspace: row.zone for row in conn.execute(sa.select(revenue_zones))}
    shops = ((shop.id, zone_named(shop.settings.time_zone).key) for shop in all_workspaces(conn))
    return next(((shop, zone) for shop, zone in shops if known.get(shop) != zone), None)


def _run(turn: Turn) -> int:
    with turn.db.read() as conn:
        moved = _moved(conn)
        due = None if moved else _next(conn)
        sums = _sums(conn, due) if due else []
    if moved is None and due is None:
        return 0
    if moved or (due and due.more):
        turn.again()  # else what is marked meanwhile waits: a day that is being filled is not summed without end
    with turn.write() as conn:
        if moved:
            _begin(conn, *moved)
        elif due:
            _keep(conn, due, sums)
    return 1


def _begin(conn: Connection, workspace: WorkspaceId, zone: str) -> None:
    """Sum everything anew in this zone."""
    upsert(conn, revenue_zones, [{"workspace": workspace, "zone": zone}], key=("workspace",), update=("zone",))
    conn.execute(revenue_days.delete().where(_d.workspace == workspace))
    for table in (orders, refunds):
        mark_of_orders(conn, table.c.workspace == workspace, table=table)


def _next(conn: Connection) -> _Due | None:
    query = sa.select(_m.workspace, _m.day, _m.id).order_by(_m.workspace, _m.day).limit(MARKS_A_TURN)
    rows = conn.execute(query).all()
    if not rows:
        return None
    workspace = WorkspaceId(rows[0].workspace)
    first = sorted({row.day for row in rows if row.workspace == workspace})[:DAYS_A_TURN]
    marks = [row.id for row in rows if row.workspace == workspace and row.day <= first[-1]]
    zone = zone_of(conn, workspace)
    more = len(marks) < len(rows) or len(rows) == MARKS_A_TURN
    return _Due(workspace, zone, marks, _touched(set(first), zone), more)


def _sums(conn: Connection, due: _Due) -> list[Revenue]:
    """The days of `due` from the orders themselves, after the marks were read: what comes later leaves a mark."""
    ranges = [Range(a, b) for a, b in _joined(part for day in due.days for part in parts_of(day, due.zone))]
    asked = Question(
        workspace=due.workspace, since=ranges[0].since, until=ranges[-1].until, by="day", zone=due.zone.key
    )
    return revenue_live(conn, asked, ranges=ranges)


def _keep(conn: Connection, due: _Due, sums: Sequence[Revenue]) -> None:
    gone = conn.execute(revenue_marks.delete().where(_m.id.in_(due.marks))).rowcount
    if gone < len(due.marks):  # another worker summed some of them, and may know more: once more, from the beginning
        mark(conn, due.workspace, (at for day in due.days for a, b in parts_of(day, due.zone) for at in (a, b - 1)))
        return
    conn.execute(revenue_days.delete().where(_d.workspace == due.workspace, _d.day.in_(sorted(due.days))))
    rows = [{**one._asdict(), "workspace": due.workspace, "day": int(one.key)} for one in sums]
    insert_rows(conn, revenue_days, [{name: row[name] for name in _COLUMNS} for row in rows])


_COLUMNS = [column.name for column in revenue_days.columns]

SUMMING = Job(
    name="orders.sums",
    title="Revenue is summed by day",
    due=_is_due,
    run=_run,
    at_most=100,
    pause_seconds=20.0,
)
