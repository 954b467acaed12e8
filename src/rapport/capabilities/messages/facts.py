"""The facts that say what became of messages."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext, noted, retold
from rapport.kernel.wording import FactKind, joined, short

__all__ = [
    "BOUNCED", "CLICKED", "COMPLAINED", "DELIVERED", "ENDED_BY", "FACT_KINDS", "HELD", "OPENED", "OPENED_BY", "SENT",
    "UNSUBSCRIBED",
]  # fmt: skip

SENT = "Message Sent"
HELD = "Message Held"
DELIVERED = "Message Delivered"
BOUNCED = "Message Bounced"
OPENED = "Message Opened"
CLICKED = "Message Clicked"
UNSUBSCRIBED = "Message Unsubscribed"
COMPLAINED = "Message Complained"
OPENED_BY = ("Complaint Made", "Ticket Created", "Support Ticket Created")
"""What begins a complaint; a ticket where its topic says that it is one."""
ENDED_BY = ("Complaint Resolved", "Ticket Solved", "Ticket Closed", "Support Ticket Closed")
"""What ends it."""

_PROPERTIES = {
    "message_id": "the message's id", "template": "what it said", "channel": "how it went",
    "purpose": "what it was for",
    "reason": "why it was held or bounced",
    "machine": "true where a mail scanner, not a person, is likely to have done it",
}  # fmt: skip


def _tell(fact: Fact) -> str:
    machine = gettext("by a machine") if fact.properties.get("machine") is True else ""
    template = short(fact.properties.get("template"), 60).replace("_", " ")
    return joined(template, retold(short(fact.properties.get("reason"), 90)), machine)


def _kind(name: str, meaning: str, tone: str = "own") -> FactKind:
    return FactKind(
        name=name, meaning=meaning, stated_by="rapport", icon="mail", tone=tone, topic="messages", tell=_tell,
        properties=_PROPERTIES,
    )  # fmt: skip


def _complaint(name: str, meaning: str, tone: str = "") -> FactKind:
    return FactKind(
        name=name, meaning=meaning, icon="alert" if name in OPENED_BY else "check", tone=tone, topic="service",
        properties={
            "complaint_id": "which one; else `ticket_id`, `id` or `order_id`",
            "topic": "of a ticket: one about a complaint says so here, in `category` or in `type`",
        },
    )  # fmt: skip


FACT_KINDS = (
    _kind(noted(SENT), noted("a message was handed to the provider that carries it")),
    _kind(noted(HELD), noted("a message was not sent, and why"), "loss"),
    _kind(noted(DELIVERED), noted("the provider says that a message has arrived")),
    _kind(noted(BOUNCED), noted("a message came back"), "loss"),
    _kind(noted(OPENED), noted("a message was opened, by a person or a machine")),
    _kind(noted(CLICKED), noted("a link in a message was followed, by a person or a machine")),
    _kind(noted(UNSUBSCRIBED), noted("somebody wants no more of it"), "loss"),
    _kind(noted(COMPLAINED), noted("somebody called a message spam"), "loss"),
    _complaint(
        noted("Complaint Made"), noted("somebody complained; news and offers wait until it is resolved"), "loss"
    ),
    _complaint(noted("Ticket Created"), noted("somebody wrote to the shop, about whatever its topic says")),
    _complaint(noted("Support Ticket Created"), noted("somebody wrote to the shop, about whatever its topic says")),
    _complaint(noted("Complaint Resolved"), noted("a complaint is over")),
    _complaint(noted("Ticket Solved"), noted("what somebody wrote about is done")),
    _complaint(noted("Ticket Closed"), noted("what somebody wrote about is done")),
    _complaint(noted("Support Ticket Closed"), noted("what somebody wrote about is done")),
)
