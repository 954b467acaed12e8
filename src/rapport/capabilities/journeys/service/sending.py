"""A journey's messages: queued all at once, each under the key of its instance, its node and when they came to it, so
that none goes twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from rapport.capabilities.journeys.model import OnFact, Send
from rapport.capabilities.journeys.service.going import Going, Move
from rapport.capabilities.journeys.store import Instance
from rapport.capabilities.messages import goes_instead, queue_all
from rapport.kernel.clock import HOUR, from_iso
from rapport.kernel.errors import RapportError
from rapport.kernel.money import currency_code, to_minor

__all__ = ["lines_of", "message_data", "send"]

_OF_ORDERS = ("Order ", "Shipment ", "Delivery ", "Return ")
"""How facts begin that are about what was bought."""


def send(going: Going, node: Send, some: Sequence[Instance]) -> list[Move]:
    """Queue the message of everybody at the node. Whoever had it under another name of theirs does not get it again."""
    twice = {one.id for one in some if _had_it(going, one)}
    asked = [one for one in some if one.id not in twice]
    wanted = [(one.strand, _wanted(going, node, one)) for one in asked]
    moves = [Move(one, node.next) for one in some if one.id in twice]
    queued = queue_all(going.conn, going.workspace, wanted, now=going.now)
    held = [found for found in queued if not isinstance(found, RapportError) and found.status == "held"]
    otherwise = goes_instead(going.conn, going.workspace, [one for one in held if one.fallback])
    astray = {one.id for one in held} - otherwise
    for one, found in zip(asked, queued, strict=True):
        sent, fails = ("", True) if isinstance(found, RapportError) else (found.id, found.id in astray)
        moves.append(Move(one, node.failed if node.failed and fails else node.next, sent=sent))
    return moves


def _had_it(going: Going, one: Instance) -> bool:
    """Whether the same customer, then two, was sent it in the other's journey about the same subject."""
    return any(
        other.id != one.id and other.journey == one.journey and other.subject == one.subject
        and other.turn == one.turn and one.node in other.context.sent
        for other in going.siblings.get(going.roots[one.strand], ())
    )  # fmt: skip


def _wanted(going: Going, node: Send, one: Instance) -> dict[str, Any]:
    return {
        "template": node.template, "customer": "", "channel": node.channel, "purpose": node.purpose,
        "idempotency_key": f"journey:{one.id}:{one.node}:{one.since}",  # in a circle each time is another message
        "data": {
            "entered_at": one.entered_at, **_bought(going, one),
            **message_data(node.data, one.context.entry, one.context.items),
        },
        "unless_ordered_since": _since(one) if node.unless_ordered else None,
        "latest_at": going.now + node.latest_hours * HOUR, "fallback": node.fallback,
    }  # fmt: skip


def _bought(going: Going, one: Instance) -> dict[str, int]:
    """When they bought what the message is about, where it is about the order that they entered with."""
    graph = going.graph(one)
    entry = graph.entry if graph is not None else None
    is_order = isinstance(entry, OnFact) and entry.fact.startswith(_OF_ORDERS)
    return {"bought_at": one.context.at or one.entered_at} if is_order and not one.context.items else {}


def _since(one: Instance) -> int:
    """Since when an order counts: since the cart was begun, where the fact says so."""
    stated = one.context.entry.get("started_at")
    try:
        return from_iso(stated) if isinstance(stated, str) else one.entered_at
    except ValueError:
        return one.entered_at


def message_data(
    given: Mapping[str, Any], entry: Mapping[str, Any], decided: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """The values for a template: what the graph gives, the fact they entered with as `entry`, and its lines, or what
    was decided last, as `items`.
    """
    found = dict(given)
    found.setdefault("entry", dict(entry))
    last = list(decided.values())[-1] if decided else None
    lines = lines_of({"products": last, "currency": entry.get("currency")}) if last else lines_of(entry)
    if lines:
        found.setdefault("items", lines)
    return found


def lines_of(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Products as templates show them: name, number, price; at most twenty."""
    products = properties.get("products")
    items: list[dict[str, Any]] = []
    for line in islice(products if isinstance(products, list) else (), 20):
        if not isinstance(line, Mapping):
            continue
        currency = currency_code(str(line.get("currency") or properties.get("currency") or ""))
        item: dict[str, Any] = {
            "name": line.get("name") or line.get("product_id") or line.get("item_id"),
            "quantity": line.get("quantity") or 1,
        }
        item |= {name: line[name] for name in ("product_id", "url", "image_url") if isinstance(line.get(name), str)}
        minor = line.get("price_minor") if currency else None
        if currency and not isinstance(minor, int):
            minor = to_minor(line.get("price"), currency)
        if isinstance(minor, int):
            item["price"] = {"minor": minor, "currency": currency}
        items.append(item)
    return items
