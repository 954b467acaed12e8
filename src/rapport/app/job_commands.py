"""`rapport jobs`: how what workers do again and again went last, and a turn of one now."""

from __future__ import annotations

from pathlib import Path

import click

from rapport.act import job_reports
from rapport.act.job_reports import JobState
from rapport.app.installation import Installation
from rapport.kernel.clock import to_iso
from rapport.storage.command_line import data_option, json_option, tell_json

__all__ = ["jobs"]


@click.group("jobs")
def jobs() -> None:
    """What workers do beside folding, again and again: how it went last, and a turn now."""


@jobs.command("list")
@data_option
@json_option("One JSON list.")
@click.pass_obj
def list_command(installation: Installation, data_dir: Path | None, *, as_json: bool) -> None:
    """Show every job that a worker has run: last run, things done, next time, failures."""
    with installation.open(data_dir) as db, db.read() as conn:
        found = job_reports.states(conn)
    if as_json:
        tell_json(found)
        return
    for one in found:
        click.echo(_line(one))


@jobs.command("run")
@data_option
@click.argument("name")
@click.pass_obj
def run_command(installation: Installation, data_dir: Path | None, name: str) -> None:
    """Do a turn of a job now: in the workers that run, and in this process."""
    with installation.open(data_dir) as db:
        found = installation.run_job(db, name)
    click.echo(_line(found))
    if found.failures:
        raise click.ClickException(f"{name} failed with {found.last_error}; the log says where")


def _line(one: JobState) -> str:
    last = f"last {to_iso(one.last_at)}, {one.took_us / 1000:,.0f} ms" if one.last_at else "has not run"
    trouble = f"  failed {one.failures} times in a row: {one.last_error}" if one.failures else ""
    return f"{one.name:<26} {last}; done {one.done:,}; next {to_iso(one.next_at)}{trouble}"
