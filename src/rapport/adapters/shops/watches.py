"""What Home warns of: a shop system that leaves something untold."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from rapport.adapters.shops import store
from rapport.adapters.shops.pulling.store import failing
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import gettext
from rapport.web.alarms import Alarm, Watch

__all__ = ["WATCHES"]

_TIME_TO_TELL = DAY
_TIME_TO_MEND = 6 * HOUR


def _stock(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    """A sale changes no product at Shopify: without the topics of inventory what it has is wrong from the first one."""
    return [
        Alarm(
            what=gettext("Shopify tells “%(source)s” of products and never of stock", source=source),
            to_do=gettext("Have it send inventory_levels/update too: no topic of products tells of a sale."),
            path=f"/console/sources/{source}", name=f"stock {source}", tone="amber",
        )
        for source in store.telling_no_stock(conn, workspace, made_before=now - _TIME_TO_TELL)
    ]  # fmt: skip


def _pulls(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    """What webhooks lose while nothing is fetched stays lost; a fault of an hour is a shop's own affair."""
    return [
        Alarm(
            what=gettext("Nothing could be fetched from %(shop)s: %(why)s", shop=one.shop, why=one.last_error),
            to_do=gettext("See what it answers, and whether the access key may still read."),
            path=f"/console/sources/{one.source}/shops", name=f"pull {one.shop} {one.source}",
        )
        for one in failing(conn, workspace, since=now - _TIME_TO_MEND)[:5]
    ]  # fmt: skip


WATCHES = (
    Watch(name="shops.pull", permission="shops:read", read=_pulls),
    Watch(name="shops.stock", permission="sources:read", read=_stock),
)
