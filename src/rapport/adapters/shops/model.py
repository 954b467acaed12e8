"""What a shop's webhook says, read of its body: things of the shop as they are at one time, and their facts. Pure.

Whatever comes may be of any type; what cannot be read is left out, and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from rapport.kernel.clock import to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.moments import read_moment

__all__ = [
    "SHOPS", "Body", "Reader", "Shop", "StockItem", "Thing", "fact", "first", "is_tip", "known_shop", "moment",
    "number", "person", "table", "tables", "text",
]  # fmt: skip

Shop = Literal["shopify", "woocommerce", "medusa", "saleor"]
SHOPS: tuple[Shop, ...] = get_args(Shop)
Body = Mapping[str, Any]


def known_shop(name: str) -> Shop:
    """The shop system of this name. Raises NotFound."""
    for kind in SHOPS:
        if kind == name:
            return kind
    raise NotFound(f"no shop system {name[:40]!r} is known", hint=f"there are {', '.join(SHOPS)}")


class StockItem(NamedTuple):
    """What a shop counts in its stores, with the product and variant it is."""

    item: str
    product_id: str
    variant: str


class Thing(NamedTuple):
    """One thing of the shop as a webhook says it is."""

    kind: Literal["order", "product", "level"]
    id: str
    changed_at: int
    facts: list[dict[str, Any]]
    """Track messages without message ids. One with `once` states what happens once to the thing, such as its being
    ordered; the others what it is from then on."""
    items: tuple[StockItem, ...] = ()
    waits_for: str = ""
    """The stock item whose product has to be known first; its one fact lacks product_id and variant."""
    is_first: bool = False
    """It has only just come to be: then what happens once says all of it."""
    if_known: bool = False
    """It says something of a thing that was told of before, such as the end of an order; else it says nothing, and
    nor does what is older than it."""


Reader = Callable[[str, Body, int], Iterable[Thing]]
"""Reads topic and body; the time is that of the delivery, for bodies without one of their own."""


def fact(
    event: str, *, at: int, about: Mapping[str, Any] | None = None, once: bool = False, **properties: Any
) -> dict[str, Any]:
    """A track message without an id."""
    said = {name: value for name, value in properties.items() if value not in (None, "", [], {})}
    return {"type": "track", "event": event, "timestamp": to_iso(at), "properties": said, "once": once, **(about or {})}


def person(
    *, guest: str, customer: tuple[str, str | None] | None = None, email: object = None, phone: object = None,
    **traits: object,
) -> dict[str, Any]:  # fmt: skip
    """Whom a fact is about: the customer's number in that shop, the contacts stated, without any of them a guest."""
    known = {"email": text(email), "phone": text(phone), **{name: text(value) for name, value in traits.items()}}
    told = {name: value for name, value in known.items() if value}
    context: dict[str, Any] = {"traits": told} if told else {}
    if customer and customer[1]:
        context["externalIds"] = [{"type": customer[0], "id": customer[1]}]
    elif not ("email" in told or "phone" in told):
        return {"anonymousId": guest, "context": context}
    return {"context": context}


def text(value: object, longest: int = 200) -> str | None:
    """A text or a number as text, None where there is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)[:longest].strip() or None


_TO_A_THOUSANDTH = re.compile(r"-?\d{1,12}\.\d{3}", re.ASCII)
"""Shops' systems write no marks between thousands, so their `1.234` is no 1234."""


def number(value: object) -> float | int | str | None:
    """An amount as it came, None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and _TO_A_THOUSANDTH.fullmatch(value):
        return float(value)
    return value if value != "" else None


def moment(*values: object, otherwise: int) -> int:
    """The first of these that is a time; those without a zone are in UTC."""
    for value in values:
        if isinstance(value, str) and value:
            zoned = value if value.endswith("Z") or "+" in value[10:] or "-" in value[10:] else f"{value}Z"
            found = read_moment(zoned)
            if found is not None:
                return min(found, otherwise)
    return otherwise


def table(value: object) -> Body:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def tables(value: object, *, most: int = 500) -> list[Body]:
    """Those of a list that are objects."""
    return [one for one in value[:most] if isinstance(one, dict)] if isinstance(value, list) else []


def first(*values: object) -> Any:
    """The first that says something."""
    return next((value for value in values if value not in (None, "", [], {})), None)


_TIPS = frozenset(
    ("tip", "tips", "gratuity", "trinkgeld", "pourboire", "propina", "gorjeta", "mancia", "fooi", "dricks", "napiwek",
     "drikkepenge", "チップ")
)  # fmt: skip


def is_tip(name: object) -> bool:
    """Whether a line of an order is called a tip, in the languages of shops."""
    return isinstance(name, str) and name.strip().rstrip(":").casefold() in _TIPS
