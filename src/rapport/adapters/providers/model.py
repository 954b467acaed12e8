"""The providers, and a webhook as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

__all__ = ["PROVIDERS", "Delivery", "Provider"]

Provider = Literal["ses", "mailgun", "sendgrid", "twilio", "meta"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)


class Delivery(NamedTuple):
    """A webhook as it came."""

    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    """As it was sent."""
    url: str
    """The address it was sent to, as the sender knows it, with its query."""
