"""The settings of a shop: two who change different ones at a time do not undo each other."""

from __future__ import annotations

import msgspec

from rapport.kernel.clock import now_us
from rapport.kernel.ids import new_id
from rapport.storage.engine import Database
from rapport.storage.workspaces import change_settings, create_workspace, find_workspace
from tests.beside import change_beside


def test_changes_of_two_at_a_time_are_both_kept(db: Database) -> None:
    """The second begins when the first has changed the settings and not yet committed."""
    slug = new_id("shop").replace("_", "-")
    with db.write() as conn:
        shop = create_workspace(conn, slug=slug, name="Shop", now=now_us()).id
    change_beside(
        db,
        lambda conn: change_settings(conn, shop, lambda now: msgspec.structs.replace(now, locale="de_DE")),
        lambda conn: change_settings(conn, shop, lambda now: msgspec.structs.replace(now, currency="USD")),
    )
    with db.read() as conn:
        found = find_workspace(conn, slug).settings
    assert (found.currency, found.locale) == ("USD", "de_DE")
