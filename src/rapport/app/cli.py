"""The `rapport` command. Heavy parts are imported by the commands that need them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rapport.app.settings import Settings
from rapport.kernel.errors import RapportError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from rapport.act.job_reports import JobState
    from rapport.kernel.ids import Key, WorkspaceId
    from rapport.storage.engine import Database

__all__ = ["main", "open_installation"]

F = TypeVar("F", bound=Callable[..., Any])


class Group(click.Group):
    """A command that fails as expected says what happened and what to do, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RapportError as error:
            hint = f"\n{error.hint}" if error.hint else ""
            raise click.ClickException(f"{error.message}{hint}") from error


def data_option(command: F) -> F:
    """`--data DIR`: the installation to work on."""
    return click.option(
        "--data", "data_dir", type=click.Path(path_type=Path), default=None, metavar="DIR",
        help="Data folder of the installation [default: ./data, or RAPPORT_DATA_DIR].",
    )(command)  # fmt: skip


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="rapport")
def main() -> None:
    """Rapport: facts in, Golden Records out, decisions and their worth."""


@main.command()
@data_option
@click.option("--host", default=None, help="Address to listen on [default: 127.0.0.1].")
@click.option("--port", type=int, default=None, help="Port to listen on [default: 8321].")
@click.option(
    "--workers",
    type=click.IntRange(0, 64),
    default=None,
    help="Worker processes to start [default: 1 on SQLite, 2 on PostgreSQL].",
)
@click.option("--allow-private-webhooks/--no-allow-private-webhooks", default=None,
              help="Let webhooks go to private and loopback addresses [default: no].")  # fmt: skip
def serve(data_dir: Path | None, **given: Any) -> None:
    """Run the server and its workers until Ctrl-C."""
    from rapport.app.serve import serve as run

    run(Settings.load(data_dir=data_dir, **given))


@main.command()
@data_option
@click.option("--parent", type=int, default=None, hidden=True, help="End when this process is gone.")
def worker(data_dir: Path | None, parent: int | None) -> None:
    """Run one worker until Ctrl-C; start as many as there are cores, on any machine that reaches the database."""
    from rapport.app.serve import work

    work(Settings.load(data_dir=data_dir), parent=parent)


@main.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def keys(data_dir: Path | None, *, as_json: bool) -> None:
    """Print the workspace, its first write key and the operator's API key; made where they are missing."""
    from rapport.app.bootstrap import bootstrap, open_database

    settings = Settings.load(data_dir=data_dir)
    found = bootstrap(open_database(settings), settings)
    if as_json:
        click.echo(json.dumps(found._asdict()))
        return
    for name, value in found._asdict().items():
        click.echo(f"{name:>10}  {value}")


@main.command()
@data_option
@click.argument("email")
@click.option("--role", type=click.Choice(["owner", "marketer", "agent", "analyst", "viewer"]), default="owner",
              show_default=True)  # fmt: skip
@click.option("--name", default="", help="How the console greets this person.")
@click.password_option(envvar="RAPPORT_PASSWORD", help="Asked for where it is not given.")
def user(data_dir: Path | None, email: str, role: str, name: str, password: str) -> None:
    """Add somebody who may sign in to the console."""
    from rapport.kernel.clock import now_us
    from rapport.storage.workspaces import default_workspace
    from rapport.web import accounts

    with open_installation(data_dir) as db:
        with db.read() as conn:
            workspace = default_workspace(conn).id
        made = accounts.create_user(
            db, email=email, password=password, name=name, workspace=workspace, role=role, now=now_us()
        )
    click.echo(f"{made.email} may sign in as {role}")


@main.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=8321, show_default=True, help="Port of the console.")
@click.option("--people", type=click.IntRange(10, 1_000_000), default=2_000, show_default=True)
@click.option("--days", type=click.IntRange(1, 3_650), default=90, show_default=True, help="Days of history.")
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--browser/--no-browser", default=True, help="Open the console in the browser.")
def demo(data_dir: Path | None, host: str, port: int, people: int, days: int, seed: int, *, browser: bool) -> None:
    """Load a simulated shop through the endpoints, then let it live on; console and storefront to look at."""
    from rapport.app.demo import run

    folder = data_dir or Path("demo-data")
    sys.exit(run(data=folder, host=host, port=port, people=people, days=days, seed=seed, open_browser=browser))


@main.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def digest(data_dir: Path | None, *, as_json: bool) -> None:
    """Fold what is in the log and print one digest over all Golden Records: equal for equal facts, on every engine."""
    from rapport.app.wiring import installed
    from rapport.remember.digest import digest as compute

    with open_installation(data_dir) as db:
        _fold(db)
        with db.read() as conn:
            found = compute(conn, remembered=installed().remembered)
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"{found['digest']}  {found['customers']} customers, {found['facts']} facts")


@contextmanager
def open_installation(data_dir: Path | None) -> Iterator[Database]:
    """The database of a data folder, its schema up to date and with a workspace in it."""
    from rapport.app.bootstrap import bootstrap, open_database

    settings = Settings.load(data_dir=data_dir)
    db = open_database(settings)
    try:
        bootstrap(db, settings)
        yield db
    finally:
        db.close()


def _fold(db: Database, progress: object = None) -> None:
    """Return once every fact of the log is folded, by this process or by one that runs already."""
    from rapport.app.pipeline import Pipeline
    from rapport.app.worker import drain

    drain(Pipeline(db))


def _score(db: Database) -> None:
    """Return once every record that is pending has been scored against its shop's model."""
    from rapport.app.pipeline import Pipeline
    from rapport.app.worker import link_all

    link_all(Pipeline(db))


def _run_job(db: Database, name: str) -> JobState:
    """Return once a turn of the job is done, with how it went."""
    from rapport.app.pipeline import Pipeline
    from rapport.app.worker import run_job_now

    return run_job_now(Pipeline(db), name)


def _fields_of(conn: Connection, workspace: WorkspaceId, units: Mapping[Key, list[Key]]) -> dict[Key, dict[str, str]]:
    """What is known of people, by the parts and traits of this installation."""
    from rapport.app.wiring import installed
    from rapport.remember import persons

    return persons.fields_of(conn, workspace, units, remembered=installed().remembered)


def _join_rooms() -> None:
    """Add the commands that the rooms bring."""
    from rapport.adapters.files.commands import import_commands
    from rapport.app.job_commands import job_commands
    from rapport.app.settings_commands import settings_commands
    from rapport.app.workspace_commands import workspace_commands
    from rapport.collect.commands import quarantine_commands, source_commands
    from rapport.remember import customers, persons
    from rapport.resolve.linking.commands import identity_commands

    main.add_command(workspace_commands(open_installation))
    main.add_command(settings_commands(open_installation))
    main.add_command(job_commands(open_installation, run_job=_run_job))
    main.add_command(source_commands(open_installation))
    main.add_command(quarantine_commands(open_installation))
    main.add_command(import_commands(open_database=open_installation, fold=_fold))
    main.add_command(
        identity_commands(
            open_installation, fields_of=_fields_of, kinds=persons.COLUMNS, score=_score,
            moved=customers.mark_moved,
        )
    )  # fmt: skip


_join_rooms()

if __name__ == "__main__":
    sys.exit(main())
