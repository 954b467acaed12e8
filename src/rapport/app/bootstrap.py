"""The first start: a schema, a shop, a source with its write key and the operator's API key."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.exc import OperationalError, ProgrammingError

from rapport.app.keeping_out import keep_out
from rapport.app.secretsfile import Secrets, alone_in, read_secrets, write_secrets
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.collect.sources import ensure_source
from rapport.compose.installed import Installed
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Misconfigured
from rapport.storage.engine import Database
from rapport.storage.locks import Lock, lock_alone
from rapport.storage.migrate import migrate
from rapport.storage.refusals import explained
from rapport.storage.workspaces import Workspace, all_workspaces, create_workspace
from rapport.web import accounts, api_keys, store
from rapport.web.permissions import Permissions

__all__ = ["Keys", "bootstrap", "open_database"]


class Keys(NamedTuple):
    """What a client needs to begin."""

    workspace: str
    write_key: str
    api_key: str


def open_database(settings: Settings, *, slices: Installed | None = None, ping: bool = True) -> Database:
    """The installation's database with its schema up to date; makes the data folder where it is missing.

    `ping` is `Database.open`'s. Raises Misconfigured and Unavailable where folder or database cannot be used.
    """
    slices = installed() if slices is None else slices
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(
            f"the data folder {settings.data_dir} cannot be made: {error.strerror}", hint="--data names another"
        ) from error
    db = Database.open(settings.url, ping=ping)
    db.folder = settings.data_dir.absolute()
    try:
        migrate(db, slices.branches)
    except (OperationalError, ProgrammingError) as error:
        db.close()
        raise explained(error, settings.url) from error
    try:
        keep_out(db, slices)
    except BaseException:
        db.close()
        raise
    return db


def bootstrap(db: Database, settings: Settings, *, slices: Installed | None = None) -> Keys:
    """Make what a new installation lacks; find it where it is there. Safe to call at every start."""
    permissions = (installed() if slices is None else slices).permissions
    now = now_us()
    with db.write() as conn:
        lock_alone(conn, Lock.BEGINNING)
        known = all_workspaces(conn)
        workspace = known[0] if known else create_workspace(conn, slug="shop", name="My shop", now=now)
        source = ensure_source(conn, workspace.id, name="Website", kind="web", now=now)
    with alone_in(settings.data_dir):
        return Keys(workspace.slug, source.write_key, _api_key(db, settings, permissions, workspace, now))


def _api_key(db: Database, settings: Settings, permissions: Permissions, workspace: Workspace, now: int) -> str:
    kept = read_secrets(settings.data_dir).api_key
    if kept:
        with db.read() as conn:
            found = api_keys.by_token(conn, store.digest_of(kept), now=now)
        known = None if found is None else found[0]
        if known is not None and not known.is_over(now):
            if not set(permissions.for_keys) <= set(known.scopes):  # a slice was installed since
                with db.write() as conn:
                    api_keys.set_scopes(conn, known.id, permissions.for_keys)
            return kept
    _, secret = accounts.create_api_key(
        db, permissions, workspace=workspace.id, name="operator", scopes=permissions.for_keys,
        created_by="rapport keys", now=now,
    )  # fmt: skip
    write_secrets(settings.data_dir, Secrets(api_key=secret))
    return secret
