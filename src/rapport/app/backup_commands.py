"""`rapport backup` and `rapport restore`."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from rapport.app.bootstrap import open_database
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.kernel.errors import Conflict
from rapport.storage.audit.entries import append as tell
from rapport.storage.backup.archive import Manifest, opened
from rapport.storage.backup.taking import take
from rapport.storage.command_line import data_option, json_option, tell_json
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces
from rapport.web.formats import count, size_text

__all__ = ["backup", "restore"]

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@data_option
@json_option("One JSON object: the manifest.")
@_file
def backup(data_dir: Path | None, file: Path, *, as_json: bool) -> None:
    """Write everything in the database to one file, while the server runs.

    FILE must not exist yet. It holds personal data and the hashes of passwords and keys: keep it as safe as the
    database. The lake and files that wait to be imported are not in it; the first is made anew from the log.
    """
    settings = Settings.load(data_dir=data_dir)
    file = file.absolute()
    with _alone(file.parent), _leaving_nothing():
        _sweep(file.parent)
        db = open_database(settings)
        try:
            found = take(db, file)
            _record(db, file, found)
        finally:
            db.close()
    if as_json:
        tell_json(found)
        return
    click.echo(f"{file}  {size_text(file.stat().st_size)}, facts up to number {count(found.log_seq)}, {found.taken_at}")


@click.command()
@data_option
@json_option("One JSON object: what was put back, or with --check the manifest.")
@click.option("--check", is_flag=True, help="Read the whole file and say what is in it; change nothing.")
@click.option("--replace", is_flag=True, help="Put it in the place of what is there. SQLite: the old file is kept.")
@click.option("--keep-waiting", is_flag=True,
              help="Messages that waited when the backup was taken are sent once sending is allowed"
              " [default: they are given up, for they may have gone out since].")  # fmt: skip
@_file
def restore(
    data_dir: Path | None, file: Path, *, as_json: bool, check: bool, replace: bool, keep_waiting: bool
) -> None:
    """Put a backup back, with nothing else running on that database.

    Whoever was erased since is erased again, and nothing is sent until somebody presses “Send from here” on the
    console's page Messages.
    """
    if check:
        with opened(file) as found:
            size = found.check()
        told = found.manifest
        if as_json:
            tell_json(told)
        else:
            click.echo(
                f"{file} is whole: {told.engine}, taken {told.taken_at} by Rapport {told.rapport}, shops"
                f" {', '.join(told.shops)}, facts up to number {count(told.log_seq)}, {size_text(size)} in"
                f" {len(told.parts)} parts"
            )
        return
    from rapport.app.restoring import restore as put_back

    done = put_back(Settings.load(data_dir=data_dir), installed(), file, replace=replace, keep_waiting=keep_waiting)
    if as_json:
        tell_json(done)
        return
    told_of = msgspec.structs.asdict(done)
    click.echo(f"restored what was backed up at {done.taken_at}: facts up to number {count(done.log_seq)}")
    for name, words in (
        ("erased_again", "identifiers of people who were erased since, erased again"),
        ("given_up", "messages that waited then are given up: they may have gone out since"),
        ("access_changed", "keys, sources and members are as they were by now, not as in the backup"),
    ):
        if told_of[name]:
            click.echo(f"{count(told_of[name])} {words}")
    if done.access_is_old:
        click.echo(
            f"keys, passwords and members are as of {done.taken_at}: what was revoked since works again; look through"
            " the console's pages API keys, Sources and Team"
        )
    click.echo("everybody is signed out, and invitations that were not used are void")
    for kept in done.kept:
        click.echo(f"what was there before is kept: {kept}")
    click.echo("nothing is sent until somebody presses “Send from here” on the page Messages")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup at a time in a folder. Raises Conflict."""
    if not folder.is_dir():
        yield  # which is said where the file would be made
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another backup is being written to {folder}", hint="wait until it is done") from None
        yield
    finally:
        os.close(handle)


@contextmanager
def _leaving_nothing() -> Iterator[None]:
    """Have SIGTERM end the command as an error would, so that what is half written is deleted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _sweep(folder: Path) -> None:
    """Delete what backups by the clock left that were killed; whoever calls it is alone in the folder."""
    for left in folder.glob(".rapport-*Z.zip.*"):
        if left.suffix == ".part" or left.suffix.startswith(".snapshot"):
            left.unlink(missing_ok=True)


def _record(db: Database, file: Path, found: Manifest) -> None:
    """The audit trail tells that all data was copied."""
    with db.write() as conn:
        for shop in all_workspaces(conn):
            details = {"facts": found.log_seq, "taken_at": found.taken_at}
            tell(conn, shop.id, "backup.made", about=file.name[:200], details=details, who="cli")
