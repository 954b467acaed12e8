"""The settings of a shop: two who change different ones at a time do not undo each other."""

from __future__ import annotations

import threading

import msgspec

from rapport.kernel.clock import now_us
from rapport.kernel.ids import new_id
from rapport.storage.engine import Database
from rapport.storage.workspaces import WorkspaceSettings, change_settings, create_workspace, find_workspace


def test_changes_of_two_at_a_time_are_both_kept(db: Database) -> None:
    """The second wants to begin while the first has read the settings and not yet committed its change."""
    slug = new_id("shop").replace("_", "-")
    with db.write() as conn:
        shop = create_workspace(conn, slug=slug, name="Shop", now=now_us()).id
    begins = threading.Event()

    def dollars() -> None:
        begins.wait()
        with db.engine.begin() if db.dialect == "postgresql" else db.write() as other:
            change_settings(other, shop, lambda settings: msgspec.structs.replace(settings, currency="USD"))

    thread = threading.Thread(target=dollars)
    thread.start()

    def german(settings: WorkspaceSettings) -> WorkspaceSettings:
        begins.set()
        thread.join(timeout=0.5)  # it cannot end before this transaction does; without the lock it would
        return msgspec.structs.replace(settings, locale="de_DE")

    with db.engine.begin() if db.dialect == "postgresql" else db.write() as conn:
        change_settings(conn, shop, german)
    thread.join()
    with db.read() as conn:
        found = find_workspace(conn, slug).settings
    assert (found.currency, found.locale) == ("USD", "de_DE")
