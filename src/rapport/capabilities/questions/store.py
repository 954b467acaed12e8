"""The tables of questions: what is asked, who answered or would rather not, and how often each answer was given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table

from rapport.capabilities.questions.model import Question
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import select_among

__all__ = [
    "Said", "all_questions", "answers_given", "keep", "question_answers", "questions", "remove", "said_by", "save",
    "tallies", "tally",
]  # fmt: skip

questions = Table(
    "questions",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("name", CText, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

question_answers = Table(
    "question_answers",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, primary_key=True),
    Column("question", CText, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
    Column("skipped", Integer, nullable=False),
)
"""When each identifier answered last, or would rather not; what was answered is in the Golden Record."""

tallies = Table(
    "question_tallies",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("question", CText, primary_key=True),
    Column("answer", CText, primary_key=True),
    Column("given", BigInteger, nullable=False),
)

_decoder = msgspec.json.Decoder(Question)
_q, _a, _t = questions.c, question_answers.c, tallies.c


class Said(NamedTuple):
    """That somebody answered, or would rather not."""

    workspace: WorkspaceId
    key: Key
    question: str
    at: int
    fact: str
    skipped: bool


def all_questions(conn: Connection, workspace: WorkspaceId) -> dict[str, Question]:
    """All questions of a shop by name."""
    query = sa.select(_q.name, _q.body).where(_q.workspace == workspace).order_by(_q.name)
    return {name: _decoder.decode(body) for name, body in conn.execute(query)}


def save(conn: Connection, workspace: WorkspaceId, question: Question) -> None:
    """Add a question, or put it in place of that of its name."""
    row = {"workspace": workspace, "name": question.name, "body": msgspec.json.encode(question)}
    upsert(conn, questions, [row], key=("workspace", "name"), update=("body",))


def remove(conn: Connection, workspace: WorkspaceId, name: str) -> bool:
    """Ask it no more; what was answered stays. False where there is none."""
    return conn.execute(questions.delete().where(_q.workspace == workspace, _q.name == name)).rowcount == 1


def keep(conn: Connection, several: Iterable[Said]) -> None:
    """Note who answered; a later answer replaces an earlier one, in whatever order they come."""
    newest: dict[tuple[WorkspaceId, Key, str], Said] = {}
    for said in several:
        place = (said.workspace, said.key, said.question)
        if place not in newest or (said.at, said.fact) > (newest[place].at, newest[place].fact):
            newest[place] = said
    rows = [said._asdict() | {"skipped": int(said.skipped)} for _, said in sorted(newest.items())]
    upsert(
        conn, question_answers, rows, key=("workspace", "key", "question"),
        update={name: f"excluded.{name}" for name in ("at", "fact", "skipped")},
        where="(excluded.at, excluded.fact) > (question_answers.at, question_answers.fact)",
    )  # fmt: skip


def said_by(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> dict[str, tuple[int, bool]]:
    """By question: when a person with these identifiers answered last, and whether they would rather not."""
    found: dict[str, tuple[int, bool]] = {}
    for row in select_among(conn, sa.select(question_answers), workspace, _a.key, keys):
        if row.at > found.get(row.question, (-1, False))[0]:
            found[row.question] = (row.at, bool(row.skipped))
    return found


def tally(conn: Connection, counts: Mapping[tuple[WorkspaceId, str, str], int]) -> None:
    """Add to how often each answer was given."""
    rows: Sequence[dict[str, object]] = [
        {"workspace": workspace, "question": question, "answer": answer, "given": number}
        for (workspace, question, answer), number in sorted(counts.items())
    ]
    upsert(
        conn, tallies, rows, key=("workspace", "question", "answer"),
        update={"given": "question_tallies.given + excluded.given"},
    )  # fmt: skip


def answers_given(conn: Connection, workspace: WorkspaceId) -> dict[str, dict[str, int]]:
    """By question and answer: how often it was given. As many rows as options."""
    found: dict[str, dict[str, int]] = {}
    for row in conn.execute(sa.select(tallies).where(_t.workspace == workspace)):
        found.setdefault(row.question, {})[row.answer] = row.given
    return found
