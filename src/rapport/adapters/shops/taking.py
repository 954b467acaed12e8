"""Taking a delivery: what is new of it goes into the log, in the transaction that remembers what was heard.

A thing that is as it was heard of last is told once, whatever the number of the delivery and however its times differ;
an older delivery that comes late is told with its own time, and so never replaces what is newer. A delivery that comes
again makes the same message ids, and the log has each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.adapters.shops import medusa, saleor, shopify, store, woocommerce
from rapport.adapters.shops.model import Body, Reader, Shop, StockItem, Thing, moment
from rapport.adapters.shops.store import Door, Heard, Waiting
from rapport.collect.model import NO_ENVELOPE, Limits, QuarantineRow, Source
from rapport.collect.names import Vocabulary
from rapport.collect.prepare import prepare_all
from rapport.collect.quarantine import insert_quarantined
from rapport.kernel.errors import InvalidInput
from rapport.storage import log

__all__ = ["Outcome", "Taken", "read_body", "take", "take_fetched"]

Outcome = Literal["accepted", "duplicates", "late", "ignored"]
READERS: Mapping[Shop, Reader] = {
    "shopify": shopify.read, "woocommerce": woocommerce.read, "medusa": medusa.read, "saleor": saleor.read,
}  # fmt: skip
_LIMITS = Limits(max_event_bytes=1024 * 1024)


class Taken(NamedTuple):
    """What became of a delivery."""

    outcome: Outcome
    facts: int
    """New ones in the log."""
    waiting: int
    """Levels kept until their product is known."""


def read_body(body: bytes) -> Body:
    """The body as an object. Raises InvalidInput."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("the body is no JSON", hint="send it as the shop made it") from error
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        raise InvalidInput("the body is no JSON object", hint="send it as the shop made it")
    return found


def take(
    conn: Connection, door: Door, source: Source, *, topic: str, body: Body, triggered_at: str, now: int,
    vocabulary: Vocabulary,
) -> Taken:  # fmt: skip
    """Put into the log what is new of a delivery whose signature was verified."""
    things = list(READERS[door.shop](topic, body, moment(triggered_at, otherwise=now)))
    if not things:
        store.count(conn, door, "ignored", now=now)
        return Taken("ignored", 0, 0)
    store.count(conn, door, "accepted", now=now)  # first of all: it holds the door for this delivery
    taken = _taken(conn, door, source, things, now=now, vocabulary=vocabulary)
    if taken.outcome != "accepted":
        store.count(conn, door, taken.outcome, now=now)
    return taken


def take_fetched(
    conn: Connection, door: Door, source: Source, said: Iterable[tuple[str, Body, str]], *, now: int,
    vocabulary: Vocabulary,
) -> Taken:  # fmt: skip
    """Put into the log what is new of what was fetched, each given as topic, body and time, as webhooks say it."""
    store.hold_door(conn, door)
    read = READERS[door.shop]
    things = [one for topic, body, at in said for one in read(topic, body, moment(at, otherwise=now))]
    return _taken(conn, door, source, things, now=now, vocabulary=vocabulary)


def _taken(
    conn: Connection, door: Door, source: Source, things: Sequence[Thing], *, now: int, vocabulary: Vocabulary
) -> Taken:
    known = store.heard(conn, door, {(one.kind, one.id) for one in things})
    news = [one for thing in things if (one := _news(door, thing, known.get((thing.kind, thing.id)))) is not None]
    messages, held = _told(conn, door, news)
    store.remember(conn, door, _as_they_are(door, things, known))
    added = _append(conn, source, messages, now=now, vocabulary=vocabulary)
    if not added and not held:
        return Taken("duplicates", added, held)
    is_late = any(_is_late(one, known.get((one.kind, one.id))) for one in things)
    return Taken("late" if is_late else "accepted", added, held)


def _as_they_are(
    door: Door, things: Sequence[Thing], known: Mapping[tuple[str, str], Heard]
) -> dict[tuple[str, str], Heard]:
    """What is to be known of them from now on: of each the newest that was heard."""
    found: dict[tuple[str, str], Heard] = {}
    for thing in things:
        key = (thing.kind, thing.id)
        before = found.get(key) or known.get(key)
        if before is None or thing.changed_at >= before.changed_at:
            is_told = not thing.if_known or _was_told(before)
            found[key] = Heard(_digest(door, thing) if is_told else "", thing.changed_at)
    return found


def _was_told(before: Heard | None) -> bool:
    return before is not None and before.digest != ""


def _is_late(thing: Thing, before: Heard | None) -> bool:
    return before is not None and thing.changed_at < before.changed_at


class _News(NamedTuple):
    """A thing that says something, and what of it."""

    thing: Thing
    facts: list[dict[str, Any]]


def _news(door: Door, thing: Thing, before: Heard | None) -> _News | None:
    """What of a thing is to be told; None where it says nothing."""
    is_same = before is not None and before.digest == _digest(door, thing)
    if not _was_told(before) and (thing.if_known or _is_late(thing, before)):
        return None
    return _News(thing, [one for one in thing.facts if one["once"] or not (thing.is_first or is_same)])


def _told(conn: Connection, door: Door, news: Sequence[_News]) -> tuple[list[dict[str, Any]], int]:
    """The messages of what is news, levels that waited for its products among them, and how many levels wait on."""
    named = {item.item: item for one in news for item in one.thing.items}
    if named:
        store.remember_items(conn, door, list(named.values()))
    found = store.find_items(conn, door, {one.thing.waits_for for one in news if one.thing.waits_for})
    released = _released(conn, door, named)
    messages: list[dict[str, Any]] = []
    held: list[Waiting] = []
    for thing, facts in news:
        messages += [_numbered(door, thing, one) for item in thing.items for one in released.pop(item.item, ())]
        item = found.get(thing.waits_for)
        if thing.waits_for and facts and item is None:
            place = facts[0]["properties"]["location_id"]
            held.append(Waiting(thing.waits_for, place, thing.changed_at, facts[0]))
            continue
        told = facts if item is None else [_of(one, item) for one in facts]
        messages += [_numbered(door, thing, one) for one in told]
    store.hold(conn, door, held)
    return messages, len(held)


def _released(conn: Connection, door: Door, named: Mapping[str, StockItem]) -> dict[str, list[dict[str, Any]]]:
    """Levels that waited for these stock items, by item: their products are known now."""
    waiting: dict[str, list[dict[str, Any]]] = {}
    for item, one in store.waiting_for(conn, door, named) if named else ():
        waiting.setdefault(item, []).append(_of(one, named[item]))
    if waiting:
        store.forget_waiting(conn, door, waiting)
    return waiting


def _of(fact: dict[str, Any], item: StockItem) -> dict[str, Any]:
    said = fact["properties"] | {"product_id": item.product_id, "variant": item.variant}
    return fact | {"properties": said}


def _digest(door: Door, thing: Thing) -> str:
    """Stands for what the thing is, whenever it was said; it tells nothing to whoever has not the secret."""
    said = [[one["event"], one["properties"], one.get("context")] for one in thing.facts]
    key = blake2b(door.secret, digest_size=32).digest()
    return blake2b(msgspec.json.encode(said, order="sorted"), key=key, digest_size=16).hexdigest()


def _numbered(door: Door, thing: Thing, fact: dict[str, Any]) -> dict[str, Any]:
    """The message with its id: the same for the same news, however often it is delivered."""
    said = fact["properties"]
    which: Sequence[Any] = (said.get("refund_id"),) if fact["once"] else (fact["timestamp"], said)
    named = [door.source, door.shop, fact["event"], thing.kind, thing.id, *which]
    digest = blake2b(msgspec.json.encode(named, order="sorted"), digest_size=16).hexdigest()
    return {name: value for name, value in fact.items() if name != "once"} | {"messageId": f"{door.shop}-{digest}"}


def _append(
    conn: Connection, source: Source, messages: Sequence[dict[str, Any]], *, now: int, vocabulary: Vocabulary
) -> int:
    """How many were new; what cannot become a fact goes into quarantine."""
    believed = msgspec.structs.replace(
        source, kind="server", client_side=False, limits=_LIMITS
    )  # its secret was proven
    bodies = [msgspec.json.encode(message) for message in messages]
    envelope = msgspec.structs.replace(NO_ENVELOPE, history=True)
    rows, aside = prepare_all(bodies, source=believed, received_at=now, envelope=envelope, vocabulary=vocabulary)
    added = log.append(conn, rows)
    _set_aside(conn, aside)
    return added + len(aside)


def _set_aside(conn: Connection, aside: Sequence[QuarantineRow]) -> None:
    if aside:
        insert_quarantined(conn, aside)
