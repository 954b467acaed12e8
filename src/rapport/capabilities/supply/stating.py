"""Stating supply by hand or by program: levels, places, bundles become facts of the shop's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from rapport.capabilities.supply.bundles import MOST_PARTS, Part
from rapport.capabilities.supply.facts import BUNDLE
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.collect.own import own_fact
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId

__all__ = ["state", "state_bundle"]


def state(
    workspace: WorkspaceId, appender: Appender, vocabulary: Vocabulary, name: str, said: Mapping[str, Any], *, at: int,
    now: int,
) -> None:  # fmt: skip
    """Put a fact of supply into the log before returning; the same one of the same moment again changes nothing."""
    digest = blake2b(msgspec.json.encode([name, at, said], order="sorted"), digest_size=16).hexdigest()
    row = own_fact(
        workspace, name=name, id=f"supply-{digest}", occurred_at=at, received_at=now, properties=dict(said),
        vocabulary=vocabulary,
    )  # fmt: skip
    appender.append_sync([row])


def state_bundle(
    workspace: WorkspaceId, appender: Appender, vocabulary: Vocabulary, product_id: str, parts: Sequence[Part], *,
    now: int,
) -> None:  # fmt: skip
    """State what a product is made of from now on; no parts: it is a bundle no more. Raises InvalidInput."""
    if not product_id:
        raise InvalidInput("which product is the bundle?", hint="its id, such as a SKU")
    if len(parts) > MOST_PARTS:
        raise InvalidInput(f"{len(parts)} parts are more than {MOST_PARTS}", hint="leave some out")
    if any(part.product_id == product_id for part in parts):
        raise InvalidInput(f"{product_id[:60]!r} cannot be a part of itself", hint="name the products in it")
    said = [
        {"product_id": part.product_id, "quantity": part.pieces, **({"variant": part.variant} if part.variant else {})}
        for part in parts
    ]
    state(workspace, appender, vocabulary, BUNDLE, {"product_id": product_id, "parts": said}, at=now, now=now)
