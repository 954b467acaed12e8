"""What a shop's lists are to a pull: where it stands in them, what is asked next, what an answer says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.adapters.shops.model import Body, Shop, moment

__all__ = ["FIRST", "Asked", "Page", "Place", "Said", "ShopList", "System", "Unreadable", "after", "changed_after"]


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where in a shop's lists a pull stands."""

    number: int = 0
    """Which of the lists."""
    since: int = 0
    """What changed from then on (microseconds) is wanted."""
    page: str = ""
    """As the shop counts its pages; empty for the first one."""
    carried: str = ""
    """What one list told that a later one is asked with."""
    is_anew: bool = False
    """A list was begun once more in this reading, as the shop took none of its pages any more."""

    def at_start(self) -> Place:
        """The beginning of the list it stands in."""
        return Place(self.number, self.since, "", self.carried, is_anew=True)


FIRST = Place()
_NEVER = 1 << 62


class Asked(NamedTuple):
    """A request to a shop's API."""

    path: str
    query: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    """JSON that is posted; empty: nothing is."""


class Said(NamedTuple):
    """One thing of a list, as a webhook of that topic would say it."""

    topic: str
    body: Body
    at: str = ""
    """When it happened, where the body does not say."""


class Page(NamedTuple):
    """What an answer said, and how the list goes on: with a page, or from a time on; with neither it is at its end."""

    said: Sequence[Said]
    page: str = ""
    since: int = 0
    carried: str | None = None
    parts: Sequence[str] = ()
    """Things of this page that have a list of their own (`ShopList.ask_part`)."""


class Unreadable(Exception):
    """The answer is not what that list answers; says in words what it is instead."""


class ShopList(NamedTuple):
    """One list of a shop's API."""

    name: str
    """As its people call it: `orders`."""
    ask: Callable[[Place], Asked]
    read: Callable[[Place, Any, Mapping[str, str]], Page]
    """Reads the decoded answer and its headers. Raises Unreadable."""
    is_whole: bool = True
    """The first pull reads it from its beginning; else from the day that was asked for."""
    ask_part: Callable[[str, int], Asked] | None = None
    """A page of a part's own list, counted from 1."""
    read_part: Callable[[str, Any], Sequence[Said]] | None = None
    part_size: int = 0
    """Of a page of it: a full one is followed by another."""


class System(NamedTuple):
    """How one shop system is asked."""

    shop: Shop
    lists: Sequence[ShopList]
    """In the order in which they are read: products before the levels that name them."""
    headers: Callable[[str], Mapping[str, str]]
    """By which the access key is shown."""
    pause_seconds: float
    """Between two requests, at least; what the system's own limits allow with room for others."""


def changed_after(stated: object, place: Place) -> int:
    """From when to go on after the last of a page that is in the order of its changes; 0 where time stood still.

    A thing that changes meanwhile moves to the end and those behind it move up by one: by the number of the page one
    would be passed over, by its time none is.
    """
    found = moment(stated, otherwise=_NEVER)
    return found if place.since < found < _NEVER else 0


def after(system: System, place: Place, page: Page, starts: Callable[[ShopList], int]) -> Place | None:
    """The place that comes after a page: in the same list, at the start of the next, or None where all are read."""
    carried = place.carried if page.carried is None else page.carried
    if page.page and page.page != place.page:
        return Place(place.number, page.since or place.since, page.page, carried, place.is_anew)
    if page.since > place.since:
        return Place(place.number, page.since, "", carried, place.is_anew)
    number = place.number + 1
    if number >= len(system.lists):
        return None
    return Place(number, starts(system.lists[number]), "", carried, place.is_anew)
