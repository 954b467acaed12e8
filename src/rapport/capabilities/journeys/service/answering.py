"""Questions that journeys put to somebody: which are open, and what is done with the answer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.consent import gate
from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.facts import ANSWERED
from rapport.collect.own import own_fact, own_traits
from rapport.decide.people import identifiers_by_key, naming
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.text import clean
from rapport.storage import log
from rapport.storage.lookup import select_among

__all__ = ["PURPOSE", "QuestionOpen", "answer", "open_questions"]

PURPOSE = "personalisation"
"""What an answer is for: whoever refuses it is not shown the question, and no answer of theirs is kept."""

_a = store.answers.c


class QuestionOpen(msgspec.Struct, frozen=True, kw_only=True):
    """A question that somebody has not answered yet."""

    id: str
    question: str
    choices: list[str]
    """Empty: they write what they like."""
    asked_at: str
    until: str
    """Answered later, it changes nothing any more."""


def open_questions(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key], *, now: int
) -> list[QuestionOpen]:
    """What a customer with these strands is asked now, the oldest first; nothing where its purpose is refused."""
    query = sa.select(store.answers).where(_a.answered_at.is_(None), _a.until_at > now)
    rows = sorted(select_among(conn, query, workspace, _a.strand, strands), key=lambda row: (row.asked_at, row.id))
    permits = gate(conn, workspace, {Key(row.strand) for row in rows}, PURPOSE, now) if rows else {}
    return [
        QuestionOpen(
            id=row.id, question=row.question, choices=msgspec.json.decode(row.choices), asked_at=to_iso(row.asked_at),
            until=to_iso(row.until_at),
        )
        for row in rows
        if permits[Key(row.strand)].may
    ]  # fmt: skip


def answer(conn: Connection, workspace: WorkspaceId, ident: str, given: str, *, now: int) -> None:
    """Keep an answer: as a fact, which has the journey go on, and in the customer's record. The same again is once.

    Raises NotFound, InvalidInput for what is none of the choices, Conflict where it comes too late or may not be used.
    """
    row, said = _checked(conn, workspace, ident, given, now)
    if row.answered_at is not None:
        return
    conn.execute(
        store.answers.update().where(_a.workspace == workspace, _a.id == ident).values(answered_at=now, answer=said)
    )
    strand = Key(row.strand)
    whom = naming(identifiers_by_key(conn, workspace, [strand])[strand])
    properties = {"question_id": ident, "question": row.question, "trait": row.trait, "answer": said}
    about = f"answered-{ident}-{row.asked_at}"
    fact = own_fact(
        workspace, name=ANSWERED, id=about, occurred_at=now, received_at=now, properties=properties, **whom
    )  # fmt: skip
    trait = own_traits(workspace, id=f"{about}-trait", received_at=now, traits={row.trait: said}, **whom)
    log.append(conn, [fact, trait])


def _checked(conn: Connection, workspace: WorkspaceId, ident: str, given: str, now: int) -> tuple[Any, str]:
    """The question's row, locked, and the answer as it is kept."""
    query = sa.select(store.answers).where(_a.workspace == workspace, _a.id == ident)
    row = conn.execute(query.with_for_update()).first() if ident.isprintable() else None
    if row is None or not identifiers_by_key(conn, workspace, [Key(row.strand)]):
        hint = "GET /api/v1/journey-questions lists those that are open"
        raise NotFound(f"no question {ident[:100]!r} was asked", hint=hint)
    said, choices = clean(given, longest=500), msgspec.json.decode(row.choices, type=list[str])
    if not said or (choices and said not in choices):
        hint = f"one of {', '.join(choices)}" if choices else "some words"
        raise InvalidInput("this question does not take this answer", hint=hint)
    if row.answered_at is not None and row.answer != said:
        raise Conflict("this question is answered already", hint="change what is known on the customer's page")
    if row.answered_at is None and now >= row.until_at:
        raise Conflict(f"the time for this answer was over at {to_iso(row.until_at)}", hint="nothing was kept")
    permit = gate(conn, workspace, [Key(row.strand)], PURPOSE, now)[Key(row.strand)]
    if not permit.may:
        raise Conflict(f"the answer may not be used: {permit.reason}", hint="nothing was kept")
    return row, said
