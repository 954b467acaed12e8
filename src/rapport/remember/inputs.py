"""What a trait takes from a fact: values cut out of whatever JSON a client sent, or None where they are not usable.

Second step of remembering: `traits.py` says which facts a trait listens to, these functions say what is in them. They
never raise, whatever the types, and bound the length of every text, so a hostile client can only spoil its own record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import email_identifier, phone_identifier
from rapport.kernel.money import MAX_MINOR, currency_code, to_minor

__all__ = [
    "OFFLINE",
    "Settings",
    "acquisition",
    "address",
    "amount",
    "birthday",
    "brands",
    "categories",
    "channel",
    "consent",
    "country",
    "currency",
    "device",
    "email",
    "first_name",
    "language",
    "last_name",
    "line_total",
    "name",
    "phone",
    "price",
    "product_id",
    "product_named",
    "product_seen",
    "products",
    "quantity",
    "search",
    "text",
    "time_zone",
    "wish",
]

TEXT = 120
"""Characters kept of a text."""

PRODUCTS = 200
"""Products looked at in one fact."""

CATEGORIES = 20
"""Consent categories looked at in one fact."""

STATED, GUESSED = 1, 0
"""Ranks: what somebody stated outweighs what the network or the browser suggests."""


class Settings(NamedTuple):
    """What a shop decides that changes how its facts are read."""

    currency: str = "USD"
    """Of amounts that come without one."""
    region: str | None = None
    """ISO 3166 country of phone numbers without a country code."""


def text(value: object, limit: int = TEXT) -> str | None:
    r"""The value as a text of one line, None where it is none or empty; whole numbers count as texts.

    >>> text("  Chianti\n"), text(7), text(True), text([])
    ('Chianti', '7', None, None)
    """
    if type(value) is str:
        if len(value) > limit:
            value = value[:limit]
        if not value.isprintable():
            value = "".join(c for c in value if c.isprintable())
        return value.strip() or None
    if type(value) is int and -(10**18) < value < 10**18:
        return str(value)
    return None


def amount(value: object, currency: str) -> int | None:
    """Minor units of an amount, None where it is none.

    >>> amount("12.5", "EUR"), amount(True, "EUR"), amount("1e99999999", "EUR")
    (1250, None, None)
    """
    if type(value) is float or type(value) is int:
        return _number(value, currency) if -1e15 < value < 1e15 else None
    if type(value) is str and len(value) <= 24:
        return _text_number(value, currency)
    return None


@lru_cache(maxsize=16_384)
def _number(value: float, currency: str) -> int | None:
    return to_minor(value, currency)


@lru_cache(maxsize=4_096)
def _text_number(value: str, currency: str) -> int | None:
    plain = value.strip().removeprefix("-").replace(".", "", 1)
    return to_minor(value, currency) if plain.isascii() and plain.isdigit() else None


def currency(properties: dict[str, Any], settings: Settings) -> str:
    """The currency of the fact's amounts."""
    code = properties.get("currency")
    if type(code) is not str or len(code) > 8:
        return settings.currency
    return currency_code(code) or settings.currency


def product_id(product: dict[str, Any]) -> str | None:
    """What names a product: `product_id`, else `sku`, else `id`."""
    found = product.get("product_id")
    if found is not None:
        found = text(found)
        if found is not None:
            return found
    return text(product.get("sku")) or text(product.get("id"))


def quantity(product: dict[str, Any]) -> int | None:
    """Whole pieces, without sign, at most a million; None where not stated."""
    value = product.get("quantity")
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 8:
        value = int(value)
    if type(value) is float and -1e6 <= value <= 1e6:
        value = int(value)
    return min(abs(value), 1_000_000) if type(value) is int else None


def products(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """The products of a cart or an order, those that are objects."""
    listed = properties.get("products")
    if type(listed) is not list:
        return []
    return [product for product in listed[:PRODUCTS] if type(product) is dict]


def line_total(product: dict[str, Any], currency: str, field: str = "price") -> int | None:
    """Price (or another amount per piece) times quantity."""
    each = amount(product.get(field), currency)
    if each is None:
        return None
    total = each * (quantity(product) or 1)
    return total if -MAX_MINOR <= total <= MAX_MINOR else None


# --- where and how -------------------------------------------------------------------------------------------------

_CHANNELS = {
    "browser": "web", "website": "web", "online": "web", "onsite": "web", "mobile": "app", "mobile app": "app",
    "in_app": "app", "ios": "app", "android": "app", "pos": "store", "point of sale": "store", "in_store": "store",
    "retail": "store", "till": "store", "e-mail": "email", "mail": "email", "call": "phone", "call center": "phone",
}  # fmt: skip

_LIBRARIES = {
    "analytics.js": "web", "ajs-next": "web", "rudderlabs javascript sdk": "web",
    "analytics-ios": "app", "analytics-android": "app", "analytics-swift": "app", "analytics-kotlin": "app",
    "analytics-react-native": "app", "@segment/analytics-react-native": "app", "analytics_flutter": "app",
    "rudder-ios-library": "app", "com.rudderstack.android.sdk.core": "app", "rudderlabs react native": "app",
    "till": "store", "mailer": "email",
}  # fmt: skip

_NO_CHANNEL = frozenset({"server", "http", "import", "internal", "sources", "cloud"})
"""How a fact travelled, not where the customer was."""

OFFLINE = frozenset({"store", "marketplace", "phone"})
"""Channels whose orders leave the cart in the web shop as it is."""


def channel(fact: Fact, settings: Settings) -> str | None:
    """The channel a fact came through: stated in `context.channel` or `properties.channel`, else by the SDK."""
    stated = fact.context.get("channel") or fact.properties.get("channel")
    if type(stated) is str:
        return _channel_named(stated) if len(stated) <= 40 else None
    library = fact.context.get("library")
    if type(library) is dict:
        library_name = library.get("name")
        if type(library_name) is str and len(library_name) <= 60:
            found = _channel_of_library(library_name)
            if found is not None:
                return found
    if fact.type == "page":
        return "web"
    return "app" if fact.type == "screen" else None


@lru_cache(maxsize=1_024)
def _channel_named(stated: str) -> str | None:
    plain = text(stated.lower())
    return _CHANNELS.get(plain, plain) if plain and plain not in _NO_CHANNEL else None


@lru_cache(maxsize=1_024)
def _channel_of_library(library: str) -> str | None:
    return _LIBRARIES.get(library.lower())


def device(fact: Fact, settings: Settings) -> str | None:
    """`desktop`, `mobile`, `tablet`, or what `context.device.type` states."""
    stated = fact.context.get("device")
    if type(stated) is dict:
        kind = stated.get("type")
        if type(kind) is str and 0 < len(kind) <= 40:
            return _device_named(kind)
    agent = fact.context.get("userAgent")
    return _device_of_agent(agent) if type(agent) is str and 0 < len(agent) <= 400 else None


@lru_cache(maxsize=1_024)
def _device_named(kind: str) -> str | None:
    plain = text(kind.lower())
    return {"ios": "mobile", "android": "mobile", "phone": "mobile", "smartphone": "mobile"}.get(plain or "", plain)


@lru_cache(maxsize=4_096)
def _device_of_agent(agent: str) -> str | None:
    low = agent.lower()
    if "ipad" in low or "tablet" in low or ("android" in low and "mobile" not in low):
        return "tablet"
    if "mobi" in low or "iphone" in low:
        return "mobile"
    return "desktop" if "windows" in low or "macintosh" in low or "x11" in low or "cros" in low else None


_EMPTY: dict[str, Any] = {}


def _table(container: dict[str, Any], field: str) -> dict[str, Any]:
    value = container.get(field)
    return value if type(value) is dict else _EMPTY


# --- who: `traits` and `context.traits` ----------------------------------------------------------------------------


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
                if found is not None:
                    return found
    return None


Ranked = tuple[int, Any] | None


def email(fact: Fact, settings: Settings) -> Ranked:
    """`traits.email`, normalised."""
    for traits in _stated(fact):
        found = email_identifier(traits.get("email")) if type(traits.get("email")) is str else None
        if found is not None:
            return STATED, found.value
    return None


def phone(fact: Fact, settings: Settings) -> Ranked:
    """`traits.phone` in E.164."""
    for traits in _stated(fact):
        given = traits.get("phone")
        found = phone_identifier(given, region=settings.region) if given is not None else None
        if found is not None:
            return STATED, found.value
    return None


def first_name(fact: Fact, settings: Settings) -> Ranked:
    """`traits.firstName` or `first_name`."""
    found = _stated_text(fact, "firstName", "first_name", "firstname")
    return (STATED, found) if found else None


def last_name(fact: Fact, settings: Settings) -> Ranked:
    """`traits.lastName` or `last_name`."""
    found = _stated_text(fact, "lastName", "last_name", "lastname")
    return (STATED, found) if found else None


def name(fact: Fact, settings: Settings) -> Ranked:
    """`traits.name`, else first and last name together."""
    found = _stated_text(fact, "name", "fullName", "full_name")
    if found:
        return STATED, found
    first, last = first_name(fact, settings), last_name(fact, settings)
    both = " ".join(part[1] for part in (first, last) if part)
    return (STATED, both) if both else None


def birthday(fact: Fact, settings: Settings) -> Ranked:
    """`traits.birthday` as an ISO date."""
    found = _stated_text(fact, "birthday", "birthdate", "birth_date", "dateOfBirth")
    if not found:
        return None
    try:
        return STATED, date.fromisoformat(found[:10]).isoformat()
    except ValueError:
        return None


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
            if value:
                found[field] = value
                break
    named = _country(given)
    return found | {"country": named} if named else found


def _places(fact: Fact) -> list[tuple[int, dict[str, Any]]]:
    """Where a fact may say the person lives, the surest first."""
    found: list[tuple[int, dict[str, Any]]] = []
    for traits in _stated(fact):
        if "address" in traits:
            found.append((STATED, _table(traits, "address")))
        found.append((STATED, traits))
    if "shipping_address" in fact.properties:
        found.append((STATED, _table(fact.properties, "shipping_address")))
    if "location" in fact.context:
        found.append((GUESSED, _table(fact.context, "location")))
    return found


def address(fact: Fact, settings: Settings) -> Ranked:
    """Where the person lives: the address stated or shipped to, else where `context.location` puts the device."""
    for rank, place in _places(fact):
        found = _address(place)
        if found:
            return rank, found
    return None


def country(fact: Fact, settings: Settings) -> Ranked:
    """The country of the first of those that names one."""
    for rank, place in _places(fact):
        found = _country(place)
        if found:
            return rank, found
    return None


def _country(place: dict[str, Any]) -> str | None:
    found = text(place.get("country")) or text(place.get("countryCode")) or text(place.get("country_code"))
    return found.upper() if found and len(found) == 2 else found


def language(fact: Fact, settings: Settings) -> Ranked:
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


def time_zone(fact: Fact, settings: Settings) -> Ranked:
    """`context.timezone`, such as `Europe/Berlin`."""
    found = text(fact.context.get("timezone"), 60)
    return (GUESSED, found) if found else None


def consent(fact: Fact, settings: Settings) -> list[tuple[str, bool]] | None:
    """`context.consent.categoryPreferences`: which purposes are allowed."""
    preferences = _table(_table(fact.context, "consent"), "categoryPreferences")
    return [
        (purpose, allowed)
        for category, allowed in islice(preferences.items(), CATEGORIES)
        if type(allowed) is bool and (purpose := text(category))
    ] or None


# --- where from ----------------------------------------------------------------------------------------------------


def acquisition(fact: Fact, settings: Settings) -> dict[str, Any] | None:
    """The campaign that brought the visit, with its cost where it is stated, else the site that referred it."""
    campaign = _table(fact.context, "campaign")
    if campaign:
        found: dict[str, Any] = {}
        for field, given in (("campaign", "name"), ("source", "source"), ("medium", "medium"), ("content", "content"),
                             ("term", "term")):  # fmt: skip
            value = text(campaign.get(given))
            if value:
                found[field] = value
        if found:
            code = currency(campaign, settings)
            cost = amount(campaign.get("cost"), code)
            return found | ({"cost": [code, cost]} if cost is not None else {})
    if fact.type != "page":
        return None
    page = _table(fact.context, "page")
    referrer, here = _host(page.get("referrer")), _host(page.get("url"))
    return {"source": referrer, "medium": "referral"} if referrer and referrer != here else None


def _host(url: object) -> str | None:
    """The host of a URL without `www.` (by hand: parsing the rest is not needed, and it may be anything).

    >>> _host("https://www.example.com:8000/a?b"), _host("nonsense"), _host(7)
    ('example.com', None, None)
    """
    if type(url) is not str:
        return None
    scheme, found, rest = url[:500].partition("://")
    if not found or scheme not in ("http", "https"):
        return None
    host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2].partition(":")[0].lower().removeprefix("www.")
    return text(host)


# --- products ------------------------------------------------------------------------------------------------------

_WEIGHTS = {"Product Added": 3, "Order Completed": 5}
"""What an event says about liking something; any other counts 1."""


def _weighted(fact: Fact, field: str) -> list[tuple[str, int]] | None:
    properties = fact.properties
    if fact.name == "Order Completed":
        weight = _WEIGHTS[fact.name]
        return [(liked, weight) for product in products(properties) if (liked := text(product.get(field)))] or None
    if field not in properties:
        return None
    liked = text(properties[field])
    return [(liked, _WEIGHTS.get(fact.name, 1))] if liked else None


def categories(fact: Fact, settings: Settings) -> list[tuple[str, int]] | None:
    """Categories of the products of a fact, weighted by what was done."""
    return _weighted(fact, "category")


def brands(fact: Fact, settings: Settings) -> list[tuple[str, int]] | None:
    """Brands of the products of a fact, weighted by what was done."""
    return _weighted(fact, "brand")


def product_seen(fact: Fact, settings: Settings) -> list[tuple[str, Any]] | None:
    """The product of the fact with its name, price and currency."""
    properties = fact.properties
    found = product_id(properties)
    if found is None:
        return None
    code = currency(properties, settings)
    return [(found, [text(properties.get("name")), amount(properties.get("price"), code), code])]


def product_named(fact: Fact, settings: Settings) -> str | None:
    """The id of the fact's product."""
    return product_id(fact.properties)


def price(fact: Fact, settings: Settings) -> tuple[str, int] | None:
    """The positive price of the fact's product."""
    code = currency(fact.properties, settings)
    found = amount(fact.properties.get("price"), code)
    return (code, found) if found is not None and found > 0 else None


def wish(fact: Fact, settings: Settings) -> list[tuple[str, Any]] | None:
    """A product put on the wish list (with its name) or taken from it (None)."""
    found = product_id(fact.properties)
    if found is None:
        return None
    on_list = fact.name == "Product Added to Wishlist"
    return [(found, [text(fact.properties.get("name"))] if on_list else None)]


def search(fact: Fact, settings: Settings) -> list[tuple[str, Any]] | None:
    """What was searched for."""
    query = text(fact.properties.get("query"))
    return [(query.lower(), None)] if query else None
