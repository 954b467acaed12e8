"""Nouns of messages: templates, the person a message is for, the mail it becomes; and rules without I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from rapport.kernel.clock import DAY, SECOND, to_datetime
from rapport.kernel.ids import Key
from rapport.kernel.language import noted

__all__ = [
    "CHANNELS",
    "COMES_BACK",
    "EMAIL",
    "LIMITED",
    "NAME",
    "NOT_OPTED_IN",
    "NO_ADDRESS",
    "NO_NEWS_TO_THE_USA",
    "NO_SHORT_TEXT",
    "OWN_TROUBLE",
    "PUSH",
    "SMS",
    "TITLES",
    "WHATSAPP",
    "WHATSAPP_WINDOW",
    "WINDOW_IS_OVER",
    "Mail",
    "MessagePurpose",
    "Recipient",
    "Template",
    "TemplateText",
    "WhatsAppTemplate",
    "bounce_is_permanent",
    "is_of_the_channel",
    "quiet_until",
    "refusal",
    "status_code_of",
]

EMAIL, SMS, WHATSAPP, PUSH = "email", "sms", "whatsapp", "push"
"""The channels that carry messages to customers."""
CHANNELS = (EMAIL, SMS, WHATSAPP, PUSH)
TITLES = {EMAIL: "E-mail", SMS: "SMS", WHATSAPP: "WhatsApp", PUSH: "Web push"}
"""How people call them."""
NO_ADDRESS = {
    EMAIL: noted("no e-mail address is known"), SMS: noted("no telephone number is known"),
    WHATSAPP: "no telephone number is known", PUSH: noted("no browser of theirs takes notifications"),
}  # fmt: skip
"""By channel: why it does not reach somebody."""

COMES_BACK = noted("messages to this address came back")
NO_SHORT_TEXT = "has no short text"
WINDOW_IS_OVER = noted(
    "WhatsApp: they have not written within 24 hours, and the template names none that Meta approved"
)
NOT_OPTED_IN = noted("WhatsApp: they have neither written nor agreed to be written to")
LIMITED = noted("WhatsApp: they got as much news from all shops as it brings; it is not tried for a day")
NO_NEWS_TO_THE_USA = noted("WhatsApp: it brings no news and offers to numbers of the USA")
WHATSAPP_WINDOW = DAY
"""So long after somebody's last word anything may be answered. **Source:** Meta, "Customer service windows"."""

NAME = re.compile(r"^[a-z][a-z0-9_]{0,59}$")
"""How templates are called."""

MessagePurpose = Literal["transactional", "marketing"]


_Language = Annotated[str, Meta(pattern="^[a-z]{2,3}$")]


class WhatsAppTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template that Meta has approved for the shop's account: what may be said to who has not written for a day."""

    name: Annotated[str, Meta(pattern="^[a-z0-9_]{1,512}$")]
    language: Annotated[str, Meta(pattern="^[a-z]{2,3}(_[A-Z]{2})?$")]
    """As it was approved, such as `de` or `en_US`."""
    variables: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=500)], ...], Meta(max_length=20)] = ()
    """What stands for `{{1}}`, `{{2}}` … of its body, as Liquid."""
    content_sid: Annotated[str, Meta(pattern="^(HX[0-9a-f]{32})?$")] = ""
    """Its id at Twilio, where Twilio carries it."""


class TemplateText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template in one language."""

    subject: Annotated[str, Meta(min_length=1, max_length=300)]
    preheader: Annotated[str, Meta(max_length=300)] = ""
    """What a mail program shows beside the subject."""
    body: Annotated[str, Meta(min_length=1, max_length=100_000)]
    """MJML: the sections of the mail, which stand in the shop's frame; or a whole document that begins with `<mjml`."""
    short: Annotated[str, Meta(max_length=1_000)] = ""
    """What SMS, WhatsApp and web push say, plain text with Liquid. Empty: it goes by mail alone."""
    whatsapp: WhatsAppTemplate | None = None
    """What goes by WhatsApp to who has not written within 24 hours."""


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a message says, by language."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    purpose: MessagePurpose
    """What it is for: because of something the person did, or to win them. A message may not soften it."""
    latest_hours: Annotated[int, Meta(ge=1, le=720)] = 48
    """A message that could not go for so long is held, not sent."""
    texts: Annotated[
        dict[Annotated[str, Meta(pattern="^[a-z]{2,3}$")], TemplateText], Meta(min_length=1, max_length=40)
    ]

    def language_for(self, *wanted: str) -> str:
        """The first of the wanted languages it has, else English, else any."""
        return next((one for one in (*wanted, "en") if one in self.texts), next(iter(self.texts)))


class Recipient(NamedTuple):
    """Whom a message is for, by what is certainly theirs."""

    key: Key
    root: Key
    email: str
    """Empty where no address is known."""
    name: str
    first_name: str
    language: str
    time_zone: str
    """Empty where it is not known."""
    keys: Sequence[Key] = ()
    last_order_at: int = 0
    phone: str = ""
    """Empty where no number is known."""
    has_browser: bool = False
    """One that takes notifications."""
    preferred: str = ""
    """By which channel they like to be reached; empty where nobody has said so."""
    complained_at: int = 0
    """When the latest of their complaints was made that is still open; 0 while none is."""
    bought: Mapping[str, int] = MappingProxyType({})
    """When they bought which product last, by whatever identity and channel: the fifty bought last."""

    def address(self, channel: str) -> str:
        """Where a channel reaches them; empty where it does not."""
        if channel == PUSH:
            return "browser" if self.has_browser else ""
        return self.email if channel == EMAIL else self.phone


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail, written."""

    message_id: str
    to: str
    to_name: str
    sender: str
    """The bare address."""
    sender_name: str
    reply_to: str
    subject: str
    html: str
    text: str
    language: str
    unsubscribe: str
    """The address of one-click unsubscribing; empty where the mail needs none."""

    @property
    def size(self) -> int:
        """Bytes of the HTML; Gmail cuts at about 102,000. **Source:** hteumeuleu/email-bugs, issue 41."""
        return len(self.html.encode())


def quiet_until(now: int, zone: ZoneInfo, *, since: int, until: int) -> int | None:
    """When the quiet hours that `now` lies in are over; None outside of them, and where both hours are the same.

    Hours of the person's clock, over midnight too. On the night a clock is put forward the end is the first moment that
    is not earlier than the hour; on the night it is put back it is the first of the two.

    >>> quiet_until(0, ZoneInfo("UTC"), since=22, until=8)
    28800000000
    """
    if since == until:
        return None
    local = to_datetime(now).astimezone(zone)
    hour = local.hour
    is_quiet = since <= hour < until if since < until else hour >= since or hour < until
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1 if hour >= until else 0)
    end = datetime.combine(day, time(until % 24), tzinfo=zone)
    return max(int(end.timestamp()) * SECOND, now + SECOND)


_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_DEAD = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
"""About the address: no such mailbox or domain, moved, takes no mail, switched off. **Source:** RFC 3463, RFC 7505."""
_OF_THE_MAIL = frozenset({"5.2.2", "5.2.3", "5.3.4"})
"""Permanent for this mail alone: a full mailbox, too large. The address lives."""
_ABOUT_THE_SENDER = re.compile(
    r"relay|block|black|listed|rbl|spam|polic|denied|authent|spf|dkim|dmarc|reputation|prohibit|sender",
    re.IGNORECASE,
)
_OF_ADDRESSES = frozenset({550, 551, 553})
OWN_TROUBLE = "the shop's own sending is refused"
"""How the outcome of a message begins that no receiver is to blame for."""


_NOT_ELSEWHERE = re.compile(r"it may have gone|has said stop|\(21610\)|\(131050\)", re.IGNORECASE)
_OF_THE_CHANNEL = re.compile(
    "|".join(
        (
            *map(re.escape, (*NO_ADDRESS.values(), COMES_BACK, NO_SHORT_TEXT, WINDOW_IS_OVER, NOT_OPTED_IN, LIMITED,
                              NO_NEWS_TO_THE_USA)),
            r"^refused: (\d{3}|an address)\b", r"\b5\.([024]\.\d+|1\.(?![78]\b)\d+|3\.4)\b",
            r"\(131049\)", r"\(63049\)", r"^4\.0\.0 not delivered", r"own templates",
            "no browser",
        )
    )
)  # fmt: skip


def is_of_the_channel(reason: str) -> bool:
    """Whether what keeps a message from somebody is the channel's, so that another may bring it: not their will, not
    what they did meanwhile, not the shop's own trouble (5.1.7, 5.1.8 and 5.7 are about who sends), and never where it
    may have arrived.

    >>> is_of_the_channel("no e-mail address is known"), is_of_the_channel("they have ordered meanwhile")
    (True, False)
    """
    if reason.startswith(OWN_TROUBLE) or _NOT_ELSEWHERE.search(reason):
        return False
    return bool(_OF_THE_CHANNEL.search(reason))


def status_code_of(text: str, *, reply: int | None = None) -> str:
    """The enhanced status code in a server's words (RFC 3463), else one made of its reply; empty where there is none.

    >>> status_code_of("550 5.1.1 no such user"), status_code_of("no", reply=450), status_code_of("no")
    ('5.1.1', '4.0.0', '')
    """
    found = _STATUS.search(text)
    if found:
        return found.group(1)
    return f"{reply // 100}.0.0" if reply is not None and 200 <= reply < 600 else ""


def bounce_is_permanent(code: str) -> bool:
    """Whether nothing more is to be sent to the address. The code counts, whatever the provider calls it.

    >>> bounce_is_permanent("5.4.4"), bounce_is_permanent("5.2.2"), bounce_is_permanent("5.7.26")
    (True, False, False)
    """
    return code in _DEAD


def refusal(stage: Literal["sender", "recipient", "data"], reply: int, words: str) -> str:
    """What a final refusal (5xx) comes to: of the address or of this mail alone, with its code; else of the shop.

    A bare 550, 551 or 553 to the recipient is about the address, unless its words are about who sends.

    >>> refusal("recipient", 550, "no such user"), refusal("data", 550, "5.7.26 unauthenticated")
    ('refused: 550 5.1.0', "the shop's own sending is refused: 550 5.7.26")
    """
    code = status_code_of(words, reply=reply)
    if stage == "recipient" and not _STATUS.search(words) and reply in _OF_ADDRESSES:
        code = code if _ABOUT_THE_SENDER.search(words) else "5.1.0"
    of_receiver = stage != "sender" and (code in _DEAD or code in _OF_THE_MAIL)
    return f"{'refused' if of_receiver else OWN_TROUBLE}: {reply} {code}"
