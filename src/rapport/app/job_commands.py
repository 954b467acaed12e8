"""`rapport jobs`: how what workers do again and again went last, and a turn of one now."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click
import msgspec

from rapport.act import job_reports
from rapport.act.job_reports import JobState
from rapport.kernel.clock import to_iso
from rapport.storage.engine import Database

__all__ = ["job_commands"]

OpenDatabase = Callable[[Path | None], AbstractContextManager[Database]]
RunJob = Callable[[Database, str], JobState]

_DATA = click.option(
    "--data", "data_dir", type=click.Path(path_type=Path), default=None, metavar="DIR", help="Data folder."
)


def job_commands(open_database: OpenDatabase, *, run_job: RunJob) -> click.Group:
    """The group `jobs`, joined to an installation; `run_job` returns once a turn was done, with how it went."""

    @click.group("jobs")
    def group() -> None:
        """What workers do beside folding, again and again: how it went last, and a turn now."""

    @group.command("list")
    @_DATA
    @click.option("--json", "as_json", is_flag=True, help="One JSON list.")
    def list_command(data_dir: Path | None, *, as_json: bool) -> None:
        """Show every job that a worker has run: last run, things done, next time, failures."""
        with open_database(data_dir) as db, db.read() as conn:
            found = job_reports.states(conn)
        if as_json:
            click.echo(json.dumps([msgspec.to_builtins(one) for one in found]))
            return
        for one in found:
            click.echo(_line(one))

    @group.command("run")
    @_DATA
    @click.argument("name")
    def run_command(data_dir: Path | None, name: str) -> None:
        """Do a turn of a job now: in the workers that run, and in this process."""
        with open_database(data_dir) as db:
            found = run_job(db, name)
        click.echo(_line(found))
        if found.failures:
            raise click.ClickException(f"{name} failed with {found.last_error}; the log says where")

    return group


def _line(one: JobState) -> str:
    last = f"last {to_iso(one.last_at)}, {one.took_us / 1000:,.0f} ms" if one.last_at else "has not run"
    trouble = f"  failed {one.failures} times in a row: {one.last_error}" if one.failures else ""
    return f"{one.name:<26} {last}; done {one.done:,}; next {to_iso(one.next_at)}{trouble}"
