"""Whether the shop's server vouches for whom a browser's message names: a signature of the user id.

The key of a website is public, so anybody can send anybody's user id. Where a source asks for it, the shop's server
gives each page whose visitor has signed in the HMAC-SHA256 of their user id under the source's secret, in hexadecimal,
and the browser sends it along: `context.userHash`, or where Segment's own clients put that of Intercom. Of a message
without it the browser and the device count, and nothing that may be somebody's account.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

from rapport.collect.model import Source
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import identifiers_of, previous_identifier

__all__ = ["signature", "vouched"]

_PLACES = ("userHash", "user_hash")


def signature(secret: str, name: str) -> str:
    """What the shop's server computes of a user id, or of an e-mail address where there is no account.

    >>> signature("secret", "ada")[:16]
    '3c30486140e27f6f'
    """
    return hmac.new(secret.encode(), name.encode("utf-8", "surrogatepass"), sha256).hexdigest()


def vouched(fact: Fact, source: Source) -> Fact:
    """The fact of a source that asks for signatures, without the signature, marked where it has none that is right."""
    said = _taken(fact)
    if not source.asks_signatures or not _names_somebody(fact, source):
        return fact
    name = fact.user_id.strip() if fact.user_id is not None else _mail_of(fact)
    has_both = bool(source.signing_secret) and name is not None and said is not None
    right = has_both and _is_same(str(said), signature(source.signing_secret, str(name)))
    if not right or _may_be_an_account(fact, source):
        fact.unvouched = True
    return fact


def _may_be_an_account(fact: Fact, source: Source) -> bool:
    """Whether the previous id is an account's, or looks like a browser's and may be an account's all the same."""
    return previous_identifier(fact, source.policy) is not None and fact.previous_id != fact.anonymous_id


def _names_somebody(fact: Fact, source: Source) -> bool:
    return any(one.namespace not in ("anonymous_id", "device") for one in identifiers_of(fact, source.policy))


def _taken(fact: Fact) -> str | None:
    """The signature, taken out of the fact: whoever reads the log must not be able to send it."""
    found: list[Any] = [fact.context.pop(place, None) for place in _PLACES]
    for settings in fact.integrations.values():
        if isinstance(settings, dict):
            found += [settings.pop(place, None) for place in _PLACES]
    return next((one for one in found if isinstance(one, str)), None)


def _mail_of(fact: Fact) -> str | None:
    """The e-mail address of a message that names no account, as it states it, in small letters."""
    for traits in (fact.traits, fact.context.get("traits")):
        mail = traits.get("email") if isinstance(traits, dict) else None
        if isinstance(mail, str) and mail.strip():
            return mail.strip().lower()
    return None


def _is_same(said: str, wanted: str) -> bool:
    return hmac.compare_digest(said.strip().lower().encode("utf-8", "surrogatepass"), wanted.encode())
