"""`rapport privacy redact`: take a field out of what came in a span of time, after a look at how much that is."""

from __future__ import annotations

import getpass
import time
from pathlib import Path

import click
import msgspec

from rapport.compose import redactions
from rapport.compose.holds import Held
from rapport.compose.redaction_routes import RedactedShown, RedactionShown, shown
from rapport.compose.redactions import REDACTING, WORKING, Redaction, RedactionWanted
from rapport.compose.request_commands import Installation
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, Unavailable
from rapport.kernel.ids import WorkspaceId
from rapport.storage.command_line import data_option, json_option, tell_json, workspace_named, workspace_option
from rapport.storage.engine import Database

__all__ = ["redact"]

_PATIENCE = 600.0


@click.command()
@data_option
@workspace_option
@click.argument("field")
@click.option("--since", required=True, metavar="MOMENT", help="When the span begins: 2026-11-27T10:00:00Z.")
@click.option("--until", default=None, metavar="MOMENT", help="When it ends, the end not included [default: now].")
@click.option("--customer", default="", metavar="REFERENCE", help="Of one customer: cus_… or namespace:value.")
@click.option("--source", default="", metavar="SOURCE", help="Of what this source sent.")
@click.option("--event", default="", metavar="NAME", help="Of facts of this name: `Order Completed`.")
@click.option("--reason", default="", help="Why; stands in the audit trail. Nothing of a person.")
@click.option("--yes", "confirmed", is_flag=True, help="Do it, for good. Without this, only what it would be is told.")
@json_option("The redaction with its numbers and its proof, as the API answers it.")
@click.pass_obj
def redact(
    installation: Installation, data_dir: Path | None, workspace: str | None, field: str, since: str,
    until: str | None, customer: str, source: str, event: str, reason: str, *, confirmed: bool, as_json: bool,
) -> None:  # fmt: skip
    """Take FIELD (properties.note, traits.phone, context.ip …) out of all that is kept of a span of time, for ever."""
    try:
        wanted = msgspec.convert(
            {"field": field, "since": since, "until": until, "customer": customer, "source": source, "event": event,
             "reason": reason}, RedactionWanted,
        )  # fmt: skip
    except msgspec.ValidationError as error:
        raise InvalidInput(f"this cannot be asked: {error}") from error
    by = f"{getpass.getuser()} (command line)"
    with installation.open(data_dir) as db:
        with db.write() as conn:
            shop = workspace_named(conn, workspace).id
            found = redactions.ask(conn, shop, wanted, by=by, now=now_us())
        found = _carried_out(installation, db, shop, found)
        if confirmed:
            with db.write() as conn:
                found = redactions.confirm(conn, shop, found.id, by=by, now=now_us())
            found = _carried_out(installation, db, shop, found)
    if as_json:
        tell_json(shown(found))
    else:
        _tell(shown(found))


def _carried_out(installation: Installation, db: Database, shop: WorkspaceId, found: Redaction) -> Redaction:
    """Have workers do it, this process among them, and wait."""
    deadline = time.monotonic() + _PATIENCE
    while found.state in WORKING:
        with db.read() as conn:
            held = redactions.waits_for(conn, found, now=now_us())
        if found.state == "wanted" and held:
            raise Held(held, hint=f"redaction {found.id} goes on by itself once the hold has ended")
        if time.monotonic() > deadline:
            raise Unavailable(f"redaction {found.id} is not over yet", hint="a worker goes on with it")
        done = installation.run_job(db, REDACTING)
        if done.failures:
            raise click.ClickException(f"it failed with {done.last_error}; the log says where")
        with db.read() as conn:
            found = redactions.find(conn, shop, found.id)
    return found


def _tell(found: RedactionShown) -> None:
    numbers: RedactedShown | None = found.proof or found.would
    click.echo(f"{found.id}  {found.field}  {found.since} – {found.until}  {found.state}")
    if numbers is None:
        return
    click.echo(f"  {numbers.facts:,} facts of {numbers.customers:,} customers, {numbers.withdrawn:,} taken back before")
    click.echo(f"  {numbers.quarantined:,} messages nobody could read")
    click.echo(f"  {numbers.nobodys:,} facts name nobody else and go whole")
    for kind, number in sorted(numbers.kinds.items()):
        click.echo(f"  {number:>8,}  {kind}")
    for table, rows in sorted(numbers.stores.items()):
        click.echo(f"  {rows:>8,}  copies in {table}")
    if found.proof is None:
        click.echo("  nothing is changed yet; --yes takes it out, for good")
        return
    click.echo(f"  files: {numbers.files}")
    for words in numbers.left:
        click.echo(f"  left: {words}")
