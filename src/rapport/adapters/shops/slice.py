"""What shops' webhooks bring: the addresses they are sent to, and what was heard last."""

from __future__ import annotations

from pathlib import Path

from rapport.adapters.shops import store
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.web.permissions import Permission

__all__ = ["SHOPS"]

SHOPS = Slice(
    name="shops",
    title="Shop systems",
    holds=(
        of_shop(store.doors, "whose webhooks are taken, and how many came"),
        of_person(
            store.objects,
            "by a keyed digest what each order, product and level was last",
            by=(),
            export=lambda *_: (),  # the order itself is told by what was said of it
            erase=store.forget_orders,
        ),
        of_shop(store.stock_items, "which product a shop's stock item is"),
        of_shop(store.waiting, "levels of stock that wait for their product to be told"),
    ),
    secrets=store.SECRETS,
    migrations=Path(__file__).parent / "migrations",
    permissions=(
        Permission(name="shops:read", words="see whose webhooks are taken", roles=("analyst",)),
        Permission(name="shops:write", words="take a shop's webhooks, change their secret"),
    ),
    web="rapport.adapters.shops.web:WEB",
)
