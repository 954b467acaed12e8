"""Facts in words: what a kind of fact is, and how the console shows a fact in the feed and on a timeline.

Each slice declares the kinds that it understands (`FactKind`, in its `facts.py`); `Wording` joins those of all slices.
A fact of no known kind is told by what it carries. The functions below are what a kind's `tell` is made of.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from rapport.kernel.facts import Fact
from rapport.kernel.money import currency_code, format_minor, to_minor
from rapport.kernel.named import by_name

__all__ = [
    "LONGEST",
    "TOPICS",
    "FactKind",
    "Told",
    "Topic",
    "Wording",
    "amount_text",
    "channel_of",
    "joined",
    "plain_text",
    "short",
    "thing_text",
]

_logger = logging.getLogger("rapport")

LONGEST = 160
"""Characters of what is told of a fact."""


Topic = Literal["orders", "service", "messages", "visits", ""]
"""What somebody who looks at a timeline is after."""

TOPICS: tuple[Topic, ...] = ("orders", "service", "messages", "visits")


class FactKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of fact that means something to a slice."""

    name: str
    """As it stands in the log, in the past tense: `Order Completed`."""
    meaning: str
    """What has happened, in words that follow the name in the reference."""
    stated_by: Literal["clients", "rapport"] = "clients"
    """Whom stages believe it. One of Rapport's own that a client states is kept in the log; no stage is given it."""
    about: Literal["person", "shop"] = "person"
    """What it is about. One of the shop (a delivery to a shelf) makes and changes nobody, whatever ids it carries, and
    is believed of the shop's own systems alone."""
    by_person: bool = False
    """Of what Rapport states: a person did it, on a page of ours. Everything else that it states follows from facts."""
    icon: str
    tone: str = ""
    """Its colour: `buy`, `cart`, `loss`, `who`, `own` or none."""
    topic: Topic | None = None
    """Under what it is looked for on a timeline; None: as its name says."""
    tell: Callable[[Fact], str] | None = None
    """One line for a timeline, from whatever the fact carries; empty, or none, says what its properties say."""
    unread: Callable[[Fact], dict[str, str]] | None = None
    """The fields of a fact that are stated and cannot be read, each with what came (in “”) and why not, in words; asked
    of every fact, so quick where all is well. What could be personal in what came is masked before it is kept."""
    refuse: Callable[[Fact, str], None] | None = None
    """Given the shop's currency, too. Raises InvalidFact where nobody can read what changes money, or who somebody is:
    the fact goes to quarantine, where it can be mended."""
    also: tuple[str, ...] = ()
    """What other systems call it. Whoever sends such a name is told so; it is never taken for this one."""
    properties: Mapping[str, str] = {}
    """The properties that matter, each with a word on what it is."""


class Told(NamedTuple):
    """How a fact looks: an icon, a tone for its colour, the name and what there is to say."""

    icon: str
    tone: str
    title: str
    detail: str


_WORDS = (
    ("mail", "mail"), ("call", "phone"), ("phone", "phone"), ("return", "refund"), ("refund", "refund"),
    ("order", "bag"), ("store", "store"), ("cart", "cart"), ("review", "star"), ("product", "eye"), ("stock", "box"),
    ("delivery", "box"), ("shipment", "box"), ("promotion", "tag"), ("coupon", "tag"),
)  # fmt: skip


_TOPIC_WORDS: tuple[tuple[Topic, tuple[str, ...]], ...] = (
    ("messages", ("email", "sms ", "message", "push ", "newsletter", "whatsapp")),
    ("service", ("call ", "ticket", "support", "complaint", "chat", "callback", "conversation", "question")),
    ("visits", ("page ", "screen ", "product ", "products ", "product list", "cart ", "checkout", "promotion",
                "wishlist", "coupon", "application ", "signed in", "signed out", "list ")),
    ("orders", ("order", "refund", "return", "delivery", "shipment", "parcel", "payment", "invoice")),
)  # fmt: skip
"""Words of a fact's name, the first that is found; `_OWN_WORDS` are under no heading."""
_OWN_WORDS = ("review", "abandoned", "merged", "split")


class Wording:
    """All kinds of an installation. Raises ValueError where two have one name."""

    def __init__(self, kinds: Iterable[FactKind]) -> None:
        self.kinds: Mapping[str, FactKind] = by_name("fact", ((kind.name, kind.meaning, kind) for kind in kinds))

    def icon_of(self, name: str) -> tuple[str, str]:
        """Icon and tone for the name of a fact, known or not."""
        kind = self.kinds.get(name)
        if kind is not None:
            return kind.icon, kind.tone
        lower = name.lower()
        return next(((icon, "") for word, icon in _WORDS if word in lower), ("pulse", ""))

    def topic_of(self, name: str) -> Topic:
        """Under what a fact of this name is looked for on a timeline; empty where under nothing of its own.

        >>> [Wording(()).topic_of(name) for name in ("Order Refunded", "Call Ended", "Email Opened", "Page Viewed")]
        ['orders', 'service', 'messages', 'visits']
        """
        kind = self.kinds.get(name)
        if kind is not None and kind.topic is not None:
            return kind.topic
        lower = f"{name.lower()} "
        if any(word in lower for word in _OWN_WORDS):
            return ""
        return next((topic for topic, words in _TOPIC_WORDS if any(word in lower for word in words)), "")

    def tell(self, fact: Fact) -> Told:
        """The fact in one line, made of what it carries and never longer than a line."""
        icon, tone = self.icon_of(fact.name)
        detail = self._detail(fact) or plain_text(fact.properties or fact.traits)
        return Told(icon, tone, fact.name[:120], detail[:LONGEST])

    def _detail(self, fact: Fact) -> str:
        """What the kind says of it; nothing, and a line in the server's log, where the kind's own words fail."""
        kind = self.kinds.get(fact.name)
        if kind is None or kind.tell is None:
            return ""
        try:
            return kind.tell(fact)
        except Exception:
            _logger.exception("the fact kind %r could not tell fact %s", fact.name, fact.seq)
            return ""


def channel_of(fact: Fact) -> str:
    """Where it happened, as far as the fact says: `web`, `app`, `store` …"""
    for place in (fact.context.get("channel"), fact.properties.get("channel")):
        if isinstance(place, str) and 0 < len(place) <= 30:
            return place
    return ""


def amount_text(properties: Mapping[str, Any], *names: str) -> str:
    """The first of these amounts that is there, in the fact's currency."""
    stated = properties.get("currency")
    currency = currency_code(stated) if isinstance(stated, str) else None
    for name in names:
        minor = to_minor(properties.get(name), currency or "EUR")
        if minor is not None:
            return format_minor(minor, currency) if currency else f"{properties[name]}"[:20]
    return ""


def thing_text(properties: Mapping[str, Any]) -> str:
    """What a product is called, or its id."""
    return short(properties.get("name"), 80) or short(properties.get("product_id")) or short(properties.get("sku"))


def plain_text(properties: Mapping[str, Any]) -> str:
    """The first properties that say something to people."""
    shown = [
        f"{short(key, 30).replace('_', ' ')}: {short(value, 40)}"
        for key, value in list(properties.items())[:12]
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" and not _is_id(key)
    ]
    return ", ".join(shown[:3])


def short(value: Any, longest: int = 60) -> str:
    """A text or number, cut to this many characters; empty for anything else.

    >>> short(" Barolo "), short(12), short(None), short("abcdef", 4)
    ('Barolo', '12', '', 'abc…')
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)[: longest * 2].strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def joined(*parts: str) -> str:
    """The parts that are there, with a dot between them.

    >>> joined("€30.00", "", "order A-1")
    '€30.00 · order A-1'
    """
    return " · ".join(part for part in parts if part)


def _is_id(key: str) -> bool:
    """Ids say nothing to people."""
    return key == "id" or key.endswith(("_id", "Id"))
