"""A shop's settings: typed, with defaults, every version kept, and nobody overwrites what they have not seen."""

from __future__ import annotations

import threading
from typing import Annotated, Literal

import msgspec
import pytest
from alembic import command
from msgspec import Meta

from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.settings import Section
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.storage.migrate import CORE, _config, migrate
from rapport.storage.workspaces import workspaces

SHOP = WorkspaceId(1)


class CardSettings(msgspec.Struct, frozen=True, kw_only=True):
    days: Annotated[int, Meta(ge=1, le=1000, title="Valid for days", description="From the day it is sold.")] = 365
    tone: Literal["warm", "plain"] = "plain"
    told: bool = True


CARDS = Section(name="cards", title="Gift cards", kind=CardSettings)


def save(db: Database, days: int, *, version: int, by: str = "Ada") -> int:
    with db.write() as conn:
        return settings.save(conn, SHOP, CARDS, CardSettings(days=days), version=version, by=by, now=7)


def test_the_defaults_hold_until_somebody_changes_them_and_every_version_is_kept(db: Database) -> None:
    with db.read() as conn:
        assert settings.load(conn, SHOP, CARDS) == (CardSettings(), 0)
    assert save(db, 30, version=0) == 1
    assert save(db, 60, version=1, by="Bo") == 2
    with db.read() as conn:
        assert settings.load(conn, SHOP, CARDS) == (CardSettings(days=60), 2)
        assert settings.load(conn, WorkspaceId(2), CARDS).version == 0
        assert [(one.changed_by, one.values["days"]) for one in settings.history(conn, SHOP, "cards")] == [
            ("Bo", 60), ("Ada", 30),
        ]  # fmt: skip


def test_whoever_has_not_seen_the_latest_version_is_told_who_changed_it(db: Database) -> None:
    save(db, 30, version=0)
    with pytest.raises(Conflict, match="Ada has changed the settings 'Gift cards' since you looked"):
        save(db, 90, version=0, by="Bo")
    with pytest.raises(Conflict):
        save(db, 90, version=5, by="Bo")
    with db.read() as conn:
        assert settings.load(conn, SHOP, CARDS) == (CardSettings(days=30), 1)


def test_of_two_who_save_at_the_same_moment_one_is_told(db: Database) -> None:
    """Both have read before either wrote; on SQLite they take turns, on PostgreSQL the key decides."""
    looked, outcome = threading.Barrier(2), list[str]()

    def change(by: str) -> None:
        looked.wait(10)
        try:
            save(db, 30, version=0, by=by)
            outcome.append("saved")
        except Conflict:
            outcome.append("told")

    threads = [threading.Thread(target=change, args=(by,)) for by in ("Ada", "Bo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcome) == ["saved", "told"]


def test_a_worker_knows_a_setting_until_it_looks_and_then_the_new_one(db: Database) -> None:
    cache = settings.Cache()
    with db.read() as conn:
        assert not cache.changed(conn)
        assert cache.of(conn, SHOP, CARDS).days == 365
    save(db, 30, version=0)
    with db.read() as conn:
        assert cache.of(conn, SHOP, CARDS).days == 365
        assert cache.changed(conn)
        assert not cache.changed(conn)
        cache.forget()
        assert cache.of(conn, SHOP, CARDS).days == 30


def test_what_a_version_does_not_know_or_cannot_read_does_not_stop_a_shop() -> None:
    kept = CARDS.read(b'{"days": 30, "tone": "shrill", "of_a_newer_version": [1]}')
    assert kept == CardSettings(days=30)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"days": "0"}, "Valid for days: at least 1"),
        ({"days": "many"}, "Valid for days: this is no whole number"),
        ({"tone": "shrill"}, "Tone: 'shrill' is no choice"),
        ({"colour": "red"}, "no 'colour'"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_field(values: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        CARDS.convert(values)


def test_a_form_knows_each_field_by_title_bounds_and_choices() -> None:
    days, tone, told = CARDS.fields
    assert (days.title, days.about) == ("Valid for days", "From the day it is sold.")
    assert (days.kind, days.default) == ("number", 365)
    assert (tone.kind, tone.choices) == ("choice", ("warm", "plain"))
    assert (told.kind, told.title) == ("switch", "Told")


def test_a_setting_without_a_default_or_of_no_form_is_refused() -> None:
    class Nameless(msgspec.Struct, frozen=True):
        days: int

    class Odd(msgspec.Struct, frozen=True):
        days: list[int] = []

    class Changed(msgspec.Struct):
        days: int = 3

    for kind, why in ((Nameless, "needs a default"), (Odd, "no form can show"), (Changed, "make Changed frozen")):
        with pytest.raises(TypeError, match=why):
            Section(name="odd", title="Odd", kind=kind)


def test_what_a_shop_had_set_of_its_carts_is_kept_when_the_setting_becomes_the_orders_own(
    empty_database_url: str,
) -> None:
    db = Database.open(empty_database_url)
    with db.write() as conn:
        command.upgrade(_config(conn, CORE), "0007")
        body = b'{"currency":"EUR","cart_abandoned_after_seconds":60}'
        shop = {"slug": "shop", "name": "Shop", "settings": body, "created_at": 7}
        conn.execute(workspaces.insert().values(shop))
    migrate(db)
    with db.read() as conn:
        (change,) = settings.history(conn, WorkspaceId(1), "orders")
    assert change.values == {"cart_abandoned_after_seconds": 60}
    db.close()
