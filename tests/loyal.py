"""A shop with a loyalty programme, for tests: what somebody orders, and what they then have."""

from __future__ import annotations

from itertools import count
from typing import Any

from rapport.capabilities.loyalty import redeeming
from rapport.capabilities.loyalty.changing import change_programme
from rapport.capabilities.loyalty.jobs import TIME
from rapport.capabilities.loyalty.verifying import verify
from rapport.capabilities.loyalty.wallet import Wallet, wallet_of
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from tests.jobs import turns
from tests.shop import NOON, Shop

CLUB: dict[str, Any] = {
    "title": "Club", "currency": "EUR", "starts": "2020-01-01", "time_zone": "Europe/Berlin", "valid_days": 365,
    "pending_days": 14,
    "tiers": [
        {"name": "friend", "title": "Friend",
         "benefits": [{"kind": "delivery", "title": "Free delivery above 90", "above_minor": 9000}]},
        {"name": "gold", "title": "Gold", "at": 20000,
         "benefits": [{"kind": "delivery", "title": "Always free delivery"},
                      {"kind": "points", "title": "Double points", "percent": 200}]},
    ],
    "earning": [
        {"name": "base", "title": "A point for each euro", "points": 1, "per_minor": 100},
        {"name": "sorry", "title": "We are sorry: your order was late", "on": "Promise Broken", "points": 50},
    ],
    "plans": [{"name": "plus", "title": "Plus", "fee_minor": 4900, "period": "year", "trial_days": 30, "pause_days": 30,
               "benefits": [{"kind": "delivery", "title": "Always free delivery"},
                            {"kind": "price", "title": "5 % off", "percent": 5}]}],
}  # fmt: skip

_numbers = count(1)


def begin(shop: Shop, *, name: str = "club", **changes: Any) -> None:
    """Put a programme in force."""
    change_programme(shop.db, shop.id, name, CLUB | changes, seen=0, by="test", reason="", now=NOON)


def key(shop: Shop, user: str) -> Key:
    """The key of somebody with this user id."""
    return key_of(shop.id, Identifier("user_id", user))


def order(shop: Shop, user: str, order_id: str, *prices: float, at: int = NOON, **more: Any) -> Any:
    """The message of an order: a product for each price, one piece each."""
    products = [{"product_id": f"p{i}", "price": price, "quantity": 1} for i, price in enumerate(prices)]
    return shop.message(
        "Order Completed", at=at, user=user, order_id=order_id, currency="EUR", products=products, **more
    )


def refund(shop: Shop, user: str, order_id: str, *, at: int = NOON, **more: Any) -> Any:
    """The message of a refund."""
    return shop.message("Order Refunded", at=at, user=user, order_id=order_id, currency="EUR", **more)


def tell(shop: Shop, *messages: Any) -> None:
    """Send and fold."""
    shop.send(*messages)
    shop.fold()


def wallet(shop: Shop, user: str, *, now: int = NOON) -> Wallet:
    """What somebody has; the ledger is proven whenever somebody looks."""
    with shop.db.read() as conn:
        proof = verify(conn, shop.id)
        assert proof.ok, proof
        return wallet_of(conn, shop.id, key(shop, user), now=now)


def pass_time(shop: Shop, now: int) -> int:
    """Let the job do what the clock has done by then, and fold what it states; returns how many things there were."""
    done = sum(turns(shop.db, TIME, now=now))
    shop.fold()
    return done


def hold(shop: Shop, user: str, points: int, *, now: int, request: str = "") -> redeeming.Redemption:
    """Hold points."""
    return redeeming.hold(
        shop.db, shop.id, f"user_id:{user}", points, request_id=request or f"r{next(_numbers)}", now=now
    )  # fmt: skip
