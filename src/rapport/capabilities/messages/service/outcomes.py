"""What became of messages: from the outbox, in the transaction that records it; from providers, whenever they say."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.act.channels import Outcome
from rapport.capabilities.messages import store
from rapport.capabilities.messages.facts import (
    BOUNCED,
    CLICKED,
    COMPLAINED,
    DELIVERED,
    HELD,
    OPENED,
    SENT,
    UNSUBSCRIBED,
)
from rapport.capabilities.messages.model import CHANNELS, EMAIL, OWN_TROUBLE, PUSH, bounce_is_permanent, status_code_of
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.service.composing import trial_of
from rapport.capabilities.messages.service.fallback import fall_back
from rapport.capabilities.messages.service.gates import message_id_of
from rapport.capabilities.messages.service.places import allow_here, is_allowed_here
from rapport.capabilities.messages.service.spending import note_costs
from rapport.capabilities.messages.service.stating import About, state
from rapport.capabilities.messages.store import MessageRow
from rapport.collect.own import own_fact
from rapport.decide.people import identifiers_by_key, naming
from rapport.kernel.errors import NotFound
from rapport.kernel.gate import marketing_by
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import log

__all__ = ["Feedback", "after_delivery", "take_feedback"]


class Feedback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a provider says of a message, in whatever order it says it."""

    id: Annotated[str, Meta(max_length=100)]
    """Ours, `msg_…`, or the Message-ID it was sent under."""
    kind: Literal["delivered", "bounced", "complained", "opened", "clicked", "unsubscribed"]
    at: int = 0
    """Microseconds since 1970; 0 is now."""
    detail: Annotated[str, Meta(max_length=500)] = ""
    """The receiving server's own words; the enhanced status code in them says how final a bounce is."""
    machine: bool = False
    """Done by a scanner, as far as the provider knows."""


_KINDS = {
    "delivered": (DELIVERED, "delivered_at"), "bounced": (BOUNCED, "bounced_at"), "complained": (COMPLAINED, None),
    "opened": (OPENED, "opened_at"), "clicked": (CLICKED, "clicked_at"), "unsubscribed": (UNSUBSCRIBED, None),
}  # fmt: skip


_LIMITS = re.compile(r"\((131049|63049)\)")
"""What Meta and Twilio say where somebody gets no more news from any shop for now: another try within 24 hours fails
again. **Source:** Meta, "Per-user marketing template message limits"."""


def after_delivery(conn: Connection, outcomes: Sequence[Outcome], now: int) -> None:
    """Note what became of messages, and state it; the first that goes says from where messages are sent."""
    by_shop: defaultdict[WorkspaceId, dict[str, Outcome]] = defaultdict(dict)
    for one in outcomes:
        if one.message.channel in CHANNELS and trial_of(one.message) is None:
            by_shop[one.message.workspace][message_id_of(one.message)] = one
    if not by_shop:
        return
    if any(one.status == "delivered" for several in by_shop.values() for one in several.values()):
        _remember_place(conn, now)
    for workspace, said in sorted(by_shop.items(), key=lambda each: each[0]):  # two that record lock in one order
        rows = store.by_ids(conn, workspace, said)
        _note(conn, workspace, rows, said, now)


def _remember_place(conn: Connection, now: int) -> None:
    if is_allowed_here(conn) and conn.execute(store.places.select().limit(1)).first() is None:
        allow_here(conn, by="the first message", now=now)


def _note(
    conn: Connection, workspace: WorkspaceId, rows: dict[str, MessageRow], said: dict[str, Outcome], now: int
) -> None:
    about, bounced, limited, astray = [], [], [], []
    costs = note_costs(
        conn, workspace, [(row, said[one].units) for one, row in rows.items() if said[one].status == "delivered"],
        now=now,
    )  # fmt: skip
    changes: list[tuple[str, str, str, int | None, bytes]] = []
    for one, row in rows.items():
        _, status, detail, to, _ = said[one]
        if status == "delivered":
            changes.append((one, store.SENT, "", now, to))
            about.append(About(row, SENT, "", "sent", now))
        elif status == "dropped":
            changes.append((one, store.HELD, detail, now, to))
            about.append(About(row, HELD, detail, f"held-{now}", now))
            astray.append((row, detail))
        elif status == "dead":
            changes.append((one, store.FAILED, detail, now, to))
            code = "" if detail.startswith(OWN_TROUBLE) else status_code_of(detail)
            about.append(About(row, BOUNCED if code else HELD, detail, f"failed-{now}", now))
            astray.append((row, detail))
            if bounce_is_permanent(code):
                bounced.append(row._replace(address=to or row.address))
            if _LIMITS.search(detail):
                limited.append(row._replace(address=to or row.address))
        else:
            changes.append((one, store.QUEUED, detail, None, to))
    store.set_status(conn, workspace, changes)
    store.set_costs(conn, workspace, costs)
    _suppress(conn, workspace, bounced, reason="bounced", now=now)
    _suppress(conn, workspace, limited, reason=store.LIMITED, now=now)
    state(conn, workspace, about, now=now)
    fall_back(conn, workspace, astray, now=now)


def take_feedback(conn: Connection, workspace: WorkspaceId, said: Sequence[Feedback], *, now: int) -> int:
    """Keep what a provider says; the same twice is once. Returns how many messages it was about.

    Raises NotFound where none of them is known. An outcome may come before the sending itself is recorded.
    """
    ids = {one: one.id.strip("<> ").partition("@")[0] for one in said}
    rows = store.by_ids(conn, workspace, set(ids.values()))
    if said and not rows:
        raise NotFound(f"no message {next(iter(ids.values()))[:60]!r}", hint="ids look like msg_…")
    about: list[About] = []
    barred: defaultdict[str, list[MessageRow]] = defaultdict(list)
    stamps: defaultdict[str, dict[str, int]] = defaultdict(dict)
    refused: dict[str, tuple[MessageRow, int]] = {}
    for one in sorted(said, key=lambda each: ids[each]):  # two deliveries lock in one order
        row = rows.get(ids[one])
        if row is None:
            continue
        name, column = _KINDS[one.kind]
        at = min(one.at or now, now)
        suffix = f"{one.kind}-{at}" if one.kind == "bounced" and one.at else f"{one.kind}{'-machine' * one.machine}"
        about.append(About(row, name, one.detail, suffix, at, one.machine))
        if column is not None and not one.machine:
            stamps[column].setdefault(row.id, at)
        reason = _why_no_more(one)
        barred[reason].append(row)
        if reason in ("complained", "unsubscribed"):
            refused.setdefault(row.id, (row, at))
    store.stamp(conn, workspace, stamps)
    for reason in ("bounced", "complained", "unsubscribed", store.LIMITED):
        _suppress(conn, workspace, barred[reason], reason=reason, now=now)
    state(conn, workspace, about, now=now)
    astray = [(one.row, one.reason) for one in about if one.name == BOUNCED and one.row.delivered_at is None]
    fall_back(conn, workspace, astray, now=now)
    _refuse(conn, workspace, list(refused.values()), now=now)
    return len({one.row.id for one in about})


def _why_no_more(said: Feedback) -> str:
    """Why its address gets no more, or no news, after what a provider says; empty where that changes nothing."""
    if said.kind == "bounced":
        if bounce_is_permanent(status_code_of(said.detail)):
            return "bounced"
        return store.LIMITED if _LIMITS.search(said.detail) else ""
    if said.kind == "complained" or (said.kind == "unsubscribed" and not said.machine):
        return said.kind
    return ""


def _refuse(conn: Connection, workspace: WorkspaceId, several: Sequence[tuple[MessageRow, int]], *, now: int) -> None:
    """State that these people refuse news and offers by the channel; the consent of whoever keeps it hears it."""
    names = identifiers_by_key(conn, workspace, {row.strand for row, _ in several})
    log.append(
        conn,
        [
            own_fact(
                workspace, name="Consent Answered", id=f"{row.id}-refused", occurred_at=at, received_at=now,
                properties={"purposes": {marketing_by(row.channel): "denied"}, "how": "provider"},
                **naming(names[row.strand]),
            )
            for row, at in several
            if row.strand in names
        ],
    )  # fmt: skip


def _suppress(conn: Connection, workspace: WorkspaceId, rows: Sequence[MessageRow], *, reason: str, now: int) -> None:
    """The addresses these messages went to get nothing more by their channel; a browser that is gone is removed anyway.

    Of a message of which it is not known, the person's address of today.
    """
    people = recipients(conn, workspace, {row.strand for row in rows if not row.address}) if rows else {}
    for channel in {row.channel for row in rows} - {PUSH}:
        namespace = "email" if channel == EMAIL else "phone"
        keys = {Key(row.address) for row in rows if row.channel == channel and row.address}
        addresses = {
            people[row.strand].address(channel) for row in rows if row.channel == channel and not row.address
        } - {""}
        keys |= {Key(key_of(workspace, Identifier(namespace, one))) for one in addresses}
        store.suppress(conn, workspace, channel, keys, reason=reason, now=now)
