"""Reads reports of orders: by which channel and device, at what margin, which lines."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.capabilities.insights.store import Line, Sale, save
from rapport.capabilities.orders import margin_of, revenue_of
from rapport.decide.people import reading_settings
from rapport.kernel.work import Connection, Seen, Work
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = ["keep"]


def keep(conn: Connection, work: Work, notes: Sequence[Seen], now: int) -> None:
    """Keep what a batch's reports of orders say."""
    shops = {ws: work.known(conn, ws, reading_settings) for ws in {note.workspace for note in notes}}
    save(conn, (_sale(note, shops[note.workspace]) for note in notes))


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
