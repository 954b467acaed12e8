"""Stating what campaigns cost: by the API, or typed in the console, one way for both."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.capabilities.acquisition.facts import COST
from rapport.capabilities.acquisition.model import COSTS_A_FACT, day_read
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.collect.own import own_fact
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.money import UNKNOWN_CURRENCY, why_unread
from rapport.remember import inputs

__all__ = ["CostStated", "state"]

Counted = Annotated[int, Meta(ge=0, le=10**12)]


class CostStated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a campaign cost on one day."""

    campaign: Annotated[str, Meta(min_length=1, max_length=120)]
    """Its name as links carry it (`utm_campaign`)."""
    day: Annotated[str, Meta(max_length=10)]
    """Such as 2026-11-20, as the platform calls it."""
    cost: Annotated[str, Meta(max_length=40)] | Annotated[float, Meta(ge=0)] | int
    """An amount of the currency, not minor units."""
    currency: Annotated[str, Meta(max_length=40)] | None = None
    """ISO 4217; the shop's where it is left out."""
    platform: Annotated[str, Meta(max_length=120)] = ""
    """Where it ran; tells two campaigns of one name apart."""
    clicks: Counted | None = None
    impressions: Counted | None = None


def state(
    appender: Appender, vocabulary: Vocabulary, workspace: WorkspaceId, said: list[CostStated], *, currency: str
) -> int:
    """Put the costs into the log, at most `COSTS_A_FACT`; said again they are the last word. Returns how many.

    Raises InvalidInput, naming the first that cannot be read, and states none of them then.
    """
    for number, one in enumerate(said[: COSTS_A_FACT + 1], start=1):
        _check(one, number, currency)
    plain = msgspec.to_builtins(said)
    now = now_us()
    # A cost that is put right and then put back is three statements, not two: the moment is part of the name.
    digest = blake2b(msgspec.json.encode([plain, now], order="sorted"), digest_size=16).hexdigest()
    row = own_fact(
        workspace, name=COST, id=f"acquisition-{digest}", occurred_at=now, received_at=now,
        properties={"costs": plain}, vocabulary=vocabulary,
    )  # fmt: skip
    appender.append_sync([row])
    return len(said)


def _check(one: CostStated, number: int, currency: str) -> None:
    if day_read(one.day) is None:
        raise InvalidInput(f"day {one.day[:20]!r} of cost {number} is no day", hint="write it as 2026-11-20")
    code = inputs.stated_currency({"currency": one.currency}) or currency
    if code == UNKNOWN_CURRENCY:
        raise InvalidInput(f"currency {str(one.currency)[:20]!r} of cost {number} is not known", hint="such as EUR")
    minor = inputs.amount(one.cost, code)
    if minor is None or minor < 0:
        reason = "it is below 0" if minor is not None else why_unread(one.cost, code)
        raise InvalidInput(
            f"cost {str(one.cost)[:20]!r} of cost {number} is no cost: {reason}", hint="an amount from 0 up"
        )
    if not (inputs.text(one.campaign, 120) or ""):
        raise InvalidInput(f"cost {number} names no campaign", hint="its name as utm_campaign carries it")
