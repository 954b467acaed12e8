"""The review queue: pairs alike enough to ask a person, side by side, with what each comparison says.

What a person decides is a correction like any other (`resolve/actions`); here it only takes the pair out of the
queue.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from rapport.kernel.clock import to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.resolve.graph.customer_ids import CustomerIds, load_customer_ids
from rapport.resolve.graph.model import EvidenceId
from rapport.resolve.graph.store import forbidden_pairs, identifiers, roots_of
from rapport.resolve.linking import telling
from rapport.resolve.linking.comparer import Comparer, Prepared
from rapport.resolve.linking.model import Method, Thresholds, probability
from rapport.resolve.linking.models import active_model
from rapport.resolve.linking.records import fields_among, name_of
from rapport.resolve.linking.store import DECIDED, CandidateStatus, link_candidates, link_records
from rapport.resolve.reading import identities
from rapport.resolve.reading.identities import Member
from rapport.storage.lookup import select_among

__all__ = [
    "DECIDED",
    "Compared",
    "ReviewPage",
    "ReviewPair",
    "Side",
    "Undecided",
    "count_linked",
    "count_queue",
    "decided",
    "in_words",
    "note_decision",
    "opinion_of",
    "queue",
    "review_pair",
    "to_decide",
    "verdict",
    "why_linked",
]

_table = link_candidates.c

_WAITING = (CandidateStatus.REVIEW, CandidateStatus.REFUSED)

MOST_COUNTED = 10_000
"""Waiting pairs that are counted; more are so many."""

_FAMILY = "one person, relatives or namesakes"
"""Said where a model is too sure of itself: it takes what relatives share for independent witnesses."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One aspect of both records, and what the model makes of it."""

    aspect: str
    left: str
    right: str
    says: str
    weight: float
    """Bits: positive speaks for one person, negative against."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two."""

    customer: CustomerId
    """Whom the record belongs to now."""
    identifier: str
    """`namespace:value` by which the record is called."""
    name: str
    """As the record has it; empty where it has none."""


class ReviewPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two records side by side, the one known longer on the left. The weights and the prior sum to `score`."""

    id: str
    """That of the evidence between them, where a model tied them."""
    left: Side
    right: Side
    score: float
    """Log2 odds that they are one person, by the model in force."""
    probability: float
    """At most even where relatives and namesakes look the same."""
    words: str
    """What to make of it."""
    prior: float
    agrees: list[str]
    """What both have in common, in plain words."""
    against: list[str]
    """What speaks against one person."""
    live_together: bool
    """One surname and one address, as a family has."""
    fields: list[Compared]
    """Empty of a decided pair whose records have become one or are gone."""
    status: str
    """`review` and `refused` wait; `accepted`, `rejected`; `linked` by a model; `stale`: alike no more."""
    why: str
    """Why a person is asked; empty where nobody is."""
    model: int
    """The version that found the pair."""
    at: str
    author: str | None
    reason: str | None
    place: str
    """Its place in the list it is in: the cursor that goes on behind it."""


class ReviewPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some pairs; `cursor` asks for the next ones, None after the last."""

    pairs: list[ReviewPair]
    cursor: str | None


class Undecided(NamedTuple):
    """A pair that can be decided."""

    a: Key
    b: Key
    status: CandidateStatus


def in_words(chance: float) -> str:
    """What to make of a probability that two records are one person.

    >>> in_words(0.9995), in_words(0.5), in_words(0.05)
    ('almost certainly one person', 'as likely one person as two', 'probably two people')
    """
    bounds = (
        (0.999, "almost certainly one person"), (0.99, "very probably one person"), (0.9, "probably one person"),
        (0.6, "rather one person than two"), (0.4, "as likely one person as two"), (0.1, "rather two people than one"),
    )  # fmt: skip
    return next((words for bound, words in bounds if chance >= bound), "probably two people")


def count_queue(conn: Connection, workspace: WorkspaceId, *, most: int = MOST_COUNTED) -> int:
    """How many pairs a person is asked about; counts no further than `most`."""
    asked = _standing(workspace).with_only_columns(_table.id).limit(most).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(asked)).scalar_one())


def count_linked(conn: Connection, workspace: WorkspaceId) -> int:
    """How many pairs the model tied without asking."""
    query = sa.select(sa.func.count()).where(_table.workspace == workspace, _table.status == CandidateStatus.LINKED)
    return int(conn.execute(query).scalar_one())


def queue(conn: Connection, workspace: WorkspaceId, *, limit: int = 50, after: str | None = None) -> ReviewPage:
    """Pairs that a person is asked about (`choosing`), what deciding is worth most first. Who are one customer by now,
    are kept apart by somebody's word, or have no record any more, are left out.

    Nothing waits without a model. Raises InvalidInput for a bad cursor. Cost: the page, wherever it lies.
    """
    judge = _judge_in_force(conn, workspace)
    if judge is None:
        return ReviewPage(pairs=[], cursor=None)
    query = _standing(workspace).where(_behind(_table.worth, after)).order_by(_table.worth.desc(), _table.id)
    rows = conn.execute(query.limit(limit + 1)).all()
    return _page(conn, workspace, rows, judge, limit=limit, by="worth")


def decided(conn: Connection, workspace: WorkspaceId, *, limit: int = 50, after: str | None = None) -> ReviewPage:
    """Pairs that people decided, the latest first. Raises InvalidInput for a bad cursor."""
    query = (
        sa.select(link_candidates)
        .where(_table.workspace == workspace, _table.status.in_(DECIDED), _behind(_table.at, after))
        .order_by(_table.at.desc(), _table.id)
        .limit(limit + 1)
    )
    rows = conn.execute(query).all()
    return _page(conn, workspace, rows, _judge_in_force(conn, workspace), limit=limit, by="at")


def review_pair(conn: Connection, workspace: WorkspaceId, ident: EvidenceId) -> ReviewPair:
    """One pair, whatever became of it. Raises NotFound; also where nobody decided and its records are gone."""
    row = _row(conn, workspace, ident)
    found = _pairs(conn, workspace, [row], _judge_in_force(conn, workspace), by="worth")
    if not found or not (found[0].fields or row.status in DECIDED):
        raise NotFound("the records of this pair are no more", hint="their customers were changed or erased")
    return found[0]


def why_linked(
    conn: Connection, workspace: WorkspaceId, idents: Collection[EvidenceId]
) -> dict[EvidenceId, ReviewPair]:
    """What stands behind pieces of evidence of kind `probable`, as far as their records are still there."""
    rows = list(select_among(conn, sa.select(link_candidates), workspace, _table.id, idents))
    judge = _judge_in_force(conn, workspace) if rows else None
    found = _pairs(conn, workspace, rows, judge, by="worth")
    return {bytes.fromhex(pair.id): pair for pair in found if pair.fields}


def opinion_of(
    conn: Connection,
    workspace: WorkspaceId,
    pairs: Collection[tuple[Key, Key]],
    fields: Mapping[Key, dict[str, str]],
) -> dict[tuple[Key, Key], float]:
    """The probability that the records of each pair are one person, as the queue tells it; without a model, none."""
    judge = _judge_in_force(conn, workspace)
    if judge is None:
        return {}
    comparer = judge.comparer
    prepared = {key: comparer.prepare(texts) for key, texts in fields.items()}
    known = [(a, b) for a, b in pairs if a in prepared and b in prepared]
    return {(a, b): _chance(comparer, prepared[a], prepared[b])[1] for a, b in known}


def to_decide(conn: Connection, workspace: WorkspaceId, ident: EvidenceId) -> Undecided:
    """The pair, where it still is to be decided; to be called under the workspace's lock.

    Raises NotFound, or Conflict where somebody decided, or the facts did.
    """
    row = _row(conn, workspace, ident)
    if row.status in DECIDED:
        raise Conflict(f"this pair was {row.status} by {row.author}", hint="reopen it first")
    if row.status == CandidateStatus.STALE:
        raise Conflict("these records are alike no more", hint="the queue shows what is to be decided now")
    keys = [Key(row.a), Key(row.b)]
    roots = roots_of(conn, workspace, keys)
    if len(roots) < 2 or len(fields_among(conn, workspace, keys)) < 2:
        raise NotFound("the records of this pair are no more", hint="their customers were changed or erased")
    if row.status in _WAITING and len(set(roots.values())) == 1:
        raise Conflict("the two became one customer meanwhile", hint="split the customer where that is wrong")
    return Undecided(Key(row.a), Key(row.b), CandidateStatus(row.status))


def verdict(conn: Connection, workspace: WorkspaceId, ident: EvidenceId) -> str:
    """The action in the audit trail that decided a pair. Raises NotFound, Conflict where none did."""
    row = _row(conn, workspace, ident)
    if row.status not in DECIDED:
        raise Conflict("this pair is not decided", hint="only an accepted or a rejected pair can be reopened")
    return str(row.action)


def note_decision(
    conn: Connection, workspace: WorkspaceId, ident: EvidenceId, *, before: str, after: str, author: str, reason: str,
    action: str, now: int,
) -> None:  # fmt: skip
    """Give a pair another status. A decided pair knows who decided, why, and by which action; an open one forgets it.

    What somebody else decided meanwhile stays as it is.
    """
    values: dict[str, Any] = {"status": after, "at": now, "author": None, "reason": None, "action": None}
    if after in DECIDED:
        values |= {"author": author, "reason": reason, "action": action}
    standing = _table.status.not_in(DECIDED) if after in DECIDED else _table.status == before
    here = (_table.workspace == workspace, _table.id == ident, standing)
    conn.execute(link_candidates.update().where(*here).values(values))


# --- which ----------------------------------------------------------------------------------------------------------


def _standing(workspace: WorkspaceId) -> sa.Select[*tuple[Any, ...]]:
    """Pairs that are asked, whose ends are two customers with something to compare and nobody's word between them."""
    waits = sa.text("link_candidates.status IN ('review', 'refused')")  # as the index has it
    query = sa.select(link_candidates).where(_table.workspace == workspace, waits)
    query = query.where(_table.worth > 0, _table.asked_at.is_not(None))
    roots = []
    for end in (_table.a, _table.b):
        one, record = identifiers.alias().c, link_records.alias().c
        query = query.where(one.workspace == workspace, one.key == end)
        query = query.where(record.workspace == workspace, record.key == end, record.fields != b"{}")
        roots.append(one.root)
    return query.where(roots[0] != roots[1], ~_is_forbidden(workspace, roots[0], roots[1]))


def _is_forbidden(workspace: WorkspaceId, one: Any, other: Any) -> sa.Exists:
    """Whether some pair between the two customers was said to be two people."""
    mine, theirs, pair = identifiers.alias().c, identifiers.alias().c, forbidden_pairs.alias().c
    either = sa.or_(
        sa.and_(pair.a == mine.key, pair.b == theirs.key), sa.and_(pair.b == mine.key, pair.a == theirs.key)
    )
    return sa.exists().where(
        mine.workspace == workspace, theirs.workspace == workspace, pair.workspace == workspace,
        mine.root == one, theirs.root == other, either,
    )  # fmt: skip


def _behind(column: ColumnElement[int], cursor: str | None) -> ColumnElement[bool]:
    """What comes after a place in a list that descends by a column, then ascends by id."""
    if not cursor:
        return sa.true()
    value, _, ident = cursor.partition(".")
    try:
        number, key = int(value), bytes.fromhex(ident)
    except ValueError:
        number, key = 0, b""
    if len(key) != 16 or abs(number) >= 2**63 or not cursor.isascii():
        raise InvalidInput(f"cursor {cursor[:60]!r} cannot be read", hint="start again without a cursor")
    return sa.or_(column < number, sa.and_(column == number, _table.id > key))


def _page(
    conn: Connection, workspace: WorkspaceId, rows: Collection[Any], judge: _Judge | None, *, limit: int, by: str
) -> ReviewPage:
    shown = list(rows)[:limit]
    cursor = _place(shown[-1], by) if len(rows) > limit else None
    return ReviewPage(pairs=_pairs(conn, workspace, shown, judge, by=by), cursor=cursor)


def _place(row: Any, by: str) -> str:
    return f"{getattr(row, by) or 0}.{bytes(row.id).hex()}"


def _row(conn: Connection, workspace: WorkspaceId, ident: EvidenceId) -> Any:
    query = sa.select(link_candidates).where(_table.workspace == workspace, _table.id == ident)
    row = conn.execute(query).first()
    if row is None:
        raise NotFound("no such pair", hint="the review queue lists them")
    return row


# --- side by side ---------------------------------------------------------------------------------------------------


class _Judge(NamedTuple):
    """The model in force, ready to compare."""

    comparer: Comparer
    thresholds: Thresholds


class _Opinion(NamedTuple):
    """What a model makes of two records."""

    score: float
    chance: float
    words: str
    prior: float
    fields: list[Compared]
    why: str
    records: list[dict[str, str]]


class _Known(NamedTuple):
    """What is known of the ends of some pairs."""

    ids: CustomerIds
    members: Mapping[Key, Member]
    fields: Mapping[Key, dict[str, str]]


def _judge_in_force(conn: Connection, workspace: WorkspaceId) -> _Judge | None:
    active = active_model(conn, workspace)
    return None if active is None else _Judge(Comparer.of_model(active[1]), active[1].thresholds)


def _pairs(
    conn: Connection, workspace: WorkspaceId, rows: Collection[Any], judge: _Judge | None, *, by: str
) -> list[ReviewPair]:
    if not rows:
        return []
    keys = {Key(end) for row in rows for end in (row.a, row.b)}
    members, fields = identities.members(conn, workspace, keys), fields_among(conn, workspace, keys)
    known = _Known(load_customer_ids(conn), members, fields)
    return [_pair(row, known, judge, by=by) for row in rows if row.a in members and row.b in members]


def _pair(row: Any, known: _Known, judge: _Judge | None, *, by: str) -> ReviewPair:
    ends = sorted((Key(row.a), Key(row.b)), key=lambda key: (known.members[key].first_seen_at, key))
    opinion = _opinion(row, [known.fields.get(key, {}) for key in ends], judge)
    told = [(one.aspect, one.left, one.right, one.weight) for one in opinion.fields]
    return ReviewPair(
        id=bytes(row.id).hex(), left=_side(ends[0], known), right=_side(ends[1], known),
        score=round(opinion.score, 2), probability=round(opinion.chance, 4), words=opinion.words,
        prior=round(opinion.prior, 2), agrees=telling.agreeing(told), against=telling.against(told, *opinion.records),
        live_together=telling.together(*opinion.records), fields=opinion.fields, status=row.status, why=opinion.why,
        model=row.model, at=to_iso(row.at), author=row.author, reason=row.reason, place=_place(row, by),
    )  # fmt: skip


def _opinion(row: Any, records: list[dict[str, str]], judge: _Judge | None) -> _Opinion:
    """What the model in force makes of two records; where one is gone, what the model made of them that found them."""
    if judge is None or not all(records):
        score = row.millibits / 1000
        return _Opinion(score, probability(score), in_words(probability(score)), 0.0, [], "", records)
    comparer = judge.comparer
    left, right = (comparer.prepare(record) for record in records)
    score, chance, safe = _chance(comparer, left, right)
    words = in_words(chance) if safe or score < 0 else _FAMILY
    why = _why(row.status, score, judge.thresholds, safe=safe)
    return _Opinion(score, chance, words, comparer.prior, _compared(comparer, records, left, right), why, records)


def _chance(comparer: Comparer, left: Prepared, right: Prepared) -> tuple[float, float, bool]:
    """The score, what it says of the chance that they are one person, and whether relatives do not look the same."""
    score, safe = comparer.score(left, right), comparer.is_safe(left, right)
    return score, probability(score if safe else min(score, 0.0)), safe


def _side(key: Key, known: _Known) -> Side:
    member = known.members[key]
    return Side(
        customer=known.ids.customer_id(member.root), identifier=f"{member.namespace}:{member.value}",
        name=name_of(known.fields.get(key, {})),
    )  # fmt: skip


def _compared(
    comparer: Comparer, records: list[dict[str, str]], left: Prepared, right: Prepared
) -> list[Compared]:  # fmt: skip
    return [
        Compared(
            aspect=reason.aspect, left=_shown(records[0], aspect.own), right=_shown(records[1], aspect.own),
            says=reason.said, weight=reason.weight,
        )
        for aspect, reason in zip(comparer.aspects, comparer.reasons(left, right), strict=True)
        if aspect.method is not Method.SENT
    ]  # fmt: skip


def _shown(fields: Mapping[str, str], columns: list[str]) -> str:
    return ", ".join(dict.fromkeys(fields[column] for column in columns if fields.get(column)))


def _why(status: str, score: float, thresholds: Thresholds, *, safe: bool) -> str:
    """Why a model did not tie them by itself; empty where nobody is asked."""
    if status not in _WAITING:
        return ""
    if status == CandidateStatus.REFUSED:
        return "the policy keeps them apart, as it does with two accounts: only a person may join them"
    if not safe:
        return (
            "relatives and namesakes look like this: names, dates of birth or genders differ, or nothing but the name"
            " speaks for it"
        )
    if score < thresholds.automatic:
        return "it is not sure enough to be tied without asking"
    return "other records of theirs speak against it"
