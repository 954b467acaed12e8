"""The table of pulls: whose lists are read with which key, how far, and how it went. One at a time reads each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, MetaData, Table

from rapport.adapters.shops.model import Shop
from rapport.adapters.shops.pulling.model import Place
from rapport.kernel.clock import MINUTE
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText
from rapport.storage.resealing import SecretPlace
from rapport.storage.sealing import opened_text, sealed_text

__all__ = [
    "LEASE", "SECRETS", "Due", "Pull", "ask_soon", "claim", "due", "fail", "failing", "go_on", "is_any_due", "keep",
    "key_of_access", "let_go", "postpone", "pull_of", "pulls", "pulls_of", "put_off", "remove", "renew",
]  # fmt: skip

LEASE = 6 * MINUTE
"""Longer than the requests of a page may take, and shorter than the message's own: after a crash another takes over."""

pulls = Table(
    "shops_pulls", MetaData(), Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("source", CText, primary_key=True), Column("shop", CText, primary_key=True),
    Column("address", CText, nullable=False), Column("access", CText, nullable=False),
    Column("every_minutes", Integer, nullable=False), Column("orders_since", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False), Column("version", Integer, nullable=False),
    Column("reached", BigInteger, nullable=False), Column("began_at", BigInteger), Column("place", LargeBinary),
    Column("next_at", BigInteger, nullable=False), Column("leased_until", BigInteger, nullable=False),
    Column("pages", BigInteger, nullable=False), Column("things", BigInteger, nullable=False),
    Column("facts", BigInteger, nullable=False), Column("finished_at", BigInteger), Column("failed_at", BigInteger),
    Column("last_error", CText, nullable=False), Index("shops_pulls_due", "next_at"),
)  # fmt: skip
"""`access` lies sealed where there is a key for that. `reached`: what changed before is known, by the shop's clock."""

SECRETS = (
    SecretPlace(pulls, "access", lambda row: f"shops_pulls:{row['workspace']}:{row['source']}:{row['shop']}"),
)  # fmt: skip


class Pull(NamedTuple):
    """A shop system whose lists are read for a source."""

    workspace: WorkspaceId
    source: str
    shop: Shop
    address: str
    every_minutes: int
    orders_since: int
    """The first time orders are read that changed from then on."""
    enabled: bool
    version: int
    reached: int
    """0: never read to the end."""
    began_at: int | None
    """When the reading under way began, by the shop's clock; None while none is."""
    place: Place | None
    next_at: int
    leased_until: int
    pages: int
    """Of the reading under way, or of the last one; likewise what they held, and what of it was new."""
    things: int
    facts: int
    finished_at: int | None
    failed_at: int | None
    """Since when it fails; None after a page that was read."""
    last_error: str


class Due(NamedTuple):
    """A pull whose time has come."""

    workspace: WorkspaceId
    source: str
    shop: Shop
    next_at: int


_COLUMNS = [pulls.c[name] for name in Pull._fields]
_KEY = ("workspace", "source", "shop")


def keep(conn: Connection, pull: Pull, access: str, *, is_anew: bool) -> None:
    """Keep what people decide of a pull; where it reads is kept, too, unless all of it is to be read anew."""
    row = {**pull._asdict(), "place": None, "access": sealed_text(access, about=_about(pull))}
    anew = ("reached", "began_at", "place", "pages", "things", "facts", "finished_at") if is_anew else ()
    decided = ("address", "access", "every_minutes", "orders_since", "enabled", "version", "next_at")
    upsert(conn, pulls, [row], key=_KEY, update=(*decided, *anew, "failed_at", "last_error"))


def pulls_of(conn: Connection, workspace: WorkspaceId, source: str | None = None) -> list[Pull]:
    """Those of a shop, or of one of its sources."""
    query = sa.select(*_COLUMNS).where(pulls.c.workspace == workspace)
    if source is not None:
        query = query.where(pulls.c.source == source)
    return [_read(row) for row in conn.execute(query.order_by(pulls.c.source, pulls.c.shop))]


def pull_of(conn: Connection, workspace: WorkspaceId, source: str, shop: str) -> Pull | None:
    """That of one source and system."""
    return next((one for one in pulls_of(conn, workspace, source) if one.shop == shop), None)


def remove(conn: Connection, workspace: WorkspaceId, source: str, shop: str) -> bool:
    """Read them no more. Returns whether they were."""
    return conn.execute(sa.delete(pulls).where(*_mine(workspace, source, shop))).rowcount > 0


def key_of_access(conn: Connection, pull: Pull) -> str:
    """The access key. Raises Misconfigured where no key of the environment opens it."""
    mine = _mine(pull.workspace, pull.source, pull.shop)
    kept = conn.execute(sa.select(pulls.c.access).where(*mine)).scalar_one()
    return opened_text(kept, about=_about(pull))


def is_any_due(conn: Connection, now: int) -> bool:
    """Whether the time of one has come."""
    return conn.execute(sa.select(pulls.c.source).where(*_waiting(now)).limit(1)).first() is not None


def due(conn: Connection, now: int, *, most: int) -> list[Due]:
    """Those whose time has come, the longest waiting first."""
    columns = [pulls.c[name] for name in Due._fields]
    query = sa.select(*columns).where(*_waiting(now)).order_by(pulls.c.next_at).limit(most)
    return [Due._make(row) for row in conn.execute(query)]


def postpone(conn: Connection, some: Sequence[Due], *, now: int) -> None:
    """Their time comes again after what was decided for each."""
    next_at = now + sa.cast(pulls.c.every_minutes, BigInteger) * MINUTE
    conn.execute(sa.update(pulls).where(_named(some)).values(next_at=next_at))


def put_off(conn: Connection, some: Sequence[Due], *, until: int) -> None:
    """Their time comes again then."""
    conn.execute(sa.update(pulls).where(_named(some)).values(next_at=until))


def _named(some: Sequence[Due]) -> sa.ColumnElement[bool]:
    return sa.tuple_(pulls.c.workspace, pulls.c.source, pulls.c.shop).in_([one[:3] for one in some])


def ask_soon(conn: Connection, workspace: WorkspaceId, source: str, shop: str, *, now: int) -> bool:
    """Let its time be now. False where there is none that is switched on."""
    asking = sa.update(pulls).where(*_mine(workspace, source, shop), pulls.c.enabled).values(next_at=now)
    return conn.execute(asking).rowcount > 0


def claim(conn: Connection, workspace: WorkspaceId, source: str, shop: str, *, now: int) -> Pull | None:
    """Take it for oneself; None where it is gone, switched off, or somebody else reads it."""
    free = (pulls.c.enabled, pulls.c.leased_until <= now)
    claiming = sa.update(pulls).where(*_mine(workspace, source, shop), *free).values(leased_until=now + LEASE)
    row = conn.execute(claiming.returning(*_COLUMNS)).first()
    return None if row is None else _read(row)


def renew(conn: Connection, pull: Pull, *, now: int) -> Pull | None:
    """Keep it for another lease; None where it is not one's own any more."""
    return _change(conn, pull, {"leased_until": now + LEASE})


def go_on(
    conn: Connection, pull: Pull, place: Place | None, *, began_at: int, things: int, facts: int, now: int
) -> Pull | None:
    """A page was read and the next place is this one, None where it was the last: then the reading is finished."""
    first = pull.place is None
    if place is None or not place.is_anew:  # what was begun once more is well when it has come to its end
        well: dict[str, Any] = {"failed_at": None, "last_error": ""}
    else:
        well = {}
    values: dict[str, Any] = {
        "pages": 1 if first else pulls.c.pages + 1, "things": things if first else pulls.c.things + things,
        "facts": facts if first else pulls.c.facts + facts, "began_at": began_at,
        "leased_until": now + LEASE, "place": None if place is None else msgspec.json.encode(place), **well,
    }  # fmt: skip
    return _change(conn, pull, values if place is not None else {**values, **_finished(began_at, now)})


def _finished(began_at: int, now: int) -> dict[str, Any]:
    return {"reached": began_at, "began_at": None, "finished_at": now, "leased_until": 0}


def fail(conn: Connection, pull: Pull, why: str, *, now: int, anew: Place | None = None) -> None:
    """It could not go on; its place is kept, or is this one, where the shop takes that one no more."""
    values: dict[str, Any] = {
        "failed_at": sa.func.coalesce(pulls.c.failed_at, now), "last_error": why[:300], "leased_until": 0,
    }  # fmt: skip
    if anew is not None:
        values |= {"place": msgspec.json.encode(anew), "pages": 0, "things": 0, "facts": 0}
    _change(conn, pull, values)


def let_go(conn: Connection, pull: Pull, *, next_at: int | None = None) -> None:
    """Let go of it, to go on at that time; where none is said, when it was to be read next anyhow."""
    _change(conn, pull, {"leased_until": 0} | ({} if next_at is None else {"next_at": next_at}))


def failing(conn: Connection, workspace: WorkspaceId, *, since: int) -> list[Pull]:
    """Those that have read no page since that time, though they tried."""
    return [
        one for one in pulls_of(conn, workspace) if one.enabled and one.failed_at is not None and one.failed_at < since
    ]


def _change(conn: Connection, pull: Pull, values: dict[str, Any]) -> Pull | None:
    """Where the lease is still this one's and nobody has decided otherwise meanwhile."""
    mine = (*_mine(pull.workspace, pull.source, pull.shop), pulls.c.leased_until == pull.leased_until,
            pulls.c.version == pull.version)  # fmt: skip
    row = conn.execute(sa.update(pulls).where(*mine).values(**values).returning(*_COLUMNS)).first()
    return None if row is None else _read(row)


def _waiting(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    return pulls.c.next_at <= now, pulls.c.enabled, pulls.c.leased_until <= now


def _mine(workspace: WorkspaceId, source: str, shop: str) -> tuple[sa.ColumnElement[bool], ...]:
    return pulls.c.workspace == workspace, pulls.c.source == source, pulls.c.shop == shop


def _read(row: Any) -> Pull:
    found = Pull._make(row)
    place = None if row.place is None else msgspec.json.decode(row.place, type=Place)
    return found._replace(place=place, enabled=bool(row.enabled))


def _about(pull: Pull) -> str:
    return f"shops_pulls:{pull.workspace}:{pull.source}:{pull.shop}"
