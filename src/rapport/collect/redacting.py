"""A redacted field in messages that could not be read: taken out where it can be found, or the message goes whole.

Nobody knows when such a message happened or whom it is about; so it is of the span when it came in it or says a time
in it, and about a customer when any text of it may be a name of theirs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from rapport.collect.model import Envelope
from rapport.kernel.fields import is_hidden, taken_out
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.moments import read_moment
from rapport.storage.redaction import Rule
from rapport.storage.suppression import keys_in

__all__ = ["Aside", "without_field"]

_TIMES = ("timestamp", "originalTimestamp")


class Aside(NamedTuple):
    """What is kept of a message in quarantine."""

    source: str
    received_at: int
    body: bytes
    envelope: bytes
    original: bytes | None


def without_field(rule: Rule, workspace: WorkspaceId, kept: Aside) -> Aside | None:
    """The message without the field, as it is where the field is not in it; None where it has to go whole."""
    bodies = [body for body in (kept.body, kept.original) if body is not None]
    if (rule.source and kept.source != rule.source) or not _is_of_span(rule, kept.received_at, bodies):
        return kept
    if rule.keys is not None and all(rule.keys.isdisjoint(keys_in(workspace, body)) for body in bodies):
        return kept
    if rule.event and not any(_may_be(body, rule.event) for body in bodies):
        return kept
    body, original = _clean(rule, kept.body), None if kept.original is None else _clean(rule, kept.original)
    if body is None or (original is None and kept.original is not None):
        return None
    return kept._replace(body=body, original=original, envelope=_surroundings(rule, kept.envelope))


def _is_of_span(rule: Rule, received_at: int, bodies: list[bytes]) -> bool:
    told = (tree.get(name) for body in bodies if (tree := _tree(body)) is not None for name in _TIMES)
    moments = (read_moment(one) for one in told if isinstance(one, str | int | float) and not isinstance(one, bool))
    return rule.spans(received_at, *(one for one in moments if one is not None))


def _may_be(body: bytes, event: str) -> bool:
    """Whether it may be of this event: it says so, or does not say anything that can be read."""
    tree = _tree(body)
    said = None if tree is None else tree.get("event")
    return not isinstance(said, str) or not said.strip() or said.strip().casefold() == event.casefold()


def _clean(rule: Rule, body: bytes) -> bytes | None:
    """The message without the field; None where it may hold it in a way that nobody can read."""
    tree = _tree(body)
    if tree is None:
        return None if rule.path[-1].encode() in body else body
    if is_hidden(tree, rule.path):
        return None
    return msgspec.json.encode(tree) if taken_out(tree, rule.path) else body


def _surroundings(rule: Rule, envelope: bytes) -> bytes:
    """What the request said of all of its messages, without the field."""
    said = msgspec.json.decode(envelope, type=Envelope)
    tree: dict[str, Any] = {"context": msgspec.to_builtins(said.context)}
    found = taken_out(tree, rule.path)
    ip = None if rule.path == ("context", "ip") else said.ip
    if not found and ip == said.ip:
        return envelope
    return msgspec.json.encode(msgspec.structs.replace(said, context=tree["context"], ip=ip))


def _tree(body: bytes) -> dict[str, Any] | None:
    try:
        tree = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None
