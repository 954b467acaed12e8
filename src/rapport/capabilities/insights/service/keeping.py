"""Reads what facts say of meeting the shop, and reports and corrections of orders: by which channel, which lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rapport.capabilities.insights.store import Line, Sale, Touch, save, save_touchpoints
from rapport.capabilities.insights.touchpoints import step_of, touchpoint_of
from rapport.capabilities.orders import margin_of, revenue_of
from rapport.decide.people import reading_settings
from rapport.kernel.identifiers import shop_key
from rapport.kernel.work import Connection, Seen, Work
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = ["Met", "keep", "meeting"]

_ORDERS = ("Order Completed", "Order Updated")


class Met(NamedTuple):
    """A fact and what it is as a touchpoint."""

    seen: Seen
    kind: str | None


def meeting(seen: Seen) -> Met | None:
    """The fact where somebody met the shop in it, or an order was reported or corrected; None for others."""
    kind = None if seen.strand == shop_key(seen.workspace) else touchpoint_of(seen.fact)
    return None if kind is None and seen.fact.name not in _ORDERS else Met(seen, kind)


def keep(conn: Connection, work: Work, notes: Sequence[Met], now: int) -> None:
    """Keep a batch's touchpoints, and what its reports of orders say."""
    shops = {ws: work.known(conn, ws, reading_settings) for ws in {met.seen.workspace for met in notes}}
    save_touchpoints(conn, (_touch(met.seen, met.kind, shops[met.seen.workspace]) for met in notes if met.kind))
    orders = (met.seen for met in notes if met.seen.fact.name in _ORDERS)
    told = (_sale(seen, shops[seen.workspace]) for seen in orders if seen.fact.name == _ORDERS[0] or _says_what(seen))
    save(conn, told)


def _says_what(seen: Seen) -> bool:
    """Whether a correction says which products it leaves, or what margin; else the report's count on."""
    return bool(inputs.products(seen.fact.properties)) or seen.fact.properties.get("margin") is not None


def _touch(seen: Seen, kind: str, settings: ReadingSettings) -> Touch:
    fact = seen.fact
    return Touch(
        workspace=seen.workspace, at=fact.occurred_at, seq=fact.seq, strand=seen.strand, kind=kind,
        step=step_of(kind), channel=inputs.channel(fact, settings) or "", device=inputs.device(fact, settings) or "",
    )  # fmt: skip


def _sale(seen: Seen, settings: ReadingSettings) -> Sale:
    fact = seen.fact
    currency = inputs.currency(fact.properties, settings)
    revenue = revenue_of(fact.properties, currency)
    return Sale(
        workspace=seen.workspace, fact=fact.id, strand=seen.strand, at=fact.occurred_at,
        channel=inputs.channel(fact, settings) or "", device=inputs.device(fact, settings) or "",
        margin_minor=margin_of(fact.properties, currency, revenue),
        lines=[
            Line(
                product_id=inputs.product_id(product) or "", name=inputs.text(product.get("name")) or "",
                pieces=inputs.pieces(product), minor=inputs.line_total(product, currency),
                cost_minor=inputs.line_total(product, currency, "cost"),
            )
            for product in inputs.products(fact.properties)
        ],
    )  # fmt: skip
