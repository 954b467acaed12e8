"""What people do with segments: try a text, keep, change and remove one, see who is in it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.kernel.text import clean
from rapport.kernel.versions import refuse_unseen, version_of
from rapport.remember import membership
from rapport.remember.segments.book import Reader, customers_only
from rapport.remember.segments.evaluating import Clock
from rapport.remember.segments.fields import Fields
from rapport.remember.segments.language import BadSegment
from rapport.remember.segments.sql import Sql, sql_of
from rapport.remember.segments.wording import in_words
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.locks import Lock, lock_each

__all__ = [
    "Glance",
    "Member",
    "Members",
    "Overlap",
    "Preview",
    "Segment",
    "SegmentVersion",
    "add",
    "change",
    "find",
    "glance",
    "history",
    "id_of",
    "list_segments",
    "members_of",
    "overlap",
    "preview",
    "remove",
    "tag_of",
]

_r, _m, _s, _v = (membership.records.c, membership.members.c, membership.segments.c, membership.versions.c)
SAMPLE = 10
AT_A_GLANCE = 100_000
"""Customers that are asked while somebody types."""
LEAST_FOUND = 10
"""With fewer found among some of all, a number told of all would be a guess: at ten it is off by a third as a rule."""
AT_MOST = 1_000
"""Segments of one shop."""
LONGEST_NAME = 80


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A segment as it is now."""

    name: str
    where: str
    reads: str
    """The condition in plain English; empty where it cannot be read any more."""
    size: int
    state: str
    """`filling` while customers have yet to be asked, `live`, or `failed` (see `error`)."""
    error: str
    version: int
    changed_at: str
    changed_by: str


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """Who fulfils a condition now."""

    count: int | None
    """None where a purpose is named: how many others there are is not told to it."""
    sample: list[CustomerId]
    reads: str
    text: str


class Glance(NamedTuple):
    """The same at a glance."""

    found: Preview
    one_in: int
    """One customer in so many was asked, and what was found is told as if of all; 1: all were."""
    too_few: bool = False
    """Whether so few of those asked fulfil it that nothing can be told of all."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A customer in a segment."""

    customer_id: CustomerId
    since: str


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """A page of members; `cursor` asks for the next one, None after the last."""

    members: list[Member]
    cursor: str | None
    left_out: int = 0
    """Of this page, those who do not allow what was asked for."""


class SegmentVersion(msgspec.Struct, frozen=True, kw_only=True):
    """How a segment was, from when on and by whom."""

    version: int
    name: str
    where: str
    changed_at: str
    changed_by: str


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """How many customers two segments share."""

    first: int
    second: int
    both: int


def glance(conn: Connection, workspace: WorkspaceId, text: str, *, fields: Fields, now: int) -> Glance:
    """The same while somebody types: where customers are many, some chosen by chance are asked. Raises BadSegment."""
    one_in = _one_in(conn, workspace)
    found = preview(conn, workspace, text, fields=fields, now=now, one_in=one_in)
    count = found.count or 0
    return Glance(msgspec.structs.replace(found, count=count * one_in), one_in, one_in > 1 and count < LEAST_FOUND)


def _one_in(conn: Connection, workspace: WorkspaceId) -> int:
    """The smallest power of two for which not much more than `AT_A_GLANCE` customers are asked."""
    few = sa.select(sa.func.count()).where(_r.workspace == workspace, _r.root < _below(256))
    number, one_in = int(conn.execute(few).scalar_one()) * 256, 1
    while one_in < 256 and number // one_in > AT_A_GLANCE:
        one_in *= 2
    return one_in


def _below(one_in: int) -> bytes:
    """Keys are hashes: those below it are one in so many, the same ones each time."""
    return (65_536 // one_in).to_bytes(2, "big")


def preview(
    conn: Connection, workspace: WorkspaceId, text: str, *, fields: Fields, now: int, one_in: int = 1
) -> Preview:  # fmt: skip
    """Count, in one statement over all customers, who fulfils a condition, with some of them; `one_in`: over one
    customer in so many.

    Raises BadSegment, also where the database cannot read a condition that is nested so deeply.
    """
    reader = Reader(conn, workspace, fields)
    node = reader.read(text)
    asked = sql_of(customers_only(node), Clock(now, reader.zone), dialect=_dialect(conn))
    values, some = _bound(asked, workspace), ""
    if one_in > 1:
        values, some = {**values, "below": _below(one_in)}, "root < :below AND "
    where = f"FROM segment_records WHERE workspace = :workspace AND {some}{asked.text}"
    try:
        count = int(conn.execute(sa.text(f"SELECT count(*) {where}"), values).scalar_one())
    except sa.exc.OperationalError as error:
        if any(said in str(error.orig) for said in ("parser stack overflow", "Expression tree is too large")):
            raise BadSegment("the condition is nested too deeply", hint="name fewer segments within segments") from None
        raise
    sample = [] if not count else conn.execute(sa.text(f"SELECT root {where} LIMIT {SAMPLE}"), values).scalars().all()
    ids = load_customer_ids(conn) if sample else None
    found = [ids.customer_id(Key(bytes(root))) for root in sample] if ids else []
    return Preview(count=count, sample=found, reads=in_words(node, fields.all), text=" ".join(text.split()))


def _bound(asked: Sql, workspace: WorkspaceId) -> Mapping[str, Any]:
    return {**asked.parameters, "workspace": int(workspace)}


def _dialect(conn: Connection) -> Any:
    return conn.dialect.name


def add(
    conn: Connection, workspace: WorkspaceId, *, name: str, where: str, fields: Fields, by: str, now: int
) -> Segment:
    """Keep a new segment; a job fills it. Raises BadSegment, InvalidInput, and Conflict where the name is taken."""
    lock_each(conn, Lock.SUMMARIES, [workspace])
    name = _named(name)
    reader = _check(conn, workspace, where, fields, name)
    there = sa.select(sa.func.count(), sa.func.max(_s.id)).where(_s.workspace == workspace)
    count, last = conn.execute(there).one()
    kept_ids = sa.select(sa.func.max(_v.segment)).where(_v.workspace == workspace)
    last = max(last or 0, conn.execute(kept_ids).scalar() or 0)
    if count >= AT_MOST:
        raise Conflict(f"the shop has {count:,} segments, {AT_MOST:,} are the most", hint="remove one first")
    if _row_of(conn, workspace, name) is not None:
        raise Conflict(f"there is a segment {name!r} already", hint="choose another name, or change that one")
    row = {"name": name, "where_text": where, "version": 1, "changed_at": now, "changed_by": by}
    _write_version(conn, workspace, last + 1, row)
    conn.execute(
        membership.segments.insert().values(
            workspace=workspace,
            id=last + 1,
            revision=_revision(conn, workspace),
            state="filling",
            error="",
            filled_to=b"",
            size=0,
            is_told=False,
            asked_in=reader.asked_in,
            **row,
        )
    )
    return find(conn, workspace, name, fields=fields)


def change(
    conn: Connection, workspace: WorkspaceId, name: str, *, where: str | None, new_name: str | None, fields: Fields,
    by: str, now: int, seen: str | None = None,
) -> Segment:  # fmt: skip
    """Change a segment's condition or name; members are asked anew, also those of segments that name it.

    Raises NotFound, BadSegment, and Conflict where it is not as `seen` any more.
    """
    lock_each(conn, Lock.SUMMARIES, [workspace])
    row = _existing(conn, workspace, name)
    wanted = {"name": _named(new_name) if new_name is not None else row.name, "where": where or row.where_text}
    refuse_unseen(seen, _as_seen(row), wanted=wanted, what=f"the segment {row.name!r}", who=row.changed_by)
    if wanted["name"] != row.name:
        if _row_of(conn, workspace, wanted["name"]) is not None:
            raise Conflict(f"there is a segment {wanted['name']!r} already", hint="choose another name")
        _refuse_where_named(conn, workspace, row.name, "renamed", fields)
    reader = _check(conn, workspace, wanted["where"], fields, wanted["name"])
    version = {
        "name": wanted["name"], "where_text": wanted["where"], "version": row.version + 1, "changed_at": now,
        "changed_by": by,
    }  # fmt: skip
    _write_version(conn, workspace, row.id, version)
    others = [one.id for one in _naming(conn, workspace, row.name) if one.id != row.id]
    refill = {
        "state": "filling", "error": "", "filled_to": b"", "revision": _revision(conn, workspace),
        "asked_in": reader.asked_in,
    }  # fmt: skip
    here = _s.workspace == workspace
    conn.execute(sa.update(membership.segments).where(here, _s.id == row.id).values(**version, **refill))
    conn.execute(sa.update(membership.segments).where(here, _s.id.in_(others)).values(**refill))
    return find(conn, workspace, wanted["name"], fields=fields)


def remove(
    conn: Connection, workspace: WorkspaceId, name: str, *, fields: Fields, seen: str | None = None
) -> None:  # fmt: skip
    """Remove a segment with its members; its versions stay. Raises NotFound, and Conflict where anything names it."""
    lock_each(conn, Lock.SUMMARIES, [workspace])
    row = _existing(conn, workspace, name)
    refuse_unseen(seen, _as_seen(row), wanted={}, what=f"the segment {row.name!r}", who=row.changed_by)
    _refuse_where_named(conn, workspace, row.name, "removed", fields)
    for table in (membership.members, membership.days):
        conn.execute(table.delete().where(table.c.workspace == workspace, table.c.segment == row.id))
    conn.execute(membership.segments.delete().where(_s.workspace == workspace, _s.id == row.id))


def find(conn: Connection, workspace: WorkspaceId, name: str, *, fields: Fields) -> Segment:
    """A segment. Raises NotFound."""
    return _shown(_existing(conn, workspace, name), Reader(conn, workspace, fields), fields)


def list_segments(conn: Connection, workspace: WorkspaceId, *, fields: Fields) -> list[Segment]:
    """All segments of a shop, by name."""
    reader = Reader(conn, workspace, fields)
    query = sa.select(membership.segments).where(_s.workspace == workspace).order_by(_s.name)
    return [_shown(row, reader, fields) for row in conn.execute(query)]


def id_of(conn: Connection, workspace: WorkspaceId, name: str) -> int:
    """The number of a segment within its shop. Raises NotFound."""
    return int(_existing(conn, workspace, name).id)


def tag_of(segment: Segment) -> str:
    """The version that `If-Match` names."""
    return version_of({"name": segment.name, "where": segment.where})


def history(conn: Connection, workspace: WorkspaceId, name: str) -> list[SegmentVersion]:
    """All versions of a segment, the newest first. Raises NotFound."""
    row = _existing(conn, workspace, name)
    query = sa.select(membership.versions).where(_v.workspace == workspace, _v.segment == row.id)
    return [
        SegmentVersion(
            version=one.version,
            name=one.name,
            where=one.where_text,
            changed_at=to_iso(one.changed_at),
            changed_by=one.changed_by,
        )
        for one in conn.execute(query.order_by(_v.version.desc()))
    ]


def members_of(
    conn: Connection, workspace: WorkspaceId, name: str, *, cursor: str | None = None, limit: int = 100
) -> Members:
    """A page of the members, in an order that stays. Raises NotFound, and InvalidInput for a bad cursor."""
    row = _existing(conn, workspace, name)
    query = sa.select(_m.root, _m.since).where(
        _m.workspace == workspace, _m.segment == row.id, _m.root > _after(cursor)
    )
    found = conn.execute(query.order_by(_m.root).limit(limit + 1)).all()
    ids = load_customer_ids(conn) if found else None
    page = [
        Member(customer_id=ids.customer_id(Key(bytes(one.root))), since=to_iso(one.since)) for one in found[:limit]
    ] if ids else []  # fmt: skip
    more = len(found) > limit
    return Members(members=page, cursor=base64.urlsafe_b64encode(found[limit - 1].root).decode() if more else None)


def overlap(conn: Connection, workspace: WorkspaceId, name: str, other: str) -> Overlap:
    """How many customers two segments share, by their members. Raises NotFound."""
    first, second = _existing(conn, workspace, name), _existing(conn, workspace, other)
    theirs = membership.members.alias("theirs").c
    both = sa.select(sa.func.count()).where(
        _m.workspace == workspace, _m.segment == first.id,
        theirs.workspace == workspace, theirs.segment == second.id, theirs.root == _m.root,
    )  # fmt: skip
    return Overlap(first=first.size, second=second.size, both=int(conn.execute(both).scalar_one()))


def _after(cursor: str | None) -> bytes:
    try:
        return base64.b64decode(cursor or "", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("the cursor is none of ours", hint="send it as it was answered") from None


def _named(name: str) -> str:
    name = clean(name, longest=LONGEST_NAME + 1).strip()
    if not name or len(name) > LONGEST_NAME or "/" in name:
        raise InvalidInput(f"{name[:40]!r} is no name for a segment", hint=f"1 to {LONGEST_NAME} characters, no /")
    return name


def _check(conn: Connection, workspace: WorkspaceId, where: str, fields: Fields, name: str) -> Reader:
    reader = Reader(conn, workspace, fields)
    reader.read(where, within=(name,))
    return reader


def _row_of(conn: Connection, workspace: WorkspaceId, name: str) -> Any:
    query = sa.select(membership.segments).where(_s.workspace == workspace, _s.name == name)
    return conn.execute(query).first()


def _existing(conn: Connection, workspace: WorkspaceId, name: str) -> Any:
    row = _row_of(conn, workspace, name)
    if row is None:
        raise NotFound(f"there is no segment {name[:60]!r}", hint="GET /api/v1/segments lists them")
    return row


def _as_seen(row: Any) -> dict[str, Any]:
    return {"name": row.name, "where": row.where_text}


def _naming(conn: Connection, workspace: WorkspaceId, name: str) -> list[Any]:
    """The segments whose text names another, directly or by a third."""
    rows = conn.execute(sa.select(_s.id, _s.name, _s.where_text).where(_s.workspace == workspace)).all()
    found: dict[int, Any] = {}
    names = [name]
    while names:
        asked = "'" + names.pop().replace("'", "''") + "'"
        for row in rows:
            if row.id not in found and asked in row.where_text and "in_segment" in row.where_text.lower():
                found[row.id] = row
                names.append(row.name)
    return list(found.values())


def _refuse_where_named(conn: Connection, workspace: WorkspaceId, name: str, what: str, fields: Fields) -> None:
    """What names a segment by its name would silently mean nobody."""
    others = [one.name for one in _naming(conn, workspace, name) if one.name != name]
    others += [words for user in fields.users for words in user(conn, workspace, name)]
    if others:
        raise Conflict(f"{name!r} cannot be {what}: {', '.join(others[:5])} names it", hint="change that one first")


def _write_version(conn: Connection, workspace: WorkspaceId, segment: int, row: Mapping[str, Any]) -> None:
    conn.execute(membership.versions.insert().values(workspace=workspace, segment=segment, **row))


def _revision(conn: Connection, workspace: WorkspaceId) -> int:
    highest = conn.execute(sa.select(sa.func.max(_s.revision)).where(_s.workspace == workspace)).scalar()
    return int(highest or 0) + 1


def _shown(row: Any, reader: Reader, fields: Fields) -> Segment:
    try:
        reads, error = in_words(reader.read(row.where_text, within=(row.name,)), fields.all), row.error
    except BadSegment as bad:
        reads, error = "", bad.message
    return Segment(
        name=row.name, where=row.where_text, reads=reads, size=row.size, state="failed" if error else row.state,
        error=error, version=row.version, changed_at=to_iso(row.changed_at), changed_by=row.changed_by,
    )  # fmt: skip
