"""Which pairs deserve a person: likely but undecidable ones, what deciding is worth first, so many a week.

A pair that a model found waits until it is weighed: by what the model in force makes of it, whether the two contradict
each other, and what both customers are worth. Few enough are then asked, the worthiest first; the rest waits for a week
that has room. What is scored anew is weighed anew, and what was asked stays asked unless it deserves it no more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.person_names import may_be_one, person_name
from rapport.resolve.graph.store import evidence, identifiers, roots_of
from rapport.resolve.linking.models import active_version
from rapport.resolve.linking.records import fields_among
from rapport.resolve.linking.review import opinion_of
from rapport.resolve.linking.store import CandidateStatus, link_candidates, link_records
from rapport.storage.lookup import select_among

__all__ = ["ANYTHING", "Bounds", "WorthOf", "choose", "contradict", "waiting_shops"]

WorthOf = Callable[[Connection, WorkspaceId, Collection[Key]], Mapping[Key, int]]
"""What each customer, by root, is worth being known rightly: a whole number from 0; who is not named is worth 0."""

WEEK = 7 * DAY

_CUSTOMERS_A_PAIR = 40
"""One pair a week for so many records: 50 for 2,000."""

_AT_LEAST_A_WEEK = 10

_AT_ONCE_DAYS = 7

_FINE = 1_000_000
"""Parts of a point of worth, so that of two pairs of equal worth the likelier comes first."""

_table = link_candidates.c
_waits = _table.status.in_((CandidateStatus.REVIEW.value, CandidateStatus.REFUSED.value))


class Bounds(NamedTuple):
    """Which pairs are asked, and how many. Above there is no bound: what is surer is tied without asking, unless
    something stands against it.
    """

    least: float = 0.2
    """The probability that they are one person."""
    a_week: int | None = None
    """None: by the number of records."""


ANYTHING = Bounds(0.0, 1_000_000)


class _Pair(NamedTuple):
    id: bytes
    a: Key
    b: Key
    millibits: int


def waiting_shops(conn: Connection, *, now: int) -> list[WorkspaceId]:
    """The workspaces with pairs to weigh, or with pairs weighed for which the week has room. Two index look-ups."""
    unweighed = sa.select(_table.workspace).where(_waits, _table.worth.is_(None)).distinct()
    found = {WorkspaceId(shop) for shop in conn.execute(unweighed).scalars()}
    spare = sa.select(_table.workspace).where(_waits, _table.worth > 0, _table.asked_at.is_(None)).distinct()
    for shop in conn.execute(spare).scalars():
        if shop not in found and _room(conn, WorkspaceId(shop), Bounds(), now) > 0:
            found.add(WorkspaceId(shop))
    return sorted(shop for shop in found if active_version(conn, shop) is not None)


def choose(
    conn: Connection, workspace: WorkspaceId, worth_of: WorthOf, *, now: int, limit: int = 200,
    bounds: Bounds = Bounds(),  # noqa: B008  # a tuple
) -> int:  # fmt: skip
    """Weigh at most `limit` pairs; once all are, ask as many as the week has room for. Returns the pairs it touched.

    A constant number of statements for each 500 pairs.
    """
    query = sa.select(_table.id, _table.a, _table.b, _table.millibits)
    query = query.where(_table.workspace == workspace, _waits, _table.worth.is_(None)).order_by(_table.id).limit(limit)
    rows = [_Pair(bytes(r.id), Key(r.a), Key(r.b), r.millibits) for r in conn.execute(query)]
    if rows:
        _write(conn, workspace, rows, _worths(conn, workspace, rows, worth_of, bounds))
    return len(rows) if len(rows) == limit else len(rows) + _ask(conn, workspace, bounds, now)


def contradict(left: Mapping[str, str], right: Mapping[str, str]) -> bool:
    """True where two records' names or dates of birth cannot be one person's.

    >>> contradict({"first_name": "Ada"}, {"first_name": "Bo"}), contradict({"name": "Ada King"}, {"email": "a@x.de"})
    (True, False)
    """
    one, other = person_name(left), person_name(right)
    return one is not None and other is not None and not may_be_one(one, other)


def _worths(
    conn: Connection, workspace: WorkspaceId, rows: Collection[_Pair], worth_of: WorthOf, bounds: Bounds
) -> dict[bytes, int]:
    """By pair what deciding it is worth, at least 1; 0 of a pair that nobody need decide."""
    keys = {end for row in rows for end in (row.a, row.b)}
    fields, roots = fields_among(conn, workspace, keys), roots_of(conn, workspace, keys)
    worth = worth_of(conn, workspace, set(roots.values()))
    chances = opinion_of(conn, workspace, [(row.a, row.b) for row in rows], fields)
    spans = _accounts(conn, workspace, set(roots.values())) if bounds.least > 0 else {}
    found: dict[bytes, int] = {}
    for row in rows:
        chance = chances.get((row.a, row.b), 0.0)
        likely = chance >= bounds.least and row.a in roots and row.b in roots
        if not likely or (bounds.least > 0 and contradict(fields[row.a], fields[row.b])):
            continue
        if not _at_once(spans.get(roots[row.a]), spans.get(roots[row.b])):
            both = worth.get(roots[row.a], 0) + worth.get(roots[row.b], 0)
            found[row.id] = max(1, round(_FINE * chance * (1 + both)))
    return {row.id: found.get(row.id, 0) for row in rows}


def _accounts(conn: Connection, workspace: WorkspaceId, roots: Collection[Key]) -> dict[Key, tuple[int, int]]:
    """Customer → first and last day on which an account of theirs was seen with anything; who has none is left out."""
    one, seen = identifiers.c, evidence.c
    query = sa.select(one.key, one.root).where(one.namespace == "user_id")
    whose = {Key(row.key): Key(row.root) for row in select_among(conn, query, workspace, one.root, roots)}
    query = sa.select(seen.a, sa.func.min(seen.first_at), sa.func.max(seen.last_day)).group_by(seen.a)
    spans: dict[Key, tuple[int, int]] = {}
    for key, first_at, last in select_among(conn, query, workspace, seen.a, whose):
        before = spans.get(whose[Key(key)], (first_at // DAY, last))
        spans[whose[Key(key)]] = min(before[0], first_at // DAY), max(before[1], last)
    return spans


def _at_once(one: tuple[int, int] | None, other: tuple[int, int] | None) -> bool:
    """Whether two accounts were in use side by side: as a rule two people's. A new one after a lost one is not."""
    return one is not None and other is not None and min(one[1], other[1]) - max(one[0], other[0]) >= _AT_ONCE_DAYS


def _write(conn: Connection, workspace: WorkspaceId, rows: Collection[_Pair], worths: Mapping[bytes, int]) -> None:
    here = (_table.workspace == workspace, _table.id == sa.bindparam("one"), _table.millibits == sa.bindparam("was"))
    weighed = [{"one": row.id, "was": row.millibits, "weighed": worths[row.id]} for row in rows]
    conn.execute(link_candidates.update().where(*here).values(worth=sa.bindparam("weighed")), weighed)


def _ask(conn: Connection, workspace: WorkspaceId, bounds: Bounds, now: int) -> int:
    room = _room(conn, workspace, bounds, now)
    if room <= 0:
        return 0
    here = (_table.workspace == workspace, _waits, _table.worth > 0, _table.asked_at.is_(None))
    query = sa.select(_table.id).where(*here).order_by(_table.worth.desc(), _table.id).limit(room)
    chosen = [{"one": bytes(ident)} for ident in conn.execute(query).scalars()]
    if chosen:
        one = (_table.workspace == workspace, _table.id == sa.bindparam("one"))
        conn.execute(link_candidates.update().where(*one).values(asked_at=now), chosen)
    return len(chosen)


def _room(conn: Connection, workspace: WorkspaceId, bounds: Bounds, now: int) -> int:
    """How many more pairs may be asked this week."""
    allowed = bounds.a_week
    if allowed is None:
        records = sa.select(sa.func.count()).where(link_records.c.workspace == workspace)
        allowed = max(_AT_LEAST_A_WEEK, int(conn.execute(records).scalar_one()) // _CUSTOMERS_A_PAIR)
    asked = sa.select(sa.func.count()).where(_table.workspace == workspace, _table.asked_at > now - WEEK)
    return allowed - int(conn.execute(asked).scalar_one())
