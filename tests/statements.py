"""What SQLAlchemy made of a statement, kept for all databases of a process.

An engine keeps the SQL of each statement it has seen. Most tests have a database of their own, and so a new engine that
has seen none: making the SQL anew took a third of the time of those that fold facts.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.util import LRUCache

__all__ = ["share_statements"]

_ENOUGH = 5_000
"""Statements kept; the whole of Rapport has fewer."""


def share_statements() -> None:
    """Have all engines that speak one dialect share what they made of statements."""
    kept: LRUCache[Any, Any] = LRUCache(_ENOUGH)
    spoken: dict[tuple[type[Dialect], object], Dialect] = {}

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        mine = connection.dialect
        # Statements are kept by dialect, and each engine has one: all are the same after their first connection.
        connection.dialect = spoken.setdefault((type(mine), mine.server_version_info), mine)
        connection.execution_options(compiled_cache=kept)
