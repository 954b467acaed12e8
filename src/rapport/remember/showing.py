"""Golden Records in words: traits and identifiers as people read them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rapport.kernel.clock import from_iso
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.language import gettext, ngettext, noted
from rapport.kernel.money import currency_code, format_minor
from rapport.remember.golden import GoldenRecord, TraitShown
from rapport.remember.registry import Trait
from rapport.resolve.reading.identities import Member, worth_showing
from rapport.resolve.reading.naming import kind_words
from rapport.web.formats import count, date_words, percent

__all__ = [
    "NamespaceShown",
    "TraitLine",
    "identifiers_by_namespace",
    "money_words",
    "trait_groups",
    "value_words",
]

_GROUPS: dict[str, tuple[str, ...]] = {
    noted("Who"): (
        "name", "first_name", "last_name", "email", "phone", "birthday", "company", "location", "country", "language",
        "time_zone",
    ),
    noted("Money"): (
        "orders", "revenue", "refunds", "net_revenue", "margin", "average_order", "returns", "cancelled_orders",
        "coupons", "first_order_at", "last_order_at",
    ),
    noted("Behaviour"): (
        "first_seen_at", "last_seen_at", "sessions", "channels", "devices", "cart", "product_views", "products_viewed",
        "adds_to_cart", "checkouts_started", "searches",
    ),
    noted("Taste"): ("categories", "brands", "price_band", "recent_products", "wish_list"),
    noted("Where from, and consent"): ("acquisition", "acquisition_cost", "consent"),
}  # fmt: skip
_ICONS = {
    "user_id": "person", "email": "mail", "phone": "phone", "anonymous_id": "globe", "device": "device",
    "loyalty_card": "card", "card": "card", "marketplace_buyer": "bag",
}  # fmt: skip


class TraitLine(msgspec.Struct, frozen=True, kw_only=True):
    """One trait with everything that answers "why?"."""

    name: str
    title: str
    rule: str
    words: str
    at: int | None
    """Set where the value itself is a time."""
    source: str
    occurred_at: int
    fact_id: str


class NamespaceShown(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's identifiers of one namespace."""

    namespace: str
    icon: str
    members: list[Member]


def trait_groups(record: GoldenRecord, traits: Mapping[str, Trait]) -> dict[str, list[TraitLine]]:
    """The record's traits in groups; those of plugins come last."""
    grouped = {name: group for group, names in _GROUPS.items() for name in names}
    found: dict[str, list[TraitLine]] = {group: [] for group in (*_GROUPS, noted("More"))}
    for name, shown in record.traits.items():
        found[grouped.get(name, "More")].append(_line(traits[name], shown))
    for group, names in _GROUPS.items():
        found[group].sort(key=lambda line: names.index(line.name))
    return {group: lines for group, lines in found.items() if lines}


def identifiers_by_namespace(members: Sequence[Member], policy: IdentifierPolicy) -> list[NamespaceShown]:
    """Identifiers grouped, the most stable namespace first."""
    found: dict[str, list[Member]] = {}
    for member in worth_showing(members):
        found.setdefault(member.namespace, []).append(member)
    return [
        NamespaceShown(namespace=kind_words(name), icon=_ICONS.get(name, "tag"), members=found[name])
        for name in sorted(found, key=lambda n: (policy.rank(n), n))
    ]


def money_words(value: Any) -> str:
    """Amounts by currency, as one text.

    >>> money_words({"EUR": 123456, "JPY": 500})
    '€1,234.56 + ¥500'
    """
    if not isinstance(value, dict):
        return ""
    amounts = [(code, minor) for code, minor in value.items() if currency_code(code) and isinstance(minor, int)]
    return " + ".join(format_minor(minor, code) for code, minor in amounts)


def value_words(trait: Trait, shown: TraitShown) -> str:
    """A trait's value as one text."""
    line = _line(trait, shown)
    return date_words(line.at) if line.at is not None else line.words


def _line(trait: Trait, shown: TraitShown) -> TraitLine:
    at = _moment(shown.value) if trait.type == "time" else None
    return TraitLine(
        name=trait.name, title=trait.title, rule=trait.rule, words="" if at is not None else _words(trait, shown.value),
        at=at, source=shown.source, occurred_at=_moment(shown.occurred_at) or 0, fact_id=shown.fact_id,
    )  # fmt: skip


def _words(trait: Trait, value: Any) -> str:
    if trait.type == "money":
        return money_words(value)
    if trait.name == "cart" and isinstance(value, dict):
        return _cart(value)
    if trait.name == "location" and isinstance(value, dict):
        return ", ".join(str(part) for part in value.values() if part)
    if trait.name == "consent" and isinstance(value, dict):
        return ", ".join(f"{purpose}: {one['state']}" for purpose, one in value.items())
    if trait.name == "price_band" and isinstance(value, dict):
        return "; ".join(_band(code, band) for code, band in value.items())
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int):
        return count(value)
    if isinstance(value, list):
        return ", ".join(_item(item) for item in value[:12]) + (
            gettext(" and %(members)s more", members=len(value) - 12) if len(value) > 12 else ""
        )
    if isinstance(value, dict):
        return ", ".join(f"{str(key).replace('_', ' ')}: {_plain(entry)}" for key, entry in list(value.items())[:20])
    if isinstance(value, str) and len(value) == len("1970-01-01T00:00:00.000Z") and (at := _moment(value)) is not None:
        return date_words(at)
    return str(value)


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return _plain(item)
    name = item.get("name") or item.get("query") or item.get("product_id") or ""
    if isinstance(item.get("share"), int | float):
        return f"{name} {percent(item['share'], digits=0)}"
    if isinstance(item.get("count"), int):
        return f"{name} {count(item['count'])}"
    if isinstance(item.get("price_minor"), int) and currency_code(item.get("currency")):
        return f"{name} ({format_minor(item['price_minor'], item['currency'])})"
    return str(name)


def _cart(value: Mapping[str, Any]) -> str:
    products = value.get("products") or []
    pieces = sum(p.get("quantity", 1) for p in products)
    total = format_minor(value["value_minor"], value["currency"]) if currency_code(value.get("currency")) else ""
    left = gettext(", abandoned") if value.get("abandoned_at") else ""
    return ngettext("%(num)s piece, %(total)s", "%(num)s pieces, %(total)s", pieces, total=total) + left


def _band(code: str, band: Mapping[str, int]) -> str:
    if not currency_code(code):
        return ""
    low, middle, high = (format_minor(band[name], code) for name in ("low", "middle", "high"))
    return gettext("%(low)s to %(high)s, mostly about %(middle)s", low=low, high=high, middle=middle)


def _moment(text: Any) -> int | None:
    try:
        return from_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None
