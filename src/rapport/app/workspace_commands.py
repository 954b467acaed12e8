"""`rapport workspaces`: the shops of an installation and what each decides for itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from rapport.app.installation import Installation
from rapport.collect.sources import ensure_source
from rapport.kernel.clock import now_us
from rapport.storage.command_line import data_option
from rapport.storage.shops import ShopWanted, change_shop
from rapport.storage.workspaces import all_workspaces, create_workspace, find_workspace
from rapport.web import accounts

__all__ = ["workspaces"]


def _settings_options(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--currency", help="ISO 4217 code of amounts that name none."),
        click.option("--region", help="ISO 3166 country of phone numbers without a country code."),
        click.option("--time-zone", help="IANA name, such as Europe/Berlin."),
        click.option("--locale", help="Such as de_DE."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("workspaces")
def workspaces() -> None:
    """The shops of this installation: list, add, change their settings."""


@workspaces.command("list")
@data_option
@click.pass_obj
def list_command(installation: Installation, data_dir: Path | None) -> None:
    """Show all shops with their settings."""
    with installation.open(data_dir) as db, db.read() as conn:
        for shop in all_workspaces(conn):
            settings = msgspec.json.encode(shop.settings).decode()
            click.echo(f"{shop.slug}  {shop.name}  {settings}")


@workspaces.command("add")
@data_option
@click.argument("slug")
@click.option("--name", default="", help="How people call it.")
@_settings_options
@click.pass_obj
def add(installation: Installation, /, data_dir: Path | None, slug: str, name: str, **given: Any) -> None:
    """Add a shop; prints its first write key and an API key, which is shown this once."""
    now, permissions = now_us(), installation.slices.permissions
    with installation.open(data_dir) as db:
        with db.write() as conn:
            shop = create_workspace(conn, slug=slug, name=name or slug, now=now)
            change_shop(conn, shop.id, ShopWanted(**given))
            source = ensure_source(conn, shop.id, name="Website", kind="web", now=now)
        _, api_key = accounts.create_api_key(
            db, permissions, workspace=shop.id, name="operator", scopes=permissions.for_keys,
            created_by="rapport workspaces", now=now,
        )  # fmt: skip
    click.echo(f"workspace  {shop.slug}\nwrite_key  {source.write_key}\napi_key    {api_key}")


@workspaces.command("change")
@data_option
@click.argument("slug")
@click.option("--name", default="", help="How people call it.")
@_settings_options
@click.pass_obj
def change(installation: Installation, /, data_dir: Path | None, slug: str, name: str, **given: Any) -> None:
    """Change what a shop says of itself; workers take it up within seconds."""
    with installation.open(data_dir) as db, db.write() as conn:
        shop = find_workspace(conn, slug)
        change_shop(conn, shop.id, ShopWanted(name=name or None, **given))
    click.echo(f"{slug} changed")
