"""How a template's short text would go: in which coding, in how many parts and for how much, at the longest, too.

The longest of what was really sent by the template, and of the twenty worst customers: what is billed is known before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import SMS, Recipient
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.service.composing import Approved, Desk, preview_approved, preview_sms
from rapport.capabilities.messages.service.spending import price_of
from rapport.capabilities.messages.service.templates import Published
from rapport.capabilities.messages.service.worst import WORST, person_of
from rapport.capabilities.messages.texts import Parts, parts_of
from rapport.kernel.errors import InvalidInput

__all__ = ["Length", "Lengths", "lengths_of"]

_LOOKED_AT = 200
"""The newest messages, of any template, whose values are tried."""


class Length(NamedTuple):
    """A short text as it would go."""

    who: str
    """What is other than usual of one of the worst; empty for whoever is previewed, and for a real customer."""
    is_real: bool
    text: str
    """Empty of a real customer's message: a link in it opens what is theirs to whoever holds it."""
    parts: Parts
    cost: int
    """In the smallest unit of the shop's currency, rounded up."""


class Lengths(NamedTuple):
    """What goes by SMS, WhatsApp and web push."""

    shown: Length | None
    """To whoever is previewed; None where the template has no short text, or it cannot be written."""
    longest: Length | None
    held: str
    """Why it cannot be written to whoever is previewed; empty where it can."""
    approved: Approved | None
    """What WhatsApp brings to who has not written for a day."""
    approved_held: str


def lengths_of(
    conn: Connection, found: Published, desk: Desk, sample: Mapping[str, Any], *, language: str, person: Recipient,
    data: Mapping[str, Any], sees_people: bool,
) -> Lengths:  # fmt: skip
    """How it would go; nothing is sent. Messages of real customers are tried for who may see customers (`sees_people`).
    Cost: the texts of at most 220 people.
    """
    price = price_of(desk.settings, SMS)
    shown, held = None, ""
    longest: Length | None = None
    approved, approved_held = None, ""
    try:
        approved = preview_approved(found, person, desk, data)
    except InvalidInput as error:
        approved_held = error.message
    if found.template.texts[language].short:
        try:
            shown = _length("", preview_sms(found, person, desk, data), price, is_real=False)
        except InvalidInput as error:
            held = error.message
        longest = _longest(conn, found, desk, sample, language, price, sees_people=sees_people)
    return Lengths(shown, longest, held, approved, approved_held)


def _longest(
    conn: Connection, found: Published, desk: Desk, sample: Mapping[str, Any], language: str, price: int, *,
    sees_people: bool,
) -> Length | None:  # fmt: skip
    newest = store.listed(conn, desk.shop.id, status="", limit=_LOOKED_AT) if sees_people else []
    rows = [row for row in newest if row.template == found.name]
    people = recipients(conn, desk.shop.id, {row.strand for row in rows}) if rows else {}
    tried: list[tuple[str, bool, Recipient, Mapping[str, Any]]] = [
        ("", True, people[row.strand], msgspec.json.decode(row.data, type=dict[str, Any])) for row in rows
    ]
    tried += [(one.what, False, person_of(one, language), {**sample, **one.data}) for one in WORST]
    best: Length | None = None
    longest = (0, 0)
    for who, is_real, person, data in tried:
        try:
            text = preview_sms(found, person._replace(language=language), desk, data)
        except InvalidInput:
            continue
        one = _length(who, text, price, is_real=is_real)
        if best is None or (one.parts.number, len(text)) > longest:
            best, longest = one, (one.parts.number, len(text))
    return best


def _length(who: str, text: str, price: int, *, is_real: bool) -> Length:
    parts = parts_of(text)
    return Length(who, is_real, "" if is_real else text, parts, -(-price * parts.number // 1000))
