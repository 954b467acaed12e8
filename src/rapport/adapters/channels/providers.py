"""What each provider of SMS and WhatsApp is asked, and what its answers mean. Pure; one function for each of both.

**Sources:** the providers' API references as of 2026: Twilio "Messages resource" and "Error and Warning Dictionary",
Vonage "SMS API" and its "Send SMS Response codes", Meta "Cloud API: Messages" and "Error codes".
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from rapport.act.channels import Delivered
from rapport.adapters.channels.connecting import Answer
from rapport.capabilities.messages.model import WHATSAPP
from rapport.capabilities.messages.service.composing import Approved
from rapport.capabilities.messages.service.providers import Provider

__all__ = ["ASKING", "READING", "Text", "Wanted", "outcome"]


class Wanted(NamedTuple):
    """A request to a provider."""

    url: str
    content: bytes
    headers: Mapping[str, str]


class Text(NamedTuple):
    """What is to be sent."""

    to: str
    text: str
    reference: str
    """Ours, by which the provider tells what became of it."""
    approved: Approved | None = None
    callback: str = ""
    """Where it tells that; empty: nowhere."""


def _form(url: str, fields: Mapping[str, str], **headers: str) -> Wanted:
    return Wanted(url, urlencode(fields).encode(), {"content-type": "application/x-www-form-urlencoded", **headers})


def _twilio(one: Provider, channel: str, text: Text) -> Wanted:
    prefix = "whatsapp:" if channel == WHATSAPP else ""
    key = base64.b64encode(f"{one.account}:{one.secret}".encode()).decode()
    fields = {"To": prefix + text.to, "From": prefix + one.sender}
    if text.approved is not None:
        variables = {str(number): value for number, value in enumerate(text.approved.values, 1)}
        fields |= {"ContentSid": text.approved.content_sid, "ContentVariables": msgspec.json.encode(variables).decode()}
    else:
        fields["Body"] = text.text
    if text.callback:
        fields["StatusCallback"] = text.callback
    url = f"{one.url}/2010-04-01/Accounts/{quote(one.account, safe='')}/Messages.json"
    return _form(url, fields, authorization=f"Basic {key}")


def _vonage(one: Provider, channel: str, text: Text) -> Wanted:
    kind = "text" if text.text.isascii() else "unicode"
    fields = {"api_key": one.account, "api_secret": one.secret, "from": one.sender.lstrip("+"),
              "to": text.to.lstrip("+"), "text": text.text, "type": kind, "client-ref": text.reference}  # fmt: skip
    return _form(f"{one.url}/sms/json", fields)


def _meta(one: Provider, channel: str, text: Text) -> Wanted:
    said: dict[str, Any] = {"type": "text", "text": {"body": text.text}}
    if text.approved is not None:
        values = [{"type": "text", "text": value} for value in text.approved.values]
        template = {"name": text.approved.name, "language": {"code": text.approved.language},
                    "components": [{"type": "body", "parameters": values}] if values else []}  # fmt: skip
        said = {"type": "template", "template": template}
    body = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": text.to.lstrip("+"), **said,
            "biz_opaque_callback_data": text.reference}  # fmt: skip
    url = f"{one.url}/v21.0/{quote(one.account, safe='')}/messages"
    headers = {"content-type": "application/json", "authorization": f"Bearer {one.secret}"}
    return Wanted(url, msgspec.json.encode(body), headers)


ASKING: Mapping[str, Callable[[Provider, str, Text], Wanted]] = {
    "twilio": _twilio, "vonage": _vonage, "meta": _meta,
}  # fmt: skip
"""By provider: the request that sends a text to a number by a channel."""


def _read_twilio(answer: Answer, said: Any) -> Delivered | None:
    code = said.get("code")
    if code in (21211, 21214, 21217, 21614):
        return Delivered(result="dead", detail=f"5.1.1 no number that can be sent to ({code})")
    if code == 21610:
        return Delivered(result="dead", detail="the number has said stop (21610)")
    if code == 63049:
        return Delivered(result="dead", detail="WhatsApp: they get no more news from anybody for now (63049)")
    if code == 63016:
        return Delivered(result="dead", detail="WhatsApp: after 24 hours without a word only its own templates (63016)")
    return Delivered(result="delivered", detail="taken") if answer.status == 201 and said.get("sid") else None


_VONAGE = {"1": "retry", "5": "retry", "10": "retry"}


def _read_vonage(answer: Answer, said: Any) -> Delivered | None:
    parts = said.get("messages")
    if answer.status != 200 or not isinstance(parts, list) or not parts:
        return None
    codes = [str(part.get("status")) if isinstance(part, dict) else "" for part in parts]
    bad = next((code for code in codes if code != "0"), None)
    if bad is None:
        return Delivered(result="delivered", detail="taken")
    if bad in _VONAGE and codes[0] == bad:  # of several parts the first went: another try would send it twice
        return Delivered(result="retry", detail=f"not now (status {bad})")
    words = {"6": "5.1.1 no number that can be sent to", "7": "the number is barred"}.get(bad, "refused")
    return Delivered(result="dead", detail=f"{words} (status {bad})")


_META: Mapping[object, str] = {
    131026: "5.1.1 no number on WhatsApp", 131047: "WhatsApp: after 24 hours without a word only its own templates",
    131049: "WhatsApp: they get no more news from anybody for now", 131050: "the number has said stop",
}  # fmt: skip


def _read_meta(answer: Answer, said: Any) -> Delivered | None:
    if answer.status == 200 and said.get("messages"):
        return Delivered(result="delivered", detail="taken")
    error = said.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code in _META:
        return Delivered(result="dead", detail=f"{_META[code]} ({code})")
    if code in (4, 80007, 130429, 131056):
        return Delivered(result="retry", detail=f"too many at once ({code})", retry_after_seconds=60)
    return None


READING: Mapping[str, Callable[[Answer, Any], Delivered | None]] = {
    "twilio": _read_twilio, "vonage": _read_vonage, "meta": _read_meta,
}  # fmt: skip
"""By provider: what its answer means; None where only the status tells."""


def outcome(provider: str, answer: Answer) -> Delivered:
    """What a provider's answer means: taken, not now, or never. Its words are not kept: they may hold a number."""
    try:
        said = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = {}
    found = READING[provider](answer, said if isinstance(said, dict) else {})
    if found is not None:
        return found
    if answer.status == 429 or answer.status >= 500:
        wait = answer.headers.get("retry-after", "")
        seconds = min(float(wait), 86_400.0) if wait.isdecimal() else 0.0
        return Delivered(result="retry", detail=f"answered {answer.status}", retry_after_seconds=seconds)
    if answer.status in (401, 403):
        why = f"the provider refuses the account or its secret ({answer.status})"
        return Delivered(result="retry", detail=why, retry_after_seconds=600)
    return Delivered(result="dead", detail=f"refused: answered {answer.status}")
