"""Asking the lake in SQL: each query in a process of its own, with limits, and nothing of the answer cut in silence."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from rapport.capabilities.lake.permitted import Asking, seen_for
from rapport.capabilities.lake.query_process import Ended, Job
from rapport.capabilities.lake.service import our_lake
from rapport.kernel.errors import InvalidInput, Misconfigured, Overloaded
from rapport.kernel.gate import closed
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.lake.table import is_installed

__all__ = ["MOST_ROWS", "LakeAnswer", "Limits", "ask", "environment_of"]

LONGEST_TEXT = 20_000
MOST_ROWS = 10_000
AT_ONCE = 2
"""Queries of one server process at a time: two cores are not to be taken from the shop."""

OWN_WORK = Asking(closed)
"""Asked by whoever names no purpose."""

_turns = threading.BoundedSemaphore(AT_ONCE)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one query may use."""

    rows: int = MOST_ROWS
    seconds: float = 30.0
    memory_mb: int = 1_024
    bytes: int = 16_000_000
    """Of the answer."""


class LakeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the lake."""

    columns: list[str]
    types: list[str]
    """As DuckDB names them."""
    rows: list[list[Any]]
    complete: bool
    """Whether these are all rows."""
    note: str
    """Which rows are missing and why; empty where none are."""
    upto: int
    """The log is in the lake up to this `seq`: later facts are not in the answer."""
    purpose: str = ""
    """What it was asked for; empty is the shop's own work."""
    left_out: int = 0
    """Archived facts the query could not see: whose they are does not allow the purpose."""


def ask(
    db: Database, workspace: WorkspaceId, sql: str, limits: Limits | None = None, *, asking: Asking = OWN_WORK
) -> LakeAnswer:
    """Answer one SELECT over `facts`, this shop's own; for a purpose over those of people who allow it.

    Raises InvalidInput for a text that is no such query, fails or needs more than its limits, Overloaded where others
    are asking, Misconfigured where the lake's packages are missing.
    """
    limits = limits or Limits()
    if not is_installed():
        raise Misconfigured("the lake's packages are missing", hint="pip install 'rapport[lake]'")
    if not sql.strip():
        raise InvalidInput("there is no query", hint="SELECT name, count(*) FROM facts GROUP BY name")
    if len(sql) > LONGEST_TEXT or "\0" in sql:
        raise InvalidInput(f"the query has {len(sql):,} characters", hint=f"at most {LONGEST_TEXT:,}, and none is NUL")
    lake = our_lake(db)
    with _turn():
        job = Job(
            sql=sql, files=lake.files(workspace), records=[] if asking.purpose else lake.record_files(workspace),
            memory_mb=limits.memory_mb, seconds=limits.seconds, rows=limits.rows, bytes=limits.bytes,
            seen=seen_for(db, workspace, asking),
        )  # fmt: skip
        upto = lake.archived()
        lines = _process(job)
    return msgspec.structs.replace(_answer(lines, limits, upto), purpose=asking.purpose)


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=2.0):
        raise Overloaded("others are asking the lake", retry_after_seconds=5, hint="try again in a moment")
    try:
        yield
    finally:
        _turns.release()


def _process(job: Job) -> list[bytes]:
    """The lines that the query's process wrote."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "rapport.capabilities.lake.query_process"],
            input=msgspec.json.encode(job), capture_output=True, timeout=job.seconds, check=False,
            env=environment_of(os.environ),
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise InvalidInput(
            f"the query took longer than {job.seconds:g} seconds and was ended",
            hint="ask for fewer days (received_day >= …) or fewer columns",
        ) from late
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise InvalidInput(
            "the query was ended by the system: it needed more memory or time than it may",
            hint=f"it may use {job.memory_mb} MB and {job.seconds:g} seconds",
        )
    return lines


def environment_of(ours: Mapping[str, str]) -> dict[str, str]:
    """What a query's process may see of this process's environment: no address of a database, no secret."""
    return {name: ours[name] for name in ("PATH", "PYTHONPATH", "PYTHONPYCACHEPREFIX") if name in ours}


def _answer(lines: list[bytes], limits: Limits, upto: int) -> LakeAnswer:
    ended = msgspec.json.decode(lines[-1], type=Ended)
    if ended.error:
        where = "" if ended.position is None else f" (at character {ended.position + 1})"
        raise InvalidInput(f"{ended.error}{where}", hint=ended.hint)
    columns = msgspec.json.decode(lines[0], type=list[tuple[str, str]])
    rows = [msgspec.json.decode(line, type=list[Any]) for line in lines[1:-1]]
    notes = {
        "rows": f"There are more rows: these are the first {limits.rows:,}.",
        "bytes": f"There are more rows: the first {len(rows):,} fill {limits.bytes / 1e6:g} MB.",
    }
    return LakeAnswer(
        columns=[name for name, _ in columns], types=[kind for _, kind in columns], rows=rows,
        complete=ended.complete, note=notes.get(ended.cut, ""), upto=upto, left_out=ended.left_out,
    )  # fmt: skip
