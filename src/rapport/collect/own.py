"""Facts that Rapport itself states (`Decision Made`, `Cart Abandoned`, …); prepared like any other."""

from __future__ import annotations

from typing import Any

import msgspec

from rapport.collect.model import Envelope, internal_source
from rapport.collect.names import SPECIFICATION, Vocabulary
from rapport.collect.prepare import prepare
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import WorkspaceId
from rapport.storage.log import LogRow

__all__ = ["own_fact", "own_traits"]

_HISTORY = Envelope(history=True)


def own_fact(
    workspace: WorkspaceId,
    *,
    name: str,
    id: str,
    occurred_at: int,
    received_at: int,
    user_id: str | None = None,
    anonymous_id: str | None = None,
    external_ids: list[dict[str, str]] | None = None,
    properties: dict[str, Any] | None = None,
    policy: IdentifierPolicy | None = None,
    vocabulary: Vocabulary = SPECIFICATION,
) -> LogRow:
    """The log row of a fact of our own. Stating it twice under the same `id` is stating it once.

    `vocabulary` is needed for a fact about the shop itself, which names nobody.
    `external_ids` (`[{"type": "email", "id": …}]`) name a person who has neither user id nor anonymous id.
    Raises InvalidFact where it names nobody.
    """
    message = {
        "type": "track",
        "event": name,
        "messageId": id,
        "userId": user_id,
        "anonymousId": anonymous_id,
        "properties": properties or {},
        "context": {"externalIds": external_ids} if external_ids else {},
    }
    row = prepare(
        msgspec.json.encode(message),
        source=internal_source(workspace, OWN_SOURCE, policy=policy),
        received_at=received_at,
        envelope=_HISTORY,
        vocabulary=vocabulary,
    )
    return row._replace(occurred_at=min(occurred_at, received_at))


def own_traits(
    workspace: WorkspaceId,
    *,
    id: str,
    received_at: int,
    traits: dict[str, Any],
    user_id: str | None = None,
    anonymous_id: str | None = None,
    external_ids: list[dict[str, str]] | None = None,
) -> LogRow:
    """The log row by which Rapport itself says something of somebody, as an `identify` call would.

    Stating it twice under the same `id` is stating it once. Raises InvalidFact where it names nobody.
    """
    message = {
        "type": "identify", "messageId": id, "userId": user_id, "anonymousId": anonymous_id, "traits": traits,
        "context": {"externalIds": external_ids} if external_ids else {},
    }  # fmt: skip
    source = internal_source(workspace, OWN_SOURCE)
    row = prepare(msgspec.json.encode(message), source=source, received_at=received_at, envelope=_HISTORY)
    return row._replace(occurred_at=received_at)
