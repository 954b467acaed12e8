"""A backup put back: checked first, brought up to date, the erased erased again, and sending nothing until allowed.

SQLite: all of it happens in a file of its own, which takes the place of the old one at the end; the old one is kept.
PostgreSQL: all of it is one transaction. Killed at any moment, what was there before is there still.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.store import outbox
from rapport.app.access_carried import Access, access_in, carry_access
from rapport.app.keeping_out import erase_again
from rapport.app.redactions_carried import Standing, carry_redactions, redactions_in
from rapport.app.settings import Settings
from rapport.capabilities.lake.service import begin, forget_in_asides
from rapport.capabilities.lake.store import lake_home
from rapport.capabilities.messages.service.places import allow_nowhere
from rapport.capabilities.messages.store import HELD, QUEUED, messages
from rapport.compose.installed import Installed
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.storage import leases, suppression
from rapport.storage.audit.entries import append as tell
from rapport.storage.backup.archive import BackupFile, opened
from rapport.storage.backup.loading import (
    clear_schema,
    fill_tables,
    is_used,
    refuse_while_open,
    refuse_while_used,
    unpack,
)
from rapport.storage.engine import Database
from rapport.storage.migrate import migrate, upgrade
from rapport.storage.suppression import Listed
from rapport.storage.tidying import tidy
from rapport.storage.turn import LOCK_FILES, WriterTurn
from rapport.storage.workspaces import all_workspaces

__all__ = ["Restored", "restore"]


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was put back."""

    taken_at: str
    log_seq: int
    shops: list[str]
    erased_again: int
    """People who were erased after the backup was taken, and have been erased from it."""
    given_up: int
    """Messages that waited in the backup and will not be sent: they may have gone out since."""
    access_changed: int
    """Keys, sources and members that are as they were before the backup was put back, not as it holds them."""
    access_is_old: bool
    """Nothing was there that knows what was revoked since: who had access when the backup was taken has it again."""
    kept: list[str]
    """Files and folders that were there before, under their new names."""


class _Settled(msgspec.Struct):
    """What was done to the data before anybody may use it."""

    erased: int = 0
    given_up: int = 0
    closed: int = 0
    knew: bool = False


class _Before(NamedTuple):
    """What the data that is replaced knows, and the backup does not."""

    erased: Listed | None
    access: Access | None
    redactions: Standing


_NOTHING = _Before(None, None, {})


def restore(
    settings: Settings, slices: Installed, path: Path, *, replace: bool, keep_waiting: bool, now: int | None = None
) -> Restored:
    """Put a backup into the installation of these settings.

    With `replace` what is there goes out of the way; whom it has erased is erased from the backup, too. With
    `keep_waiting` messages that waited wait on. Raises InvalidInput (no backup, damaged, of another engine),
    Conflict (something is there already, or runs), Misconfigured (newer than this program).
    """
    now = now_us() if now is None else now
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with opened(path) as backup:
        engine = "sqlite" if settings.url.startswith("sqlite") else "postgresql"
        if backup.manifest.engine != engine:
            raise InvalidInput(
                f"{path} is of {backup.manifest.engine}, this installation of {engine}",
                hint="RAPPORT_DATABASE_URL says which database is meant",
            )
        backup.check()
        put_in = _into_sqlite if engine == "sqlite" else _into_postgresql
        done, kept = put_in(settings, slices, backup, replace=replace, keep_waiting=keep_waiting, now=now)
    if aside := _lake_aside(settings.data_dir, now):
        kept += aside
        _forget_aside(settings)
    found = backup.manifest
    return Restored(
        taken_at=found.taken_at, log_seq=found.log_seq, shops=found.shops, erased_again=done.erased,
        given_up=done.given_up, access_changed=done.closed, access_is_old=not done.knew, kept=kept,
    )  # fmt: skip


def _into_sqlite(
    settings: Settings, slices: Installed, backup: BackupFile, *, replace: bool, keep_waiting: bool, now: int
) -> tuple[_Settled, list[str]]:
    there = Path(sa.make_url(settings.url).database or "").absolute()
    if there.exists():
        _refuse_unless(replace, f"there is a database already: {there}")
        refuse_while_open(there)
    # Whatever is started meanwhile waits before it writes, and is found out before the file is changed.
    with WriterTurn(there).taken():
        before = _known_in(there) if there.exists() else _NOTHING
        draft, done = _made_ready(there, slices, backup, before, keep_waiting=keep_waiting, now=now)
        return done, _swapped(there, draft, now)


def _made_ready(
    there: Path, slices: Installed, backup: BackupFile, before: _Before, *, keep_waiting: bool, now: int
) -> tuple[Path, _Settled]:
    """The backup as a file beside the one that is there, in which nobody erased stands."""
    draft = there.with_name(f".{there.name}.restoring")
    for name in (draft.name, *(f"{draft.name}{end}" for end in ("-wal", "-shm", *LOCK_FILES))):
        draft.with_name(name).unlink(missing_ok=True)
    unpack(backup, draft)
    db = Database.open(f"sqlite:///{draft}")
    try:
        migrate(db, slices.branches)
        with db.write() as conn:
            done = _settle(conn, slices, backup, before, keep_waiting=keep_waiting, now=now)
        if done.erased:
            tidy(db, [], None)
    finally:
        db.close()
    refuse_while_open(draft)
    for end in LOCK_FILES:
        draft.with_name(f"{draft.name}{end}").unlink(missing_ok=True)
    return draft, done


def _swapped(there: Path, draft: Path, now: int) -> list[str]:
    """Put the new file in the place of the old, at once: at no moment is there none. Where the old one is kept.

    Raises Conflict where somebody has opened the old one since; nothing has changed then.
    """
    kept = []
    if there.exists():
        refuse_while_open(there)
        aside = there.with_name(f"{there.name}.before-{_stamp(now)}")
        try:
            os.link(there, aside)
        except OSError:  # a file system without a second name for a file; for a moment there is none then
            there.rename(aside)
        kept.append(str(aside))
    for end in ("-wal", "-shm"):  # of the old one: SQLite would play it into the new
        there.with_name(f"{there.name}{end}").unlink(missing_ok=True)
    draft.replace(there)
    _sync(there.parent)
    return kept


def _into_postgresql(
    settings: Settings, slices: Installed, backup: BackupFile, *, replace: bool, keep_waiting: bool, now: int
) -> tuple[_Settled, list[str]]:
    db = Database.open(settings.url)
    try:
        with db.write() as conn:
            before = _NOTHING
            if is_used(conn):
                _refuse_unless(replace, "there is an installation in this database already")
                refuse_while_used(conn)
                before = _Before(suppression.listed(conn), access_in(conn), redactions_in(conn))
                clear_schema(conn, {*slices.tables, *(part.table for part in backup.manifest.parts)})
            fill_tables(conn, backup, slices.branches)
            upgrade(conn, slices.branches)
            done = _settle(conn, slices, backup, before, keep_waiting=keep_waiting, now=now)
        if done.erased:
            tidy(db, list(slices.tables), None)
    finally:
        db.close()
    return done, []


def _refuse_unless(replace: bool, what: str) -> None:  # noqa: FBT001 - it reads as a sentence
    if not replace:
        raise Conflict(what, hint="--replace puts the backup in its place; whom it has erased stays erased")


def _known_in(path: Path) -> _Before:
    """What the database that is there knows better than the backup."""
    db = Database.open(f"sqlite:///{path}")
    try:
        with db.read() as conn:
            return _Before(suppression.listed(conn), access_in(conn), redactions_in(conn))
    finally:
        db.close()


def _settle(
    conn: Connection, slices: Installed, backup: BackupFile, before: _Before, *, keep_waiting: bool, now: int
) -> _Settled:
    """Make of a backup what may be started: nobody erased comes back, what was closed since stays closed, nothing is
    sent, nobody holds a lease.
    """
    erased = erase_again(conn, slices, before.erased, now=now)
    redacted = carry_redactions(conn, before.redactions)
    closed = carry_access(conn, before.access)
    allow_nowhere(conn, why=f"restored from a backup of {backup.manifest.taken_at}", now=now)
    conn.execute(lake_home.delete())
    conn.execute(leases.workers.delete())
    conn.execute(leases.buckets.update().values(owner="", lease_until=0))
    given_up = 0 if keep_waiting else _give_up(conn, backup, now)
    for shop in all_workspaces(conn):
        details = {"taken_at": backup.manifest.taken_at, "erased_again": erased, "given_up": given_up,
                   "access": closed, "redacted_again": redacted}  # fmt: skip
        tell(conn, shop.id, "backup.restored", about=backup.path.name[:200], details=details, who="cli", now=now)
    return _Settled(erased=erased, given_up=given_up, closed=closed, knew=before.access is not None)


def _give_up(conn: Connection, backup: BackupFile, now: int) -> int:
    o = outbox.c
    reason = f"restored from a backup of {backup.manifest.taken_at}: it may have gone out since"
    waiting = messages.c.status == QUEUED
    conn.execute(messages.update().where(waiting).values(status=HELD, reason=reason, finished_at=now))
    given_up = outbox.update().where(o.status == "pending")
    return conn.execute(given_up.values(status="dead", leased_until=0, finished_at=now, last_error=reason)).rowcount


def _lake_aside(folder: Path, now: int) -> list[str]:
    """The lake holds facts that the backup does not know: it begins anew from the log."""
    lake = folder / "lake"
    if not lake.exists():
        return []
    aside = folder / f"lake.before-{_stamp(now)}"
    lake.rename(aside)
    return [str(aside)]


def _forget_aside(settings: Settings) -> None:
    """Whoever was erased and not yet forgotten in the lake is so now: the note of it was in the database replaced.

    Killed before, whoever is erased next has it done.
    """
    db = Database.open(settings.url)
    db.folder = settings.data_dir.absolute()
    try:
        begin(db)  # from here on those put aside hear of every erasure
        forget_in_asides(db)
    finally:
        db.close()


def _stamp(now: int) -> str:
    return to_iso(now)[:19].replace("-", "").replace(":", "")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
