"""The fact envelope: one thing that happened, as every room sees it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["FACT_TYPES", "OWN_SOURCE", "Fact", "FactType", "decode_fact", "encode_fact", "name_of"]

FactType = Literal["track", "identify", "page", "screen", "group", "alias"]
FACT_TYPES: tuple[FactType, ...] = ("track", "identify", "page", "screen", "group", "alias")

OWN_SOURCE = "rapport"
"""The source of facts that Rapport itself states; they say what we did, not what the customer did."""


class Fact(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """One fact in the log. Its JSON is the Segment message it came as, cleaned, so any analyst can read it.

    `name` is the event's canonical name: `Order Completed` for a track (v1 aliases already replaced), and
    `Identified`, `Page Viewed`, `Screen Viewed`, `Group Joined`, `Aliased` for the other types.
    `id` is the messageId. `occurred_at`, `received_at` (microseconds), `source` and `seq` live in columns of the
    log, not in the body: the reader sets them after decoding.
    """

    id: str
    type: FactType
    name: str
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    integrations: dict[str, Any] = {}
    original_timestamp: str | None = None
    sent_at: str | None = None
    title: str | None = None
    """The name of a page or screen as the client gave it."""
    unverified: bool = False
    """It came with a key that every visitor can read, and speaks in an account's name, of who is who or of an order:
    who is who is no more than seen, an order may be somebody else's (`collect/statements.py`), an account made up
    (`resolve/graph/renaming.py`). Not where the shop's server vouches for the account. Never the client's to say."""

    unvouched: bool = False
    """It came from a source that is asked for a signature of whom its messages name, and has none: nothing of it counts
    as somebody's name but the browser and the device. Never the client's to say."""

    occurred_at: int = 0
    received_at: int = 0
    source: str = ""
    seq: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Fact)


def encode_fact(fact: Fact) -> bytes:
    """The body for the log. Call before the column fields are set, or they are stored twice."""
    return _encoder.encode(fact)


def decode_fact(body: bytes, *, occurred_at: int, received_at: int, source: str, seq: int) -> Fact:
    """The fact of one log row."""
    fact = _decoder.decode(body)
    fact.occurred_at = occurred_at
    fact.received_at = received_at
    fact.source = source
    fact.seq = seq
    return fact


class _Named(msgspec.Struct, gc=False):
    name: str


_name_decoder = msgspec.json.Decoder(_Named)


def name_of(body: bytes) -> str:
    """The name of a log row's fact; the rest of the body is passed over, which takes a quarter of the time."""
    return _name_decoder.decode(body).name
