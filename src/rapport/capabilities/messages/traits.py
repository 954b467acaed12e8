"""What is remembered of a customer for the sake of messages: how they like to be reached, what they complain of, and
what they have bought lately, by whatever identity and channel.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from rapport.capabilities.messages.facts import ENDED_BY, OPENED_BY
from rapport.kernel.clock import to_iso
from rapport.kernel.facts import Fact
from rapport.kernel.mergeable import KeyedLatest, Latest, Stamp
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings
from rapport.remember.registry import Part, Trait

__all__ = ["BOUGHT", "COMPLAINTS", "PARTS", "PREFERRED", "TRAITS"]

PREFERRED, COMPLAINTS, BOUGHT = "preferred_channel", "open_complaints", "bought_lately"

_STATED = ("preferred_channel", "preferredChannel")
_CALLED = {
    "email": "email", "e-mail": "email", "mail": "email", "sms": "sms", "text": "sms", "text message": "sms",
    "whatsapp": "whatsapp", "push": "push", "web push": "push", "notification": "push",
}  # fmt: skip
_TOPICS = ("topic", "category", "type")
_COMPLAINT = (
    "complaint", "beschwerde", "reklamation", "reclamation", "plainte", "queja", "reclamacion", "reclamacao", "keluhan",
    "ร้องเรียน",
)  # fmt: skip
"""What a ticket says of itself where it is a complaint, without its accents, in the languages that shops speak here."""
_NAMED = ("complaint_id", "ticket_id", "id", "order_id")


def _preferred(fact: Fact, settings: ReadingSettings) -> tuple[int, str] | None:
    for traits in (fact.traits if fact.type != "group" else None, fact.context.get("traits")):
        for field in _STATED:
            said = traits.get(field) if isinstance(traits, dict) else None
            found = _CALLED.get(said.strip().casefold()) if isinstance(said, str) else None
            if found is not None:
                return 1, found
    return None


def _complaint(fact: Fact, settings: ReadingSettings) -> list[tuple[str, bool]]:
    """A ticket is one where its word is not that it is about something else; what names none is one by itself."""
    opens = fact.name in OPENED_BY
    if opens and not fact.name.startswith("Complaint") and not any(
        _is_complaint(fact.properties.get(one)) for one in _TOPICS
    ):  # fmt: skip
        return []
    named = next((fact.properties[one] for one in _NAMED if isinstance(fact.properties.get(one), str | int)), "")
    return [(str(named)[:60], opens)]


def _is_complaint(said: object) -> bool:
    plain = _plain(said[:200]) if isinstance(said, str) else ""
    return any(word in plain for word in _WORDS)


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


_WORDS = tuple(map(_plain, _COMPLAINT))


def _bought(fact: Fact, settings: ReadingSettings) -> list[tuple[str, int]] | None:
    names = {inputs.product_id(product) for product in inputs.products(fact.properties)} - {None}
    return [(str(name), 1) for name in sorted(map(str, names))] or None


def _open(value: list[tuple[str, bool, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    found = [{"id": key, "since": to_iso(at)} for key, opens, at in value if opens]
    return found or None, stamp


def _lately(value: list[tuple[str, int, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return [{"product": name, "at": to_iso(at)} for name, _, at in value] or None, stamp


PARTS: tuple[Part, ...] = (
    Part(
        name=PREFERRED, kind=Latest(), take=_preferred, with_context=("traits",),
        reads=tuple(f"traits.{one}" for one in _STATED),
    ),
    Part(
        # Tickets about something else are solved under keys of their own: they must not push an open complaint out.
        name=COMPLAINTS, kind=KeyedLatest(limit=100), take=_complaint, on=(*OPENED_BY, *ENDED_BY),
        reads=tuple(f"properties.{one}" for one in (*_NAMED, *_TOPICS)),
    ),
    Part(
        name=BOUGHT, kind=KeyedLatest(limit=50), take=_bought, on=("Order Completed",),
        reads=("properties.products[].product_id", "properties.products[].sku"),
    ),
)  # fmt: skip
TRAITS: tuple[Trait, ...] = (
    Trait(name=PREFERRED, title="Preferred channel", type="text", part=PREFERRED,
          rule="By which channel they like to be reached, as they or the shop's systems stated it last."),
    Trait(name=COMPLAINTS, title="Open complaints", type="list", part=COMPLAINTS, pick=_open,
          rule="Complaints, and tickets about one, that nobody has told to be over; news and offers wait for them."),
    Trait(name=BOUGHT, title="Bought lately", type="list", part=BOUGHT, pick=_lately,
          rule="The products they have ordered last, at most 50: none of them is advertised to them for a while."),
)  # fmt: skip
