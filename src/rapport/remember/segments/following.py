"""Keeps memberships true: after a fact, a merge or split, an edit, and when the clock alone changes the answer.

All of it happens in the transaction that brings the customers' lines up to date, and only for customers of whom
something has changed. The record before tells which fields are others; segments that ask none of them are not asked.
Callers hold the shop's lock SUMMARIES on PostgreSQL, so one transaction at a time writes memberships of a shop.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy
from rapport.kernel.clock import SECOND
from rapport.kernel.identifiers import bucket_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import membership
from rapport.remember.customers import Summarised
from rapport.remember.registry import Remembered
from rapport.remember.segments.book import Book, Library, Ready, asked_in
from rapport.remember.segments.evaluating import NEVER, Clock
from rapport.remember.segments.facts import ENTERED, LEFT
from rapport.remember.segments.fields import Fields, Record
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.stated import about_identifier, names_of
from rapport.resolve.graph.store import roots_of
from rapport.storage.bulk import chunks, upsert
from rapport.storage.locks import Lock, lock_each
from rapport.storage.log import LogRow, append
from rapport.storage.lookup import change_among, select_among
from rapport.storage.prepared import Prepared
from rapport.storage.workspaces import all_workspaces

__all__ = ["Following", "fill_now", "filling_shops", "is_due"]

_r, _m, _s = membership.records.c, membership.members.c, membership.segments.c
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).toordinal()


AT_ONCE = 1_000
"""Customers that are asked before a new segment is answered, about 50 ms."""


class _Held(NamedTuple):
    """A record as the table has it."""

    record: Record
    next_at: int


class _Change(NamedTuple):
    """Somebody who came into a segment or is in it no more."""

    segment: Ready
    root: Key
    has_entered: bool
    cause: str
    """Empty for those who were in it from the start, of whom nothing is stated."""


class _Filling(NamedTuple):
    """A segment that is being filled: customers up to `filled_to` have been asked."""

    filled_to: bytes
    is_told: bool


Memberships = dict[Key, dict[int, int]]
"""By customer: the segments they are in, with since when."""


class Following:
    """Keeps the memberships of all shops. One per process; not thread-safe."""

    def __init__(self, remembered: Remembered) -> None:
        self.fields = Fields(remembered)
        self.parts = self.fields.parts
        self._library = Library(self.fields)

    def follow(
        self, conn: Connection, workspace: WorkspaceId, told: Mapping[Key, Summarised], gone: Collection[Key], now: int
    ) -> list[LogRow]:
        """Take in customers whose lines were made anew or are no more; returns the facts to state."""
        book = self._book(conn, workspace)
        held = _held(conn, workspace, told)
        own = _memberships(conn, workspace, [*told, *gone])
        before = {root: dict(own.get(root, {})) for root in told}
        moved = {old: new for old, new in roots_of(conn, workspace, gone).items() if new in told and own.get(old)}
        for old, new in moved.items():
            for segment, since in own[old].items():
                before[new][segment] = min(since, before[new].get(segment, since))
        _forget(conn, workspace, gone)
        asking = _Asking(book, Clock(now, book.zone), _filling(conn, workspace, book), "fact")
        changes, rows, heirs = list[_Change](), [], set(moved.values())
        for root, summarised in told.items():
            record = self.fields.record(*summarised[:3], now=now, choices=summarised.choices)
            old_row = held.get(root)
            next_at, found = asking.ask(root, record, old_row, before[root], wholly=root in heirs)
            changes += found
            if old_row is None or root in heirs or old_row.record != record or old_row.next_at != next_at:
                rows.append(_row(workspace, root, record, next_at))
        _keep(conn, rows)
        return self._write(conn, workspace, book, changes, own=own, before=before, now=now)

    def pass_time(self, conn: Connection, buckets: Sequence[int], *, now: int, limit: int) -> tuple[int, list[LogRow]]:
        """Ask again those whose membership may have changed by now through the clock alone."""
        rows = conn.execute(_due(buckets, now).limit(limit)).all()
        stated: list[LogRow] = []
        for workspace in sorted({WorkspaceId(row.workspace) for row in rows}):
            lock_each(conn, Lock.SUMMARIES, [workspace])
            roots = [Key(row.root) for row in rows if row.workspace == workspace]
            stated += self._ask_again(conn, workspace, _held(conn, workspace, roots), now=now, cause="clock")
        return len(rows), stated

    def fill(self, conn: Connection, workspace: WorkspaceId, *, now: int, limit: int) -> tuple[int, list[LogRow]]:
        """Ask some more customers for the segments that are new or edited; how many, and the facts to state."""
        lock_each(conn, Lock.SUMMARIES, [workspace])
        book = self._book(conn, workspace)
        query = sa.select(_s.id, _s.filled_to).where(_s.workspace == workspace, _s.state == "filling")
        filling = conn.execute(query.order_by(_s.filled_to)).all()
        if not filling:
            return 0, []
        after = filling[0].filled_to
        chosen = {row.id for row in filling if row.filled_to == after}
        page = sa.select(_r.root).where(_r.workspace == workspace, _r.root > after).order_by(_r.root).limit(limit)
        roots = [Key(root) for root in conn.execute(page).scalars()]
        stated = self._ask_again(
            conn, workspace, _held(conn, workspace, roots), now=now, cause="edited", only=chosen
        )  # fmt: skip
        here = (_s.workspace == workspace, _s.id.in_(chosen))
        if len(roots) >= limit:
            conn.execute(sa.update(membership.segments).where(*here).values(filled_to=roots[-1]))
            return len(roots), stated
        number = sa.select(sa.func.count()).where(_m.workspace == workspace, _m.segment == _s.id).scalar_subquery()
        values = {"state": "live", "is_told": True, "size": number, "revision": _next_revision(workspace)}
        conn.execute(sa.update(membership.segments).where(*here).values(values))
        _note_days(conn, workspace, book, Counter(), Counter(dict.fromkeys(chosen, 0)), now=now)
        return len(roots), stated

    # -- asking

    def _book(self, conn: Connection, workspace: WorkspaceId) -> Book:
        """The segments; what is found out about texts that cannot be read, or can be again, is noted."""
        book = self._library.book(conn, workspace)
        if not book.is_settled:
            _ask_anew(conn, workspace, book.asked_in)
            self._library.forget(workspace)
            book = self._library.book(conn, workspace)
        here = _s.workspace == workspace
        for segment, error in book.failed.items():
            query = sa.update(membership.segments).where(here, _s.id == segment, _s.error != error)
            conn.execute(query.values(state="failed", error=error))
        if book.recovered:
            query = sa.update(membership.segments).where(here, _s.id.in_(book.recovered), _s.state == "failed")
            conn.execute(query.values(state="filling", error="", filled_to=b"", revision=_next_revision(workspace)))
        return book

    def _ask_again(
        self, conn: Connection, workspace: WorkspaceId, held: Mapping[Key, _Held], *, now: int, cause: str,
        only: Collection[int] | None = None,
    ) -> list[LogRow]:  # fmt: skip
        """Ask segments (`only` these, whatever changed) of records that are as they were."""
        book = self._book(conn, workspace)
        own = _memberships(conn, workspace, held)
        before = {root: dict(own.get(root, {})) for root in held}
        some = book if only is None else book._replace(ready=[one for one in book.ready if one.id in only])
        asking = _Asking(some, Clock(now, book.zone), _filling(conn, workspace, book), cause)
        changes, rows = list[_Change](), []
        for root, one in held.items():
            next_at, found = asking.ask(root, one.record, one, before[root], wholly=only is not None)
            next_at = next_at if only is None else min(next_at, one.next_at)
            changes += found
            if next_at != one.next_at:
                rows.append(_row(workspace, root, one.record, next_at))
        _keep(conn, rows)
        return self._write(conn, workspace, book, changes, own=own, before=before, now=now)

    # -- writing

    def _write(
        self, conn: Connection, workspace: WorkspaceId, book: Book, changes: Sequence[_Change], *,
        own: Memberships, before: Memberships, now: int,
    ) -> list[LogRow]:  # fmt: skip
        """Write the members and the sizes. `own` are the rows that were there, also of those who are no customer any
        more and whose rows are gone; `before` is what is so without the changes, with what was inherited in a merge.
        """
        after, left = before, defaultdict[int, list[Key]](list)
        entered, gone = Counter[int](), Counter[int]()
        for one in changes:
            if one.has_entered:
                after[one.root][one.segment.id] = now
                entered[one.segment.id] += 1
            else:
                after[one.root].pop(one.segment.id, None)
                left[one.segment.id].append(one.root)
                gone[one.segment.id] += 1
        rows = [
            {"workspace": workspace, "segment": segment, "root": root, "since": since}
            for root, its in sorted(after.items())
            for segment, since in sorted(its.items())
            if own.get(root, {}).get(segment) != since
        ]
        upsert(conn, membership.members, rows, key=("workspace", "segment", "root"), update=("since",))
        for segment, roots in left.items():
            query = sa.delete(membership.members).where(_m.segment == segment)
            change_among(conn, query, workspace, _m.root, roots)
        more = Counter(segment for its in after.values() for segment in its)
        more.subtract(segment for its in own.values() for segment in its)
        _resize(conn, workspace, {segment: number for segment, number in more.items() if number})
        touched = {*entered, *gone, *(segment for segment, number in more.items() if number)}
        entered.update(dict.fromkeys(touched, 0))
        _note_days(conn, workspace, book, gone, entered, now=now)
        told = [one for one in changes if one.cause]
        return _facts(conn, workspace, told, now=now) if told else []


def _resize(conn: Connection, workspace: WorkspaceId, more: Mapping[int, int]) -> None:
    """Change the sizes of segments by so many members."""
    if more:
        here = (_s.workspace == workspace, _s.id == sa.bindparam("one"))
        query = sa.update(membership.segments).where(*here).values(size=_s.size + sa.bindparam("more"))
        conn.execute(query, [{"one": segment, "more": number} for segment, number in sorted(more.items())])


def _note_days(
    conn: Connection, workspace: WorkspaceId, book: Book, gone: Counter[int], entered: Counter[int], *, now: int
) -> None:
    """Note of these segments how many came and went today, and how many there are."""
    segments = sorted({*gone, *entered})
    if not segments:
        return
    query = sa.select(_s.id, _s.size).where(_s.workspace == workspace, _s.id.in_(segments))
    sizes: dict[int, int] = dict(row._tuple() for row in conn.execute(query))
    day = datetime.fromtimestamp(now // SECOND, tz=book.zone).toordinal() - _EPOCH
    rows = [
        {"workspace": workspace, "segment": one, "day": day, "entered": entered[one], "gone": gone[one],
         "size": sizes[one]}
        for one in segments if one in sizes
    ]  # fmt: skip
    upsert(
        conn, membership.days, rows, key=("workspace", "segment", "day"),
        update={"entered": "segment_days.entered + excluded.entered", "gone": "segment_days.gone + excluded.gone",
                "size": "excluded.size"},
    )  # fmt: skip


class _Asking(NamedTuple):
    """What customers are asked in one round, and why."""

    book: Book
    clock: Clock
    filling: Mapping[int, _Filling]
    cause: str

    def ask(
        self, root: Key, record: Record, old: _Held | None, before: Mapping[int, int], *, wholly: bool
    ) -> tuple[int, list[_Change]]:
        """When to ask again, and what changed. Segments that ask nothing that changed are not asked, but `wholly`."""
        known = None if wholly else old
        is_due = known is not None and known.next_at <= self.clock.now
        changed = None
        if known is not None:
            names = known.record.keys() | record.keys()
            changed = {name for name in names if known.record.get(name) != record.get(name)}
        next_at = NEVER if known is None or is_due else known.next_at
        found = []
        for segment in self.book.ready:
            compiled = segment.compiled
            touched = changed is None or not compiled.fields.isdisjoint(changed)
            if not touched and not (is_due and compiled.is_timed):
                continue
            if compiled.is_timed:
                next_at = min(next_at, compiled.next_change(record, self.clock))
            holds = compiled.holds(record, self.clock)
            if holds != (segment.id in before):
                was = None if old is None else old.record
                found.append(_Change(segment, root, holds, self._why(segment, root, was, holds=holds)))
        return next_at, found

    def _why(self, segment: Ready, root: Key, was: Record | None, *, holds: bool) -> str:
        """Who is not asked yet of a segment that is being filled, and is as before, was in it from the start."""
        filling = self.filling.get(segment.id)
        if filling is None or root <= filling.filled_to or was is None:
            return self.cause
        if segment.compiled.holds(was, self.clock) != holds:
            return self.cause
        return "edited" if filling.is_told or not holds else ""


def _filling(conn: Connection, workspace: WorkspaceId, book: Book) -> dict[int, _Filling]:
    """The segments that are being filled, with how far: that changes without a new revision."""
    if not any(one.state == "filling" for one in book.ready):
        return {}
    query = sa.select(_s.id, _s.filled_to, _s.is_told).where(_s.workspace == workspace, _s.state == "filling")
    return {row.id: _Filling(bytes(row.filled_to), bool(row.is_told)) for row in conn.execute(query)}


def _ask_anew(conn: Connection, workspace: WorkspaceId, asked_in: str) -> None:
    """Have all customers asked anew by the shop's time zone and currency, where they were asked by others."""
    here, query = _s.workspace == workspace, sa.update(membership.segments)
    state = sa.case((_s.state == "failed", _s.state), else_="filling")
    others = query.where(here, _s.asked_in.not_in(("", asked_in)))
    conn.execute(
        others.values(asked_in=asked_in, state=state, filled_to=b"", revision=_next_revision(workspace))
    )  # fmt: skip
    conn.execute(query.where(here, _s.asked_in == "").values(asked_in=asked_in))


_MOVES = _r.next_at < sa.literal_column("4611686018427387904")
_IS_DUE = Prepared(
    sa.select(_r.root)
    .where(_r.bucket.in_(sa.bindparam("buckets", expanding=True)), _r.next_at <= sa.bindparam("now"), _MOVES)
    .limit(1)
)


def _due(buckets: Sequence[int], now: int) -> sa.Select[tuple[int, bytes]]:
    query = sa.select(_r.workspace, _r.root).where(_r.bucket.in_(buckets), _r.next_at <= now, _MOVES)
    return query.order_by(_r.next_at)


def is_due(conn: Connection, buckets: Sequence[int], *, now: int) -> bool:
    """Whether the clock may have changed somebody's memberships. One look at an index for each bucket."""
    return bool(buckets) and _IS_DUE.row(conn, buckets=list(buckets), now=now) is not None


def fill_now(conn: Connection, workspace: WorkspaceId, remembered: Remembered, *, now: int) -> None:
    """Ask as many customers as a person need not wait for: a small shop has its segment whole. A job does the rest."""
    _, stated = Following(remembered).fill(conn, workspace, now=now, limit=AT_ONCE)
    append(conn, stated)


def filling_shops(conn: Connection) -> list[WorkspaceId]:
    """The shops with segments that have yet to be asked of somebody, or were asked by another zone or currency."""
    query = sa.select(_s.workspace, _s.asked_in, (_s.state == "filling").label("filling")).distinct()
    rows = conn.execute(query.order_by(_s.workspace)).all()
    now = {shop.id: asked_in(shop.settings) for shop in all_workspaces(conn)} if rows else {}
    found = [WorkspaceId(row.workspace) for row in rows if row.filling or row.asked_in != now.get(row.workspace)]
    return list(dict.fromkeys(found))


def _next_revision(workspace: WorkspaceId) -> sa.ScalarSelect[int]:
    other = membership.segments.alias("other").c
    highest = sa.func.coalesce(sa.func.max(other.revision), 0) + 1
    return sa.select(highest).where(other.workspace == workspace).scalar_subquery()


def _held(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, _Held]:
    query = sa.select(_r.root, _r.record, _r.next_at)
    rows = select_among(conn, query, workspace, _r.root, roots)
    return {Key(row.root): _Held(msgspec.json.decode(row.record), row.next_at) for row in rows}


def _memberships(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> Memberships:
    found: Memberships = {}
    query = sa.select(_m.root, _m.segment, _m.since)
    for root, segment, since in select_among(conn, query, workspace, _m.root, roots):
        found.setdefault(Key(root), {})[segment] = since
    return found


def _row(workspace: WorkspaceId, root: Key, record: Record, next_at: int) -> dict[str, object]:
    body = msgspec.json.encode(record).decode()
    return {"workspace": workspace, "root": root, "bucket": bucket_of(root), "record": body, "next_at": next_at}


def _keep(conn: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    upsert(conn, membership.records, rows, key=("workspace", "root"), update=("record", "next_at"))


def _forget(conn: Connection, workspace: WorkspaceId, gone: Collection[Key]) -> None:
    for some in chunks(sorted(gone), 500):
        change_among(conn, sa.delete(membership.records), workspace, _r.root, some)
        change_among(conn, sa.delete(membership.members), workspace, _m.root, some)


def _facts(conn: Connection, workspace: WorkspaceId, changes: Sequence[_Change], *, now: int) -> list[LogRow]:
    """The facts of these changes, each on the strand of the customer's root; those that name nobody are left out."""
    ids, policy = load_customer_ids(conn), identifier_policy(settings_of(conn, workspace))
    names = names_of(conn, workspace, {one.root for one in changes})
    rows = []
    for one in changes:
        if one.root not in names:
            continue
        kind = ENTERED if one.has_entered else LEFT
        namespace, value = names[one.root]
        properties = {"segment": one.segment.name, "customer_id": ids.customer_id(one.root), "cause": one.cause}
        ident = f"segment-{'in' if one.has_entered else 'out'}-{one.segment.id}-{one.root.hex()}-{now}"
        row = about_identifier(
            workspace, kind, ident, namespace, value, properties=properties, policy=policy, now=now
        )  # fmt: skip
        rows += [row] if row is not None and row.strand == one.root else []
    return rows
