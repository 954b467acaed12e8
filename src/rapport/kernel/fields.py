"""A field of a fact or of a message, by its path: `properties.note`, `traits.phone`, `properties.products.engraving`.

Lists on the way are gone through: of each line of an order the field is meant. A trait stands in `traits` or in
`context.traits`, by the client that states it: `traits.phone` means both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rapport.kernel.errors import InvalidInput

__all__ = ["LONGEST_PATH", "is_hidden", "path_of", "spelled", "taken_out"]

LONGEST_PATH = 200
_ROOTS = ("properties", "traits", "context")
_KEPT = (("context", "consent"), ("context", "consentManagement"), ("context", "globalPrivacyControl"))
"""What somebody allowed and refused: it is answered anew or erased with the person, and never made unsaid."""


def path_of(text: str) -> tuple[str, ...]:
    """The path that a person wrote. Raises InvalidInput where it leads to nothing that can be taken out of a fact.

    >>> path_of(" traits.phone ")
    ('traits', 'phone')
    """
    parts = tuple(part.strip() for part in text.strip().split("."))
    if len(text) > LONGEST_PATH or len(parts) < 2 or not all(parts) or parts[0] not in _ROOTS:
        raise InvalidInput(
            f"{text[:60]!r} is no field of a message",
            hint="such as properties.note, traits.phone, context.ip or properties.products.engraving",
        )
    if parts[:2] in _KEPT:
        raise InvalidInput(
            "what somebody allowed or refused is not redacted",
            hint="it can be answered anew, or erased with the person",
        )
    return parts


def spelled(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The places in a message that a path means."""
    yield path
    if path[0] == "traits":
        yield ("context", *path)


def taken_out(tree: dict[str, Any], path: tuple[str, ...]) -> list[Any]:
    """Take the field out of a message's tree; returns the values that were there, none where it has no such field.

    >>> tree = {"properties": {"products": [{"id": 1, "note": "x"}, {"id": 2, "note": "y"}]}}
    >>> taken_out(tree, ("properties", "products", "note")), tree
    (['x', 'y'], {'properties': {'products': [{'id': 1}, {'id': 2}]}})
    """
    return [value for place in spelled(path) for value in _taken(tree, place)]


def is_hidden(tree: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a text stands where the field's surroundings ought to: it may say the field, and cannot be read.

    >>> is_hidden({"traits": "phone: 030 1234567"}, ("traits", "phone"))
    True
    """
    return any(_is_text_before(tree, place) for place in spelled(path))


def _is_text_before(tree: Any, path: tuple[str, ...]) -> bool:
    if isinstance(tree, list):
        return any(_is_text_before(one, path) for one in tree)
    if not isinstance(tree, dict):
        return isinstance(tree, str)
    return len(path) > 1 and path[0] in tree and _is_text_before(tree[path[0]], path[1:])


def _taken(tree: Any, path: tuple[str, ...]) -> list[Any]:
    if isinstance(tree, list):
        return [value for one in tree for value in _taken(one, path)]
    if not isinstance(tree, dict) or path[0] not in tree:
        return []
    if len(path) == 1:
        return [tree.pop(path[0])]
    return _taken(tree[path[0]], path[1:])
