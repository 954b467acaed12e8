"""What has to be read when facts are taken out of the log: who else speaks of the same people and the same orders.

Also which of Rapport's own facts follow from those taken back, and go with them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.wording import Wording
from rapport.remember.inputs import text
from rapport.resolve.graph import store
from rapport.resolve.graph.model import Kind, Status
from rapport.resolve.graph.resolver import said_of
from rapport.resolve.graph.unsaying import shared_among
from rapport.storage import log
from rapport.storage.bulk import chunks
from rapport.storage.log import StoredRow, to_fact
from rapport.storage.lookup import select_among

__all__ = ["SUBJECTS", "Around", "LookAgain", "Looked", "around", "look", "orders_of", "subjects_of"]

SUBJECTS = ("order_id", "shipment_id", "cart_id")
"""Properties by which facts of several people may speak of one thing."""

_AT_ONCE = 5_000

FEW = 20
"""Texts that the database looks for in each fact; more are looked for here, all at once."""

_TEXTS = re.compile(rb'(?<=")[^"]*(?=")')
"""What stands between two quotes: of JSON without a backslash every text, and more."""
_DOUBT = re.compile(rb'\\|_id"\s*:\s*[^"\s]')
"""A text that is written otherwise than it reads, or an id that is a number."""


class Around(NamedTuple):
    """Facts that are taken back, and what stands around them."""

    said: list[StoredRow]
    """Those that had an effect, with those of ours that follow from them."""
    followed: list[StoredRow]
    """Those of ours."""
    rest: list[StoredRow]
    """What others, and the same people at other times, say of the same people and things; folded already."""
    strands: set[Key]
    """Whose states are to be made anew."""


class Looked(NamedTuple):
    """What was found in the log beforehand, while others went on appending."""

    values: frozenset[str]
    """That were looked for."""
    seqs: tuple[int, ...]
    """Facts that speak of one of them, up to and with `upto`."""
    upto: int


class LookAgain(Exception):
    """What was looked for beforehand is not what is named now: look once more, while nobody has to wait."""


def subjects_of(fact: Fact) -> set[tuple[str, str]]:
    """What a fact speaks of, beside people."""
    found = ((name, text(fact.properties.get(name))) for name in SUBJECTS)
    return {(name, value) for name, value in found if value}


def orders_of(facts: Iterable[Fact]) -> set[str]:
    """The orders that facts name; one without an id is called by its fact."""
    found = {value for fact in facts for name, value in subjects_of(fact) if name == "order_id"}
    return found | {f"fact:{fact.id}" for fact in facts if fact.name == "Order Completed"}


def look(
    conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, told: Sequence[StoredRow], *, upto: int
) -> Looked:
    """Look through the log for what these facts name, before anybody is made to wait. Cost: the shop's log, read once.

    `upto` is a number below which no fact appears any more.
    """
    facts = [to_fact(row) for row in told]
    of_people = [said_of(workspace, fact, policy) for fact in facts]
    names = {key for one in of_people for key in (*one.found, *one.maybe)}
    subjects = {one for fact in facts for one in subjects_of(fact)}
    shared = set(shared_among(conn, workspace, names).values())
    texts = {value for _, value in subjects}
    # That it may speak of them is not enough: of many texts each fact may, and each would be read again.
    found = tuple(
        row.seq
        for row in _speaking(conn, workspace, texts, shared, upto=upto)
        if _speaks(workspace, to_fact(row), policy, subjects, shared)
    )
    return Looked(frozenset(texts | shared), found, upto)


def around(
    conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, wording: Wording, told: Sequence[StoredRow],
    *, is_folded: Any, looked: Looked,
) -> Around:  # fmt: skip
    """What stands around these facts, which are to be taken back. `is_folded` says of a row whether it had an effect.

    Cost: the facts of these people and of those seen with them, and what came to the log since it was `looked` through.
    Raises LookAgain where the facts name what nobody knew of then, rather than read all of the log meanwhile.
    """
    facts = [to_fact(row) for row in told]
    of_people = [said_of(workspace, fact, policy) for fact in facts]
    names = {key for one in of_people for key in one.found}
    maybe = {key for one in of_people for key in one.maybe}
    strands = {Key(row.strand) for row in told}
    near = names | strands | _beside(conn, workspace, names)
    subjects = {one for fact in facts for one in subjects_of(fact)}
    shared = set(shared_among(conn, workspace, names | maybe).values())
    out = {row.seq for row in told}
    rest = {row.seq: row for row in _of_strands(conn, workspace, near) if row.seq not in out}
    for row in _spoken(conn, workspace, {value for _, value in subjects}, shared, looked):
        if row.seq in out or row.seq in rest:
            continue
        if _speaks(workspace, to_fact(row), policy, subjects, shared):
            rest[row.seq] = row
    rest = {seq: row for seq, row in rest.items() if is_folded(row)}
    followed = _followers(workspace, policy, wording, facts, strands, list(rest.values()))
    gone = {row.seq for row in followed}
    said = [*told, *followed]
    return Around(
        said, followed, [row for seq, row in sorted(rest.items()) if seq not in gone],
        strands | {Key(row.strand) for row in followed},
    )  # fmt: skip


def _followers(
    workspace: WorkspaceId, policy: IdentifierPolicy, wording: Wording, facts: Sequence[Fact],
    strands: Collection[Key], rest: Sequence[StoredRow],
) -> list[StoredRow]:  # fmt: skip
    """Our own facts among the rest that say something of what only the facts taken back have named, or of somebody
    whom nobody else speaks of.
    """
    theirs = {value for fact in facts for _, value in subjects_of(fact)} | {fact.id for fact in facts}
    independent: set[bytes] = set()
    ours: list[tuple[StoredRow, Fact]] = []
    for row in rest:
        fact = to_fact(row)
        kind = wording.kinds.get(fact.name)
        if row.source == OWN_SOURCE and fact.type == "track" and not (kind and kind.by_person):
            ours.append((row, fact))
            continue
        independent.update((row.strand, *said_of(workspace, fact, policy).found))
        theirs -= {value for _, value in subjects_of(fact)}
    return [
        row
        for row, fact in ours
        if (row.strand in strands and row.strand not in independent)
        or theirs & {value for value in fact.properties.values() if isinstance(value, str)}
    ]


def _beside(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> set[Key]:
    """The identifiers that facts have seen with these."""
    e = store.evidence.c
    found: set[Key] = set()
    for end, far in ((e.a, e.b), (e.b, e.a)):
        query = sa.select(far.label("far")).where(
            e.kind.in_((Kind.SEEN, Kind.ALIAS, Kind.RENAMED)), e.status.not_in((Status.WAITING, Status.SHARED))
        )
        found.update(Key(row.far) for row in select_among(conn, query, workspace, end, keys))
    return found


def _of_strands(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterator[StoredRow]:
    for row in select_among(conn, sa.select(log.facts), workspace, log.facts.c.strand, keys):
        yield StoredRow._make(row)


def _spoken(
    conn: Connection, workspace: WorkspaceId, subjects: AbstractSet[str], shared: AbstractSet[str], looked: Looked
) -> Iterator[StoredRow]:
    """The facts in which one of these texts may stand: those found beforehand that are still there, and new ones."""
    if not looked.values >= subjects | shared:
        raise LookAgain
    f = log.facts.c
    for some in chunks(looked.seqs, 500):
        query = sa.select(log.facts).where(f.workspace == workspace, f.seq.in_(some))
        yield from (StoredRow._make(row) for row in conn.execute(query))
    yield from _speaking(conn, workspace, subjects, shared, after=looked.upto)


def _speaking(
    conn: Connection, workspace: WorkspaceId, subjects: AbstractSet[str], shared: AbstractSet[str], *, after: int = 0,
    upto: int = 2**62,
) -> Iterator[StoredRow]:  # fmt: skip
    """The facts of the shop in which one of these texts may stand; the log is read once, however many there are.

    Identifiers (`shared`) are compared in a form of their own: where there are many texts, each fact may name them.
    """
    values = known = subjects | shared
    if not values:
        return
    f = log.facts.c
    # One text is looked for by the database; many, and those that JSON may write otherwise, are looked for here.
    sought = sorted(value.encode("utf-8", "surrogatepass") for value in values if value.isascii() and _plain(value))
    few = len(sought) <= FEW and len(sought) == len(values)
    while True:
        query = sa.select(log.facts).where(f.workspace == workspace, f.seq > after, f.seq <= upto)
        if few:
            query = query.where(sa.or_(*(_within(conn, f.body, one) for one in sought)))
        rows = [StoredRow._make(row) for row in conn.execute(query.order_by(f.seq).limit(_AT_ONCE))]
        yield from rows if few or shared else (row for row in rows if _may_name(row.body, known))
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].seq


def _speaks(
    workspace: WorkspaceId, fact: Fact, policy: IdentifierPolicy, subjects: AbstractSet[tuple[str, str]],
    shared: AbstractSet[str],
) -> bool:  # fmt: skip
    """Whether a fact is about one of these things, or names one of these identifiers."""
    return bool(subjects & subjects_of(fact) or (shared and shared & _values(workspace, fact, policy)))


def _may_name(body: bytes, values: AbstractSet[str]) -> bool:
    """Whether one of these texts may be a property of a fact; it is, where there is a doubt."""
    if _DOUBT.search(body):
        return True
    return not values.isdisjoint(one.decode("utf-8", "replace").strip() for one in _TEXTS.findall(body))


def _within(conn: Connection, body: sa.ColumnElement[bytes], sought: bytes) -> sa.ColumnElement[bool]:
    if conn.dialect.name == "postgresql":
        return sa.func.pg_catalog.position(body, sought) > 0
    return sa.func.instr(body, sought) > 0


def _plain(value: str) -> bool:
    return not set(value) & set('"\\') and value.isprintable()


def _values(workspace: WorkspaceId, fact: Fact, policy: IdentifierPolicy) -> set[str]:
    said = said_of(workspace, fact, policy)
    return {one.value for one in (*said.found.values(), *said.maybe.values())}
