"""Sources: made, changed and rotated by people; held in memory for the endpoints so that a request costs no query."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic_ns
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from rapport.collect.model import CLIENT_KINDS, SOURCE_KINDS, Limits, Source, SourceKind, default_limits
from rapport.collect.store import all_source_rows, bytes_since, count_open, source_values, sources
from rapport.kernel.clock import DAY, SECOND, now_us
from rapport.kernel.errors import Conflict, InvalidInput, Misconfigured, NotFound, Unavailable
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import WorkspaceId, new_id, new_secret
from rapport.kernel.versions import refuse_unseen, version_of
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.storage.outage import going_on
from rapport.storage.resealing import SecretPlace
from rapport.storage.sealing import opened, sealed
from rapport.storage.workspaces import all_workspaces, identifier_policy

__all__ = [
    "Sources",
    "change_source",
    "create_source",
    "end_previous_key",
    "ensure_source",
    "find_source",
    "identifier_policy",
    "list_sources",
    "renew_signing_secret",
    "rotate_key",
    "set_enabled",
    "source_version",
]

GRACE = 7 * DAY
"""How long the key before a rotation keeps working: websites cache it."""

MEGABYTE = 1_000_000

_log = logging.getLogger(__name__)


def create_source(
    conn: Connection,
    workspace: WorkspaceId,
    *,
    name: str,
    kind: SourceKind,
    now: int,
    limits: Limits | None = None,
    source_id: str | None = None,
    write_key: str | None = None,
) -> Source:
    """Add a source with a new write key and, where no `limits` are given, those of its kind.

    Raises InvalidInput (bad name, kind, limit), Conflict (taken id or key).
    """
    source = Source(
        workspace=workspace,
        id=source_id or new_id("src"),
        name=_checked_name(name),
        kind=_checked_kind(kind),
        write_key=write_key or new_secret("wk"),
        limits=_checked_limits(default_limits(_checked_kind(kind)) if limits is None else limits),
        created_at=now,
        client_side=kind in CLIENT_KINDS,
    )
    taken = sa.or_(
        sa.and_(sources.c.workspace == workspace, sources.c.id == source.id), sources.c.write_key == source.write_key
    )
    if conn.execute(sa.select(sources.c.id).where(taken)).first() is not None:
        raise Conflict(f"a source with the id {source.id!r} or this write key exists")
    conn.execute(sources.insert().values(source_values(source)))
    return find_source(conn, workspace, source.id)


def ensure_source(conn: Connection, workspace: WorkspaceId, *, name: str, kind: SourceKind, now: int) -> Source:
    """The workspace's oldest source; made when there is none."""
    existing = list_sources(conn, workspace)
    return existing[0] if existing else create_source(conn, workspace, name=name, kind=kind, now=now)


def list_sources(conn: Connection, workspace: WorkspaceId) -> list[Source]:
    """The workspace's sources with its policy, oldest first."""
    query = sa.select(sources).where(sources.c.workspace == workspace).order_by(sources.c.created_at, sources.c.id)
    of_shop = _shops(conn).get(workspace)
    return [_source(row, of_shop) for row in conn.execute(query)]


def find_source(conn: Connection, workspace: WorkspaceId, source_id: str, *, for_update: bool = False) -> Source:
    """One source, with its workspace's policy; on demand nobody else changes it meanwhile. Raises NotFound."""
    query = sa.select(sources).where(sources.c.workspace == workspace, sources.c.id == source_id)
    row = conn.execute(query.with_for_update() if for_update else query).first()
    if row is None:
        raise NotFound(f"no source has the id {source_id[:60]!r}", hint="`rapport sources list` lists them")
    return _source(row, _shops(conn).get(workspace))


def id_of_key(conn: Connection, key: str, *, now: int) -> str:
    """The id of the source with this write key, or whose key it was until a while ago; empty where none has it."""
    s = sources.c
    before = sa.and_(s.previous_key == key, s.previous_until > now)
    found = conn.execute(sa.select(s.id).where(sa.or_(s.write_key == key, before)).limit(1)).scalar() if key else None
    return found or ""


def change_source(
    conn: Connection,
    workspace: WorkspaceId,
    source_id: str,
    *,
    name: str | None = None,
    kind: SourceKind | None = None,
    limits: Limits | None = None,
    enabled: bool | None = None,
    asks_signatures: bool | None = None,
    seen: str | None = None,
) -> Source:
    """Rename a source, change its kind or limits, open or close it, have it ask for signatures of user ids; only what
    is given is written.

    `seen` is the version (`source_version`) whoever changes it has looked at. Raises NotFound, InvalidInput, and
    Conflict where it is another by now.
    """
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = _checked_name(name)
    if kind is not None:
        values["kind"] = _checked_kind(kind)
    if limits is not None:
        values |= msgspec.structs.asdict(_checked_limits(limits))
    if enabled is not None:
        values["enabled"] = enabled
    if asks_signatures is not None:
        tell(conn, workspace, "source.signatures", about=source_id, details={"asked": asks_signatures})
        values["asks_signatures"] = asks_signatures
        find_source(conn, workspace, source_id, for_update=True)
        # As it lies there: one that cannot be opened here is not to be replaced by the way.
        has = sa.select(sources.c.signing_secret).where(sources.c.workspace == workspace, sources.c.id == source_id)
        if asks_signatures and not conn.execute(has).scalar():
            values["signing_secret"] = _new_signing_secret(source_id)
    if seen is not None:
        now = _changeable(find_source(conn, workspace, source_id, for_update=True))
        refuse_unseen(seen, now, wanted=values, what=f"the source {now['name']!r}")
    return _write(conn, workspace, source_id, values)


def source_version(source: Source) -> str:
    """Stands for what people change of a source; its keys and health are not of it."""
    return version_of(_changeable(source))


def rotate_key(
    conn: Connection, workspace: WorkspaceId, source_id: str, *, now: int, grace: int = GRACE,
    seen: str | None = None,
) -> Source:  # fmt: skip
    """Give a source a new write key; the old one works for `grace` microseconds more.

    Raises NotFound, and Conflict where the key is not the one that was `seen`: two who rotate at once would end the
    grace of the key that is in use.
    """
    # The database itself moves the key: one that was read before may not be the key any more.
    values = {"write_key": new_secret("wk"), "previous_key": sources.c.write_key, "previous_until": now + grace}
    change = sources.update().where(sources.c.workspace == workspace, sources.c.id == source_id).values(values)
    moved = conn.execute(change if seen is None else change.where(sources.c.write_key == seen))
    source = find_source(conn, workspace, source_id)
    if not moved.rowcount:
        raise Conflict(
            f"somebody rotated the write key of {source.name!r} since you looked", hint="look at the new one first"
        )
    tell(conn, workspace, "source.key_rotated", about=source_id, details={"grace_seconds": grace // SECOND}, now=now)
    return source


def end_previous_key(conn: Connection, workspace: WorkspaceId, source_id: str, *, now: int) -> Source:
    """Make the key before the last rotation useless, within a second in every process. Raises NotFound."""
    source = _write(conn, workspace, source_id, {"previous_key": None, "previous_until": 0})
    tell(conn, workspace, "source.old_key_ended", about=source_id, now=now)
    return source


def renew_signing_secret(conn: Connection, workspace: WorkspaceId, source_id: str, *, now: int) -> Source:
    """Give a source another secret for signatures; what was signed with the old one counts no more. Raises NotFound."""
    source = _write(conn, workspace, source_id, {"signing_secret": _new_signing_secret(source_id)})
    tell(conn, workspace, "source.signing_secret_renewed", about=source_id, now=now)
    return source


SIGNING_SECRETS = SecretPlace(sources, "signing_secret", lambda row: f"source:{row['id']}")


def _new_signing_secret(source_id: str) -> bytes:
    return sealed(new_secret("sk").encode(), about=f"source:{source_id}")


def set_enabled(conn: Connection, workspace: WorkspaceId, source_id: str, *, enabled: bool) -> Source:
    """Open or close a source; what it sent is kept. Raises NotFound."""
    return _write(conn, workspace, source_id, {"enabled": enabled})


class Sources:
    """All sources of this installation in memory, read again every second, so that an endpoint makes no query."""

    def __init__(self, db: Database, *, refresh_seconds: float = 1.0) -> None:
        self._db = db
        self._refresh_seconds = refresh_seconds
        self._by_key: Mapping[str, Source] = {}
        self._by_previous_key: Mapping[str, Source] = {}
        self._full: frozenset[tuple[int, str]] = frozenset()
        self._spent: frozenset[tuple[int, str]] = frozenset()
        self._asked_at = 0
        self._newest = 0
        self._asking: asyncio.Task[None] | None = None
        self.largest_batch = Limits().max_batch_bytes
        """The largest batch that any source may send."""

    def find(self, write_key: str, *, now: int) -> Source | None:
        """The source of a write key, or of the key before its last rotation while that still works; None if unknown."""
        source = self._by_key.get(write_key)
        if source is not None:
            return source
        source = self._by_previous_key.get(write_key)
        return source if source is not None and now < source.previous_until else None

    async def look_up(self, write_key: str, *, now: int) -> Source | None:
        """As `find`; for an unknown key the database is asked, at most four times a second. Raises Unavailable."""
        source = self.find(write_key, now=now)
        if source is not None:
            return source
        if self._asking is None or (self._asking.done() and abs(now - self._asked_at) > SECOND // 4):
            self._asked_at = now
            self._asking = asyncio.create_task(asyncio.to_thread(self._read_keys))
        try:
            await asyncio.shield(self._asking)
        except SQLAlchemyError as error:
            raise Unavailable("write keys cannot be checked now", hint="send it again") from error
        return self.find(write_key, now=now)

    def is_full(self, source: Source) -> bool:
        """Whether the source's part of the quarantine is full."""
        return (source.workspace, source.id) in self._full

    def has_spent_its_day(self, source: Source) -> bool:
        """Whether the source has sent what it may in 24 hours. Told some seconds late: its rate bounds what comes."""
        return (source.workspace, source.id) in self._spent

    async def refresh(self) -> None:
        """Read the sources again, in a thread."""
        await asyncio.to_thread(self.refresh_now)

    def refresh_now(self) -> None:
        """Read the sources, how full their quarantine is, and what they have sent in a day."""
        began = monotonic_ns()
        with self._db.read() as conn:
            read = _all_sources(conn)
            waiting = count_open(conn)
            sent = bytes_since(conn, now_us() - DAY) if any(s.limits.megabytes_per_day for s in read) else {}
        self._keep_keys(read, began)
        self._full = frozenset(
            (source.workspace, source.id)
            for source in read
            if waiting.get((source.workspace, source.id), 0) >= source.limits.max_quarantined
        )
        self._spent = frozenset(
            (source.workspace, source.id)
            for source in read
            if 0 < source.limits.megabytes_per_day * MEGABYTE <= sent.get((source.workspace, source.id), 0)
        )

    def _read_keys(self) -> None:
        """Read the sources alone: strangers make us look up keys, and counting what was sent takes longer."""
        began = monotonic_ns()
        with self._db.read() as conn:
            read = _all_sources(conn)
        self._keep_keys(read, began)

    def _keep_keys(self, read: list[Source], began: int) -> None:
        """Keep what was read, unless a reading that began later has ended before: it knows newer keys."""
        if began < self._newest:
            return
        self._newest = began
        self._by_key = {source.write_key: source for source in read}
        self._by_previous_key = {source.previous_key: source for source in read if source.previous_key}
        self.largest_batch = max([Limits().max_batch_bytes, *(source.limits.max_batch_bytes for source in read)])

    async def keep_fresh(self) -> None:
        """Read again every second until cancelled; while the database is away the last known sources hold."""
        while True:
            await asyncio.sleep(self._refresh_seconds)
            with going_on("sources were read again"):  # else keys that were withdrawn are good for ever in this process
                await self.refresh()


def _all_sources(conn: Connection) -> list[Source]:
    shops = _shops(conn)
    return [_source(row, shops.get(row.workspace)) for row in all_source_rows(conn)]


def _write(conn: Connection, workspace: WorkspaceId, source_id: str, values: dict[str, Any]) -> Source:
    """Change these columns alone: two people who change different ones at a time do not undo each other."""
    if values:
        conn.execute(sources.update().where(sources.c.workspace == workspace, sources.c.id == source_id).values(values))
    return find_source(conn, workspace, source_id)


def _changeable(source: Source) -> dict[str, Any]:
    return {
        "name": source.name, "kind": source.kind, "enabled": source.enabled,
        "asks_signatures": source.asks_signatures, **msgspec.structs.asdict(source.limits),
    }  # fmt: skip


class _OfShop(NamedTuple):
    """What sources have from their shop."""

    policy: IdentifierPolicy = IdentifierPolicy()
    currency: str = "USD"


def _shops(conn: Connection) -> dict[int, _OfShop]:
    return {shop.id: _OfShop(identifier_policy(shop.settings), shop.settings.currency) for shop in all_workspaces(conn)}


def _source(row: sa.Row[Any], of_shop: _OfShop | None = None) -> Source:
    policy, currency = of_shop or _OfShop()
    return Source(
        workspace=WorkspaceId(row.workspace),
        id=row.id,
        name=row.name,
        kind=row.kind,
        write_key=row.write_key,
        previous_key=row.previous_key,
        previous_until=row.previous_until,
        enabled=bool(row.enabled),
        limits=Limits(**{name: getattr(row, name) for name in Limits.__struct_fields__}),
        policy=policy,
        currency=currency,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        client_side=row.kind in CLIENT_KINDS,
        asks_signatures=bool(row.asks_signatures) and row.kind in CLIENT_KINDS,
        signing_secret=_opened(row),
    )


def _opened(row: sa.Row[Any]) -> str:
    """The secret; nothing where it cannot be opened, so that no signature is right and all else goes on."""
    try:
        return opened(bytes(row.signing_secret), about=f"source:{row.id}").decode() if row.signing_secret else ""
    except Misconfigured as error:
        _log.error("the signing secret of source %s cannot be opened, so nobody is vouched for: %s", row.id, error)
        return ""


def _checked_name(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not 1 <= len(name) <= 100:
        raise InvalidInput(f"a source's name has 1 to 100 characters, not {len(name)}")
    return name


def _checked_kind(kind: SourceKind) -> SourceKind:
    if kind not in SOURCE_KINDS:
        raise InvalidInput(f"{kind!r} is no kind of source", hint=f"one of {', '.join(SOURCE_KINDS)}")
    return kind


def _checked_limits(limits: Limits) -> Limits:
    bounds = {
        "max_event_bytes": (1_024, 1024 * 1024),
        "max_batch_bytes": (10_240, 16 * 1024 * 1024),
        "max_batch_facts": (1, 10_000),
        "facts_per_second": (0, 1_000_000),
        "max_quarantined": (0, 10_000_000),
        "burst_facts": (0, 10_000_000),
        "megabytes_per_day": (0, 100_000_000),
    }
    for name, (least, most) in bounds.items():
        value = getattr(limits, name)
        if not least <= value <= most:
            raise InvalidInput(f"{name} is {value}, it must be from {least} to {most}")
    return limits
