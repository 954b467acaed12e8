"""From what somebody typed to customers, the likeliest first: a name, an identifier, an order number, last digits.

Every way in is a range of an index that is read up to a bound, so a search costs the same in a shop of any size.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import phonenumbers
from sqlalchemy import Connection

from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.searching import called, last_digits, marked, postcode_word
from rapport.resolve.graph.store import roots_of
from rapport.resolve.reading import identities
from rapport.resolve.reading.references import find_root
from rapport.web.finder import Lookups

__all__ = ["SEARCHED", "Fit", "find"]

SEARCHED = 500
"""Customers that a search looks at, of each way the text can be meant."""

_POSTCODE = range(3, 11)
"""Characters of a postcode, or of its beginning."""


class Fit(IntEnum):
    """How well somebody fits what was typed; the smaller the better."""

    EXACT = 0
    """By a whole identifier, order number or customer id."""
    NAMED = 1
    """Every word is one of the name."""
    BEGINS = 2
    """Every word begins one of the name, or the text an identifier or order number."""
    PLACED = 3
    """By the last digits of a telephone number, or a postcode."""


def find(
    conn: Connection, workspace: WorkspaceId, text: str, *, region: str | None, lookups: Lookups
) -> dict[Key, Fit]:
    """The customers that a text can mean, by root. `region`: where telephone numbers without a country are of."""
    found: dict[Key, Fit] = {}

    def add(fit: Fit, roots: Iterable[Key]) -> None:
        for root in roots:
            found[root] = min(fit, found.get(root, fit))

    add(Fit.EXACT, _referred(conn, workspace, text, region))
    sought = lookups.find(conn, workspace, text, most=SEARCHED)
    roots = roots_of(conn, workspace, [Key(one.strand) for one in sought])
    for exact, fit in ((True, Fit.EXACT), (False, Fit.BEGINS)):
        add(fit, [roots[Key(one.strand)] for one in sought if one.exact is exact and Key(one.strand) in roots])
    members = identities.search(conn, workspace, text, limit=SEARCHED, region=region)
    whole = {text.casefold(), *identities.meant(text, region)}
    add(Fit.EXACT, [one.root for one in members if one.value in whole or one.value.casefold() in whole])
    add(Fit.BEGINS, [one.root for one in members])
    add(Fit.NAMED, called(conn, workspace, text, limit=SEARCHED, exactly=True))
    add(Fit.BEGINS, called(conn, workspace, text, limit=SEARCHED))
    if (local := _dialled(text, region)) is not None:
        add(Fit.BEGINS, [one.root for one in identities.search(conn, workspace, local, limit=SEARCHED)])
    if (digits := last_digits(text)) is not None:
        add(Fit.PLACED, marked(conn, workspace, [digits], limit=SEARCHED))
    if len(text) in _POSTCODE and "@" not in text and any(c.isdigit() for c in text):
        add(Fit.PLACED, marked(conn, workspace, [postcode_word(text)], limit=SEARCHED))
    return found


def _referred(conn: Connection, workspace: WorkspaceId, text: str, region: str | None) -> list[Key]:
    """The customer of `cus_…` or `namespace:value`."""
    if ":" not in text and not text.startswith("cus_"):
        return []
    try:
        return [find_root(conn, workspace, text, region=region)]
    except NotFound:
        return []


def _dialled(text: str, region: str | None) -> str | None:
    """How a number begins of which somebody typed the beginning as it is dialled here.

    >>> _dialled("0151 23", "DE"), _dialled("+49 151", "DE"), _dialled("0151 23", None)
    ('+4915123', None, None)
    """
    digits = "".join(c for c in text if c.isdigit())
    if region is None or not digits.startswith("0") or last_digits(text) is None:
        return None
    code = phonenumbers.country_code_for_region(region)
    return f"+{code}{digits[1:]}" if code else None
