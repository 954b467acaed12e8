"""The part of questions in a worker's batch: who answered what, once for each fact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rapport.capabilities.questions import store
from rapport.capabilities.questions.facts import ANSWERED, SKIPPED
from rapport.capabilities.questions.store import Said
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import BatchStage, Connection, Seen, Work

__all__ = ["stage"]


class _Note(NamedTuple):
    said: Said
    answers: tuple[str, ...]


def _read(seen: Seen) -> _Note | None:
    fact, question = seen.fact, seen.fact.properties.get("question")
    if not isinstance(question, str):
        return None
    said = Said(seen.workspace, seen.strand, question, fact.occurred_at, fact.id, fact.name == SKIPPED)
    answer = fact.properties.get("answer")
    given = answer if isinstance(answer, list) else [answer]
    return _Note(said, tuple(one[:60] for one in given if isinstance(one, str)) if fact.name == ANSWERED else ())


def _write(conn: Connection, work: Work, notes: Sequence[_Note], now: int) -> None:
    store.keep(conn, [note.said for note in notes])
    asked = {ws: store.all_questions(conn, ws) for ws in {note.said.workspace for note in notes}}
    counts: Counter[tuple[WorkspaceId, str, str]] = Counter()
    for note in notes:
        question = asked[note.said.workspace].get(note.said.question)
        known = {one.value for one in question.options} if question is not None else set()
        counts.update((note.said.workspace, note.said.question, one) for one in note.answers if one in known)
    store.tally(conn, counts)


def stage() -> BatchStage[_Note]:
    """Notes who answered what, once for each fact."""
    return BatchStage((ANSWERED, SKIPPED), read=_read, write=_write)
