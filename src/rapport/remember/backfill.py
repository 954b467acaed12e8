"""Parts that were added or changed fold from the log what they missed, a few facts at a time; stages are told it.

Whoever leases a bucket notes the parts it folds it with (`install`). From that cursor on a new part folds live; what
came before is a gap, filled in the order of the log. A part whose slice is taken out misses what comes until it is
back. A gap's progress is written in the transaction of the states it changed, under the bucket's lease. While a part
has a gap anywhere, its traits are left out of the records (`ready`): missing, not wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.remember.registry import Part, Remembered
from rapport.remember.store import ALWAYS, OPEN, folded
from rapport.storage.bulk import insert_rows

__all__ = [
    "Gap",
    "Learner",
    "Progress",
    "TraitStatus",
    "advance",
    "install",
    "left_of",
    "next_gap",
    "progress",
    "ready",
    "statuses",
]

_PENDING = (sa.text("upto < target"), folded.c.target < OPEN)


class Learner(Protocol):
    """A part, or a stage that is told the past (`retelling.py`)."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...


class Gap(NamedTuple):
    """Facts of these buckets, those in (upto, target], that these parts have not folded."""

    buckets: list[int]
    upto: int
    target: int
    parts: dict[str, int]
    """With their versions."""


class Progress(NamedTuple):
    """How far a part is filled."""

    part: str
    version: int
    buckets: int
    """Those that are not whole."""
    left: int
    """At most so many facts, of all buckets, lie ahead of the one that is furthest behind."""
    of: int
    """Of so many facts of the log, from the first."""


class TraitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a trait knows the whole past of the log, and how far it is where it does not."""

    trait: str
    part: str
    """The part that it reads; traits that read one part are filled together."""
    state: Literal["whole", "filling", "not begun"]
    """Not begun: no worker has folded with this part yet."""
    left: int = 0
    """At most so many facts of the log lie ahead."""
    folded: float = 1.0
    """The share of the log's facts that lie behind, from 0 to 1, where it is furthest behind."""


def install(conn: Connection, parts: Iterable[Learner], cursors: Mapping[int, int]) -> None:
    """Note that these parts, and no others, fold these buckets from the cursors on."""
    now = {(part.name, part.version) for part in parts}
    rows = conn.execute(sa.select(folded).where(folded.c.bucket.in_(list(cursors)))).all()
    known = {(row.bucket, row.part, row.version) for row in rows}
    before = {row.bucket for row in rows if row.part == ALWAYS}
    new: list[dict[str, Any]] = []
    for bucket, cursor in cursors.items():
        for part, version in sorted(now):
            if (bucket, part, version) not in known:
                target = 0 if bucket in before and version == 1 else cursor
                new.append(_row(bucket, part, version, target=target, upto=0))
    _stop_and_return(conn, rows, now, cursors, new)
    conn.execute(folded.delete().where(folded.c.part == ALWAYS, folded.c.bucket.in_(list(before))))
    insert_rows(conn, folded, new)


def _stop_and_return(
    conn: Connection,
    rows: Iterable[sa.Row[Any]],
    now: Collection[tuple[str, int]],
    cursors: Mapping[int, int],
    new: list[dict[str, Any]],
) -> None:
    """Parts that are gone miss what comes from here on; for those that are back, that ends here."""
    stopped = {(row.bucket, row.part, row.version): row.upto for row in rows if row.target == OPEN}
    folding = {(row.bucket, row.part, row.version) for row in rows if row.part != ALWAYS} - stopped.keys()
    new.extend(
        _row(bucket, part, version, target=OPEN, upto=cursors[bucket])
        for bucket, part, version in sorted(folding)
        if (part, version) not in now
    )
    back = {key: since for key, since in stopped.items() if key[1:] in now}
    ids = sa.tuple_(folded.c.bucket, folded.c.part, folded.c.version)
    if back:
        conn.execute(folded.delete().where(folded.c.target == OPEN, ids.in_(sorted(back))))
    new.extend(
        _row(bucket, part, version, target=cursors[bucket], upto=since)
        for (bucket, part, version), since in sorted(back.items())
        if since < cursors[bucket]
    )


def _row(bucket: int, part: str, version: int, *, target: int, upto: int) -> dict[str, Any]:
    return {"bucket": bucket, "part": part, "version": version, "target": target, "upto": upto}


def next_gap(conn: Connection, parts: Iterable[Learner], buckets: Collection[int]) -> Gap | None:
    """The first gap in these buckets that these parts have; None where they miss nothing."""
    c = folded.c
    wanted = sa.tuple_(c.part, c.version).in_([(part.name, part.version) for part in parts])
    query = sa.select(c.bucket, c.upto, c.target).where(*_PENDING, c.bucket.in_(list(buckets)), wanted)
    first = conn.execute(query.order_by(c.upto, c.target, c.bucket).limit(1)).first()
    if first is None:
        return None
    same = (*_PENDING, c.bucket.in_(list(buckets)), c.upto == first.upto, c.target == first.target, wanted)
    found: dict[int, dict[str, int]] = {}
    for row in conn.execute(sa.select(c.bucket, c.part, c.version).where(*same)):
        found.setdefault(row.bucket, {})[row.part] = row.version
    lacking = found[first.bucket]
    alike = sorted(bucket for bucket, parts_there in found.items() if parts_there == lacking)
    return Gap(alike, first.upto, first.target, lacking)


def advance(conn: Connection, gap: Gap, upto: int) -> None:
    """The gap is filled up to here."""
    c = folded.c
    which = sa.tuple_(c.part, c.version).in_(sorted(gap.parts.items()))
    conn.execute(folded.update().where(c.bucket.in_(gap.buckets), c.target == gap.target, which).values(upto=upto))


def ready(conn: Connection, remembered: Remembered) -> Remembered:
    """What of this is whole: without the parts that have still something to fold."""
    rows = conn.execute(sa.select(folded.c.part, folded.c.version).where(*_PENDING).distinct())
    versions = {name: part.version for name, part in remembered.parts.items()}
    return remembered.without(row.part for row in rows if versions.get(row.part) == row.version)


def progress(conn: Connection) -> list[Progress]:
    """The parts that are being filled, by name."""
    c = folded.c
    query = (
        sa.select(
            c.part, c.version, sa.func.count(c.bucket.distinct()), sa.func.max(c.target - c.upto), sa.func.max(c.target)
        )
        .where(*_PENDING)
        .group_by(c.part, c.version)
        .order_by(c.part, c.version)
    )
    return [Progress._make(row) for row in conn.execute(query)]


def left_of(conn: Connection, parts: Iterable[Learner], buckets: Collection[int]) -> int:
    """At most so many facts lie ahead of those of these buckets that these parts lack."""
    c = folded.c
    wanted = sa.tuple_(c.part, c.version).in_([(part.name, part.version) for part in parts])
    query = sa.select(sa.func.max(c.target - c.upto)).where(*_PENDING, c.bucket.in_(list(buckets)), wanted)
    return int(conn.execute(query).scalar() or 0)


def statuses(conn: Connection, remembered: Remembered) -> list[TraitStatus]:
    """Every trait of this installation that is folded from facts, in the order of their declaration."""
    filling = {(one.part, one.version): one for one in progress(conn)}
    begun = {(row.part, row.version) for row in conn.execute(sa.select(folded.c.part, folded.c.version).distinct())}
    folding = [trait for trait in remembered.traits.values() if trait.part]
    return [_status(trait.name, remembered.parts[trait.part], filling, begun) for trait in folding]


def _status(
    trait: str, part: Part, filling: Mapping[tuple[str, int], Progress], begun: Collection[tuple[str, int]]
) -> TraitStatus:
    found = filling.get((part.name, part.version))
    if found is not None:
        share = round(1 - found.left / found.of, 4)
        return TraitStatus(trait=trait, part=part.name, state="filling", left=found.left, folded=share)
    if (part.name, part.version) in begun:
        return TraitStatus(trait=trait, part=part.name, state="whole")
    return TraitStatus(trait=trait, part=part.name, state="not begun", folded=0.0)
