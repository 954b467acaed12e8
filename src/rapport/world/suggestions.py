"""Visitors who are shown what goes with a product, and sometimes follow: the live part of the demo asks Rapport."""

from __future__ import annotations

import random
from typing import Any

import httpx

from rapport.kernel.clock import SECOND, to_iso
from rapport.world.catalogue import the_catalogue
from rapport.world.messages import Delivery

__all__ = ["Suggestions", "asking"]

PLACEMENT = "product.also"
CLICKED = 0.3
"""Share of visitors who open one of the suggestions; the first ones are seen most."""
BOUGHT = 0.35
"""Share of those who then buy it."""
AT_ONCE = 5
"""Visitors asked for in one round, so that a burst of visits does not become a burst of questions."""


def asking(url: str, api_key: str) -> httpx.AsyncClient:
    """A client of Rapport's API as the shop's website has one, which gives up after 3 s. Use as a context manager."""
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {api_key}"}, timeout=3.0)


class Suggestions:
    """Asks `POST /api/v1/decisions` as a storefront does."""

    def __init__(self, http: httpx.AsyncClient, *, seed: int) -> None:
        self._http = http
        self._random = random.Random(f"suggestions {seed}")

    async def follow(self, batch: list[Delivery], *, now: int) -> list[Delivery]:
        """What those do who just looked at a product on the website and like what is shown beside it."""
        looking = [one for one in batch if one.channel == "web" and one.message.get("event") == "Product Viewed"]
        done: list[Delivery] = []
        for view in looking[:AT_ONCE]:
            decision = await self._ask(view.message)
            if decision is not None and decision["items"] and self._random.random() < CLICKED:
                done += self._visit(view, decision, now)
        return done

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The decision for who sent this view; None where Rapport does not answer in time."""
        namespace, value = ("user_id", message.get("userId")) if message.get("userId") else (
            "anonymous_id", message.get("anonymousId"))  # fmt: skip
        asked = {
            "placement": PLACEMENT, "limit": 4, "customer": {"namespace": namespace, "value": value},
            "context": {"product_id": message["properties"]["product_id"]},
        }  # fmt: skip
        try:
            answer = await self._http.post("/api/v1/decisions", json=asked)
        except httpx.HTTPError:
            return None
        found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
        return found

    def _visit(self, view: Delivery, decision: dict[str, Any], now: int) -> list[Delivery]:
        """Open one suggestion, and perhaps buy it."""
        shown = decision["items"]
        weights = [1 / (1 + position) for position in range(len(shown))]
        position = self._random.choices(range(len(shown)), weights)[0]
        product = the_catalogue().by_id.get(shown[position]["product_id"])
        if product is None:
            return []
        currency = view.message["properties"].get("currency", "GBP")
        card = product.card(currency)
        named = {"decision_id": decision["decision_id"], "placement": PLACEMENT, "position": position + 1}
        steps: list[tuple[str, dict[str, Any]]] = [("Product Clicked", {**card, **named}), ("Product Viewed", card)]
        if self._random.random() < BOUGHT:
            order = {
                "order_id": f"O-{decision['decision_id']}", "currency": currency, "revenue": card["price"],
                "total": card["price"], "products": [{**card, "quantity": 1}],
            }  # fmt: skip
            steps += [("Product Added", {**card, "quantity": 1}), ("Order Completed", order)]
        return [
            self._step(
                view, event, properties, name=f"{decision['decision_id']}-{number}", at=now + number * SECOND // 10
            )
            for number, (event, properties) in enumerate(steps)
        ]

    @staticmethod
    def _step(view: Delivery, event: str, properties: dict[str, Any], *, name: str, at: int) -> Delivery:
        message = {**view.message, "event": event, "properties": properties, "messageId": name,
                   "timestamp": to_iso(at + view.skew)}  # fmt: skip
        return view._replace(arrives_at=at, occurred_at=at, message=message)
