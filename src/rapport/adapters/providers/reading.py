"""What a delivery of each provider says of messages. Pure; whatever comes may be of any type, and is left out then.

**Sources**, as of 2026: Amazon SES "Contents of event data published to Amazon SNS"; Mailgun "Events"; SendGrid "Event
Webhook Reference"; Twilio "Message status callbacks" and "Error Dictionary"; Meta "Cloud API: Webhooks".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from rapport.adapters.providers.model import Delivery, Provider
from rapport.capabilities.messages.service.outcomes import Feedback
from rapport.capabilities.messages.service.replies import Reply
from rapport.kernel.clock import SECOND
from rapport.kernel.errors import InvalidInput
from rapport.kernel.moments import read_moment

__all__ = ["Heard", "read"]

Kind = Literal["delivered", "bounced", "complained", "opened", "clicked", "unsubscribed"]
Said = Mapping[str, Any]

_OURS = re.compile(r"msg_[0-9a-z]{26}")
_MACHINES = re.compile(
    r"bot\b|crawl|spider|preview|scanner|proofpoint|mimecast|barracuda|safelinks|googleimageproxy|yahoomailproxy|"
    r"python-|curl/|go-http-client|headless",
    re.IGNORECASE,
)
_NO_NUMBER = frozenset({"21211", "21614", "30005", "30006", "63003", "63024", "131026"})
"""No such number, a landline, none on WhatsApp."""
_STOPPED = frozenset({"21610", "131050"})
"""The number's owner told the provider to stop."""


class Heard(NamedTuple):
    """What a delivery says."""

    feedback: tuple[Feedback, ...] = ()
    replies: tuple[Reply, ...] = ()
    confirm: str = ""
    """An address to call so that more comes: Amazon SNS asks for it once."""


def read(provider: Provider, sent: Delivery, *, account: str = "") -> Heard:
    """What it says. Raises InvalidInput for what nobody can read; what is of no message of ours says nothing.

    `account` is the id of the shop's number at Meta: one app tells of several numbers, those of other shops too.
    """
    return _meta(sent, account) if provider == "meta" else _READERS[provider](sent)


def _ses(sent: Delivery) -> Heard:
    outer = _json(sent.body)
    if outer.get("Type") == "SubscriptionConfirmation":
        return Heard(confirm=_text(outer.get("SubscribeURL"), 2_000))
    told = _json(_text(outer.get("Message"), 500_000).encode())
    mail = _table(told.get("mail"))
    ident = _ses_id(mail)
    kind = told.get("eventType") or told.get("notificationType")
    reader = _SES.get(str(kind))
    found = reader(told) if reader is not None else None
    return Heard(tuple(_feedback(ident, found, _moment(_table(told.get(str(kind).lower())).get("timestamp")))))


def _ses_id(mail: Said) -> str:
    """Amazon gives mails ids of its own; ours stands among the headers that it hands back."""
    for one in _tables(mail.get("headers")):
        if _text(one.get("name")).lower() == "message-id":
            return _text(one.get("value"))
    return _text(_table(mail.get("commonHeaders")).get("messageId"))


_Found = tuple[Kind, str, bool] | None


def _ses_bounce(told: Said) -> _Found:
    bounce = _table(told.get("bounce"))
    each = bounce.get("bouncedRecipients")
    first = _table(each[0]) if isinstance(each, list) and each else {}
    detail = f"{_text(first.get('status'), 20)} {_text(first.get('diagnosticCode'))}".strip()
    if not re.search(r"[245]\.\d+\.\d+", detail) and bounce.get("bounceType") == "Permanent":
        detail = f"5.1.1 {detail}".strip()
    return "bounced", detail or "4.0.0", False


def _ses_complaint(told: Said) -> _Found:
    complaint = _table(told.get("complaint"))
    if complaint.get("complaintFeedbackType") == "not-spam":
        return None
    return "complained", _text(complaint.get("complaintFeedbackType")), False


def _ses_subscription(told: Said) -> _Found:
    wanted = _table(_table(told.get("subscription")).get("newTopicPreferences"))
    return ("unsubscribed", "", False) if wanted.get("unsubscribeAll") is True else None


_SES: Mapping[str, Callable[[Said], _Found]] = {
    "Delivery": lambda told: ("delivered", _text(_table(told.get("delivery")).get("smtpResponse")), False),
    "Bounce": _ses_bounce,
    "Complaint": _ses_complaint,
    "Open": lambda told: ("opened", "", _is_machine(_table(told.get("open")).get("userAgent"))),
    "Click": lambda told: ("clicked", "", _is_machine(_table(told.get("click")).get("userAgent"))),
    "Subscription": _ses_subscription,
}


def _mailgun(sent: Delivery) -> Heard:
    told = _table(_json(sent.body).get("event-data"))
    status = _table(told.get("delivery-status"))
    client = _table(told.get("client-info"))
    machine = bool(_text(client.get("bot"))) or _is_machine(client.get("user-agent"))
    words = " ".join(str(status.get(name) or "") for name in ("code", "enhanced-code", "message", "description"))
    found: _Found = None
    match told.get("event"):
        case "delivered":
            found = ("delivered", words, False)
        case "failed" if told.get("severity") != "temporary":  # one that is tried again is no bounce yet
            found = ("bounced", words, False)
        case "opened" | "clicked" as kind:
            found = (kind, "", machine)
        case "complained" | "unsubscribed" as kind:
            found = (kind, "", kind == "unsubscribed" and machine)
    ident = _text(_table(_table(told.get("message")).get("headers")).get("message-id"))
    return Heard(tuple(_feedback(ident, found, _seconds(told.get("timestamp")))))


_SENDGRID: Mapping[str, Kind] = {
    "delivered": "delivered", "bounce": "bounced", "open": "opened", "click": "clicked", "spamreport": "complained",
    "unsubscribe": "unsubscribed", "group_unsubscribe": "unsubscribed",
}  # fmt: skip


def _sendgrid(sent: Delivery) -> Heard:
    try:
        events = msgspec.json.decode(sent.body, type=list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidInput("the delivery is no list of events") from None
    several: list[Feedback] = []
    for told in events[:5_000]:
        kind = _SENDGRID.get(str(told.get("event")))
        words = f"{_text(told.get('status'), 20)} {_text(told.get('reason') or told.get('response'))}".strip()
        machine = told.get("sg_machine_open") is True or (
            kind in ("opened", "clicked") and _is_machine(told.get("useragent"))
        )
        ident = _text(told.get("rapport_message")) or _text(told.get("smtp-id"))
        found: _Found = None if kind is None else (kind, words, machine)
        several += _feedback(ident, found, _seconds(told.get("timestamp")))
    return Heard(tuple(several))


def _twilio(sent: Delivery) -> Heard:
    try:
        fields = {name: values[0] for name, values in parse_qs(sent.body.decode(), max_num_fields=500).items()}
        named = parse_qs(urlsplit(sent.url).query).get("message", [""])[0]
    except (UnicodeDecodeError, ValueError):
        raise InvalidInput("the delivery is no form") from None
    status, code = fields.get("MessageStatus", ""), fields.get("ErrorCode", "")
    if not status:
        by, _, number = fields.get("From", "").rpartition(":")
        said = "STOP" if fields.get("OptOutType") == "STOP" else fields.get("Body") or fields.get("ButtonText") or ""
        return Heard(replies=_replies("whatsapp" if by else "sms", number, said, fields.get("MessageSid", ""), 0))
    found: _Found = None
    if status in ("delivered", "read"):
        found = ("delivered" if status == "delivered" else "opened", "", False)
    elif status in ("undelivered", "failed"):
        found = _not_delivered(code)
    return Heard(tuple(_feedback(named, found, 0)))


def _meta(sent: Delivery, account: str) -> Heard:
    feedback: list[Feedback] = []
    replies: list[Reply] = []
    for value in _meta_values(_json(sent.body)):
        for told in _tables(value.get("statuses")):
            errors = _tables(told.get("errors"))
            found: _Found = None
            if told.get("status") in ("delivered", "read"):
                found = ("delivered" if told["status"] == "delivered" else "opened", "", False)
            elif told.get("status") == "failed":
                found = _not_delivered(str(errors[0].get("code", "")) if errors else "")
            feedback += _feedback(
                _text(told.get("biz_opaque_callback_data")), found, _seconds(told.get("timestamp"))
            )  # fmt: skip
        if not account or _text(_table(value.get("metadata")).get("phone_number_id")) != account:
            continue  # what became of messages is known by our ids; whom an answer is to, by the number alone
        for told in _tables(value.get("messages")):
            pressed = _table(_table(told.get("interactive")).get("button_reply")).get("title")
            said = _table(told.get("text")).get("body") or _table(told.get("button")).get("text") or pressed
            number = f"+{_text(told.get('from'), 20)}"
            replies += _replies(
                "whatsapp", number, _text(said), _text(told.get("id"), 90), _seconds(told.get("timestamp"))
            )
    return Heard(tuple(feedback), tuple(replies))


def _meta_values(body: Said) -> Iterator[Said]:
    for entry in _tables(body.get("entry")):
        for change in _tables(entry.get("changes")):
            yield _table(change.get("value"))


def _not_delivered(code: str) -> _Found:
    """Why a text did not arrive, by the provider's code, which is kept."""
    if code in _STOPPED:
        return "unsubscribed", f"the number has said stop ({code})", False
    if code in _NO_NUMBER:
        return "bounced", f"5.1.1 no number that can be sent to ({code})", False
    return "bounced", f"4.0.0 not delivered ({code or 'no reason given'})", False


def _feedback(named: str, found: _Found, at: int) -> Iterator[Feedback]:
    ours = _OURS.search(named)
    if ours is not None and found is not None:
        kind, detail, machine = found
        yield Feedback(id=ours.group(), kind=kind, at=at, detail=detail[:500], machine=machine)


def _replies(channel: Literal["sms", "whatsapp"], number: str, said: str, ident: str, at: int) -> tuple[Reply, ...]:
    if not number or not ident:
        return ()
    return (Reply(channel=channel, sender=number[:40], text=said[:2000], id=ident[:90], at=at),)


def _is_machine(agent: object) -> bool:
    """Mail scanners and proxies say who they are, or nothing at all; Apple's fetches pictures as a bare Mozilla/5.0."""
    words = _text(agent).strip()
    return words in ("", "Mozilla/5.0") or bool(_MACHINES.search(words))


def _json(body: bytes) -> Said:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidInput("the delivery is no JSON object") from None


def _table(value: object) -> Said:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[Said]:
    return [one for one in value[:1000] if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object, longest: int = 400) -> str:
    return value[:longest] if isinstance(value, str) else ""


def _moment(value: object) -> int:
    return (read_moment(value) or 0) if isinstance(value, str) else 0


def _seconds(value: object) -> int:
    """Microseconds of seconds as a number or as text; 0 where it is none."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
    except ValueError:
        return 0
    return int(found * SECOND) if 0 < found < 1e11 else 0


_READERS: Mapping[Provider, Callable[[Delivery], Heard]] = {
    "ses": _ses, "mailgun": _mailgun, "sendgrid": _sendgrid, "twilio": _twilio,
}  # fmt: skip
