"""Supply's part of a worker's batch: levels and locations, the latest statement of each."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.capabilities.supply import store
from rapport.capabilities.supply.bundles import Bundle, bundle_of
from rapport.capabilities.supply.facts import BUNDLE, LEVEL, LOCATION
from rapport.capabilities.supply.model import Level, Location, levels_of, location_of
from rapport.kernel.identifiers import shop_key
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import BatchStage, Connection, Seen, Work

__all__ = ["stage"]

Stated = tuple[WorkspaceId, Location, int, str]
Note = list[Level] | Stated | Bundle


def stage() -> BatchStage[Note]:
    """The stage of one worker."""
    return BatchStage[Note]((LEVEL, LOCATION, BUNDLE), read=_read, write=_keep)


def _read(seen: Seen) -> Note | None:
    workspace, strand, fact = seen
    if strand != shop_key(workspace):  # it came before anybody knew that it is about the shop, from whomever
        return None
    if fact.name == LEVEL:
        return levels_of(workspace, fact) or None
    if fact.name == BUNDLE:
        return bundle_of(workspace, fact)
    location = location_of(fact)
    return None if location is None else (workspace, location, fact.occurred_at, fact.id)


def _keep(conn: Connection, work: Work, notes: Sequence[Note], now: int) -> None:
    store.save_bundles(conn, [note for note in notes if isinstance(note, Bundle)])
    places = [note for note in notes if isinstance(note, tuple) and not isinstance(note, Bundle)]
    store.save_locations(conn, places)
    store.save_levels(conn, [level for note in notes if isinstance(note, list) for level in note])
