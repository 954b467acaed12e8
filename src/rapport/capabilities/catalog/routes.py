"""`/api/v1/products`: finding products, one in full, stating them, withdrawing one."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Any, Literal

import anyio.to_thread
import msgspec
from litestar import Request, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.catalog.finding import Filters
from rapport.capabilities.catalog.looks import MOST_BYTES, look_of, text_of
from rapport.capabilities.catalog.searching import Question, Sort
from rapport.capabilities.catalog.service import find, find_alike
from rapport.capabilities.catalog.shown import AlikeShown, FoundShown, ProductShown, find_shown
from rapport.capabilities.catalog.stating import PRODUCT_PICTURED, PRODUCT_STATED, PRODUCT_WITHDRAWN
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.collect.own import own_fact
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.moments import read_moment
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from rapport.storage.workspaces import workspace_of

__all__ = ["ROUTES"]

Short = Annotated[str, Meta(min_length=1, max_length=120)]
Text = Annotated[str, Meta(max_length=200)]
Url = Annotated[str, Meta(max_length=1_000)]
Amount = Annotated[float, Meta(ge=0, le=1e13)]
Currency = Annotated[str, Meta(pattern="^[A-Za-z]{3}$")]
Attributes = Annotated[
    dict[Text, Text | float | bool | Annotated[list[Text], Meta(max_length=20)]], Meta(max_length=60)
]
Moment = Annotated[str, Meta(max_length=40)]


class PriceSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a piece costs in a market, for a time; amounts in whole units of the currency, as `12.50`."""

    price: Amount
    currency: Currency | None = None
    list_price: Amount | None = None
    market: Annotated[str, Meta(max_length=40)] = ""
    since: Moment | None = msgspec.field(default=None, name="from")
    until: Moment | None = None


class MediumSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A picture, a film or a body to turn around."""

    url: Url
    kind: Literal["image", "video", "model"] = "image"
    alt: Text = ""


class RelationSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A product that belongs to it."""

    product_id: Short
    kind: Annotated[str, Meta(max_length=60)] = "related"


Prices = Annotated[list[PriceSaid], Meta(max_length=50)]


class VariantSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One size, colour or pack."""

    variant: Short
    name: Text | None = None
    sku: Text | None = None
    gtin: Text | None = None
    price: Amount | None = None
    list_price: Amount | None = None
    prices: Prices = []
    cost: Amount | None = None
    url: Url | None = None
    image_url: Url | None = None
    attributes: Attributes = {}


class ProductSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A product as it is from now on, in whole: what is left out is not known any more."""

    product_id: Short
    name: Text
    description: Annotated[str, Meta(max_length=10_000)] | None = None
    category: Text | None = None
    categories: Annotated[list[Text], Meta(max_length=50)] = []
    brand: Text | None = None
    seller: Text | None = None
    sku: Text | None = None
    gtin: Text | None = None
    price: Amount | None = None
    list_price: Amount | None = None
    currency: Currency | None = None
    prices: Prices = []
    cost: Amount | None = None
    url: Url | None = None
    image_url: Url | None = None
    media: Annotated[list[MediumSaid], Meta(max_length=50)] = []
    attributes: Attributes = {}
    tags: Annotated[list[Text], Meta(max_length=50)] = []
    variants: Annotated[list[VariantSaid], Meta(max_length=500)] = []
    relations: Annotated[list[RelationSaid], Meta(max_length=100)] = []
    visible: bool = True


class ProductsSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Products as they are at one moment."""

    products: Annotated[list[ProductSaid], Meta(min_length=1, max_length=200)]
    stated_at: Moment | None = None
    """When they were so, with its offset from UTC; now where it is left out. An older statement never replaces a newer
    one."""


class ProductsAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """What was stated is in the log; it holds within a second."""

    accepted: int


@get("/products", permission="catalog:read", tags=["catalogue"], sync_to_thread=True)
def find_products(
    db: Database,
    principal: Principal,
    typed: Annotated[str, Parameter(query="query", max_length=500, description="Words or a code; empty: all.")] = "",
    only: Annotated[
        list[Annotated[str, Meta(max_length=200)]] | None,
        Parameter(
            query="filter", max_items=50,
            description="`name:value`, such as `brand:Antinori`; several values of one name are alternatives.",
        ),
    ] = None,
    currency: Annotated[str, Parameter(max_length=3, description="Of price_min and price_max; else the shop's.")] = "",
    price_min: Annotated[int | None, Parameter(ge=0, le=10**15, description="In minor units.")] = None,
    price_max: Annotated[int | None, Parameter(ge=0, le=10**15, description="In minor units.")] = None,
    sort: Sort = "relevance",
    limit: Annotated[int, Parameter(ge=1, le=100)] = 20,
    offset: Annotated[int, Parameter(ge=0, le=10_000)] = 0,
    location: Annotated[str, Parameter(max_length=120, description="The store that was chosen.")] = "",
    market: Annotated[str, Parameter(max_length=40)] = "",
    facets: Annotated[Literal["yes", "no"], Parameter(description="Whether facets are counted.")] = "yes",
) -> FoundShown:  # fmt: skip
    """Products that fit, best first: slips of the finger are forgiven in words, never in codes and numbers."""
    with db.read() as conn:
        code = currency.upper() or workspace_of(conn, principal.workspace).settings.currency
        filters = Filters(_filters(only or []), code, price_min, price_max)
        question = Question(
            query=typed, filters=filters, sort=sort, limit=limit, offset=offset, wants_facets=facets == "yes"
        )  # fmt: skip
        return find(conn, principal.workspace, question, now=now_us(), location=location, market=market)


@get("/products/{product_id:str}", permission="catalog:read", tags=["catalogue"], sync_to_thread=True)
def get_product(
    db: Database,
    principal: Principal,
    product_id: Annotated[str, Parameter(max_length=120)],
    market: Annotated[str, Parameter(max_length=40, description="Whose price is shown.")] = "",
) -> ProductShown:
    """A product with its variants, prices, what they were before a reduction, media, attributes and relations."""
    with db.read() as conn:
        return find_shown(conn, principal.workspace, product_id, now=now_us(), market=market)


@post("/products", permission="catalog:write", status_code=200, tags=["catalogue"], sync_to_thread=True)
def state_products(
    principal: Principal, appender: Appender, vocabulary: Vocabulary, data: ProductsSaid
) -> ProductsAccepted:
    """State products in whole, at most 200. Once answered they are in the log; the same ones again change nothing."""
    now = now_us()
    at = now if data.stated_at is None else read_moment(data.stated_at)
    if at is None:
        raise InvalidInput(f"stated_at {data.stated_at!r} is no moment", hint="such as 2026-11-20T10:00:00Z")
    said = [msgspec.to_builtins(one) for one in data.products]
    appender.append_sync([_row(principal, vocabulary, PRODUCT_STATED, one, at=at, now=now) for one in said])
    return ProductsAccepted(accepted=len(said))


@delete(
    "/products/{product_id:str}", permission="catalog:write", status_code=200, tags=["catalogue"], sync_to_thread=True
)
def withdraw_product(
    principal: Principal, appender: Appender, vocabulary: Vocabulary,
    product_id: Annotated[str, Parameter(max_length=120)],
) -> ProductsAccepted:  # fmt: skip
    """Say that a product is not sold any more: it is found, shown and recommended nowhere until it is stated again."""
    now = now_us()
    said = {"product_id": product_id}
    appender.append_sync([_row(principal, vocabulary, PRODUCT_WITHDRAWN, said, at=now, now=now)])
    return ProductsAccepted(accepted=1)


@put(
    "/products/{product_id:str}/picture", permission="catalog:write", tags=["catalogue"],
    request_max_body_size=MOST_BYTES + 100_000,
)  # fmt: skip
async def picture_product(
    request: Request[Any, Any, Any], principal: Principal, appender: Appender, vocabulary: Vocabulary,
    product_id: Annotated[str, Parameter(max_length=120)],
    picture: Annotated[str, Parameter(max_length=120, description="Which of its pictures; empty: the only one.")] = "",
) -> ProductsAccepted:  # fmt: skip
    """Say what a picture of a product looks like, so that it is found by a photo. The picture itself is not kept.

    The body is the picture, or a form with one file.
    """
    look = await anyio.to_thread.run_sync(look_of, await _picture(request))
    said = {"product_id": product_id, "picture": picture, "look": text_of(look)}
    now = now_us()
    row = _row(principal, vocabulary, PRODUCT_PICTURED, said, at=now, now=now)
    await anyio.to_thread.run_sync(appender.append_sync, [row])
    return ProductsAccepted(accepted=1)


@post(
    "/products/similar", permission="catalog:read", status_code=200, tags=["catalogue"],
    request_max_body_size=MOST_BYTES + 100_000,
)  # fmt: skip
async def find_similar(
    request: Request[Any, Any, Any], db: Database, principal: Principal,
    limit: Annotated[int, Parameter(ge=1, le=100)] = 12,
) -> AlikeShown:  # fmt: skip
    """Products that look like this photo: the body is a JPEG, PNG, WebP or GIF, or a form with one file."""
    photo = await _picture(request)
    return await anyio.to_thread.run_sync(_similar, db, principal, photo, limit)


def _similar(db: Database, principal: Principal, photo: bytes, limit: int) -> AlikeShown:
    look = look_of(photo)
    with db.read() as conn:
        return find_alike(conn, principal.workspace, look, limit=limit, now=now_us())


async def _picture(request: Request[Any, Any, Any]) -> bytes:
    """The body, or the first file of a form. Raises InvalidInput where there is none."""
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        for value in (await request.form()).values():
            if isinstance(value, UploadFile):
                return await value.read()
        raise InvalidInput("the form holds no file", hint="send the picture as the body, or as a file of the form")
    body = await request.body()
    if not body:
        raise InvalidInput("there is no picture", hint="send it as the body, or as a file of a form")
    return body


def _row(
    principal: Principal, vocabulary: Vocabulary, name: str, said: dict[str, Any], *, at: int, now: int
) -> LogRow:  # fmt: skip
    digest = blake2b(msgspec.json.encode([name, at, said], order="sorted"), digest_size=16).hexdigest()
    return own_fact(
        principal.workspace, name=name, id=f"catalog-{digest}", occurred_at=at, received_at=now, properties=said,
        vocabulary=vocabulary,
    )  # fmt: skip


def _filters(stated: list[str]) -> dict[str, tuple[str, ...]]:
    """Raises InvalidInput for one that names nothing."""
    found: dict[str, tuple[str, ...]] = {}
    for one in stated:
        name, colon, value = one.partition(":")
        if not (colon and name.strip() and value.strip()):
            raise InvalidInput(f"the filter {one[:60]!r} has no name and value", hint="such as filter=brand:Antinori")
        key = name.strip().lower()
        found[key] = (*found.get(key, ()), value.strip())
    return found


ROUTES = (find_products, get_product, state_products, withdraw_product, picture_product, find_similar)
