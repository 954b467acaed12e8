"""An order and its refund that two workers write at the same moment come out as if one had come after the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from rapport.act.stages import Stages
from rapport.act.work import BatchWork
from rapport.capabilities.orders.service import keep
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key
from rapport.kernel.work import Seen
from rapport.storage.settings import Cache
from tests.beside import change_beside
from tests.shop import NOON, Shop


@pytest.mark.parametrize("refund_first", [True, False])
def test_a_refund_is_in_its_orders_currency_whichever_is_written_first(any_shop: Shop, *, refund_first: bool) -> None:
    shop = any_shop

    def kept(name: str, **properties: object) -> Callable[[Connection], object]:
        fact = Fact(id=name, type="track", name=name, properties={"order_id": "o", **properties}, occurred_at=NOON)
        seen = Seen(shop.id, Key(name.encode().ljust(16)[:16]), fact)
        return lambda conn: keep(conn, BatchWork(Stages((), own=()), Cache()), [seen], NOON)

    both = [
        kept("Order Refunded", total=124),
        kept("Order Completed", revenue=10_000, total=12_400, currency="JPY"),
    ]
    first, second = both if refund_first else reversed(both)
    change_beside(shop.db, first, second)
    [row] = shop.metric("revenue_by", by="currency").rows
    assert (row["currency"], row["revenue_minor"], row["refunds_minor"]) == ("JPY", 10_000, 100)
