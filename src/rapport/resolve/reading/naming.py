"""Identifiers in words people use: a browser, an account, a loyalty card; and not the 36 characters a machine made."""

from __future__ import annotations

import re

from rapport.kernel.language import gettext, noted
from rapport.web.formats import date_words

__all__ = ["a_kind", "kind_words", "machine_made", "name_words"]

_KINDS = {
    "anonymous_id": noted("browser"), "device": noted("app or device"), "user_id": noted("account"),
    "email": noted("e-mail"), "marketplace_buyer": noted("marketplace buyer"), "phone": noted("phone"),
    "loyalty_card": noted("loyalty card"), "card": noted("payment card"), "named_contact": noted("named contact"),
}  # fmt: skip
_MACHINE = re.compile(
    r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|[0-9a-f]{24,}|(?=\S*\d)[\w+/=.-]{30,}", re.IGNORECASE
)


def kind_words(namespace: str) -> str:
    """What an identifier of this namespace is.

    >>> kind_words("anonymous_id"), kind_words("loyalty_card")
    ('browser', 'loyalty card')
    """
    return gettext(_KINDS[namespace]) if namespace in _KINDS else namespace.replace("_", " ")


def a_kind(namespace: str) -> str:
    """One identifier of this namespace, of which nothing else can be said.

    >>> a_kind("anonymous_id"), a_kind("shop_card")
    ('a browser', 'a shop card')
    """
    own = {
        "anonymous_id": gettext("a browser"), "device": gettext("an app or device"), "user_id": gettext("an account"),
    }  # fmt: skip
    return own.get(namespace) or gettext("a %(kind)s", kind=kind_words(namespace))


def machine_made(value: str) -> bool:
    """Whether this says nothing to people: a UUID, a hash, a long random text.

    >>> [machine_made(v) for v in ("7C70B8F0-852F-4993-8D55-A3F0DA945D2F", "u-10191", "LC4000191", "ada@example.com")]
    [True, False, False, False]
    """
    return "@" not in value and _MACHINE.fullmatch(value) is not None


def name_words(value: str, first_seen_at: int) -> str:
    """The identifier itself where people can read it; else since when it is known.

    >>> name_words("u-10191", 0), name_words("7c70b8f0-852f-4993-8d55-a3f0da945d2f", 1_790_000_000_000_000)
    ('u-10191', 'since 21 Sept 2026')
    """
    return gettext("since %(day)s", day=date_words(first_seen_at)) if machine_made(value) and first_seen_at else value
