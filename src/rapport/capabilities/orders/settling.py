"""Refunds and corrections whose order decides what they are worth: made right again whenever the order changes.

Whoever writes one of them writes the order's row too and so holds it until the transaction ends: of two transactions
that tell of one order, the second sees what the first has written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.orders.amounts import OrderMoney, corrected_in, given_back
from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.store import NEVER, UNREPORTED, orders
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.lookup import select_among

__all__ = ["rows_of", "settle"]

Row = dict[str, Any]


def settle(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str], unnamed: Collection[str]) -> set[int]:
    """Read anew what refunds and corrections of these orders are worth, after they and the refunds of these keys, which
    name no order, were written.

    Returns the moments at which that may have changed what was sold or given back, earlier ones of the same order or
    refund included.
    """
    given = rows_of(conn, workspace, refunds.c.key, unnamed)
    known = {row["order_id"]: row for row in rows_of(conn, workspace, orders.c.order_id, order_ids)}
    back = rows_of(conn, workspace, refunds.c.order_id, order_ids)
    corrected = [row for row in known.values() if row["updated_told"] is not None and _correct(row)]
    upsert(
        conn, orders, sorted(corrected, key=lambda row: row["order_id"]), key=("workspace", "order_id"),
        update=("updated_currency", "updated_minor", "updated_gross"),
    )  # fmt: skip
    changed = [row for row in back if row["claim"] is not None and _claim(row, known.get(row["order_id"]))]
    upsert(
        conn, refunds, sorted(changed, key=lambda row: row["key"]), key=("workspace", "key"),
        update=("currency", "amount_minor"),
    )  # fmt: skip
    moments = {row[name] for row in (*given, *known.values(), *back) for name in ("at", "was_at")}
    return {at for at in moments if at is not None and at < NEVER}


def rows_of(conn: Connection, workspace: WorkspaceId, column: sa.Column[Any], values: Collection[str]) -> list[Row]:
    """The whole rows of orders or refunds with one of these values."""
    found = select_among(conn, sa.select(column.table), workspace, column, sorted(values))
    return [dict(row._mapping) for row in found]


def _correct(order: Row) -> bool:
    """Read a correction that states no currency in its order's; whether that changed something."""
    if order["rank"] >= UNREPORTED:
        return False
    currency, revenue, _, gross = corrected_in(order["currency"], msgspec.json.decode(order["updated_told"]))
    return _take(order, {"updated_currency": currency, "updated_minor": revenue, "updated_gross": gross})


def _claim(refund: Row, order: Mapping[str, Any] | None) -> bool:
    """Read a refund's claim by what is known of its order; whether that changed something."""
    money = None if order is None or order["rank"] >= UNREPORTED else _money(order)
    currency, amount = given_back(msgspec.json.decode(refund["claim"]), money)
    return _take(refund, {"currency": currency, "amount_minor": amount})


def _take(row: Row, found: Mapping[str, Any]) -> bool:
    changed = any(row[name] != value for name, value in found.items())
    row.update(found)
    return changed


def _money(order: Mapping[str, Any]) -> OrderMoney:
    """What refunds of an order are held against, as the customer's ledger has it."""
    currency, worth = order["currency"], order["revenue_minor"]
    net, gross = (worth, order["gross_minor"]) if order["gross_minor"] else (0, 0)
    if (order["updated_at"], order["updated_fact"]) > (order["at"], order["fact"]):
        currency, worth = order["updated_currency"], order["updated_minor"]
        net, gross = (worth, order["updated_gross"]) if order["updated_gross"] else (net, gross)
    prices = msgspec.json.decode(order["prices"]) if order["prices"] and currency == order["currency"] else ()
    return OrderMoney(currency, max(0, worth), net, gross, prices)
