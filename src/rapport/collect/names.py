"""What events are called and what they must say: in any case and separators, and in the words of the first e-commerce
specification. Pure.

A name that is only like one that is understood is never taken for it: whoever sends it is told (`unread.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact
from rapport.kernel.wording import FactKind

__all__ = ["SPECIFICATION", "V1_NAMES", "Vocabulary"]

_logger = logging.getLogger(__name__)

V1_NAMES: dict[str, str] = {
    "Searched Products": "Products Searched",
    "Viewed Product Category": "Product List Viewed",
    "Viewed Product List": "Product List Viewed",
    "Filtered Product List": "Product List Filtered",
    "Clicked Product": "Product Clicked",
    "Viewed Product": "Product Viewed",
    "Added Product": "Product Added",
    "Removed Product": "Product Removed",
    "Viewed Cart": "Cart Viewed",
    "Viewed Promotion": "Promotion Viewed",
    "Clicked Promotion": "Promotion Clicked",
    "Started Order": "Checkout Started",
    "Started Checkout": "Checkout Started",
    "Viewed Checkout Step": "Checkout Step Viewed",
    "Completed Checkout Step": "Checkout Step Completed",
    "Entered Payment Info": "Payment Info Entered",
    "Completed Order": "Order Completed",
    "Updated Order": "Order Updated",
    "Refunded Order": "Order Refunded",
    "Cancelled Order": "Order Cancelled",
    "Canceled Order": "Order Cancelled",
    "Order Canceled": "Order Cancelled",
    "Entered Coupon": "Coupon Entered",
    "Applied Coupon": "Coupon Applied",
    "Denied Coupon": "Coupon Denied",
    "Removed Coupon": "Coupon Removed",
    "Added Product to Wishlist": "Product Added to Wishlist",
    "Removed Product from Wishlist": "Product Removed from Wishlist",
    "Added Wishlist Product to Cart": "Wishlist Product Added to Cart",
    "Added Product to Cart from Wishlist": "Wishlist Product Added to Cart",
    "Shared Product": "Product Shared",
    "Shared Cart": "Cart Shared",
    "Reviewed Product": "Product Reviewed",
}
"""Names of the first specification, and what they are called in the second."""

_BESIDE = (
    "Checkout Step Viewed", "Order Shipped", "Order Delivered", "Cart Viewed", "Coupon Entered", "Coupon Applied",
    "Unsubscribed",
)  # fmt: skip
"""Events of the second specification that the first did not have, or did not rename."""


_OF_OTHER_TYPES = frozenset(("Identified", "Page Viewed", "Screen Viewed", "Group Joined", "Aliased"))
"""What messages of other types than `track` become."""

SPELLINGS = 4_096
"""Names of which it is remembered what they mean. Who has a write key makes names up: then it is found out anew."""

SHORTEST_ALIKE = 6
"""Letters of a name that may be like another; shorter ones are like too many."""

_LONG = 18
"""From so many letters on, two of them may be other ones."""

_ENDING = 3
"""So many letters may be missing at the end: `Order Complete`, `Product View`."""


class Vocabulary:
    """The events that an installation understands: the specification's, and those of its slices."""

    def __init__(self, kinds: Iterable[FactKind] = ()) -> None:
        kinds = [kind for kind in kinds if kind.name not in _OF_OTHER_TYPES]
        understood = [kind for kind in kinds if kind.stated_by == "clients"]
        self._exactly = frozenset(kind.name for kind in understood)
        self.of_shop = frozenset(kind.name for kind in kinds if kind.about == "shop")
        """What is about the shop itself, and so about nobody; whoever states it."""
        self.own = frozenset(kind.name for kind in kinds if kind.stated_by == "rapport")
        """What Rapport alone states."""
        self._refuse = {kind.name: kind.refuse for kind in understood if kind.refuse is not None}
        names = {**V1_NAMES, **{name: name for name in (*V1_NAMES.values(), *_BESIDE)}}
        self._meant = {_plain(kind.name): kind.name for kind in understood}
        self._meant |= {_plain(name): modern for name, modern in names.items()}
        self._others = {_plain(other): kind.name for kind in understood for other in kind.also if other}
        self._alike = {**self._others, **self._meant}
        self._choices = list(self._alike)
        self.meant = lru_cache(maxsize=SPELLINGS)(self._name)
        """What a name means, whatever its case and separators; itself where it is not known."""
        self.like = lru_cache(maxsize=SPELLINGS)(self._like)
        """The name that one may be meant for which is not understood; None where it is like none."""

    def modernise(self, name: str, properties: dict[str, Any]) -> str:
        """The second specification's name of an event, however it is spelled; one that is not known stays as it is.

        A name that is changed has its old property names given their new ones beside.

        >>> SPECIFICATION.modernise("order_completed", {}), SPECIFICATION.modernise("order_complted", {})
        ('Order Completed', 'order_complted')
        >>> properties = {"orderId": "o-1", "products": [{"id": "p-1"}]}
        >>> SPECIFICATION.modernise("Completed Order", properties), properties["products"][0]["product_id"]
        ('Order Completed', 'p-1')
        """
        modern = self.meant(name)
        if modern == name:
            return name
        _rename(properties, "orderId", "order_id")
        if modern.startswith(("Product ", "Wishlist Product ")) and "List" not in modern:
            _rename(properties, "id", "product_id")
        products = properties.get("products")
        if isinstance(products, list):
            for product in products:
                if isinstance(product, dict):
                    _rename(product, "id", "product_id")
        return modern

    def refuse(self, fact: Fact, currency: str) -> None:
        """Raises InvalidFact where a fact does not say what its kind must; a slice that fails refuses nothing.

        `currency` is the shop's.
        """
        refuse = self._refuse.get(fact.name)
        if refuse is None:
            return
        try:
            refuse(fact, currency)
        except InvalidFact:
            raise
        except Exception:  # whatever a slice makes of a fact, it is kept
            _logger.exception("it could not be told whether a %s fact says what it must", fact.name)

    def _name(self, name: str) -> str:
        return name if name in self._exactly else self._meant.get(_plain(name), name)

    def _like(self, name: str) -> str | None:
        plain = _plain(name)
        if plain in self._meant:
            return None
        if plain in self._others:
            return self._others[plain]
        if len(plain) < SHORTEST_ALIKE or len(plain) > 60:
            return None
        cut = [known for known in self._choices if known.startswith(plain) and len(known) - len(plain) <= _ENDING]
        if cut:
            return self._alike[min(cut, key=len)]
        # Here, as few names need it: it costs every process a fifth of a second at its start.
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        most = 1 if len(plain) < _LONG else 2
        found = process.extractOne(plain, self._choices, scorer=OSA.distance, score_cutoff=most)
        return self._alike[found[0]] if found else None


def _plain(name: str) -> str:
    """A name without case and separators: `order_completed`, `orderCompleted` and `ORDER-COMPLETED` are one."""
    return "".join(filter(str.isalnum, name)).casefold()


def _rename(values: dict[str, Any], old: str, new: str) -> None:
    if old in values and new not in values:
        values[new] = values[old]


SPECIFICATION = Vocabulary()
"""Those of the specification alone."""
