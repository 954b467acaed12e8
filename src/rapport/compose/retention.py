"""The job that erases whom no purpose of their policy keeps any longer, some at a time; killed, it goes on.

The slice of the policies says who that is (`Law.outlived`). Some are erased in one transaction, each with a proof; once
enough are, or all customers were looked at, the database's files are tidied for all of them. Who was not erased at
their own wish is not kept out: they may come again, as somebody new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.compose.erasure import Proof, WithdrawnNames, erase, withdrawn_names
from rapport.compose.holding import Sifted
from rapport.compose.holds import refuse_held
from rapport.compose.law import Outlived
from rapport.compose.partners import tell_partners
from rapport.compose.requests import RETENTION, finish, privacy_requests
from rapport.kernel.clock import HOUR, to_iso
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.resolve.reading.identities import Member
from rapport.storage.tidying import tidy
from rapport.storage.workspaces import all_workspaces

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["LOOK_AT", "RETAINING", "retention"]

RETAINING = "export.retention"

LOOK_AT = 200
"""Customers looked at in one turn, some milliseconds."""
_TIDIED_AT_ONCE = 500
_BESIDE = "files handed in for an import, and databases a restore put aside, are left as they are: nobody asked"
_REST = HOUR
"""Between two looks at all customers."""

_r = privacy_requests.c
_running = sa.and_(_r.kind == RETENTION, _r.status == "running")


class _Sweep:
    """How far one look at all customers is, in the memory of the worker that leads."""

    def __init__(self) -> None:
        self.next_at = 0
        self.shops: list[WorkspaceId] | None = None
        self.after: tuple[int, int, bytes] | None = None
        self.erased: set[str] = set()
        """Requests erased by this worker: nothing of them is left but what their proofs say."""


def retention(slices: Installed) -> Job:
    """The job, over all that is installed."""

    def due(conn: Connection, turn: Turn) -> bool:
        return slices.law.outlived is not None and turn.kept(_Sweep).next_at <= turn.now

    def run(turn: Turn) -> int:
        sweep = turn.kept(_Sweep)
        with turn.db.read() as conn:
            waiting = int(conn.execute(sa.select(sa.func.count()).where(_running)).scalar_one())
            if sweep.shops is None:
                sweep.shops = [one.id for one in all_workspaces(conn)]
        if waiting and (waiting >= _TIDIED_AT_ONCE or not sweep.shops):
            _tidy(turn, slices, sweep)
            turn.again()
            return waiting
        if not sweep.shops:
            sweep.shops, sweep.next_at = None, turn.now + _REST
            return 0
        turn.again()
        return _look(turn, slices, sweep, sweep.shops)

    return Job(
        name=RETAINING, title="People whom no purpose keeps any longer are erased", due=due, run=run, at_most=10,
        pause_seconds=60.0, waiting_seconds=0.2,
    )  # fmt: skip


def _look(turn: Turn, slices: Installed, sweep: _Sweep, shops: list[WorkspaceId]) -> int:
    """Look at some customers of one shop, and erase those whom nothing keeps."""
    shop, find = shops[0], slices.law.outlived
    with turn.db.read() as conn:
        found = find(conn, shop, sweep.after, turn.now, LOOK_AT) if find is not None else Outlived([], 0, None)
    if found.people:
        with turn.db.read() as conn:
            withdrawn = withdrawn_names(conn, shop)
        with turn.write() as conn:
            sweep.erased |= {
                _outlive(conn, slices, shop, key, now=turn.now, withdrawn=withdrawn)
                for key in found.people[: turn.at_most]
            }
    if len(found.people) <= turn.at_most:  # who is gone is not found again; the others are
        sweep.after = found.after
        if found.after is None:
            shops.pop(0)
    return min(len(found.people), turn.at_most)


def _outlive(
    conn: Connection, slices: Installed, workspace: WorkspaceId, key: Any, *, now: int, withdrawn: WithdrawnNames
) -> str:
    request = new_id("prv")

    def told(members: Sequence[Member], keys: Sequence[Any]) -> None:
        refuse_held(conn, workspace, keys, now=now)
        tell_partners(conn, workspace, members, request=request, kind="erasure", now=now)

    proof, _ = erase(conn, slices, workspace, key, now=now, told=to_iso(now), for_good=False, withdrawn=withdrawn,
                     before=told)  # fmt: skip
    row = {
        "workspace": workspace, "id": request, "kind": RETENTION, "status": "running", "subject": None, "asked_at": now,
        "due_at": now, "finished_at": None, "asked_by": "rapport", "verified": "nobody asked",
        "reason": "no purpose keeps them any longer", "proof": msgspec.json.encode(proof),
    }  # fmt: skip
    conn.execute(privacy_requests.insert().values(row))
    return request


def _tidy(turn: Turn, slices: Installed, sweep: _Sweep) -> None:
    """Tidy the files for all who were erased; of those another worker erased it is not known what to look for."""
    with turn.db.read() as conn:
        rows = conn.execute(sa.select(_r.workspace, _r.id, _r.proof).where(_running)).all()
    proofs = {row.id: msgspec.json.decode(row.proof, type=Proof) for row in rows}
    tables = {table for proof in proofs.values() for table in proof.touched}
    # Who was not erased at their own wish may come again: files that name them are the shop's to import.
    beside = Sifted([], [_BESIDE])
    tidied = tidy(turn.db, sorted(tables), [] if proofs.keys() <= sweep.erased else None)
    with turn.write() as conn:
        for row in rows:
            proof = proofs[row.id].with_files(tidied, beside)
            finish(conn, WorkspaceId(row.workspace), row.id, proof, now=turn.now)
    sweep.erased -= proofs.keys()
