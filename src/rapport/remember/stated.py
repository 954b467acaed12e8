"""What a fact states of the person: names, addresses, language. As `inputs`, tolerant and bounded.

Each is read from `traits`, then from `context.traits`; what the network or the browser suggests counts less.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from rapport.kernel.contacts import email_address, phone_number
from rapport.kernel.countries import country_code
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import is_blocked
from rapport.kernel.placeholders import is_placeholder_email, is_placeholder_text
from rapport.remember.inputs import TEXT, ReadingSettings, table, text

__all__ = [
    "address",
    "birthday",
    "company",
    "country",
    "email",
    "first_name",
    "language",
    "last_name",
    "name",
    "phone",
    "time_zone",
]

STATED, GUESSED = 1, 0
"""Ranks: what somebody stated outweighs what the network or the browser suggests."""

_EMPTY: dict[str, Any] = {}


def _stated(fact: Fact) -> Sequence[dict[str, Any]]:
    """The traits a fact states about the person, the fact's own before those of its context."""
    own, context = fact.traits, fact.context.get("traits")
    if fact.type == "group":
        own = _EMPTY
    if type(context) is dict:
        return (own, context) if own else (context,)
    return (own,) if own else ()


def _stated_text(fact: Fact, *fields: str, limit: int = TEXT) -> str | None:
    for traits in _stated(fact):
        for field in fields:
            if field in traits:
                found = text(traits[field], limit)
                if found is not None and not is_placeholder_text(found):
                    return found
    return None


Ranked = tuple[int, Any] | None


def email(fact: Fact, settings: ReadingSettings) -> Ranked:
    """`traits.email`, normalised; no placeholder, and none that the shop blocks."""
    for traits in _stated(fact):
        found = email_address(traits["email"]) if "email" in traits else None
        if found is not None and not is_placeholder_email(found) and not is_blocked(found, settings.blocked):
            return STATED, found
    return None


def phone(fact: Fact, settings: ReadingSettings) -> Ranked:
    """`traits.phone` in E.164, without an extension."""
    for traits in _stated(fact):
        found = phone_number(traits["phone"], region=settings.region) if "phone" in traits else None
        if found is not None and not is_blocked(found.e164, settings.blocked):
            return STATED, found.e164
    return None


def first_name(fact: Fact, settings: ReadingSettings) -> Ranked:
    """`traits.firstName` or `first_name`."""
    found = _stated_text(fact, "firstName", "first_name", "firstname")
    return (STATED, found) if found else None


def last_name(fact: Fact, settings: ReadingSettings) -> Ranked:
    """`traits.lastName` or `last_name`."""
    found = _stated_text(fact, "lastName", "last_name", "lastname")
    return (STATED, found) if found else None


def name(fact: Fact, settings: ReadingSettings) -> Ranked:
    """`traits.name`, else first and last name together."""
    found = _stated_text(fact, "name", "fullName", "full_name")
    if found:
        return STATED, found
    first, last = first_name(fact, settings), last_name(fact, settings)
    both = " ".join(part[1] for part in (first, last) if part)
    return (STATED, both) if both else None


def birthday(fact: Fact, settings: ReadingSettings) -> Ranked:
    """`traits.birthday` as an ISO date."""
    found = _stated_text(fact, "birthday", "birthdate", "birth_date", "dateOfBirth")
    if not found:
        return None
    try:
        return STATED, date.fromisoformat(found[:10]).isoformat()
    except ValueError:
        return None


def company(fact: Fact, settings: ReadingSettings) -> Ranked:
    """`traits.company`, a text or an object with a `name`, or that of the address."""
    for traits in _stated(fact):
        for holder in (traits, table(traits, "address")):
            given = holder.get("company")
            found = text(given.get("name") if type(given) is dict else given)
            if found is None or is_placeholder_text(found):
                continue
            if found.strip(" .-/").casefold() not in _NO_COMPANY:
                return STATED, found
    return None


_NO_COMPANY = frozenset(
    ("", "n/a", "na", "private", "privat", "particulier", "privé", "personal", "self", "home", "no company", "keine")
)
"""What people write who have to write something."""


_ADDRESS = (
    ("street", ("street", "line1", "address1")),
    ("city", ("city",)),
    ("postal_code", ("postalCode", "postal_code", "zip", "postcode")),
    ("region", ("state", "region", "province")),
)


def _address(given: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, names in _ADDRESS:
        for name in names:
            value = text(given[name]) if name in given else None
            if value and not is_placeholder_text(value):
                found[field] = value
                break
    named = _country(given)
    return found | {"country": named} if named else found


def _places(fact: Fact) -> list[tuple[int, dict[str, Any]]]:
    """Where a fact may say the person lives, the surest first."""
    found: list[tuple[int, dict[str, Any]]] = []
    for traits in _stated(fact):
        if "address" in traits:
            found.append((STATED, table(traits, "address")))
        found.append((STATED, traits))
    if "shipping_address" in fact.properties:
        found.append((STATED, table(fact.properties, "shipping_address")))
    if "location" in fact.context:
        found.append((GUESSED, table(fact.context, "location")))
    return found


def address(fact: Fact, settings: ReadingSettings) -> Ranked:
    """Where the person lives: the address stated or shipped to, else where `context.location` puts the device."""
    for rank, place in _places(fact):
        found = _address(place)
        if found:
            return rank, found
    return None


def country(fact: Fact, settings: ReadingSettings) -> Ranked:
    """The country of the first of those that names one, as its ISO code."""
    for rank, place in _places(fact):
        found = _country(place)
        if found:
            return rank, found
    return None


def _country(place: dict[str, Any]) -> str | None:
    """The ISO code of the first of its fields that names a country for certain."""
    for field in ("country", "countryCode", "country_code"):
        if field in place and (found := country_code(place[field])):
            return found
    return None


def language(fact: Fact, settings: ReadingSettings) -> Ranked:
    """The language stated, else the browser's, as an ISO 639 code."""
    for traits in _stated(fact):
        for field in ("language", "locale"):
            given = traits.get(field)
            if type(given) is str and len(given) <= 20 and (code := _language(given)):
                return STATED, code
    given = fact.context.get("locale")
    if type(given) is str and len(given) <= 20 and (code := _language(given)):
        return GUESSED, code
    return None


@lru_cache(maxsize=1_024)
def _language(locale: str) -> str | None:
    code = locale.strip().replace("_", "-").partition("-")[0].lower()
    return code if code.isascii() and code.isalpha() and 2 <= len(code) <= 8 else None


def time_zone(fact: Fact, settings: ReadingSettings) -> Ranked:
    """`context.timezone`, such as `Europe/Berlin`."""
    found = text(fact.context.get("timezone"), 60)
    return (GUESSED, found) if found else None
