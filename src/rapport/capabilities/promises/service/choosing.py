"""What a customer chooses about an order that is late: kept once for each promise, stated, and agreed on anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from rapport.capabilities.promises import store
from rapport.capabilities.promises.facts import CHOSEN, own_id
from rapport.capabilities.promises.model import CHOICES
from rapport.capabilities.promises.service.promising import Whole, choices_open, load
from rapport.capabilities.promises.service.terms import calendar_of, decided
from rapport.capabilities.promises.service.watching import judge_here
from rapport.capabilities.promises.store import Told
from rapport.capabilities.promises.working_days import WEEKDAYS
from rapport.capabilities.supply import Location, location_named, stores_with
from rapport.collect.own import own_fact
from rapport.decide.people import identifiers_by_key, naming
from rapport.kernel.clock import HOUR, SECOND, to_datetime, to_iso, zone_named
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.storage import log
from rapport.storage.workspaces import workspace_of

__all__ = ["choose", "place_of", "ready_at", "stores_for"]

_LOOK = 14
"""Days within which a store has to open."""


def stores_for(conn: Connection, workspace: WorkspaceId, whole: Whole, *, now: int) -> Sequence[Location]:
    """Stores where all of the order can be collected, as far as that is known; those of its country first."""
    if not whole.may_choose:
        return ()
    wanted: dict[str, int] = {}
    for line in whole.order.lines:
        wanted[line.product_id] = wanted.get(line.product_id, 0) + line.pieces
    found = stores_with(conn, workspace, wanted, now=now, market=whole.order.country)
    return sorted(found, key=lambda one: (one.country != whole.order.country, one.name))


def place_of(conn: Connection, workspace: WorkspaceId, location_id: str) -> Location | None:
    """The store something is collected from; None for one that nobody has stated."""
    return location_named(conn, workspace, location_id)


def choose(
    conn: Connection, workspace: WorkspaceId, order_id: str, *, window_id: str, choice: str, location_id: str, now: int
) -> None:
    """Keep what the customer chose, state it, and promise what follows from it, in one transaction.

    Raises InvalidInput for what is no choice, Conflict where something was chosen already, the promise is another one
    meanwhile, or the store has not got it any more.
    """
    if choice not in CHOICES:
        raise InvalidInput(f"{choice[:40]!r} is no choice", hint=", ".join(CHOICES))
    store.lock_orders(conn, [order_id])
    whole = load(conn, workspace, order_id)
    stores = stores_for(conn, workspace, whole, now=now)
    if whole.row.window_id != window_id or choice not in choices_open(whole, stores=stores):
        raise Conflict("this order is not as it was when you looked", hint="look again, then choose")
    place = next((one for one in stores if one.location_id == location_id), None) if choice == "collect" else None
    if choice == "collect" and place is None:
        raise Conflict("this store has not got it any more", hint="look again, then choose")
    if not store.save_choice(conn, workspace, order_id, window_id, choice, location_id if place else "", now=now):
        raise Conflict("something was chosen already", hint="look at what it is")
    _state(conn, workspace, whole, choice, location_id if place else "", now)
    told = _promised(conn, workspace, whole, choice, place, now=now)
    if told is not None:
        store.save_made(conn, workspace, [told])
    judge_here(conn, workspace, order_id, now=now)


def _promised(
    conn: Connection, workspace: WorkspaceId, whole: Whole, choice: str, place: Location | None, *, now: int
) -> Told | None:
    """The promise that follows from a choice; None where none does."""
    order, wanted = whole.order, decided(conn, workspace)
    zone = zone_named(order.zone)
    window = whole.row.proposed if choice == "wait" else None
    if choice == "replace":
        shop = workspace_of(conn, workspace).settings.time_zone
        window = calendar_of(wanted, shop).window(now, zone)
    if place is not None:
        ready = to_iso(ready_at(place, zone, now, hours=wanted.collect_hours))
        return Told(
            order.order_id, new_id("prm"), now, "", ready, "customer", "", method="collect",
            location_id=place.location_id,
        )  # fmt: skip
    if window is None:
        return None
    told = window.told(zone)
    reason = "another one is sent" if choice == "replace" else ""
    return Told(order.order_id, new_id("prm"), now, told["from"] or "", told["to"] or "", "customer", reason)


def ready_at(place: Location, zone: ZoneInfo, now: int, *, hours: int) -> int:
    """By when a store has it ready: so many of its hours from now, while it is open. A store without hours is open."""
    there = zone_named(place.time_zone) if place.time_zone else zone
    ready = now + hours * HOUR
    if not place.hours:
        return ready
    for ahead in range(_LOOK):
        day = to_datetime(now).astimezone(there).date() + timedelta(days=ahead)
        opens, closes = _open_on(place, WEEKDAYS[day.weekday()])
        if opens is None or closes is None:
            continue
        first, last = (
            int(datetime.combine(day, at, tzinfo=there).timestamp()) * SECOND for at in (opens, closes)
        )  # fmt: skip
        begins = max(now, first) + hours * HOUR
        if begins <= last:
            return begins
    return ready


def _open_on(place: Location, day: str) -> tuple[time | None, time | None]:
    since, _, until = place.hours.get(day, "").partition("-")
    try:
        return time.fromisoformat(since.strip()), time.fromisoformat(until.strip())
    except ValueError:
        return None, None


def _state(conn: Connection, workspace: WorkspaceId, whole: Whole, choice: str, location_id: str, now: int) -> None:
    strand = Key(whole.order.strand)
    who = identifiers_by_key(conn, workspace, [strand]).get(strand)
    if who is None:
        return
    said = {"order_id": whole.order.order_id, "choice": choice}
    row = own_fact(
        workspace, name=CHOSEN, id=own_id(whole.order.order_id, whole.row.window_id, "choice"), occurred_at=now,
        received_at=now, properties=said | ({"location_id": location_id} if location_id else {}), **naming(who),
    )  # fmt: skip
    log.append(conn, [row])
