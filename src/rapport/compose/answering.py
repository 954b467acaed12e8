"""The job that answers what is not an erasure: all that is kept, ready to be opened; a use ended, at the person's word.

Nothing that is handed out is written down a second time: the answer is made anew when it is opened, so it holds all
identifiers that are the person's then. What the job notes is that it can be made, and of how much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.compose.correcting import correct
from rapport.compose.erasure import Proof, StoreErased
from rapport.compose.partners import tell_partners
from rapport.compose.person import export_person
from rapport.compose.queue import Failed, next_request, stepping_behind
from rapport.compose.requests import DONE_BY_US, HANDED_OUT, answerable, privacy_requests
from rapport.compose.routes import Export, export_by
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.linking.units import members_of
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["ANSWERING", "answer_of", "answering"]

ANSWERING = "export.answering"

_r = privacy_requests.c


def answer_of(
    db: Database, slices: Installed, workspace: WorkspaceId, request: str, *, who: str, name: str = ""
) -> Export:
    """The answer to a request, with its entry in the audit trail. Raises NotFound, Conflict."""
    now = now_us()
    with db.write() as conn:  # no export without its entry
        key = answerable(conn, workspace, request, now=now)
        tell(conn, workspace, "customer.exported", about=request, people=[key], who=who, name=name, now=now)
    with db.read() as conn:
        return export_by(conn, slices, workspace, key, now=now)


def answering(slices: Installed) -> Job:
    """The job, over all that is installed."""
    done = DONE_BY_US if slices.law.obey is not None else (*HANDED_OUT, "rectification")
    kinds = tuple(kind for kind in done if kind != "erasure")

    def due(conn: Connection, turn: Turn) -> bool:
        return next_request(conn, kinds) is not None

    def run(turn: Turn) -> int:
        with turn.db.read() as conn:
            found = next_request(conn, kinds, turn.kept(Failed).ids)
        if found is None:
            return 0
        with stepping_behind(turn, found.id), turn.write() as conn:
            _answer(conn, slices, WorkspaceId(found.workspace), found.id, now=turn.now)
        turn.again()
        return 1

    return Job(
        name=ANSWERING, title="What people ask of what is kept of them is answered", due=due, run=run, at_most=1,
        pause_seconds=1.0, waiting_seconds=0.0,
    )  # fmt: skip


def _answer(conn: Connection, slices: Installed, workspace: WorkspaceId, request: str, *, now: int) -> None:
    """In one transaction: it is done, and said to be. Another worker that came first has left nothing to do."""
    mine = sa.and_(_r.workspace == workspace, _r.id == request, _r.status == "received", _r.subject.is_not(None))
    row = conn.execute(sa.select(privacy_requests).where(mine).with_for_update()).first()
    if row is None:
        return
    key, kind = Key(row.subject), str(row.kind)
    values: dict[str, object] = {"status": "completed", "finished_at": now}
    if kind in HANDED_OUT:
        values["proof"] = msgspec.json.encode(_counted(conn, slices, workspace, key, now=now))
    elif row.wanted is not None:
        correction = msgspec.json.decode(row.wanted, type=dict[str, str])
        correct(conn, workspace, key, correction, slices.remembered, request=request, now=now)
        values |= {"reason": f"put right: {', '.join(correction).replace('_', ' ')}", "wanted": None}
        tell_partners(conn, workspace, members_of(conn, workspace, key), request=request, kind=kind, now=now)
    elif slices.law.obey is not None:
        values["reason"] = slices.law.obey(conn, workspace, key, kind, now)[:200]
        tell_partners(conn, workspace, members_of(conn, workspace, key), request=request, kind=kind, now=now)
    conn.execute(privacy_requests.update().where(mine).values(values))
    tell(conn, workspace, "request.answered", about=request, details={"kind": kind}, people=[key], now=now)


def _counted(conn: Connection, slices: Installed, workspace: WorkspaceId, key: Key, *, now: int) -> Proof:
    members = members_of(conn, workspace, key)
    kept = export_person(conn, slices, workspace, [one.key for one in members] or [key])
    stores = [
        StoreErased(slice=slice_, table=str(table), rows=len(rows))
        for slice_, tables in kept.items()
        for table, rows in tables.items()
    ]
    return Proof(identifiers=len(members), erased_at=to_iso(now), stores=stores, mentions=[], files="handed out")
