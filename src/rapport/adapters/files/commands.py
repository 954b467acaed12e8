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
from rapport.adapters.files.mapping import WrittenMap, read_map
from rapport.adapters.files.model import FileFormat, ImportReport
from rapport.adapters.files.olist import Olist
from rapport.adapters.files.online_retail import OnlineRetail
from rapport.adapters.files.preview import Preview, preview
from rapport.adapters.files.product_feed import ProductFeed, is_feed
from rapport.adapters.files.progress import shown_progress
from rapport.adapters.files.ready import any_maps, best_fit, ready_map, ready_maps
from rapport.collect.names import Vocabulary
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.wording import Wording
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace

__all__ = ["Importing", "import_group"]


class Importing(Installation, Protocol):
    """What an import needs of the installation."""

    def folder(self, data_dir: Path | None) -> Path:
        """The data folder: the one that is named, or the default one."""

    @property
    def wording(self) -> Wording:
        """How facts read, by the slices of this installation."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The events that its slices understand."""

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


class _ImportGroup(click.Group):
    """`rapport import FILE` is `rapport import csv FILE`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        named = self.get_command(ctx, args[0]) is None and (Path(args[0]).exists() or "." in args[0])
        return super().resolve_command(ctx, ["csv", *args] if named else args)


@click.group("import", cls=_ImportGroup)
def import_group() -> None:
    """Bring facts in from files.

    `rapport import FILE` finds out by itself what the file is. Can be stopped at any moment: run the same command
    again and it goes on. Importing a file twice adds nothing.
    """


@import_group.command("olist")
@click.argument("folder", metavar="DIR", type=EXISTING_FOLDER)
@click.option("--time-zone", default="America/Sao_Paulo", show_default=True, help="Zone of its local times.")
@_common
@click.pass_obj
def olist(installation: Importing, /, folder: Path, time_zone: str, **options: Any) -> None:
    """Import Olist's Brazilian marketplace: orders, deliveries, reviews."""
    _run(installation, lambda _: Olist(folder, time_zone=time_zone), **options)


@import_group.command("online-retail")
@click.argument("file", metavar="FILE", type=EXISTING_FILE)
@click.option("--time-zone", default="Europe/London", show_default=True, help="Zone of its local times.")
@_common
@click.pass_obj
def online_retail(installation: Importing, /, file: Path, time_zone: str, **options: Any) -> None:
    """Import the UCI Online Retail table (csv or csv.gz): invoices and credit notes."""
    _run(installation, lambda _: OnlineRetail(file, time_zone=time_zone), **options)


@import_group.command("csv")
@click.argument("file", metavar="FILE", type=EXISTING_FILE)
@click.option("--map", "map_name", metavar="MAP", help="Which facts the rows state: a file, or a name of `maps`."
              " Without it the first line of FILE tells.")  # fmt: skip
@click.option("--preview", "look_first", is_flag=True, help="Show the first facts, and store nothing.")
@click.option("--market", default="", metavar="MARKET", help="FILE is this market's feed of products: its prices hold"
              " there, beside what the shop's own feed says.")  # fmt: skip
@_common
@click.pass_obj
def mapped(
    installation: Importing, /, file: Path, map_name: str | None, market: str, *, look_first: bool, **options: Any
) -> None:
    """Import any table (csv or csv.gz) by a map; `rapport import FILE` is the same.

    A feed of products (Google Merchant's fields, in XML, JSON or a table) needs no map.
    """
    if map_name is None and is_feed(file):
        if look_first:
            raise InvalidInput(
                "a feed of products has no preview", hint="import it: a later feed sets right what is wrong"
            )
        _run(installation, lambda _: ProductFeed(file, market=market), **options)
        return
    if market:
        raise InvalidInput(f"{file.name} is no feed of products", hint="--market is for feeds alone")
    said = _chosen(file, map_name)
    if look_first:
        with installation.open(options["data_dir"]) as db, db.read() as conn:
            shop = workspace_named(conn, options["workspace"])
        files = MappedCsv(file, said=said, time_zone=shop.settings.time_zone)
        found = preview(
            files, workspace=shop, wording=installation.wording, vocabulary=installation.vocabulary, now=now_us()
        )
        click.echo(told_preview(found))
        return
    _run(installation, lambda shop: MappedCsv(file, said=said, time_zone=shop.settings.time_zone), **options)


@import_group.command("maps")
@click.argument("name", required=False)
@json_option("One JSON object for each map.")
def maps(name: str | None, *, as_json: bool) -> None:
    """The maps that come with Rapport; with NAME, that one to copy and edit."""
    if name is not None:
        click.echo(ready_map(name).text.decode(), nl=False)
        return
    found = [said.table for said in ready_maps().values()]
    if as_json:
        tell_json([{"name": table.name, "title": table.title, "columns": table.required} for table in found])
        return
    for table in found:
        click.echo(f"{table.name}\n  {table.title}\n  {table.export}")


def _chosen(file: Path, name: str | None) -> WrittenMap:
    """The map that is named, as a file or as one of ours; else the one that the first line of the file tells."""
    if name is not None:
        return ready_map(name) if name in ready_maps() | any_maps() else read_map(Path(name))
    found, other = best_fit(file)
    click.echo(f"{file.name} is read as {found.words}.")
    if other is not None:
        click.echo(f"It could be {other.words}: --map {other.name} says so.")
    return found.said


def _run(
    installation: Importing,
    make: Callable[[Workspace], FileFormat],
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
            done = import_files(db, make(shop), workspace=shop, progress=progress, again=again,
                                vocabulary=installation.vocabulary)  # fmt: skip
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
    if done.silent:
        lines.append(f"{done.silent:,} rows state nothing by this map.")
    if done.refusals:
        unusable = f", {done.unusable:,} e-mail addresses or telephone numbers left out" if done.unusable else ""
        lines.append(f"{done.refused:,} rows refused, {done.quarantined:,} facts in quarantine{unusable}:")
        lines.extend(f"  {one.file}, line {one.line}: {one.reason}" for one in done.errors)
        if done.refusals > len(done.errors):
            lines.append(f"  … and {done.refusals - len(done.errors):,} more")
        lines.append(f"All of them are listed in {listed}.")
    return "\n".join(lines)


def told_preview(found: Preview) -> str:
    """A preview, for a terminal."""
    lines = []
    for shown in found.facts:
        when = "as of the import" if shown.at is None else f"{to_iso(shown.at)[:16].replace('T', ' ')} UTC"
        lines.append(f"line {shown.line}: {shown.told.title}: {shown.told.detail}")
        lines.append(f"    {when}, {shown.who}")
        lines.extend(f"    not read: {why}" for why in shown.unread)
    lines.append(f"{found.rows:,} rows looked at, {found.stated:,} facts; nothing was stored.")
    if found.silent_rows:
        lines.append(f"{found.silent_rows:,} rows state nothing by this map.")
    if found.refused_rows:
        lines.append(f"{found.refused_rows:,} rows would be refused:")
        lines.extend(f"  line {one.line}: {one.reason}" for one in found.refused)
    return "\n".join(lines)
