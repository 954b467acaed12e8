"""What became of a customer's carts: one pure function of all their cart facts, so nothing depends on arrival.

A cart begins with the first product put into an empty one and ends when it is ordered or emptied. It is *abandoned*
when nothing has changed it for an hour (the shop's setting) while something lies in it; that is judged by when things
happened. A cart is known by its `cart_id`, else by the fact that began it; one person may have several. A cart without
an id that is taken up again more than a day after it was left counts as a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from rapport.capabilities.orders.cart import Cart, cart_change
from rapport.kernel.clock import DAY
from rapport.kernel.facts import Fact
from rapport.remember.inputs import ReadingSettings

__all__ = ["CartStory", "stories_of"]

TAKEN_UP_AGAIN = DAY

_cart = Cart()


class CartStory(msgspec.Struct, kw_only=True):
    """One cart from its first product to its end."""

    cart_id: str | None
    started_by: str
    """Id of the fact that put the first product in."""
    started_at: int
    changed_at: int
    """When it last changed before it was abandoned; else when it last changed."""
    abandoned_at: int | None = None
    ordered_at: int | None = None
    emptied_at: int | None = None
    strand: bytes = b""
    """Of the fact that changed it last."""
    products: list[dict[str, Any]] = []
    """As it was abandoned: product_id, name, quantity, price_minor."""
    value_minor: int = 0
    currency: str = ""

    @property
    def is_open(self) -> bool:
        return self.ordered_at is None and self.emptied_at is None


def stories_of(
    facts: Iterable[tuple[bytes, Fact]], settings: ReadingSettings, *, abandoned_after: int, now: int
) -> list[CartStory]:
    """The carts of one customer from all their cart facts (with the strand of each), in any order, as of `now`."""
    judge = _Judge(settings, abandoned_after)
    for strand, fact in sorted(facts, key=lambda pair: (pair[1].occurred_at, pair[1].id)):
        judge.see(strand, fact)
    judge.let_pass(now)
    return judge.stories


class _Held(msgspec.Struct):
    """A cart with something in it."""

    story: CartStory
    state: Any


class _Judge:
    def __init__(self, settings: ReadingSettings, abandoned_after: int) -> None:
        self.stories: list[CartStory] = []
        self._settings = settings
        self._after = abandoned_after
        self._held: dict[str | None, _Held] = {}

    def see(self, strand: bytes, fact: Fact) -> None:
        change = cart_change(fact, self._settings)
        if change is None:
            return
        self.let_pass(fact.occurred_at)
        if fact.name == "Order Completed":
            self._order(fact)
        else:
            self._change(strand, fact, change)

    def let_pass(self, at: int) -> None:
        """Carts that were left long enough by then are abandoned."""
        for held in self._held.values():
            story = held.story
            if story.abandoned_at is None and at - story.changed_at >= self._after:
                cart = _cart.read(held.state)
                if cart is not None:
                    story.abandoned_at = story.changed_at + self._after
                    story.products, story.value_minor = cart["products"], cart["value_minor"]
                    story.currency = cart["currency"]

    def _order(self, fact: Fact) -> None:
        """An order ends every cart of the customer: whoever has just bought is not reminded of another cart."""
        for held in self._held.values():
            held.story.ordered_at = fact.occurred_at
        self._held.clear()

    def _change(self, strand: bytes, fact: Fact, change: Sequence[Any]) -> None:
        cart_id = self._which(change[1])
        held = self._held.get(cart_id)
        state = _cart.zero() if held is None else held.state
        _cart.fold(state, fact.occurred_at, fact.id, fact.source, tuple(change))
        if _cart.read(state) is None:
            if held is not None:
                held.story.emptied_at = fact.occurred_at
                del self._held[cart_id]
            return
        if held is None or self._is_another(held.story, fact.occurred_at):
            story = CartStory(
                cart_id=cart_id, started_by=fact.id, started_at=fact.occurred_at, changed_at=0, strand=strand
            )
            self.stories.append(story)
            held = self._held[cart_id] = _Held(story, state)
        if held.story.abandoned_at is None:
            held.story.changed_at, held.story.strand = fact.occurred_at, strand

    def _which(self, cart_id: str | None) -> str | None:
        """The key of the cart that is meant. A cart learns its id late; a change without one means the latest cart."""
        held = self._held
        if cart_id in held:
            return cart_id
        if cart_id is None:
            return max(held, key=lambda key: held[key].story.changed_at) if held else None
        unnamed = held.get(None)
        if unnamed is not None and unnamed.story.abandoned_at is None:
            unnamed.story.cart_id = cart_id
            held[cart_id] = held.pop(None)
        return cart_id

    @staticmethod
    def _is_another(story: CartStory, at: int) -> bool:
        return story.cart_id is None and story.abandoned_at is not None and at - story.abandoned_at > TAKEN_UP_AGAIN
