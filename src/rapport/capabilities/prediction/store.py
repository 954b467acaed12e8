"""Tables of prediction: each fit with what is known of it, and what was last said of each customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.capabilities.prediction.model import ModelCard
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import change_among, select_among

__all__ = ["cards", "fits", "forget", "last_said", "latest_fit", "predictions", "say"]

fits = Table(
    "prediction_fits",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("fitted_at", BigInteger, nullable=False),
    Column("card", Text, nullable=False),
    Column("baseline", Text, nullable=False),
    Column("told_to", LargeBinary),
)
"""`card` and `baseline` are JSON. `told_to`: customers up to this key have been told of; NULL once all have."""

predictions = Table(
    "predictions",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("strand", LargeBinary, primary_key=True),
    Column("fit", Integer, nullable=False),
    Column("said", CText, nullable=False),
    Index("predictions_fit", "workspace", "fit"),
)
"""By the customer's root, as JSON: what the last `Prediction Made` said, so that only what changes is said again."""

_f, _p = fits.c, predictions.c


def latest_fit(conn: Connection, workspace: WorkspaceId) -> Any:
    """The row of the newest fit; None before the first."""
    query = sa.select(fits).where(_f.workspace == workspace).order_by(_f.id.desc()).limit(1)
    return conn.execute(query).first()


def cards(conn: Connection, workspace: WorkspaceId, *, limit: int) -> list[ModelCard]:
    """What is known of the latest fits, the newest first."""
    query = sa.select(_f.card).where(_f.workspace == workspace).order_by(_f.id.desc()).limit(limit)
    return [msgspec.json.decode(card, type=ModelCard) for card in conn.execute(query).scalars()]


def last_said(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, str]:
    """What was last said of these customers."""
    query = sa.select(_p.strand, _p.said)
    return {Key(row.strand): row.said for row in select_among(conn, query, workspace, _p.strand, roots)}


def say(conn: Connection, workspace: WorkspaceId, fit: int, said: Mapping[Key, str]) -> None:
    """Note what is said of customers."""
    rows = [{"workspace": workspace, "strand": root, "fit": fit, "said": said[root]} for root in sorted(said)]
    upsert(conn, predictions, rows, key=("workspace", "strand"), update=("fit", "said"))


def forget(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> None:
    """Forget what was said of customers."""
    change_among(conn, predictions.delete(), workspace, _p.strand, roots)
