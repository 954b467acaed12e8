"""To queue a message: kept with its key, put into the outbox, or held at once with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.act import outbox
from rapport.capabilities.consent import gate
from rapport.capabilities.messages import store
from rapport.capabilities.messages.facts import HELD
from rapport.capabilities.messages.model import CHANNELS, EMAIL, NO_ADDRESS, Recipient, is_of_the_channel
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.service.stating import About, state
from rapport.capabilities.messages.service.templates import Published, find_template
from rapport.capabilities.messages.service.ways import Way, Ways, allowed_by
from rapport.capabilities.messages.store import MessageRow
from rapport.kernel.clock import HOUR
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, RapportError, TooLarge
from rapport.kernel.gate import NOT_SENT, marketing_by
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.kernel.work import Message

__all__ = [
    "Asked", "MessageShown", "MessageWanted", "goes_instead", "queue", "queue_all", "queue_instead", "shown",
    "try_again",
]  # fmt: skip

ChannelName = Literal["email", "sms", "whatsapp", "push"]
ChannelWanted = Literal["preferred", "email", "sms", "whatsapp", "push"]
LARGEST_DATA = 50_000
"""Bytes of the values for a template."""


class MessageWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message somebody wants sent."""

    template: Annotated[str, Meta(max_length=60)]
    customer: Annotated[str, Meta(max_length=300)]
    """A customer id or `namespace:value`; of an e-mail address, that address is written to."""
    channel: ChannelWanted = "preferred"
    """`preferred`: the one the customer likes (the trait `preferred_channel`), else the shop's first."""
    purpose: Literal["transactional", "marketing"]
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=200)]
    """Sent twice under one key, it is one message."""
    data: dict[str, Any] = {}
    unless_ordered_since: int | None = None
    """Not to be sent if they have ordered since; microseconds since 1970."""
    latest_at: int | None = None
    """Held, not sent, after this; microseconds since 1970. Without it, as the template says."""
    fallback: Annotated[tuple[ChannelName, ...], Meta(max_length=3)] | None = None
    """By which channels it goes instead where it cannot go by `channel`, or comes back: one after the other, each once,
    until `latest_at`. Without it as the shop has set it for that channel."""


class MessageShown(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message so far. Times in microseconds since 1970."""

    id: str
    status: str
    """`queued`, `sent`, `held` (with the reason) or `failed`."""
    reason: str
    template: str
    channel: str
    purpose: str
    created_at: int
    finished_at: int | None
    delivered_at: int | None
    bounced_at: int | None
    opened_at: int | None
    clicked_at: int | None
    cost: int | None
    """In thousandths of the smallest unit of the shop's currency; none while it was not handed over."""


def shown(row: MessageRow) -> MessageShown:
    """A message as it is shown."""
    return MessageShown(**{name: getattr(row, name) for name in MessageShown.__struct_fields__})


class Asked(NamedTuple):
    """A message for the person with this key."""

    key: Key
    wanted: MessageWanted
    due_at: int = 0
    """Not before then."""
    held: str = ""
    """Why it is only noted, not sent."""


def queue(
    conn: Connection, workspace: WorkspaceId, key: Key, wanted: MessageWanted, *, now: int, due_at: int = 0,
    held: str = "",
) -> MessageRow:  # fmt: skip
    """Keep a message for the person with this key, and put it into the outbox. In the caller's transaction.

    Under a known idempotency key the message there is comes back. Raises NotFound for an unknown template, Conflict
    where the key stands for another message, InvalidInput where a template of news and offers is to go as if it were
    about an order.
    """
    [found] = queue_all(conn, workspace, [Asked(key, wanted, due_at, held)], now=now)
    if isinstance(found, RapportError):
        raise found
    return found


def queue_all(
    conn: Connection, workspace: WorkspaceId, asked: Sequence[Asked], *, now: int
) -> list[MessageRow | RapportError]:
    """Keep many messages at once, each as `queue` does; what is against one of them comes back in its place.

    Cost: the same few statements for one message and for a thousand.
    """
    found: list[MessageRow | RapportError] = []
    templates = _templates(conn, workspace, {one.wanted.template for one in asked})
    people = recipients(conn, workspace, {one.key for one in asked})
    ways = _ways(conn, workspace, asked, templates, people, now=now)
    for one, way in zip(asked, ways, strict=True):
        template = templates[one.wanted.template]
        try:
            found.append(_row(workspace, one, way, template, people[one.key].address(way.channel), now=now))
        except RapportError as error:
            found.append(error)
    rows = {at: row for at, row in enumerate(found) if isinstance(row, MessageRow)}
    against = _against(conn, workspace, rows, people, now=now)
    for at, row in rows.items():
        if reason := asked[at].held or against.get(at, ""):
            rows[at] = row._replace(status=store.HELD, reason=reason, finished_at=now)
    store.insert(conn, list(rows.values()))
    kept = store.by_keys(conn, workspace, {row.idempotency_key for row in rows.values()})
    fresh = {at: row for at, row in rows.items() if kept[row.idempotency_key].id == row.id}
    held = [About(row, HELD, row.reason, "held", now) for row in fresh.values() if row.status == store.HELD]
    state(conn, workspace, held, now=now)
    for_others = [(row, row.reason) for at, row in fresh.items() if row.status == store.HELD and not asked[at].held]
    instead = [row for row, reason in for_others if row.fallback and is_of_the_channel(reason)]
    queue_instead(conn, workspace, instead, now=now)
    going = {at: row for at, row in fresh.items() if row.status == store.QUEUED}
    entries = [msgspec.structs.replace(_entry(row), due_at=asked[at].due_at) for at, row in going.items()]
    outbox.write(conn, entries, now=now)
    for at, row in rows.items():
        found[at] = row if at in fresh else _same(kept[row.idempotency_key], row)
    return found


def queue_instead(
    conn: Connection, workspace: WorkspaceId, rows: Sequence[MessageRow], *, now: int
) -> None:  # fmt: skip
    """Queue each of these once more, by the next channel that is named for it. That it goes by each channel once is
    seen to by its key, which names the first message and the channel.
    """
    asked = []
    for row in rows:
        channel, *others = row.fallback.split(",")
        wanted = MessageWanted(
            template=row.template, customer="", channel=msgspec.convert(channel, ChannelWanted),
            purpose=msgspec.convert(row.purpose, Literal["transactional", "marketing"]),
            idempotency_key=f"{row.idempotency_key.removesuffix(_instead(row.channel))}{_instead(channel)}",
            data=msgspec.json.decode(row.data, type=dict[str, Any]), unless_ordered_since=row.unless_ordered_since,
            latest_at=row.latest_at, fallback=msgspec.convert(others, tuple[ChannelName, ...]),
        )  # fmt: skip
        asked.append(Asked(row.strand, wanted))
    if asked:
        queue_all(conn, workspace, asked, now=now)


def goes_instead(conn: Connection, workspace: WorkspaceId, rows: Sequence[MessageRow]) -> set[str]:
    """The ids of those of these messages that go by another channel instead."""
    keys = {f"{row.idempotency_key}{_instead(channel)}": row.id for row in rows for channel in row.fallback.split(",")}
    found = store.by_keys(conn, workspace, keys)
    return {keys[key] for key, row in found.items() if row.status in (store.QUEUED, store.SENT)}


def _instead(channel: str) -> str:
    return f" > {channel}"


def _ways(
    conn: Connection, workspace: WorkspaceId, asked: Sequence[Asked],
    templates: Mapping[str, Published | RapportError], people: Mapping[Key, Recipient], *, now: int,
) -> list[Way]:  # fmt: skip
    """By which channel each goes, and by which instead."""
    known = Ways.load(conn, workspace)
    open_to = {one.key for one in asked if one.wanted.channel == "preferred" and one.wanted.purpose == "marketing"}
    allowed = allowed_by(conn, workspace, open_to, now=now)
    found = []
    for one in asked:
        published = templates[one.wanted.template]
        if one.wanted.channel != "preferred":
            found.append(known.named(one.wanted.channel, one.wanted.fallback))
            continue
        template = published.template if isinstance(published, Published) else None
        allows = allowed[one.key] if one.wanted.purpose == "marketing" else CHANNELS
        found.append(known.preferred(people[one.key], template, one.wanted.fallback, allows))
    return found


def _templates(conn: Connection, workspace: WorkspaceId, names: Collection[str]) -> dict[str, Published | RapportError]:
    found: dict[str, Published | RapportError] = {}
    for name in names:
        try:
            found[name] = find_template(conn, workspace, name)
        except RapportError as error:
            found[name] = error
    return found


def _row(
    workspace: WorkspaceId, asked: Asked, way: Way, published: Published | RapportError, address: str, *, now: int
) -> MessageRow:
    """The message as it would be kept. Raises what is wrong with it."""
    wanted = asked.wanted
    if isinstance(published, RapportError):
        raise published
    if published.template.purpose == "marketing" and wanted.purpose != "marketing":
        raise InvalidInput(
            f"the template {wanted.template!r} is marketing, whatever this message calls itself",
            hint='"purpose": "marketing"',
        )
    data = msgspec.json.encode(wanted.data)
    if len(data) > LARGEST_DATA:
        raise TooLarge(f"the data has {len(data):,} bytes; at most {LARGEST_DATA:,}", hint="send what the text needs")
    return MessageRow(
        workspace=workspace, id=new_id("msg"), idempotency_key=wanted.idempotency_key, strand=asked.key,
        template=wanted.template, channel=way.channel, purpose=wanted.purpose, data=data,
        unless_ordered_since=wanted.unless_ordered_since, status=store.QUEUED, reason="",
        domain=_destination(way.channel, address), created_at=now,
        latest_at=wanted.latest_at or now + published.template.latest_hours * HOUR,
        fallback=",".join(way.instead),
    )  # fmt: skip


def _destination(channel: str, address: str) -> str:
    """With whose messages it shares its fate and its limit: those to one mail provider, or all by the channel."""
    return (address.rpartition("@")[2][:200] or "nowhere") if channel == EMAIL else channel


def try_again(conn: Connection, workspace: WorkspaceId, message_id: str, *, now: int, latest_at: int) -> MessageRow:
    """Queue a message again that was held or failed; all is asked anew. Raises NotFound, and Conflict otherwise."""
    row = store.by_ids(conn, workspace, [message_id]).get(message_id)
    if row is None:
        raise NotFound(f"no message {message_id[:60]!r}", hint="ids look like msg_…")
    m = store.messages.c
    waiting = (m.workspace == workspace, m.id == row.id, m.status.in_([store.HELD, store.FAILED]))
    update = store.messages.update().where(*waiting)
    values = {"status": store.QUEUED, "reason": "", "finished_at": None, "latest_at": max(latest_at, row.latest_at)}
    if not conn.execute(update.values(values)).rowcount:
        raise Conflict(f"message {row.id!r} is {row.status}", hint="only what was held or failed is tried again")
    entry = _entry(row)
    again = msgspec.structs.replace(entry, idempotency_key=f"{entry.idempotency_key}:{now}")
    outbox.write(conn, [again], now=now)
    return store.by_ids(conn, workspace, [row.id])[row.id]


def _against(
    conn: Connection, workspace: WorkspaceId, rows: Mapping[int, MessageRow], people: Mapping[Key, Recipient], *,
    now: int,
) -> dict[int, str]:  # fmt: skip
    """What is certain already of some of them; all else is asked when they would go."""
    found = {
        at: NO_ADDRESS[row.channel] for at, row in rows.items() if not people[row.strand].address(row.channel)
    }  # fmt: skip
    by_channel: defaultdict[str, dict[int, Key]] = defaultdict(dict)
    for at, row in rows.items():
        if at not in found and row.purpose == "marketing":
            by_channel[row.channel][at] = row.strand
    for channel, keys in by_channel.items():
        permits = gate(conn, workspace, set(keys.values()), marketing_by(channel), now)
        for at, key in keys.items():
            if not permits[key].may:
                found[at] = NOT_SENT % {"why": permits[key].reason}
    return found


def _entry(row: MessageRow) -> Message:
    return Message(
        workspace=row.workspace, channel=row.channel, destination=row.domain, idempotency_key=f"message:{row.id}",
        payload=msgspec.json.encode({"id": row.id}), strand=row.strand,
        purpose="marketing" if row.purpose == "marketing" else "transactional",
    )  # fmt: skip


def _same(known: MessageRow, row: MessageRow) -> MessageRow | Conflict:
    """The message that has this key already; a Conflict where it is another."""
    if (known.template, known.strand, known.purpose) == (row.template, row.strand, row.purpose):
        return known
    return Conflict(
        f"the idempotency key {row.idempotency_key[:60]!r} stands for another message",
        hint=f"that one is {known.id}; use one key for one message",
    )
