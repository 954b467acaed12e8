"""What supply answers: what can be had, where, and how sure that is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set

from rapport.capabilities.supply import store
from rapport.capabilities.supply.bundles import bundle_levels, in_parts
from rapport.capabilities.supply.model import Availability, Level, Location, state_of
from rapport.capabilities.supply.settings import SUPPLY_SETTINGS
from rapport.capabilities.supply.store import Summed
from rapport.decide.model import Ask, Candidate
from rapport.kernel.clock import HOUR
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage import settings

__all__ = [
    "availability", "barred", "known_since", "location_named", "lying", "none_to_be_had", "not_to_be_had", "places_of",
    "stores_with",
]  # fmt: skip

_UNKNOWN = Availability(state="unknown")


def availability(
    conn: Connection,
    workspace: WorkspaceId,
    product_ids: Collection[str],
    *,
    now: int,
    location: str = "",
    market: str = "",
) -> dict[str, Availability]:
    """Whether each product can be had: collected at `location` where one is named, else sent to the `market`.

    Products of which nobody knows are there, as unknown. Three statements for 500 products, whatever the shop's size.
    """
    ids = list(dict.fromkeys(product_ids))
    places = places_of(store.find_locations(conn, workspace), location=location, market=market)
    found = summed_up(conn, workspace, ids, places, since=known_since(conn, workspace, now=now))
    return {product_id: _read(found.get(product_id)) for product_id in ids}


def not_to_be_had(
    conn: Connection,
    workspace: WorkspaceId,
    product_ids: Collection[str],
    *,
    now: int,
    location: str = "",
    market: str = "",
) -> set[str]:
    """Those of the products that must not be offered: the mask of decisions and search, before any is chosen.

    A store that was chosen must be known to have it, or it is not offered. What is sent is left out only where it is
    known to be sold out, so a shop that states no stock offers all it has. A location that nobody knows is no choice.
    """
    return _gone(conn, workspace, product_ids, now=now, location=location, market=market, only=product_ids)


def none_to_be_had(
    conn: Connection,
    workspace: WorkspaceId,
    product_ids: Collection[str],
    *,
    now: int,
    location: str = "",
    market: str = "",
) -> set[str]:
    """The same of a whole catalogue: one statement over all levels of these places, for whoever keeps the answer."""
    return _gone(conn, workspace, product_ids, now=now, location=location, market=market, only=None)


def _gone(
    conn: Connection,
    workspace: WorkspaceId,
    product_ids: Collection[str],
    *,
    now: int,
    location: str,
    market: str,
    only: Collection[str] | None,
) -> set[str]:
    places = store.find_locations(conn, workspace)
    chosen = places.get(location)
    if chosen is not None and not (chosen.open and chosen.pickup):
        return set(product_ids)
    at = [location] if chosen is not None else places_of(places, market=market)
    found = summed_up(conn, workspace, only, at, since=known_since(conn, workspace, now=now))
    if chosen is not None:
        return {one for one in product_ids if one not in found or found[one].available <= 0}
    return {one for one, has in found.items() if has.fresh == has.all and has.available <= 0}


def lying(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str], *, now: int
) -> dict[str, tuple[int, int, int | None]]:
    """By product: pieces that lie where orders are sent from (reserved ones, too), since when that is known, and when
    more are expected. A product of which that is not known is missing: also where a shop states only what is left to
    sell, which falls to nothing when the last piece is ordered, while it lies there for whoever ordered it.
    """
    places = places_of(store.find_locations(conn, workspace))
    return store.lying(conn, workspace, product_ids, places, since=known_since(conn, workspace, now=now))


def stores_with(
    conn: Connection, workspace: WorkspaceId, wanted: Mapping[str, int], *, now: int, market: str = ""
) -> list[Location]:
    """Open stores where so many pieces of each product can be collected, as far as that is known; by name.

    One statement for 500 products and a store; a shop has a handful of stores, of which the first fifty are looked at.
    """
    since = known_since(conn, workspace, now=now)
    found = []
    needed = in_parts(wanted, store.find_bundles(conn, workspace, wanted))
    places = [one for one in store.find_locations(conn, workspace).values() if one.open and one.pickup]
    for place in [one for one in places if one.serves(market)][:_MOST_STORES] if wanted else []:
        there = summed_up(conn, workspace, {*wanted, *needed}, [place.location_id], since=since)
        if all(_has(there, product, pieces) for some in (wanted, needed) for product, pieces in some.items()):
            found.append(place)
    return found


def location_named(conn: Connection, workspace: WorkspaceId, location_id: str) -> Location | None:
    """A location by its id; None for one that nobody has stated."""
    return store.find_locations(conn, workspace).get(location_id)


_MOST_STORES = 50


def _has(there: Mapping[str, Summed], product: str, pieces: int) -> bool:
    return product in there and there[product].available >= pieces


def summed_up(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str] | None, places: Sequence[str], *, since: int
) -> dict[str, Summed]:
    """What these places have of each product together (of all for None), of a bundle what its parts allow in each.

    Two statements for 500 products, one more for the parts where some of them are bundles.
    """
    found = store.summed(conn, workspace, product_ids, places, since=since)
    made = store.find_bundles(conn, workspace, product_ids)
    if made:
        parts = {part.product_id for some in made.values() for part in some}
        by_product: dict[str, list[Level]] = {}
        for level in store.levels_of_parts(conn, workspace, parts, places):
            by_product.setdefault(level.product_id, []).append(level)
        for bundle, some in made.items():
            lying_there = [one for name in {part.product_id for part in some} for one in by_product.get(name, ())]
            found.pop(bundle, None)
            if allowed := bundle_levels(bundle, some, lying_there):
                found[bundle] = _together(bundle, allowed, since)
    return found


def _together(product_id: str, allowed: Sequence[Level], since: int) -> Summed:
    fresh = [level for level in allowed if level.stated_at >= since]
    return Summed(
        product_id, sum(level.available for level in fresh), len(fresh), len(allowed),
        min((level.stated_at for level in fresh), default=None), max(level.stated_at for level in allowed),
    )  # fmt: skip


def barred(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> Set[str]:
    """The rule of decisions: `context.location` is the store that was chosen, `context.market` where it is sent."""
    location, market = (str(ask.context.get(name) or "")[:200] for name in ("location", "market"))
    ids = [candidate.item_id for candidate in candidates]
    return not_to_be_had(conn, ask.workspace, ids, now=ask.now, location=location, market=market)


def places_of(locations: Mapping[str, Location], *, location: str = "", market: str = "") -> list[str]:
    """Ids of the locations that count: the chosen one if customers may collect there, else those that send."""
    if location:
        one = locations.get(location)
        return [location] if one is not None and one.open and one.pickup else []
    return [one.location_id for one in locations.values() if one.open and one.ships and one.serves(market)]


def known_since(conn: Connection, workspace: WorkspaceId, *, now: int) -> int:
    """What was stated before this moment is unknown now."""
    return now - settings.load(conn, workspace, SUPPLY_SETTINGS).value.known_for_hours * HOUR


def _read(found: Summed | None) -> Availability:
    if found is None:
        return _UNKNOWN
    known = found.available > 0 or found.fresh == found.all
    return Availability(
        state=state_of(found.available, known=known),
        available=found.available if known else None,
        stated_at=found.oldest if known else found.newest,
    )
