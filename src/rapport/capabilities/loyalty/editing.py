"""From a programme to the values of its form, and back to the document, with each fault at its field. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from rapport.capabilities.loyalty.form import CARDS, Input, ListSpec
from rapport.capabilities.loyalty.programme import Programme
from rapport.kernel.currencies import currency_code, exponent
from rapport.kernel.language import gettext
from rapport.kernel.money import to_minor

__all__ = ["CardShown", "FieldShown", "cards_of", "changed", "document_of", "place_of", "values_of"]

Values = Mapping[str, str]
MOST = 200
"""Of a list, as far as it is added to here."""
_ZERO_IS_SAID = frozenset(("at", "at_most_days", "notice_days", "pending_days", "returned_days", "withdrawal_days"))
"""Where nothing typed is not 0 but as usual."""
_BEGIN = {"earning": {"waits": "yes"}, "plans": {"withdrawal_days": "14"}}
"""With what a new one begins."""
_CURRENCIES = re.compile(r"^currencies\.\d+\.currency$")
_TIERS = re.compile(r"^tiers\.\d+\.name$")


class FieldShown(NamedTuple):
    """A field as it is drawn."""

    name: str
    label: str
    kind: str
    value: str
    hint: str
    choices: Sequence[tuple[str, str]]
    unit: str
    """A currency, where an amount of it is typed."""
    fault: str
    is_rare: bool


class ItemShown(NamedTuple):
    """One of a list."""

    path: str
    title: str
    fields: Sequence[FieldShown]
    lists: Sequence[ListShown]
    open: bool
    """Whether something within is to be looked at: a fault, or what was just added."""


class ListShown(NamedTuple):
    """Several of a kind."""

    path: str
    title: str
    add: str
    items: Sequence[ItemShown]


class CardShown(NamedTuple):
    """A part of the form."""

    id: str
    title: str
    about: str
    fields: Sequence[FieldShown]
    lists: Sequence[ListShown]


def values_of(programme: Programme) -> dict[str, str]:
    """What stands in the fields of a programme."""
    money = _Money(programme.currency, programme.tiers_by)
    return {
        name: text for card in CARDS for name, text in _written(programme, card.inputs, card.lists, "", money)
    }  # fmt: skip


def document_of(values: Values) -> tuple[dict[str, Any], dict[str, str]]:
    """The document that these values say, and by field what cannot be read. What is empty is left out: as usual."""
    money = _Money(currency_code(values.get("currency", "")) or "EUR", values.get("tiers_by", "spend"))
    document: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for card in CARDS:
        _read(document, values, card.inputs, card.lists, "", money, faults)
    return document, faults


def cards_of(values: Values, faults: Mapping[str, str], *, focus: str = "") -> list[CardShown]:
    """The form with these values and faults; `focus` is the field to go on with."""
    drawing = _Drawing(values, faults, focus)
    return [
        CardShown(
            one.id, one.title, one.about, drawing.fields(one.inputs, ""), [drawing.list(each, "") for each in one.lists]
        )
        for one in CARDS
    ]


def changed(values: Values, then: str) -> tuple[dict[str, str], str]:
    """The values after a press on *add* or *remove* (`add:tiers`, `remove:tiers.1`), and the field to go on with."""
    action, _, path = then.partition(":")
    if action == "add" and _list_at(path) is not None and len(_places(values, path)) < MOST:
        return _with_one_more(values, path)
    if action == "remove":
        return {name: value for name, value in values.items() if not name.startswith(f"{path}.")}, ""
    return dict(values), ""


def _with_one_more(values: Values, path: str) -> tuple[dict[str, str], str]:
    spec, place = _list_at(path), max(_places(values, path), default=-1) + 1
    if spec is None:
        return dict(values), ""
    first = f"{path}.{place}.{spec.inputs[0].key}"
    begin = {f"{path}.{place}.{key}": text for key, text in _BEGIN.get(spec.key, {}).items()}
    return {**values, first: "", **begin}, first


def place_of(path: str, message: str, names: Sequence[str]) -> str:
    """At which of these fields a fault is said: that of its path, else one within it; empty where there is none."""
    missing = re.search(r"required field `(\w+)`", message)
    path = f"{path}.{missing[1]}".strip(".") if missing else path
    if path in names:
        return path
    return next((name for name in names if path and name.startswith(f"{path}.")), "")


class _Money(NamedTuple):
    """How amounts are written."""

    currency: str
    tiers_by: str

    def text(self, minor: int, currency: str = "") -> str:
        digits = exponent(currency or self.currency)
        return f"{Decimal(minor).scaleb(-digits):.{digits}f}"

    def is_money(self, one: Input) -> bool:
        return one.kind == "money" or (one.kind == "counted" and self.tiers_by == "spend")


def _written(
    said: Any, inputs: Sequence[Input], lists: Sequence[ListSpec], path: str, money: _Money
) -> Iterator[tuple[str, str]]:
    for one in inputs:
        value = _at(said, one.key)
        name = path + one.key
        if one.kind == "amounts":
            yield from ((f"{name}.{code}", money.text(minor, code)) for code, minor in value.items())
        elif one.kind == "by_tier":
            yield from ((f"{name}.{tier}", str(points)) for tier, points in value.items())
        elif one.kind == "flag":
            if value:
                yield name, "yes"
        elif one.kind == "names":
            yield name, _listed(value)
        elif value or one.key in _ZERO_IS_SAID:
            yield name, money.text(value) if money.is_money(one) else str(value)
    for each in lists:
        for i, item in enumerate(_at(said, each.key)):
            yield from _written(item, each.inputs, each.lists, f"{path}{each.key}.{i}.", money)


def _read(
    into: dict[str, Any], values: Values, inputs: Sequence[Input], lists: Sequence[ListSpec], path: str, money: _Money,
    faults: dict[str, str],
) -> None:  # fmt: skip
    for one in inputs:
        value = _typed(one, values, path + one.key, money, faults)
        if value is not None:
            _put(into, one.key, value)
    for each in lists:
        items: list[dict[str, Any]] = []
        for i in _places(values, path + each.key):
            items.append({})
            _read(items[-1], values, each.inputs, each.lists, f"{path}{each.key}.{i}.", money, faults)
        if items:
            into[each.key] = items


def _typed(one: Input, values: Values, name: str, money: _Money, faults: dict[str, str]) -> Any:
    """What was typed in a field as the document has it; None where it says nothing but what is usual."""
    if one.kind in ("amounts", "by_tier"):
        numbers = {
            key: _number(text, faults, f"{name}.{key}", key if one.kind == "amounts" else "")
            for key, text in _below(values, name)
        }
        return {key: number for key, number in numbers.items() if number is not None} or None
    text = values.get(name, "").strip()
    if one.kind == "flag":
        return text == "yes" if (text == "yes") != (one.key == "waits") else None
    if one.kind == "names":
        found = _names_in(text)
        return found if found or (name in values and one.key.startswith("counting.")) else None
    if one.kind in ("number", "money", "counted"):
        return _number(text, faults, name, money.currency if money.is_money(one) else "")
    return text or None


def _listed(names: Sequence[str]) -> str:
    """Names with commas between; one that has a comma or a quote itself stands in quotes, as in a CSV file."""
    return ", ".join('"' + one.replace('"', '""') + '"' if re.search('[,"]', one) else one for one in names)


def _names_in(text: str) -> list[str]:
    """What `_listed` wrote, and what people type; empty names are none."""
    row = next(csv.reader([text], skipinitialspace=True), [])
    return [one for one in (each.strip() for each in row) if one]


def _number(text: str, faults: dict[str, str], name: str, currency: str) -> int | None:
    text = text.strip().replace(" ", "").replace("\u00a0", "")
    if not text:
        return None
    if currency:
        minor = to_minor(text, currency) if currency_code(currency) else None
        if minor is None or minor < 0:
            faults[name] = gettext("“%(typed)s” is no amount; write it as 90.00.", typed=text[:20])
            return None
        return minor
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        faults[name] = gettext("“%(typed)s” is no whole number.", typed=text[:20])
        return None
    return int(text)


class _Drawing:
    """Draws fields from values."""

    def __init__(self, values: Values, faults: Mapping[str, str], focus: str) -> None:
        self._values, self._faults, self._looked_at = values, faults, [*faults, focus]
        self._currency = values.get("currency", "")
        self._others = [v.strip() for name, v in values.items() if _CURRENCIES.match(name) and v.strip()]
        self._tiers = [v.strip() for name, v in values.items() if _TIERS.match(name) and v.strip()]
        self._money = _Money("", values.get("tiers_by", "spend"))

    def fields(self, inputs: Sequence[Input], path: str) -> list[FieldShown]:
        found = []
        for one in inputs:
            if one.kind in ("amounts", "by_tier"):
                keys = self._others if one.kind == "amounts" else self._tiers
                found += [self._field(one, f"{path}{one.key}.{key}", key) for key in dict.fromkeys(keys)]
            else:
                found.append(self._field(one, path + one.key, self._currency if self._money.is_money(one) else ""))
        return found

    def _field(self, one: Input, name: str, unit: str) -> FieldShown:
        kind = {"amounts": "money", "by_tier": "number"}.get(one.kind, one.kind)
        if one.kind == "counted":
            kind = "money" if unit else "number"
        value, fault = self._values.get(name, ""), self._faults.get(name, "")
        return FieldShown(name, one.label, kind, value, one.hint, one.choices, unit, fault, one.is_rare and not fault)

    def list(self, spec: ListSpec, path: str) -> ListShown:
        here = path + spec.key
        items = []
        for i in _places(self._values, here):
            below = f"{here}.{i}."
            title = self._values.get(f"{below}title") or self._values.get(f"{below}currency") or ""
            is_open = any(name.startswith(below) for name in self._looked_at)
            items.append(ItemShown(
                f"{here}.{i}", title or self._values.get(f"{below}what", ""), self.fields(spec.inputs, below),
                [self.list(each, below) for each in spec.lists], is_open,
            ))  # fmt: skip
        return ListShown(here, spec.title, spec.add, items)


def _list_at(path: str) -> ListSpec | None:
    """The list of this path (`tiers.0.benefits`), None where the form has none."""
    lists: Sequence[ListSpec] = [each for card in CARDS for each in card.lists]
    found: ListSpec | None = None
    for part in path.split("."):
        if part.isdigit() and found is not None:
            lists, found = found.lists, None
        else:
            found = next((one for one in lists if one.key == part), None) if found is None else None
        if found is None and not part.isdigit():
            return None
    return found


def _places(values: Values, path: str) -> list[int]:
    """The numbers of a list's items that any value stands in."""
    start = f"{path}."
    found = {name[len(start) :].partition(".")[0] for name in values if name.startswith(start)}
    return sorted(int(one) for one in found if one.isdigit() and len(one) < 5)


def _below(values: Values, name: str) -> list[tuple[str, str]]:
    start = f"{name}."
    return [(key[len(start) :], value) for key, value in values.items() if key.startswith(start)]


def _at(said: Any, key: str) -> Any:
    first, _, rest = key.partition(".")
    found = getattr(said, first)
    return _at(found, rest) if rest else found


def _put(into: dict[str, Any], key: str, value: Any) -> None:
    first, _, rest = key.partition(".")
    if rest:
        _put(into.setdefault(first, {}), rest, value)
    else:
        into[first] = value
