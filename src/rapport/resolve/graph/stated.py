"""`Customer Merged` and `Customer Split`: what became of customers, as facts in the log like any other.

They are filed on the strand of the root of the customer that is there now, and no trait listens to them. Every
correction by a person states them. Of what facts themselves cause, only the merge and split of *people* is stated:
both sides have an identifier that names a person. A visitor who signs in is a merge of strands, too, but says no more
than the fact that did it, and a bulk load has one for nearly every customer: it is stated only where what was thought
to be a stranger's word about an order turns out to be its customer's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.own import own_fact
from rapport.collect.statements import order_statements
from rapport.kernel.errors import InvalidFact
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.facts import MERGED, SPLIT
from rapport.resolve.graph import store
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.log import LogRow, append
from rapport.storage.lookup import select_among

__all__ = ["EXPIRY", "Turn", "about_identifier", "names_of", "state", "turns"]

EXPIRY = "expiry"
"""The cause of what no fact brought about, but evidence that was not seen for too long."""


class Turn(NamedTuple):
    """A customer went into another (`merged`), or came out of another (`split`); both by their roots."""

    kind: str
    root_from: Key
    root_to: Key


def turns(before: Mapping[Key, Key], after: Mapping[Key, Key]) -> list[Turn]:
    """The merges and splits between two states of the same identifiers, each given as identifier → root.

    >>> a, b = Key(b"a"), Key(b"b")
    >>> turns({a: a, b: b}, {a: a, b: a})
    [Turn(kind='merged', root_from=b'b', root_to=b'a')]
    >>> turns({a: a, b: a}, {a: a, b: b})
    [Turn(kind='split', root_from=b'a', root_to=b'b')]
    """
    came: defaultdict[Key, set[Key]] = defaultdict(set)
    went: defaultdict[Key, set[Key]] = defaultdict(set)
    for key, root in after.items():
        came[root].add(before[key])
        went[before[key]].add(root)
    found = []
    for root_to, olds in sorted(came.items()):
        kept = root_to if root_to in olds else min(olds)
        found += [Turn("merged", old, root_to) for old in sorted(olds - {kept})]
    for root_from, news in sorted(went.items()):
        kept = root_from if root_from in news else min(news)
        found += [Turn("split", root_from, new) for new in sorted(news - {kept})]
    return found


def state(
    conn: Connection, workspace: WorkspaceId, found: Sequence[Turn], policy: IdentifierPolicy, *, cause: str, now: int
) -> int:
    """Append the facts of these turns in this transaction; returns how many.

    `cause` is the fact or the action behind them, or `EXPIRY`. The same turn by the same cause is stated once. Those of
    a customer whose root names nobody any more (blocked since) are left out.
    """
    if not found:
        return 0
    ids = load_customer_ids(conn)
    names = names_of(conn, workspace, {turn.root_to for turn in found})
    rows = []
    for turn in found:
        namespace, value = names[turn.root_to]
        digest = blake2b(
            f"{turn.kind}\x1f{cause}\x1f{now}".encode() + turn.root_from + turn.root_to, digest_size=12
        ).hexdigest()
        merged = turn.kind == "merged"
        properties = {"customer_id": ids.customer_id(turn.root_to), "cause": cause}
        properties["merged_customer_id" if merged else "split_from_customer_id"] = ids.customer_id(turn.root_from)
        row = about_identifier(
            workspace, MERGED if merged else SPLIT, f"customer-{turn.kind}-{digest}", namespace, value,
            properties=properties, policy=policy, now=now,
        )  # fmt: skip
        rows += [row] if row is not None and row.strand == turn.root_to else []
    return append(conn, rows)


def state_of_orders(
    conn: Connection, workspace: WorkspaceId, joined: Mapping[Key, Key], policy: IdentifierPolicy, *, now: int
) -> None:
    """State of visitors, too, that they became somebody, where an order was thought to be another's until now. `joined`
    says by root who went into whom.
    """
    s, i = order_statements.c, store.identifiers.c
    if not joined:
        return
    # In two steps: a join would be free to begin at the statements of the whole shop.
    roots = {
        Key(row.key): Key(row.root)
        for row in select_among(conn, sa.select(i.key, i.root), workspace, i.root, sorted(joined))
    }
    query = sa.select(s.strand, s.fact).where(s.disputed)
    found: dict[Key, str] = {}
    for row in select_among(conn, query, workspace, s.strand, sorted(roots)):
        root = roots[Key(row.strand)]
        found[root] = min(found.get(root, row.fact), row.fact)
    for root, fact in sorted(found.items()):
        turn = Turn("merged", joined[root], root)
        state(conn, workspace, [turn], policy, cause=fact, now=now)


def about_identifier(
    workspace: WorkspaceId, name: str, ident: str, namespace: str, value: str, *, properties: dict[str, str],
    policy: IdentifierPolicy, now: int,
) -> LogRow | None:  # fmt: skip
    """The row of a fact of our own about who has this identifier; None where it names nobody (blocked since)."""
    named = namespace in ("user_id", "anonymous_id")
    try:
        return own_fact(
            workspace, name=name, id=ident, occurred_at=now, received_at=now,
            user_id=value if namespace == "user_id" else None,
            anonymous_id=value if namespace == "anonymous_id" else None,
            external_ids=None if named else [{"type": namespace, "id": value}],
            properties=properties, policy=policy,
        )  # fmt: skip
    except InvalidFact:
        return None


def names_of(conn: Connection, workspace: WorkspaceId, keys: Iterable[Key]) -> dict[Key, tuple[str, str]]:
    """Namespace and value of identifiers by their keys."""
    columns = store.identifiers.c
    query = sa.select(columns.key, columns.namespace, columns.value)
    rows = select_among(conn, query, workspace, columns.key, keys)
    return {Key(key): (namespace, value) for key, namespace, value in rows}
