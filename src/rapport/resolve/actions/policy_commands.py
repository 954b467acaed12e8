"""`rapport identity policy`: the identity policy as a file that somebody reviews; shown, tried, applied."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click
import msgspec
from sqlalchemy import Connection

from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.resolve.graph import policy
from rapport.resolve.graph.policy import PolicySettings
from rapport.resolve.graph.recompute import Moved
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

if TYPE_CHECKING:
    from rapport.resolve.actions.policy_effect import Changed, PolicyEffect

__all__ = ["AUTHOR", "Deciding", "policy_group"]

AUTHOR = "command line"
"""Who changed the policy, in the audit trail."""

_WIDEST = 6
"""Identifiers of a customer that are named."""

_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))


class Deciding(Installation, Protocol):
    """What changing the policy needs of the installation."""

    def moved(self, conn: Connection, several: Sequence[Moved]) -> object:
        """Be told, in the same transaction, whose customer changed."""


@click.group("policy")
def policy_group() -> None:
    """What counts as one person: a JSON or TOML file, tried before it is applied."""


@policy_group.command("show")
@data_option
@workspace_option
@click.pass_obj
def show(installation: Installation, data_dir: Path | None, workspace: str | None) -> None:
    """Print the policy in force as JSON, the file to begin with."""
    with installation.open(data_dir) as db, db.read() as conn:
        now = policy.read_policy(policy.settings_of(conn, workspace_named(conn, workspace).id))
    click.echo(msgspec.json.format(msgspec.json.encode(now), indent=2).decode())


@policy_group.command("check")
@data_option
@workspace_option
@_FILE
@json_option("One JSON object, as the API answers it.")
@click.option("--fail-on-change", is_flag=True, help="Exit with 1 where customers would merge or split.")
@click.pass_obj
def check(
    installation: Installation,
    data_dir: Path | None,
    workspace: str | None,
    file: Path,
    *,
    as_json: bool,
    fail_on_change: bool,
) -> None:
    """Say which customers the policy in FILE would merge and split; nothing is changed."""
    from rapport.resolve.actions.policy_effect import policy_effect

    wanted = read_file(file)
    with installation.open(data_dir) as db, db.read() as conn:
        effect = policy_effect(conn, workspace_named(conn, workspace).id, wanted, now=now_us())
    tell_json(effect) if as_json else click.echo(_in_words(effect))
    if fail_on_change and (effect.merges or effect.splits):
        raise SystemExit(1)


@policy_group.command("apply")
@data_option
@workspace_option
@_FILE
@click.option("--reason", required=True, help="Why; it stays in the audit trail.")
@click.option("--seen", metavar="VERSION", help="The version that `check` named; where it is another, do nothing.")
@click.pass_obj
def apply(
    installation: Deciding, data_dir: Path | None, workspace: str | None, file: Path, reason: str, seen: str | None
) -> None:
    """Make the policy in FILE the shop's; all customers follow at once, and undoing the action leads back."""
    from rapport.kernel.principal import Principal
    from rapport.resolve.actions.service import POLICY_PERMISSION, Identity

    wanted = read_file(file)
    with installation.open(data_dir) as db:
        with db.read() as conn:
            shop = workspace_named(conn, workspace).id
        by = Principal(
            workspace=shop, kind="user", id="cli", name=AUTHOR, role="owner", scopes=frozenset({POLICY_PERMISSION})
        )
        outcome = Identity(db, on_moved=installation.moved).apply_policy(by, wanted, reason=reason, seen=seen)
    click.echo(f"applied: {outcome.moved} identifiers belong to another customer now (action {outcome.action})")


def read_file(path: Path) -> PolicySettings:
    """The policy in a file: TOML where its name ends so, else JSON. Raises InvalidInput with the place of the error."""
    body = path.read_bytes()
    try:
        found = tomllib.loads(body.decode()) if path.suffix == ".toml" else msgspec.json.decode(body)
        wanted = msgspec.convert(found, PolicySettings)
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"{path.name}: {error}", hint="`rapport identity policy show` prints a right one") from error
    wanted.check()
    return wanted


def _in_words(effect: PolicyEffect) -> str:
    compared = f"compared with the policy in force, version {effect.version}"
    if not effect.merges and not effect.splits:
        return f"this change would merge and split nobody\n{compared}"
    lines = [f"this change would merge {effect.merges} and split {effect.splits} customers; here they are"]
    for title, number, told in (
        ("merged", effect.merges, effect.merged),
        ("split", effect.splits, effect.split),
    ):
        lines += ["", f"{title}:"] if told else []
        lines += [_one(change) for change in told]
        lines += [f"  … and {number - len(told)} more"] if number > len(told) else []
    return "\n".join([*lines, "", compared])


def _one(change: Changed) -> str:
    before = [[f"{one.namespace}:{one.value}" for one in party.identifiers] for party in change.before]
    return f"  {_sides(before)}  →  {_sides(change.after)}"


def _sides(customers: Sequence[Sequence[str]]) -> str:
    return " | ".join(", ".join([*names[:_WIDEST], *(["…"] if len(names) > _WIDEST else [])]) for names in customers)
