"""Stating supply by hand or by program: levels, places, bundles become facts of the shop's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from rapport.capabilities.supply.bundles import MOST_PARTS, Part
from rapport.capabilities.supply.facts import BUNDLE
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.collect.own import own_fact
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.storage.log import LogRow

__all__ = ["Made", "state", "state_bundle", "state_bundles"]


class Made(NamedTuple):
    """What a product is made of from now on; no parts: it is a bundle no more."""

    product_id: str
    parts: Sequence[Part]


def state(
    workspace: WorkspaceId, appender: Appender, vocabulary: Vocabulary, name: str, said: Mapping[str, Any], *, at: int,
    now: int,
) -> None:  # fmt: skip
    """Put a fact of supply into the log before returning; the same one of the same moment again changes nothing."""
    appender.append_sync([_row(workspace, vocabulary, name, said, at=at, now=now)])


def _row(
    workspace: WorkspaceId, vocabulary: Vocabulary, name: str, said: Mapping[str, Any], *, at: int, now: int
) -> LogRow:
    digest = blake2b(msgspec.json.encode([name, at, said], order="sorted"), digest_size=16).hexdigest()
    return own_fact(
        workspace, name=name, id=f"supply-{digest}", occurred_at=at, received_at=now, properties=dict(said),
        vocabulary=vocabulary,
    )  # fmt: skip


def state_bundle(
    workspace: WorkspaceId, appender: Appender, vocabulary: Vocabulary, product_id: str, parts: Sequence[Part], *,
    now: int,
) -> None:  # fmt: skip
    """State what a product is made of from now on; no parts: it is a bundle no more. Raises InvalidInput."""
    state_bundles(workspace, appender, vocabulary, [Made(product_id, parts)], now=now)


def state_bundles(
    workspace: WorkspaceId, appender: Appender, vocabulary: Vocabulary, made: Sequence[Made], *, now: int
) -> None:
    """State what products are made of from now on: all of them, or none. Raises InvalidInput, of one named twice too:
    which of its statements holds would be chance.
    """
    said = [_said(one.product_id, one.parts) for one in made]
    twice = [name for name, times in Counter(one.product_id for one in made).items() if times > 1]
    if twice:
        raise InvalidInput(f"{twice[0][:60]!r} is stated twice", hint="each bundle once, with all of its parts")
    appender.append_sync([_row(workspace, vocabulary, BUNDLE, one, at=now, now=now) for one in said])


def _said(product_id: str, parts: Sequence[Part]) -> dict[str, Any]:
    if not product_id:
        raise InvalidInput("which product is the bundle?", hint="its id, such as a SKU")
    if len(parts) > MOST_PARTS:
        raise InvalidInput(f"{len(parts)} parts are more than {MOST_PARTS}", hint="leave some out")
    if any(part.product_id == product_id for part in parts):
        raise InvalidInput(f"{product_id[:60]!r} cannot be a part of itself", hint="name the products in it")
    listed = [
        {"product_id": part.product_id, "quantity": part.pieces, **({"variant": part.variant} if part.variant else {})}
        for part in parts
    ]
    return {"product_id": product_id, "parts": listed}
