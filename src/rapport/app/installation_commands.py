"""`rapport keys`, `rapport user` and `rapport digest`: what there is to begin with, and whether two are equal."""

from __future__ import annotations

import os
from pathlib import Path

import click

from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.installation import Installation
from rapport.app.settings import Settings
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound
from rapport.remember.digest import digest as compute
from rapport.storage.command_line import data_option, json_option, tell_json, workspace_named, workspace_option
from rapport.storage.engine import Database
from rapport.web import accounts, resets

__all__ = ["digest", "keys", "user"]


@click.command()
@data_option
@json_option("One JSON object.")
def keys(data_dir: Path | None, *, as_json: bool) -> None:
    """Print the workspace, its first write key and the operator's API key; made where they are missing."""
    settings = Settings.load(data_dir=data_dir)
    db = open_database(settings)
    found = bootstrap(db, settings)
    if as_json:
        tell_json(found._asdict())
        return
    told = found._asdict() | {"console": f"{settings.address}/console", "sign in": _sign_in(db, settings)}
    for name, value in told.items():
        click.echo(f"{name:>10}  {value}")


def _sign_in(db: Database, settings: Settings) -> str:
    """How somebody gets into the console."""
    if (settings.data_dir / "demo.json").exists():
        from rapport.app.demo.shop import account  # brings the simulated world with it

        return "{}   password {}".format(*account(settings.data_dir))
    if accounts.has_anybody(db):
        return "with your e-mail and password; `rapport user EMAIL` adds somebody"
    return "nobody has an account yet: `rapport serve` prints the link that makes the first"


class _ByEmail(click.Group):
    """`rapport user ada@example.com` is `rapport user add ada@example.com`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and "@" in args[0]:
            args = ["add", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options before the address belong to `add`."""
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["add", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ByEmail)
def user() -> None:
    """Who may sign in to the console: add somebody, or let somebody in again who has lost the password."""


@user.command("add")
@data_option
@workspace_option
@click.argument("email")
@click.option("--role", type=click.Choice(["owner", "marketer", "agent", "analyst", "viewer"]), default="owner",
              show_default=True)  # fmt: skip
@click.option("--name", default="", help="How the console greets this person.")
@click.pass_obj
def add_user(
    installation: Installation, data_dir: Path | None, workspace: str | None, email: str, role: str, name: str
) -> None:
    """Add somebody who may sign in to the console.

    The password is asked for, or taken from RAPPORT_PASSWORD: what stands on a command line everybody on the machine
    can read.
    """
    password = os.environ.get("RAPPORT_PASSWORD") or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with installation.open(data_dir) as db:
        with db.read() as conn:
            shop = workspace_named(conn, workspace).id
        made = accounts.create_user(
            db, email=email, password=password, name=name, workspace=shop, role=role, now=now_us()
        )
    click.echo(f"{made.email} may sign in as {role}")


@user.command("reset")
@data_option
@click.argument("email")
@click.option("--second-factor", is_flag=True, help="Take the second factors away, too: the phone is lost.")
@click.pass_obj
def reset_user(installation: Installation, data_dir: Path | None, email: str, *, second_factor: bool) -> None:
    """Print a link with which somebody chooses a new password; it works once, for an hour."""
    settings = Settings.load(data_dir=data_dir)
    with installation.open(data_dir) as db:
        made = resets.make_link(db, email=email, factors_too=second_factor, now=now_us())
    if made is None:
        raise NotFound(
            f"nobody with the e-mail {email[:80]!r} has an account", hint="`rapport user EMAIL` adds somebody"
        )
    base = settings.public_url.rstrip("/") or settings.address
    click.echo(f"{base}/console/reset?token={made[0]}")


@click.command()
@data_option
@json_option("One JSON object.")
@click.pass_obj
def digest(installation: Installation, data_dir: Path | None, *, as_json: bool) -> None:
    """Fold what is in the log and print one digest over all Golden Records: equal for equal facts, on every engine."""
    with installation.open(data_dir) as db:
        installation.fold(db)
        with db.read() as conn:
            found = compute(conn, remembered=installation.remembered)
    if as_json:
        tell_json(found)
        return
    click.echo(f"{found['digest']}  {found['customers']} customers, {found['facts']} facts")
