"""One message → one canonical fact → one row of the log. Pure; for endpoints, importers, replay and our own facts.

The time of a fact: `occurred_at = received_at - (sent_at - original)`, so a device whose clock is wrong is set right.
But a difference under TRANSIT is the way through the network and no wrong clock: the client's time is kept exactly, so
that the same fact sent again gets the same time. A difference beyond BELIEVED is no clock error either (a replay of old
requests): no correction. Messages about the past, and messages with both `timestamp` and `originalTimestamp` (already
corrected by a relay), are never corrected. No fact is later than its receipt. A time before EARLIEST (a device whose
clock was never set) becomes the receipt's; in a message about the past it goes to quarantine, as a time that cannot be
read does everywhere: the receipt's time would be a lie. What can be read: `kernel/moments.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from rapport.collect.model import CLIENT_KINDS, KIB, MAX_MENDED_BYTES, NO_ENVELOPE, Envelope, QuarantineRow, Source
from rapport.collect.names import SPECIFICATION, Vocabulary
from rapport.collect.statements import ORDER_EVENTS
from rapport.collect.validate import ClientMessage, read_message
from rapport.collect.vouching import vouched
from rapport.kernel.clock import DAY, SECOND, from_iso
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import FACT_TYPES, OWN_SOURCE, Fact, FactType, encode_fact
from rapport.kernel.identifiers import (
    Identifier,
    IdentifierPolicy,
    bucket_of,
    identifiers_of,
    key_of,
    names_in,
    said_same,
    shop_key,
)
from rapport.kernel.ids import Key, new_id
from rapport.kernel.moments import read_moment
from rapport.storage.log import LogRow

__all__ = ["BELIEVED", "EARLIEST", "MAX_MESSAGE_ID", "MAX_NAME", "TRANSIT", "prepare", "prepare_all", "quarantined"]

TRANSIT = 2 * SECOND
BELIEVED = DAY
EARLIEST = from_iso("1990-01-01T00:00:00Z")
MAX_MESSAGE_ID = 100
MAX_NAME = 200
"""Characters of an event's or page's name."""

_NAMES: dict[FactType, str] = {
    "identify": "Identified",
    "page": "Page Viewed",
    "screen": "Screen Viewed",
    "group": "Group Joined",
    "alias": "Aliased",
}
_CAPITAL = re.compile("(?<=[a-z0-9])(?=[A-Z])")
_CHANNELS = frozenset({"app", "store", "marketplace", "email", "phone"})
"""Kinds of source that say where the customer was; a website's key is used by servers, too, whose SDKs say more."""
_TYPES: dict[str, FactType] = {name: name for name in FACT_TYPES} | {"merge": "alias"}


def prepare(
    message: bytes, *, source: Source, received_at: int, envelope: Envelope = NO_ENVELOPE,
    vocabulary: Vocabulary = SPECIFICATION,
) -> LogRow:  # fmt: skip
    """Make the log row of one message (its raw JSON). Raises InvalidFact, and nothing else, for a bad message."""
    size = len(message)
    if size > source.limits.max_event_bytes:
        raise InvalidFact(
            f"the message has {size} bytes, at most {source.limits.max_event_bytes} are allowed for this source",
            hint="send less in one event, or raise the source's limit",
        )
    read = read_message(message)
    fact = _fact(read, source, envelope, vocabulary)
    if source.asks_signatures:
        fact = vouched(fact, source)
    elif fact.user_id is not None and source.kind in CLIENT_KINDS:
        fact.unverified = True
    if fact.name in vocabulary.own and fact.type == "track" and source.id != OWN_SOURCE:
        raise InvalidFact(
            f"{fact.name} is a fact that Rapport alone states", path="$.event",
            hint="send it under a name of your own, or use the API of what it is about",
        )  # fmt: skip
    vocabulary.refuse(fact, source.currency)
    is_shops = fact.name in vocabulary.of_shop
    strand, named = (_of_shop(fact, source), ()) if is_shops else _of_person(fact, source)
    occurred_at = _occurred_at(read, received_at, envelope)
    return LogRow(
        source.workspace, source.id, fact.id, strand, bucket_of(strand), occurred_at, received_at, encode_fact(fact),
        named,
    )  # fmt: skip


def _of_person(fact: Fact, source: Source) -> tuple[Key, tuple[Identifier, ...]]:
    """The strand of the most stable identifier, and the other ones. Raises InvalidFact where there is none."""
    identifiers = identifiers_of(fact, source.policy)
    if not identifiers:
        raise _nobody(fact)
    if fact.type == "alias":
        _check_alias(fact, identifiers, source.policy)
    named = names_in(fact, source.policy) if fact.unvouched else identifiers
    return key_of(source.workspace, identifiers[0]), tuple(one for one in named if one != identifiers[0])


def _of_shop(fact: Fact, source: Source) -> Key:
    """The shop's own strand. Raises InvalidFact for a source whose key every visitor can read."""
    if source.kind in CLIENT_KINDS:
        raise InvalidFact(
            f"{fact.name} is about the shop itself, and is not believed of a {source.kind} source, whose key is public",
            hint="state it over the API, or with the key of a source of kind server or store",
        )
    return shop_key(source.workspace)


KEPT_OF_STRANGERS = 64 * KIB
"""Bytes that are kept at least of a message that a public key brought into quarantine."""


def prepare_all(
    messages: list[bytes], *, source: Source, received_at: int, envelope: Envelope,
    vocabulary: Vocabulary = SPECIFICATION,
) -> tuple[list[LogRow], list[QuarantineRow]]:  # fmt: skip
    """Prepare the messages of one request: rows for the log, and those for quarantine."""
    rows: list[LogRow] = []
    aside: list[QuarantineRow] = []
    for message in messages:
        try:
            row = prepare(message, source=source, received_at=received_at, envelope=envelope, vocabulary=vocabulary)
            rows.append(row)
        except InvalidFact as error:
            aside.append(quarantined(message, error, source=source, received_at=received_at, envelope=envelope))
    return rows, aside


def quarantined(
    message: bytes, error: InvalidFact, *, source: Source, received_at: int, envelope: Envelope
) -> QuarantineRow:
    """The quarantine row of a bad message. The same message sent again, whenever, gets the same hash.

    Of one that is far too long its beginning is kept, which shows whoever mends the client what it was.
    """
    most = max(KEPT_OF_STRANGERS, 2 * source.limits.max_event_bytes) if source.client_side else MAX_MENDED_BYTES
    cut = f"; only its first {most} bytes are kept" if len(message) > most else ""
    return QuarantineRow(
        id=new_id("qua"),
        workspace=source.workspace,
        source=source.id,
        received_at=received_at,
        reason=error.message + cut,
        path=error.path,
        body=message[:most],
        envelope=msgspec.json.encode(envelope),
        body_hash=blake2b(_without_sending_time(message), digest_size=16).digest(),
    )


def _without_sending_time(message: bytes) -> bytes:
    """Clients stamp `sentAt` anew on each attempt; it must not make a retried message look new."""
    if b'"sentAt"' not in message:  # one that is written with escapes is no client's
        return message
    try:
        tree = msgspec.json.decode(message)
    except (ValueError, RecursionError):
        return message
    if not isinstance(tree, dict) or "sentAt" not in tree:
        return message
    del tree["sentAt"]
    return msgspec.json.encode(tree, order="sorted")


def _fact(read: ClientMessage, source: Source, envelope: Envelope, vocabulary: Vocabulary) -> Fact:
    kind = envelope.type or _type(read.type)
    properties = read.properties or {}
    traits = read.traits or {}
    context = _context(read, source, envelope)
    title = None
    if kind == "track":
        name = vocabulary.modernise(_event(read.event), properties)
    else:
        name = _NAMES[kind]
        if kind == "page" or kind == "screen":
            title = _title(read, properties)
        elif kind == "identify":
            traits = traits or _traits_of(context)
        elif read.merge_properties is not None and kind == "alias":
            context["externalIds"] = _merged_ids(read.merge_properties, context.get("externalIds"))
        else:
            _require(kind, read)
    integrations = read.integrations or {}
    if envelope.integrations:
        integrations = {**envelope.integrations, **integrations}
    original = read.original_timestamp or read.timestamp
    sent = read.sent_at or envelope.sent_at
    return Fact(
        id=_message_id(read.message_id),
        type=kind,
        name=name,
        user_id=_identity(read.user_id, "$.userId"),
        anonymous_id=_identity(read.anonymous_id, "$.anonymousId"),
        previous_id=_identity(read.previous_id, "$.previousId"),
        group_id=_identity(read.group_id, "$.groupId"),
        properties=properties,
        traits=traits,
        context=context,
        integrations=integrations,
        original_timestamp=None if original is None else str(original),
        sent_at=None if sent is None else str(sent),
        title=title,
        unverified=source.kind in CLIENT_KINDS and (kind == "alias" or name.startswith(ORDER_EVENTS)),
    )


def _type(value: str | None) -> FactType:
    kind = _TYPES.get(value) if value is not None else None  # the usual case, quickly
    if kind is not None:
        return kind
    if value is None:
        raise InvalidFact("a message in a batch needs a type", path="$.type", hint=f"one of {', '.join(FACT_TYPES)}")
    kind = _TYPES.get(value.strip().lower())
    if kind is None:
        raise InvalidFact(f"unknown type {value[:40]!r}", path="$.type", hint=f"one of {', '.join(FACT_TYPES)}")
    return kind


def _event(value: str | int | float | None) -> str:
    name = _text(value).strip()
    if not name:
        raise InvalidFact("a track message needs an event name", path="$.event")
    if len(name) > MAX_NAME:
        raise InvalidFact(f"the event name has {len(name)} characters, at most {MAX_NAME}", path="$.event")
    return name


def _title(read: ClientMessage, properties: dict[str, Any]) -> str | None:
    if read.category is not None:
        properties.setdefault("category", _text(read.category))
    name = read.name if read.name is not None else properties.get("name")  # Jitsu's clients put it there
    if not isinstance(name, str | int | float):
        return None
    return _text(name).strip()[:MAX_NAME] or None


def _require(kind: FactType, read: ClientMessage) -> None:
    """Raises InvalidFact unless a group message names its group and an alias both of its ids."""
    if kind == "group" and not _text(read.group_id).strip():
        raise InvalidFact("a group message needs a groupId", path="$.groupId")
    if kind == "alias":
        if not _text(read.previous_id).strip():
            raise InvalidFact(
                "an alias message needs a previousId", path="$.previousId", hint="a merge needs mergeProperties"
            )
        if not _text(read.user_id).strip() and not _text(read.anonymous_id).strip():
            raise InvalidFact("an alias message needs a userId or an anonymousId", path="$.userId")


def _check_alias(fact: Fact, identifiers: Sequence[Identifier], policy: IdentifierPolicy) -> None:
    """Raises InvalidFact where one side of an alias is nobody: it says nothing but that two are one person."""
    previous = fact.previous_id
    if previous is None:
        if len(identifiers) < 2:
            raise InvalidFact(
                "a merge message says of nobody else that it is the same person", path="$.mergeProperties"
            )
        return
    if previous in (fact.user_id, fact.anonymous_id):
        return
    said = said_same(msgspec.structs.replace(fact, unverified=False), policy)
    for missing, path, given in (
        (not said, "$.previousId", previous),
        (
            said.issuperset(identifiers),
            "$.userId" if fact.user_id else "$.anonymousId",
            fact.user_id or fact.anonymous_id,
        ),
    ):
        if missing:
            raise InvalidFact(
                f"{(given or '')[:60]!r} identifies nobody, so the alias ties nobody to anybody", path=path,
                hint="send the two ids of one person; blocked values are a setting of the workspace",
            )  # fmt: skip


def _merged_ids(properties: Any, external: Any) -> list[Any]:
    """A merge's identifiers as external ids, before those that are there. Raises InvalidFact where they are none."""
    entries = properties if isinstance(properties, list) else [properties]
    if not all(isinstance(entry, dict) for entry in entries):
        raise InvalidFact(
            "mergeProperties is not a list of types and values", path="$.mergeProperties",
            hint='send [{"type": "email", "value": "…"}]',
        )  # fmt: skip
    merged = [{"type": _namespace(entry.get("type")), "id": entry.get("value")} for entry in entries]
    return merged + (external if isinstance(external, list) else [])


def _namespace(kind: Any) -> Any:
    """The namespace that a merge means: `userId` is `user_id`, `mobile` a phone."""
    if not isinstance(kind, str):
        return None
    name = _CAPITAL.sub("_", kind.strip()).lower()
    return "phone" if name in ("mobile", "phone_number", "mobile_number") else name


def _message_id(value: str | int | float | None) -> str:
    text = _text(value).strip()
    if not text:
        return f"srv-{os.urandom(16).hex()}"
    if len(text) > MAX_MESSAGE_ID:
        raise InvalidFact(f"the messageId has {len(text)} characters, at most {MAX_MESSAGE_ID}", path="$.messageId")
    return text


def _identity(value: str | int | float | None, path: str) -> str | None:
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else _text(value)
    if len(text) > 1_000:
        raise InvalidFact(f"the value has {len(text)} characters", path=path)
    return text or None


def _text(value: str | int | float | None) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return str(value)


def _context(read: ClientMessage, source: Source, envelope: Envelope) -> dict[str, Any]:
    context = read.context or {}
    if envelope.context:
        context = _merged(envelope.context, context)
    if read.channel is not None:
        context.setdefault("channel", _text(read.channel))
    if source.kind in _CHANNELS:
        context.setdefault("channel", source.kind)
    if envelope.opt_out:
        context["globalPrivacyControl"] = True
    if envelope.ip is not None and (source.client_side or context.get("direct") is True):
        context.setdefault("ip", envelope.ip)
    return context


def _merged(outer: dict[str, Any], inner: dict[str, Any]) -> dict[str, Any]:
    """The batch's context with the message's own on top, one level into maps (`library`, `traits`, `campaign`)."""
    merged = dict(outer)
    for name, value in inner.items():
        below = merged.get(name)
        merged[name] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _traits_of(context: dict[str, Any]) -> dict[str, Any]:
    """RudderStack's clients put an identify's traits into the context."""
    traits = context.get("traits")
    return dict(traits) if isinstance(traits, dict) else {}


def _nobody(fact: Fact) -> InvalidFact:
    if fact.unvouched:
        return InvalidFact(
            "nobody vouches for whom this message names, and it names no browser", path="$.context.userHash",
            hint="this source asks for the HMAC of the user id by the shop's server",
        )  # fmt: skip
    given = fact.user_id or fact.anonymous_id
    if given is None:
        if contact := _bad_contact(fact):
            return contact
        return InvalidFact(
            "a message needs a userId or an anonymousId", hint="or an e-mail, phone or external id in its context"
        )
    path = "$.userId" if fact.user_id else "$.anonymousId"
    return InvalidFact(
        f"{given[:60]!r} identifies nobody: such values are blocked, or too long", path=path,
        hint="send a real userId or anonymousId; blocked values are a setting of the workspace",
    )  # fmt: skip


def _bad_contact(fact: Fact) -> InvalidFact | None:
    for path, traits in (("$.traits", fact.traits), ("$.context.traits", fact.context.get("traits"))):
        for name, title in (("email", "e-mail"), ("phone", "phone number")):
            if isinstance(traits, dict) and traits.get(name):
                return InvalidFact(
                    f"the {title} cannot be read, or is a placeholder, and nothing else says whose message it is",
                    path=f"{path}.{name}", hint="a real one, or a userId or an anonymousId",
                )  # fmt: skip
    return None


def _occurred_at(read: ClientMessage, received_at: int, envelope: Envelope) -> int:
    given = read.timestamp if read.timestamp is not None else read.original_timestamp
    if given is None:
        return received_at
    moment = _moment(given)
    if moment is None and given != "":
        path = "$.timestamp" if read.timestamp is not None else "$.originalTimestamp"
        raise InvalidFact(
            f"the time {str(given)[:40]!r} cannot be read",
            path=path,
            hint="send ISO 8601 with an offset",
        )
    if moment is None or moment < EARLIEST:
        if envelope.history:
            raise InvalidFact(f"the time {str(given)[:40]!r} is too early", path="$.timestamp", hint="send ISO 8601")
        return received_at
    explicit = envelope.history or (read.timestamp is not None and read.original_timestamp is not None)
    sent_at = read.sent_at if read.sent_at is not None else envelope.sent_at
    if sent_at is not None and not explicit:
        sent = _moment(sent_at)
        if sent is not None and TRANSIT <= abs(received_at - sent) <= BELIEVED:
            moment += received_at - sent
    return min(moment, received_at)


_moment = lru_cache(maxsize=512)(read_moment)
