"""Which comparison stands behind each method that a stored model can name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rapport.resolve.linking.comparisons.bearers import Bearers
from rapport.resolve.linking.comparisons.births import Births
from rapport.resolve.linking.comparisons.categories import Categories, Flags
from rapport.resolve.linking.comparisons.codes import Codes, Emails
from rapport.resolve.linking.comparisons.companies import Companies
from rapport.resolve.linking.comparisons.comparison import Comparison
from rapport.resolve.linking.comparisons.dates import Dates
from rapport.resolve.linking.comparisons.names import PersonNames
from rapport.resolve.linking.comparisons.places import Places, Postcodes
from rapport.resolve.linking.comparisons.sent import Sent
from rapport.resolve.linking.comparisons.shared import Cards, Doors, Mails, Phones
from rapport.resolve.linking.comparisons.words import Names, Words
from rapport.resolve.linking.model import Method

__all__ = ["COMPARISONS", "sentences"]

COMPARISONS: Mapping[Method, type[Comparison[Any]]] = {
    Method.NAME: Names, Method.WORDS: Words, Method.DATE: Dates, Method.POSTCODE: Postcodes, Method.PLACE: Places,
    Method.CATEGORY: Categories, Method.FLAG: Flags, Method.CODE: Codes, Method.EMAIL: Emails,
    Method.PERSON_NAME: PersonNames, Method.MAIL: Mails, Method.PHONE: Phones, Method.DOOR: Doors,
    Method.BIRTH: Births, Method.CARD: Cards,
    Method.BEARERS: Bearers, Method.COMPANY: Companies, Method.SENT: Sent,
}  # fmt: skip


def sentences(method: Method) -> tuple[str, ...]:
    """A sentence for each level of a method, from 0."""
    return COMPARISONS[method].said
