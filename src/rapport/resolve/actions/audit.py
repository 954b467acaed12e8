"""The audit trail of identity: who changed what, when and why, and what it takes to undo it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.resolve.graph import store
from rapport.resolve.graph.policy import PolicySettings
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import insert_ignore, insert_rows
from rapport.storage.lookup import select_among

__all__ = ["AuditEntry", "Decided", "Effects", "actions", "find_action", "mark_undone", "stored_words", "write"]

_audit = store.audit.c


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of the review queue got another status."""

    pair: str
    before: str
    after: str


class Effects(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an action really changed: evidence and identifiers by their keys in hex.

    Its words are stored, so each stays readable for good; which action left and undoes one is said by `Action.leaves`.
    """

    withdrawn: list[str] = []
    restored: list[str] = []
    forbidden: list[tuple[str, str]] = []
    allowed: list[tuple[str, str]] = []
    policy_before: PolicySettings | None = None
    policy_after: PolicySettings | None = None
    decided: Decided | None = None
    model_before: int | None = None
    model_after: int | None = None
    undoes: str = ""
    """The action that this one undid."""

    def words(self) -> frozenset[str]:
        """Which of these words say something."""
        return frozenset(name for name in self.__struct_fields__ if getattr(self, name))


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the audit trail. `at` is in microseconds since 1970."""

    id: str
    at: int
    who: str
    action: str
    reason: str
    effects: Effects
    undone_by: str | None
    """The action that undid it."""


def write(
    conn: Connection, workspace: WorkspaceId, *, who: str, who_id: str, action: str, reason: str, effects: Effects,
    subjects: Iterable[Key], now: int,
) -> str:  # fmt: skip
    """Add an entry; returns its id."""
    ident = new_id("act")
    row = {
        "workspace": workspace, "id": ident, "at": now, "who": who, "who_id": who_id, "action": action,
        "reason": reason, "details": msgspec.json.encode(effects), "undone_by": None,
    }  # fmt: skip
    insert_rows(conn, store.audit, [row])
    about = sorted(set(subjects))
    rows = [{"workspace": workspace, "subject": key, "id": ident} for key in about]
    insert_ignore(conn, store.audit_subjects, rows, key=["workspace", "subject", "id"])
    said = {"reason": reason, "effects": msgspec.to_builtins(effects)}
    tell(
        conn, workspace, f"identity.{action}", about=ident, details=said, people=about, who=who_id, name=who, now=now
    )  # fmt: skip
    return ident


def actions(
    conn: Connection, workspace: WorkspaceId, *, subjects: Sequence[Key] | None = None, limit: int = 50
) -> list[AuditEntry]:
    """The trail, newest first; with `subjects` only what was about these identifiers."""
    query = sa.select(store.audit).where(_audit.workspace == workspace)
    if subjects is not None:
        column = store.audit_subjects.c
        wanted = {
            row.id
            for row in select_among(conn, sa.select(column.id), workspace, column.subject, subjects)
        }  # fmt: skip
        query = query.where(_audit.id.in_(sorted(wanted)[-1_000:]))
    return [_action(row) for row in conn.execute(query.order_by(_audit.at.desc(), _audit.id.desc()).limit(limit))]


def find_action(conn: Connection, workspace: WorkspaceId, ident: str) -> AuditEntry:
    """One entry. Raises NotFound."""
    query = sa.select(store.audit).where(_audit.workspace == workspace, _audit.id == ident)
    row = conn.execute(query).first() if ident.isascii() and ident.isprintable() else None
    if row is None:
        raise NotFound(f"no action {ident[:60]!r}", hint="GET /api/v1/identity/actions lists them")
    return _action(row)


def stored_words(conn: Connection, workspace: WorkspaceId, ident: str) -> frozenset[str]:
    """The words an entry's effects are stored under, also those that `Effects` does not know; none without an entry."""
    query = sa.select(_audit.details).where(_audit.workspace == workspace, _audit.id == ident)
    details = conn.execute(query).scalar()
    return frozenset(word for word, value in msgspec.json.decode(details or b"{}").items() if value)


def mark_undone(conn: Connection, workspace: WorkspaceId, ident: str, *, by: str | None) -> None:
    """Note which action undid this one; None where it holds again."""
    conn.execute(store.audit.update().where(_audit.workspace == workspace, _audit.id == ident).values(undone_by=by))


def _action(row: Any) -> AuditEntry:
    return AuditEntry(
        id=row.id, at=row.at, who=row.who, action=row.action, reason=row.reason,
        effects=msgspec.json.decode(row.details, type=Effects), undone_by=row.undone_by,
    )  # fmt: skip
