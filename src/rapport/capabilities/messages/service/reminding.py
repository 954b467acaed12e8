"""The reminder of a cart that was left: one for each cart, never to a control group, never once they have ordered."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any

from rapport.capabilities.messages.service.queueing import MessageWanted, queue
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS
from rapport.kernel.clock import DAY, MINUTE, from_iso
from rapport.kernel.errors import RapportError
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.money import currency_code, to_minor
from rapport.kernel.work import BatchStage, Connection, Seen, Work

__all__ = ["CONTROL", "Reminding", "in_control"]

LEFT = "Cart Abandoned"
CONTROL = "in the control group: what the reminder earns is what the others buy more"

_logger = logging.getLogger(__name__)


def Reminding() -> BatchStage[Seen]:  # noqa: N802 - it makes a stage, as a class would
    """The stage; it is given nothing but carts that were left."""
    return BatchStage[Seen]((LEFT,), read=lambda seen: seen, write=_remind)


def in_control(workspace: WorkspaceId, strand: Key, *, percent: int) -> bool:
    """Whether a person belongs to the control group: by chance, and always the same for all their carts."""
    digest = blake2b(bytes(strand), digest_size=8, person=b"cart-reminder", key=str(workspace).encode()).digest()
    return int.from_bytes(digest, "big") % 100 < percent


def _remind(conn: Connection, work: Work, left: Sequence[Seen], now: int) -> None:
    """Queue the reminders of a batch. Carts that were left long ago, as an import tells of, get none."""
    for seen in left:
        wanted = work.setting(conn, seen.workspace, MESSAGE_SETTINGS)
        due = seen.fact.occurred_at + wanted.cart_reminder_minutes * MINUTE
        if not wanted.cart_url or now > seen.fact.occurred_at + DAY:
            continue
        try:
            with conn.begin_nested():
                held = CONTROL if in_control(seen.workspace, seen.strand, percent=wanted.control_percent) else ""
                queue(
                    conn,
                    seen.workspace,
                    seen.strand,
                    _message(seen.fact, wanted.cart_url),
                    now=now,
                    due_at=due,
                    held=held,
                )
        except RapportError as error:  # a template of the shop's own may have changed its purpose
            _logger.warning("no reminder of a cart in shop %d: %s", seen.workspace, error.message)


def _message(fact: Fact, url: str) -> MessageWanted:
    since = fact.properties.get("started_at")
    return MessageWanted(
        template="abandoned_cart", customer="", purpose="marketing", idempotency_key=fact.id,
        data={"url": url, "items": _items(fact)}, latest_at=fact.occurred_at + DAY,
        unless_ordered_since=from_iso(since) if isinstance(since, str) else fact.occurred_at,
    )  # fmt: skip


def _items(fact: Fact) -> list[dict[str, Any]]:
    currency = currency_code(fact.properties.get("currency") or "")
    products = fact.properties.get("products")
    items: list[dict[str, Any]] = []
    for line in islice(products if isinstance(products, list) else (), 20):
        item: dict[str, Any] = {
            "name": line.get("name") or line.get("product_id"),
            "quantity": line.get("quantity") or 1,
        }
        minor = to_minor(line.get("price"), currency) if currency else None
        if minor is not None:
            item["price"] = {"minor": minor, "currency": currency}
        items.append(item)
    return items
