"""One digest over all Golden Records: equal facts give equal digests, whatever the engine, the order or the workers.

Each customer's identifiers and traits are written as canonical JSON and hashed; the hashes are added modulo 2^256, so
the order in which customers are visited does not matter and memory stays small. Left out is what differs between two
installations that know the same: customer ids, ids of sources, when facts were received, what depends on the time of
asking (records are read as of 1970, when no cart was abandoned yet), and traits that a fact of Rapport's own decides,
such as a prediction, whose day is the worker's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, TypedDict

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.golden import Gathered, gather
from rapport.remember.nobodys import without_nobodys
from rapport.remember.registry import Remembered
from rapport.resolve.graph.store import identifiers
from rapport.storage.log import facts
from rapport.storage.workspaces import all_workspaces

__all__ = ["Digest", "digest", "workspace_digest"]

PAGE = 500


class Digest(TypedDict):
    """What two installations compare."""

    digest: str
    customers: int
    """Customers of whom there is at least one fact."""
    facts: int
    """Facts collected, folded or not. Those that Rapport itself states (`Cart Abandoned`) follow from them and from
    when they came, and are left out."""


def digest(conn: Connection, *, remembered: Remembered) -> Digest:
    """The digest over all workspaces. Cost: reads every identifier and every strand once."""
    shops: list[tuple[str, str]] = []
    customers = 0
    for workspace in all_workspaces(conn):
        total, number = workspace_digest(conn, workspace.id, remembered=remembered)
        shops.append((workspace.slug, f"{total:064x}"))
        customers += number
    query = sa.select(sa.func.count()).select_from(facts).where(facts.c.source != OWN_SOURCE)
    collected = int(conn.execute(query).scalar_one())
    body = msgspec.json.encode(sorted(shops))
    return Digest(digest=hashlib.sha256(body).hexdigest(), customers=customers, facts=collected)


def workspace_digest(conn: Connection, workspace: WorkspaceId, *, remembered: Remembered) -> tuple[int, int]:
    """The sum of the hashes of a shop's Golden Records modulo 2^256, and how many have been through something."""
    total = customers = 0
    for found in _customers(conn, workspace, remembered):
        total += int.from_bytes(hashlib.sha256(_canonical(found, remembered)).digest(), "big")
        customers += found.state is not None
    return total % (1 << 256), customers


def _customers(conn: Connection, workspace: WorkspaceId, remembered: Remembered) -> Iterator[Gathered]:
    root = identifiers.c.root
    last = b""
    while True:
        query = sa.select(root).distinct().where(identifiers.c.workspace == workspace, root > last)
        page = [Key(found) for found in conn.execute(query.order_by(root).limit(PAGE)).scalars()]
        if not page:
            return
        gathered = gather(conn, workspace, page, remembered=remembered)
        known = {root: found.state for root, found in gathered.items() if found.state is not None}
        known = without_nobodys(conn, workspace, known, remembered)
        yield from (found._replace(state=known.get(root)) for root, found in gathered.items())
        last = page[-1]


def _canonical(found: Gathered, remembered: Remembered) -> bytes:
    traits: dict[str, list[Any]] = {
        name: [held.value, held.occurred_at, held.fact_id]
        for name, held in remembered.read(found.state or {}, now=0).items()
        if held.source != OWN_SOURCE
    }
    names = sorted([one.namespace, one.value] for one in found.members)
    return msgspec.json.encode([names, traits], order="deterministic")
