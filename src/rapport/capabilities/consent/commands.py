"""`rapport privacy`: the shop's privacy policies as files that somebody reviews; shown, tried, applied."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from rapport.capabilities.consent import changing
from rapport.capabilities.consent.effect import Effect, PurposeEffect
from rapport.capabilities.consent.service import policies_of
from rapport.capabilities.consent.shipped import read_policy
from rapport.collect.sources import list_sources
from rapport.compose.hold_commands import hold
from rapport.compose.redaction_commands import redact
from rapport.compose.request_commands import erase, export
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

__all__ = ["privacy"]

_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
_DEFAULT = click.option(
    "--default", "is_default", is_flag=True, help="Also for customers whose country and source no policy names."
)


@click.group()
def privacy() -> None:
    """What may be done with whom: the policies of the shop, shown, tried, applied."""


@privacy.group("policy")
def policy_group() -> None:
    """What holds for customers of which country and source: JSON or TOML files, one a policy, tried first."""


@policy_group.command("show")
@data_option
@workspace_option
@click.argument("name", default="")
@click.pass_obj
def show(installation: Installation, data_dir: Path | None, workspace: str | None, name: str) -> None:
    """List the policies in force, or print the one of this name as JSON, the file to begin with."""
    with installation.open(data_dir) as db, db.read() as conn:
        shop = workspace_named(conn, workspace).id
        kept = policies_of(conn, shop)
        sources = {one.id: one.name for one in list_sources(conn, shop)}
    if name:
        found = next((one for one in kept.policies.policies if one.name == name), None)
        if found is None:
            names = ", ".join(one.name for one in kept.policies.policies)
            raise NotFound(f"no policy {name[:60]!r}", hint=f"there are: {names}")
        click.echo(changing.as_text(found))
        return
    for one in kept.policies.policies:
        default = "  (default)" if one.name == kept.policies.default else ""
        came_by = "".join(f"  from {sources.get(source, source)}" for source in one.sources)
        click.echo(f"{one.name:<14} {one.title}{default}  {' '.join(one.countries) or 'no country'}{came_by}")
    click.echo(f"version {kept.version}")


@policy_group.command("check")
@data_option
@workspace_option
@_FILE
@_DEFAULT
@json_option("One JSON object.")
@click.pass_obj
def check(
    installation: Installation, data_dir: Path | None, workspace: str | None, file: Path, *, is_default: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Say for how many customers the policy in FILE would allow or refuse what; nothing is changed."""
    with installation.open(data_dir) as db, db.read() as conn:
        shop = workspace_named(conn, workspace).id
        policy = read_policy(file.read_bytes(), name=file.name)
        effect = changing.try_out(conn, shop, policy, is_default=is_default)
    tell_json(effect) if as_json else click.echo(_in_words(effect))


@policy_group.command("apply")
@data_option
@workspace_option
@_FILE
@_DEFAULT
@click.option("--reason", required=True, help="Why; it stays with the version.")
@click.option(
    "--seen", type=int, metavar="VERSION", help="The version that `show` named; where it is another, do nothing."
)
@click.pass_obj
def apply(
    installation: Installation, data_dir: Path | None, workspace: str | None, file: Path, *, is_default: bool,
    reason: str, seen: int | None,
) -> None:  # fmt: skip
    """Put the policy in FILE in force, in place of the one of its name; it holds at once."""
    with installation.open(data_dir) as db, db.write() as conn:
        shop = workspace_named(conn, workspace).id
        version = changing.apply(
            conn, shop, read_policy(file.read_bytes(), name=file.name), is_default=is_default, seen=seen,
            by=f"{getpass.getuser()} (command line)", reason=reason, now=now_us(),
        )  # fmt: skip
    click.echo(f"applied: the privacy policies are at version {version}")


privacy.add_command(erase)
privacy.add_command(export)
privacy.add_command(redact)
privacy.add_command(hold)


def _in_words(effect: Effect) -> str:
    if not effect.purposes:
        return f"this change would allow and refuse nothing, of {effect.customers:,} customers"
    return "\n".join([f"of {effect.customers:,} customers", *map(_line, effect.purposes)])


def _line(one: PurposeEffect) -> str:
    return (
        f"  {one.purpose:<20} newly allowed {one.allowed:>8,}   newly refused {one.refused:>8,}"
        f"   such as {', '.join(one.examples[:2])}"
    )
