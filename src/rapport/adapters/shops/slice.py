"""What shop systems bring: the addresses their webhooks are sent to, what was heard last, whose lists are fetched."""

from __future__ import annotations

from pathlib import Path

from rapport.act.channels import Channel, ChannelSettings
from rapport.adapters.shops import store
from rapport.adapters.shops.pulling.jobs import PULL, PULLING
from rapport.adapters.shops.pulling.store import SECRETS as ACCESS
from rapport.adapters.shops.pulling.store import pulls
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.storage.engine import Database
from rapport.web.permissions import Permission

__all__ = ["SHOPS"]


def _pulling(db: Database, given: ChannelSettings) -> Channel:
    # Imported where it is made: the HTTP client costs every other command a third of a second at its start.
    from rapport.adapters.shops.pulling.channel import PullChannel

    return PullChannel(db, given)


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
        of_shop(pulls, "whose lists are fetched, and how far they are read"),
        of_shop(store.waiting, "levels of stock that wait for their product to be told"),
    ),
    secrets=(*store.SECRETS, *ACCESS),
    migrations=Path(__file__).parent / "migrations",
    permissions=(
        Permission(
            name="shops:read", words="see whose webhooks are taken and whose lists are fetched", roles=("analyst",)
        ),
        Permission(name="shops:write", words="take a shop's webhooks, fetch its lists, change their secrets"),
    ),
    jobs=(PULLING,),
    channels={PULL: _pulling},
    web="rapport.adapters.shops.web:WEB",
)
