"""`rapport audit`: the trail checked, and handed out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from rapport.capabilities.audit.handing_out import lines
from rapport.kernel.errors import InvalidInput
from rapport.storage.audit.sealing import Head, seal
from rapport.storage.audit.verifying import verify as verify_trail
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """Who saw whom and changed what: checked, and handed out so that anybody can check it."""


@audit.command()
@data_option
@workspace_option
@click.option(
    "--head", "noted", multiple=True, metavar="SIZE:ROOT",
    help="A head that was noted before; the trail must begin with what it stands for.",
)  # fmt: skip
@json_option("One JSON object.")
@click.pass_obj
def verify(
    installation: Installation, data_dir: Path | None, workspace: str | None, noted: tuple[str, ...], *, as_json: bool
) -> None:
    """Hold every entry against the tree. Ends with 1 where something was changed, and says what."""
    heads = [_head(one) for one in noted]
    with installation.open(data_dir) as db, db.read() as conn:
        found = verify_trail(conn, workspace_named(conn, workspace).id, noted=heads)
    if as_json:
        tell_json(found)
    else:
        click.echo(f"{found.size} entries are sealed, {found.unsealed} wait, {found.erased} parts are erased")
        click.echo(f"head {found.size}:{found.root}")
        for fault in found.faults:
            click.echo(f"WRONG: {fault}", err=True)
    if found.faults:
        sys.exit(1)


@audit.command()
@data_option
@workspace_option
@click.argument("file", type=click.File("wb"))
@click.pass_obj
def export(installation: Installation, data_dir: Path | None, workspace: str | None, file: BinaryIO) -> None:
    """Write the whole trail to FILE (`-`: standard output), one JSON object a line."""
    with installation.open(data_dir) as db:
        with db.write() as conn:
            shop = workspace_named(conn, workspace).id
            while seal(conn, shop):
                pass
        with db.read() as conn:
            file.writelines(lines(conn, shop))


def _head(text: str) -> Head:
    size, _, root = text.partition(":")
    try:
        return Head(int(size), bytes.fromhex(root))
    except ValueError:
        raise InvalidInput(f"{text[:90]!r} is no head", hint="SIZE:ROOT, as `rapport audit verify` says it") from None
