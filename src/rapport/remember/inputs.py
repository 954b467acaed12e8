"""What a trait takes from a fact: values cut out of whatever JSON a client sent, or None where they are not usable.

Second step of remembering: `traits.py` says which facts a trait listens to, these functions say what is in them. They
never raise, whatever the types, and bound the length of every text, so a hostile client can only spoil its own record.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from rapport.kernel.facts import Fact
from rapport.kernel.money import MAX_MINOR, UNKNOWN_CURRENCY, currency_code, exponent, to_minor
from rapport.kernel.numerals import Unreadable, read_number

__all__ = [
    "OFFLINE",
    "ReadingSettings",
    "acquisition",
    "amount",
    "brands",
    "categories",
    "channel",
    "currency",
    "device",
    "line_total",
    "pieces",
    "price",
    "product_id",
    "product_named",
    "product_seen",
    "products",
    "quantity",
    "search",
    "stated_currency",
    "table",
    "text",
    "times",
    "times_minor",
    "variant",
    "wish",
]

TEXT = 120
"""Characters kept of a text."""

_LONGEST_INT = 10**100
_EXACT = 2**53
_MOST_PIECES = 10**9
_ONE, _HALF = Decimal(1), Decimal("0.5")


class ReadingSettings(NamedTuple):
    """What a shop decides that changes how its facts are read."""

    currency: str = "USD"
    """Of amounts that come without one."""
    region: str | None = None
    """ISO 3166 country of phone numbers without a country code."""
    blocked: tuple[str, ...] = ()
    """Patterns of e-mail addresses and telephone numbers that are nobody's (`IdentifierPolicy.blocked`)."""


def text(value: object, limit: int = TEXT) -> str | None:
    r"""The value as a text of one line, None where it is none or empty; numbers count as texts.

    A number with a decimal point is one as long as it is exact: from 2**53 on several ids would become one.

    >>> text("  Chianti\n"), text(1234567890123456789), text(12.0), text(1e300), text(True), text([])
    ('Chianti', '1234567890123456789', '12', None, None, None)
    """
    if type(value) is str:
        if len(value) > limit:
            value = value[:limit]
        if not value.isprintable():
            value = "".join(c for c in value if c.isprintable())
        return value.strip() or None
    if type(value) is int:
        return str(value)[:limit] if -_LONGEST_INT < value < _LONGEST_INT else None
    if type(value) is float and -_EXACT < value < _EXACT:
        return str(int(value)) if value.is_integer() else repr(value)
    return None


amount = to_minor
"""Minor units of an amount given as number or text, None where it is none: see `kernel/money.py`."""


def currency(properties: dict[str, Any], settings: ReadingSettings) -> str:
    """The currency of the fact's amounts: the one it states, else the shop's."""
    return stated_currency(properties) or settings.currency


def stated_currency(properties: dict[str, Any]) -> str | None:
    """The currency that is stated; `XXX` where what is stated is none that we know, None where nothing is.

    >>> stated_currency({"currency": "eur"}), stated_currency({"currency": "POINTS"}), stated_currency({})
    ('EUR', 'XXX', None)
    """
    stated = properties.get("currency")
    if stated is None:
        return None
    if type(stated) is str and len(stated) <= 40:
        return currency_code(stated) or (UNKNOWN_CURRENCY if stated.strip() else None)
    return UNKNOWN_CURRENCY


def variant(product: dict[str, Any]) -> str | None:
    """Which of a product's variants is meant: `variant`, `variant_id`, else a `sku` beside the product's id."""
    found = text(product.get("variant")) or text(product.get("variant_id"))
    if found is None and product.get("sku") is not None:
        found = text(product["sku"])
        return None if found == product_id(product) else found
    return found


def product_id(product: dict[str, Any]) -> str | None:
    """What names a product: `product_id`, else `sku`, else `id`."""
    found = product.get("product_id")
    if found is not None:
        found = text(found)
        if found is not None:
            return found
    return text(product.get("sku")) or text(product.get("id"))


def quantity(product: dict[str, Any]) -> int | Decimal | None:
    """How many pieces, or how much of what is sold by weight, exact and with its sign; None where it is not stated.

    A comma is a decimal one unless three digits follow it, which may as well be thousands.

    >>> [quantity({"quantity": said}) for said in ("3.0000", 1.5, -1, "0,5", "1,500")], quantity({})
    ([3, Decimal('1.5'), -1, Decimal('0.5'), None], None)
    """
    value = product.get("quantity")
    if type(value) is int:
        return value if -_MOST_PIECES <= value <= _MOST_PIECES else None
    if type(value) is float or (type(value) is str and len(value) <= 24):
        return _quantity(value)
    return None


_DECIMAL_COMMA = re.compile(r"^([+-]?[0-9]+),([0-9]{1,2}|[0-9]{4,})$", re.ASCII)


@lru_cache(maxsize=4_096)
def _quantity(value: float | str) -> int | Decimal | None:
    try:
        exact = Decimal(_DECIMAL_COMMA.sub(r"\1.\2", str(value).strip()))
    except ArithmeticError:
        return None
    if not exact.is_finite() or not -_MOST_PIECES <= exact <= _MOST_PIECES:
        return None
    whole = int(exact)
    return whole if whole == exact else exact


def pieces(product: dict[str, Any]) -> int:
    """The pieces of a line where pieces are counted, without sign: 1 where nothing is stated, 2 for 1.5 (half up).

    >>> pieces({}), pieces({"quantity": 1.5}), pieces({"quantity": "-3"})
    (1, 2, 3)
    """
    stated = quantity(product)
    if stated is None:
        return 1
    return abs(_whole(stated))


def products(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """The products of a cart or an order, those that are objects."""
    listed = properties.get("products")
    if type(listed) is not list:
        return []
    return [product for product in listed if type(product) is dict]


def line_total(product: dict[str, Any], currency: str, field: str = "price") -> int | None:
    """Price (or another amount per piece) times quantity, rounded half up once.

    >>> line_total({"price": "0.335", "quantity": 3}, "EUR"), line_total({"price": 10, "quantity": 1.5}, "EUR")
    (101, 1500)
    """
    value = product.get(field)
    each = amount(value, currency)
    if each is None:
        return None
    number = quantity(product)
    if number is None or number == 1:
        return each
    return times(value, number, currency)


def times(value: Any, number: int | Decimal, currency: str) -> int | None:
    """So many pieces at this amount each, in minor units, rounded half up once; None beyond belief."""
    each = amount(value, currency)
    if each is None:
        return None
    total = _whole(number * (each if type(value) is int else _unrounded(value, currency, each)))
    return total if -MAX_MINOR <= total <= MAX_MINOR else None


def _whole(number: int | Decimal) -> int:
    """Rounded half up."""
    return number if isinstance(number, int) else int(number.quantize(_ONE, rounding=ROUND_HALF_UP))


def times_minor(each: int, number: int | Decimal) -> int:
    """So many at this price in minor units, rounded half up, at most what is believed of one amount."""
    return max(-MAX_MINOR, min(_whole(number * each), MAX_MINOR))


@lru_cache(maxsize=4_096)
def _unrounded(value: float | str, currency: str, rounded: int) -> int | Decimal:
    """The amount in minor units before it was rounded; as it was rounded where that cannot be told of a text."""
    try:
        read = read_number(value, decimals=exponent(currency)) if isinstance(value, str) else Decimal(str(value))
        exact = read.scaleb(exponent(currency))
    except (ArithmeticError, Unreadable):
        return rounded
    return exact if exact != rounded and abs(exact - rounded) <= _HALF else rounded


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


def channel(fact: Fact, settings: ReadingSettings) -> str | None:
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


def device(fact: Fact, settings: ReadingSettings) -> str | None:
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


def table(container: dict[str, Any], field: str) -> dict[str, Any]:
    """The object under a name; an empty one where there is none."""
    value = container.get(field)
    return value if type(value) is dict else _EMPTY


# --- where from ----------------------------------------------------------------------------------------------------


def acquisition(fact: Fact, settings: ReadingSettings) -> dict[str, Any] | None:
    """The campaign that brought the visit, with its cost where it is stated, else the site that referred it."""
    campaign = table(fact.context, "campaign")
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
    page = table(fact.context, "page")
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


def categories(fact: Fact, settings: ReadingSettings) -> list[tuple[str, int]] | None:
    """Categories of the products of a fact, weighted by what was done."""
    return _weighted(fact, "category")


def brands(fact: Fact, settings: ReadingSettings) -> list[tuple[str, int]] | None:
    """Brands of the products of a fact, weighted by what was done."""
    return _weighted(fact, "brand")


def product_seen(fact: Fact, settings: ReadingSettings) -> list[tuple[str, Any]] | None:
    """The product of the fact with its name, price and currency."""
    properties = fact.properties
    found = product_id(properties)
    if found is None:
        return None
    code = currency(properties, settings)
    return [(found, [text(properties.get("name")), amount(properties.get("price"), code), code])]


def product_named(fact: Fact, settings: ReadingSettings) -> str | None:
    """The id of the fact's product."""
    return product_id(fact.properties)


def price(fact: Fact, settings: ReadingSettings) -> tuple[str, int] | None:
    """The positive price of the fact's product."""
    code = currency(fact.properties, settings)
    found = amount(fact.properties.get("price"), code)
    return (code, found) if found is not None and found > 0 else None


def wish(fact: Fact, settings: ReadingSettings) -> list[tuple[str, Any]] | None:
    """A product put on the wish list (with its name) or taken from it (None)."""
    found = product_id(fact.properties)
    if found is None:
        return None
    on_list = fact.name == "Product Added to Wishlist"
    return [(found, [text(fact.properties.get("name"))] if on_list else None)]


def search(fact: Fact, settings: ReadingSettings) -> list[tuple[str, Any]] | None:
    """What was searched for."""
    query = text(fact.properties.get("query"))
    return [(query.lower(), None)] if query else None
