"""The table of acquisition: what each campaign cost on each day. The latest statement holds, whatever came first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table

from rapport.capabilities.acquisition.model import Cost
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText

__all__ = ["Spent", "costs", "save_costs", "spent_by_campaign", "spent_by_day"]

costs = Table(
    "acquisition_costs",
    MetaData(),
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("campaign", CText, primary_key=True),
    Column("platform", CText, primary_key=True),
    Column("currency", CText, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    Column("clicks", BigInteger),
    Column("impressions", BigInteger),
    Column("stated_at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
)
"""`day` is a local start (`measure/days.py`), so that a period is read as one piece."""

_KEY = ("workspace", "day", "campaign", "platform")
_CHANGING = [column.name for column in costs.columns if column.name not in _KEY]
# The same fact again may be read otherwise by now.
_NEWER = "(excluded.stated_at, excluded.fact) >= (acquisition_costs.stated_at, acquisition_costs.fact)"


class Spent(NamedTuple):
    """What was spent in one currency, in a group: a campaign, or a day's local start."""

    key: str | int
    currency: str
    cost_minor: int
    clicks: int


def save_costs(conn: Connection, stated: Iterable[Cost]) -> None:
    """Keep the latest statement of each campaign and day."""
    latest: dict[tuple[object, ...], Cost] = {}
    for cost in stated:
        key = (cost.workspace, cost.day, cost.campaign, cost.platform)
        if key not in latest or (latest[key].stated_at, latest[key].fact) < (cost.stated_at, cost.fact):
            latest[key] = cost
    rows = [latest[key]._asdict() for key in sorted(latest)]
    upsert(conn, costs, rows, key=_KEY, update=_CHANGING, where=_NEWER)


def spent_by_campaign(conn: Connection, workspace: WorkspaceId, first: int, last: int) -> list[Spent]:
    """What each campaign cost on the days from `first` to `last`, both local starts and both included."""
    return _spent(conn, workspace, "campaign", first, last)


def spent_by_day(conn: Connection, workspace: WorkspaceId, first: int, last: int) -> list[Spent]:
    """What all campaigns cost on each of these days."""
    return _spent(conn, workspace, "day", first, last)


def _spent(conn: Connection, workspace: WorkspaceId, by: str, first: int, last: int) -> list[Spent]:
    """Of a campaign that was stated in several capitals on a day, the last word counts here, too."""
    c = costs.c
    same = (c.day, sa.func.lower(c.campaign), c.platform)
    place = sa.func.row_number().over(partition_by=same, order_by=(c.stated_at.desc(), c.fact.desc(), c.campaign))
    said = (
        sa.select(c[by].label("key"), c.currency, c.cost_minor, c.clicks, place.label("place"))
        .where(c.workspace == workspace, c.day >= first, c.day <= last)
        .subquery("said")
    )
    s = said.c
    query = (
        sa.select(s.key, s.currency, sa.func.sum(s.cost_minor), sa.func.sum(sa.func.coalesce(s.clicks, 0)))
        .where(s.place == 1)
        .group_by(s.key, s.currency)
    )
    return [Spent(key, currency, int(minor), int(clicks)) for key, currency, minor, clicks in conn.execute(query)]
