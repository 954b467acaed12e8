"""Partners told of what people asked, and of what they no longer allow: a signed message to webhooks that hear of them.

Nothing in it names anybody to whom it was not told before: customer ids, which facts told to the same webhook carry,
and SHA-256 of each e-mail address and telephone number, as advertisers hold them. What a partner answers is kept with
the request; that the message came is known by its delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text

from rapport.act import outbox
from rapport.act.channels import Outcome
from rapport.act.store import outbox as outbox_table
from rapport.act.webhooks import ALARMS, CHANNEL, Webhook, host_of, list_webhooks
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Message
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.reading.identities import Member
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import CText, metadata

__all__ = [
    "PRIVACY_EVENT", "PartnerAnswer", "PartnerTold", "after_delivery", "note_answer", "partners_of", "privacy_told",
    "tell_partners",
]  # fmt: skip

PRIVACY_EVENT = "Privacy Request"
"""The type of such a message."""

privacy_told = Table(
    "privacy_told",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("request", CText, primary_key=True),
    Column("webhook", CText, primary_key=True),
    Column("host", Text, nullable=False),
    Column("state", CText, nullable=False),
    Column("told_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)
"""Which webhook was told of which request, and what came of it: nothing of the person."""

_t, _o = privacy_told.c, outbox_table.c


class PartnerTold(msgspec.Struct, frozen=True, kw_only=True):
    """What one partner was told and answered."""

    webhook: str
    host: str
    state: str
    """`waiting` to be sent, `told`, `failed`, then what they answered: `done` or `refused`."""
    changed_at: str
    note: str = ""


class PartnerAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a partner answers."""

    state: Literal["done", "refused"]
    note: Annotated[str, Meta(max_length=200)] = ""
    """Nothing of the person belongs here."""


def tell_partners(
    conn: Connection, workspace: WorkspaceId, members: Sequence[Member], *, request: str, kind: str, now: int,
    purposes: Iterable[str] | None = None,
) -> int:  # fmt: skip
    """Have each webhook that hears of people told, in this transaction; where purposes are named, those of them alone.

    For the same request once. Returns how many are told.
    """
    wanted = None if purposes is None else frozenset(purposes)
    hooks = [one for one in list_webhooks(conn, workspace) if _hears_of_people(one)]
    hooks = [one for one in hooks if wanted is None or one.purpose in wanted]
    if not hooks or not members:
        return 0
    rows = [
        {
            "workspace": workspace, "request": request, "webhook": one.id, "host": host_of(one.url), "state": "waiting",
            "told_at": now, "changed_at": now, "note": "",
        }
        for one in hooks
    ]  # fmt: skip
    if not insert_ignore(conn, privacy_told, rows, key=("workspace", "request", "webhook")):
        return 0
    outbox.write(
        conn, [_message(conn, workspace, one, members, request=request, kind=kind, now=now) for one in hooks], now=now
    )
    return len(hooks)


def _hears_of_people(webhook: Webhook) -> bool:
    return webhook.enabled and any(event not in ALARMS for event in webhook.events)


def _message(
    conn: Connection, workspace: WorkspaceId, webhook: Webhook, members: Sequence[Member], *, request: str, kind: str,
    now: int,
) -> Message:  # fmt: skip
    ids = load_customer_ids(conn)
    hashed: dict[str, list[str]] = {}
    for one in members:
        if one.namespace in ("email", "phone"):
            hashed.setdefault(one.namespace, []).append(sha256(one.value.encode()).hexdigest())
    data: dict[str, Any] = {
        "request": request, "kind": kind, "webhook": webhook.id, "purpose": webhook.purpose,
        "customer_ids": sorted(ids.customer_id(one.key) for one in members), "sha256": hashed,
        "answer": f"/api/v1/privacy/requests/{request}/partners/{webhook.id}",
    }  # fmt: skip
    return Message(
        workspace=workspace, channel=CHANNEL, destination=webhook.id, idempotency_key=f"privacy:{request}:{webhook.id}",
        payload=msgspec.json.encode({"type": PRIVACY_EVENT, "timestamp": to_iso(now), "data": data}), strand=None,
        purpose="operations",
    )  # fmt: skip


def partners_of(
    conn: Connection, workspace: WorkspaceId, requests: Iterable[str]
) -> dict[str, list[PartnerTold]]:  # fmt: skip
    """Who was told of these requests, by request."""
    query = sa.select(privacy_told).where(_t.workspace == workspace, _t.request.in_(list(requests)[:500]))
    found: dict[str, list[PartnerTold]] = {}
    for row in conn.execute(query.order_by(_t.host, _t.webhook)):
        found.setdefault(row.request, []).append(
            PartnerTold(
                webhook=row.webhook, host=row.host, state=row.state, changed_at=to_iso(row.changed_at), note=row.note
            )
        )
    return found


def note_answer(
    conn: Connection, workspace: WorkspaceId, request: str, webhook: str, answer: PartnerAnswer, *, by: str, now: int
) -> list[PartnerTold]:
    """Keep what a partner answers, the latest in place of others. Raises NotFound where they were told of none."""
    mine = sa.and_(_t.workspace == workspace, _t.request == request[:200], _t.webhook == webhook[:60])
    values = {"state": answer.state, "note": answer.note.replace("\0", ""), "changed_at": now}
    if not conn.execute(privacy_told.update().where(mine).values(values)).rowcount:
        raise NotFound("that partner was told of no such request")
    details = {"webhook": webhook, "state": answer.state, "by": by}
    tell(conn, workspace, "partner.answered", about=request, details=details, now=now)
    return partners_of(conn, workspace, [request])[request]


_BEGIN = f'"type":"{PRIVACY_EVENT}"'.encode()


class _Told(msgspec.Struct):
    type: str = ""
    data: dict[str, Any] = {}


def after_delivery(conn: Connection, outcomes: Sequence[Outcome], now: int) -> None:
    """What became of such messages; those of others are passed over. An answer that came first stays."""
    for one in outcomes:
        message = one.message
        ours = message.channel == CHANNEL and message.strand is None and _BEGIN in message.payload[:60]
        if not ours:
            continue
        told = msgspec.json.decode(message.payload, type=_Told)
        state = {"delivered": "told", "later": "waiting"}.get(one.status, "failed")
        mine = sa.and_(
            _t.workspace == message.workspace, _t.request == told.data["request"], _t.webhook == message.destination
        )
        values = {"state": state, "note": one.detail[:200], "changed_at": now or now_us()}
        open_ = _t.state.in_(("waiting", "told", "failed"))
        conn.execute(privacy_told.update().where(mine, open_).values(values))
        if state == "told":  # it names somebody who may be erased, if only by a hash
            mine_out = (_o.workspace == message.workspace, _o.id == message.id)
            conn.execute(outbox_table.update().where(*mine_out).values(payload=b"{}"))
