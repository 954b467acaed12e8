"""`/api/v1/messages` and `/api/v1/templates`: to send something, to see what became of it, and what it says."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Request, get, post, put
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import Template
from rapport.capabilities.messages.service.bounces import read_bounce
from rapport.capabilities.messages.service.holding import hold
from rapport.capabilities.messages.service.outcomes import Feedback, take_feedback
from rapport.capabilities.messages.service.queueing import MessageShown, MessageWanted, queue, shown
from rapport.capabilities.messages.service.templates import Published, all_templates, find_template, publish
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.principal import Principal
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import find_key
from rapport.storage.engine import Database

__all__ = ["ROUTES"]


class MessageQueued(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is kept now."""

    id: str
    status: str
    """`queued`, or `held` at once; later `sent` or `failed`."""
    reason: str


class FeedbackGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a provider says of messages."""

    feedback: Annotated[list[Feedback], Meta(min_length=1, max_length=1000)]


class FeedbackTaken(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages it was about."""

    messages: int


class TemplateShown(msgspec.Struct, frozen=True, kw_only=True):
    """A template in force; version 0 is the one that Rapport ships."""

    name: str
    version: int
    template: Template


class TemplateLine(msgspec.Struct, frozen=True, kw_only=True):
    """A template among others."""

    name: str
    version: int
    title: str
    purpose: str
    languages: list[str]


@post("/messages", permission="messages:send", status_code=202, tags=["messages"], sync_to_thread=True)
def send_message(data: MessageWanted, db: Database, principal: Principal) -> MessageQueued:
    """Send a message by a template. What may stop it is asked when it goes; `GET` it to learn what became of it."""
    workspace, now = principal.workspace, now_us()
    with db.write() as conn:
        ensure_secret(conn)
        key = find_key(conn, workspace, data.customer, region=settings_of(conn, workspace).region)
        row = queue(conn, workspace, key, data, now=now)
    return MessageQueued(id=row.id, status=row.status, reason=row.reason)


@get("/messages/{message_id:str}", permission="messages:read", tags=["messages"], sync_to_thread=True)
def get_message(message_id: str, db: Database, principal: Principal) -> MessageShown:
    """What became of a message."""
    with db.read() as conn:
        found = store.by_ids(conn, principal.workspace, [message_id]) if message_id.isprintable() else {}
    if message_id not in found:
        raise NotFound(f"no message {message_id[:60]!r}", hint="ids look like msg_…")
    return shown(found[message_id])


@post("/messages/{message_id:str}/hold", permission="messages:send", status_code=200, tags=["messages"],
      sync_to_thread=True)  # fmt: skip
def hold_message(db: Database, principal: Principal, message_id: str) -> MessageShown:
    """Hold a message that waits, by hand; one that is being handed over, or was, cannot be held any more."""
    with db.write() as conn:
        return shown(hold(conn, principal.workspace, message_id, now=now_us()))


@get("/messages", permission="messages:read", tags=["messages"], sync_to_thread=True)
def list_messages(
    db: Database, principal: Principal,
    status: Annotated[str, Parameter(max_length=20, description="`queued`, `sent`, `held` or `failed`.")] = "",
    limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
) -> list[MessageShown]:  # fmt: skip
    """The newest messages."""
    with db.read() as conn:
        return [shown(row) for row in store.listed(conn, principal.workspace, status=status, limit=limit)]


@post("/messages/feedback", permission="messages:send", status_code=200, tags=["messages"], sync_to_thread=True)
def give_feedback(data: FeedbackGiven, db: Database, principal: Principal) -> FeedbackTaken:
    """Tell what a provider says of messages: delivered, bounced, complained, opened, clicked, unsubscribed."""
    with db.write() as conn:
        return FeedbackTaken(messages=take_feedback(conn, principal.workspace, data.feedback, now=now_us()))


@post("/messages/bounces", permission="messages:send", status_code=200, tags=["messages"])
async def give_bounce(request: Request, db: Database, principal: Principal) -> FeedbackTaken:  # type: ignore[type-arg]
    """Hand over a bounced mail as it came (`message/rfc822`), such as from the pipe of a mail server."""
    from anyio import to_thread

    body = await request.body()

    def take() -> FeedbackTaken:
        with db.write() as conn:
            return FeedbackTaken(
                messages=take_feedback(conn, principal.workspace, [read_bounce(body)], now=now_us())
            )  # fmt: skip

    return await to_thread.run_sync(take)


@get("/templates", permission="messages:read", tags=["messages"], sync_to_thread=True)
def list_templates(db: Database, principal: Principal) -> list[TemplateLine]:
    """All templates in force."""
    with db.read() as conn:
        found = all_templates(conn, principal.workspace)
    return [
        TemplateLine(
            name=one.name, version=one.version, title=one.template.title, purpose=one.template.purpose,
            languages=sorted(one.template.texts),
        )
        for one in found
    ]  # fmt: skip


@get("/templates/{name:str}", permission="messages:read", tags=["messages"], sync_to_thread=True)
def get_template(
    name: str, db: Database, principal: Principal, version: Annotated[int | None, Parameter(ge=0)] = None
) -> TemplateShown:
    """A template in force, or one version of it."""
    with db.read() as conn:
        return _shown(find_template(conn, principal.workspace, name, version=version))


@put("/templates/{name:str}", permission="templates:write", tags=["messages"], sync_to_thread=True)
def put_template(name: str, data: Template, db: Database, principal: Principal) -> TemplateShown:
    """Put a template in force, as a new version; messages that wait are written by it."""
    with db.write() as conn:
        made = publish(conn, principal.workspace, name, data, seen=None, by=principal.name, now=now_us())
    return _shown(made)


ROUTES = (
    send_message, get_message, hold_message, list_messages, give_feedback, give_bounce, list_templates, get_template,
    put_template,
)  # fmt: skip


def _shown(found: Published) -> TemplateShown:
    return TemplateShown(name=found.name, version=found.version, template=found.template)
