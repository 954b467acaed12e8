"""Where a shopper has a fresh link to their preferences and their data sent. The answer is the same for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from rapport.capabilities.messages.service.confirming import send_link
from rapport.kernel.clock import now_us
from rapport.storage.engine import Database
from rapport.web.shoppers import Shopper, render_page

__all__ = ["SHOP"]

AnyRequest = Request[Any, Any, Any]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Your preferences and your data", "lead": "We send you a link that opens them for an hour.",
        "address": "E-mail address", "send": "Send me the link",
        "sent": "If we know this address, the link is on its way to it.",
    },
    "de": {
        "title": "Ihre Einstellungen und Ihre Daten",
        "lead": "Wir senden Ihnen einen Link, der sie eine Stunde öffnet.",
        "address": "E-Mail-Adresse", "send": "Link senden",
        "sent": "Wenn wir diese Adresse kennen, ist der Link unterwegs.",
    },
}  # fmt: skip
_LANGUAGES = tuple(_WORDS)


@get("/link", opened_by="public", languages=_LANGUAGES, sync_to_thread=True)
def link_page(request: AnyRequest, shopper: Shopper) -> Response[str]:
    """Ask for the address."""
    return _show(request, shopper, sent=False)


@post("/link", opened_by="public", languages=_LANGUAGES, status_code=200, a_minute=6, sync_to_thread=True)
def send_page(request: AnyRequest, db: Database, shopper: Shopper, data: Form) -> Response[str]:
    """Send it, if there is somebody to send it to."""
    with db.write() as conn:
        send_link(conn, shopper.workspace, data.get("address", "")[:300].replace("\0", ""), now=now_us())
    return _show(request, shopper, sent=True)


SHOP = (link_page, send_page)


def _show(request: AnyRequest, shopper: Shopper, *, sent: bool) -> Response[str]:
    return render_page(
        request, "messages/link.html", shopper, words=_WORDS[shopper.language], sent=sent,
        shop=request.query_params.get("shop", "")[:60],
    )  # fmt: skip
