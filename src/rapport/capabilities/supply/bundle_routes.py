"""`/api/v1/bundles`: products that are others together, and so share their stock."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.supply import store
from rapport.capabilities.supply.bundles import MOST_PARTS, Part
from rapport.capabilities.supply.stating import Made
from rapport.capabilities.supply.stating import state_bundles as state_all
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES"]

Short = Annotated[str, Meta(min_length=1, max_length=120)]


class PartStated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """So many pieces of a product are in it."""

    product_id: Short
    variant: Annotated[str, Meta(max_length=120)] = ""
    """Empty: any of its variants."""
    quantity: Annotated[int, Meta(ge=1, le=10_000)] = 1


class BundleStated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a product is made of."""

    product_id: Short
    parts: Annotated[list[PartStated], Meta(max_length=MOST_PARTS)]
    """Empty: it is a bundle no more."""


class BundlesStated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bundles as they are from now on."""

    bundles: Annotated[list[BundleStated], Meta(min_length=1, max_length=200)]


class BundlesAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """They are in the log; they hold within a second."""

    accepted: int


class BundleShown(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle, with what is in it."""

    product_id: str
    parts: list[PartStated]
    stated_at: str


class BundlesShown(msgspec.Struct, frozen=True, kw_only=True):
    """Bundles by the ids of their products."""

    bundles: list[BundleShown]
    next: str | None
    """What `after` is for the page behind; null where there is none."""


@post("/bundles", permission="supply:write", status_code=200, tags=["supply"], sync_to_thread=True)
def state_bundles(
    principal: Principal, appender: Appender, vocabulary: Vocabulary, data: BundlesStated
) -> BundlesAccepted:
    """State what bundles are made of, all of them or none. A place has as many of one as its parts there allow."""
    made = [
        Made(one.product_id, [Part(part.product_id, part.variant, part.quantity) for part in one.parts])
        for one in data.bundles
    ]
    state_all(principal.workspace, appender, vocabulary, made, now=now_us())
    return BundlesAccepted(accepted=len(data.bundles))


@get("/bundles", permission="supply:read", tags=["supply"], sync_to_thread=True)
def list_bundles(
    db: Database,
    principal: Principal,
    part: Annotated[str, Parameter(max_length=120, description="Only bundles that this product is a part of.")] = "",
    after: Annotated[str, Parameter(max_length=120)] = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 100,
) -> BundlesShown:
    """What bundles are made of."""
    with db.read() as conn:
        found = store.bundles_after(conn, principal.workspace, after, limit=limit + 1, part=part)
    shown = [
        BundleShown(
            product_id=one.product_id, stated_at=to_iso(one.stated_at),
            parts=[PartStated(product_id=p.product_id, variant=p.variant, quantity=p.pieces) for p in one.parts],
        )
        for one in found[:limit]
    ]  # fmt: skip
    return BundlesShown(bundles=shown, next=shown[-1].product_id if len(found) > limit else None)


ROUTES = (state_bundles, list_bundles)
