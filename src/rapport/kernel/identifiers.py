"""Identifiers: what names a person, normalised; and which of a fact's identifiers is its strand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from rapport.kernel.contacts import email_address, phone_number, without_invisible
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.person_names import person_name
from rapport.kernel.placeholders import is_placeholder, is_placeholder_email, is_placeholder_number

__all__ = [
    "ALIASED",
    "BUCKETS",
    "NAMED",
    "SEEN_KINDS",
    "Identifier",
    "IdentifierPolicy",
    "account_of",
    "bucket_of",
    "centre_of",
    "email_identifier",
    "identifiers_of",
    "is_blocked",
    "key_of",
    "names_in",
    "other_previous",
    "phone_identifier",
    "previous_identifier",
    "renamed_account",
    "said_same",
    "shop_key",
]

BUCKETS = 64
"""The log is cut into this many buckets by strand; workers lease buckets. Fixed for the life of an installation."""

MAX_VALUE = 200
"""Characters of an identifier's value; a longer one is no identifier."""

MAX_EXTERNAL_IDS = 20
"""Entries of `context.externalIds` that are looked at in one fact."""

NAMED = "named_contact"
"""The namespace of an e-mail or a phone together with the name it was stated with: `ada@x.de ada/lovelace`."""

SEEN_KINDS = ("seen", "alias", "renamed")
"""The kinds of evidence that facts leave, and that are therefore seen again."""

ALIASED = ("user_id", "anonymous_id")
"""Namespaces of what an alias may name as the previous id."""

_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", re.IGNORECASE)
_NAMESPACE = re.compile(r"^[a-z][a-z0-9_.]{0,49}$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Identifier(NamedTuple):
    """A name of a person in one namespace, already normalised: `("email", "ada@example.com")`."""

    namespace: str
    value: str


class IdentifierPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as an identifier in a workspace, how strong each namespace is and how many a customer may have."""

    blocked: tuple[str, ...] = ()
    """Regular expressions that, without regard to case, match a whole value that never identifies anybody; beside the
    placeholders of `kernel/placeholders.py`."""
    priority: tuple[str, ...] = (
        "user_id", "loyalty_card", "marketplace_buyer", NAMED, "email", "phone", "card", "device", "anonymous_id",
    )  # fmt: skip
    """Most stable first. Namespaces that are not named stand between `card` and `device`."""
    limits: dict[str, int] = msgspec.field(default_factory=lambda: {"user_id": 1, NAMED: 20})
    limit_days: dict[str, int] = {}
    """Namespaces whose limit slides: so many identifiers first seen within any span of so many days, not for ever."""
    default_limit: int = 5
    max_identifiers: int = 100
    """How many identifiers one customer may have in all; bounds what a chain of forged identifiers can cost."""
    shared_after: int = 50
    """An identifier seen with more than this many others that are as stable as itself (a kiosk with so many users, an
    office phone with so many e-mails) names no person any more."""
    evidence_days: dict[str, int] = {}
    """Namespace or kind of evidence (`seen`, `alias`, `renamed`) → days it counts after it was last seen; not named:
    for ever."""
    one_name: bool = True
    """Where no account says who it is, an e-mail, a phone or a device ties only what may be one person by name and
    date of birth: what several names stand behind is a household's or an office's."""
    default_region: str | None = None
    """ISO 3166 region for phone numbers written without a country code."""

    def rank(self, namespace: str) -> int:
        """0 is the most stable namespace; larger is weaker."""
        return _rank(self.priority, namespace)

    def limit(self, namespace: str) -> int:
        """How many identifiers of this namespace one customer may have, in all or within `limit_days`."""
        return self.limits.get(namespace, self.default_limit)

    def counts_days(self, kind: str, *namespaces: str) -> int | None:
        """For how many days after it was last seen such evidence counts; None: for ever.

        Only what facts say is bound by time: what a person said and what a model compared was not seen.

        >>> IdentifierPolicy(evidence_days={"device": 180, "alias": 30}).counts_days("alias", "device", "user_id")
        30
        """
        if not self.evidence_days or kind not in SEEN_KINDS:
            return None
        return min((self.evidence_days[n] for n in (kind, *namespaces) if n in self.evidence_days), default=None)

    @property
    def window(self) -> int:
        """How many less stable neighbours of one rank are looked at: the strongest; never fewer than a limit allows."""
        sliding = self.max_identifiers if self.limit_days else 0
        return max(self.shared_after, self.default_limit, sliding, *self.limits.values())

    def allows(self, value: str, namespace: str = "user_id") -> bool:
        """False where the value is empty, too long, blocked, a placeholder, or has control characters."""
        return (
            0 < len(value) <= MAX_VALUE
            and not _names_nobody(namespace, value)
            and not is_blocked(value, self.blocked)
            and not _CONTROL.search(value)
        )


def _names_nobody(namespace: str, value: str) -> bool:
    if namespace == "email":
        return is_placeholder_email(value)
    if namespace == "phone":
        return is_placeholder_number(value.lstrip("+"))  # of the national number it was asked before
    return is_placeholder(value)


def is_blocked(value: str, patterns: tuple[str, ...]) -> bool:
    """Whether a shop's own patterns say that this value is nobody's."""
    return bool(patterns) and _blocked(patterns).fullmatch(value) is not None


@lru_cache(maxsize=256)
def _blocked(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns) or r"(?!)", re.IGNORECASE)


@lru_cache(maxsize=1024)
def _rank(priority: tuple[str, ...], namespace: str) -> int:
    if namespace in priority:
        return priority.index(namespace) * 2
    anchor = priority.index("card") if "card" in priority else len(priority) - 1
    return anchor * 2 + 1


def key_of(workspace: WorkspaceId, identifier: Identifier) -> Key:
    """The 16-byte key of an identifier in a workspace."""
    text = f"{workspace}\x1f{identifier.namespace}\x1f{identifier.value}"
    return Key(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest())


@lru_cache(maxsize=1_024)
def shop_key(workspace: WorkspaceId) -> Key:
    """The key of the shop itself, to which facts belong that are about nobody."""
    return key_of(workspace, Identifier("shop", "shop"))


def bucket_of(key: Key) -> int:
    """The bucket of a strand."""
    return key[0] % BUCKETS


def email_identifier(value: object) -> Identifier | None:
    """The e-mail as an identifier, lower case, or None where it is none.

    >>> email_identifier(" Ada@Example.COM ")
    Identifier(namespace='email', value='ada@example.com')
    """
    address = email_address(value)
    return Identifier("email", address) if address else None


def phone_identifier(value: object, *, region: str | None = None) -> Identifier | None:
    """The phone number in E.164, or None where it is none, or has an extension: many share a switchboard.

    >>> phone_identifier("+49 (0)30 1234567")
    Identifier(namespace='phone', value='+49301234567')
    """
    number = phone_number(value, region=region)
    return Identifier("phone", number.e164) if number and not number.extension else None


def identifiers_of(fact: Fact, policy: IdentifierPolicy) -> list[Identifier]:
    """All identifiers a fact carries, most stable first, without repeats; the first one is the fact's strand.

    Taken from `userId`, `anonymousId`, `traits` and `context.traits` (`email`, `phone`), `context.device.id` and
    `context.externalIds`. An alias adds `previousId`; a name stated with an e-mail or a phone adds the named contact,
    so that two people who share an address are two strands. Blocked or malformed values are left out; the list may be
    empty. Of what nobody has vouched for only the browser and the device count.
    """
    return _used(fact, policy) if fact.unvouched else names_in(fact, policy)


def names_in(fact: Fact, policy: IdentifierPolicy) -> list[Identifier]:
    """All that a fact names, vouched for or not: whoever was erased is looked for among these."""
    return _named(fact, policy)


def _named(fact: Fact, policy: IdentifierPolicy) -> list[Identifier]:
    found: list[Identifier] = []
    user = _allowed("user_id", fact.user_id, policy)
    if user is not None:
        found.append(user)
    anonymous = _allowed("anonymous_id", fact.anonymous_id, policy)
    if anonymous is not None:
        found.append(anonymous)
    if fact.traits and fact.type != "group":
        _from_traits(fact.traits, policy, found)
    context = fact.context
    if context:
        if "traits" in context:
            _from_traits(context["traits"], policy, found)
        if "externalIds" in context:
            _from_external_ids(context["externalIds"], policy, found)
        if "device" in context:
            _from_device(context["device"], policy, found)
    previous = previous_identifier(fact, policy)
    if previous is not None:
        found.append(previous)
    _add_named_contact(fact, policy, found)
    if len(found) > 1:
        found = list(dict.fromkeys(found))
        found.sort(key=lambda i: (policy.rank(i.namespace), i != user))
    return found


def _used(fact: Fact, policy: IdentifierPolicy) -> list[Identifier]:
    """What was used, and not who used it."""
    found: list[Identifier] = []
    anonymous = _allowed("anonymous_id", fact.anonymous_id, policy)
    if anonymous is not None:
        found.append(anonymous)
    _from_device(fact.context.get("device"), policy, found)
    return sorted(dict.fromkeys(found), key=lambda one: policy.rank(one.namespace))


def centre_of(found: Sequence[Identifier]) -> Identifier:
    """Of a fact's identifiers the one that the others are tied with: its user, its named contact, or the first."""
    if found[0].namespace == "user_id":
        return found[0]
    return next((one for one in found if one.namespace == NAMED), found[0])


def previous_identifier(fact: Fact, policy: IdentifierPolicy) -> Identifier | None:
    """The identifier an alias says is the same person as its user, or None.

    By what it looks like: SDKs make anonymous ids that are UUIDs, and where there is no user there was none before; any
    other `previousId` is an earlier user id. What it may be instead says `other_previous`.
    """
    value = fact.previous_id
    if value is None or fact.unvouched:
        return None
    anonymous = fact.user_id is None or value == fact.anonymous_id or _UUID.match(value.strip()) is not None
    return _allowed("anonymous_id" if anonymous else "user_id", value, policy)


def said_same(fact: Fact, policy: IdentifierPolicy) -> set[Identifier]:
    """What an alias says is the same person as its user: its `previousId`, and external ids, as RudderStack's `merge`
    names them. Nothing where anybody may have said so: then they were seen together, as in any other fact.
    """
    if fact.type != "alias" or fact.unverified or fact.unvouched:
        return set()
    found: list[Identifier] = []
    if "externalIds" in fact.context:
        _from_external_ids(fact.context["externalIds"], policy, found)
    previous = previous_identifier(fact, policy)
    return {*found, previous} if previous is not None else set(found)


def other_previous(fact: Fact, policy: IdentifierPolicy) -> Identifier | None:
    """The other kind that an alias's `previousId` may be; that ties only where a fact of its own was seen, too."""
    guessed = previous_identifier(fact, policy)
    if guessed is None:
        return None
    return Identifier("user_id" if guessed.namespace == "anonymous_id" else "anonymous_id", guessed.value)


def account_of(fact: Fact, policy: IdentifierPolicy) -> Identifier | None:
    """The account in whose own name a fact came, or None."""
    return None if fact.unvouched else _allowed("user_id", fact.user_id, policy)


def renamed_account(fact: Fact, policy: IdentifierPolicy) -> Identifier | None:
    """The account that a browser's alias says goes by another id now, or None: what of it is believed says
    `resolve/graph/renaming.py`. Not where the previous id is that of the browser itself.
    """
    if fact.type != "alias" or not fact.unverified or fact.unvouched or fact.previous_id is None:
        return None
    before, after = _allowed("user_id", fact.previous_id, policy), account_of(fact, policy)
    return None if after is None or before == after or fact.previous_id == fact.anonymous_id else before


def _allowed(namespace: str, value: str | None, policy: IdentifierPolicy) -> Identifier | None:
    if value is None:
        return None
    text = value.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", without_invisible(text)).strip()
    return Identifier(namespace, text) if policy.allows(text, namespace) else None


def _from_traits(traits: Any, policy: IdentifierPolicy, found: list[Identifier]) -> None:
    if not isinstance(traits, dict):
        return
    contacts = (
        email_identifier(traits.get("email")),
        phone_identifier(traits.get("phone"), region=policy.default_region),
    )
    found.extend(one for one in contacts if one is not None and policy.allows(one.value, one.namespace))


def _add_named_contact(fact: Fact, policy: IdentifierPolicy, found: list[Identifier]) -> None:
    contacts = [one for one in found if one.namespace in ("email", "phone")]
    if not contacts or fact.type == "alias":  # the shop's software says who it is
        return
    stated = (fact.traits if fact.type != "group" else None, fact.context.get("traits"))
    for traits in stated:
        if isinstance(traits, dict) and (name := person_name(traits)) is not None:
            contact = min(contacts, key=lambda one: one.namespace)
            named = Identifier(NAMED, f"{contact.value} {name}")
            found += [named] if policy.allows(named.value, NAMED) else []
            return


def _from_device(device: Any, policy: IdentifierPolicy, found: list[Identifier]) -> None:
    if not isinstance(device, dict) or not isinstance(device.get("id"), str):
        return
    identifier = _allowed("device", device["id"], policy)
    if identifier is not None:
        found.append(identifier)


def _from_external_ids(external: Any, policy: IdentifierPolicy, found: list[Identifier]) -> None:
    if not isinstance(external, list):
        return
    for entry in external[:MAX_EXTERNAL_IDS]:
        identifier = _external(entry, policy)
        if identifier is not None and policy.allows(identifier.value, identifier.namespace):
            found.append(identifier)


def _external(entry: Any, policy: IdentifierPolicy) -> Identifier | None:
    if not isinstance(entry, dict) or entry.get("collection") not in (None, "users"):
        return None  # of another collection: it names an account, not a person
    kind, value = entry.get("type"), entry.get("id")
    if not isinstance(kind, str) or not isinstance(value, str | int) or isinstance(value, bool):
        return None
    namespace = kind.strip().lower().replace(" ", "_").replace("-", "_")
    if namespace == "email":
        return email_identifier(value)
    if namespace == "phone":
        return phone_identifier(value, region=policy.default_region)
    return _allowed(namespace, str(value), policy) if _NAMESPACE.match(namespace) else None
