"""`rapport loyalty`: prove the ledger of points, for somebody at the server."""

from __future__ import annotations

from pathlib import Path

import click

from rapport.capabilities.loyalty.verifying import verify as proof_of
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

__all__ = ["loyalty"]


@click.group()
def loyalty() -> None:
    """Loyalty: prove that balances are the sum of their history."""


@loyalty.command()
@data_option
@workspace_option
@json_option("One JSON object: what was looked at, and what is wrong.")
@click.pass_obj
def verify(installation: Installation, data_dir: Path | None, workspace: str | None, *, as_json: bool) -> None:
    """Compare every lot with its entries and redemptions; ends with status 1 where something is wrong."""
    with installation.open(data_dir) as db, db.read() as conn:
        proof = proof_of(conn, workspace_named(conn, workspace).id)
    if as_json:
        tell_json(proof)
    else:
        words = "all proven" if proof.ok else "NOT as their history says"
        click.echo(f"{proof.lots:,} lots, {proof.entries:,} entries, {proof.points_given:,} points given: {words}")
        for one in proof.wrong:
            click.echo(f"  {one.programme} {one.lot}: {one.why}")
    if not proof.ok:
        raise SystemExit(1)
