"""Which fields of the Golden Record a condition may ask, and the flat record that holds them for every customer.

Fields follow from the traits of all installed slices. A record is made once, by this code, whenever a customer's
Golden Record has changed; the live path and the database read the same values, so both give the same answer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from rapport.kernel.clock import from_iso
from rapport.kernel.gate import Choice
from rapport.kernel.language import noted
from rapport.remember.registry import Held, Remembered, StrandState, Trait
from rapport.remember.searching import folded
from rapport.remember.segments.language import FieldType

__all__ = ["Field", "Fields", "Record", "fold_text"]

Record = dict[str, Any]
"""Numbers, folded texts, lists of them and flags by name; times in microseconds, days since 1970, minor units."""

LONGEST = 200
MEMBERS = 100
_EPOCH = date(1970, 1, 1).toordinal()
_ADDRESS = {"city": noted("City"), "postal_code": noted("Postcode"), "region": noted("Region")}
_CAMPAIGN = {
    "campaign": noted("First campaign"), "source": noted("First source"), "medium": noted("First medium"),
}  # fmt: skip
_PERSONAL_BASICS = ("name", "first_name", "last_name", "email", "phone", "birthday", "company", "location",
                    "country")  # fmt: skip


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a condition may ask."""

    name: str
    title: str
    type: FieldType
    rule: str
    is_keyed: bool = False
    """Asked of something: `revenue.usd`, `consent.email_marketing`."""


def fold_text(value: object) -> str:
    """A text as records and conditions hold it.

    >>> fold_text("  ZÜRICH "), fold_text("Cafe\u0301")
    ('zurich', 'cafe')
    """
    plain = unicodedata.normalize("NFC", str(value)).replace("\x00", "").encode("utf-8", "ignore").decode()
    return " ".join(folded(plain).split())[:LONGEST]


class Fields:
    """The fields of an installation, and how a record is made. Immutable."""

    def __init__(self, remembered: Remembered) -> None:
        self.all: dict[str, Field] = {}
        used = []
        for trait in remembered.traits.values():
            made = list(_fields_of(trait))
            if made:
                used.append(trait)
                self.all.update((one.name, one) for one in made)
        for one in _OWN:
            self.all[one.name] = one
        parts = {trait.part for trait in used if trait.part}
        self.parts = frozenset(parts)
        """The parts of strands that records are made of."""
        self.users = remembered.segment_users
        self._remembered = remembered.without(remembered.parts.keys() - parts)

    def record(
        self, state: StrandState, certain: StrandState, row: Mapping[str, Any], *, now: int,
        choices: Mapping[str, Choice] = {},
    ) -> Record:  # fmt: skip
        """The record of one customer, of what was done (`state`), who it certainly is (`certain`), what it allows."""
        merged = {name: held for name, held in state.items() if name not in _PERSONAL_BASICS}
        merged |= {name: held for name, held in certain.items() if name in _PERSONAL_BASICS}
        known = {name: held for name, held in merged.items() if name in self.parts}
        record: Record = {}
        for name, held in self._remembered.read(known, now=now).items():
            _add(record, self._remembered.traits[name], held)
        for purpose, choice in choices.items():
            record[f"consent.{_key(purpose)}"] = choice.state == "granted"
            record[f"consent_at.{_key(purpose)}"] = choice.since
        record["visitor"] = not row.get("known")
        record["has_email"], record["has_phone"] = bool(row.get("email")), bool(row.get("phone"))
        return record


_OWN = (
    Field(name="visitor", title="Visitor", type="flag",
          rule="Nothing is known but a browser or device. A segment holds customers only, unless it asks this."),
    Field(name="has_email", title="Has an e-mail address", type="flag", rule="An e-mail address is known."),
    Field(name="has_phone", title="Has a phone number", type="flag", rule="A phone number is known."),
    Field(name="consent_at", title="Consent since", type="time", is_keyed=True,
          rule="Since when what the person says of a purpose has been the same: consent_at.email_marketing."),
)  # fmt: skip


def _fields_of(trait: Trait) -> Iterable[Field]:
    def field(name: str, title: str, kind: FieldType, *, is_keyed: bool = False) -> Field:
        return Field(name=name, title=title, type=kind, rule=trait.rule, is_keyed=is_keyed)

    if trait.type in _PLAIN:
        yield field(trait.name, trait.title, _PLAIN[trait.type], is_keyed=trait.type == "money")
    for key, title in _KEYED_TEXTS.get(trait.name, {}).items():
        yield field(key, title, "text")
    if trait.name in _FAVOURITES:
        yield field(*_FAVOURITES[trait.name], "text")
    if trait.name == "consent":
        yield field("consent", trait.title, "flag", is_keyed=True)
    if trait.name == "coupons":
        yield field("coupons", trait.title, "list")
        yield field("coupon_orders", noted("Orders with a coupon"), "number")


_TYPES = (
    noted("number"), noted("money"), noted("text"), noted("time"), noted("date"), noted("list"), noted("flag"),
)  # fmt: skip
_PLAIN: Mapping[str, FieldType] = {
    "integer": "number", "number": "number", "money": "money", "text": "text", "time": "time", "date": "date",
    "list": "list",
}  # fmt: skip
_FAVOURITES = {
    "channels": ("favourite_channel", noted("Channels: most used")),
    "devices": ("favourite_device", noted("Devices: most used")),
    "categories": ("favourite_category", noted("Favourite categories: most used")),
    "brands": ("favourite_brand", noted("Favourite brands: most used")),
}
_KEYED_TEXTS = {"location": _ADDRESS, "acquisition": _CAMPAIGN}


def _key(text: object) -> str:
    return fold_text(text).replace('"', "").replace("\\", "")[:60]


def _add(record: Record, trait: Trait, held: Held) -> None:
    """What the record holds of one trait."""
    value: Any = held.value
    name = trait.name
    if trait.type in ("integer", "number", "text"):
        record[name] = fold_text(value) if trait.type == "text" else value
    elif trait.type == "money":
        record.update((f"{name}.{currency}", minor) for currency, minor in value.items())
    elif trait.type == "time":
        record[name] = from_iso(value)
    elif trait.type == "date":
        record[name] = date.fromisoformat(value).toordinal() - _EPOCH
    elif trait.type == "list":
        members = [_member(one) for one in value]
        record[name] = list(dict.fromkeys(one for one in members if one))[:MEMBERS]
        if name in _FAVOURITES and record[name]:
            record[_FAVOURITES[name][0]] = record[name][0]
    elif name in _KEYED_TEXTS:
        record.update((key, fold_text(value[key])) for key in _KEYED_TEXTS[name] if value.get(key))
    elif name == "coupons":
        record["coupons"] = [fold_text(code) for code in value][:MEMBERS]
        record["coupon_orders"] = sum(value.values())


def _member(one: Any) -> str:
    """The text of a list's member: what it is called, or else which it is."""
    if isinstance(one, Mapping):
        one = next((one[key] for key in ("product_id", "query", "name", "id") if one.get(key)), "")
    return fold_text(one)
