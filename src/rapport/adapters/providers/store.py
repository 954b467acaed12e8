"""Tables of providers' webhooks: whose are taken with which secret, and for which delivery a token stood."""

from __future__ import annotations

from typing import Any, NamedTuple

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
    "SECRETS", "Door", "count", "door_of", "doors", "doors_of", "is_taken", "keep_door", "remove_door",
    "stands_for", "tokens",
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
    """The one before; empty where there is none, or nothing opens it."""
    old_secret_until: int | None
    is_readable: bool = True
    """Whether a key of the environment opens the secret; else it is empty here."""

    def secrets(self, now: int) -> list[str]:
        """Those by which a delivery may be signed: the one before the last change for a day beside it."""
        overlaps = bool(self.old_secret) and self.old_secret_until is not None and now < self.old_secret_until
        return [one for one in (self.secret, self.old_secret if overlaps else "") if one]


_COLUMNS = [doors.c[name] for name in Door._fields if name != "is_readable"]


def keep_door(
    conn: Connection, workspace: WorkspaceId, provider: Provider, secret: str, *, now: int, by: str = ""
) -> None:
    """Take a provider's webhooks, or give it another secret; the one before counts for `OVERLAP` more.

    Both lie sealed where there is a key for that. The same secret again changes nothing.
    """
    door = door_of(conn, workspace, provider)
    before = door.secret if door is not None and door.is_readable else None
    kept = sealed(secret.encode(), about=_about(workspace, provider))
    row = {"workspace": workspace, "provider": provider, "secret": kept, "made_at": now, "last_at": None,
           **dict.fromkeys(_COUNTS, 0), "refused_at": None, "refused_why": "", "secret_at": now, "old_secret": None,
           "old_secret_until": now + OVERLAP}  # fmt: skip
    changes = {"secret": "excluded.secret"}
    if before != secret:
        changes |= {"secret_at": "excluded.secret_at"}
    if before not in (None, secret):  # of one that no key opens nothing is signed: the one before it stays
        changes |= {"old_secret": "providers_doors.secret", "old_secret_until": "excluded.old_secret_until"}
    upsert(conn, doors, [row], key=("workspace", "provider"), update=changes)
    tell(conn, workspace, "reports.taken", about=provider, details={"by": by}, now=now)


def remove_door(conn: Connection, workspace: WorkspaceId, provider: Provider, *, now: int, by: str = "") -> bool:
    """Take them no more. Returns whether they were."""
    mine = (doors.c.workspace == workspace, doors.c.provider == provider)
    was_there = conn.execute(sa.delete(doors).where(*mine)).rowcount > 0
    if was_there:
        tell(conn, workspace, "reports.ended", about=provider, details={"by": by}, now=now)
    return was_there


def doors_of(conn: Connection, workspace: WorkspaceId) -> list[Door]:
    """All of a shop; what nothing opens is no secret any more, and keeps none of the others away."""
    query = sa.select(*_COLUMNS).where(doors.c.workspace == workspace).order_by(doors.c.provider)
    return [_read(workspace, row) for row in conn.execute(query)]


def _read(workspace: WorkspaceId, row: Any) -> Door:
    about = _about(workspace, row.provider)
    secret, old = _opened(row.secret, about), _opened(row.old_secret, about)
    return Door(*row)._replace(secret=secret or "", old_secret=old or "", is_readable=secret is not None)


def _opened(kept: bytes | None, about: str) -> str | None:
    try:
        return None if kept is None else opened(bytes(kept), about=about).decode()
    except Misconfigured:
        return None


def is_taken(conn: Connection, workspace: WorkspaceId, provider: Provider) -> bool:
    """Whether a shop takes a provider's webhooks; no secret is opened for it."""
    mine = (doors.c.workspace == workspace, doors.c.provider == provider)
    return conn.execute(sa.select(doors.c.made_at).where(*mine)).first() is not None


def door_of(conn: Connection, workspace: WorkspaceId, provider: Provider) -> Door | None:
    """That of one provider; None where none are taken of it."""
    mine = (doors.c.workspace == workspace, doors.c.provider == provider)
    row = conn.execute(sa.select(*_COLUMNS).where(*mine)).first()
    return None if row is None else _read(workspace, row)


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
