"""`rapport privacy erase` and `export`: the same as the API, for somebody at the server."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import Any, Protocol

import click

from rapport.compose import requests
from rapport.compose.erasing import ERASING
from rapport.compose.erasure import Proof
from rapport.compose.holds import Held
from rapport.compose.installed import Installed
from rapport.compose.requests import OPEN, RequestWanted
from rapport.compose.routes import export_for
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound, Unavailable
from rapport.storage import command_line
from rapport.storage.command_line import data_option, json_option, tell_json, workspace_named, workspace_option
from rapport.storage.engine import Database

__all__ = ["erase", "export"]

_PATIENCE = 600.0


class Installation(command_line.Installation, Protocol):
    """What these commands work on."""

    @property
    def slices(self) -> Installed: ...

    def run_job(self, db: Database, name: str) -> Any: ...


@click.command()
@data_option
@workspace_option
@click.argument("reference")
@click.option("--reason", required=True, help="Why, and how it was made sure who asks; nothing of the person.")
@json_option("The request with its proof, as the API answers it.")
@click.pass_obj
def erase(
    installation: Installation, data_dir: Path | None, workspace: str | None, reference: str, *, reason: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Erase the person whom REFERENCE names (cus_… or namespace:value) from everything, for ever, and prove it."""
    wanted = RequestWanted(kind="erasure", customer=reference, verified=reason, reason=reason)
    with installation.open(data_dir) as db:
        with db.write() as conn:
            shop = workspace_named(conn, workspace).id
            found = requests.ask(conn, shop, wanted, by=f"{getpass.getuser()} (command line)", now=now_us())
        if found.status == "not_found":
            raise NotFound("nobody is known by that name", hint="nothing was erased; the request is kept as not found")
        deadline = time.monotonic() + _PATIENCE
        while found.status in (*OPEN, "duplicate"):
            if time.monotonic() > deadline:
                raise Unavailable(f"request {found.id} is not over yet", hint="a worker goes on with it")
            installation.run_job(db, ERASING)
            with db.read() as conn:
                found = requests.find_request(conn, shop, found.id)
            if found.held:
                raise Held(found.held, hint=f"request {found.id} goes on by itself once the hold has ended")
    if as_json or found.proof is None:
        tell_json(found)
        return
    _tell(found.id, found.proof)


@click.command()
@data_option
@workspace_option
@click.argument("reference")
@json_option("One JSON object, as the API answers it; without it the same, to be read.")
@click.pass_obj
def export(
    installation: Installation, data_dir: Path | None, workspace: str | None, reference: str, *, as_json: bool
) -> None:
    """Print everything that is kept of the person whom REFERENCE names (cus_… or namespace:value)."""
    import msgspec

    with installation.open(data_dir) as db, db.read() as conn:
        found = export_for(conn, installation.slices, workspace_named(conn, workspace).id, reference, now=now_us())
    if as_json:
        tell_json(found)
    else:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _tell(request: str, proof: Proof) -> None:
    for one in proof.stores:
        if one.rows:
            click.echo(f"{one.rows:>8,}  {one.slice}.{one.table}")
    for one in proof.mentions:
        click.echo(f"{one.rows:>8,}  mentions overwritten in {one.slice}.{one.table}")
    click.echo(f"erased: {proof.identifiers} identifiers; files {proof.files}; request {request}")
    for kept in proof.kept:
        click.echo(f"kept: {kept.rows:,} rows of {kept.slice}.{kept.table} until {kept.until[:10]}: {kept.law}")
    for words in proof.left:
        click.echo(f"left: {words}")
