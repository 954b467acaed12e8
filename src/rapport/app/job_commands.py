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


@jobs.command("pause")
@data_option
@click.argument("name")
@click.pass_obj
def pause_command(installation: Installation, data_dir: Path | None, name: str) -> None:
    """Have a long job do nothing more until it is resumed; the turn under way ends."""
    with installation.open(data_dir) as db, db.write() as conn:
        job_reports.pause(conn, name, by="the command line", now=db.now_us(conn))
    click.echo(f"{name} is paused; `rapport jobs resume {name}` lets it go on where it was")


@jobs.command("resume")
@data_option
@click.argument("name")
@click.pass_obj
def resume_command(installation: Installation, data_dir: Path | None, name: str) -> None:
    """Let a paused job go on where it was."""
    with installation.open(data_dir) as db, db.write() as conn:
        job_reports.resume(conn, name)
    click.echo(f"{name} goes on")


def _line(one: JobState) -> str:
    last = f"last {to_iso(one.last_at)}, {one.took_us / 1000:,.0f} ms" if one.last_at else "has not run"
    trouble = f"  failed {one.failures} times in a row: {one.last_error}" if one.failures else ""
    ahead = f"; {one.ahead:,} ahead" if one.ahead else ""
    ends = f", done about {to_iso(one.ends_at)[:16]}" if one.ends_at else ""
    then = f"paused by {one.paused_by}" if one.paused_since else f"next {to_iso(one.next_at)}"
    return f"{one.name:<26} {last}; done {one.done:,}{ahead}{ends}; {then}{trouble}"
