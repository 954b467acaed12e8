"""`rapport sources` and `rapport quarantine`: the same use cases as in console and API, from the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import click
import msgspec

from rapport.collect import quarantine, sources
from rapport.collect.admission import Admission
from rapport.collect.health import HealthCounts, health_of_sources
from rapport.collect.model import SOURCE_KINDS, Limits, Source, SourceKind, default_limits
from rapport.collect.names import Vocabulary
from rapport.kernel.clock import HOUR, now_us, to_iso
from rapport.kernel.errors import InvalidFact
from rapport.kernel.ids import WorkspaceId
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)
from rapport.storage.engine import Database

__all__ = ["Collecting", "quarantine_group", "sources_group"]


class Collecting(Installation, Protocol):
    """What these commands need of the installation."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The events that its slices understand."""

    def admission(self, db: Database) -> Admission:
        """What is kept of what its shops are sent."""


def _limit_options(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--facts-per-second", type=click.IntRange(min=0), help="0 is no limit."),
        click.option("--burst-facts", type=click.IntRange(min=0), help="At once; 0 is five seconds' worth."),
        click.option("--megabytes-per-day", type=click.IntRange(min=0), help="In 24 hours; 0 is no limit."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _changed(limits: Limits, given: Mapping[str, int | None]) -> Limits:
    return msgspec.structs.replace(limits, **{name: value for name, value in given.items() if value is not None})


@click.group("sources")
def sources_group() -> None:
    """Where facts come from: list, add, rotate write keys, switch on and off."""


@sources_group.command("list")
@data_option
@workspace_option
@json_option("One JSON object a line.")
@click.pass_obj
def list_sources(installation: Installation, data_dir: Path | None, workspace: str | None, *, as_json: bool) -> None:
    """Show all sources with their write keys and the last 24 hours."""
    with installation.open(data_dir) as db, db.read() as conn:
        shop = workspace_named(conn, workspace).id
        health = health_of_sources(conn, shop, now=now_us())
        for source in sources.list_sources(conn, shop):
            _tell(source, health.get(source.id, HealthCounts()), as_json=as_json)


@sources_group.command("add")
@data_option
@workspace_option
@click.argument("name")
@click.option("--kind", type=click.Choice(SOURCE_KINDS), default="web", show_default=True)
@_limit_options
@click.pass_obj
def add(
    installation: Installation, /, data_dir: Path | None, workspace: str | None, name: str, kind: SourceKind,
    **given: int | None,
) -> None:  # fmt: skip
    """Add a source and print its write key."""
    limits = _changed(default_limits(kind), given)
    with installation.open(data_dir) as db, db.write() as conn:
        made = sources.create_source(
            conn, workspace_named(conn, workspace).id, name=name, kind=kind, now=now_us(), limits=limits,
        )  # fmt: skip
    click.echo(f"{made.id}  {made.write_key}")


@sources_group.command("limit")
@data_option
@workspace_option
@click.argument("source_id")
@_limit_options
@click.pass_obj
def limit(
    installation: Installation, /, data_dir: Path | None, workspace: str | None, source_id: str, **given: int | None
) -> None:
    """Say how much a source may send; what is not given stays."""
    with installation.open(data_dir) as db, db.write() as conn:
        shop = workspace_named(conn, workspace).id
        before = sources.find_source(conn, shop, source_id).limits
        sources.change_source(conn, shop, source_id, limits=_changed(before, given))


@sources_group.command("rotate")
@data_option
@workspace_option
@click.argument("source_id")
@click.option("--grace-hours", type=click.IntRange(0, 8784), default=sources.GRACE // HOUR, show_default=True,
              help="How long the old key goes on working.")  # fmt: skip
@click.pass_obj
def rotate(
    installation: Installation, data_dir: Path | None, workspace: str | None, source_id: str, grace_hours: int
) -> None:
    """Give a source a new write key and print it."""
    with installation.open(data_dir) as db, db.write() as conn:
        rotated = sources.rotate_key(
            conn, workspace_named(conn, workspace).id, source_id, now=now_us(), grace=grace_hours * HOUR
        )
    click.echo(f"{rotated.id}  {rotated.write_key}")


@sources_group.command("end-old-key")
@data_option
@workspace_option
@click.argument("source_id")
@click.pass_obj
def end_old_key(installation: Installation, data_dir: Path | None, workspace: str | None, source_id: str) -> None:
    """End the write key before the last rotation now."""
    with installation.open(data_dir) as db, db.write() as conn:
        sources.end_previous_key(conn, workspace_named(conn, workspace).id, source_id, now=now_us())


@sources_group.command("disable")
@data_option
@workspace_option
@click.argument("source_id")
@click.pass_obj
def disable(installation: Installation, data_dir: Path | None, workspace: str | None, source_id: str) -> None:
    """Close a source; what it sent is kept."""
    with installation.open(data_dir) as db, db.write() as conn:
        sources.set_enabled(conn, workspace_named(conn, workspace).id, source_id, enabled=False)


@sources_group.command("enable")
@data_option
@workspace_option
@click.argument("source_id")
@click.pass_obj
def enable(installation: Installation, data_dir: Path | None, workspace: str | None, source_id: str) -> None:
    """Open a source again."""
    with installation.open(data_dir) as db, db.write() as conn:
        sources.set_enabled(conn, workspace_named(conn, workspace).id, source_id, enabled=True)


@click.group("quarantine")
def quarantine_group() -> None:
    """Messages that could not become facts: list, replay, discard."""


@quarantine_group.command("list")
@data_option
@workspace_option
@click.option("--source", default=None, help="Of this source only.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option("One JSON object a line, with the message.")
@click.pass_obj
def list_quarantined(
    installation: Installation,
    data_dir: Path | None,
    workspace: str | None,
    source: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Show open messages, newest first, with reason and JSON path."""
    with installation.open(data_dir) as db, db.read() as conn:
        found = quarantine.list_quarantined(conn, workspace_named(conn, workspace).id, source=source, limit=limit)
    for row in found:
        _tell_quarantined(row, as_json=as_json)


@quarantine_group.command("replay")
@data_option
@workspace_option
@click.argument("row_ids", nargs=-1)
@click.option("--all", "replay_all", is_flag=True, help="All open messages.")
@click.option("--source", default=None, help="With --all: of this source only.")
@click.pass_obj
def replay(
    installation: Collecting,
    data_dir: Path | None,
    workspace: str | None,
    row_ids: tuple[str, ...],
    *,
    replay_all: bool,
    source: str | None,
) -> None:
    """Make messages facts now that the reason is gone, as of when they came."""
    _check_choice(row_ids, everything=replay_all)
    with installation.open(data_dir) as db:
        shop = _in_own_transaction(db, workspace)
        if replay_all:
            done = quarantine.replay_all(
                db, shop, source=source, now=now_us(), admission=installation.admission(db),
                vocabulary=installation.vocabulary,
            )  # fmt: skip
        else:
            done = _replay_each(db, shop, row_ids, installation)
    click.echo(f"{done.accepted} replayed, {done.still_bad} still bad")


@quarantine_group.command("discard")
@data_option
@workspace_option
@click.argument("row_ids", nargs=-1)
@click.option("--all", "discard_all", is_flag=True, help="All open messages.")
@click.option("--source", default=None, help="With --all: of this source only.")
@click.pass_obj
def discard(
    installation: Installation,
    data_dir: Path | None,
    workspace: str | None,
    row_ids: tuple[str, ...],
    *,
    discard_all: bool,
    source: str | None,
) -> None:
    """Give messages up."""
    _check_choice(row_ids, everything=discard_all)
    with installation.open(data_dir) as db, db.write() as conn:
        shop = workspace_named(conn, workspace).id
        number = len(row_ids)
        if discard_all:
            number = quarantine.discard_all(conn, shop, source=source, now=now_us())
        for row_id in row_ids:
            quarantine.discard(conn, shop, row_id, now=now_us())
    click.echo(f"{number} discarded")


def _in_own_transaction(db: Database, slug: str | None) -> WorkspaceId:
    with db.read() as conn:
        return workspace_named(conn, slug).id


def _check_choice(row_ids: tuple[str, ...], *, everything: bool) -> None:
    if everything == bool(row_ids):
        raise click.UsageError("name messages, or give --all")


def _replay_each(
    db: Database, shop: WorkspaceId, row_ids: tuple[str, ...], installation: Collecting
) -> quarantine.Replayed:
    accepted = still_bad = 0
    admission, vocabulary = installation.admission(db), installation.vocabulary
    for row_id in row_ids:
        with db.write() as conn:
            try:
                quarantine.replay(conn, shop, row_id, now=now_us(), admission=admission, vocabulary=vocabulary)
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
    tell_json(told)


def _tell(source: Source, health: HealthCounts, *, as_json: bool) -> None:
    seen = None if source.last_seen_at is None else to_iso(source.last_seen_at)
    if as_json:
        told = {
            "id": source.id, "name": source.name, "kind": source.kind, "enabled": source.enabled,
            "write_key": source.write_key, "limits": source.limits, "last_seen_at": seen, "last_day": health,
        }  # fmt: skip
        tell_json(told)
        return
    state = "" if source.enabled else "  (off)"
    click.echo(f"{source.id}  {source.kind:<11}  {source.write_key}  {source.name}{state}")
    click.echo(
        f"    last seen {seen or 'never'}; last 24 hours: {health.accepted} accepted, {health.duplicates} duplicates,"
        f" {health.quarantined} in quarantine, {health.dropped} dropped, {health.refused} refused by a limit"
    )
