"""`/api/v1/questions`: what to ask a customer next, what they answer, and the questions themselves."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import delete, get, post, put
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.questions import service, store
from rapport.capabilities.questions.model import Question
from rapport.capabilities.questions.service import Next
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.gate import Gate
from rapport.kernel.principal import Principal
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database

__all__ = ["ROUTES"]

Language = Annotated[
    str, Parameter(max_length=35, description="Of the question; English where it is not written in it.")
]


class AnswerGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody answered."""

    customer: Annotated[str, Meta(max_length=300)]
    """`namespace:value`."""
    answer: Any
    """By the question's kind: a value, a list of values, a number, a day, words; null for "rather not"."""
    language: Annotated[str, Meta(max_length=35)] = ""


class QuestionsShown(msgspec.Struct, frozen=True, kw_only=True):
    """The questions of a shop."""

    questions: list[Question]


@get("/questions/next", permission="questions:ask", door="asks", tags=["questions"], sync_to_thread=True)
def get_next(
    db: Database, principal: Principal, gate: Gate,
    customer: Annotated[str, Parameter(max_length=300, description="`namespace:value`, seen before or not.")],
    language: Language = "",
) -> Next:  # fmt: skip
    """The one question to ask this customer now, or null and why not."""
    with db.read() as conn:
        return service.next_question(
            conn, gate, principal.workspace, service.whom(conn, principal.workspace, customer), language=language,
            now=now_us(), purposes=principal.purposes,
        )  # fmt: skip


@post(
    "/questions/{name:str}/answers", permission="questions:ask", door="asks", status_code=200, tags=["questions"],
    unaudited="an answer is a fact", sync_to_thread=True,
)  # fmt: skip
def post_answer(
    db: Database, principal: Principal, gate: Gate, name: str, data: AnswerGiven
) -> Next:  # fmt: skip
    """Keep an answer; replies what to ask next."""
    now, workspace = now_us(), principal.workspace
    with db.read() as conn:
        identifier = service.whom(conn, workspace, data.customer)
    service.answer(db, gate, workspace, identifier, name, data.answer, language=data.language, now=now)
    with db.read() as conn:
        return service.next_question(
            conn, gate, workspace, identifier, language=data.language, now=now_us(), purposes=principal.purposes
        )


@get("/questions", permission="questions:write", door="open", tags=["questions"], sync_to_thread=True)
def list_questions(db: Database, principal: Principal) -> QuestionsShown:
    """All questions by name."""
    with db.read() as conn:
        return QuestionsShown(questions=list(store.all_questions(conn, principal.workspace).values()))


@put("/questions/{name:str}", permission="questions:write", door="open", tags=["questions"], sync_to_thread=True)
def put_question(db: Database, principal: Principal, name: str, data: Question) -> Question:
    """Add a question, or put it in place of that of its name."""
    if data.name != name:
        raise InvalidInput(f"the address says {name[:60]!r}, the question {data.name[:60]!r}")
    data.check()
    with db.write() as conn:
        store.save(conn, principal.workspace, data)
        tell(conn, principal.workspace, "question.changed", about=name, now=now_us())
    return data


@delete("/questions/{name:str}", permission="questions:write", door="open", tags=["questions"], sync_to_thread=True)
def delete_question(db: Database, principal: Principal, name: str) -> None:
    """Ask it no more; what was answered stays known."""
    with db.write() as conn:
        if not name.isprintable() or not store.remove(conn, principal.workspace, name):
            raise NotFound(f"no question {name[:60]!r}")
        tell(conn, principal.workspace, "question.removed", about=name, now=now_us())


ROUTES = (get_next, post_answer, list_questions, put_question, delete_question)
