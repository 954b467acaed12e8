"""Tables of journeys: graphs by version, who is where in which, how many took each way, questions and tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, SmallInteger, Table, Text

from rapport.capabilities.journeys.model import NEVER
from rapport.kernel.identifiers import bucket_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import change_among, select_among
from rapport.storage.prepared import Prepared

__all__ = [
    "ACTIVE", "DONE", "PARKED", "Instance", "answers", "claim", "instances", "journeys", "next_due", "passes", "tasks",
    "versions",
]  # fmt: skip

ACTIVE, PARKED, DONE = "active", "parked", "done"
_ACTIVE = sa.text("state = 'active'")

journeys = Table(
    "journeys",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("name", CText, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", CText, nullable=False),
    Column("moves_from", Integer, nullable=False),
    Column("removed_upto", Integer, nullable=False),
    Column("next_at", BigInteger),
    Column("filled_to", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    Index("journeys_by_clock", "next_at"),
)
"""`state`: `live`, `stopped` (nobody enters or goes on) or `removed`. Who is in a version below `moves_from` goes on by
the newest; who is in one up to `removed_upto` leaves. `next_at` and `filled_to` are for journeys that begin by time:
when the next begins, and up to which customer the one that has begun has taken them in."""

versions = Table(
    "journey_versions",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("name", CText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)

instances = Table(
    "journey_instances",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("journey", CText, nullable=False),
    Column("version", Integer, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("subject", CText, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("arm", CText, nullable=False),
    Column("state", CText, nullable=False),
    Column("node", CText, nullable=False),
    Column("rests", SmallInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("waits_for", CText, nullable=False),
    Column("heard", SmallInteger, nullable=False),
    Column("context", LargeBinary, nullable=False),
    Column("entered_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("outcome", CText, nullable=False),
    Column("reason", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Index("journey_instances_due", "due_at", "bucket", sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
    Index("journey_instances_once", "workspace", "journey", "root", "subject", "turn", unique=True),
    Index("journey_instances_of_strand", "workspace", "strand", "journey"),
    Index("journey_instances_standing", "workspace", "journey", "state", "node", "id"),
    Index("journey_instances_entered", "workspace", "journey", "entered_at"),
)
"""Somebody in a journey about one subject, for the `turn`th time. `root` is the customer the strand belonged to when
they entered. An empty `node`: they have not been let in yet. `rests`: they wait at the node, until `due_at` or until a
fact named `waits_for` is `heard`. `context` (JSON): `Context`."""

passes = Table(
    "journey_passes",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("journey", CText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("node", CText, primary_key=True),
    Column("target", CText, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""How many went from a node to another; an empty `node` is the entry, an empty `target` the end."""

tasks = Table(
    "journey_tasks",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("journey", CText, nullable=False),
    Column("title", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("done_by", Text, nullable=False),
    Index("journey_tasks_open", "workspace", "done_at", "created_at"),
    Index("journey_tasks_of_strand", "workspace", "strand"),
)

answers = Table(
    "journey_questions",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("question", Text, nullable=False),
    Column("trait", CText, nullable=False),
    Column("choices", LargeBinary, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger),
    Column("answer", Text, nullable=False, server_default=""),
    Index("journey_questions_of_strand", "workspace", "strand", "asked_at"),
)
"""Questions put to somebody, with the answer, which is a fact and in their record, too."""


class Context(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known of somebody on the way."""

    fact: str = ""
    """The id of the fact they entered with."""
    at: int = 0
    """When that happened; 0 of those who entered before it was kept."""
    entry: dict[str, Any] = {}
    """Its properties, as far as they are small."""
    items: dict[str, list[dict[str, Any]]] = {}
    """What was decided, by node."""
    sent: dict[str, str] = {}
    """The message each node has sent, and the task each has given, by node."""
    trail: list[tuple[str, int]] = []
    """Which way they came: nodes with when they came there, the last fifty."""


class Instance(msgspec.Struct, kw_only=True):
    """Somebody in a journey, as the table has it; the engine moves it and writes it back."""

    workspace: WorkspaceId
    id: str
    bucket: int
    journey: str
    version: int
    strand: Key
    root: Key
    subject: str
    turn: int
    arm: str = ""
    state: str = ACTIVE
    node: str = ""
    rests: int = 0
    since: int = 0
    due_at: int = NEVER
    waits_for: str = ""
    heard: int = 0
    context: Context
    entered_at: int
    finished_at: int | None = None
    outcome: str = ""
    reason: str = ""
    failures: int = 0


_i, _j, _v, _p = instances.c, journeys.c, versions.c, passes.c
_FIELDS = Instance.__struct_fields__
_ROW = [_i[name] for name in _FIELDS]
_MOVES = tuple(
    name for name in _FIELDS
    if name not in ("workspace", "id", "bucket", "journey", "strand", "root", "subject", "turn", "entered_at")
)  # fmt: skip
_decode = msgspec.json.Decoder(Context).decode
_IS_ACTIVE: sa.ColumnElement[str] = sa.literal_column("'active'")
"""Literal, so that both engines can use the partial index."""
_NEXT = Prepared(
    sa.select(_i.due_at)
    .where(_i.state == _IS_ACTIVE, _i.bucket.in_(sa.bindparam("buckets", expanding=True)))
    .order_by(_i.due_at)
    .limit(1)
)


def instance_of(row: Any) -> Instance:
    """An instance as a row holds it."""
    values = dict(row._mapping)
    return Instance(**{**values, "context": _decode(values["context"])})


def row_of(one: Instance) -> dict[str, Any]:
    """The row of an instance."""
    return {name: getattr(one, name) for name in _FIELDS} | {"context": msgspec.json.encode(one.context)}


def next_due(conn: Connection, buckets: Sequence[int]) -> int | None:
    """When the next step in these buckets is due; one step of an index, however many sleep."""
    row = _NEXT.row(conn, buckets=list(buckets)) if buckets else None
    return None if row is None else int(row[0])


def claim(conn: Connection, buckets: Sequence[int], *, now: int, limit: int) -> list[Instance]:
    """Lock what is due, the earliest first; what somebody else holds is left to them."""
    query = (
        sa.select(*_ROW)
        .where(_i.bucket.in_(buckets), _i.state == _IS_ACTIVE, _i.due_at <= now)
        .order_by(_i.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [instance_of(row) for row in conn.execute(query)]


def write(conn: Connection, moved: Sequence[Instance]) -> None:
    """Write back instances that this transaction holds."""
    rows = [row_of(one) for one in sorted(moved, key=lambda one: (one.workspace, one.id))]
    upsert(conn, instances, rows, key=("workspace", "id"), update=_MOVES)


def add(conn: Connection, new: Sequence[Instance]) -> None:
    """Let instances begin; whoever is in the same journey about the same subject for the same time stays alone."""
    rows = [row_of(one) for one in sorted(new, key=lambda one: (one.workspace, one.id))]
    insert_ignore(conn, instances, rows)


def forget(conn: Connection, workspace: WorkspaceId, ids: Collection[str]) -> None:
    """As if they had never come."""
    change_among(conn, sa.delete(instances), workspace, _i.id, ids)


def of_strands(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key], *, active: bool = False
) -> list[Instance]:
    """All instances of these strands, or those still on their way."""
    query = sa.select(*_ROW)
    if active:
        query = query.where(_i.state != DONE)
    return [instance_of(row) for row in select_among(conn, query, workspace, _i.strand, strands)]


def heard(conn: Connection, told: Iterable[tuple[WorkspaceId, str, str]], *, now: int) -> None:
    """Wake who waits for what has happened: (shop, instance, name of the fact)."""
    param = sa.bindparam
    update = instances.update().where(
        _i.workspace == param("of_workspace"), _i.id == param("of_id"), _i.state == ACTIVE, _i.rests == 1,
        _i.waits_for == param("of_fact"),
    )  # fmt: skip
    rows = [{"of_workspace": shop, "of_id": one, "of_fact": name} for shop, one, name in sorted(set(told))]
    if rows:
        conn.execute(update.values(heard=1, due_at=now), rows)


def reached(conn: Connection, workspace: WorkspaceId, ids: Collection[str], *, now: int) -> None:
    """Note of these that what the journey is for has been reached; their next step is due at once."""
    update = sa.update(instances).where(_i.state != DONE).values(heard=2, due_at=now, state=ACTIVE)
    change_among(conn, update, workspace, _i.id, ids)


def count_passes(conn: Connection, gone: Mapping[tuple[WorkspaceId, str, int, str, str], int]) -> None:
    """Count who went from where to where: (shop, journey, version, node, target) → how many more."""
    rows = [
        dict(zip(("workspace", "journey", "version", "node", "target"), key, strict=True), number=number)
        for key, number in sorted(gone.items())
    ]
    upsert(
        conn, passes, rows, key=("workspace", "journey", "version", "node", "target"),
        update={"number": "journey_passes.number + excluded.number"},
    )  # fmt: skip


def passed(conn: Connection, workspace: WorkspaceId, journey: str) -> dict[tuple[str, str], int]:
    """How many went from a node to another, over all versions."""
    query = sa.select(_p.node, _p.target, sa.func.sum(_p.number)).where(
        _p.workspace == workspace, _p.journey == journey
    )
    return {(node, target): int(n) for node, target, n in conn.execute(query.group_by(_p.node, _p.target))}


def standing(conn: Connection, workspace: WorkspaceId, journey: str) -> dict[str, int]:
    """How many stand at each node now; at the empty one those who have not been let in yet."""
    query = sa.select(_i.node, sa.func.count()).where(
        _i.workspace == workspace, _i.journey == journey, _i.state.in_([ACTIVE, PARKED])
    )
    return {node: int(number) for node, number in conn.execute(query.group_by(_i.node))}


def standing_at(
    conn: Connection, workspace: WorkspaceId, journey: str, node: str, *, limit: int, offset: int = 0
) -> list[Instance]:
    """Who stands at a node."""
    query = sa.select(*_ROW).where(
        _i.workspace == workspace, _i.journey == journey, _i.state.in_([ACTIVE, PARKED]), _i.node == node
    )
    found = conn.execute(query.order_by(_i.state, _i.id).limit(limit).offset(offset))
    return [instance_of(row) for row in found]


def totals(conn: Connection, workspace: WorkspaceId) -> dict[str, dict[str, int]]:
    """By journey: how many are on their way (`inside`), and how many ever left with which outcome."""
    inside = sa.case((_i.state == DONE, _i.outcome), else_="inside")
    query = sa.select(_i.journey, inside, sa.func.count()).where(_i.workspace == workspace).group_by(_i.journey, inside)
    found: dict[str, dict[str, int]] = {}
    for journey, what, number in conn.execute(query):
        found.setdefault(journey, {})[what] = int(number)
    return found


def journey_row(conn: Connection, workspace: WorkspaceId, name: str, *, for_update: bool = False) -> Any:
    """The row of a journey; None where there is none."""
    query = sa.select(journeys).where(_j.workspace == workspace, _j.name == name)
    return conn.execute(query.with_for_update() if for_update else query).first()


def journey_rows(conn: Connection, workspace: WorkspaceId) -> list[Any]:
    """All that are not removed, by name."""
    query = sa.select(journeys).where(_j.workspace == workspace, _j.state != "removed")
    return list(conn.execute(query.order_by(_j.name)))


def body_of(conn: Connection, workspace: WorkspaceId, name: str, version: int) -> bytes | None:
    """A graph as JSON; None where there is none."""
    query = sa.select(_v.body).where(_v.workspace == workspace, _v.name == name, _v.version == version)
    found = conn.execute(query).scalar()
    return None if found is None else bytes(found)


def history(conn: Connection, workspace: WorkspaceId, name: str, *, limit: int = 20) -> list[Any]:
    """Who wrote which version when, the newest first."""
    query = sa.select(_v.version, _v.changed_at, _v.changed_by).where(_v.workspace == workspace, _v.name == name)
    return list(conn.execute(query.order_by(_v.version.desc()).limit(limit)))


def bucket(strand: Key) -> int:
    """Where the steps of somebody are run: with their facts."""
    return bucket_of(strand)
