"""Whether a delivery comes from the shop: its signature over the body as it was sent, in the way of each system."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256

from rapport.adapters.shops.model import Shop
from rapport.kernel.errors import Unauthenticated

__all__ = ["is_ping", "topic_of", "triggered_at", "verify"]

Headers = Mapping[str, str]
"""By lower-case name."""


def verify(shop: Shop, headers: Headers, body: bytes, secret: bytes) -> None:
    """Raises Unauthenticated where the body was not signed with this secret, and says what was sent instead."""
    _VERIFIERS[shop](headers, body, secret)


def is_ping(shop: Shop, body: bytes) -> bool:
    """WooCommerce asks whether anybody is there before it has anything to say, and signs nothing."""
    return shop == "woocommerce" and body.startswith(b"webhook_id=") and len(body) < 100


def topic_of(shop: Shop, headers: Headers) -> str:
    """What the delivery says it is about; empty where its body does."""
    names = {"shopify": ("shopify-topic", "x-shopify-topic"), "woocommerce": ("x-wc-webhook-topic",),
             "saleor": ("saleor-event", "x-saleor-event"), "medusa": ()}  # fmt: skip
    return next((headers[name][:100] for name in names[shop] if headers.get(name)), "")


def triggered_at(headers: Headers) -> str:
    """When it happened, of deliveries whose body does not say; empty where nothing does."""
    return (headers.get("shopify-triggered-at") or headers.get("x-shopify-triggered-at") or "")[:40]


def _shopify(headers: Headers, body: bytes, secret: bytes) -> None:
    _same(headers.get("shopify-hmac-sha256") or headers.get("x-shopify-hmac-sha256"), _base64(body, secret),
          "X-Shopify-Hmac-Sha256")  # fmt: skip


def _woocommerce(headers: Headers, body: bytes, secret: bytes) -> None:
    _same(headers.get("x-wc-webhook-signature"), _base64(body, secret), "X-WC-Webhook-Signature")


def _saleor(headers: Headers, body: bytes, secret: bytes) -> None:
    sent = headers.get("saleor-signature") or headers.get("x-saleor-signature")
    if sent and sent.count(".") == 2:
        raise Unauthenticated(
            "this is signed by Saleor's own key (JWS), not by a shared secret",
            hint="set the webhook's secretKey in Saleor to the secret of this source",
        )
    _same(_hex(sent), hmac.new(secret, body, sha256).hexdigest(), "Saleor-Signature")


def _medusa(headers: Headers, body: bytes, secret: bytes) -> None:
    sent = headers.get("x-webhook-signature")
    if sent is None and headers.get("authorization", "").startswith("Bearer "):
        _same(headers["authorization"].removeprefix("Bearer ").strip(), secret.decode("latin-1"), "Authorization")
        return
    _same(_hex(sent), hmac.new(secret, body, sha256).hexdigest(), "X-Webhook-Signature")


def _hex(sent: str | None) -> str | None:
    return sent.strip().removeprefix("sha256=").lower() if sent else sent


def _base64(body: bytes, secret: bytes) -> str:
    return base64.b64encode(hmac.new(secret, body, sha256).digest()).decode()


def _same(sent: str | None, wanted: str, header: str) -> None:
    if not sent:
        raise Unauthenticated(f"the delivery is not signed: no {header}", hint="set the webhook's secret in the shop")
    if not hmac.compare_digest(sent.strip().encode("utf-8", "replace"), wanted.encode("utf-8", "replace")):
        raise Unauthenticated(
            f"the signature in {header} is not of this body by the secret of this source",
            hint="is the secret the one of this webhook, and the body passed on as it was sent?",
        )


_VERIFIERS: Mapping[Shop, Callable[[Headers, bytes, bytes], None]] = {
    "shopify": _shopify, "woocommerce": _woocommerce, "saleor": _saleor, "medusa": _medusa,
}  # fmt: skip
