"""What all members are told, in bounded turns: new terms before they hold, points before they expire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.days import last_day
from rapport.capabilities.loyalty.programme import Programme
from rapport.capabilities.loyalty.redeeming import worth_of
from rapport.capabilities.loyalty.service.telling import send
from rapport.capabilities.loyalty.settings import LOYALTY_SETTINGS
from rapport.capabilities.loyalty.versions import KeptVersion, names_of
from rapport.capabilities.loyalty.whose import persons_of
from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.workspaces import all_workspaces

__all__ = ["ANNOUNCING"]

_a, _l = store.announcements.c, store.lots.c
EXPIRY = "expiry"
FIRST = b""


class _Place(NamedTuple):
    """How far something was told: to whom it is next."""

    workspace: WorkspaceId
    kept: KeptVersion
    what: str
    at: int
    strand: bytes
    until: int
    """Of expiry: up to which day; of terms, when they hold."""


def _places(conn: Connection, turn: Turn) -> Iterator[_Place]:
    """All there is to tell of: two small reads for each shop with a programme."""
    for shop in all_workspaces(conn):
        named = names_of(conn, shop.id)
        if not named:
            continue
        wanted = turn.work.setting(conn, shop.id, LOYALTY_SETTINGS)
        known = {
            (row.programme, row.what): row
            for row in conn.execute(sa.select(store.announcements).where(_a.workspace == shop.id))
        }
        for kept in named:
            holds_at = kept.changed_at + kept.programme.notice_days * DAY
            what = f"terms:{kept.version}"
            row = known.get((kept.name, what))
            if wanted.tell_terms and kept.version > 1 and holds_at > turn.now and not (row and row.done):
                yield _Place(shop.id, kept, what, 0, row.strand if row else FIRST, holds_at)
            row = known.get((kept.name, EXPIRY))
            if wanted.expiry_notice_days:
                at, strand = (row.at, row.strand) if row else (turn.now, FIRST)
                yield _Place(shop.id, kept, EXPIRY, at, strand, turn.now + wanted.expiry_notice_days * DAY)


def _expiring(place: _Place, limit: int) -> sa.Select[Any]:
    """Whose points expire after the place, by day and person, with how many."""
    after = sa.or_(_l.expires_at > place.at, sa.and_(_l.expires_at == place.at, _l.strand > place.strand))
    return (
        sa.select(_l.expires_at, _l.strand, sa.func.sum(_l.available).label("points"))
        .where(_l.workspace == place.workspace, _l.available > 0, _l.expires_at >= place.at,
               _l.expires_at <= place.until, _l.programme == place.kept.name, after)
        .group_by(_l.expires_at, _l.strand).order_by(_l.expires_at, _l.strand).limit(limit)
    )  # fmt: skip


def _members(place: _Place, limit: int) -> sa.Select[Any]:
    query = sa.select(_l.strand).distinct().where(_l.workspace == place.workspace, _l.strand > place.strand)
    return query.where(_l.programme == place.kept.name).order_by(_l.strand).limit(limit)


def _due(conn: Connection, turn: Turn) -> bool:
    return any(
        place.what != EXPIRY or conn.execute(_expiring(place, 1)).first() is not None for place in _places(conn, turn)
    )


def _run(turn: Turn) -> int:
    done = 0
    with turn.write() as conn:
        for place in list(_places(conn, turn)):
            tell = _tell_expiry if place.what == EXPIRY else _tell_terms
            done += tell(conn, place, turn)
    return done


def _tell_terms(conn: Connection, place: _Place, turn: Turn) -> int:
    strands = [Key(row.strand) for row in conn.execute(_members(place, turn.at_most))]
    kept = place.kept
    said = {
        "title": kept.programme.title,
        "reason": kept.reason,
        "from": last_day(place.until, kept.programme.time_zone),
    }
    send(conn, place.workspace, [
        (person, _fields(f"loyalty:{place.what}:{kept.name}:{person.hex()}", "terms", "transactional", place.until,
                         said))
        for person in sorted(persons_of(conn, place.workspace, strands))
    ], now=turn.now)  # fmt: skip
    is_done = len(strands) < turn.at_most
    _reached(conn, place, place.at, strands[-1] if strands else place.strand, done=is_done)
    return len(strands) or 1


def _tell_expiry(conn: Connection, place: _Place, turn: Turn) -> int:
    rows = conn.execute(_expiring(place, turn.at_most)).all()
    if not rows:
        return 0
    terms, name = place.kept.programme, place.kept.name
    send(conn, place.workspace, [
        (Key(row.strand), _fields(f"loyalty:expiry:{name}:{row.expires_at}:{bytes(row.strand).hex()}", "points_expire",
                                  "marketing", row.expires_at, _expiry(terms, int(row.points), row.expires_at)))
        for row in rows
    ], now=turn.now)  # fmt: skip
    _reached(conn, place, rows[-1].expires_at, rows[-1].strand, done=False)
    return len(rows)


def _expiry(terms: Programme, points: int, at: int) -> dict[str, Any]:
    worth = {"minor": worth_of(points, terms.worth), "currency": terms.currency}
    return {"points": points, "until": last_day(at, terms.time_zone), "title": terms.title, "worth": worth}


def _fields(key: str, template: str, purpose: str, latest_at: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"template": template, "customer": "", "purpose": purpose, "idempotency_key": key[:200],
            "latest_at": latest_at, "data": dict(data)}  # fmt: skip


def _reached(conn: Connection, place: _Place, at: int, strand: bytes, *, done: bool) -> None:
    row = {"workspace": place.workspace, "programme": place.kept.name, "what": place.what, "at": at, "strand": strand,
           "done": int(done)}  # fmt: skip
    upsert(conn, store.announcements, [row], key=("workspace", "programme", "what"), update=["at", "strand", "done"])


ANNOUNCING = Job(
    name="loyalty.announcing", title="Members are told of new terms and of points that expire", due=_due, run=_run,
    at_most=500, pause_seconds=60.0,
)  # fmt: skip
