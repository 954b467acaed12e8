"""`rapport settings`: what a shop decides of each slice, shown and changed from the command line."""

from __future__ import annotations

import getpass
from pathlib import Path

import click
import msgspec

from rapport.app.installation import Installation
from rapport.kernel.clock import now_us
from rapport.storage import settings
from rapport.storage.command_line import data_option, workspace_named, workspace_option

__all__ = ["settings_group"]


@click.group("settings")
def settings_group() -> None:
    """What a shop decides of each slice: show, change."""


@settings_group.command("show")
@data_option
@workspace_option
@click.pass_obj
def show(installation: Installation, data_dir: Path | None, workspace: str | None) -> None:
    """Show every section, its version and what is in force."""
    with installation.open(data_dir) as db, db.read() as conn:
        shop = workspace_named(conn, workspace).id
        for section in installation.slices.sections:
            kept = settings.load(conn, shop, section)
            click.echo(f"{section.name}  version {kept.version}  {msgspec.json.encode(kept.value).decode()}")


@settings_group.command("change")
@data_option
@workspace_option
@click.argument("section")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE…")
@click.pass_obj
def change(
    installation: Installation, data_dir: Path | None, workspace: str | None, section: str, values: tuple[str, ...]
) -> None:
    """Change some settings of a section; workers take them up within seconds."""
    found = next((one for one in installation.slices.sections if one.name == section), None)
    if found is None:
        raise click.ClickException(f"no settings {section!r}; `rapport settings show` lists them")
    wanted = dict(value.partition("=")[::2] for value in values)
    with installation.open(data_dir) as db, db.write() as conn:
        shop = workspace_named(conn, workspace).id
        kept = settings.load(conn, shop, found)
        value = found.convert(msgspec.structs.asdict(kept.value) | wanted)
        by = f"{getpass.getuser()} (command line)"
        version = settings.save(conn, shop, found, value, version=kept.version, by=by, now=now_us())
    click.echo(f"{section} version {version}: {msgspec.json.encode(value).decode()}")
