"""What is popular at a moment: in a store at a part of the day, in a store, in a weather, on a device; and fades.

Meetings are counted by week, so no count depends on the order in which facts come; what is read weighs a week by its
age, half as much every two of them. A candidate for who is met for the first time, behind what goes with a product.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Integer, Table

from rapport.capabilities.recommendations.surroundings import WEEK, Moment
from rapport.kernel.clock import MINUTE
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, Database, metadata
from rapport.storage.prepared import Prepared

__all__ = ["KEPT", "MEETINGS", "Popular", "add_moments", "popular_at", "product_moments"]

_FADES = (64, 45, 32, 23, 16, 11, 8, 6)
"""What a meeting of so many weeks ago counts, in 64ths: half as much every two weeks."""
KEPT = len(_FADES) * WEEK
MEETINGS = 5
"""Fresh ones that a product needs at a moment before it is said to be popular then; fewer are chance."""
READ_EVERY = 5 * MINUTE
"""What is popular at a moment changes slowly, and reading it looks at all that was met then."""
_MOST = 50
_MOST_KEPT = 2_000

product_moments = Table(
    "product_moments",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("moment", CText, primary_key=True),
    Column("week", Integer, primary_key=True),
    Column("product_id", CText, primary_key=True),
    Column("met", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""`moment`: a key of `surroundings.moments_of`; `met`: views, and orders as many times as `BOUGHT_WEIGHT`."""


class Popular(NamedTuple):
    """A product that is popular at a moment, from 0 to 1, and at which of them it is most."""

    share: float
    kind: str


def add_moments(conn: Connection, met: Mapping[tuple[WorkspaceId, str, int, str], int]) -> None:
    """Add meetings, by shop, key of a moment, week and product. In the order of their keys workers cannot deadlock."""
    rows = [
        {"workspace": key[0], "moment": key[1], "week": key[2], "product_id": key[3], "met": number}
        for key, number in sorted(met.items())
    ]
    upsert(
        conn, product_moments, rows, key=("workspace", "moment", "week", "product_id"),
        update={"met": "product_moments.met + excluded.met"},
    )  # fmt: skip


def popular_at(
    conn: Connection, db: Database | None, workspace: WorkspaceId, moments: Sequence[Moment], *, now: int
) -> dict[str, Popular]:
    """The products that are popular at these moments, best first; what was read lately is not read again."""
    shares: dict[str, float] = {}
    kinds: dict[str, str] = {}
    for moment in moments:
        found = _read(conn, db, workspace, moment.key, now)
        most = max(found.values(), default=0)
        for product_id, met in found.items():
            shares[product_id] = shares.get(product_id, 0.0) + moment.weight * met / most
            kinds.setdefault(product_id, moment.kind)
    best = sorted(shares, key=lambda product_id: (-shares[product_id], product_id))[:_MOST]
    whole = sum(moment.weight for moment in moments) or 1.0
    return {product_id: Popular(shares[product_id] / whole, kinds[product_id]) for product_id in best}


class _Known:
    """What was read of a database lately."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.by_key: dict[tuple[WorkspaceId, str], tuple[int, dict[str, int]]] = {}


_known: WeakKeyDictionary[Database, _Known] = WeakKeyDictionary()


def _read(conn: Connection, db: Database | None, workspace: WorkspaceId, key: str, now: int) -> dict[str, int]:
    if db is None:
        return dict(_rows(conn, workspace, key, now))
    known = _known.setdefault(db, _Known())
    slot = now // READ_EVERY
    with known.lock:
        kept = known.by_key.get((workspace, key))
    if kept is not None and kept[0] == slot:
        return kept[1]
    found = dict(_rows(conn, workspace, key, now))
    if found:  # what nobody was met at may be any text of a stranger's, and is found to be nothing at once
        with known.lock:
            if len(known.by_key) >= _MOST_KEPT:
                known.by_key = {one: kept for one, kept in known.by_key.items() if kept[0] == slot}
            if len(known.by_key) < _MOST_KEPT:
                known.by_key[workspace, key] = (slot, found)
    return found


def _rows(conn: Connection, workspace: WorkspaceId, key: str, now: int) -> Iterator[tuple[str, int]]:
    rows = _POPULAR.rows(conn, ws=workspace, moment=key, this=now // WEEK, least=MEETINGS * _FADES[0])
    return ((row[0], int(row[1])) for row in rows)


def _popular() -> sa.Select[tuple[str, int]]:
    c, this = product_moments.c, sa.bindparam("this", type_=Integer)
    fading = sa.case(*((c.week == this - age, weight) for age, weight in enumerate(_FADES)), else_=0)
    met = sa.func.sum(c.met * fading)
    return (
        sa.select(c.product_id, met)
        .where(
            c.workspace == sa.bindparam("ws"), c.moment == sa.bindparam("moment"), c.week > this - len(_FADES),
            c.week <= this,
        )
        .group_by(c.product_id)
        .having(met >= sa.bindparam("least", type_=Integer))
        .order_by(met.desc(), c.product_id)
        .limit(_MOST)
    )  # fmt: skip


_POPULAR = Prepared(_popular())
