"""`rapport sql`: one query of the lake, for somebody at the server."""

from __future__ import annotations

from pathlib import Path

import click

from rapport.capabilities.lake.asking import MOST_ROWS, Limits, ask
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

__all__ = ["sql"]


@click.command()
@data_option
@workspace_option
@click.argument("text")
@click.option(
    "--rows", type=click.IntRange(1, 1_000_000), default=MOST_ROWS, show_default=True, help="At most so many."
)
@click.option("--seconds", type=click.FloatRange(1, 3600), default=30.0, show_default=True, help="At most so long.")
@click.option("--memory", type=click.IntRange(64, 65_536), default=1_024, show_default=True, help="Megabytes at most.")
@json_option("One JSON object with columns, types, rows and whether they are all.")
@click.pass_obj
def sql(
    installation: Installation,
    data_dir: Path | None,
    workspace: str | None,
    text: str,
    rows: int,
    seconds: float,
    memory: int,
    *,
    as_json: bool,
) -> None:
    """Ask the lake one SELECT over the table facts of a shop.

    It runs in a process of its own that can read that shop's files and write nothing.
    """
    limits = Limits(rows=rows, seconds=seconds, memory_mb=memory, bytes=256_000_000)
    with installation.open(data_dir) as db:
        with db.read() as conn:
            shop = workspace_named(conn, workspace).id
        found = ask(db, shop, text, limits)
    if as_json:
        tell_json(found)
        return
    for row in [found.columns, *found.rows]:
        click.echo("\t".join("" if cell is None else str(cell).replace("\t", " ") for cell in row))
    if found.note:
        click.echo(found.note, err=True)
