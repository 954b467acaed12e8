"""Baskets and what an order says: lines, coupon, tax, shipping, all in whole minor units.

Prices include value added tax, so for every order the sum of its lines less the discount is revenue and tax together,
and the total is revenue, tax and shipping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rapport.world.catalogue import Product

__all__ = ["COUPONS", "Cart", "Line", "Order", "refund_properties"]

COUPONS: dict[str, int] = {"WELCOME10": 10, "WEEKEND5": 5, "VINO15": 15, "FRIENDS20": 20}
"""Codes that are honoured and the percentage each takes off."""

FREE_DELIVERY_MINOR = 9_000
"""What the first tier of the club, in which everybody is, brings; higher tiers bring more."""
DELIVERY_MINOR = {"GBP": 395, "EUR": 490}


@dataclass(slots=True)
class Line:
    """A product in a cart or an order."""

    product: Product
    quantity: int
    variant: str | None = None

    def properties(self, currency: str, *, position: int | None = None) -> dict[str, Any]:
        """The line as a fact about the product states it."""
        card = self.product.card(currency, quantity=self.quantity)
        if self.variant is not None:
            card["variant"] = self.variant
        if position is not None:
            card["position"] = position
        return card


@dataclass(slots=True)
class Cart:
    """What a person has put aside to buy, until it is bought or forgotten."""

    id: str
    lines: list[Line]

    def add(self, product: Product, quantity: int, variant: str | None) -> Line:
        """Put a product in; a second time raises its quantity."""
        for line in self.lines:
            if line.product is product and line.variant == variant:
                line.quantity += quantity
                return Line(product, quantity, variant)
        line = Line(product, quantity, variant)
        self.lines.append(line)
        return Line(product, quantity, variant)


class Order:
    """A completed purchase with its sums."""

    def __init__(
        self, order_id: str, lines: list[Line], *, currency: str, country: str, coupon: str | None, delivered: bool,
        benefits: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """`benefits`: what the club takes off this order, in minor units, by kind."""
        self.id = order_id
        self.benefits = benefits or {}
        self.lines = lines
        self.currency = currency
        self.coupon = coupon
        percent = COUPONS.get(coupon or "", 0)
        self.gross_minor = self.discount_minor = self.tax_minor = 0
        off, whole = (
            self.benefits.get("price", 0),
            sum(one.product.price_minor[currency] * one.quantity for one in lines),
        )
        for line in lines:
            gross = line.product.price_minor[currency] * line.quantity
            before, after = self.gross_minor, self.gross_minor + gross
            discount = gross * percent // 100 + (off * after // whole - off * before // whole if whole else 0)
            rate = line.product.vat(country)
            self.gross_minor += gross
            self.discount_minor += discount
            self.tax_minor += round((gross - discount) * rate / (1 + rate))
        self.revenue_minor = self.gross_minor - self.discount_minor - self.tax_minor
        dear = self.gross_minor - self.discount_minor >= FREE_DELIVERY_MINOR
        is_free = dear or not delivered or "delivery" in self.benefits
        self.shipping_minor = 0 if is_free else DELIVERY_MINOR[currency]
        self.total_minor = self.revenue_minor + self.tax_minor + self.shipping_minor

    def properties(self, **more: Any) -> dict[str, Any]:
        """The properties of `Order Completed`; `cost` of each product is what one piece cost the shop."""
        properties: dict[str, Any] = {
            "order_id": self.id,
            "subtotal": self.revenue_minor / 100,
            "revenue": self.revenue_minor / 100,
            "tax": self.tax_minor / 100,
            "shipping": self.shipping_minor / 100,
            "discount": self.discount_minor / 100,
            "total": self.total_minor / 100,
            "currency": self.currency,
            "products": [self._line(line, position) for position, line in enumerate(self.lines, start=1)],
            **more,
        }
        if self.coupon is not None:
            properties["coupon"] = self.coupon
        if self.benefits:
            properties["benefits"] = [{"kind": kind, "saving_minor": minor} for kind, minor in self.benefits.items()]
        return properties

    def _line(self, line: Line, position: int) -> dict[str, Any]:
        card = line.properties(self.currency, position=position)
        card["cost"] = line.product.cost_minor[self.currency] / 100
        return card


def refund_properties(order: Order, lines: list[Line], *, country: str, reason: str) -> dict[str, Any]:
    """The properties of `Order Refunded` for lines that came back: money as positive amounts."""
    back = Order(order.id, lines, currency=order.currency, country=country, coupon=order.coupon, delivered=False)
    return {
        "order_id": order.id,
        "total": back.total_minor / 100,
        "revenue": back.revenue_minor / 100,
        "tax": back.tax_minor / 100,
        "currency": order.currency,
        "reason": reason,
        "products": [back._line(line, position) for position, line in enumerate(lines, start=1)],
    }
