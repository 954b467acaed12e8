"""`rapport lake` and `rapport rebuild`: the lake, for somebody at the server."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import click

from rapport.capabilities.lake import rebuilding, service
from rapport.capabilities.lake.recording import record_all
from rapport.compose.installed import Installed
from rapport.remember.digest import Digest, digest
from rapport.remember.registry import Remembered
from rapport.storage.command_line import Installation, data_option, json_option, tell_json
from rapport.storage.engine import Database
from rapport.storage.lake import upkeep
from rapport.storage.lake.archiver import Archived
from rapport.storage.log import last_given, newest_seq

__all__ = ["Rebuilding", "lake_group", "rebuild"]


TRIES = 6
"""Beside a server facts come while digests are made: then the few new ones are folded, too, and it is tried again."""


class Rebuilding(Installation, Protocol):
    """What `rapport rebuild` needs of the installation."""

    @property
    def slices(self) -> Installed:
        """What is installed."""

    @property
    def remembered(self) -> Remembered:
        """Its parts and traits."""

    def fold(self, db: Database) -> None:
        """Return once every fact of the log is folded."""


@click.group("lake")
def lake_group() -> None:
    """Every fact in open files that any engine can read: archive, compact, verify."""


@lake_group.command()
@data_option
@json_option("One JSON object.")
@click.pass_obj
def archive(installation: Installation, data_dir: Path | None, *, as_json: bool) -> None:
    """Archive what the lake lacks of the log, and changed Golden Records. Workers do the same by themselves."""
    with installation.open(data_dir) as db:
        with db.read() as conn:
            newest = newest_seq(conn)
        begun = time.monotonic()

        def progress(done: Archived) -> None:
            if not as_json and done.upto < newest:
                left = (newest - done.upto) * (time.monotonic() - begun) / done.facts
                click.echo(f"{done.facts:,} facts; about {left:,.0f} s left", err=True)

        done = service.archive(db, tell=progress)
        lake = service.our_lake(db)
        records, size = record_all(db, lake), lake.size_bytes()
    if as_json:
        tell_json(done._asdict() | {"records": records, "bytes": size})
        return
    click.echo(
        f"{done.facts:,} facts and {records:,} Golden Records archived; the lake has the log up to {done.upto:,},"
        f" {size / 1e6:,.1f} MB"
    )


@lake_group.command()
@data_option
@json_option("One JSON object.")
@click.pass_obj
def compact(installation: Installation, data_dir: Path | None, *, as_json: bool) -> None:
    """Join small files, and remove those that no longer belong to the table."""
    with installation.open(data_dir) as db:
        done = upkeep.compact(db, service.our_lake(db))
    if as_json:
        tell_json(done._asdict())
        return
    click.echo(f"{done.before:,} files are {done.after:,} now")


@lake_group.command()
@data_option
@json_option("One JSON object.")
@click.pass_obj
def verify(installation: Installation, data_dir: Path | None, *, as_json: bool) -> None:
    """Compare every fact of the lake with the log. Ends with 1 where one is missing, twice or not the same."""
    with installation.open(data_dir) as db:
        found = upkeep.verify(db, service.our_lake(db))
    if as_json:
        tell_json(found._asdict() | {"whole": found.is_whole})
    else:
        click.echo(
            f"{found.facts:,} facts in the lake, up to {found.upto:,} of the log: {found.missing:,} missing,"
            f" {found.twice:,} twice, {found.differing:,} not the same, {found.only_in_lake:,} not in the log any more"
        )
    if not found.is_whole:
        raise SystemExit(1)


@click.command()
@data_option
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=None, metavar="FOLDER",
              help="Keep the new database there; without it, it is removed once it was compared.")  # fmt: skip
@json_option("One JSON object.")
@click.pass_obj
def rebuild(installation: Rebuilding, data_dir: Path | None, into: Path | None, *, as_json: bool) -> None:
    """Make all Golden Records anew from the lake, in a database of their own, and compare the digests.

    Ends with 1 where they differ.
    """
    with installation.open(data_dir) as db, _folder(into) as folder:
        made = rebuilding.new_database(folder, installation.slices)
        try:
            served, rebuilt, still = _rebuilt(installation, db, made)
        finally:
            made.close()
    equal = served["digest"] == rebuilt["digest"]
    if as_json:
        tell_json({"equal": equal, "still": still, "served": served, "rebuilt": rebuilt})
    else:
        click.echo(f"{rebuilt['digest']}  {rebuilt['customers']:,} customers, {rebuilt['facts']:,} facts of the lake")
        differ = "NOT the same" if still else "facts kept coming, so these cannot be compared; stop the server"
        click.echo("the same as what is served" if equal else f"{differ}: {served['digest']} is served")
    if not equal:
        raise SystemExit(1)


def _rebuilt(installation: Rebuilding, db: Database, made: Database) -> tuple[Digest, Digest, bool]:
    """The digests of what is served and of what was made anew, and whether no fact came between them."""
    rebuilding.copy_decided(made, db)
    lake, upto, still = service.our_lake(db), 0, False
    for _ in range(TRIES):
        archived = service.archive(db).upto
        rebuilding.fill_from_lake(made, lake, after=upto)
        upto = archived
        for one in (db, made):
            installation.fold(one)
        served, rebuilt = (_digest(one, installation.remembered) for one in (db, made))
        with db.look() as conn:
            still = last_given(conn) == upto
        if still or served["digest"] == rebuilt["digest"]:
            break
    return served, rebuilt, still


@contextmanager
def _folder(into: Path | None) -> Iterator[Path]:
    if into is not None:
        yield into
        return
    with tempfile.TemporaryDirectory(prefix="rapport-rebuild-") as made:
        yield Path(made)


def _digest(db: Database, remembered: Remembered) -> Digest:
    with db.read() as conn:
        return digest(conn, remembered=remembered)
