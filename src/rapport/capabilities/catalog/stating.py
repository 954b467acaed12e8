"""The facts by which a shop states its products, and what is read of them. They are about nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rapport.capabilities.catalog.entry import Entry, Medium, MediumKind, Price, Relation, Variant, sale_of
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.moments import read_moment
from rapport.kernel.wording import FactKind, short
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = [
    "FACT_KINDS", "MARKET_PRICES", "PRODUCT_PICTURED", "PRODUCT_STATED", "PRODUCT_WITHDRAWN", "Statement",
    "prices_stated", "statement_of",
]  # fmt: skip

PRODUCT_STATED, PRODUCT_WITHDRAWN = "Product Stated", "Product Withdrawn"
PRODUCT_PICTURED = "Product Pictured"
MARKET_PRICES = "Market Prices Stated"

_VARIANTS, _PRICES, _MEDIA, _RELATIONS, _ATTRIBUTES, _VALUES, _TAGS = 500, 50, 50, 100, 60, 20, 50
_URL, _TEXT, _DESCRIPTION = 1_000, 200, 10_000
_KINDS: Mapping[str, MediumKind] = {"image": "image", "video": "video", "model": "model", "3d": "model"}


class Statement(NamedTuple):
    """What the shop said a product is, at one time. The latest by (time, fact) is what it is."""

    workspace: WorkspaceId
    entry: Entry
    stated_at: int
    fact: str


def statement_of(workspace: WorkspaceId, fact: Fact, settings: ReadingSettings) -> Statement | None:
    """The statement of a fact; None where it names no product. Never raises: what cannot be read is left out."""
    said = fact.properties
    product_id = inputs.product_id(said)
    if product_id is None:
        return None
    if fact.name == PRODUCT_WITHDRAWN:
        return Statement(workspace, Entry(product_id=product_id, visible=False), fact.occurred_at, fact.id)
    return Statement(workspace, _entry(product_id, said, inputs.currency(said, settings)), fact.occurred_at, fact.id)


def _entry(product_id: str, said: dict[str, Any], currency: str) -> Entry:
    categories = tuple(_texts(said.get("categories"), _TAGS))
    category = _text(said.get("category")) or (categories[0] if categories else None)
    return Entry(
        product_id=product_id, name=_text(said.get("name")), category=category,
        categories=categories or ((category,) if category else ()),
        description=_long(said.get("description")), brand=_text(said.get("brand")), seller=_text(said.get("seller")),
        url=_url(said.get("url")), media=_media(said), tags=tuple(_texts(said.get("tags"), _TAGS)),
        attributes=_attributes(said.get("attributes")), sku=_text(said.get("sku")), gtin=_text(said.get("gtin")),
        prices=_prices(said, currency), cost_minor=inputs.amount(said.get("cost"), currency),
        cost_currency=currency if said.get("cost") is not None else None,
        variants=_variants(said.get("variants"), currency), relations=_relations(said.get("relations")),
        visible=said.get("visible") is not False,
    )  # fmt: skip


def _variants(said: object, currency: str) -> tuple[Variant, ...]:
    found: dict[str, Variant] = {}
    for one in _tables(said, _VARIANTS):
        name = (
            _text(one.get("variant")) or _text(one.get("variant_id")) or _text(one.get("sku")) or _text(one.get("id"))
        )
        if name is None:
            continue
        own = inputs.stated_currency(one) or currency
        found[name] = Variant(
            variant=name, name=_text(one.get("name")), sku=_text(one.get("sku")), gtin=_text(one.get("gtin")),
            url=_url(one.get("url")), image_url=_url(one.get("image_url")),
            attributes=_attributes(one.get("attributes")), prices=_prices(one, own),
            cost_minor=inputs.amount(one.get("cost"), currency),
        )  # fmt: skip
    return tuple(found.values())


def prices_stated(said: dict[str, Any], currency: str) -> dict[str, tuple[Price, ...]]:
    """What a fact says a product costs, by variant; of the product itself under the empty name."""
    found = {"": _prices(said, currency)}
    for one in _tables(said.get("variants"), _VARIANTS):
        if name := _text(one.get("variant")):
            found[name] = _prices(one, inputs.stated_currency(one) or currency)
    return found


def _prices(said: dict[str, Any], currency: str) -> tuple[Price, ...]:
    """The price beside the name, and those of markets and times."""
    found = [_price(said, currency), *(_price(one, currency) for one in _tables(said.get("prices"), _PRICES))]
    return tuple(price for price in found if price is not None)


def _price(said: dict[str, Any], currency: str) -> Price | None:
    code = inputs.stated_currency(said) or currency
    now, before = sale_of(said)
    minor, struck = inputs.amount(now, code), inputs.amount(before, code)
    if minor is None or minor < 0:
        return None
    return Price(
        currency=code, price_minor=minor, list_minor=struck if struck is not None and struck > minor else None,
        market=inputs.text(said.get("market"), 40) or "", since=_moment(said.get("from")),
        until=_moment(said.get("until")),
    )  # fmt: skip


def _media(said: dict[str, Any]) -> tuple[Medium, ...]:
    found: dict[str, Medium] = {}
    if image := _url(said.get("image_url")):
        found[image] = Medium(url=image)
    for one in _tables(said.get("media"), _MEDIA):
        url, kind = _url(one.get("url")), _KINDS.get(str(one.get("kind", "image"))[:20].lower())
        if url and kind:
            found[url] = Medium(url=url, kind=kind, alt=_text(one.get("alt")) or "")
    return tuple(found.values())[:_MEDIA]


def _relations(said: object) -> tuple[Relation, ...]:
    pairs = ((_text(one.get("kind")) or "related", inputs.product_id(one)) for one in _tables(said, _RELATIONS))
    return tuple(dict.fromkeys(Relation(kind=kind, product_id=other) for kind, other in pairs if other))


def _attributes(said: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(said, dict):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name, value in list(said.items())[:_ATTRIBUTES]:
        key = _text(name, 60)
        values = tuple(dict.fromkeys(_texts(value if isinstance(value, list) else [value], _VALUES)))
        if key and values:
            found[key.lower()] = values
    return found


def _tables(said: object, most: int) -> Iterable[dict[str, Any]]:
    return (one for one in said[:most] if isinstance(one, dict)) if isinstance(said, list) else ()


def _texts(said: object, most: int) -> list[str]:
    if isinstance(said, str):
        said = [said]
    return [text for one in said[:most] if (text := _text(one))] if isinstance(said, list) else []


def _text(value: object, longest: int = _TEXT) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return inputs.text(value, longest)


def _long(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    kept = "".join(sign for sign in value[:_DESCRIPTION] if sign.isprintable() or sign == "\n")
    return kept.strip() or None


def _url(value: object) -> str | None:
    found = inputs.text(value, _URL)
    return found if found and found.startswith(("https://", "http://", "/")) else None


def _moment(value: object) -> int | None:
    return read_moment(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _refuse(fact: Fact, currency: str) -> None:
    """Raises InvalidFact where a statement names no product, or states a price that is none."""
    said = fact.properties
    if inputs.product_id(said) is None:
        raise InvalidFact("a product needs its product_id", path="$.properties.product_id")
    code = inputs.stated_currency(said) or currency
    price, _ = sale_of(said)
    if price not in (None, "") and inputs.amount(price, code) is None:
        raise InvalidFact(f"the price is no amount in {code}", path="$.properties.price")


def _refuse_market(fact: Fact, currency: str) -> None:
    """Raises InvalidFact where prices of a market name none, or no product."""
    _refuse(fact, currency)
    if not inputs.text(fact.properties.get("market"), 40):
        raise InvalidFact("prices of a market need the market", path="$.properties.market")


def _told(fact: Fact) -> str:
    return short(fact.properties.get("name")) or short(fact.properties.get("product_id"))


FACT_KINDS = (
    FactKind(
        name=PRODUCT_STATED, meaning="a product of the shop is so from now on", about="shop", icon="tag", tell=_told,
        refuse=_refuse,
        properties={
            "product_id": "which product", "name": "what it is called", "description": "more about it",
            "category": "where it is shown; `categories` for several", "brand": "who makes it",
            "seller": "who sells it, on a marketplace", "price": "what a piece costs",
            "list_price": "what it cost before; or `price` beside a lower `sale_price`",
            "currency": "of all its amounts", "cost": "what it costs you",
            "prices": "by market and time: market, currency, price, list_price, from, until",
            "sku": "its article number", "gtin": "its bar code", "url": "its page", "image_url": "its picture",
            "media": "pictures, films, 3D: kind, url, alt", "attributes": "what it is like, by name",
            "tags": "words for it", "variants": "sizes, colours: variant, name, sku, gtin, price, attributes …",
            "relations": "what belongs to it: kind, product_id", "visible": "false while it must not be shown",
        },
    ),
    FactKind(
        name=PRODUCT_WITHDRAWN, meaning="a product is not sold any more", about="shop", icon="x", tone="loss",
        tell=_told, refuse=_refuse, properties={"product_id": "which product"},
    ),
    FactKind(
        name=MARKET_PRICES, meaning="a product costs so much in a market from now on", about="shop", icon="tag",
        tell=_told, refuse=_refuse_market,
        properties={
            "product_id": "which product", "market": "in which market", "currency": "of its amounts",
            "price": "what a piece costs there", "list_price": "what it cost before; or `price` beside `sale_price`",
            "variants": "sizes, colours: variant, price, list_price",
        },
    ),
    FactKind(
        name=PRODUCT_PICTURED, meaning="a picture of a product looks so", about="shop", icon="eye", tell=_told,
        refuse=_refuse,
        properties={"product_id": "which product", "picture": "what it is called", "look": "its colours and edges"},
    ),
)  # fmt: skip
