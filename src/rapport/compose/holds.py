"""Legal holds: somebody of whom nothing may go for a time, since a court or an authority may ask for it.

What would take something of them away waits and says why: an erasure they asked for, one since no purpose keeps them, a
field that is to be taken out. A hold is of the person who has the identifier, whoever that is by then, and has an end,
which lets go on what waits. Nothing is used for longer by it: what may be done with them is another question.

**Source**: Art. 17(3)(e) GDPR, the establishment, exercise or defence of legal claims.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.kernel.clock import DAY, from_iso, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.kernel.language import kept
from rapport.remember.golden import find_key
from rapport.resolve.graph import store
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking.units import units_of
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import chunks
from rapport.storage.engine import CText, metadata

__all__ = [
    "Held", "HoldShown", "HoldWanted", "end", "find", "forget", "held_keys", "hold", "newest", "privacy_holds",
    "refuse_held", "told", "words_of",
]  # fmt: skip

_LONGEST = 3650 * DAY
"""No hold is for ever: whoever needs it for longer says so again."""

privacy_holds = Table(
    "privacy_holds",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("subject", LargeBinary),
    Column("why", Text, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("held_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("ended_by", Text),
    Column("ended_at", BigInteger),
    Index("privacy_holds_standing", "workspace", "until"),
    Index("privacy_holds_of_person", "workspace", "subject"),
)
"""`subject` is the identifier that was named; NULL once its person is erased. It holds until `until`, or `ended_at`."""

_h = privacy_holds.c


class Held(Conflict):
    """Something would take away of somebody who is held."""


class HoldWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose data is held, why, and until when."""

    customer: Annotated[str, Meta(min_length=1, max_length=300)]
    """A customer id (`cus_…`) or `namespace:value`."""
    why: Annotated[str, Meta(max_length=200)]
    """Such as the number of a case; nothing of the person."""
    until: Annotated[str, Meta(max_length=60)]
    """A moment (ISO 8601), at most ten years from now."""


class HoldShown(msgspec.Struct, frozen=True, kw_only=True):
    """One hold as it stands."""

    id: str
    customer: str | None
    """Their customer id; none once they are erased."""
    why: str
    held_by: str
    held_at: str
    until: str
    ended_by: str | None
    ended_at: str | None
    standing: bool


def hold(conn: Connection, workspace: WorkspaceId, wanted: HoldWanted, *, by: str, now: int) -> str:
    """Hold somebody from this transaction's end on; returns the id.

    Raises NotFound where nobody has the name, InvalidInput without a reason or for an end that cannot be meant.
    """
    if not wanted.why.strip():
        raise InvalidInput("say why they are held", hint="the number of a case, who asks for it: a few words")
    until = _moment(wanted.until)
    if not now < until <= now + _LONGEST:
        raise InvalidInput(f"a hold cannot end at {wanted.until[:40]!r}", hint="after now, within ten years")
    store.lock(conn, workspace)  # an erasure that has begun ends first, and finds or leaves nobody
    subject = find_key(conn, workspace, wanted.customer, region=settings_of(conn, workspace).region)
    row = {
        "workspace": workspace, "id": new_id("hld"), "subject": subject, "why": wanted.why.strip(), "held_by": by,
        "held_at": now, "until": until, "ended_by": None, "ended_at": None,
    }  # fmt: skip
    conn.execute(privacy_holds.insert().values(row))
    said = {"why": row["why"], "until": to_iso(until), "by": by}
    tell(conn, workspace, "hold.placed", about=str(row["id"]), details=said, people=[subject], now=now)
    return str(row["id"])


def end(conn: Connection, workspace: WorkspaceId, ident: str, *, by: str, now: int) -> None:
    """Let them go before its time; what waits goes on. Raises NotFound, Conflict where it is over already."""
    values = {"ended_by": by, "ended_at": now}
    row = conn.execute(sa.select(privacy_holds).where(*_one(workspace, ident))).first()
    if row is None:
        raise NotFound(f"there is no hold {ident[:60]!r}")
    done = conn.execute(privacy_holds.update().where(*_one(workspace, ident), *_standing(now)).values(values))
    if not done.rowcount:
        raise Conflict(f"this hold ended on {to_iso(row.ended_at or row.until)}", hint="what waited for it goes on")
    people = [] if row.subject is None else [Key(row.subject)]
    tell(conn, workspace, "hold.ended", about=ident, details={"by": by}, people=people, now=now)


def newest(conn: Connection, workspace: WorkspaceId, *, now: int, limit: int = 100) -> list[HoldShown]:
    """The holds of a shop, those that stand before those that are over, the newest first."""
    over = sa.case((sa.and_(*_standing(now)), 0), else_=1)
    query = sa.select(privacy_holds).where(_h.workspace == workspace).order_by(over, _h.held_at.desc(), _h.id)
    return _shown(conn, workspace, conn.execute(query.limit(limit)).all(), now=now)


def find(conn: Connection, workspace: WorkspaceId, ident: str, *, now: int) -> HoldShown:
    """One by its id. Raises NotFound."""
    rows = conn.execute(sa.select(privacy_holds).where(*_one(workspace, ident))).all()
    if not rows:
        raise NotFound(f"there is no hold {ident[:60]!r}")
    return _shown(conn, workspace, rows, now=now)[0]


def _shown(conn: Connection, workspace: WorkspaceId, rows: Sequence[Any], *, now: int) -> list[HoldShown]:
    roots = store.roots_of(conn, workspace, {Key(row.subject) for row in rows if row.subject is not None})
    named = load_customer_ids(conn).customer_id if roots else None
    return [
        HoldShown(
            id=row.id, why=row.why, held_by=row.held_by, held_at=to_iso(row.held_at), until=to_iso(row.until),
            customer=named(roots[row.subject]) if named is not None and row.subject in roots else None,
            ended_by=row.ended_by, ended_at=None if row.ended_at is None else to_iso(row.ended_at),
            standing=row.ended_at is None and row.until > now,
        )
        for row in rows
    ]  # fmt: skip


def held_keys(conn: Connection, workspace: WorkspaceId, *, now: int) -> Mapping[Key, str]:
    """Every identifier of everybody who is held, with why in words. One read where nobody is; else three more for all.

    Who is only probably the same person, by a learned link, is not held with them.
    """
    query = sa.select(_h.subject, _h.why, _h.until, _h.held_by).where(
        _h.workspace == workspace, _h.subject.is_not(None), *_standing(now)
    )
    rows = conn.execute(query.order_by(_h.until, _h.id)).all()
    if not rows:
        return {}
    words = {Key(row.subject): words_of(row.held_by, row.until, row.why) for row in rows}
    roots = store.roots_of(conn, workspace, words)
    units = units_of(conn, workspace, set(roots.values()))
    found = dict(words)
    for key, root in roots.items():
        unit = next((one for one in units.get(root, {}).values() if key in one), [key])
        found |= dict.fromkeys(unit, words[key])
    return found


def refuse_held(conn: Connection, workspace: WorkspaceId, keys: Collection[Key], *, now: int) -> None:
    """Raises Held where one of these identifiers is of somebody who is held."""
    why = next((words for key, words in held_keys(conn, workspace, now=now).items() if key in set(keys)), None)
    if why is not None:
        raise Held(why, hint="it goes on by itself once the hold has ended")


def told(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> list[dict[str, Any]]:
    """That somebody was or is held, and until when, for themselves; why and by whom is the shop's matter."""
    query = sa.select(_h.held_at, sa.func.coalesce(_h.ended_at, _h.until).label("until")).where(
        _h.workspace == workspace
    )
    return [
        {"held_at": to_iso(row.held_at), "until": to_iso(row.until)}
        for some in chunks(sorted(keys), 500)
        for row in conn.execute(query.where(_h.subject.in_(some)).order_by(_h.held_at))
    ]


def forget(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Forget whom holds were about, of a person who is being erased: that there was one is the shop's to prove."""
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.and_(_h.workspace == workspace, _h.subject.in_(some))
        gone += conn.execute(privacy_holds.update().where(theirs).values(subject=None)).rowcount
    return gone


def words_of(held_by: str, until: int, why: str) -> str:
    """Why something waits."""
    return _HELD % {"who": held_by, "day": to_iso(until)[:10], "why": why}


_HELD = kept("kept by a legal hold until %(day)s, by %(who)s: %(why)s")


def _standing(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    return _h.ended_at.is_(None), _h.until > now


def _one(workspace: WorkspaceId, ident: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _h.workspace == workspace, _h.id == ident


def _moment(text: str) -> int:
    try:
        return from_iso(text)
    except ValueError as error:
        raise InvalidInput(f"{text[:60]!r} is no moment", hint="2027-06-30T00:00:00Z") from error
