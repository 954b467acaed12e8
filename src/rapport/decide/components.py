"""`POST /components/decide/decisions?key=…`: what the shop's own pages ask from the browser, by the write key.

Everybody can read that key. So nobody is named but the browser itself, nothing is looked at but what that browser did,
and the answer holds nothing of the shop's sums: no scores, no odds, no rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from msgspec import Meta

from rapport.decide.asked import MOST_PLACES, Decision, DecisionAsked
from rapport.decide.reasons import LANGUAGES
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.web.shoppers import Shopper

__all__ = ["COMPONENTS"]

A_MINUTE = 300
"""Pages of a shopper ask several times each; one address may be a whole office."""

_HIDDEN = ("score", "odds", "expected")
"""Nobody outside learns what a product leaves the shop."""


class BrowserAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a browser may ask. A customer cannot be named here: anybody could name anybody."""

    placement: Annotated[str, Meta(max_length=100)] | None = None
    placements: Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(min_length=1, max_length=10)] | None = None
    anonymous_id: Annotated[str, Meta(max_length=200)] | None = None
    context: dict[str, Any] = {}
    limit: Annotated[int, Meta(ge=1, le=MOST_PLACES)] = 6
    language: Annotated[str, Meta(max_length=35)] | None = None


_body = msgspec.json.Decoder(BrowserAsked)


@post("/decisions", opened_by="write_key", a_minute=A_MINUTE, languages=LANGUAGES, status_code=200)
async def decide_in_browser(request: Request[Any, Any, Any], shopper: Shopper, decider: Decider) -> Response[bytes]:
    """What to show; each item as a page draws it, with its reasons in the language of the browser."""
    try:  # whatever content type: as plain text a browser asks without a preflight
        asked = _body.decode(await request.body() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"this is no question for a decision: {str(error)[:200]}") from error
    language = asked.language or shopper.language
    whole = DecisionAsked(**msgspec.structs.asdict(msgspec.structs.replace(asked, language=language)))
    made = await decider.decide_all(shopper.workspace, whole, now=now_us(), alone=True)
    shown = [_public(decision) for decision in made.decisions]
    answer: Mapping[str, Any] = shown[0] if asked.placements is None else {"decisions": shown}
    return Response(
        msgspec.json.encode(answer), media_type="application/json", headers={"Cache-Control": "no-store"}
    )  # fmt: skip


def _public(decision: Decision) -> dict[str, Any]:
    items: Iterable[dict[str, Any]] = decision.items
    return {
        "decision_id": decision.decision_id, "placement": decision.placement, "personal": decision.personal,
        "items": [{key: value for key, value in item.items() if key not in _HIDDEN} for item in items],
    }  # fmt: skip


COMPONENTS = (decide_in_browser,)
