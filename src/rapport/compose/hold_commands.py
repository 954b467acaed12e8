"""`rapport privacy hold`: hold somebody for a time, see who is held, let them go."""

from __future__ import annotations

import getpass
from pathlib import Path

import click
import msgspec

from rapport.compose import holds
from rapport.compose.holds import HoldShown, HoldWanted
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

__all__ = ["hold"]


@click.group()
def hold() -> None:
    """Legal holds: somebody of whom nothing is erased for a time, whoever asks."""


@hold.command("place")
@data_option
@workspace_option
@click.argument("reference")
@click.option("--why", required=True, help="The number of a case; stands with what waits. Nothing of the person.")
@click.option("--until", required=True, metavar="MOMENT", help="When it ends: 2027-06-30T00:00:00Z.")
@json_option("The hold, as the API answers it.")
@click.pass_obj
def place(
    installation: Installation, data_dir: Path | None, workspace: str | None, reference: str, *, why: str, until: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Hold the person whom REFERENCE names (cus_… or namespace:value)."""
    try:
        wanted = msgspec.convert({"customer": reference, "why": why, "until": until}, HoldWanted)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"this cannot be held: {error}") from error
    now = now_us()
    with installation.open(data_dir) as db, db.write() as conn:
        shop = workspace_named(conn, workspace).id
        ident = holds.hold(conn, shop, wanted, by=_by(), now=now)
        found = holds.find(conn, shop, ident, now=now)
    tell_json(found) if as_json else click.echo(_line(found))


@hold.command("list")
@data_option
@workspace_option
@json_option("The holds, as the API answers them.")
@click.pass_obj
def list_all(installation: Installation, data_dir: Path | None, workspace: str | None, *, as_json: bool) -> None:
    """Who is held, and who was; those that stand first."""
    with installation.open(data_dir) as db, db.read() as conn:
        found = holds.newest(conn, workspace_named(conn, workspace).id, now=now_us())
    if as_json:
        tell_json(found)
    else:
        click.echo("\n".join(map(_line, found)) or "nobody is held")


@hold.command("end")
@data_option
@workspace_option
@click.argument("ident", metavar="HOLD")
@click.pass_obj
def end(installation: Installation, data_dir: Path | None, workspace: str | None, ident: str) -> None:
    """End the HOLD of this id before its time; what waited for it goes on."""
    now = now_us()
    with installation.open(data_dir) as db, db.write() as conn:
        shop = workspace_named(conn, workspace).id
        holds.end(conn, shop, ident, by=_by(), now=now)
        found = holds.find(conn, shop, ident, now=now)
    click.echo(_line(found))


def _by() -> str:
    return f"{getpass.getuser()} (command line)"


def _line(one: HoldShown) -> str:
    state = f"ended {one.ended_at[:10]} by {one.ended_by}" if one.ended_at else f"until {one.until[:10]}"
    over = "" if one.standing or one.ended_at else " (over)"
    return f"{one.id}  {one.customer or 'erased since'}  {state}{over}  by {one.held_by}: {one.why}"
