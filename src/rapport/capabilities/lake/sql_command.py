"""`rapport sql`: one query of the lake, for somebody at the server."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import click

from rapport.capabilities.lake.asking import MOST_ROWS, Limits, ask
from rapport.capabilities.lake.permitted import Asking
from rapport.kernel.errors import InvalidInput
from rapport.kernel.gate import Gate, NamePurposes
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

__all__ = ["sql"]


class Gated(Installation, Protocol):
    """What the command needs of the installation."""

    @property
    def gate(self) -> Gate:
        """Says what may be done with whom."""

    @property
    def name_purposes(self) -> NamePurposes:
        """Names the purposes of a shop's policies."""


@click.command()
@data_option
@workspace_option
@click.argument("text")
@click.option(
    "--rows", type=click.IntRange(1, 1_000_000), default=MOST_ROWS, show_default=True, help="At most so many."
)
@click.option("--seconds", type=click.FloatRange(1, 3600), default=30.0, show_default=True, help="At most so long.")
@click.option("--memory", type=click.IntRange(64, 65_536), default=1_024, show_default=True, help="Megabytes at most.")
@click.option("--purpose", default="", help="Only facts of those who allow this: analytics, email_marketing …")
@json_option("One JSON object with columns, types, rows and whether they are all.")
@click.pass_obj
def sql(
    installation: Gated,
    data_dir: Path | None,
    workspace: str | None,
    text: str,
    rows: int,
    seconds: float,
    memory: int,
    purpose: str,
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
            known = installation.name_purposes(conn, shop) if purpose else {}
        if purpose and purpose not in known:
            raise InvalidInput(f"no policy knows the purpose {purpose[:60]!r}", hint=f"there are: {', '.join(known)}")
        found = ask(db, shop, text, limits, asking=Asking(installation.gate, purpose))
    if as_json:
        tell_json(found)
        return
    for row in [found.columns, *found.rows]:
        click.echo("\t".join("" if cell is None else str(cell).replace("\t", " ") for cell in row))
    if found.note:
        click.echo(found.note, err=True)
    if found.left_out:
        click.echo(f"{found.left_out:,} facts are left out: whose they are do not allow {purpose}.", err=True)
