"""`rapport import`: files in, from the command line."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click

from rapport.adapters.files import store
from rapport.adapters.files.importer import import_files
from rapport.adapters.files.mapped_csv import MappedCsv
from rapport.adapters.files.model import FileFormat, ImportReport
from rapport.adapters.files.olist import Olist
from rapport.adapters.files.online_retail import OnlineRetail
from rapport.adapters.files.progress import shown_progress
from rapport.kernel.ids import WorkspaceId
from rapport.storage.command_line import Installation, data_option, workspace_named, workspace_option
from rapport.storage.engine import Database

__all__ = ["Importing", "import_group"]


class Importing(Installation, Protocol):
    """What an import needs of the installation."""

    def folder(self, data_dir: Path | None) -> Path:
        """The data folder: the one that is named, or the default one."""

    def fold(self, db: Database) -> None:
        """Return once every fact of the log is folded, by this process or by one that runs already."""


EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every import has."""
    report = click.option("--report", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
                          help="Where refused rows are listed; by default under DATA/imports.")  # fmt: skip
    again = click.option("--again", is_flag=True, help="Read a file that was imported before, to add what is missing.")
    return data_option(workspace_option(report(again(command))))


@click.group("import")
def import_group() -> None:
    """Bring facts in from files.

    Can be stopped at any moment: run the same command again and it goes on. Importing a file twice adds nothing.
    """


@import_group.command("olist")
@click.argument("folder", metavar="DIR", type=EXISTING_FOLDER)
@click.option("--time-zone", default="America/Sao_Paulo", show_default=True, help="Zone of its local times.")
@_common
@click.pass_obj
def olist(installation: Importing, /, folder: Path, time_zone: str, **options: Any) -> None:
    """Import Olist's Brazilian marketplace: orders, deliveries, reviews."""
    _run(installation, lambda: Olist(folder, time_zone=time_zone), **options)


@import_group.command("online-retail")
@click.argument("file", metavar="FILE", type=EXISTING_FILE)
@click.option("--time-zone", default="Europe/London", show_default=True, help="Zone of its local times.")
@_common
@click.pass_obj
def online_retail(installation: Importing, /, file: Path, time_zone: str, **options: Any) -> None:
    """Import the UCI Online Retail table (csv or csv.gz): invoices and credit notes."""
    _run(installation, lambda: OnlineRetail(file, time_zone=time_zone), **options)


@import_group.command("csv")
@click.argument("file", metavar="FILE", type=EXISTING_FILE)
@click.option("--map", "map_path", required=True, metavar="MAP.toml", type=EXISTING_FILE,
              help="Which facts the rows state; see the how-to on importing.")  # fmt: skip
@_common
@click.pass_obj
def mapped(installation: Importing, /, file: Path, map_path: Path, **options: Any) -> None:
    """Import any table (csv or csv.gz) by a map."""
    _run(installation, lambda: MappedCsv(file, map_path=map_path), **options)


def _run(
    installation: Importing,
    make: Callable[[], FileFormat],
    *,
    data_dir: Path | None,
    workspace: str | None,
    again: bool,
    report: Path | None,
) -> None:
    started = time.monotonic()
    with _stoppable(), installation.open(data_dir) as db:
        with db.read() as conn:
            shop = workspace_named(conn, workspace)
        with shown_progress(sys.stderr) as progress:
            done = import_files(db, make(), workspace=shop, progress=progress, again=again)
            progress("folding", 0, 0)
            installation.fold(db)
            progress("folding", 1, 1)
        took = time.monotonic() - started
        at = report or installation.folder(data_dir) / "imports" / f"{done.id}.csv"
        listed = _write_refusals(db, shop.id, done, at)
    click.echo(summary(done, listed, seconds=took))
    if done.refusals and not done.facts:
        raise click.exceptions.Exit(1)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C tells that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Stopped. Run the same command again to go on.", err=True)
        raise click.exceptions.Exit(130) from None


def _write_refusals(db: Database, workspace: WorkspaceId, done: ImportReport, path: Path) -> Path | None:
    """List all refused rows that were kept, anew on every run; None where there are none."""
    if not done.refusals:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with db.read() as conn, path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(("file", "line", "reason", "row"))
        out.writerows(store.refusals(conn, workspace, done.id))
    return path


def summary(done: ImportReport, listed: Path | None, *, seconds: float) -> str:
    """What an import did, for people; `seconds` are those of this run, until all was remembered."""
    if done.repeated:
        lines = [f"{done.title} was imported before ({done.id}): nothing to do. --again reads it once more."]
    else:
        went_on = ", going on where it had stopped" if done.resumed else ""
        lines = [f"Imported {done.title} in {seconds:.1f} s{went_on}."]
    lines.append(f"{done.rows:,} rows, {done.facts:,} facts: {done.added:,} new, {done.known:,} known already.")
    lines.extend(f"  {count:>9,}  {name}" for name, count in sorted(done.names.items(), key=lambda item: -item[1]))
    if done.refusals:
        unusable = f", {done.unusable:,} e-mail addresses or telephone numbers left out" if done.unusable else ""
        lines.append(f"{done.refused:,} rows refused, {done.quarantined:,} facts in quarantine{unusable}:")
        lines.extend(f"  {one.file}, line {one.line}: {one.reason}" for one in done.errors)
        if done.refusals > len(done.errors):
            lines.append(f"  … and {done.refusals - len(done.errors):,} more")
        lines.append(f"All of them are listed in {listed}.")
    return "\n".join(lines)
