"""The review queue: pairs alike enough to ask a person, side by side, with what each comparison says.

Accepting joins the two by hand, rejecting forbids them for ever; both are corrections like any other, can be undone,
and take the pair out of the queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve import corrections
from rapport.resolve.identities import members_of_customers, roots_of
from rapport.resolve.linking.model import Comparer, probability
from rapport.resolve.linking.models import active_model
from rapport.resolve.linking.store import CandidateStatus, link_candidates, link_records
from rapport.resolve.linking.units import certain_identifiers
from rapport.resolve.model import EvidenceId, Kind, evidence_id
from rapport.resolve.recompute import Moved
from rapport.resolve.store import select_among

__all__ = ["Compared", "ReviewPair", "accept", "count_queue", "queue", "reject", "reopen", "review_pair", "why_linked"]

_table = link_candidates.c
_WAITING = (CandidateStatus.REVIEW, CandidateStatus.REFUSED)


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One aspect of both records, and what the model makes of it."""

    aspect: str
    left: str
    right: str
    says: str
    weight: float
    """Bits: positive speaks for one person, negative against."""


class ReviewPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two records side by side. The weights and the prior sum to `score`."""

    id: str
    """The candidate's id in hex."""
    a: Key
    b: Key
    root_a: Key
    root_b: Key
    score: float
    """Log2 odds that they are one person."""
    probability: float
    prior: float
    fields: list[Compared]
    status: str
    model: int
    at: int
    author: str | None = None
    reason: str | None = None


def count_queue(conn: Connection, workspace: WorkspaceId) -> int:
    """How many pairs wait for a person. At most a few too many: those that were tied otherwise since."""
    query = sa.select(sa.func.count()).where(_table.workspace == workspace, _table.status.in_(_WAITING))
    return int(conn.execute(query).scalar_one())


def queue(conn: Connection, workspace: WorkspaceId, *, limit: int = 50, below: float | None = None) -> list[ReviewPair]:
    """Pairs to decide, the likeliest first; `below` continues after the score of the last. Skips who are one by now."""
    query = (
        sa.select(link_candidates)
        .where(_table.workspace == workspace, _table.status.in_(_WAITING))
        .order_by(_table.millibits.desc(), _table.id)
        .limit(limit * 2)
    )
    if below is not None:
        query = query.where(_table.millibits < round(below * 1000))
    pairs = _pairs(conn, workspace, conn.execute(query).all())
    return [pair for pair in pairs if pair.root_a != pair.root_b][:limit]


def review_pair(conn: Connection, workspace: WorkspaceId, ident: EvidenceId) -> ReviewPair:
    """One pair, whatever became of it. Raises NotFound."""
    found = _pairs(conn, workspace, [_row(conn, workspace, ident)])
    if not found:
        raise NotFound("the records of this pair are no more", hint="their customers were changed or erased")
    return found[0]


def why_linked(conn: Connection, workspace: WorkspaceId, ident: EvidenceId) -> ReviewPair | None:
    """What stands behind a piece of evidence of kind `probable`; its id is the candidate's. None where it is gone."""
    query = sa.select(link_candidates).where(_table.workspace == workspace, _table.id == ident)
    return next(iter(_pairs(conn, workspace, conn.execute(query).all())), None)


def accept(
    conn: Connection, workspace: WorkspaceId, ident: EvidenceId, policy: IdentifierPolicy, *,
    author: str, reason: str, now: int,
) -> list[Moved]:  # fmt: skip
    """They are one person: join them by hand. Raises NotFound, or Conflict where that was decided already.

    Two names of one kind that only one of which a customer may have (two accounts) are joined as such.
    """
    row = _undecided(conn, workspace, ident)
    a, b = _joined_ends(conn, workspace, Key(row.a), Key(row.b), policy)
    moved = corrections.join(conn, workspace, a, b, policy, author=author, reason=reason, now=now)
    joined = evidence_id(a, b, Kind.JOINED)
    _decide(conn, workspace, ident, CandidateStatus.ACCEPTED, author=author, reason=reason, now=now, joined=joined)
    return moved


def reject(
    conn: Connection, workspace: WorkspaceId, ident: EvidenceId, policy: IdentifierPolicy, *,
    author: str, reason: str, now: int,
) -> list[Moved]:  # fmt: skip
    """They are two people: forbid them to be joined. Raises NotFound, or Conflict where that was decided already."""
    row = _undecided(conn, workspace, ident)
    moved = corrections.forbid(conn, workspace, Key(row.a), Key(row.b), policy, author=author, reason=reason, now=now)
    _decide(conn, workspace, ident, CandidateStatus.REJECTED, author=author, reason=reason, now=now)
    return moved


def reopen(
    conn: Connection, workspace: WorkspaceId, ident: EvidenceId, policy: IdentifierPolicy, *,
    author: str, reason: str, now: int,
) -> list[Moved]:  # fmt: skip
    """Undo `accept` or `reject`: the pair is in the queue again."""
    row = _row(conn, workspace, ident)
    a, b = Key(row.a), Key(row.b)
    if row.status == CandidateStatus.ACCEPTED:
        moved = corrections.withdraw(
            conn, workspace, [bytes(row.joined)], policy, author=author, reason=reason, now=now
        )
    elif row.status == CandidateStatus.REJECTED:
        moved = corrections.allow(conn, workspace, a, b, policy, now=now)
    else:
        raise Conflict("this pair was not decided", hint="only an accepted or a rejected pair can be reopened")
    _decide(conn, workspace, ident, CandidateStatus.REVIEW, author=None, reason=None, now=now)
    return moved


def _joined_ends(conn: Connection, workspace: WorkspaceId, a: Key, b: Key, policy: IdentifierPolicy) -> tuple[Key, Key]:
    """Which identifiers to join so that two records become one customer: where each has an account and a customer may
    have but one, the accounts, for a join of these says that two accounts are one.
    """
    ends = []
    for end in (a, b):
        keys = set(certain_identifiers(conn, workspace, end))
        roots = list(roots_of(conn, workspace, [end]).values())
        members = [one for one in members_of_customers(conn, workspace, roots).get(roots[0], []) if one.key in keys]
        ends.append({one.namespace: one.key for one in reversed(members)})
    for namespace in sorted(ends[0].keys() & ends[1].keys()):
        if policy.limit(namespace) == 1:
            return ends[0][namespace], ends[1][namespace]
    return a, b


def _row(conn: Connection, workspace: WorkspaceId, ident: EvidenceId) -> Any:
    query = sa.select(link_candidates).where(_table.workspace == workspace, _table.id == ident)
    row = conn.execute(query).first()
    if row is None:
        raise NotFound("no such pair", hint="the review queue lists them")
    return row


def _undecided(conn: Connection, workspace: WorkspaceId, ident: EvidenceId) -> Any:
    row = _row(conn, workspace, ident)
    if row.status in (CandidateStatus.ACCEPTED, CandidateStatus.REJECTED):
        raise Conflict(f"this pair was {row.status} by {row.author}", hint="reopen it first")
    return row


def _decide(
    conn: Connection, workspace: WorkspaceId, ident: EvidenceId, status: CandidateStatus, *,
    author: str | None, reason: str | None, now: int, joined: EvidenceId | None = None,
) -> None:  # fmt: skip
    conn.execute(
        link_candidates.update()
        .where(_table.workspace == workspace, _table.id == ident)
        .values(status=status.value, author=author, reason=reason, at=now, joined=joined)
    )


def _pairs(conn: Connection, workspace: WorkspaceId, rows: Iterable[Any]) -> list[ReviewPair]:
    rows = list(rows)
    active = active_model(conn, workspace)
    if active is None:
        return []
    comparer = Comparer.of_model(active[1])
    keys = {Key(end) for row in rows for end in (row.a, row.b)}
    query = sa.select(link_records.c.key, link_records.c.fields)
    fields = {
        Key(key): msgspec.json.decode(body, type=dict[str, str])
        for key, body in select_among(conn, query, workspace, link_records.c.key, keys)
    }
    roots = roots_of(conn, workspace, keys)
    return [_pair(row, comparer, fields, roots) for row in rows if row.a in fields and row.b in fields]


def _pair(row: Any, comparer: Comparer, fields: dict[Key, dict[str, str]], roots: dict[Key, Key]) -> ReviewPair:
    left, right = fields[row.a], fields[row.b]
    reasons = comparer.reasons(comparer.prepare(left), comparer.prepare(right))
    compared = [
        Compared(
            aspect=reason.aspect, left=_shown(left, aspect.columns), right=_shown(right, aspect.columns),
            says=reason.said, weight=reason.weight,
        )
        for aspect, reason in zip(comparer.aspects, reasons, strict=True)
    ]  # fmt: skip
    score = comparer.score(comparer.prepare(left), comparer.prepare(right))
    return ReviewPair(
        id=bytes(row.id).hex(), a=Key(row.a), b=Key(row.b), root_a=roots[row.a], root_b=roots[row.b],
        score=round(score, 2), probability=round(probability(score), 4), prior=round(comparer.prior, 2),
        fields=compared, status=row.status, model=row.model, at=row.at, author=row.author, reason=row.reason,
    )  # fmt: skip


def _shown(fields: dict[str, str], columns: list[str]) -> str:
    return ", ".join(dict.fromkeys(fields[column] for column in columns if fields.get(column)))
