"""Clicks that name a decision: those of what it showed, and those apart that name one which never was, or another item.

A client may say anything: a click that fits no decision moves no number, and is counted where somebody sees it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, SmallInteger, Table

from rapport.kernel.clock import DAY
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.ids import WorkspaceId
from rapport.measure import store
from rapport.measure.store import OutcomeRow
from rapport.storage import log
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import select_among

__all__ = ["Click", "Clicks", "clicks_since", "decision_clicks", "follow"]

Stray = Literal["", "unknown", "not_shown"]
"""Why a click is no decision's: that was never made, or showed something else. Empty where it is."""

MOST_PLACES = 50
_SHARDS = 64

decision_clicks = Table(
    "decision_clicks",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("placement", CText, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("stray", CText, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("clicks", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Clicks by UTC day. `place` is the one that the click claims, of slates known to have several; else 0. `stray` says
why a click is no decision's; one whose decision never was has no placement. One row a worker, as of facts by minute."""

_KEY = ("workspace", "day", "placement", "place", "stray", "shard")


class Click(NamedTuple):
    """A fact that says from which decision it comes, with the place in it that it claims (0: none)."""

    workspace: WorkspaceId
    decision_id: str
    product_id: str
    place: int
    at: int
    fact_id: str


class Clicks(NamedTuple):
    """Clicks of some days."""

    placement: str
    place: int
    stray: Stray
    clicks: int


def follow(conn: Connection, clicks: Sequence[Click]) -> list[OutcomeRow]:
    """Count a batch's clicks; those of what a decision showed are its outcomes.

    What was shown to somebody nobody knows is not kept, so that is believed; so is a decision that is not folded yet.
    """
    found: list[OutcomeRow] = []
    counts: Counter[tuple[WorkspaceId, int, str, int, Stray]] = Counter()
    for workspace in {click.workspace for click in clicks}:
        mine = [click for click in clicks if click.workspace == workspace]
        asked = {click.decision_id for click in mine}
        made = store.placements_of(conn, workspace, asked)
        shown = store.shown_by(conn, workspace, asked)
        unfolded = _logged(conn, workspace, asked - made.keys())
        for click in mine:
            stray = _stray(click, made.keys() | unfolded, shown.get(click.decision_id))
            place = click.place if len(shown.get(click.decision_id, ())) > 1 else 0
            day = click.at - click.at % DAY
            counts[workspace, day, made.get(click.decision_id, ""), place, stray] += 1
            if not stray:
                found.append(OutcomeRow(workspace, click.decision_id, "clicked", click.product_id, *click[4:]))
    _add(conn, counts)
    return found


def clicks_since(conn: Connection, workspace: WorkspaceId, since: int) -> list[Clicks]:
    """Clicks from the day of this moment on."""
    c = decision_clicks.c
    query = (
        sa.select(c.placement, c.place, c.stray, sa.func.sum(c.clicks))
        .where(c.workspace == workspace, c.day >= since - since % DAY)
        .group_by(c.placement, c.place, c.stray)
        .order_by(c.placement, c.place, c.stray)
    )
    return [Clicks(row[0], row[1], row[2], int(row[3])) for row in conn.execute(query)]


def _stray(click: Click, known: Collection[str], shown: Collection[str] | None) -> Stray:
    if click.decision_id not in known:
        return "unknown"
    return "" if shown is None or click.product_id in shown else "not_shown"


def _logged(conn: Connection, workspace: WorkspaceId, decision_ids: Collection[str]) -> set[str]:
    """Those of the decisions that are in the log, which no worker has come to yet."""
    f = log.facts.c
    query = sa.select(f.message_id).where(f.source == OWN_SOURCE)
    return {row[0] for row in select_among(conn, query, workspace, f.message_id, decision_ids)}


def _add(conn: Connection, counts: Counter[tuple[WorkspaceId, int, str, int, Stray]]) -> None:
    shard = os.getpid() % _SHARDS
    rows = [dict(zip(_KEY, (*key, shard), strict=True)) | {"clicks": counts[key]} for key in sorted(counts)]
    upsert(
        conn, decision_clicks, rows, key=_KEY, update={"clicks": "decision_clicks.clicks + excluded.clicks"}
    )  # fmt: skip
