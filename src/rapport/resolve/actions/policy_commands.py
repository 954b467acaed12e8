"""`rapport identity policy`: the identity policy as a file that somebody reviews; shown, tried, applied."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from sqlalchemy import Connection

from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.resolve.graph import policy
from rapport.resolve.graph.policy import PolicySettings
from rapport.resolve.graph.recompute import Moved
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace, find_workspace

if TYPE_CHECKING:
    from rapport.resolve.actions.routes import Changed, PolicyEffect

__all__ = ["AUTHOR", "policy_commands"]

AUTHOR = "command line"
"""Who changed the policy, in the audit trail."""

_WIDEST = 6
"""Identifiers of a customer that are named."""

_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))


def policy_commands(
    open_database: Callable[[Path | None], AbstractContextManager[Database]],
    *,
    moved: Callable[[Connection, Sequence[Moved]], object],
) -> click.Group:
    """The group `policy`; `moved` is told, in the same transaction, whose customer changed."""

    @click.group("policy")
    def group() -> None:
        """What counts as one person: a JSON or TOML file, tried before it is applied."""

    @group.command("show")
    @_common
    def show(data_dir: Path | None, workspace: str | None) -> None:
        """Print the policy in force as JSON, the file to begin with."""
        with open_database(data_dir) as db, db.read() as conn:
            now = policy.read_policy(policy.settings_of(conn, _workspace(conn, workspace)))
        click.echo(msgspec.json.format(msgspec.json.encode(now), indent=2).decode())

    @group.command("check")
    @_common
    @_FILE
    @click.option("--json", "as_json", is_flag=True, help="One JSON object, as the API answers it.")
    @click.option("--fail-on-change", is_flag=True, help="Exit with 1 where customers would merge or split.")
    def check(data_dir: Path | None, workspace: str | None, file: Path, *, as_json: bool, fail_on_change: bool) -> None:
        """Say which customers the policy in FILE would merge and split; nothing is changed."""
        from rapport.resolve.actions.routes import policy_effect

        wanted = read_file(file)
        with open_database(data_dir) as db, db.read() as conn:
            effect = policy_effect(conn, _workspace(conn, workspace), wanted, now=now_us())
        click.echo(msgspec.json.encode(effect).decode() if as_json else _in_words(effect))
        if fail_on_change and (effect.merges or effect.splits):
            raise SystemExit(1)

    @group.command("apply")
    @_common
    @_FILE
    @click.option("--reason", required=True, help="Why; it stays in the audit trail.")
    @click.option("--seen", metavar="VERSION", help="The version that `check` named; where it is another, do nothing.")
    def apply(data_dir: Path | None, workspace: str | None, file: Path, reason: str, seen: str | None) -> None:
        """Make the policy in FILE the shop's; all customers follow at once, and undoing the action leads back."""
        from rapport.kernel.principal import Principal
        from rapport.resolve.actions.service import POLICY_PERMISSION, Identity

        wanted = read_file(file)
        with open_database(data_dir) as db:
            with db.read() as conn:
                shop = _workspace(conn, workspace)
            by = Principal(
                workspace=shop, kind="user", id="cli", name=AUTHOR, role="owner", scopes=frozenset({POLICY_PERMISSION})
            )
            outcome = Identity(db, on_moved=moved).apply_policy(by, wanted, reason=reason, seen=seen)
        click.echo(f"applied: {outcome.moved} identifiers belong to another customer now (action {outcome.action})")

    return group


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


def _workspace(conn: Connection, slug: str | None) -> WorkspaceId:
    return (find_workspace(conn, slug) if slug else default_workspace(conn)).id


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--workspace", default=None, help="Slug of the workspace [default: the first].")(command)
    return click.option(
        "--data", "data_dir", type=click.Path(path_type=Path), default=None, metavar="DIR",
        help="Data folder of the installation [default: ./data, or RAPPORT_DATA_DIR].",
    )(command)  # fmt: skip
