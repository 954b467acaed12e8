"""The cart: what lies in it now, put together from the changes since it was last empty or seen whole.

An order empties it (unless it was placed in a shop, on a marketplace or by phone), `Cart Viewed` and `Checkout Started`
with their products show it whole, `Cart Viewed` with none shows it empty. The latest such moment is the *base*; only
changes after it count, the newest 100. Each variant of a product is a line of its own.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rapport.kernel.clock import to_iso
from rapport.kernel.facts import Fact
from rapport.kernel.mergeable import NEVER, Mergeable, Stamp, State
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = ["Cart", "cart_change", "read_cart"]

LINES = 50
"""Products of a cart seen whole that are kept."""

Name = tuple[str, str | None]
"""Product id and variant."""

Change = tuple[Any, ...]
"""What one fact does to the cart, one of:

| what | then |
|---|---|
| `base` | cart id or None, lines: the cart as a whole |
| `change` | cart id or None, 1 or -1, line: a product put in or taken out |

A line is: product id, quantity or None (a text where it is no whole number), price in minor units or None, currency,
name or None, variant or None.
"""


def cart_change(fact: Fact, settings: ReadingSettings) -> Change | None:
    """What a fact does to the cart."""
    properties = fact.properties
    cart_id = inputs.text(properties.get("cart_id"))
    currency = inputs.currency(properties, settings)
    if fact.name == "Order Completed":
        return None if inputs.channel(fact, settings) in inputs.OFFLINE else ("base", None, [])
    if fact.name in ("Cart Viewed", "Checkout Started"):
        lines = [line for p in inputs.products(properties)[:LINES] if (line := _line(p, currency)) is not None]
        emptied = fact.name == "Cart Viewed" and properties.get("products") == []
        return ("base", cart_id, lines) if lines or emptied else None
    line = _line(properties, currency)
    sign = -1 if fact.name == "Product Removed" else 1
    return None if line is None else ("change", cart_id, sign, line)


def _line(product: dict[str, Any], currency: str) -> State | None:
    product_id = inputs.product_id(product)
    quantity = inputs.quantity(product)
    if product_id is None or quantity == 0:
        return None
    price = inputs.amount(product.get("price"), currency)
    kept = None if quantity is None else _kept(quantity if quantity > 0 else -quantity)
    return [product_id, kept, price, currency, inputs.text(product.get("name")), inputs.variant(product)]


def _kept(quantity: int | Decimal) -> int | str:
    """As the state keeps it: exactly."""
    return quantity if isinstance(quantity, int) else str(quantity)


def _number(kept: int | str | None) -> int | Decimal:
    """How many; one where nothing is stated."""
    return 1 if kept is None else kept if isinstance(kept, int) else Decimal(kept)


class Cart(Mergeable):
    """State: `[[*stamp, cart_id, [line, …]] of the base, [[*stamp, cart_id, sign, line], …] of changes after it]`."""

    __slots__ = ("limit",)

    def __init__(self, *, limit: int = 100) -> None:
        self.limit = limit

    def zero(self) -> State:
        return [[NEVER, "", "", None, []], []]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: Change) -> None:
        base = state[0]
        if at < base[0] or (at == base[0] and fact_id < base[1]):
            return
        if value[0] == "base":
            base[:] = (at, fact_id, source, value[1], value[2])
            if state[1]:
                state[1] = [change for change in state[1] if change[:2] > base[:2]]
            return
        changes = state[1]
        changes.append([at, fact_id, source, value[1], value[2], value[3]])
        if len(changes) > self.limit + self.limit // 4:
            self.trim(state)

    def merge(self, left: State, right: State) -> State:
        base = left[0] if left[0][:2] >= right[0][:2] else right[0]
        return self.trim([list(base), [c for c in [*left[1], *right[1]] if c[:2] > base[:2]]])

    def trim(self, state: State) -> State:
        state[1].sort(key=lambda change: (change[0], change[1]))
        del state[1][: -self.limit]
        return state

    def read(self, state: State) -> dict[str, Any] | None:
        """`{"cart_id", "products", "value_minor", "currency", "changed_at"}`, None where the cart is empty."""
        lines: dict[Name, State] = {}
        for line in state[0][4]:
            _apply(lines, 1, line)
        cart_id = state[0][3]
        for change in state[1]:
            cart_id = change[3] or cart_id
            _apply(lines, change[4], change[5])
        if not lines:
            return None
        currency = self._currency(lines)
        value = sum(_worth(line) for line in lines.values() if line[3] == currency)
        products = [_shown(line) for line in lines.values()]
        return {
            "cart_id": cart_id, "products": products, "value_minor": value, "currency": currency,
            "changed_at": self.stamp(state)[0],
        }  # fmt: skip

    @staticmethod
    def _currency(lines: dict[Name, State]) -> str:
        priced = [line[3] for line in lines.values() if line[2] is not None]
        found: str = priced[-1] if priced else next(iter(lines.values()))[3]
        return found

    def stamp(self, state: State) -> Stamp:
        return list((state[1][-1] if state[1] else state[0])[:3])


def _worth(line: State) -> int:
    """Price times quantity, half up."""
    return int((Decimal(line[2] or 0) * _number(line[1])).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _shown(line: State) -> dict[str, Any]:
    quantity = _number(line[1])
    shown = {
        "product_id": line[0], "name": line[4], "quantity": quantity if isinstance(quantity, int) else float(quantity),
        "price_minor": line[2],
    }  # fmt: skip
    return shown | {"variant": line[5]} if line[5] else shown


def _apply(lines: dict[Name, State], sign: int, line: State) -> None:
    """One change. A removal without a quantity takes the product out."""
    if sign > 0:
        name = (line[0], line[5])
        held = lines.get(name)
        if held is None:
            lines[name] = [line[0], _kept(_number(line[1])), *line[2:]]
            return
        price = held[2] if line[2] is None else line[2]
        lines[name] = [
            line[0], _kept(_number(held[1]) + _number(line[1])), price, line[3], line[4] or held[4], line[5],
        ]  # fmt: skip
        return
    found = _meant(lines, line)
    if found is not None:
        held = lines[found]
        left = 0 if line[1] is None else _number(held[1]) - _number(line[1])
        if left > 0:
            held[1] = _kept(left)
        else:
            del lines[found]


def _meant(lines: dict[Name, State], line: State) -> Name | None:
    """The line that a removal means; where one of the two names no variant, the product is enough."""
    product_id, variant = line[0], line[5]
    if (product_id, variant) in lines:
        return product_id, variant
    if variant is not None:
        return (product_id, None) if (product_id, None) in lines else None
    return next((name for name in reversed(lines) if name[0] == product_id), None)


def read_cart(found: dict[str, Any], *, now: int, abandoned_after: int) -> dict[str, Any]:
    """The cart as the record shows it; `abandoned_at` is set once nothing has changed for `abandoned_after`."""
    changed = found["changed_at"]
    quiet = changed + abandoned_after
    return found | {"changed_at": to_iso(changed), "abandoned_at": to_iso(quiet) if quiet <= now else None}
