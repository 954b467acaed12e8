"""Staff let somebody in again who was erased for good: by an identifier that they give anew, with a reason, audited."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.identifiers import key_of
from rapport.kernel.ids import WorkspaceId
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import normalised
from rapport.storage import suppressed_file, suppression
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database

__all__ = ["LiftWanted", "lift"]


class LiftWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose facts are to be let in again."""

    identifier: Annotated[str, Meta(min_length=3, max_length=300)]
    """`namespace:value`, such as `email:ada@example.com`. It is not kept."""
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    """Why; nothing of the person belongs here."""


def lift(db: Database, workspace: WorkspaceId, wanted: LiftWanted, *, by: str, now: int) -> None:
    """Let facts of this identifier in from now on; what was erased stays erased. Raises InvalidInput, NotFound.

    The file beside the data hears of it before this returns: a copy of the database does not bring it back.
    """
    if not wanted.reason.strip():
        raise InvalidInput("say why they are let in again", hint="it stays in the audit trail")
    with db.write() as conn:
        _lift(conn, workspace, wanted, by=by, now=now)
    suppressed_file.keep(db)


def _lift(conn: Connection, workspace: WorkspaceId, wanted: LiftWanted, *, by: str, now: int) -> None:
    namespace, _, value = wanted.identifier.partition(":")
    found = normalised(namespace, value, region=settings_of(conn, workspace).region)
    if found is None or not suppression.lift(conn, workspace, key_of(workspace, found), now=now):
        raise NotFound("nobody of that name is kept out", hint="namespace:value, such as email:ada@example.com")
    details = {"by": by, "reason": wanted.reason.strip()}
    tell(conn, workspace, "suppression.lifted", about=found.namespace, details=details, now=now)
