"""What the storefront's server asks of Rapport with the secret key: what else to show, and a customer's orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from rapport.kernel.money import to_minor
from rapport.world.catalogue import Product, the_catalogue
from rapport.world.orders import Order

__all__ = ["Earlier", "Rapport", "Suggested", "cart_of"]

_SECONDS = 1.5
"""Longer nobody waits for a page: without an answer the shop goes on by itself."""
_ORDERS = 100


@dataclass(frozen=True, slots=True)
class Suggested:
    """A product to show, why, and what a click on it states."""

    product: Product
    reason: str
    clicked: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Earlier:
    """An order as the customer's Golden Record has it, from whichever channel."""

    id: str
    at: datetime
    channel: str
    currency: str
    total_minor: int
    refunded_minor: int
    lines: tuple[tuple[Product, int, str], ...]
    """Product, pieces and variant."""


class Rapport:
    """Rapport's API as a shop's server uses it. Every question has an answer for the case that Rapport is away."""

    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=_SECONDS, headers={"Authorization": f"Bearer {api_key}"})

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def also(
        self, product: Product, *, user_id: str, visitor: str, currency: str, store: str = ""
    ) -> list[Suggested] | None:
        """What to show beside a product that `store` can hand over; None where Rapport does not answer in time."""
        context = {"product_id": product.id} | ({"location": store} if store else {})
        asked: dict[str, Any] = {"placement": "product.also", "limit": 4, "context": context}
        if user_id:
            asked["customer"] = {"namespace": "user_id", "value": user_id}
        elif visitor:
            asked["customer"] = {"namespace": "anonymous_id", "value": visitor[:100]}
        decision = await self._answer("POST", "/api/v1/decisions", json=asked)
        return None if decision is None else list(_suggested(decision, currency))

    async def orders(self, user_id: str) -> list[Earlier] | None:
        """A customer's orders on all channels, newest first; None where Rapport does not answer in time."""
        path = f"/api/v1/customers/user_id:{user_id}/timeline"
        found = await self._answer("GET", path, params={"event": "Order", "limit": str(_ORDERS)})
        return None if found is None else list(_earlier(found.get("facts", [])))

    async def benefits(self, order: Order, *, user_id: str, country: str) -> dict[str, int] | None:
        """What the club takes off this order, by kind; None where there is none, or Rapport does not answer in time."""
        asked = {"customer": f"user_id:{user_id}" if user_id else "", "cart": cart_of(order, country)}
        quoted = await self._answer("POST", "/api/v1/loyalty/quote", json=asked)
        if not quoted:
            return None
        return {one["kind"]: one["saving_minor"] for one in quoted.get("benefits", ()) if one["saving_minor"]}

    async def state_products(self, products: list[dict[str, Any]]) -> bool:
        """Tell Rapport what is sold; False where it does not take it just now."""
        return bool(await self._answer("POST", "/api/v1/products", json={"products": products}))

    async def wallet(self, user_id: str) -> tuple[str, str]:
        """What opens a customer's wallet: the token of its components, and the path of its page; empty without."""
        found = await self._answer("POST", f"/api/v1/customers/user_id:{user_id}/loyalty/links")
        return (str(found.get("token", "")), str(found.get("wallet", ""))) if found else ("", "")

    async def _answer(self, method: str, path: str, **more: Any) -> dict[str, Any] | None:
        try:
            answer = await self._http.request(method, path, **more)
            if answer.status_code == 404:
                return {}
            found = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            return None
        return found if isinstance(found, dict) else None


def cart_of(order: Order, country: str) -> dict[str, Any]:
    """A basket as Rapport is asked about it."""
    lines = [
        {"line_id": str(place), "product_id": line.product.id, "quantity": line.quantity,
         "unit_price_minor": line.product.price_minor[order.currency], "discount_minor": 0,
         "category": line.product.category}
        for place, line in enumerate(order.lines, start=1)
    ]  # fmt: skip
    return {
        "currency": order.currency, "prices_include_tax": True, "lines": lines, "shipping_minor": order.shipping_minor,
        "coupons": [], "destination": {"country": country, "postcode": ""}, "redeem_points": 0,
    }  # fmt: skip


def _suggested(decision: dict[str, Any], currency: str) -> Iterator[Suggested]:
    for place, item in enumerate(decision.get("items", []), start=1):
        product = the_catalogue().by_id.get(str(item.get("product_id")))
        if product is None:
            continue
        more = {"position": place, "decision_id": decision.get("decision_id"), "placement": decision.get("placement")}
        reason = str((item.get("reasons") or [""])[0])
        yield Suggested(product, reason[:1].upper() + reason[1:], product.card(currency, **more))


def _earlier(facts: list[dict[str, Any]]) -> Iterator[Earlier]:
    refunded: dict[str, int] = {}
    seen: set[str] = set()
    for fact in facts:
        if fact.get("name") == "Order Refunded":
            properties = fact["properties"]
            back = to_minor(properties.get("total"), str(properties.get("currency", "GBP"))) or 0
            order_id = str(properties.get("order_id"))
            refunded[order_id] = refunded.get(order_id, 0) + back
    for fact in facts:
        properties = fact.get("properties", {})
        order_id = str(properties.get("order_id", ""))
        if fact.get("name") != "Order Completed" or not order_id or order_id in seen:
            continue
        seen.add(order_id)
        currency = str(properties.get("currency", "GBP"))
        yield Earlier(
            id=order_id,
            at=datetime.fromisoformat(fact["occurred_at"]),
            channel=str(properties.get("affiliation") or "Webshop"),
            currency=currency,
            total_minor=to_minor(properties.get("total"), currency) or 0,
            refunded_minor=refunded.get(order_id, 0),
            lines=tuple(_lines(properties.get("products") or [])),
        )


def _lines(products: list[dict[str, Any]]) -> Iterator[tuple[Product, int, str]]:
    for line in products:
        product = the_catalogue().by_id.get(str(line.get("product_id")))
        if product is not None:
            yield product, int(line.get("quantity") or 1), str(line.get("variant") or "")
