"""`rapport giftcards`: what the address answers, for somebody at the server."""

from __future__ import annotations

from pathlib import Path

import click

from rapport.kernel.clock import now_us
from rapport.kernel.money import format_minor
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)
from rapport_giftcards.service import balance_of

__all__ = ["giftcards"]


@click.group()
def giftcards() -> None:
    """Gift cards: what is left on one."""


@giftcards.command()
@data_option
@workspace_option
@click.argument("code")
@json_option("One JSON object, as the API answers it.")
@click.pass_obj
def balance(
    installation: Installation, data_dir: Path | None, workspace: str | None, code: str, *, as_json: bool
) -> None:
    """Say what is left on the card with this code, and whether somebody can still pay with it."""
    with installation.open(data_dir) as db, db.read() as conn:
        found = balance_of(conn, workspace_named(conn, workspace).id, code, now=now_us())
    if as_json:
        tell_json(found)
        return
    left = format_minor(found.left_minor, found.currency)
    click.echo(f"{found.code}  {left} left, {'valid' if found.valid else 'not valid any more'}")
