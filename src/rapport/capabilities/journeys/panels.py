"""The journeys of a customer on their page: where they stand, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.service.library import Graphs
from rapport.capabilities.journeys.store import DONE
from rapport.capabilities.journeys.wording import lines_of_graph
from rapport.kernel.ids import CustomerId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.linking.units import certain_identifiers
from rapport.web.cards import OfPerson, Panel

__all__ = ["PANELS"]

_SHOWN = 6


def _journeys(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    key = load_customer_ids(conn).key(CustomerId(asked.customer_id))
    keys = certain_identifiers(conn, asked.workspace, key) or [key]
    found = store.of_strands(conn, asked.workspace, keys)
    latest = sorted(found, key=lambda one: (one.state == DONE, -one.entered_at))[:_SHOWN]
    known, rows = Graphs(), []
    for one in latest:
        graph = known.graph(conn, asked.workspace, one.journey, one.version)
        words = {line.name: line for line in lines_of_graph(graph)} if graph is not None else {}
        here = words.get(one.node)
        rows.append(
            {
                "one": one, "title": graph.title if graph is not None else one.journey, "here": here,
                "next": [words[sign.target].words for sign in here.signs if sign.target in words] if here else [],
            }
        )  # fmt: skip
    return {"rows": rows} if rows else None


PANELS: tuple[Panel, ...] = (
    Panel(
        name="journeys.standing", title="Journeys", order=440, permission="journeys:read",
        template="journeys/journeys_card.html", read=_journeys,
    ),
)  # fmt: skip
