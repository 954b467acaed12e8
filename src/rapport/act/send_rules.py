"""What slices have to say to a message at the moment of delivery: let it go, hold it, or hold it back for good."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection

from rapport.act.channels import Outgoing
from rapport.kernel.clock import MINUTE
from rapport.kernel.work import Purpose
from rapport.storage.engine import Database

__all__ = ["AFTER_FAILURE", "Drop", "Hold", "SendRule", "Verdict", "verdicts"]

AFTER_FAILURE = 5 * MINUTE
"""A message is held for so long when a rule could not be asked."""

_logger = logging.getLogger(__name__)


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Not now: the message is due again at this time, and all rules are asked again then."""

    until: int
    reason: str


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """Not at all."""

    reason: str
    """In words, shown where deliveries are shown; nothing of the message."""


Verdict: TypeAlias = Hold | Drop


class SendRule(msgspec.Struct, frozen=True, kw_only=True):
    """Asked about every message it applies to, each time one is about to be delivered. One that raises lets none go."""

    name: str
    title: str
    ask: Callable[[Connection, Sequence[Outgoing], int], Mapping[str, Verdict]]
    """Given all messages of one claim, of any shop, and the time: by message id what is against it. Who is missing may
    go. Reads only; what lies in wait at another worker it does not see.
    """
    purposes: tuple[Purpose, ...] = ()
    """Where it applies; empty is every purpose."""
    channels: tuple[str, ...] = ()
    """Where it applies; empty is every channel."""


def verdicts(db: Database, rules: Iterable[SendRule], messages: Sequence[Outgoing], *, now: int) -> dict[str, Verdict]:
    """By message id what stands against delivering it now; who may go is missing.

    Each rule is asked once for all messages, in a snapshot of its own. To drop weighs more than to hold, and of several
    holds the longest counts. A rule that raises holds what it was asked about, with the error's name as the reason.
    """
    against: dict[str, Verdict] = {}
    for rule in rules:
        asked = [m for m in messages if _applies(rule, m) and not isinstance(against.get(m.id), Drop)]
        if not asked:
            continue
        try:
            with db.read() as conn:
                said: Mapping[str, Verdict] = dict(rule.ask(conn, asked, now))
        except Exception as error:  # a slice's bug, or its table out of reach, is not a yes
            _logger.exception("the send rule %s failed", rule.name)
            held = Hold(until=now + AFTER_FAILURE, reason=f"{rule.title}: {type(error).__name__}")
            said = {message.id: held for message in asked}
        for message in asked:
            verdict = said.get(message.id)
            if verdict is not None:
                against[message.id] = _stronger(against.get(message.id), verdict)
    return against


def _applies(rule: SendRule, message: Outgoing) -> bool:
    return (not rule.purposes or message.purpose in rule.purposes) and (
        not rule.channels or message.channel in rule.channels
    )


def _stronger(one: Verdict | None, other: Verdict) -> Verdict:
    if isinstance(one, Hold) and isinstance(other, Hold):
        return max(one, other, key=lambda hold: hold.until)
    return other
