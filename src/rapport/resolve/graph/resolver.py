"""The worker's way in: collects what facts say about identity in memory, and turns a batch of it into customers.

Almost every fact says nothing new. `observe` finds that out with one look-up on the fact's raw ids; only an unseen
combination, or a fact earlier than all that carried it, is normalised and collected. The first fact of a later day says
when its evidence was last seen, which is noted once a day. `flush` writes in the batch's transaction. Several workers
may do so at once on PostgreSQL: whoever has something new takes the workspace's lock until the transaction ends and
reads again under it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import DAY
from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.identifiers import (
    MAX_EXTERNAL_IDS,
    Identifier,
    IdentifierPolicy,
    account_of,
    centre_of,
    identifiers_of,
    key_of,
    other_previous,
    renamed_account,
    said_same,
)
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.person_names import NAME_FIELDS
from rapport.resolve.graph import customer_ids, stated, store
from rapport.resolve.graph.model import WEIGHTS, Evidence, EvidenceId, Kind, day_of, evidence_id
from rapport.resolve.graph.recompute import LastSeen, Moved, Recomputation, Sighting
from rapport.resolve.graph.renaming import CERTAIN, NO_WORD, Word, word_of
from rapport.storage.lookup import select_among

__all__ = ["Resolver", "SaidOf", "said_of", "sighted_at"]

_First = tuple[int, str]
"""When and by which fact something was first seen, as far as this process knows."""

_CARRIERS = frozenset({"traits", "externalIds", "device"})


_NEVER = 1 << 62


def _nothing() -> None:
    return None


class Resolver:
    """Identity of the facts one worker handles. One per process; not thread-safe.

    Corrections by people need no word to it: what it remembers is which facts were first, and they leave that alone.
    A changed policy it finds out under the workspace's lock, by the epoch; then it calls `forget_policies`, and looks
    at the facts of the flush again. `remember_at_most` bounds each of its memories to that many entries of 0.4 KB.
    """

    def __init__(
        self,
        policy_for: Callable[[WorkspaceId], IdentifierPolicy],
        *,
        forget_policies: Callable[[], None] = _nothing,
        remember_at_most: int = 50_000,
    ) -> None:
        self._policy_for = policy_for
        self._forget_policies = forget_policies
        self._epochs: dict[WorkspaceId, int] = {}
        self._limit = remember_at_most
        self._raw: dict[object, _Raw] = {}
        self._pending: dict[WorkspaceId, _Pending] = {}
        self._known: dict[WorkspaceId, _Memory] = {}
        self._secret_ensured = False

    def observe(self, workspace: WorkspaceId, fact: Fact, strand_key: Key) -> None:
        """Take note of a fact's identifiers, and that they were seen together with the fact's strand."""
        context = fact.context
        if fact.traits or fact.previous_id is not None or not _CARRIERS.isdisjoint(context):
            raw: object = _rich_ids(workspace, fact, strand_key)
        else:
            raw = (workspace, fact.user_id, fact.anonymous_id, strand_key, fact.source, fact.unverified)
        known = self._raw.get(raw)
        if known is None or fact.occurred_at <= known.latest or fact.received_at < known.received:
            self._collect(workspace, fact, strand_key, raw)
        elif fact.occurred_at >= known.tomorrow:
            self._see_again(workspace, fact, strand_key, known)

    def flush(self, conn: Connection) -> list[Moved]:
        """Write what was collected since the last flush, in the transaction of `conn`.

        Returns every identifier that is new or whose customer changed. If the transaction is rolled back afterwards,
        call `abandon`. A constant number of statements where there is something new, two reads where it only seemed so.
        """
        moved: list[Moved] = []
        for workspace in sorted(self._pending):
            pending = self._pending[workspace]
            if self._settle_known(conn, workspace, pending):
                moved += self._write(conn, workspace, pending)
        self._pending.clear()
        self._forget_some()
        return moved

    def abandon(self) -> None:
        """Forget what was not flushed, and what may have been rolled back."""
        self._raw.clear()
        self._pending.clear()
        self._known.clear()
        self._secret_ensured = False

    # -- collecting

    def _collect(self, workspace: WorkspaceId, fact: Fact, strand_key: Key, raw: object) -> None:
        found, star, other = said_of(workspace, fact, self._policy_for(workspace))
        known = self._known.get(workspace) or self._known.setdefault(workspace, _Memory())
        pending = self._take(workspace, fact, strand_key)
        at = sighted_at(fact)
        first = (at, fact.id)
        latest = first
        for key, identifier in found.items():
            before = known.identifiers.get(key)
            if before is None or first < before:
                known.identifiers[key] = first
                pending.sightings[key] = Sighting(*identifier, at, fact.id, fact.source)
            else:
                latest = max(latest, before)
        pending.maybe.update(other)
        for ident, piece in star:
            before = known.evidence.get(ident)
            if before is None or (piece.first_at, piece.first_fact) < before:
                known.evidence[ident] = (piece.first_at, piece.first_fact)
                pending.evidence[ident] = piece
            else:
                latest = max(latest, before)
        seen = _Raw(latest[0], self._hear(known, pending, workspace, fact), tuple(ident for ident, _ in star))
        if raw is not None:
            earlier = self._raw.get(raw, seen)
            seen.tomorrow = earlier.tomorrow
            self._raw[raw] = seen
        self._note_day(workspace, fact, seen)

    def _hear(self, known: _Memory, pending: _Pending, workspace: WorkspaceId, fact: Fact) -> int:
        """Take note of what the fact says by speaking in an account's name; returns since when facts are known to."""
        said = word_of(fact, self._policy_for(workspace))
        if said is None:
            return 0
        key = key_of(workspace, said[0])
        before = known.words.get(key, NO_WORD)
        word = before.with_(said[1])
        if word != before:
            known.words[key] = pending.words[key] = word
        return word.stated_at or 0

    def _see_again(self, workspace: WorkspaceId, fact: Fact, strand_key: Key, seen: _Raw) -> None:
        self._take(workspace, fact, strand_key)
        self._note_day(workspace, fact, seen)

    def _take(self, workspace: WorkspaceId, fact: Fact, strand_key: Key) -> _Pending:
        pending = self._pending.get(workspace) or self._pending.setdefault(workspace, _Pending())
        pending.at = max(pending.at, fact.received_at)
        pending.facts.append((fact, strand_key))
        return pending

    def _note_day(self, workspace: WorkspaceId, fact: Fact, seen: _Raw) -> None:
        """Note that the evidence of a fact was seen on its day, unless it was seen later already."""
        last = LastSeen(day_of(fact.occurred_at), fact.id)
        seen.tomorrow = max(seen.tomorrow, (last.day + 1) * DAY)
        known, pending = self._known[workspace].days, self._pending[workspace].seen_again
        for ident in seen.evidence:
            if last.day > known.get(ident, -1):
                known[ident] = last.day
                pending[ident] = last

    # -- flushing

    def _settle_known(self, conn: Connection, workspace: WorkspaceId, pending: _Pending) -> bool:
        """Drop what the database knew already. True where something is left.

        On SQLite the transaction is alone, so that `_write` reads but once.
        """
        if not pending.anything():
            return False
        if conn.dialect.name == "sqlite":
            return True
        known = self._known[workspace]
        for table, column, wanted, memory in (
            (store.identifiers, "key", pending.sightings, known.identifiers),
            (store.evidence, "id", pending.evidence, known.evidence),
        ):
            columns = table.c
            at = columns.first_seen_at if column == "key" else columns.first_at
            query = sa.select(columns[column], at, columns.first_fact)
            for key, first_at, first_fact in select_among(conn, query, workspace, columns[column], list(wanted)):
                if (first_at, first_fact) <= memory[key]:
                    memory[key] = (first_at, first_fact)
                    del wanted[key]
        self._settle_words(conn, workspace, pending)
        self._settle_days(conn, workspace, pending)
        return pending.anything()

    def _settle_words(self, conn: Connection, workspace: WorkspaceId, pending: _Pending) -> None:
        """Keep what was said in the names of accounts that says more than the database knows."""
        columns, memory = store.identifiers.c, self._known[workspace].words
        query = sa.select(columns.key, columns.stated_at, columns.renamed_by, columns.standing)
        for row in select_among(conn, query, workspace, columns.key, list(pending.words)):
            stored = Word(row.stated_at, row.renamed_by, bool(row.standing & CERTAIN))
            memory[row.key] = stored.with_(pending.words[row.key])
            if memory[row.key] == stored:
                del pending.words[row.key]

    def _settle_days(self, conn: Connection, workspace: WorkspaceId, pending: _Pending) -> None:
        """Keep the days that are later than what the database knows, and those of evidence it does not know."""
        column = store.evidence.c
        query = sa.select(column.id, column.last_day)
        days = dict(row._tuple() for row in select_among(conn, query, workspace, column.id, list(pending.seen_again)))
        pending.seen_again = {
            ident: last
            for ident, last in pending.seen_again.items()
            if (last.day > days[ident] if ident in days else ident in pending.evidence)
        }

    def _write(self, conn: Connection, workspace: WorkspaceId, pending: _Pending) -> list[Moved]:
        store.lock(conn, workspace)
        epoch = store.epoch_of(conn, workspace)
        if self._epochs.get(workspace) != epoch:
            pending = self._look_again(workspace, pending)
            self._epochs[workspace] = epoch
        if not self._secret_ensured:
            customer_ids.ensure_secret(conn)
            self._secret_ensured = True
        policy = self._policy_for(workspace)
        recomputation = Recomputation(conn, workspace, policy, at=pending.at)
        evidence = {
            ident: piece._replace(again_day=last.day) if (last := pending.seen_again.get(ident)) else piece
            for ident, piece in pending.evidence.items()
        }
        nodes, edges = recomputation.observe(
            pending.sightings, evidence, words=pending.words, maybe=pending.maybe, again=pending.seen_again
        )
        recomputation.see_again({i: last for i, last in pending.seen_again.items() if i not in evidence})
        known = self._known[workspace]
        known.identifiers.update((key, (node.first_seen_at, node.first_fact)) for key, node in nodes.items())
        known.evidence.update((ident, (edge.first_at, edge.first_fact)) for ident, edge in edges.items())
        moved = recomputation.finish()
        for cause, people in recomputation.people.items():
            stated.state(conn, workspace, people, policy, cause=cause, now=pending.at)
        joined = {to: was for _, _, was, to in moved if was is not None and was != to}
        stated.state_of_orders(conn, workspace, joined, policy, now=pending.at)
        return moved

    def _look_again(self, workspace: WorkspaceId, pending: _Pending) -> _Pending:
        """What the facts of this flush say under the policy as it is now."""
        self._forget_policies()
        self._raw.clear()
        self._known[workspace] = _Memory()
        fresh = self._pending[workspace] = _Pending()
        for fact, strand_key in pending.facts:
            self._collect(workspace, fact, strand_key, None)
        return fresh

    def _forget_some(self) -> None:
        _halve(self._raw, self._limit)
        for memory in self._known.values():
            _halve(memory.identifiers, self._limit)
            _halve(memory.evidence, self._limit)
            _halve(memory.days, self._limit)
            _halve(memory.words, self._limit)


class _Raw:
    """What is known of a combination of raw ids."""

    __slots__ = ("evidence", "latest", "received", "tomorrow")

    def __init__(self, latest: int, received: int, evidence: tuple[EvidenceId, ...]) -> None:
        self.received = received
        """A fact received before this is the first in its account's name."""
        self.latest = latest
        """A fact later than this cannot be the first of anything it carries."""
        self.evidence = evidence
        self.tomorrow = 0 if evidence else _NEVER
        """A fact as late as this sees its evidence on a later day than any before."""


class _Pending:
    """What one workspace's facts said that is not written yet."""

    __slots__ = ("at", "evidence", "facts", "maybe", "seen_again", "sightings", "words")

    def __init__(self) -> None:
        self.at = 0
        self.facts: list[tuple[Fact, Key]] = []
        self.sightings: dict[Key, Sighting] = {}
        self.evidence: dict[EvidenceId, Evidence] = {}
        self.seen_again: dict[EvidenceId, LastSeen] = {}
        self.words: dict[Key, Word] = {}
        self.maybe: dict[Key, Identifier] = {}
        """What an alias may mean: far ends of evidence that may never have been seen."""

    def anything(self) -> bool:
        """Whether something is left to write."""
        return bool(self.sightings or self.evidence or self.seen_again or self.words)


class _Memory:
    """What is known to be written, or pending. Forgetting costs a read, never an error."""

    __slots__ = ("days", "evidence", "identifiers", "words")

    def __init__(self) -> None:
        self.identifiers: dict[Key, _First] = {}
        self.evidence: dict[EvidenceId, _First] = {}
        self.days: dict[EvidenceId, int] = {}
        self.words: dict[Key, Word] = {}


class SaidOf(NamedTuple):
    """What one fact says of identity."""

    found: dict[Key, Identifier]
    """The identifiers that it carries."""
    evidence: list[tuple[EvidenceId, Evidence]]
    maybe: dict[Key, Identifier]
    """What its `previousId` may mean beside."""


def said_of(workspace: WorkspaceId, fact: Fact, policy: IdentifierPolicy) -> SaidOf:
    """What a fact says of identity under this policy."""
    found = {key_of(workspace, identifier): identifier for identifier in identifiers_of(fact, policy)}
    star = _star(found, fact, policy)
    if fact.type != "alias":
        return SaidOf(found, star, {})
    more = [_renaming(workspace, fact, policy) if fact.unverified else None, _other(workspace, found, fact, policy)]
    pieces = [one for one in more if one is not None]
    maybe = {key: one for key, one, _ in pieces if key not in found}
    return SaidOf(found, [*star, *(piece for _, _, piece in pieces)], maybe)


def sighted_at(fact: Fact) -> int:
    """When a fact saw what it names: a fact of ours follows another, and is never first where both tell one moment."""
    return fact.received_at if fact.source == OWN_SOURCE else fact.occurred_at


def _star(found: dict[Key, Identifier], fact: Fact, policy: IdentifierPolicy) -> list[tuple[EvidenceId, Evidence]]:
    """Evidence between the fact's centre and each other identifier."""
    if len(found) < 2:
        return []
    centre = _centre(found)
    said = said_same(fact, policy)
    pieces = []
    for key, identifier in found.items():
        if key == centre:
            continue
        kind = Kind.ALIAS if identifier in said else Kind.SEEN
        piece = Evidence(centre, key, kind, sighted_at(fact), fact.id, fact.source, WEIGHTS[kind])
        pieces.append((evidence_id(centre, key, kind), piece))
    return pieces


def _centre(found: Mapping[Key, Identifier]) -> Key:
    centre = centre_of(list(found.values()))
    return next(key for key, identifier in found.items() if identifier == centre)


def _other(
    workspace: WorkspaceId, found: dict[Key, Identifier], fact: Fact, policy: IdentifierPolicy
) -> tuple[Key, Identifier, tuple[EvidenceId, Evidence]] | None:
    """Evidence between an alias's centre and the other kind of identifier its `previousId` may be."""
    other = other_previous(fact, policy)
    if fact.unverified and other is not None and other.namespace != "anonymous_id":
        return None  # a browser ties its visitor to an account, and never two accounts
    if other is None or (key := key_of(workspace, other)) in found:
        return None
    centre = _centre(found)
    kind = Kind.ALIAS
    piece = Evidence(centre, key, kind, sighted_at(fact), fact.id, fact.source, WEIGHTS[kind])
    return key, other, (evidence_id(centre, key, kind), piece)


def _renaming(
    workspace: WorkspaceId, fact: Fact, policy: IdentifierPolicy
) -> tuple[Key, Identifier, tuple[EvidenceId, Evidence]] | None:
    """Evidence that a browser's alias renames an account, as of when it was received."""
    before, after = renamed_account(fact, policy), account_of(fact, policy)
    if before is None or after is None:
        return None
    key, account, kind = key_of(workspace, before), key_of(workspace, after), Kind.RENAMED
    piece = Evidence(account, key, kind, fact.received_at, fact.id, fact.source, WEIGHTS[kind])
    return key, before, (evidence_id(account, key, kind), piece)


def _rich_ids(workspace: WorkspaceId, fact: Fact, strand_key: Key) -> object:
    """All that `identifiers_of` looks at, unnormalised; None where it is not made of plain values."""
    if fact.type == "alias" and fact.unverified:
        return None  # of an account's names the first alias counts, by its id, too
    context = fact.context
    traits, device, external = context.get("traits"), context.get("device"), context.get("externalIds")
    raw = (
        workspace, fact.user_id, fact.anonymous_id, strand_key, fact.type == "alias", fact.unverified, fact.unvouched,
        fact.previous_id, fact.source,
        _contact(fact.traits) if fact.traits and fact.type != "group" else None,
        _contact(traits) if isinstance(traits, dict) else None,
        device.get("id") if isinstance(device, dict) else None,
        _external_ids(external) if isinstance(external, list) else None,
    )  # fmt: skip
    try:
        hash(raw)
    except TypeError:
        return None
    return raw


def _contact(traits: dict[str, Any]) -> tuple[object, ...]:
    phone = traits.get("phone")
    # 1, 1.0 and True are equal, but not the same identifier
    return (traits.get("email"), phone, phone.__class__, *(traits.get(field) for field in NAME_FIELDS))


def _external_ids(entries: list[Any]) -> tuple[object, ...]:
    return tuple(
        (entry.get("type"), value := entry.get("id"), value.__class__, entry.get("collection"))
        if isinstance(entry, dict)
        else None
        for entry in entries[:MAX_EXTERNAL_IDS]
    )


def _halve(memory: dict[Any, Any], limit: int) -> None:
    """Forget the older half where there is too much."""
    if len(memory) > limit:
        for key in list(islice(memory, len(memory) // 2)):
            del memory[key]
