"""What one customer's page shows of its identity: `panel.html`, filled by `panel`, learned links with the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.actions import audit
from rapport.resolve.graph.model import Kind
from rapport.resolve.linking import charts, households, review, wholes
from rapport.resolve.reading import explain, identities, naming, picture
from rapport.resolve.reading.identities import Member

__all__ = ["panel"]

MOST_EXPLAINED = 20
"""Learned links that one customer's page shows side by side."""


def panel(
    conn: Connection, workspace: WorkspaceId, root: Key, members: Sequence[Member], rules: IdentifierPolicy
) -> dict[str, Any]:
    """What `panel.html` shows on a customer's page: picture, evidence, merges and splits, what people did."""
    graph = identities.graph(conn, workspace, root, rules)
    probable = [edge.id for edge in graph.edges if edge.kind is Kind.PROBABLE]
    why = review.why_linked(conn, workspace, probable[:MOST_EXPLAINED])
    home = households.household_of(conn, workspace, root)
    return {
        "picture": picture.draw(graph, rules),
        "edges": graph.edges,
        "nodes": {node.key: node for node in graph.nodes},
        "words": picture.evidence_words,
        "kind_of": naming.kind_words,
        "name_of": naming.name_words,
        "why_not": explain.why_not,
        "explained": {ident: (pair, charts.steps(pair)) for ident, pair in why.items()},
        "whole": wholes.whole_of(conn, workspace, root) if probable else None,
        "home": home,
        "housemates": households.housemates(conn, workspace, home, root) if home else [],
        "truncated": graph.truncated,
        "changes": identities.changes(conn, workspace, root, limit=30),
        "trail": audit.actions(conn, workspace, subjects=[one.key for one in members], limit=30),
    }
