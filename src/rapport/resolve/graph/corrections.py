"""What people and policies change about identity: join, withdraw, restore, forbid, allow, and a new policy.

Each runs in the caller's write transaction, takes the workspace's lock, and returns the identifiers whose customer
changed. All of them can be undone, and leave what would be there had they never happened.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import store
from rapport.resolve.graph.model import (
    ACTIVE,
    IDLE,
    WEIGHTS,
    Evidence,
    EvidenceId,
    Kind,
    Known,
    Resolution,
    Status,
    day_of,
    evidence_id,
    oriented,
    resolve,
)
from rapport.resolve.graph.recompute import Moved, Recomputation
from rapport.resolve.graph.renaming import CERTAIN, IN_RENAMING, NOBODYS
from rapport.resolve.graph.store import roots_of
from rapport.storage.bulk import chunks, insert_ignore, insert_rows
from rapport.storage.lookup import among, select_among

__all__ = ["allow", "forbid", "join", "preview", "rebuild", "restore", "withdraw"]


def join(
    conn: Connection, workspace: WorkspaceId, a: Key, b: Key, policy: IdentifierPolicy, *,
    author: str, reason: str, now: int,
) -> list[Moved]:  # fmt: skip
    """Say that two identifiers are one person. The strongest evidence there is; only limits and forbidden pairs stand
    above it, and two names of one namespace count once then. Raises NotFound for an identifier never seen.
    """
    _require_two(a, b)
    store.lock(conn, workspace)
    _require_seen(conn, workspace, (a, b))
    ident = evidence_id(a, b, Kind.JOINED)
    recomputation = Recomputation(conn, workspace, policy, at=now)
    evidence = Evidence(a, b, Kind.JOINED, now, f"join:{ident.hex()}", "rapport", WEIGHTS[Kind.JOINED])
    recomputation.join(evidence, ident, author=author, reason=reason)
    return recomputation.finish()


def withdraw(
    conn: Connection, workspace: WorkspaceId, idents: Collection[EvidenceId], policy: IdentifierPolicy, *,
    author: str, reason: str, now: int,
) -> list[Moved]:  # fmt: skip
    """Take evidence back: it counts no more, also when it is seen again. Raises NotFound where none of it exists."""
    store.lock(conn, workspace)
    _require_evidence(conn, workspace, idents)
    recomputation = Recomputation(conn, workspace, policy, at=now)
    recomputation.withdraw(idents, author=author, reason=reason)
    return recomputation.finish()


def restore(
    conn: Connection, workspace: WorkspaceId, idents: Collection[EvidenceId], policy: IdentifierPolicy, *, now: int
) -> list[Moved]:
    """Undo `withdraw`. Raises NotFound where none of it exists."""
    store.lock(conn, workspace)
    _require_evidence(conn, workspace, idents)
    recomputation = Recomputation(conn, workspace, policy, at=now)
    recomputation.restore(idents)
    return recomputation.finish()


def forbid(
    conn: Connection, workspace: WorkspaceId, a: Key, b: Key, policy: IdentifierPolicy, *,
    author: str, reason: str, now: int,
) -> list[Moved]:  # fmt: skip
    """Never let two identifiers be one customer; where they are, the weakest evidence between them gives way."""
    _require_two(a, b)
    store.lock(conn, workspace)
    row = {"workspace": workspace, "a": min(a, b), "b": max(a, b), "at": now, "author": author, "reason": reason}
    insert_ignore(conn, store.forbidden_pairs, [row], key=["workspace", "a", "b"])
    recomputation = Recomputation(conn, workspace, policy, at=now)
    recomputation.reconsider((a, b))
    return recomputation.finish()


def allow(
    conn: Connection, workspace: WorkspaceId, a: Key, b: Key, policy: IdentifierPolicy, *, now: int
) -> list[Moved]:
    """Undo `forbid`."""
    store.lock(conn, workspace)
    pairs = store.forbidden_pairs.c
    conn.execute(
        store.forbidden_pairs.delete().where(pairs.workspace == workspace, pairs.a == min(a, b), pairs.b == max(a, b))
    )
    recomputation = Recomputation(conn, workspace, policy, at=now)
    recomputation.reconsider((a, b))
    return recomputation.finish()


def preview(conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, *, now: int) -> Resolution:
    """Who would be one customer under another policy. Loads all of the workspace's identifiers and evidence.

    Evidence of a value that the policy blocks counts as withdrawn.
    """
    identifiers, evidence = _everything(conn, workspace, policy)
    return resolve(identifiers, evidence, policy, _forbidden(conn, workspace), today=day_of(now))


def rebuild(conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, *, now: int) -> list[Moved]:
    """Make the stored customers those of `policy`; to be called when it changed, before the next flush under it.

    Those who were seen with a value that is blocked now, or was, are told as moved: it is a trait of theirs no more.

    Evidence of shared identifiers that was never stored cannot come back, so raising `shared_after` frees an identifier
    only where what is stored is not too much for the new bound. Cost: the whole workspace, in memory.
    """
    store.lock(conn, workspace)
    identifiers, evidence = _everything(conn, workspace, policy)
    answer = resolve(identifiers, evidence, policy, _forbidden(conn, workspace), today=day_of(now))
    before = roots_of(conn, workspace, answer.roots)
    blocked = {one.key for one in identifiers if not policy.allows(one.value, one.namespace)}
    changed = _write_roots(conn, workspace, answer, now, _renamed(conn, workspace, answer), blocked)
    _write_statuses(conn, workspace, {one.key: one for one in identifiers}, answer, policy)
    beside = {end for one in evidence if changed & {one.a, one.b} for end in (one.a, one.b)}
    return [
        Moved(workspace, key, before[key], root)
        for key, root in answer.roots.items()
        if before[key] != root or key in beside
    ]


def _everything(
    conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy
) -> tuple[list[Known], list[Evidence]]:
    columns = store.identifiers.c
    query = sa.select(
        columns.key, columns.namespace, columns.value, columns.first_seen_at, columns.stated_at, columns.renamed_by,
        columns.standing,
    )  # fmt: skip
    rows = conn.execute(query.where(columns.workspace == workspace))
    identifiers = [Known(*row[:6], bool(row.standing & CERTAIN)) for row in rows]
    blocked = {one.key for one in identifiers if not policy.allows(one.value, one.namespace)}
    piece = store.evidence.c
    query = sa.select(store.evidence).where(piece.workspace == workspace, piece.status != Status.WAITING)
    evidence = [
        Evidence(
            row.a, row.b, Kind(row.kind), row.first_at, row.first_fact, row.source, row.weight,
            (row.status == Status.WITHDRAWN and row.author is not None) or row.a in blocked or row.b in blocked,
            again_day=row.last_day,
        )
        for row in conn.execute(query)
    ]  # fmt: skip
    return identifiers, evidence


def _forbidden(conn: Connection, workspace: WorkspaceId) -> list[tuple[Key, Key]]:
    pairs = store.forbidden_pairs.c
    return [(Key(a), Key(b)) for a, b in conn.execute(sa.select(pairs.a, pairs.b).where(pairs.workspace == workspace))]


def _renamed(conn: Connection, workspace: WorkspaceId, answer: Resolution) -> set[Key]:
    """Roots of the customers that a renaming is about."""
    piece = store.evidence.c
    query = sa.select(piece.id, piece.a, piece.b).where(piece.workspace == workspace, piece.kind == Kind.RENAMED)
    rows = [row for row in conn.execute(query) if answer.statuses.get(row.id) in ACTIVE]
    return {answer.roots[end] for row in rows for end in (row.a, row.b)}


def _write_roots(
    conn: Connection, workspace: WorkspaceId, answer: Resolution, now: int, renamed: Collection[Key],
    blocked: Collection[Key],
) -> set[Key]:  # fmt: skip
    """Write who is whose, and returns the identifiers that are blocked now and were not, or were."""
    turned: set[Key] = set()
    columns = store.identifiers.c
    for batch in chunks(answer.roots, 5_000):
        query = sa.select(store.identifiers)
        changed = []
        for found in select_among(conn, query, workspace, columns.key, batch):
            row = dict(found._mapping)
            row["root"] = answer.roots[found.key]
            since = now if found.shared_at is None else found.shared_at
            row["shared_at"] = since if found.key in answer.shared else None
            if row["root"] in renamed and row["namespace"] == "user_id":
                row["standing"] |= IN_RENAMING
            row["standing"] = row["standing"] & ~NOBODYS | (NOBODYS if found.key in blocked else 0)
            if (row["standing"] ^ found.standing) & NOBODYS:
                turned.add(found.key)
            if row != dict(found._mapping):
                changed.append(row)
        _replace(conn, workspace, store.identifiers, "key", changed)
    return turned


def _write_statuses(
    conn: Connection, workspace: WorkspaceId, known: dict[Key, Known], answer: Resolution, policy: IdentifierPolicy
) -> None:
    columns = store.evidence.c
    for batch in chunks(answer.statuses, 5_000):
        query = sa.select(store.evidence)
        changed = []
        for found in select_among(conn, query, workspace, columns.id, batch):
            row = dict(found._mapping)
            names = {key: known[key].namespace for key in (found.a, found.b)}
            ranks = {key: policy.rank(name) for key, name in names.items()}
            row["a"], row["b"] = oriented(found.a, ranks[found.a], found.b, ranks[found.b])
            row["peer"] = ranks[found.a] == ranks[found.b]
            row["status"] = int(answer.statuses[found.id])
            days = policy.counts_days(found.kind, *names.values())
            waits = days is not None and answer.statuses[found.id] not in IDLE
            row["until_day"] = found.last_day + days if waits else None
            if row != dict(found._mapping):
                changed.append(row)
        _replace(conn, workspace, store.evidence, "id", changed)


def _replace(conn: Connection, workspace: WorkspaceId, table: sa.Table, key: str, rows: list[dict[str, Any]]) -> None:
    """Write rows that are there already, whichever of their columns changed."""
    for batch in chunks(rows, store.CHUNK):
        conn.execute(table.delete().where(among(conn, workspace, table.c[key], [row[key] for row in batch])))
        insert_rows(conn, table, batch)


def _require_two(a: Key, b: Key) -> None:
    if a == b:
        raise InvalidInput("the two identifiers are the same", hint="name two different identifiers")


def _require_seen(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> None:
    missing = set(keys) - roots_of(conn, workspace, keys).keys()
    if missing:
        raise NotFound(f"{len(missing)} of {len(keys)} identifiers were never seen", hint="check namespace and value")


def _require_evidence(conn: Connection, workspace: WorkspaceId, idents: Collection[EvidenceId]) -> None:
    query = sa.select(store.evidence.c.id)
    if not list(select_among(conn, query, workspace, store.evidence.c.id, idents)):
        raise NotFound(f"none of {len(idents)} pieces of evidence exists", hint="the graph of a customer lists them")
