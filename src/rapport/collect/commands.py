"""`rapport sources` and `rapport quarantine`: the same use cases as in console and API, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click
import msgspec

from rapport.collect import quarantine, sources
from rapport.collect.health import HealthCounts, health_of_sources
from rapport.collect.model import SOURCE_KINDS, Limits, Source, SourceKind
from rapport.kernel.clock import HOUR, now_us, to_iso
from rapport.kernel.errors import InvalidFact
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace, find_workspace

__all__ = ["OpenDatabase", "quarantine_commands", "source_commands"]

OpenDatabase = Callable[[Path | None], AbstractContextManager[Database]]
"""Opens the database of a data folder (None: the default one), its schema up to date and with a workspace in it."""


def source_commands(open_database: OpenDatabase) -> click.Group:
    """The group `sources`, joined to an installation."""

    @click.group("sources")
    def group() -> None:
        """Where facts come from: list, add, rotate write keys, switch on and off."""

    @group.command("list")
    @_common
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
    def list_command(data_dir: Path | None, workspace: str | None, *, as_json: bool) -> None:
        """Show all sources with their write keys and the last 24 hours."""
        with open_database(data_dir) as db, db.read() as conn:
            shop = _workspace(conn, workspace)
            health = health_of_sources(conn, shop, now=now_us())
            for source in sources.list_sources(conn, shop):
                _tell(source, health.get(source.id, HealthCounts()), as_json=as_json)

    @group.command("add")
    @_common
    @click.argument("name")
    @click.option("--kind", type=click.Choice(SOURCE_KINDS), default="web", show_default=True)
    @click.option("--facts-per-second", type=click.IntRange(min=0), default=0, help="Rate limit; 0 is none.")
    def add(data_dir: Path | None, workspace: str | None, name: str, kind: SourceKind, facts_per_second: int) -> None:
        """Add a source and print its write key."""
        with open_database(data_dir) as db, db.write() as conn:
            made = sources.create_source(
                conn, _workspace(conn, workspace), name=name, kind=kind, now=now_us(),
                limits=Limits(facts_per_second=facts_per_second),
            )  # fmt: skip
        click.echo(f"{made.id}  {made.write_key}")

    @group.command("rotate")
    @_common
    @click.argument("source_id")
    @click.option("--grace-hours", type=click.IntRange(0, 8784), default=sources.GRACE // HOUR, show_default=True,
                  help="How long the old key goes on working.")  # fmt: skip
    def rotate(data_dir: Path | None, workspace: str | None, source_id: str, grace_hours: int) -> None:
        """Give a source a new write key and print it."""
        with open_database(data_dir) as db, db.write() as conn:
            rotated = sources.rotate_key(
                conn, _workspace(conn, workspace), source_id, now=now_us(), grace=grace_hours * HOUR
            )
        click.echo(f"{rotated.id}  {rotated.write_key}")

    @group.command("disable")
    @_common
    @click.argument("source_id")
    def disable(data_dir: Path | None, workspace: str | None, source_id: str) -> None:
        """Close a source; what it sent is kept."""
        with open_database(data_dir) as db, db.write() as conn:
            sources.set_enabled(conn, _workspace(conn, workspace), source_id, enabled=False)

    @group.command("enable")
    @_common
    @click.argument("source_id")
    def enable(data_dir: Path | None, workspace: str | None, source_id: str) -> None:
        """Open a source again."""
        with open_database(data_dir) as db, db.write() as conn:
            sources.set_enabled(conn, _workspace(conn, workspace), source_id, enabled=True)

    return group


def quarantine_commands(open_database: OpenDatabase) -> click.Group:
    """The group `quarantine`, joined to an installation."""

    @click.group("quarantine")
    def group() -> None:
        """Messages that could not become facts: list, replay, discard."""

    @group.command("list")
    @_common
    @click.option("--source", default=None, help="Of this source only.")
    @click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the message.")
    def list_command(
        data_dir: Path | None, workspace: str | None, source: str | None, limit: int, *, as_json: bool
    ) -> None:
        """Show open messages, newest first, with reason and JSON path."""
        with open_database(data_dir) as db, db.read() as conn:
            found = quarantine.list_quarantined(conn, _workspace(conn, workspace), source=source, limit=limit)
        for row in found:
            _tell_quarantined(row, as_json=as_json)

    @group.command("replay")
    @_common
    @click.argument("row_ids", nargs=-1)
    @click.option("--all", "replay_all", is_flag=True, help="All open messages.")
    @click.option("--source", default=None, help="With --all: of this source only.")
    def replay(
        data_dir: Path | None, workspace: str | None, row_ids: tuple[str, ...], *, replay_all: bool, source: str | None
    ) -> None:
        """Make messages facts now that the reason is gone, as of when they came."""
        _check_choice(row_ids, everything=replay_all)
        with open_database(data_dir) as db:
            shop = _in_own_transaction(db, workspace)
            if replay_all:
                done = quarantine.replay_all(db, shop, source=source, now=now_us())
            else:
                done = _replay_each(db, shop, row_ids)
        click.echo(f"{done.accepted} replayed, {done.still_bad} still bad")

    @group.command("discard")
    @_common
    @click.argument("row_ids", nargs=-1)
    @click.option("--all", "discard_all", is_flag=True, help="All open messages.")
    @click.option("--source", default=None, help="With --all: of this source only.")
    def discard(
        data_dir: Path | None, workspace: str | None, row_ids: tuple[str, ...], *, discard_all: bool, source: str | None
    ) -> None:
        """Give messages up."""
        _check_choice(row_ids, everything=discard_all)
        with open_database(data_dir) as db, db.write() as conn:
            shop = _workspace(conn, workspace)
            number = len(row_ids)
            if discard_all:
                number = quarantine.discard_all(conn, shop, source=source, now=now_us())
            for row_id in row_ids:
                quarantine.discard(conn, shop, row_id, now=now_us())
        click.echo(f"{number} discarded")

    return group


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--workspace", default=None, metavar="SLUG", help="The shop [default: the first].")(command)
    return click.option(
        "--data", "data_dir", type=click.Path(path_type=Path), default=None, metavar="DIR",
        help="Data folder of the installation [default: ./data, or RAPPORT_DATA_DIR].",
    )(command)  # fmt: skip


def _workspace(conn: Any, slug: str | None) -> WorkspaceId:
    return (find_workspace(conn, slug) if slug else default_workspace(conn)).id


def _in_own_transaction(db: Database, slug: str | None) -> WorkspaceId:
    with db.read() as conn:
        return _workspace(conn, slug)


def _check_choice(row_ids: tuple[str, ...], *, everything: bool) -> None:
    if everything == bool(row_ids):
        raise click.UsageError("name messages, or give --all")


def _replay_each(db: Database, shop: WorkspaceId, row_ids: tuple[str, ...]) -> quarantine.Replayed:
    accepted = still_bad = 0
    for row_id in row_ids:
        with db.write() as conn:
            try:
                quarantine.replay(conn, shop, row_id, now=now_us())
                accepted += 1
            except InvalidFact as error:
                quarantine.note_still_bad(conn, shop, row_id, error)
                click.echo(f"{row_id}: {error.path}: {error.message}", err=True)
                still_bad += 1
    return quarantine.Replayed(accepted=accepted, still_bad=still_bad)


def _tell_quarantined(row: quarantine.Quarantined, *, as_json: bool) -> None:
    if not as_json:
        click.echo(f"{row.id}  {to_iso(row.received_at)}  {row.source}  {row.path}  {row.reason}")
        return
    told = {
        "id": row.id, "source": row.source, "received_at": to_iso(row.received_at), "reason": row.reason,
        "path": row.path, "body": row.text,
    }  # fmt: skip
    click.echo(msgspec.json.encode(told))


def _tell(source: Source, health: HealthCounts, *, as_json: bool) -> None:
    seen = None if source.last_seen_at is None else to_iso(source.last_seen_at)
    if as_json:
        told = {
            "id": source.id, "name": source.name, "kind": source.kind, "enabled": source.enabled,
            "write_key": source.write_key, "limits": source.limits, "last_seen_at": seen, "last_day": health,
        }  # fmt: skip
        click.echo(msgspec.json.encode(told))
        return
    state = "" if source.enabled else "  (off)"
    click.echo(f"{source.id}  {source.kind:<11}  {source.write_key}  {source.name}{state}")
    click.echo(
        f"    last seen {seen or 'never'}; last 24 hours: {health.accepted} accepted, {health.duplicates} duplicates,"
        f" {health.quarantined} in quarantine, {health.dropped} dropped, {health.refused} refused by a limit"
    )
