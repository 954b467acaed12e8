"""To write, read, stop and remove a journey; each change is a new version, and what is wrong is said with its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.webhooks import list_webhooks
from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.checking import BadJourney, Fault, Known, conditions_of, faults_of
from rapport.capabilities.journeys.clocks import at_local_hour
from rapport.capabilities.journeys.model import NAME, Graph, OnTime
from rapport.capabilities.messages import CHANNELS, template_purposes
from rapport.kernel.clock import MINUTE, to_iso, zone_named
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.versions import refuse_unseen, version_of
from rapport.remember import membership
from rapport.remember.segments.book import Reader
from rapport.remember.segments.fields import Fields
from rapport.remember.segments.language import BadSegment
from rapport.storage.audit.entries import append as tell
from rapport.storage.workspaces import workspace_of

__all__ = [
    "Journey", "Sendable", "all_journeys", "change_state", "check", "document_of", "find", "remove", "save",
    "sendable_of", "tag_of",
]  # fmt: skip

MOST = 500
"""Journeys of one shop."""


class Journey(NamedTuple):
    """A journey as it is now."""

    name: str
    version: int
    state: str
    graph: Graph
    changed_at: int
    changed_by: str


class Sendable(NamedTuple):
    """What a step can send."""

    templates: dict[str, str]
    """With what each is for."""
    channels: Sequence[str]


def sendable_of(conn: Connection, workspace: WorkspaceId) -> Sendable:
    """The shop's templates, and the channels there are."""
    return Sendable(template_purposes(conn, workspace), CHANNELS)


def document_of(found: Journey) -> dict[str, Any]:
    """The graph as JSON, with what is known of it beside."""
    graph: dict[str, Any] = msgspec.to_builtins(found.graph)
    return graph | {
        "name": found.name, "version": found.version, "state": found.state, "changed_at": to_iso(found.changed_at),
        "changed_by": found.changed_by,
    }  # fmt: skip


def tag_of(found: Journey) -> str:
    """The version that `If-Match` names."""
    return version_of(_as_seen(found.version, found.state))


def find(conn: Connection, workspace: WorkspaceId, name: str, *, version: int | None = None) -> Journey:
    """A journey, or how it was in an older version. Raises NotFound."""
    row = store.journey_row(conn, workspace, name) if name.isprintable() else None
    if row is None or row.state == "removed":
        raise NotFound(f"there is no journey {name[:60]!r}", hint="GET /api/v1/journeys lists them")
    body = store.body_of(conn, workspace, name, row.version if version is None else version)
    if body is None:
        raise NotFound(f"the journey {name!r} has no version {version}", hint=f"1 to {row.version}")
    graph = msgspec.json.decode(body, type=Graph)
    return Journey(name, version or row.version, row.state, graph, row.changed_at, row.changed_by)


def all_journeys(conn: Connection, workspace: WorkspaceId) -> list[Journey]:
    """All journeys of a shop, by name. Two statements."""
    j, v = store.journeys.c, store.versions.c
    same = (v.workspace == j.workspace) & (v.name == j.name) & (v.version == j.version)
    query = (
        sa.select(j.name, j.version, j.state, v.body, j.changed_at, j.changed_by)
        .select_from(store.journeys.join(store.versions, same))
        .where(j.workspace == workspace, j.state != "removed")
        .order_by(j.name)
    )
    return [
        Journey(row.name, row.version, row.state, msgspec.json.decode(row.body, type=Graph), row.changed_at,
                row.changed_by)
        for row in conn.execute(query)
    ]  # fmt: skip


def check(conn: Connection, workspace: WorkspaceId, graph: Graph, *, fields: Fields, placements: Any) -> list[Fault]:
    """All that is wrong with a graph in this shop, each with its place."""
    reader = Reader(conn, workspace, fields)
    refused = {}
    for _, text in conditions_of(graph):
        try:
            reader.read(text)
        except BadSegment as bad:
            refused[text] = bad.message
    s = membership.segments.c
    segments = set(conn.execute(sa.select(s.name).where(s.workspace == workspace)).scalars())
    known = Known(
        template_purposes(conn, workspace), segments, set(placements),
        {one.id for one in list_webhooks(conn, workspace)}, CHANNELS, refused,
    )  # fmt: skip
    return faults_of(graph, known)


def save(
    conn: Connection, workspace: WorkspaceId, name: str, graph: Graph, *, fields: Fields, placements: Any, by: str,
    now: int, seen: str | None = None,
) -> Journey:  # fmt: skip
    """Put a journey in force as a new version; one that was stopped stays so.

    Raises InvalidInput for a name, BadJourney with every place that is wrong, Conflict where somebody was quicker.
    """
    if not NAME.match(name):
        raise InvalidInput(f"{name[:60]!r} names no journey", hint="small letters, digits, _ and -, at most 60")
    if faults := check(conn, workspace, graph, fields=fields, placements=placements):
        raise BadJourney(faults)
    row = store.journey_row(conn, workspace, name, for_update=True)
    before = row.version if row is not None else 0
    is_there = row is not None and row.state != "removed"
    if seen is not None:
        now_seen = _as_seen(before, row.state) if is_there else {"version": 0}
        refuse_unseen(
            seen, now_seen, wanted={}, what=f"the journey {name!r}", who=row.changed_by if row else "somebody"
        )
    if not is_there and len(store.journey_rows(conn, workspace)) >= MOST:
        raise Conflict(f"the shop has {MOST} journeys, the most there may be", hint="remove one first")
    said = {"changed_at": now, "changed_by": by}
    version = {"workspace": workspace, "name": name, "version": before + 1, "body": msgspec.json.encode(graph), **said}
    values = {"version": before + 1, "state": row.state if is_there else "live", "filled_to": b"", **said,
              "next_at": next_start(conn, workspace, graph, now=now)}  # fmt: skip
    if graph.inside == "move":
        values["moves_from"] = before + 1
    try:
        with conn.begin_nested():
            conn.execute(store.versions.insert().values(version))
            _write(conn, workspace, name, row, values)
    except sa.exc.IntegrityError as error:
        raise Conflict(
            f"somebody has changed {name!r} since you looked", hint="look at what it is now, and change again"
        ) from error
    tell(conn, workspace, "journey.changed", about=name, details={"version": before + 1, "by": by}, now=now)
    return Journey(name, before + 1, str(values["state"]), graph, now, by)


def _write(conn: Connection, workspace: WorkspaceId, name: str, row: Any, values: dict[str, Any]) -> None:
    j = store.journeys.c
    if row is None:
        new = {"workspace": workspace, "name": name, "moves_from": 0, "removed_upto": 0, **values}
        conn.execute(store.journeys.insert().values(new))
    else:
        conn.execute(store.journeys.update().where(j.workspace == workspace, j.name == name).values(values))


def change_state(
    conn: Connection, workspace: WorkspaceId, name: str, *, live: bool, by: str, now: int, seen: str | None = None
) -> Journey:
    """Stop a journey: nobody enters, nobody goes on; or have it go on, those inside where they stand.

    Raises NotFound and Conflict.
    """
    row = store.journey_row(conn, workspace, name, for_update=True)
    found = find(conn, workspace, name)
    state = "live" if live else "stopped"
    refuse_unseen(seen, _as_seen(row.version, row.state), wanted={}, what=f"the journey {name!r}", who=row.changed_by)
    j, i = store.journeys.c, store.instances.c
    values = {"state": state, "changed_at": now, "changed_by": by,
              "next_at": next_start(conn, workspace, found.graph, now=now) if live else None}  # fmt: skip
    conn.execute(store.journeys.update().where(j.workspace == workspace, j.name == name).values(values))
    if live:
        parked = (i.workspace == workspace, i.journey == name, i.state == store.PARKED)
        conn.execute(store.instances.update().where(*parked).values(state=store.ACTIVE))
    tell(conn, workspace, f"journey.{state}", about=name, details={"by": by}, now=now)
    return found._replace(state=state, changed_at=now, changed_by=by)


def remove(conn: Connection, workspace: WorkspaceId, name: str, *, by: str, now: int, seen: str | None = None) -> None:
    """Remove a journey; who is inside leaves it when their next step is due. Raises NotFound and Conflict."""
    row = store.journey_row(conn, workspace, name, for_update=True)
    find(conn, workspace, name)
    refuse_unseen(seen, _as_seen(row.version, row.state), wanted={}, what=f"the journey {name!r}", who=row.changed_by)
    j, i = store.journeys.c, store.instances.c
    values = {"state": "removed", "removed_upto": row.version, "next_at": None, "changed_at": now, "changed_by": by}
    conn.execute(store.journeys.update().where(j.workspace == workspace, j.name == name).values(values))
    parked = (i.workspace == workspace, i.journey == name, i.state == store.PARKED)
    conn.execute(store.instances.update().where(*parked).values(state=store.ACTIVE))
    tell(conn, workspace, "journey.removed", about=name, details={"by": by}, now=now)


def next_start(conn: Connection, workspace: WorkspaceId, graph: Graph, *, now: int) -> int | None:
    """When a journey that begins by time begins next, by the shop's clock; None for the others."""
    if not isinstance(graph.entry, OnTime):
        return None
    zone = zone_named(workspace_of(conn, workspace).settings.time_zone)
    return at_local_hour(now + MINUTE, graph.entry.at, zone, days=graph.entry.days)


def _as_seen(version: int, state: str) -> dict[str, Any]:
    return {"version": version, "state": state}


def naming(conn: Connection, workspace: WorkspaceId, segment: str) -> list[str]:
    """The journeys whose newest graph names a segment, in a node or a condition, in words."""
    quoted = "'" + segment.replace("'", "''") + "'"
    found = []
    for row in store.journey_rows(conn, workspace):
        body = store.body_of(conn, workspace, row.name, row.version)
        if body is not None and _names(msgspec.json.decode(body), segment, quoted):
            found.append(f"the journey “{row.name}”")
    return found


def _names(said: Any, segment: str, quoted: str) -> bool:
    if isinstance(said, str):
        return quoted in said and "in_segment" in said.lower()
    if isinstance(said, dict):
        return said.get("segment") == segment or any(_names(one, segment, quoted) for one in said.values())
    return isinstance(said, list) and any(_names(one, segment, quoted) for one in said)
