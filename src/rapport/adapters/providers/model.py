"""The providers, and a webhook as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

__all__ = ["PROVIDERS", "TITLES", "Delivery", "Provider"]

Provider = Literal["ses", "mailgun", "sendgrid", "twilio", "meta"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
TITLES: Mapping[Provider, str] = {
    "ses": "Amazon SES", "mailgun": "Mailgun", "sendgrid": "SendGrid", "twilio": "Twilio", "meta": "Meta (WhatsApp)",
}  # fmt: skip
"""How they call themselves."""


class Delivery(NamedTuple):
    """A webhook as it came."""

    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    """As it was sent."""
    url: str
    """The address it was sent to, as the sender knows it, with its query."""
