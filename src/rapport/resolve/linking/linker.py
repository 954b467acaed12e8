"""Learned links at work: changed customers become records, records are scored, likenesses become evidence.

Two steps, so that folding never waits for scoring. `note_changed`, in the transaction of whichever worker refreshed the
customers, writes what there is to compare. `link_pending`, in one process (that holds bucket 0), scores what is pending
against its index and ties, unties and queues. If its transaction is rolled back, `abandon` forgets the index; it is
loaded again from `link_records`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import store as graph
from rapport.resolve.graph.model import EvidenceId, Kind, evidence_id
from rapport.resolve.graph.recompute import Moved
from rapport.resolve.linking import households as living
from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.homes import Homes
from rapport.resolve.linking.model import LinkModel
from rapport.resolve.linking.models import active_model, active_version
from rapport.resolve.linking.scorer import LiveIndex, Match
from rapport.resolve.linking.store import CandidateStatus, link_candidates, link_models, link_records
from rapport.resolve.linking.ties import PolicyIn, tie
from rapport.resolve.linking.units import units_of
from rapport.storage.bulk import upsert
from rapport.storage.lookup import change_among, select_among

__all__ = ["FieldsOf", "Linked", "Linker", "forget", "note_changed"]

FieldsOf = Callable[[Connection, WorkspaceId, Mapping[Key, list[Key]]], dict[Key, dict[str, str]]]
"""What can be compared of each unit, given its identifiers: texts by column; units nothing is known of are left out."""

MOST_RECORDS = 200_000
"""Records a workspace's index holds, the latest; some 3 kilobytes each. `rapport identity batch` compares all."""

_EMPTY = b"{}"
"""The fields of a record that is no unit of its own any more, until the next round of scoring forgets it."""

_models = link_models.c
_records = link_records.c
_candidates = link_candidates.c


class Linked(NamedTuple):
    """What a round of scoring did."""

    scored: int
    moved: list[Moved]
    """To be handled as the resolver's own are."""


def note_changed(
    conn: Connection, workspace: WorkspaceId, roots: Collection[Key], fields_of: FieldsOf, *, now: int
) -> int:
    """Take down what is to be compared of customers that changed. Returns the records that are new or different.

    A customer held together by learned links is one record for each of its units. Set-based; writes only what differs.
    """
    units = {unit: keys for several in units_of(conn, workspace, roots).values() for unit, keys in several.items()}
    fields = fields_of(conn, workspace, units)
    wanted = {unit: msgspec.json.encode(fields[unit], order="sorted") for unit in units if fields.get(unit)}
    members = [key for keys in units.values() for key in keys]
    query = sa.select(_records.key, _records.fields)
    known = {Key(key): body for key, body in select_among(conn, query, workspace, _records.key, members)}
    changed = [unit for unit, body in wanted.items() if known.get(unit) != body]
    gone = [key for key in known if key not in wanted]
    told = {unit: wanted[unit] for unit in changed} | dict.fromkeys(gone, _EMPTY)
    rows = [
        {"workspace": workspace, "key": key, "fields": told[key], "pending": True, "seen_at": now}
        for key in sorted(told)
    ]  # fmt: skip
    upsert(conn, link_records, rows, key=("workspace", "key"), update=("fields", "pending", "seen_at"))
    return len(rows)


def forget(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> None:
    """Erase what is kept of these identifiers for comparing: their records, candidates and households.

    A `Linker` that has them in memory must `abandon` afterwards.
    """
    for table, column in (
        (link_records, _records.key), (link_candidates, _candidates.a), (link_candidates, _candidates.b),
        (living.households, living.households.c.key),
    ):  # fmt: skip
        change_among(conn, table.delete(), workspace, column, keys)


class Linker:
    """Scores pending records of every workspace that has a model. One per installation; not thread-safe."""

    def __init__(self, policy_in: PolicyIn) -> None:
        self._policy_in = policy_in
        self._shops: dict[WorkspaceId, _Shop] = {}
        self._unreadable: set[tuple[int, int | None]] = set()

    def link_pending(self, conn: Connection, workspace: WorkspaceId, *, now: int, limit: int = 200) -> Linked:
        """Score up to `limit` pending records; a few milliseconds each. Nothing happens without a model.

        What changes meanwhile stays pending: a record that is told otherwise, or all where another model is chosen.
        """
        shop = self._shop(conn, workspace)
        if shop is None:
            return Linked(0, [])
        query = (
            sa.select(_records.key, _records.fields)
            .where(_records.workspace == workspace, _records.pending)
            .order_by(_records.seen_at, _records.key)
            .limit(limit)
        )
        rows = [(Key(key), bytes(body)) for key, body in conn.execute(query).all()]
        if not rows:
            return Linked(0, [])
        touched: set[Key] = set()
        review: dict[tuple[Key, Key], float] = {}
        for key, body in rows:
            touched |= shop.put(key, msgspec.json.decode(body), review)
        # Only now, so that nobody waits for the scoring: from here on no verdict and no other model comes between.
        graph.lock(conn, workspace)
        if active_version(conn, workspace) != shop.version:
            self._shops.pop(workspace)
            return Linked(0, [])
        moved = self._settle(conn, workspace, shop, touched, review, now)
        _mark_scored(conn, workspace, rows)
        if shop.tells_homes:
            gone = {key: None for key, body in rows if body == _EMPTY}
            living.rewrite(conn, workspace, gone | shop.homes(workspace))
        else:
            living.refresh(conn, workspace, [key for key, _ in rows])
        return Linked(len(rows), moved)

    def due(self, conn: Connection) -> list[WorkspaceId]:
        """The workspaces that have a model and records to score. One query."""
        pending = sa.exists().where(_records.workspace == _models.workspace, _records.pending)
        query = sa.select(_models.workspace, _models.version).where(_models.active, pending)
        rows = conn.execute(query.order_by(_models.workspace)).all()
        return [WorkspaceId(row.workspace) for row in rows if (row.workspace, row.version) not in self._unreadable]

    def warm(self, conn: Connection, workspace: WorkspaceId, *, limit: int | None = None) -> bool:
        """Load up to `limit` records of the index, about a millisecond each, with a connection that only reads.

        True once it is whole, never without a model. Call it until then: `link_pending` loads what is missing while it
        holds the write transaction. Starts anew where another model has become active.
        """
        version = active_version(conn, workspace)
        shop = self._shops.get(workspace)
        if shop is None or shop.version != version:
            shop = self._begin(conn, workspace)
        return shop is not None and shop.load(limit)

    def _begin(self, conn: Connection, workspace: WorkspaceId) -> _Shop | None:
        self._shops.pop(workspace, None)
        active = active_model(conn, workspace)
        if active is None:
            self._unreadable.add((workspace, active_version(conn, workspace)))
            return None
        shop = self._shops[workspace] = _Shop(*active)
        shop.expect(conn, workspace)
        return shop

    def abandon(self) -> None:
        """Forget what is in memory: the transaction was rolled back, or somebody else scores now."""
        self._shops.clear()

    def _shop(self, conn: Connection, workspace: WorkspaceId) -> _Shop | None:
        return self._shops[workspace] if self.warm(conn, workspace) else None

    def _settle(
        self,
        conn: Connection,
        workspace: WorkspaceId,
        shop: _Shop,
        touched: set[Key],
        review: Mapping[tuple[Key, Key], float],
        now: int,
    ) -> list[Moved]:
        """Bring evidence and the queue in line with the persons that changed."""
        wanted = shop.ties_of(touched)
        before = _known(conn, workspace, touched)
        decided = {ident for ident, pair in before.items() if pair.status in _DECIDED}
        idents = {evidence_id(a, b, Kind.PROBABLE): (a, b) for a, b in wanted}
        standing = {ident for ident, pair in before.items() if pair.status in (*_DECIDED, CandidateStatus.LINKED)}
        add = {pair: wanted[pair] for ident, pair in idents.items() if ident not in standing}
        drop = [
            ident
            for ident, pair in before.items()
            if pair.status in _TIED and ident not in idents and not shop.awaits(pair.a) and not shop.awaits(pair.b)
        ]
        tied = tie(conn, workspace, self._policy_in, add=add, drop=drop, model=shop.version, now=now)
        rows: dict[EvidenceId, dict[str, Any]] = {}
        for (a, b), odds in [*review.items(), *add.items()]:
            ident = evidence_id(a, b, Kind.PROBABLE)
            if ident in decided or (ident in idents and (a, b) not in add):
                continue
            status = _status_of(ident, tied.linked, asked=ident in idents)
            rows[ident] = _candidate(workspace, ident, a, b, odds, status, shop.version, now)
        _write_candidates(conn, workspace, rows, [*drop, *_answered(before, rows, shop)])
        return tied.moved


_DECIDED = frozenset({CandidateStatus.ACCEPTED, CandidateStatus.REJECTED})
_TIED = frozenset({CandidateStatus.LINKED, CandidateStatus.REFUSED})


def _answered(
    before: Mapping[EvidenceId, _Pair], again: Collection[EvidenceId], shop: _Shop
) -> list[EvidenceId]:  # fmt: skip
    """Pairs in the queue that nobody needs to be asked about any more."""
    return [
        ident
        for ident, pair in before.items()
        if pair.status is CandidateStatus.REVIEW and ident not in again and not shop.is_asked(pair.a, pair.b)
    ]


def _status_of(ident: EvidenceId, linked: Collection[EvidenceId], *, asked: bool) -> CandidateStatus:
    if not asked:
        return CandidateStatus.REVIEW
    return CandidateStatus.LINKED if ident in linked else CandidateStatus.REFUSED


class _Pair(NamedTuple):
    """A candidate as it is stored."""

    a: Key
    b: Key
    status: CandidateStatus


class _Shop:
    """One workspace's index and persons; keys outside, numbers inside."""

    def __init__(self, version: int, model: LinkModel) -> None:
        self.version = version
        self._thresholds = model.thresholds
        self._index = LiveIndex(model)
        self._clusters = Clusters(
            self._index.cautious, threshold=model.thresholds.automatic, mean=model.thresholds.mean
        )
        self._homes = Homes(self._index, self._clusters) if model.kinships() else None
        self._numbers: dict[Key, int] = {}
        self._keys: dict[int, Key] = {}
        self._next = 0
        self._gone: set[Key] = set()
        self._to_load: list[tuple[bytes, bytes]] = []

    def expect(self, conn: Connection, workspace: WorkspaceId) -> None:
        """Read the latest scored records, to be put in as they were by `load`."""
        query = (
            sa.select(_records.key, _records.fields)
            .where(_records.workspace == workspace, _records.pending == sa.false())
            .order_by(_records.seen_at.desc(), _records.key)
            .limit(MOST_RECORDS)
        )
        self._to_load = [(bytes(key), bytes(body)) for key, body in conn.execute(query)]

    def load(self, limit: int | None) -> bool:
        """Put in the next records, the oldest first; True once there are none left."""
        for _ in range(len(self._to_load) if limit is None else min(limit, len(self._to_load))):
            key, body = self._to_load.pop()
            self.put(Key(key), msgspec.json.decode(body), {})
        if self._homes:
            self._homes.changed.clear()  # written when they were scored
        return not self._to_load

    @property
    def tells_homes(self) -> bool:
        """Whether the model says who lives together."""
        return self._homes is not None

    def homes(self, workspace: WorkspaceId) -> dict[Key, living.Living | None]:
        """Where each record belongs whose household changed since this was asked."""
        return self._homes.taken(workspace, self._keys) if self._homes else {}

    def awaits(self, key: Key) -> bool:
        """True for a record that exists but is not scored yet by this model: nothing is known against its links."""
        return key not in self._numbers and key not in self._gone

    def is_asked(self, a: Key, b: Key) -> bool:
        """True for a pair that a person is to decide, or that is not scored yet by this model."""
        if self.awaits(a) or self.awaits(b):
            return True
        one, other = self._numbers.get(a), self._numbers.get(b)
        if one is None or other is None or self._clusters.person_of(one) == self._clusters.person_of(other):
            return False
        return self._index.score(one, other) >= self._thresholds.review

    def put(self, key: Key, fields: Mapping[str, str], review: dict[tuple[Key, Key], float]) -> set[Key]:
        """Take in a record. Returns the keys whose person may have changed; pairs to be decided go to `review`."""
        number = self._numbers.get(key)
        touched = self._forget(number) if number is not None else {key}
        if not fields:
            self._gone.add(key)
            return touched
        self._gone.discard(key)
        number = self._new_number(key)
        matches = self._index.put(number, fields, above=WORTH_A_LOOK)
        moved = self._clusters.add(number, matches)
        touched |= {self._keys[record] for record in moved}
        self._note_review(number, matches, review)
        if self._homes:
            self._homes.add(number)
            self._homes.changed |= moved
        if len(self._numbers) > MOST_RECORDS:
            touched |= self._forget(next(iter(self._keys)), is_gone=False)
        return touched

    def ties_of(self, touched: Iterable[Key]) -> dict[tuple[Key, Key], float]:
        """What holds the persons of these records together: for each the strongest pairs that tie all its records."""
        persons = {
            self._clusters.person_of(number) for key in touched if (number := self._numbers.get(key)) is not None
        }
        ties: dict[tuple[Key, Key], float] = {}
        for person in persons:
            ties.update(self._spanning(self._clusters.members(person)))
        return ties

    def _spanning(self, members: list[int]) -> dict[tuple[Key, Key], float]:
        rest = set(members[1:])
        best = {other: (self._index.score(members[0], other), members[0]) for other in rest}
        ties = {}
        while rest:
            nearest = max(rest, key=lambda other: (best[other][0], -other))
            odds, twin = best[nearest]
            a, b = sorted((self._keys[nearest], self._keys[twin]))
            ties[a, b] = odds
            rest.remove(nearest)
            for other in rest:
                best[other] = max(best[other], (self._index.score(nearest, other), nearest))
        return ties

    def _note_review(self, number: int, matches: Iterable[Match], review: dict[tuple[Key, Key], float]) -> None:
        person = self._clusters.person_of(number)
        for match in matches:
            if match.score < self._thresholds.review:
                break
            if self._clusters.person_of(match.record) != person:
                a, b = sorted((self._keys[number], self._keys[match.record]))
                review[a, b] = match.score

    def _new_number(self, key: Key) -> int:
        number, self._next = self._next, self._next + 1
        self._numbers[key], self._keys[number] = number, key
        return number

    def _forget(self, number: int, *, is_gone: bool = True) -> set[Key]:
        person = self._clusters.members(self._clusters.person_of(number))
        touched = {self._keys[member] for member in person}
        self._clusters.remove(number)
        if self._homes:
            self._homes.changed |= {member for member in person if is_gone}
            self._homes.remove(number, is_gone=is_gone)
        self._index.remove(number)
        del self._numbers[self._keys.pop(number)]
        return touched


def _known(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> dict[EvidenceId, _Pair]:
    """Pairs with an end among the keys, and what became of them."""
    query = sa.select(_candidates.id, _candidates.a, _candidates.b, _candidates.status)
    return {
        bytes(ident): _Pair(Key(a), Key(b), CandidateStatus(status))
        for end in (_candidates.a, _candidates.b)
        for ident, a, b, status in select_among(conn, query, workspace, end, keys)
    }


def _candidate(
    workspace: WorkspaceId,
    ident: EvidenceId,
    a: Key,
    b: Key,
    odds: float,
    status: CandidateStatus,
    model: int,
    now: int,
) -> dict[str, Any]:
    return {
        "workspace": workspace, "id": ident, "a": a, "b": b, "millibits": round(odds * 1000), "status": status.value,
        "model": model, "at": now, "author": None, "reason": None, "worth": None,
    }  # fmt: skip


def _write_candidates(
    conn: Connection, workspace: WorkspaceId, rows: Mapping[EvidenceId, dict[str, Any]], stale: Collection[EvidenceId]
) -> None:
    upsert(
        conn, link_candidates, list(rows.values()), key=("workspace", "id"),
        update=("millibits", "status", "model", "at", "author", "reason", "worth"),
        where="link_candidates.status NOT IN ('accepted', 'rejected')",  # a person may have decided meanwhile
    )  # fmt: skip
    undecided = link_candidates.update().where(_candidates.status.not_in(_DECIDED))
    gone = [ident for ident in stale if ident not in rows]
    change_among(conn, undecided.values(status=CandidateStatus.STALE.value), workspace, _candidates.id, gone)


def _mark_scored(conn: Connection, workspace: WorkspaceId, rows: Iterable[tuple[Key, bytes]]) -> None:
    """Pending no more, and empty ones forgotten: each as it was read, for it may have been told otherwise meanwhile.

    In the order of their keys, as `note_changed` writes them, so that neither waits for the other in a circle.
    """
    here = (
        _records.workspace == workspace,
        _records.key == sa.bindparam("one"),
        _records.fields == sa.bindparam("was"),
    )
    read = [{"one": key, "was": body} for key, body in sorted(rows)]
    if scored := [row for row in read if row["was"] != _EMPTY]:
        conn.execute(link_records.update().where(*here).values(pending=False), scored)
    if empty := [row for row in read if row["was"] == _EMPTY]:
        conn.execute(link_records.delete().where(*here), empty)
