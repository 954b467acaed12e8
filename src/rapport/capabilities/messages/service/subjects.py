"""What a message is about: the products in its values, and whether they were bought since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from rapport.capabilities.messages.model import Recipient
from rapport.capabilities.messages.store import MessageRow
from rapport.kernel.clock import DAY

__all__ = ["has_bought"]


def has_bought(row: MessageRow, person: Recipient, *, days: int) -> bool:
    """Whether the person has bought all that the message is about: within so many days before it was queued, or since
    they entered the journey that sends it where that is longer ago (`entered_at` in its values); where it is about an
    order of theirs, since that one (`bought_at`). 0 days: it is not asked.
    """
    if not days or not person.bought:
        return False
    data = msgspec.json.decode(row.data, type=dict[str, Any])
    entered_at, bought_at = data.get("entered_at"), data.get("bought_at")
    since = min(row.created_at - days * DAY, entered_at if isinstance(entered_at, int) else row.created_at)
    if isinstance(bought_at, int):
        since = bought_at
    names = set(_products(data))
    return bool(names) and all(person.bought.get(name, -1) > since for name in names)


def _products(data: Mapping[str, Any]) -> Iterator[str]:
    entry = data.get("entry")
    listed = data.get("items")
    several = [data.get("product"), entry, *(listed if isinstance(listed, list) else ())]
    for one in several:
        named = (one.get("product_id") or one.get("sku")) if isinstance(one, Mapping) else None
        if isinstance(named, str | int):
            yield str(named)
