"""A customer's facts as a story that people can read: what was looked at in one visit is one line. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from rapport.kernel.clock import MINUTE
from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext, ngettext
from rapport.kernel.money import UNKNOWN_CURRENCY, format_minor
from rapport.kernel.wording import Told, Topic, Wording, channel_of
from rapport.remember import inputs
from rapport.web.formats import day_of

__all__ = ["APART", "Entry", "Line", "Visit", "entries_of", "page_of", "told_in_visits"]

APART = 30 * MINUTE
"""Between two visits at least; the same as for the trait `sessions`."""

SHOWN = 30
"""Lines of one visit that are drawn."""

OURS = "Rapport"
"""The source of what we state ourselves: of what was shown, and by whom it was decided."""

_PAGES = frozenset({"Page Viewed", "Screen Viewed"})
_PRODUCT_PAGES = frozenset({"Product Viewed", "Product List Viewed"})
_SIGNS = {"Product Added": 1, "Wishlist Product Added to Cart": 1, "Product Removed": -1}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One fact as a line of the timeline."""

    seq: int
    name: str
    told: Told
    topic: Topic
    occurred_at: int
    day: str
    """The calendar day where the viewer is."""
    source: str
    channel: str
    put_in: tuple[str, int] | None
    """Currency and minor units that went into the basket, or (below 0) out of it."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in one go, without half an hour's break, the latest first."""

    entries: list[Entry]

    @property
    def occurred_at(self) -> int:
        """When its last fact happened."""
        return self.entries[0].occurred_at

    @property
    def began_at(self) -> int:
        """When its first fact happened."""
        return self.entries[-1].occurred_at

    @property
    def day(self) -> str:
        """The calendar day on which it ended, where the viewer is."""
        return self.entries[0].day

    @property
    def source(self) -> str:
        """Where its last fact came from that is not ours."""
        return next((entry.source for entry in self.entries if entry.source != OURS), OURS)

    @property
    def shown(self) -> list[Entry]:
        """The lines that are drawn."""
        return self.entries[:SHOWN]

    @property
    def words(self) -> str:
        """What happened, in a line: `14 pages, basket £15.00`."""
        names = [entry.name for entry in self.entries]
        # A shop's site often states a page and its product; whichever it states more often are the pages.
        pages = max(sum(name in _PAGES for name in names), sum(name in _PRODUCT_PAGES for name in names))
        searches, checkouts = names.count("Products Searched"), names.count("Checkout Started")
        said = [ngettext("%(num)s page", "%(num)s pages", pages)] if pages else []
        said += [ngettext("%(num)s search", "%(num)s searches", searches)] if searches else []
        said += [gettext("basket %(worth)s", worth=basket)] if (basket := _basket(self.entries)) else []
        said += [gettext("went to the checkout")] if checkouts else []
        said += [gettext("said who they are")] if "Identified" in names else []
        return ", ".join(said) or ngettext("%(num)s step", "%(num)s steps", len(names))


Line = Entry | Visit


def told_in_visits(entries: Sequence[Entry]) -> list[Line]:
    """The lines of a timeline, given and told with the latest first; a visit stands where its last fact does.

    What happened in between and is no part of looking round, such as an order, stays a line of its own.
    """
    lines: list[Entry | list[Entry]] = []
    visit: list[Entry] = []
    for entry in entries:
        if entry.topic != "visits":
            lines.append(entry)
        elif visit and visit[-1].occurred_at - entry.occurred_at < APART:
            visit.append(entry)
        else:
            visit = [entry]
            lines.append(visit)
    return [_line(line) for line in lines]


def page_of(entries: Sequence[Entry], *, most: int, more: bool) -> tuple[list[Line], int]:
    """At most so many lines, and of how many entries they are made; the next page begins with the entry after those.

    Where there are `more` entries than were given, a visit at the end may go on in them: it is left to the next page,
    unless it is all there is.
    """
    lines = told_in_visits(entries)
    places = {entry.seq: place for place, entry in enumerate(entries)}
    cut = len(entries)
    if len(lines) > most:
        cut = places[_first(lines[most]).seq]
    elif more and len(lines) > 1:
        last = max((line for line in lines if isinstance(line, Visit)), key=lambda one: places[one.entries[-1].seq],
                   default=None)  # fmt: skip
        if last is not None and places[last.entries[0].seq] > 0 and last.entries[-1].seq == entries[-1].seq:
            cut = places[last.entries[0].seq]
    return (told_in_visits(entries[:cut]) if cut < len(entries) else lines), cut


def _first(line: Line) -> Entry:
    return line if isinstance(line, Entry) else line.entries[0]


def _line(line: Entry | list[Entry]) -> Line:
    if isinstance(line, Entry):
        return line
    return line[0] if len(line) == 1 else Visit(entries=line)


def entries_of(facts: Sequence[Fact], *, wording: Wording, sources: Mapping[str, str], zone: ZoneInfo) -> list[Entry]:
    """Lines of the timeline, in the order given."""
    return [
        Entry(
            seq=fact.seq, name=fact.name, told=wording.tell(fact), topic=wording.topic_of(fact.name),
            occurred_at=fact.occurred_at, day=day_of(fact.occurred_at, zone),
            source=sources.get(fact.source, OURS if fact.source == "rapport" else fact.source),
            channel=channel_of(fact), put_in=_put_in(fact),
        )
        for fact in facts
    ]  # fmt: skip


def _put_in(fact: Fact) -> tuple[str, int] | None:
    sign = _SIGNS.get(fact.name)
    currency = inputs.stated_currency(fact.properties) if sign else None
    if sign is None or currency is None or currency == UNKNOWN_CURRENCY:
        return None
    minor = inputs.line_total(fact.properties, currency)
    return None if minor is None else (currency, sign * minor)


def _basket(entries: Sequence[Entry]) -> str:
    """What went into the basket and stayed there; nothing where nothing did."""
    sums: dict[str, int] = {}
    for entry in entries:
        if entry.put_in is not None:
            currency, minor = entry.put_in
            sums[currency] = sums.get(currency, 0) + minor
    return " + ".join(format_minor(minor, currency) for currency, minor in sorted(sums.items()) if minor > 0)
