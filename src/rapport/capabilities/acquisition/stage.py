"""Acquisition's part in a worker's batch: what campaigns cost, the latest statement of each day."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.capabilities.acquisition import store
from rapport.capabilities.acquisition.facts import COST
from rapport.capabilities.acquisition.model import costs_of
from rapport.decide.people import reading_settings
from rapport.kernel.identifiers import shop_key
from rapport.kernel.work import BatchStage, Connection, Seen, Work

__all__ = ["stage"]


def stage() -> BatchStage[Seen]:
    """The stage of one worker."""
    return BatchStage[Seen]((COST,), read=_read, write=_keep)


def _read(seen: Seen) -> Seen | None:
    # Of somebody's own it is a fact that came before anybody knew that it is about the shop.
    return seen if seen.strand == shop_key(seen.workspace) else None


def _keep(conn: Connection, work: Work, notes: Sequence[Seen], now: int) -> None:
    shops = {note.workspace for note in notes}
    currency = {shop: work.known(conn, shop, reading_settings).currency for shop in shops}
    store.save_costs(
        conn, [cost for ws, _, fact in notes for cost in costs_of(ws, fact, currency[ws])]
    )  # fmt: skip
