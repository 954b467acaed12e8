"""Tables of providers' webhooks: whose are taken with which secret, and for which delivery a token stood."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, MetaData, Table

from rapport.adapters.providers.model import Provider
from rapport.kernel.clock import DAY
from rapport.kernel.errors import Misconfigured
from rapport.kernel.ids import WorkspaceId
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import CText
from rapport.storage.resealing import SecretPlace
from rapport.storage.sealing import opened, sealed

__all__ = [
    "SECRETS", "Door", "count", "door_of", "doors", "doors_of", "keep_door", "remove_door", "stands_for", "tokens",
]  # fmt: skip

_metadata = MetaData()
_COUNTS = ("accepted", "ignored", "refused")
OVERLAP = DAY
"""So long the secret before counts beside a new one: a provider sends for hours what failed."""

doors = Table(
    "providers_doors", _metadata, Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("provider", CText, primary_key=True), Column("secret", LargeBinary, nullable=False),
    Column("made_at", BigInteger, nullable=False), Column("last_at", BigInteger),
    *(Column(name, BigInteger, nullable=False) for name in _COUNTS), Column("refused_at", BigInteger),
    Column("refused_why", CText, nullable=False), Column("secret_at", BigInteger), Column("old_secret", LargeBinary),
    Column("old_secret_until", BigInteger),
)  # fmt: skip
tokens = Table(
    "providers_tokens", _metadata, Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("token", LargeBinary, primary_key=True), Column("digest", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False), Index("providers_tokens_by_time", "workspace", "at"),
)  # fmt: skip
"""For two days, of providers that sign a token and not the body: which body it came with."""


class Door(NamedTuple):
    """A provider whose webhooks are taken."""

    provider: Provider
    secret: str
    made_at: int
    last_at: int | None
    accepted: int
    ignored: int
    refused: int
    refused_at: int | None
    refused_why: str
    secret_at: int | None
    """When the secret was set; None where that was before it was noted."""
    old_secret: str
    """The one before; empty where there is none."""
    old_secret_until: int | None

    def secrets(self, now: int) -> list[str]:
        """Those by which a delivery may be signed: the one before the last change for a day beside it."""
        overlaps = bool(self.old_secret) and self.old_secret_until is not None and now < self.old_secret_until
        return [self.secret, self.old_secret] if overlaps else [self.secret]


def keep_door(
    conn: Connection, workspace: WorkspaceId, provider: Provider, secret: str, *, now: int, by: str = ""
) -> None:
    """Take a provider's webhooks, or give it another secret; the one before counts for `OVERLAP` more.

    Both lie sealed where there is a key for that. The same secret again changes nothing.
    """
    before = _readable_secret(conn, workspace, provider)
    kept = sealed(secret.encode(), about=_about(workspace, provider))
    row = {"workspace": workspace, "provider": provider, "secret": kept, "made_at": now, "last_at": None,
           **dict.fromkeys(_COUNTS, 0), "refused_at": None, "refused_why": "", "secret_at": now, "old_secret": None,
           "old_secret_until": now + OVERLAP}  # fmt: skip
    changes = {"secret": "excluded.secret"}
    if before != secret:
        # One that no key opens is not kept: nothing could be signed by it, and it would shut the new one in.
        old = "excluded.old_secret" if before is None else "providers_doors.secret"
        changes |= {"secret_at": "excluded.secret_at", "old_secret": old,
                    "old_secret_until": "excluded.old_secret_until"}  # fmt: skip
    upsert(conn, doors, [row], key=("workspace", "provider"), update=changes)
    tell(conn, workspace, "reports.taken", about=provider, details={"by": by}, now=now)


def _readable_secret(conn: Connection, workspace: WorkspaceId, provider: Provider) -> str | None:
    try:
        door = door_of(conn, workspace, provider)
    except Misconfigured:  # no key opens it: it is set anew
        return None
    return door.secret if door is not None else None


def remove_door(conn: Connection, workspace: WorkspaceId, provider: Provider, *, now: int, by: str = "") -> bool:
    """Take them no more. Returns whether they were."""
    mine = (doors.c.workspace == workspace, doors.c.provider == provider)
    was_there = conn.execute(sa.delete(doors).where(*mine)).rowcount > 0
    if was_there:
        tell(conn, workspace, "reports.ended", about=provider, details={"by": by}, now=now)
    return was_there


def doors_of(conn: Connection, workspace: WorkspaceId) -> list[Door]:
    """All of a shop. Raises Misconfigured as `opened` of sealing."""
    columns = [doors.c[name] for name in Door._fields]
    query = sa.select(*columns).where(doors.c.workspace == workspace).order_by(doors.c.provider)
    found = []
    for row in conn.execute(query):
        about = _about(workspace, row.provider)
        secret, old = opened(bytes(row.secret), about=about).decode(), row.old_secret
        old_secret = opened(bytes(old), about=about).decode() if old is not None else ""
        found.append(Door._make(row)._replace(secret=secret, old_secret=old_secret))
    return found


def is_taken(conn: Connection, workspace: WorkspaceId, provider: Provider) -> bool:
    """Whether a shop takes a provider's webhooks; no secret is opened for it."""
    mine = (doors.c.workspace == workspace, doors.c.provider == provider)
    return conn.execute(sa.select(doors.c.made_at).where(*mine)).first() is not None


def door_of(conn: Connection, workspace: WorkspaceId, provider: Provider) -> Door | None:
    """That of one provider; None where none are taken of it."""
    return next((one for one in doors_of(conn, workspace) if one.provider == provider), None)


def count(
    conn: Connection, workspace: WorkspaceId, provider: Provider, outcome: str, *, now: int, why: str = ""
) -> None:
    """Count a delivery: accepted, ignored, or refused and why."""
    values: dict[str, object] = {outcome: doors.c[outcome] + 1}
    values |= {"refused_at": now, "refused_why": why[:200]} if why else {"last_at": now}
    conn.execute(sa.update(doors).where(doors.c.workspace == workspace, doors.c.provider == provider).values(values))


def stands_for(conn: Connection, workspace: WorkspaceId, token: bytes, digest: bytes, *, now: int) -> bool:
    """Whether a token is new, or came with this very body before. Of two at once one waits for the other."""
    row = {"workspace": workspace, "token": token, "digest": digest, "at": now}
    t = tokens.c
    if insert_ignore(conn, tokens, [row], key=("workspace", "token")):
        conn.execute(sa.delete(tokens).where(t.workspace == workspace, t.at < now - 2 * DAY))
        return True
    known = conn.execute(sa.select(t.digest).where(t.workspace == workspace, t.token == token)).scalar()
    return known is not None and bytes(known) == digest


def _about(workspace: WorkspaceId, provider: str) -> str:
    return f"providers_doors:{workspace}:{provider}"


SECRETS = tuple(
    SecretPlace(doors, column, lambda row: _about(row["workspace"], row["provider"]))
    for column in ("secret", "old_secret")
)
