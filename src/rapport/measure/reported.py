"""Orders that were noted by the id of their fact, before they were by their number: another report of one is known."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.measure.store import OutcomeRow, decision_outcomes
from rapport.remember import inputs
from rapport.storage import log
from rapport.storage.lookup import select_among

__all__ = ["without_known"]


def without_known(conn: Connection, outcomes: Sequence[OutcomeRow]) -> list[OutcomeRow]:
    """These outcomes but for purchases by orders that are noted under the id of an earlier report (migration 0081).

    Cost: two statements for each 500 decisions, none where nothing was bought; it reads the facts of rows that no
    order's number is known of.
    """
    known: set[tuple[WorkspaceId, str, str, str]] = set()
    named = [row for row in outcomes if row.kind == "bought" and row.order_id != row.fact_id]
    for workspace in {row.workspace for row in named}:
        known |= _known(conn, workspace, {row.decision_id for row in named if row.workspace == workspace})
    return [row for row in outcomes if (row.workspace, row.decision_id, row.product_id, row.order_id) not in known]


def _known(conn: Connection, workspace: WorkspaceId, decision_ids: set[str]) -> set[tuple[WorkspaceId, str, str, str]]:
    o, f = decision_outcomes.c, log.facts.c
    query = sa.select(o.decision_id, o.product_id, o.fact_id).where(o.kind == "bought", o.order_id == o.fact_id)
    old = list(select_among(conn, query, workspace, o.decision_id, decision_ids))
    facts = select_among(conn, sa.select(log.facts), workspace, f.message_id, {row.fact_id for row in old})
    orders = {
        row.message_id: inputs.text(log.to_fact(log.StoredRow(*row)).properties.get("order_id")) for row in facts
    }  # fmt: skip
    return {
        (workspace, row.decision_id, row.product_id, order)
        for row in old if (order := orders.get(row.fact_id))
    }  # fmt: skip
