"""What the console's palette finds: pages by their names, and whatever finders of slices know by a few words; and by
what customers are looked up in their list, beside names and identifiers.

Each finder is asked in a transaction of its own. One that fails is left out and logged; the others answer.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import gettext
from rapport.kernel.named import by_name
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import NavItem

__all__ = ["Finder", "Finders", "Found", "Hit", "Lookup", "Lookups", "Sought", "Wanted"]

_logger = logging.getLogger(__name__)

MOST = 6
"""Hits of one finder: a palette is read at a glance."""


class Wanted(NamedTuple):
    """What somebody typed, and where."""

    workspace: WorkspaceId
    text: str
    """Stripped, at least one character."""
    most: int
    """Hits that are shown."""


class Hit(NamedTuple):
    """One thing that was found: where it leads, what it is called, and what tells it from its like."""

    path: str
    title: str
    detail: str = ""
    icon: str = "right"


class Finder(msgspec.Struct, frozen=True, kw_only=True):
    """Finds things of one kind. It is asked for whoever has its permission."""

    name: str
    """Begins with the slice's name: `remember.customers`."""
    title: str
    """What its hits are called together: "Customers"."""
    order: int
    permission: str
    find: Callable[[Connection, Wanted], Sequence[Hit]]


class Sought(NamedTuple):
    """Whom a lookup has found."""

    strand: bytes
    exact: bool
    """True where it is called just so; False where it only begins so."""


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """Finds customers by something of theirs that a slice knows: an order number, a parcel."""

    name: str
    """Begins with the slice's name: `orders.number`."""
    title: str
    """What is looked for, as the search field says it: "order number"."""
    find: Callable[[Connection, WorkspaceId, str, int], Sequence[Sought]]
    """For a stripped text: at most so many, each by a bounded look at an index."""


class Lookups:
    """Those of all slices. Raises ValueError where two have one name."""

    def __init__(self, lookups: Iterable[Lookup] = ()) -> None:
        self.lookups = tuple(by_name("lookup", ((one.name, one.title, one) for one in lookups)).values())

    def find(self, conn: Connection, workspace: WorkspaceId, text: str, *, most: int) -> list[Sought]:
        """Whom any of them finds."""
        return [sought for one in self.lookups for sought in one.find(conn, workspace, text, most)]


class Found(NamedTuple):
    """The hits of one kind."""

    title: str
    hits: Sequence[Hit]


class Finders:
    """Those of all slices. Raises ValueError where two have one name."""

    def __init__(self, finders: Iterable[Finder] = ()) -> None:
        named = by_name("finder", ((finder.name, finder.title, finder) for finder in finders))
        self.finders = sorted(named.values(), key=lambda finder: (finder.order, finder.name))

    def find(self, db: Database, principal: Principal, pages: Iterable[NavItem], text: str) -> list[Found]:
        """What fits the words, kind by kind: pages first; all pages where nothing was typed yet."""
        hits = [
            Hit(item.path, gettext(item.label), gettext(item.group), item.icon) for item in pages if _fits(item, text)
        ]
        found = [Found("Pages", hits)]
        if text:
            wanted = Wanted(principal.workspace, text, MOST)
            found += [_ask(finder, db, wanted) for finder in self.finders if principal.may(finder.permission)]
        return [kind for kind in found if kind.hits]


def _ask(finder: Finder, db: Database, wanted: Wanted) -> Found:
    try:
        with db.read() as conn:
            return Found(finder.title, finder.find(conn, wanted)[: wanted.most])
    except Exception:  # whatever a slice makes of it, the palette still leads to the pages
        _logger.exception("the finder %s failed", finder.name)
        return Found(finder.title, ())


def _fits(item: NavItem, text: str) -> bool:
    """Every word typed begins a word of the page's name or group, in either language, whatever its case and accents."""
    words = _plain(f"{item.label} {item.group} {gettext(item.label)} {gettext(item.group)}").split()
    return all(any(word.startswith(typed) for word in words) for typed in _plain(text).split())


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in folded if not unicodedata.combining(letter))
