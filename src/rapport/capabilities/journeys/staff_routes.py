"""`/api/v1/tasks`, `/api/v1/journey-questions`: what journeys want of staff and customers; and what one is worth."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import get, post, put
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.journeys.service import tasks
from rapport.capabilities.journeys.service.answering import QuestionOpen, answer, open_questions
from rapport.capabilities.journeys.service.effect import Effect, effect_of
from rapport.capabilities.journeys.service.tasks import TaskShown
from rapport.decide.people import roots_of, strands_by_root
from rapport.kernel.clock import now_us
from rapport.kernel.principal import Principal
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import find_key
from rapport.storage.engine import Database

__all__ = ["STAFF_ROUTES"]


class TaskState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a task is done."""

    done: bool


class QuestionsOpen(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer is asked now."""

    questions: list[QuestionOpen]


class AnswerSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody answered."""

    answer: Annotated[str, Meta(min_length=1, max_length=500)]


@get("/journeys/{name:str}/effect", permission="journeys:read", door="open", tags=["journeys"], sync_to_thread=True)
def get_effect(db: Database, principal: Principal, name: str) -> Effect:
    """What the journey changed: orders and revenue for each person who walks it, beside those who only entered."""
    with db.read() as conn:
        return effect_of(conn, principal.workspace, name, now=now_us())


@get("/tasks", permission="tasks:read", tags=["journeys"], sync_to_thread=True)
def list_tasks(
    db: Database, principal: Principal, show: Literal["open", "done"] = "open",
    limit: Annotated[int, Parameter(ge=1, le=500)] = 50, offset: Annotated[int, Parameter(ge=0, le=100_000)] = 0,
) -> list[TaskShown]:  # fmt: skip
    """Tasks that journeys gave: those that are open, the oldest first; or those done, the latest first."""
    workspace = principal.workspace
    with db.read() as conn:
        rows = tasks.listed(conn, workspace, done=show == "done", limit=limit, offset=offset)
        return tasks.shown(conn, workspace, rows)


@put("/tasks/{task_id:str}", permission="tasks:write", tags=["journeys"], sync_to_thread=True)
def put_task(db: Database, principal: Principal, task_id: str, data: TaskState) -> TaskShown:
    """Say that a task is done, or that it is not after all. Said twice, the first counts."""
    with db.write() as conn:
        return tasks.set_done(
            conn, principal.workspace, task_id, done=data.done, by=principal.name, now=now_us()
        )  # fmt: skip


@get("/journey-questions", permission="journeys:ask", tags=["journeys"], sync_to_thread=True)
def list_questions(
    db: Database, principal: Principal,
    customer: Annotated[str, Parameter(max_length=300, description="A customer id or `namespace:value`.")],
) -> QuestionsOpen:  # fmt: skip
    """What journeys ask this customer now; empty where they refuse personalisation."""
    workspace = principal.workspace
    with db.read() as conn:
        key = find_key(conn, workspace, customer, region=settings_of(conn, workspace).region)
        root = roots_of(conn, workspace, [key])[key]
        strands = strands_by_root(conn, workspace, [root])[root]
        return QuestionsOpen(questions=open_questions(conn, workspace, strands, now=now_us()))


@post(
    "/journey-questions/{question_id:str}/answer", permission="journeys:ask", status_code=204, tags=["journeys"],
    unaudited="an answer is a fact", sync_to_thread=True,
)  # fmt: skip
def post_answer(db: Database, principal: Principal, question_id: str, data: AnswerSaid) -> None:
    """Keep the customer's answer: the journey goes on, and their record holds it."""
    with db.write() as conn:
        answer(conn, principal.workspace, question_id, data.answer, now=now_us())


STAFF_ROUTES = (get_effect, list_tasks, put_task, list_questions, post_answer)
