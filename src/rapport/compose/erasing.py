"""The job that erases whom a verified request names, one at a time; killed at any moment, it goes on.

Who is held (`compose/holds.py`) waits. First turn: the person is gone, in one transaction that also moves the request
to `running`. Next turn: the database's files are tidied, and what was looked for in them is written into the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.compose.erasure import Proof, erase, withdrawn_names
from rapport.compose.holds import Held, refuse_held
from rapport.compose.partners import tell_partners
from rapport.compose.queue import Failed, next_request, stepping_behind
from rapport.compose.requests import finish, held_requests, privacy_requests
from rapport.compose.sifting import sift_files
from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.reading.identities import Member
from rapport.storage import suppressed_file
from rapport.storage.tidying import Tidied, tidy

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["ERASING", "erasing"]

ERASING = "export.erasing"

_r = privacy_requests.c


class _Texts:
    """What to look for in the files, in the memory of the worker that erased alone: never written down."""

    def __init__(self) -> None:
        self.of: dict[str, list[str]] = {}


def erasing(slices: Installed) -> Job:
    """The job, over all that is installed."""

    def due(conn: Connection, turn: Turn) -> bool:
        if next_request(conn, ("erasure",)) is None:
            return False
        held = held_requests(conn, now=turn.now)
        return not held or next_request(conn, ("erasure",), without=held) is not None

    def run(turn: Turn) -> int:
        with turn.db.read() as conn:
            held = held_requests(conn, now=turn.now)
            found = next_request(conn, ("erasure",), turn.kept(Failed).ids, without=held)
        if found is None:
            return 0
        row = found._mapping
        workspace, request = WorkspaceId(row["workspace"]), str(row["id"])
        texts = turn.kept(_Texts)
        with stepping_behind(turn, request):
            if row["status"] == "received":
                wanted = None
                with suppress(Held):  # since it was found: it waits from now on
                    wanted = _erase(turn, slices, workspace, request, Key(row["subject"]))
                if wanted is not None:
                    texts.of[request] = wanted
                turn.again()
            else:
                _tidy(turn, slices, workspace, request, texts.of.pop(request, None), row["proof"])
        return 1

    return Job(
        name=ERASING, title="People who asked for it are erased", due=due, run=run, at_most=1, pause_seconds=1.0,
        waiting_seconds=0.0,
    )  # fmt: skip


def _erase(turn: Turn, slices: Installed, workspace: WorkspaceId, request: str, subject: Key) -> list[str] | None:
    """What to look for in the files; None where it was refused, or begun, since it was found waiting."""
    with turn.db.read() as conn:
        withdrawn = withdrawn_names(conn, workspace)
    with turn.write() as conn:
        mine = sa.and_(_r.workspace == workspace, _r.id == request)
        begun = privacy_requests.update().where(mine, _r.status == "received", _r.subject == subject)
        if conn.execute(begun.values(status="running", subject=None)).rowcount == 0:
            return None

        def told(members: Sequence[Member], keys: Sequence[Key]) -> None:
            refuse_held(conn, workspace, keys, now=turn.now)
            tell_partners(conn, workspace, members, request=request, kind="erasure", now=turn.now)

        proof, texts = erase(
            conn, slices, workspace, subject, now=turn.now, told=to_iso(turn.now), withdrawn=withdrawn, before=told
        )
        conn.execute(privacy_requests.update().where(mine).values(proof=msgspec.json.encode(proof)))
    return texts


def _tidy(
    turn: Turn, slices: Installed, workspace: WorkspaceId, request: str, texts: list[str] | None, kept: bytes
) -> None:
    suppressed_file.keep(turn.db)  # before it is told as done: a database from elsewhere must not undo it
    proof = msgspec.json.decode(kept, type=Proof)
    beside = sift_files(turn.db, slices, workspace, texts)
    tidied: Tidied = tidy(turn.db, proof.touched, texts)
    with turn.write() as conn:
        finish(
            conn, workspace, request, proof.with_files(tidied, beside), now=turn.db.now_us(conn)
        )  # fmt: skip
