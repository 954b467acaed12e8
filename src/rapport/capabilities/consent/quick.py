"""What the gate rests on for one person, in a single statement: workers and pages ask for one at a time.

It serves whoever is one person by certain evidence alone, which nearly everybody is. Who is also tied by a learned link
is left to the reads that tell the certain part from the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from rapport.capabilities.consent.model import Held
from rapport.capabilities.consent.store import consent_held, held_by
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.remember.store import customers
from rapport.resolve.graph.model import Kind, Status
from rapport.resolve.graph.store import evidence, identifiers
from rapport.storage.prepared import Prepared

__all__ = ["Alone", "first_source", "person_of"]


class Alone(NamedTuple):
    """One person, by the key that was asked for."""

    each: Mapping[Key, Sequence[Sequence[Held]]]
    country: Mapping[Key, str]
    source: Mapping[Key, str]


def first_source(seen: Iterable[Sequence[Any]]) -> str:
    """By which source somebody came first, of when, by which fact and from where each of their identifiers did; empty
    where nobody has seen them, or they only told the shop itself.
    """
    return str(min((tuple(one) for one in seen if one[2] != OWN_SOURCE), default=("", "", ""))[2])


def _statement() -> sa.Select[tuple[object, ...]]:
    asked, own = identifiers.alias("asked"), identifiers.alias("own")
    h, e = consent_held.c, evidence.c
    learned = sa.exists().where(
        e.workspace == own.c.workspace, e.a == own.c.key, e.kind == Kind.PROBABLE.value,
        e.status == int(Status.LINKED),
    )  # fmt: skip
    joined = (
        asked.join(own, (own.c.workspace == asked.c.workspace) & (own.c.root == asked.c.root))
        .outerjoin(consent_held, (h.workspace == own.c.workspace) & (h.key == own.c.key))
        .outerjoin(customers, (customers.c.workspace == asked.c.workspace) & (customers.c.root == asked.c.root))
    )
    columns = [own.c.key.label("member"), customers.c.country, learned.label("learned"), own.c.first_seen_at,
               own.c.first_fact, own.c.source.label("first_source"), h.category, h.state, h.at, h.since, h.fact,
               h.source, h.how, h.wording, h.language]  # fmt: skip
    return (
        sa.select(*columns).select_from(joined)
        .where(asked.c.workspace == sa.bindparam("shop"), asked.c.key == sa.bindparam("named"))
    )  # fmt: skip


_STATEMENT = Prepared(_statement())


def person_of(conn: Connection, workspace: WorkspaceId, key: Key) -> Alone | None:
    """What each identifier of this person holds, their country and first source; None for whom the longer way is to be
    gone.

    Whom nobody has seen yet is this one key, which may hold an answer all the same.
    """
    rows = _STATEMENT.rows(conn, shop=workspace, named=key)
    if any(row[2] for row in rows):
        return None
    if not rows:
        held = held_by(conn, workspace, [key])
        return Alone({key: list(held.values())}, {key: ""}, {key: ""})
    each: dict[bytes, list[Held]] = {}
    for row in rows:
        if row[6] is not None:
            each.setdefault(row[0], []).append(Held._make(row[6:]))
    return Alone({key: list(each.values())}, {key: rows[0][1] or ""}, {key: first_source(row[3:6] for row in rows)})
