"""A bounced mail read: whose it was and how final it is. **Source:** RFC 3464 (the report), RFC 3463 (the codes)."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message

from rapport.capabilities.messages.model import status_code_of
from rapport.capabilities.messages.service.outcomes import Feedback
from rapport.kernel.errors import InvalidInput

__all__ = ["read_bounce"]

LARGEST = 1_000_000
_DELAYED = "delayed"
"""**Source:** RFC 3464, 2.3.3: not yet delivered or relayed, and still tried."""
_OURS = re.compile(rb"<(msg_[0-9a-z]{26})@")


def read_bounce(body: bytes) -> Feedback:
    """What a delivery report says. Raises InvalidInput for what is none, such as an answer from somebody's holidays."""
    try:
        report = message_from_bytes(body[:LARGEST])
        parts = list(report.walk())
    except (MessageError, ValueError, LookupError) as error:
        raise InvalidInput("this is no mail") from error
    fields = [_fields(part) for part in parts if part.get_content_type() == "message/delivery-status"]
    told = [found for one in fields for found in one]
    statuses = [one for one in told if one[0] != _DELAYED]
    if told and not statuses:
        raise InvalidInput("this mail is only delayed: its server still tries", hint="what becomes of it is told later")
    if not statuses:
        raise InvalidInput(
            "this mail reports no delivery: it holds no message/delivery-status", hint="automatic answers are none"
        )
    named = _OURS.search(body[:LARGEST])
    if named is None:
        raise InvalidInput(
            "this report names no message of ours", hint="it has to carry the headers of the bounced mail"
        )
    action, detail = statuses[0]
    code = status_code_of(detail)
    kind = "delivered" if action in ("delivered", "relayed", "expanded") else "bounced"
    return Feedback(id=named.group(1).decode(), kind=kind, detail=f"{action} {code}".strip())  # type: ignore[arg-type]


def _fields(part: Message) -> list[tuple[str, str]]:
    """(action, status) of each recipient the report is about."""
    found = []
    payload = part.get_payload()
    for block in payload if isinstance(payload, list) else []:
        if not isinstance(block, Message):
            continue
        action, status = str(block.get("Action", "")).strip().lower(), str(block.get("Status", "")).strip()
        if action:
            found.append((action[:20], status[:20]))
    return found
