"""`rapport undo`: take back what a source sent in a window, after a look at what would go; and put it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy import Connection

from rapport.app.installation import Installation
from rapport.app.undoing import UNDOING
from rapport.collect import withdrawals
from rapport.collect.withdrawals import WAITING, Withdrawal
from rapport.kernel.clock import from_iso, now_us, to_iso
from rapport.kernel.ids import WorkspaceId
from rapport.remember import backfill
from rapport.storage.command_line import data_option, json_option, tell_json, workspace_named, workspace_option
from rapport.storage.engine import Database

__all__ = ["undo", "undo_back"]

_BY = "rapport undo"


@click.command("undo")
@data_option
@workspace_option
@click.argument("source")
@click.option("--since", required=True, metavar="MOMENT", help="From when on, as it reached us: 2026-11-27T10:00:00Z.")
@click.option("--until", default=None, metavar="MOMENT", help="Until when, the end not included [default: now].")
@click.option("--reason", default="", help="Why; stands in the audit trail.")
@click.option("--yes", "confirmed", is_flag=True, help="Do it. Without this, only what would go is told.")
@json_option("One JSON object.")
@click.pass_obj
def undo(
    installation: Installation, data_dir: Path | None, workspace: str | None, source: str, since: str,
    until: str | None, reason: str, *, confirmed: bool, as_json: bool,
) -> None:  # fmt: skip
    """Take back what a source sent in a window, as if it had never come; first only the numbers."""
    now = now_us()
    window = _moment(since), now if until is None else _moment(until)
    with installation.open(data_dir) as db:
        with db.write() as conn:
            shop = workspace_named(conn, workspace).id
            found = withdrawals.ask(
                conn, shop, source, since=window[0], until=window[1], reason=reason, by=_BY, now=now
            )
        found = _carried_out(installation, db, found)
        if confirmed and found.told and found.told.facts:
            found = _step(installation, db, shop, found.id, withdrawals.confirm)
    _tell(found, as_json=as_json)


@click.command("undo-back")
@data_option
@workspace_option
@click.argument("withdrawal")
@json_option("One JSON object.")
@click.pass_obj
def undo_back(
    installation: Installation, data_dir: Path | None, workspace: str | None, withdrawal: str, *, as_json: bool
) -> None:
    """Put back what was taken back at most 30 days ago."""
    with installation.open(data_dir) as db:
        with db.read() as conn:
            shop = workspace_named(conn, workspace).id
        found = _step(installation, db, shop, withdrawal, withdrawals.put_back)
    _tell(found, as_json=as_json)


def _step(
    installation: Installation, db: Database, shop: WorkspaceId, ident: str,
    step: Callable[..., Withdrawal],
) -> Withdrawal:  # fmt: skip
    with db.write() as conn:
        found = step(conn, shop, ident, by=_BY, now=now_us())
    return _carried_out(installation, db, found)


def _carried_out(installation: Installation, db: Database, found: Withdrawal) -> Withdrawal:
    """Have workers do it, this process among them, and wait."""
    while found.state in WAITING:
        done = installation.run_job(db, UNDOING)
        if done.failures:
            raise click.ClickException(f"it failed with {done.last_error}; the log says where")
        before = found
        with db.read() as conn:
            found = _look(conn, found)
            if found == before and backfill.progress(conn):
                raise click.ClickException("new traits still learn the past; run this again once they have")
    return found


def _look(conn: Connection, found: Withdrawal) -> Withdrawal:
    return withdrawals.find(conn, found.workspace, found.id)


def _moment(text: str) -> int:
    try:
        return from_iso(text)
    except ValueError as error:
        raise click.BadParameter(f"{text[:60]!r} is no moment, such as 2026-11-27T10:00:00Z") from error


def _tell(found: Withdrawal, *, as_json: bool) -> None:
    effects = found.effects if found.effects is not None else found.told
    if as_json:
        tell_json({"id": found.id, "state": found.state, "effects": effects})
        return
    words = {"told": "would go (nothing is changed yet; --yes does it)", "done": "taken back", "back": "put back"}
    click.echo(f"{found.id}  {to_iso(found.since)} – {to_iso(found.until)}  {words.get(found.state, found.state)}")
    if effects is None:
        return
    click.echo(f"  {effects.facts:,} facts, {effects.followed:,} of Rapport's own because of them")
    click.echo(
        f"  {effects.customers:,} customers change, {effects.parted:,} come apart,"
        f" {effects.gone:,} identifiers nobody else has named"
    )
    for name, number in sorted(effects.numbers.items()):
        click.echo(f"  {number:,} {name}")
    if not effects.whole:
        click.echo("  (of so many, only the first facts were looked at)")
