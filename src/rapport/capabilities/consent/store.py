"""The tables of consent: what each identifier holds, what was said when, and the shop's policies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.capabilities.consent.model import BORN, GPC, Held, PolicySet, State
from rapport.kernel.errors import Conflict
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Unsaid
from rapport.remember import customers
from rapport.resolve.graph.store import identifiers
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import change_among, select_among
from rapport.storage.prepared import Prepared

__all__ = [
    "KeptPolicies",
    "Said",
    "changed_at",
    "consent_answers",
    "consent_held",
    "consent_policies",
    "counts",
    "held_by",
    "history",
    "keep",
    "load_policies",
    "mark_holders_stale",
    "save_policies",
    "signalling",
    "unsay",
]

consent_held = Table(
    "consent_held",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, primary_key=True),
    Column("category", CText, primary_key=True),
    Column("state", CText, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
    Column("source", CText, nullable=False),
    Column("how", CText, nullable=False),
    Column("wording", Text, nullable=False),
    Column("language", Text, nullable=False),
    Index("consent_held_by_category", "workspace", "category", "state"),
)
"""The latest answer of each identifier to each category, by `(at, fact)`: the same in whatever order facts come.
`since`: when it was given; of what a client only repeats, from when on it was the same, if facts came in order."""

consent_answers = Table(
    "consent_answers",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("strand", LargeBinary, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("fact", CText, primary_key=True),
    Column("category", CText, primary_key=True),
    Column("state", CText, nullable=False),
    Column("source", CText, nullable=False),
    Column("how", CText, nullable=False),
    Column("wording", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Index("consent_answers_by_time", "workspace", "at"),
)
"""Answers that were another than the one before; a client repeats the same one with each event."""

consent_policies = Table(
    "consent_policies",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
"""Every version of a shop's policies; the newest is in force, without any those that Rapport ships."""

_h, _a, _p = consent_held.c, consent_answers.c, consent_policies.c


class Said(NamedTuple):
    """One answer of a fact, with the keys of all identifiers that hold it."""

    workspace: WorkspaceId
    strand: Key
    keys: tuple[Key, ...]
    held: Held
    by: str
    repeated: bool = False
    """Whether it may be an older answer told again, as clients do with each event."""


class KeptPolicies(NamedTuple):
    """The policies in force; version 0 where they are those that Rapport ships."""

    policies: PolicySet
    version: int


def held_by(conn: Connection, workspace: WorkspaceId, keys: Iterable[Key]) -> dict[Key, list[Held]]:
    """What these identifiers hold; those that hold nothing are missing. One statement for each 500."""
    found: dict[Key, list[Held]] = {}
    wanted = list(keys)
    if len(wanted) == 1:
        rows: Iterable[Any] = _HELD.rows(conn, shop=workspace, key=wanted[0])
    else:
        rows = select_among(conn, sa.select(*_HELD_COLUMNS), workspace, _h.key, wanted)
    for key, *held in rows:
        found.setdefault(Key(key), []).append(Held(*held))
    return found


_HELD_COLUMNS = (
    _h.key, _h.category, _h.state, _h.at, _h.since, _h.fact, _h.source, _h.how, _h.wording, _h.language
)  # fmt: skip
_HELD = Prepared(
    sa.select(*_HELD_COLUMNS).where(_h.workspace == sa.bindparam("shop"), _h.key == sa.bindparam("key"))
)  # fmt: skip


def keep(conn: Connection, several: Sequence[Said]) -> list[Said]:
    """Have identifiers hold these answers where they are the newest, and note those that say something new.

    Keeping an answer twice, or late, changes nothing. Returns those that say something new.
    """
    known = {
        workspace: held_by(conn, workspace, _keys([said for said in several if said.workspace == workspace]))
        for workspace in {said.workspace for said in several}
    }
    newest = _newest(_dated(several, known))
    fresh = _news(several, known)
    insert_ignore(
        conn,
        consent_answers,
        [
            {
                "workspace": said.workspace, "strand": said.strand, "at": said.held.at, "fact": said.held.fact,
                "category": said.held.category, "state": said.held.state, "source": said.held.source,
                "how": said.held.how, "wording": said.held.wording, "language": said.held.language,
                "recorded_by": said.by,
            }
            for said in fresh
        ],
        key=("workspace", "strand", "at", "fact", "category"),
    )  # fmt: skip
    rows = [
        {"workspace": workspace, "key": key, **said.held._asdict()}
        for (workspace, key, _), said in sorted(newest.items(), key=lambda item: item[0])
    ]
    upsert(
        conn, consent_held, rows, key=("workspace", "key", "category"),
        update=("state", "at", "since", "fact", "source", "how", "wording", "language"),
        where="(excluded.at, excluded.fact) > (consent_held.at, consent_held.fact)",
    )  # fmt: skip
    return fresh


def _keys(several: Sequence[Said]) -> set[Key]:
    return {key for said in several for key in (said.strand, *(said.keys if said.repeated else ()))}


def _dated(several: Sequence[Said], known: Mapping[WorkspaceId, Mapping[Key, Sequence[Held]]]) -> list[Said]:
    """The same in the order of time; what only repeats an answer is as old as it is at any of its identifiers."""
    latest = {
        (workspace, key, held.category): held
        for workspace, of_keys in known.items()
        for key, holds in of_keys.items()
        for held in holds
    }
    dated = []
    for said in sorted(several, key=lambda one: (one.held.at, one.held.fact)):
        places = [(said.workspace, key, said.held.category) for key in said.keys]
        before = [held for place in places if (held := latest.get(place)) is not None and held.at <= said.held.at]
        alike = [one.since for one in before if said.repeated and not _differ(one, said.held)]
        found = said._replace(held=said.held._replace(since=min([said.held.since, *alike])))
        dated.append(found)
        for place in places:
            if place not in latest or latest[place].at <= said.held.at:
                latest[place] = found.held
    return dated


def _newest(several: Sequence[Said]) -> dict[tuple[WorkspaceId, Key, str], Said]:
    newest: dict[tuple[WorkspaceId, Key, str], Said] = {}
    for said in several:
        for key in said.keys:
            place = (said.workspace, key, said.held.category)
            other = newest.get(place)
            if other is None or (said.held.at, said.held.fact) > (other.held.at, other.held.fact):
                newest[place] = said
    return newest


def _news(several: Sequence[Said], known: Mapping[WorkspaceId, Mapping[Key, Sequence[Held]]]) -> list[Said]:
    """Those that say another than was known before them, of one strand in the order of time."""
    latest: dict[tuple[WorkspaceId, Key, str], Held | None] = {}
    fresh = []
    for said in sorted(several, key=lambda one: (one.held.at, one.held.fact)):
        place = (said.workspace, said.strand, said.held.category)
        if place not in latest:
            held = known[said.workspace].get(said.strand, ())
            latest[place] = next((one for one in held if one.category == said.held.category), None)
        before = latest[place]
        if said.held.category == BORN:  # no answer, and it stands in the record
            continue
        if said.held.state != "unknown" if before is None else _differ(before, said.held):
            fresh.append(said)
            latest[place] = said.held
    return fresh


def _differ(before: Held, now: Held) -> bool:
    return before.state != now.state or before.wording != now.wording


def history(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], *, limit: int = 100
) -> list[sa.Row[tuple[object, ...]]]:
    """What somebody with these identifiers answered, the newest first."""
    query = sa.select(consent_answers).where(_a.workspace == workspace, _a.strand.in_(list(keys)[:500]))
    return list(conn.execute(query.order_by(_a.at.desc(), _a.fact, _a.category).limit(limit)))


def signalling(conn: Connection) -> list[tuple[WorkspaceId, Key]]:
    """The identifiers whose browser sent Global Privacy Control the last time it was seen."""
    query = sa.select(_h.workspace, _h.key).where(_h.category == GPC, _h.state == "denied")
    return [(WorkspaceId(workspace), Key(key)) for workspace, key in conn.execute(query)]


def mark_holders_stale(conn: Connection, workspace: WorkspaceId) -> None:
    """Have the rows of all who have answered anything made anew: their answers mean something else."""
    i = identifiers.c
    holders = sa.select(i.root).join(consent_held, (_h.workspace == i.workspace) & (_h.key == i.key))
    query = holders.where(i.workspace == workspace).distinct()
    customers.mark_stale(conn, workspace, (Key(root) for root in conn.execute(query).scalars()))


def counts(conn: Connection, workspace: WorkspaceId) -> Mapping[str, Mapping[State, int]]:
    """How many identifiers hold which answer, by category: most of a person's answers are held by several."""
    query = sa.select(_h.category, _h.state, sa.func.count()).where(_h.workspace == workspace)
    found: dict[str, dict[State, int]] = {}
    for category, state, number in conn.execute(query.group_by(_h.category, _h.state)):
        found.setdefault(category, {})[state] = number
    return found


def load_policies(conn: Connection, workspace: WorkspaceId, *, shipped: PolicySet) -> KeptPolicies:
    """The policies in force. One look at an index."""
    row = _NEWEST.row(conn, shop=workspace)
    return KeptPolicies(shipped, 0) if row is None else KeptPolicies(_decoded(bytes(row[1])), row[0])


def changed_at(conn: Connection, workspace: WorkspaceId) -> int | None:
    """When the policies were changed last; None where they are those that Rapport ships."""
    return conn.execute(sa.select(sa.func.max(_p.changed_at)).where(_p.workspace == workspace)).scalar()


def save_policies(
    conn: Connection, workspace: WorkspaceId, wanted: PolicySet, *, seen: int, by: str, reason: str, now: int
) -> int:
    """Put policies in force; returns their version. Raises Conflict where `seen` is not the one in force any more."""
    wanted.check()
    row = {
        "workspace": workspace, "version": seen + 1, "body": msgspec.json.encode(wanted), "changed_at": now,
        "changed_by": by, "reason": reason,
    }  # fmt: skip
    latest = conn.execute(sa.select(sa.func.max(_p.version)).where(_p.workspace == workspace)).scalar() or 0
    if latest != seen or not insert_ignore(conn, consent_policies, [row], key=("workspace", "version")):
        raise Conflict(
            f"somebody has changed the privacy policies since you looked (version {seen}, now {latest})",
            hint="look at what they are now, and change them again",
        )
    said = {"version": seen + 1, "by": by, "reason": reason}
    tell(conn, workspace, "privacy_policies.changed", about="consent", details=said, now=now)
    mark_holders_stale(conn, workspace)
    return seen + 1


_decoder = msgspec.json.Decoder(PolicySet)

_NEWEST = Prepared(
    sa.select(_p.version, _p.body).where(_p.workspace == sa.bindparam("shop")).order_by(_p.version.desc()).limit(1)
)


@lru_cache(maxsize=64)
def _decoded(body: bytes) -> PolicySet:
    """Every gate asks for them; they change once in a while."""
    return _decoder.decode(body)


def unsay(conn: Connection, unsaid: Unsaid) -> Mapping[str, int]:
    """Take back what withdrawn facts answered; whatever was answered before, or by others, is told again."""
    change_among(conn, sa.delete(consent_held), unsaid.workspace, _h.fact, unsaid.facts)
    gone = change_among(conn, sa.delete(consent_answers), unsaid.workspace, _a.fact, unsaid.facts)
    return {"answers on consent": gone} if gone else {}
