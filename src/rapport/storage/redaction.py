"""Redactions: a field that is taken out of the facts of a span of time, and of those that still come of that span.

A redaction is `asked`, a worker counts (`told`), a person confirms (`wanted`), a worker takes the field out of all that
is kept, part by part (`place` says how far), tidies the files (`tidying`) and is `done`. From the moment it is wanted
it holds at the log's door: a replay, an import or a late client brings the field back no more.

A fact is of the span when it happened in it or came in it: what a device sends days later happened then, and what an
import brought in then may have happened years before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.kernel.facts import Fact, encode_fact, name_of
from rapport.kernel.fields import taken_out
from rapport.kernel.identifiers import (
    Identifier,
    IdentifierPolicy,
    bucket_of,
    identifiers_of,
    key_of,
    names_in,
    shop_key,
)
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.engine import CText, metadata
from rapport.storage.workspaces import all_workspaces, identifier_policy

__all__ = ["STANDING", "Redacted", "Rule", "redacted", "redaction_keys", "redactions", "rules_of"]

STANDING = ("wanted", "tidying", "done")
"""The states from which on a redaction holds for what comes."""

redactions = Table(
    "redactions",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("state", CText, nullable=False),
    Column("path", Text, nullable=False),
    Column("source", CText, nullable=False),
    Column("event", Text, nullable=False),
    Column("of_customer", Boolean, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("place", Text, nullable=False),
    Column("told", LargeBinary),
    Column("proof", LargeBinary),
    Index("redactions_by_state", "state", "changed_at"),
    Index("redactions_by_time", "workspace", "asked_at"),
)
"""`source` and `event` are empty where all are meant; `until` does not belong to the span. `told` is the JSON of what
would be taken out, `proof` of what was, neither with anything of a person."""

redaction_keys = Table(
    "redaction_keys",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("redaction", CText, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Index("redaction_keys_of_person", "workspace", "key"),
)
"""The identifiers of the customer that a redaction is about, where it is about one."""

_r, _k = redactions.c, redaction_keys.c


class _Row(Protocol):
    """A fact in the log, or on its way there."""

    @property
    def workspace(self) -> WorkspaceId: ...
    @property
    def source(self) -> str: ...
    @property
    def strand(self) -> bytes: ...
    @property
    def occurred_at(self) -> int: ...
    @property
    def received_at(self) -> int: ...
    @property
    def body(self) -> bytes: ...


R = TypeVar("R", bound=_Row)


class Redacted(NamedTuple):
    """A fact without the field."""

    body: bytes
    strand: Key | None
    """Whose it is now; None where nothing else of it names anybody."""
    named: tuple[Identifier, ...]
    """The identifiers that it still names, beside that of its strand."""
    values: list[Any]
    """What was taken out."""


class Rule(NamedTuple):
    """Which facts a redaction is about, and what of them."""

    path: tuple[str, ...]
    source: str
    event: str
    since: int
    until: int
    keys: frozenset[bytes] | None
    """The identifiers of a customer; None where it is about everybody."""

    def means(self, row: _Row, named: Collection[bytes] = ()) -> bool:
        """Whether this fact is meant, which names these identifiers, too; whether it has the field is seen later."""
        return (
            (not self.source or row.source == self.source)
            and self.spans(row.occurred_at, row.received_at)
            and (self.keys is None or row.strand in self.keys or not self.keys.isdisjoint(named))
            and (not self.event or name_of(row.body) == self.event)
            and row.strand != shop_key(row.workspace)
        )

    def spans(self, *moments: int) -> bool:
        """Whether one of these moments lies in the span."""
        return any(self.since <= moment < self.until for moment in moments)

    def applied(self, workspace: WorkspaceId, body: bytes, policy: IdentifierPolicy) -> Redacted | None:
        """A fact without the field; None where it has no such field."""
        tree = msgspec.json.decode(body)
        values = taken_out(tree, self.path)
        if not values:
            return None
        fact = msgspec.convert(tree, Fact)
        found = identifiers_of(fact, policy)
        named = names_in(fact, policy) if fact.unvouched else found
        strand = key_of(workspace, found[0]) if found else None
        rest = tuple(one for one in named if not found or one != found[0])
        return Redacted(encode_fact(fact), strand, rest, values)


def rules_of(conn: Connection, workspaces: Iterable[WorkspaceId], *, ident: str | None = None) -> dict[int, list[Rule]]:
    """By shop the redactions that hold; or the one of this id, whatever its state. Two small tables are looked at."""
    mine = _r.workspace.in_(sorted(set(workspaces)))
    rows = conn.execute(
        sa.select(redactions).where(mine, _r.state.in_(STANDING) if ident is None else _r.id == ident)
    ).all()
    keys: dict[tuple[int, str], set[bytes]] = {}
    of_some = {(row.workspace, row.id) for row in rows if row.of_customer}
    if of_some:
        ids = sorted({name for _, name in of_some})
        for row in conn.execute(sa.select(redaction_keys).where(_k.redaction.in_(ids))):
            keys.setdefault((row.workspace, row.redaction), set()).add(bytes(row.key))
    found: dict[int, list[Rule]] = {}
    for row in rows:
        own = frozenset(keys.get((row.workspace, row.id), ())) if row.of_customer else None
        rule = Rule(tuple(row.path.split(".")), row.source, row.event, row.since, row.until, own)
        found.setdefault(row.workspace, []).append(rule)
    return found


def redacted(conn: Connection, rows: Sequence[R]) -> Sequence[R]:
    """The facts as they may be kept: without the fields that were redacted of their time.

    One that names nobody any more is left out.
    """
    rules = rules_of(conn, (row.workspace for row in rows))
    if not rules:
        return rows
    policies: dict[int, IdentifierPolicy] = {}
    kept: list[R] = []
    for row in rows:
        whole: Any = row  # a named tuple, which no protocol describes
        named = {row.strand, *(key_of(row.workspace, one) for one in whole.named)}  # also once a rule moved it
        for rule in rules.get(row.workspace, ()):
            if whole is None or not rule.means(whole, named):
                continue
            if not policies:
                policies = {shop.id: identifier_policy(shop.settings) for shop in all_workspaces(conn)}
            found = rule.applied(row.workspace, whole.body, policies[row.workspace])
            if found is None:
                continue
            whole = None if found.strand is None else whole._replace(
                body=found.body, strand=found.strand, bucket=bucket_of(found.strand), named=found.named
            )  # fmt: skip
        if whole is not None:
            kept.append(whole)
    return kept
