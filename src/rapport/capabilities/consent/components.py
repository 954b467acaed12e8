"""`GET /components/consent/choices?key=…`: what `<rapport-consent>` asks in a shop's own pages, by the write key.

It holds the policy's public side alone: which purposes are the visitor's to decide, in words, and what holds before.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.params import Parameter

from rapport.capabilities.consent.model import FREE, PurposeRule
from rapport.capabilities.consent.service import policies_of
from rapport.collect.sources import id_of_key
from rapport.kernel.clock import now_us
from rapport.kernel.moments import read_moment
from rapport.storage.engine import Database
from rapport.web.shoppers import Shopper

__all__ = ["COMPONENTS"]

OFTEN = 600


class PurposePublic(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a visitor decides."""

    name: str
    text: str
    """What they are asked, in the language of the answer."""
    called: list[str]
    """All names under which an answer may stand, in small letters."""
    before_answer: bool
    """Whether it is allowed until they refuse."""
    signal_denies: bool
    """Whether Global Privacy Control is a refusal of it."""
    asked_anew_at: int | None
    """Answers from before this time (milliseconds since 1970) no longer count."""


class ChoicesPublic(msgspec.Struct, frozen=True, kw_only=True):
    """What visitors of a country are asked."""

    wording: str
    """What the texts are called: the policy and its version, and stays with each answer."""
    language: str
    purposes: list[PurposePublic]


@get("/choices", opened_by="write_key", a_minute=OFTEN, sync_to_thread=True)
def choices_component(
    request: Request[Any, Any, Any],
    db: Database,
    shopper: Shopper,
    country: Annotated[str, Parameter(max_length=2)] = "",
    lang: Annotated[str, Parameter(max_length=35)] = "en",
) -> Response[bytes]:
    """The purposes of the policy for this country, else for the source of this key, that are theirs to decide."""
    with db.read() as conn:
        kept = policies_of(conn, shopper.workspace)
        asks = kept.policies.ask_sources
        source = id_of_key(conn, request.query_params.get("key", ""), now=now_us()) if asks else ""
    policy = kept.policies.holding_for(country.upper(), source)
    rules = {name: rule for name, rule in policy.purposes.items() if rule.basis in FREE}
    language = _language(rules, lang)
    shown = ChoicesPublic(
        wording=f"{policy.name}-{kept.version}",
        language=language,
        purposes=[
            PurposePublic(
                name=name, text=rule.wording.get(language) or rule.wording.get("en") or rule.title,
                called=sorted(policy.names(name)), before_answer=rule.before_answer == "granted",
                signal_denies=rule.signal_denies, asked_anew_at=_milliseconds(rule),
            )
            for name, rule in rules.items()
        ],
    )  # fmt: skip
    return Response(msgspec.json.encode(shown), media_type="application/json", headers={"Cache-Control": "max-age=60"})


def _language(rules: dict[str, PurposeRule], wanted: str) -> str:
    """The language of the policy that comes closest to the one that is wanted: that, its root, or English."""
    there = {language for rule in rules.values() for language in rule.wording}
    tags = (wanted, wanted.lower(), wanted.replace("_", "-").partition("-")[0].lower())
    return next((tag for tag in tags if tag in there), "en")


def _milliseconds(rule: PurposeRule) -> int | None:
    at = read_moment(rule.asked_anew_at) if rule.asked_anew_at else None
    return None if at is None else at // 1000


COMPONENTS = (choices_component,)
