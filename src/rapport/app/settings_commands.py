"""`rapport settings`: what a shop decides of each slice, shown and changed from the command line."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rapport.storage.engine import Database

__all__ = ["settings_commands"]

_DATA = click.option(
    "--data", "data_dir", type=click.Path(path_type=Path), default=None, metavar="DIR", help="Data folder."
)
_SHOP = click.option("--workspace", "slug", default=None, help="The shop [default: the first].")


def settings_commands(open_database: Callable[[Path | None], AbstractContextManager[Database]]) -> click.Group:
    """The group `settings`, joined to an installation."""

    @click.group("settings")
    def group() -> None:
        """What a shop decides of each slice: show, change."""

    @group.command("show")
    @_DATA
    @_SHOP
    def show(data_dir: Path | None, slug: str | None) -> None:
        """Show every section, its version and what is in force."""
        from rapport.app.wiring import installed
        from rapport.storage import settings

        with open_database(data_dir) as db, db.read() as conn:
            shop = _shop(conn, slug)
            for section in installed().sections:
                kept = settings.load(conn, shop, section)
                click.echo(f"{section.name}  version {kept.version}  {msgspec.json.encode(kept.value).decode()}")

    @group.command("change")
    @_DATA
    @_SHOP
    @click.argument("section")
    @click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE…")
    def change(data_dir: Path | None, slug: str | None, section: str, values: tuple[str, ...]) -> None:
        """Change some settings of a section; workers take them up within seconds."""
        from rapport.app.wiring import installed
        from rapport.kernel.clock import now_us
        from rapport.storage import settings

        found = next((one for one in installed().sections if one.name == section), None)
        if found is None:
            raise click.ClickException(f"no settings {section!r}; `rapport settings show` lists them")
        wanted = dict(value.partition("=")[::2] for value in values)
        with open_database(data_dir) as db, db.write() as conn:
            shop = _shop(conn, slug)
            kept = settings.load(conn, shop, found)
            value = found.convert(msgspec.structs.asdict(kept.value) | wanted)
            by = f"{getpass.getuser()} (command line)"
            version = settings.save(conn, shop, found, value, version=kept.version, by=by, now=now_us())
        click.echo(f"{section} version {version}: {msgspec.json.encode(value).decode()}")

    return group


def _shop(conn: Any, slug: str | None) -> Any:
    from rapport.storage.workspaces import default_workspace, find_workspace

    return (default_workspace(conn) if slug is None else find_workspace(conn, slug)).id
