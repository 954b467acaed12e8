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
from rapport.remember.segments.book import Book, Library, Ready
from rapport.remember.segments.evaluating import NEVER, Clock
from rapport.remember.segments.facts import ENTERED, LEFT
from rapport.remember.segments.fields import Fields, Record
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.stated import about_identifier, names_of
from rapport.resolve.graph.store import roots_of
from rapport.storage.bulk import chunks, insert_ignore, upsert
from rapport.storage.locks import Lock, lock_each
from rapport.storage.log import LogRow, append
from rapport.storage.lookup import change_among, select_among

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
        before = _memberships(conn, workspace, [*told, *gone])
        moved: set[Key] = set()
        for old, new in roots_of(conn, workspace, gone).items():
            if new in told and before.get(old):
                before.setdefault(new, {}).update(before[old])
                moved.add(new)
        _forget(conn, workspace, gone)
        clock, changes, rows = Clock(now, book.zone), list[_Change](), []
        for root, summarised in told.items():
            record = self.fields.record(*summarised[:3], now=now, choices=summarised.choices)
            old_row = None if root in moved else held.get(root)
            next_at, found = _ask(book, root, record, old_row, before.get(root, {}), clock, cause="fact")
            changes += found
            if old_row is None or old_row.record != record or old_row.next_at != next_at:
                rows.append(_row(workspace, root, record, next_at))
        _keep(conn, rows)
        inherited = {root: before[root] for root in moved}
        lost = {segment for root in gone for segment in before.get(root, ())}
        return self._write(conn, workspace, book, changes, now=now, inherited=inherited, lost=lost)

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
        query = sa.select(_s.id, _s.filled_to, _s.version).where(_s.workspace == workspace, _s.state == "filling")
        filling = conn.execute(query.order_by(_s.filled_to)).all()
        if not filling:
            return 0, []
        after = filling[0].filled_to
        some = [row for row in filling if row.filled_to == after]
        page = sa.select(_r.root).where(_r.workspace == workspace, _r.root > after).order_by(_r.root).limit(limit)
        roots = [Key(root) for root in conn.execute(page).scalars()]
        chosen = {row.id for row in some}
        quiet = {row.id for row in some if row.version == 1}
        stated = self._ask_again(
            conn, workspace, _held(conn, workspace, roots), now=now, cause="edited", only=chosen, quiet=quiet
        )
        ended = len(roots) < limit
        values = {"state": "live", "revision": _next_revision(workspace)} if ended else {"filled_to": roots[-1]}
        here = (_s.workspace == workspace, _s.id.in_(chosen))
        conn.execute(sa.update(membership.segments).where(*here).values(values))
        if ended:
            self._note_days(conn, workspace, book, Counter(), Counter(dict.fromkeys(chosen, 0)), now=now)
        return len(roots), stated

    # -- asking

    def _book(self, conn: Connection, workspace: WorkspaceId) -> Book:
        """The segments; what is found out about texts that cannot be read, or can be again, is noted."""
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
        only: Collection[int] | None = None, quiet: Collection[int] = (),
    ) -> list[LogRow]:  # fmt: skip
        """Ask segments of records that are as they were; `quiet` ones state nothing."""
        book = self._book(conn, workspace)
        before = _memberships(conn, workspace, held)
        clock, changes, rows = Clock(now, book.zone), list[_Change](), []
        for root, one in held.items():
            if only is None:
                next_at, found = _ask(book, root, one.record, one, before.get(root, {}), clock, cause=cause)
            else:
                some = book._replace(ready=[segment for segment in book.ready if segment.id in only])
                next_at, found = _ask(some, root, one.record, None, before.get(root, {}), clock, cause=cause)
                next_at = min(next_at, one.next_at)
            changes += found
            if next_at != one.next_at:
                rows.append(_row(workspace, root, one.record, next_at))
        _keep(conn, rows)
        return self._write(conn, workspace, book, changes, now=now, quiet=quiet)

    # -- writing

    def _write(
        self, conn: Connection, workspace: WorkspaceId, book: Book, changes: Sequence[_Change], *, now: int,
        inherited: Mapping[Key, Mapping[int, int]] | None = None, lost: Collection[int] = (),
        quiet: Collection[int] = (),
    ) -> list[LogRow]:  # fmt: skip
        """Write the members; `inherited` are those of customers that were merged into another, with since when; of
        `lost` segments a member is no customer any more.
        """
        left = defaultdict[int, list[Key]](list)
        for one in changes:
            if not one.has_entered:
                left[one.segment.id].append(one.root)
        came = [(one.segment.id, one.root, now) for one in changes if one.has_entered]
        stays = {(segment, root) for root, its in (inherited or {}).items() for segment in its}
        stays -= {(segment, root) for segment, roots in left.items() for root in roots}
        came += [(segment, root, (inherited or {})[root][segment]) for segment, root in stays]
        rows = [{"workspace": workspace, "segment": s, "root": r, "since": at} for s, r, at in sorted(set(came))]
        insert_ignore(conn, membership.members, rows, key=("workspace", "segment", "root"))
        for segment, roots in left.items():
            query = sa.delete(membership.members).where(_m.segment == segment)
            change_among(conn, query, workspace, _m.root, roots)
        touched = {one.segment.id for one in changes} | {segment for segment, _ in stays} | set(lost)
        entered = Counter(dict.fromkeys(touched, 0))
        entered.update(one.segment.id for one in changes if one.has_entered)
        if touched:
            gone = Counter({segment: len(roots) for segment, roots in left.items()})
            self._note_days(conn, workspace, book, gone, entered, now=now)
        told = [one for one in changes if one.segment.id not in quiet]
        return _facts(conn, workspace, told, now=now) if told else []

    def _note_days(
        self, conn: Connection, workspace: WorkspaceId, book: Book, gone: Counter[int], entered: Counter[int], *,
        now: int,
    ) -> None:  # fmt: skip
        """Count the members of these segments anew where they changed, and note the day's."""
        segments = sorted({*gone, *entered})
        query = sa.select(_m.segment, sa.func.count()).where(_m.workspace == workspace, _m.segment.in_(segments))
        sizes: dict[int, int] = dict(row._tuple() for row in conn.execute(query.group_by(_m.segment)))
        day = datetime.fromtimestamp(now // SECOND, tz=book.zone).toordinal() - _EPOCH
        for segment in segments:
            here = (_s.workspace == workspace, _s.id == segment)
            conn.execute(sa.update(membership.segments).where(*here).values(size=sizes.get(segment, 0)))
        rows = [
            {"workspace": workspace, "segment": one, "day": day, "entered": entered[one], "gone": gone[one],
             "size": sizes.get(one, 0)}
            for one in segments
        ]  # fmt: skip
        upsert(
            conn, membership.days, rows, key=("workspace", "segment", "day"),
            update={"entered": "segment_days.entered + excluded.entered", "gone": "segment_days.gone + excluded.gone",
                    "size": "excluded.size"},
        )  # fmt: skip


def _ask(
    book: Book, root: Key, record: Record, old: _Held | None, before: Mapping[int, int], clock: Clock, *, cause: str
) -> tuple[int, list[_Change]]:
    """When to ask again, and what changed. Segments that ask nothing that changed are not asked."""
    changed = None
    is_due = old is not None and old.next_at <= clock.now
    if old is not None:
        names = old.record.keys() | record.keys()
        changed = {name for name in names if old.record.get(name) != record.get(name)}
    next_at = NEVER if old is None or is_due else old.next_at
    found = []
    for segment in book.ready:
        compiled = segment.compiled
        touched = changed is None or not compiled.fields.isdisjoint(changed)
        if not touched and not (is_due and compiled.is_timed):
            continue
        if compiled.is_timed:
            next_at = min(next_at, compiled.next_change(record, clock))
        holds = compiled.holds(record, clock)
        if holds != (segment.id in before):
            found.append(_Change(segment, root, holds, cause))
    return next_at, found


def _due(buckets: Sequence[int], now: int) -> sa.Select[tuple[int, bytes]]:
    moves = _r.next_at < sa.literal_column("4611686018427387904")
    query = sa.select(_r.workspace, _r.root).where(_r.bucket.in_(buckets), _r.next_at <= now, moves)
    return query.order_by(_r.next_at)


def is_due(conn: Connection, buckets: Sequence[int], *, now: int) -> bool:
    """Whether the clock may have changed somebody's memberships. One look at an index for each bucket."""
    return conn.execute(_due(buckets, now).order_by(None).limit(1)).first() is not None


def fill_now(conn: Connection, workspace: WorkspaceId, remembered: Remembered, *, now: int) -> None:
    """Ask as many customers as a person need not wait for: a small shop has its segment whole. A job does the rest."""
    _, stated = Following(remembered).fill(conn, workspace, now=now, limit=AT_ONCE)
    append(conn, stated)


def filling_shops(conn: Connection) -> list[WorkspaceId]:
    """The shops with segments that have yet to be asked of somebody."""
    query = sa.select(_s.workspace).where(_s.state == "filling").distinct()
    return [WorkspaceId(workspace) for workspace in conn.execute(query).scalars()]


def _next_revision(workspace: WorkspaceId) -> sa.ScalarSelect[int]:
    other = membership.segments.alias("other").c
    highest = sa.func.coalesce(sa.func.max(other.revision), 0) + 1
    return sa.select(highest).where(other.workspace == workspace).scalar_subquery()


def _held(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, _Held]:
    query = sa.select(_r.root, _r.record, _r.next_at)
    rows = select_among(conn, query, workspace, _r.root, roots)
    return {Key(row.root): _Held(msgspec.json.decode(row.record), row.next_at) for row in rows}


def _memberships(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, dict[int, int]]:
    """By customer: the segments they are in, with since when."""
    found: dict[Key, dict[int, int]] = {}
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
