"""Keeps the lake's Golden Records as they are in the database: what differs is written anew, slice by slice.

The difference is taken between the two, under the lake's lease: so a change is recorded exactly once, whatever is
killed, nothing is added to what folding a fact costs, and who was erased cannot come back from a look before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.membership import records
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import identifiers
from rapport.storage.bulk import chunks
from rapport.storage.engine import Database
from rapport.storage.lake.lease import alone
from rapport.storage.lake.records import SLICES, RecordRow, add_records, seals_of
from rapport.storage.lake.table import Lake
from rapport.storage.workspaces import all_workspaces

__all__ = ["record_all", "record_slice"]

AT_ONCE = 20_000
"""Records of one commit and so of one file: those of a slice of two million customers stay below what is crowded."""
_READ = 2_000
"""Rows that are fetched from the database at a time."""


def record_all(db: Database, lake: Lake) -> int:
    """Record what has changed of all customers; returns of how many."""
    return sum(record_slice(db, lake, slice_) for slice_ in SLICES)


def record_slice(db: Database, lake: Lake, slice_: str) -> int:
    """Record what has changed of the customers of one slice, shop by shop; returns of how many.

    What fails of one shop is raised after the others were recorded. Cost: reads a sixteenth of all records, in the
    database and, hashes alone, in the lake. Memory: `AT_ONCE` records, and the hashes of a shop's slice.
    """
    with db.read() as conn:
        shops = [WorkspaceId(shop.id) for shop in all_workspaces(conn)]
    done, failed = 0, None
    for shop in shops:
        try:
            done += _record_shop(db, lake, shop, slice_)
        except Exception as error:  # noqa: BLE001 - whatever it is, other shops are not to wait for it
            failed = failed or error
    if failed is not None:
        raise failed
    return done


def _record_shop(db: Database, lake: Lake, workspace: WorkspaceId, slice_: str) -> int:
    """The same of one shop, in commits of `AT_ONCE`; one that is killed is gone on with by the next look."""
    done = 0
    with alone(db, lake), db.read() as conn:
        for some in chunks(_changed(conn, lake, workspace, slice_, db.now_us(conn)), AT_ONCE):
            add_records(lake, some)
            done += len(some)
    return done


def _changed(conn: Connection, lake: Lake, workspace: WorkspaceId, slice_: str, now: int) -> Iterator[RecordRow]:
    known, ids = seals_of(lake, workspace, slice_), None
    strands = _strands(conn, workspace, slice_)
    r, held = records.c, next(strands, None)
    query = sa.select(r.root, r.record).where(r.workspace == workspace, *_within(r.root, slice_)).order_by(r.root)
    for key, record in conn.execute(query.execution_options(yield_per=_READ)):
        root = bytes(key)
        while held is not None and held[0] < root:
            held = next(strands, None)
        own = held[1] if held is not None and held[0] == root else [root.hex()]
        text = msgspec.json.encode(own).decode()
        seal = blake2b(f"{text}{record}".encode(), digest_size=12).hexdigest()
        if known.pop(root.hex(), None) != seal:
            ids = ids or load_customer_ids(conn)
            yield RecordRow(workspace, slice_, root.hex(), str(ids.customer_id(Key(root))), seal, text, record, now)
    for gone, seal in known.items():
        if seal:
            yield RecordRow(workspace, slice_, gone, "", "", "[]", None, now)


def _strands(conn: Connection, workspace: WorkspaceId, slice_: str) -> Iterator[tuple[bytes, list[str]]]:
    """Customers of a slice with their strands, in the order of their keys."""
    i = identifiers.c
    query = sa.select(i.root, i.key).where(i.workspace == workspace, *_within(i.root, slice_)).order_by(i.root, i.key)
    for root, rows in groupby(conn.execute(query.execution_options(yield_per=_READ)), key=itemgetter(0)):
        yield bytes(root), [bytes(key).hex() for _, key in rows]


def _within(root: sa.ColumnElement[Any], slice_: str) -> list[sa.ColumnElement[bool]]:
    first = int(slice_, 16) << 4
    last = [] if slice_ == SLICES[-1] else [root < bytes([first + 16])]
    return [root >= bytes([first]), *last]
