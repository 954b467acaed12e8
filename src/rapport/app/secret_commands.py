"""`rapport secrets`: how the secrets in the database lie, and sealing them with the newest key."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from rapport.app.installation import Installation
from rapport.app.secret_keeping import Found, look_at_secrets, seal_secrets
from rapport.kernel.errors import Misconfigured
from rapport.storage.command_line import data_option, json_option, tell_json
from rapport.storage.sealing import VARIABLE, State, has_key

__all__ = ["secrets"]

_WORDS: dict[State, str] = {
    "sealed": "sealed with the key that seals now", "older": "sealed with an older key", "readable": "readable",
    "closed": "sealed with a key that is not here",
}  # fmt: skip


@click.group("secrets")
def secrets() -> None:
    """Secrets that must be read again, such as those of webhooks and mail servers: how they lie, and sealing."""


@secrets.command("show")
@data_option
@json_option("One JSON list.")
@click.pass_obj
def show(installation: Installation, data_dir: Path | None, *, as_json: bool) -> None:
    """Tell how many secrets lie sealed, with which key, and how many readable. Shows none of them."""
    with installation.open(data_dir) as db:
        found = look_at_secrets(db, installation.slices.secrets)
    _tell(found, as_json=as_json)


@secrets.command("seal")
@data_option
@json_option("One JSON list.")
@click.pass_obj
def seal(installation: Installation, data_dir: Path | None, *, as_json: bool) -> None:
    """Seal every secret with the first key of RAPPORT_SECRET_KEY; then the keys behind it may go.

    Workers do the same at their start. Ends with 1 where a secret cannot be opened with any of the keys.
    """
    if not has_key():
        raise Misconfigured(f"{VARIABLE} is not set, so nothing can be sealed", hint="`openssl rand -hex 32` makes one")
    with installation.open(data_dir) as db:
        seal_secrets(db, installation.slices.secrets)
        found = look_at_secrets(db, installation.slices.secrets)
    _tell(found, as_json=as_json)
    left = sum(one.states["closed"] for one in found)
    if left:
        raise click.ClickException(
            f"{left} secrets open with none of the keys: put the key they were sealed with behind the new one, after a"
            " comma, or type them in anew"
        )


def _tell(found: list[Found], *, as_json: bool) -> None:
    if as_json:
        tell_json([{"place": one.place, **{state: one.states[state] for state in _WORDS}} for one in found])
        return
    for one in found:
        said = ", ".join(f"{number} {_WORDS[state]}" for state, number in one.states.items() if number)
        click.echo(f"{one.place:<26} {said or 'none'}")
    total = sum((one.states for one in found), Counter[State]())
    if total["readable"] and not has_key():
        click.echo(f"{VARIABLE} is not set: {total['readable']} secrets lie readable in the database")
