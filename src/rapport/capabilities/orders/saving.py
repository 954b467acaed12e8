"""What facts say of orders, written: joined by SQL, so that several workers may report the same one.

Of one version's readings the earliest report with a revenue, the latest correction and any cancellation count; what a
newer version reads takes the place of what an older one did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.orders.store import OrderPart, orders
from rapport.storage.bulk import upsert

__all__ = ["replace_orders", "save_orders"]


def save_orders(conn: Connection, parts: Iterable[OrderPart]) -> None:
    """Join what facts say of orders: the earliest report with a revenue, the latest correction, any cancellation."""
    joined: dict[tuple[int, str], OrderPart] = {}
    for part in parts:
        key = (part.workspace, part.order_id)
        joined[key] = part if key not in joined else _join(joined[key], part)
    rows = [joined[key] for key in sorted(joined)]
    upsert(conn, orders, rows, key=("workspace", "order_id"), update=_ORDER_UPDATE, where=_IS_OPEN)


def replace_orders(conn: Connection, parts: Iterable[OrderPart]) -> None:
    """Write orders as all that counts of them says, whatever was joined before."""
    rows = [part._asdict() for part in sorted(parts, key=lambda part: part.order_id)]
    upsert(conn, orders, rows, key=("workspace", "order_id"), update=OrderPart._fields[2:], where=_IS_OPEN)


_IS_OPEN = "orders.kept_until IS NULL"
"""What is kept for the books says nobody else than it said."""


def _join(one: OrderPart, other: OrderPart) -> OrderPart:
    report = min(one, other, key=lambda p: (p.rank, p.at, p.fact))
    correction = max(one, other, key=lambda p: (p.updated_at, p.updated_fact))
    cancelled = [p.cancelled_at for p in (one, other) if p.cancelled_at is not None]
    return report._replace(
        updated_at=correction.updated_at, updated_fact=correction.updated_fact,
        updated_currency=correction.updated_currency, updated_minor=correction.updated_minor,
        updated_gross=correction.updated_gross, updated_told=correction.updated_told,
        updated_reading=correction.updated_reading, cancelled_at=min(cancelled) if cancelled else None,
        cancelled_reading=max(one.cancelled_reading, other.cancelled_reading),
    )  # fmt: skip


def _chosen(condition: str, columns: Sequence[str]) -> dict[str, str]:
    return {name: f"CASE WHEN {condition} THEN excluded.{name} ELSE orders.{name} END" for name in columns}


def _newer_or(reading: str, otherwise: str) -> str:
    """What a newer version reads counts, whatever it is; of what one version reads, `otherwise` says which."""
    new, old = f"excluded.{reading}", f"orders.{reading}"
    return f"({new} > {old} OR ({new} = {old} AND {otherwise}))"


_EARLIER = _newer_or("reading", "(excluded.rank, excluded.at, excluded.fact) < (orders.rank, orders.at, orders.fact)")
_REPORT = ("rank", "at", "fact", "strand", "country", "currency", "revenue_minor", "gross_minor", "prices", "reading")
_CORRECTION = (
    "updated_at", "updated_fact", "updated_currency", "updated_minor", "updated_gross", "updated_told",
    "updated_reading",
)  # fmt: skip

_ORDER_UPDATE: dict[str, Any] = {
    **_chosen(_EARLIER, _REPORT),
    **_chosen(
        _newer_or(
            "updated_reading",
            "(excluded.updated_at, excluded.updated_fact) > (orders.updated_at, orders.updated_fact)",
        ),
        _CORRECTION,
    ),
    "was_at": f"CASE WHEN {_EARLIER} THEN orders.at ELSE orders.was_at END",
    "cancelled_at": "CASE WHEN excluded.cancelled_reading > orders.cancelled_reading THEN excluded.cancelled_at"
    " WHEN excluded.cancelled_reading < orders.cancelled_reading THEN orders.cancelled_at"
    " ELSE {least}(coalesce(excluded.cancelled_at, orders.cancelled_at),"
    " coalesce(orders.cancelled_at, excluded.cancelled_at)) END",
    "cancelled_reading": "{greatest}(excluded.cancelled_reading, orders.cancelled_reading)",
}
