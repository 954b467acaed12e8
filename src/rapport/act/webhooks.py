"""Webhooks: which facts are told to whom outside. Endpoints are kept here; the channel that posts is an adapter.

A stage keeps every fact; its flush asks once a batch which endpoints want which, and puts messages into the outbox in
the same transaction. Facts about the past (imports, replays) are history and are told to nobody.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy import Connection

from rapport.act import outbox, store
from rapport.act.addresses import checked_url, refuse_private
from rapport.collect.sources import identifier_policy
from rapport.kernel.clock import DAY, SECOND, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.gate import SERVICE
from rapport.kernel.identifiers import NAMED, IdentifierPolicy, identifiers_of
from rapport.kernel.ids import CustomerId, Key, WorkspaceId, new_id
from rapport.kernel.language import noted
from rapport.kernel.versions import refuse_unseen, version_of
from rapport.kernel.work import EVERY_FACT, BatchStage, Message, Seen, Work
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.store import roots_of
from rapport.storage.resealing import SecretPlace
from rapport.storage.sealing import sealed_text

__all__ = [
    "ALARMS",
    "ALARM_OVER",
    "ALARM_RAISED",
    "CHANNEL",
    "FAILING_FROM",
    "FRESH",
    "GRACE",
    "SWITCHED_OFF_BY_HAND",
    "TEST_EVENT",
    "Webhook",
    "WebhookRotation",
    "WebhookWanted",
    "add_webhook",
    "change_webhook",
    "failures_of",
    "find_webhook",
    "host_of",
    "list_webhooks",
    "new_signing_secret",
    "purposes_of",
    "remove_webhook",
    "rotate_secret",
    "secret_of",
    "send_test",
    "switch_off",
    "telling",
    "webhook_version",
]

CHANNEL = "webhook"

SWITCHED_OFF_BY_HAND = noted("switched off by hand")

TEST_EVENT = "Rapport Test"
"""The type of a message that tells of nothing."""

ALARM_RAISED, ALARM_OVER = "Alarm Raised", "Alarm Over"

ALARMS = {
    ALARM_RAISED: noted("something in Rapport is not as it should be, and has been so for two minutes"),
    ALARM_OVER: noted("an alarm that was raised is over"),
}
"""What webhooks can be told of beside facts, and what it means. `*` is every fact, and no alarm."""

FAILING_FROM = 3
"""Failures in a row from which on a webhook is said to fail."""

GRACE = 7 * DAY
"""How long the secret before a rotation signs beside the new one, unless said otherwise."""

FRESH = DAY
"""A fact that was received later than this after it happened is history."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """An address outside that wants to hear of facts."""

    id: str
    url: str
    events: list[str]
    """Names of facts; empty is none, `*` is every fact."""
    enabled: bool
    disabled_reason: str
    created_at: int
    purpose: str = SERVICE
    """What it uses people for: who does not allow it is not told of there."""
    old_secret_until: int | None = None
    """Until when, in microseconds since 1970, messages are signed with the secret before the last rotation, too."""


class WebhookRotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a secret is followed by another."""

    grace_seconds: Annotated[int, Meta(ge=0, le=2_592_000)] = GRACE // SECOND
    """For how long messages are signed with both."""


class WebhookWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an engineer states of a webhook. On a change, what is absent stays."""

    url: Annotated[str, Meta(max_length=2000)] | None = None
    events: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=100)] | None = None
    enabled: bool | None = None
    purpose: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")] | None = None
    """What it uses people for; of facts about whoever does not allow it nothing is sent."""


def new_signing_secret() -> str:
    """A secret as Standard Webhooks has them: `whsec_` and 24 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def secret_of(workspace: WorkspaceId, webhook_id: str) -> str:
    """What a webhook's secrets are sealed for (`storage.sealing`): they open in no other's place."""
    return f"webhooks:{workspace}:{webhook_id}"


SECRETS = tuple(
    SecretPlace(store.webhooks, column, lambda row: secret_of(row["workspace"], row["id"]))
    for column in ("secret", "old_secret")
)


def add_webhook(
    conn: Connection, workspace: WorkspaceId, wanted: WebhookWanted, *, now: int, allow_private: bool = True
) -> tuple[Webhook, str]:
    """Keep a new endpoint; returns it with its secret, which is shown this once. Raises InvalidInput.

    Whoever keeps it for somebody at a distance says whether an address of the own network may be one.
    """
    if wanted.url is None:
        raise InvalidInput("a webhook needs a url")
    if not allow_private:
        refuse_private(checked_url(wanted.url))
    webhook_id, secret = new_id("whk"), new_signing_secret()
    row = {
        "workspace": workspace, "id": webhook_id, "url": checked_url(wanted.url),
        "secret": sealed_text(secret, about=secret_of(workspace, webhook_id)),
        "events": msgspec.json.encode(wanted.events if wanted.events is not None else ["Cart Abandoned"]),
        "enabled": wanted.enabled is not False, "disabled_reason": "", "created_at": now,
        "purpose": wanted.purpose or SERVICE,
    }  # fmt: skip
    conn.execute(store.webhooks.insert().values(row))
    return find_webhook(conn, workspace, webhook_id), secret


def change_webhook(
    conn: Connection, workspace: WorkspaceId, webhook_id: str, wanted: WebhookWanted, *, seen: str | None = None,
    allow_private: bool = True,
) -> Webhook:  # fmt: skip
    """Change what is stated. Raises NotFound, InvalidInput, and Conflict where its version is not `seen` any more."""
    before = find_webhook(conn, workspace, webhook_id, for_update=True)
    stated = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    refuse_unseen(seen, _changeable(before), wanted=stated, what="this webhook")
    values: dict[str, Any] = {}
    if wanted.url is not None:
        values["url"] = checked_url(wanted.url)
        if not allow_private and values["url"] != before.url:
            refuse_private(values["url"])
    if wanted.events is not None:
        values["events"] = msgspec.json.encode(wanted.events)
    if wanted.purpose is not None:
        values["purpose"] = wanted.purpose
    if wanted.enabled is not None:
        values |= {"enabled": wanted.enabled, "disabled_reason": "" if wanted.enabled else SWITCHED_OFF_BY_HAND}
    if values:
        conn.execute(store.webhooks.update().where(*_is(workspace, webhook_id)).values(values))
    return find_webhook(conn, workspace, webhook_id)


def rotate_secret(
    conn: Connection, workspace: WorkspaceId, webhook_id: str, *, now: int, grace: int = GRACE, seen: str | None = None
) -> tuple[Webhook, str]:
    """Give an endpoint a new secret, shown this once; the old one signs beside it for `grace` microseconds more.

    Raises NotFound, and Conflict where its version is not `seen` any more: two rotations at once would end the overlap
    of the secret that the receiver has.
    """
    before = find_webhook(conn, workspace, webhook_id, for_update=True)
    secret, until = new_signing_secret(), now + grace
    refuse_unseen(seen, _changeable(before), wanted={"old_secret_until": until}, what="this webhook")
    w = store.webhooks.c
    sealed = sealed_text(secret, about=secret_of(workspace, webhook_id))
    values = {"secret": sealed, "old_secret": w.secret, "old_secret_until": until}
    conn.execute(store.webhooks.update().where(*_is(workspace, webhook_id)).values(values))
    return find_webhook(conn, workspace, webhook_id), secret


def send_test(conn: Connection, workspace: WorkspaceId, webhook_id: str, *, now: int) -> str:
    """Have a message sent that tells of nothing, at once, however often others failed; returns its id.

    Raises NotFound, and Conflict where the webhook is switched off.
    """
    if not find_webhook(conn, workspace, webhook_id).enabled:
        raise Conflict("this webhook is switched off", hint="switch it on, then send a test")
    body = {"type": TEST_EVENT, "timestamp": to_iso(now), "data": {"test": True}}
    d = store.destinations.c
    here = (d.workspace == workspace, d.channel == CHANNEL, d.destination == webhook_id)
    conn.execute(store.destinations.update().where(*here).values(closed_until=0))
    message = Message(
        workspace=workspace, channel=CHANNEL, destination=webhook_id, idempotency_key=new_id("test"),
        payload=msgspec.json.encode(body), strand=None, purpose="operations",
    )  # fmt: skip
    return outbox.write_one(conn, message, now=now)


def failures_of(conn: Connection, workspace: WorkspaceId) -> dict[str, int]:
    """By endpoint how often in a row its messages failed; those that do not fail are missing."""
    d = store.destinations.c
    query = sa.select(d.destination, d.failures).where(d.workspace == workspace, d.channel == CHANNEL, d.failures > 0)
    return dict(row._tuple() for row in conn.execute(query))


def remove_webhook(conn: Connection, workspace: WorkspaceId, webhook_id: str) -> None:
    """Forget the endpoint; what is pending for it fails when its turn comes. Raises NotFound."""
    find_webhook(conn, workspace, webhook_id)
    conn.execute(store.webhooks.delete().where(*_is(workspace, webhook_id)))


def host_of(url: str) -> str:
    """Where a webhook goes, without the rest of the address, which may hold a token."""
    return urlsplit(url).hostname or "an address"


def webhook_version(webhook: Webhook) -> str:
    """Stands for what people change of an endpoint."""
    return version_of(_changeable(webhook))


def find_webhook(conn: Connection, workspace: WorkspaceId, webhook_id: str, *, for_update: bool = False) -> Webhook:
    """One endpoint; on demand nobody else changes it meanwhile. Raises NotFound."""
    known = webhook_id.isprintable()  # PostgreSQL refuses to look for a text with a NUL byte
    query = sa.select(*_SHOWN).where(*_is(workspace, webhook_id))
    row = conn.execute(query.with_for_update() if for_update else query).first() if known else None
    if row is None:
        raise NotFound(f"no webhook {webhook_id!r}")
    return _webhook(row)


def purposes_of(conn: Connection, workspaces: Collection[WorkspaceId]) -> dict[tuple[WorkspaceId, str], str]:
    """What the endpoints of these shops use people for."""
    w = store.webhooks.c
    query = sa.select(w.workspace, w.id, w.purpose).where(w.workspace.in_(sorted(workspaces)))
    return {(WorkspaceId(row.workspace), row.id): row.purpose for row in conn.execute(query)}


def list_webhooks(conn: Connection, workspace: WorkspaceId) -> list[Webhook]:
    """All endpoints of a shop, oldest first."""
    query = sa.select(*_SHOWN).where(store.webhooks.c.workspace == workspace).order_by(store.webhooks.c.id)
    return [_webhook(row) for row in conn.execute(query)]


def switch_off(conn: Connection, workspace: WorkspaceId, webhook_id: str, *, reason: str) -> None:
    """Send nothing more to this endpoint until somebody switches it on."""
    values = {"enabled": False, "disabled_reason": reason}
    conn.execute(store.webhooks.update().where(*_is(workspace, webhook_id)).values(values))


def telling() -> BatchStage[Seen]:
    """Has every fresh fact told to those who want to hear of it; for one worker process."""
    return BatchStage((EVERY_FACT,), read=_fresh, write=_tell)


def _fresh(seen: Seen) -> Seen | None:
    fact = seen.fact
    return seen if fact.received_at - fact.occurred_at < FRESH else None


def _tell(conn: Connection, work: Work, notes: Sequence[Seen], now: int) -> None:
    wanted = _wanted(conn)
    told = [
        (seen, endpoints)
        for seen in notes
        if (
            endpoints := [
                *wanted.get((seen.workspace, seen.fact.name), ()),
                *wanted.get((seen.workspace, EVERY_FACT), ()),
            ]
        )
    ]
    if not told:
        return
    about = _about(conn, [seen for seen, _ in told])
    for seen, endpoints in told:
        payload = _payload(seen, *about[seen.workspace])
        for webhook_id in dict.fromkeys(endpoints):
            work.send(
                Message(
                    workspace=seen.workspace,
                    channel=CHANNEL,
                    destination=webhook_id,
                    idempotency_key=f"{webhook_id}:{seen.fact.id}",
                    payload=payload,
                    strand=seen.strand,
                    purpose="operations",
                )
            )


def _about(
    conn: Connection, notes: Sequence[Seen]
) -> dict[WorkspaceId, tuple[IdentifierPolicy, dict[Key, CustomerId]]]:
    """Of each shop: what counts as an identifier, and which customers these strands belong to now."""
    strands: dict[WorkspaceId, set[Key]] = {}
    for seen in notes:
        strands.setdefault(seen.workspace, set()).add(seen.strand)
    ids = load_customer_ids(conn)
    return {
        workspace: (
            identifier_policy(settings_of(conn, workspace)),
            {key: ids.customer_id(root) for key, root in roots_of(conn, workspace, keys).items()},
        )
        for workspace, keys in strands.items()
    }


def _wanted(conn: Connection) -> dict[tuple[WorkspaceId, str], list[str]]:
    """Endpoints by shop and event name."""
    w = store.webhooks.c
    found: dict[tuple[WorkspaceId, str], list[str]] = {}
    for row in conn.execute(sa.select(w.workspace, w.id, w.events).where(w.enabled).order_by(w.id)):
        for event in msgspec.json.decode(row.events, type=list[str]):
            found.setdefault((row.workspace, event), []).append(row.id)
    return found


def _payload(seen: Seen, policy: IdentifierPolicy, customers: Mapping[Key, CustomerId]) -> bytes:
    """The body as Standard Webhooks has it: type, timestamp, data.

    `identifiers` are all by which the fact names its customer, normalised, wherever it states them.
    """
    fact = seen.fact
    data = {
        "id": fact.id, "source": fact.source, "customer_id": customers.get(seen.strand),
        "user_id": fact.user_id, "anonymous_id": fact.anonymous_id, "previous_id": fact.previous_id,
        "group_id": fact.group_id, "external_ids": fact.context.get("externalIds"),
        "identifiers": [f"{o.namespace}:{o.value}" for o in identifiers_of(fact, policy) if o.namespace != NAMED],
        "properties": fact.properties, "traits": fact.traits,
    }  # fmt: skip
    body = {
        "type": fact.name, "timestamp": to_iso(fact.occurred_at),
        "data": {key: value for key, value in data.items() if value not in (None, {}, [])},
    }  # fmt: skip
    return msgspec.json.encode(body)


def _changeable(webhook: Webhook) -> dict[str, Any]:
    return {
        "url": webhook.url, "events": webhook.events, "enabled": webhook.enabled,
        "old_secret_until": webhook.old_secret_until, "purpose": webhook.purpose,
    }  # fmt: skip


def _is(workspace: WorkspaceId, webhook_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (store.webhooks.c.workspace == workspace, store.webhooks.c.id == webhook_id)


def _webhook(row: sa.Row[Any]) -> Webhook:
    return Webhook(**{**row._mapping, "events": msgspec.json.decode(row.events, type=list[str])})


_SHOWN = [store.webhooks.c[name] for name in Webhook.__struct_fields__]
