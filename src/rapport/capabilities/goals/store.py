"""The table of goals: of each product the figures by which showing it is worth something, reckoned by a job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text

from rapport.capabilities.goals.model import Figures
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText
from rapport.storage.prepared import Prepared

__all__ = ["figures", "figures_of", "save"]

figures = Table(
    "goals_figures",
    MetaData(),
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("product_id", CText, primary_key=True),
    Column("price_minor", BigInteger),
    Column("cost_minor", BigInteger),
    Column("currency", Text),
    Column("buying", Integer, nullable=False),
    Column("returned", Integer),
)
_f = figures.c
_KEY = ("workspace", "product_id")
_FIND = Prepared(
    sa.select(*(_f[name] for name in Figures._fields)).where(
        _f.workspace == sa.bindparam("ws"), _f.product_id.in_(sa.bindparam("ids", expanding=True))
    )
)


def figures_of(conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]) -> dict[str, Figures]:
    """The figures of these products; those are missing that have not been reckoned yet."""
    rows: Sequence[Any] = _FIND.among(conn, "ids", dict.fromkeys(product_ids), ws=workspace)
    return {row[0]: Figures._make(row) for row in rows}


def save(conn: Connection, workspace: WorkspaceId, found: Iterable[Figures]) -> int:
    """Keep these figures in place of those there are. Returns how many."""
    rows = [{"workspace": workspace, **one._asdict()} for one in found]
    upsert(conn, figures, rows, key=_KEY, update=tuple(name for name in Figures._fields if name != "product_id"))
    return len(rows)
