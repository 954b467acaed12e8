"""Sources: made, changed, rotated; counted; on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from rapport.collect import sources as sources_module
from rapport.collect.health import Health, health_of_sources
from rapport.collect.model import PUBLIC_LIMITS, SOURCE_KINDS, Limits, Source
from rapport.collect.sources import (
    Sources,
    change_source,
    create_source,
    end_previous_key,
    ensure_source,
    find_source,
    identifier_policy,
    list_sources,
    rotate_key,
    set_enabled,
    source_version,
)
from rapport.kernel.clock import DAY, HOUR, now_us
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.storage.engine import Database
from rapport.storage.workspaces import WorkspaceSettings, change_settings, create_workspace
from tests.beside import change_beside
from tests.rooms.collect.conftest import Shop

NOW = now_us()


@pytest.fixture
def shop(db: Database) -> Shop:
    """On a database of this test alone."""
    return Shop(db)


def test_a_source_comes_back_as_it_was_made(shop: Shop) -> None:
    limits = Limits(max_event_bytes=64_000, facts_per_second=100)
    with shop.db.write() as conn:
        made = create_source(conn, shop.workspace, name="  Till   3 ", kind="store", now=now_us(), limits=limits)
    with shop.db.read() as conn:
        assert find_source(conn, shop.workspace, made.id) == made
        assert [source.name for source in list_sources(conn, shop.workspace)] == ["Site", "Till 3"]
    assert made.write_key.startswith("wk_")


def test_what_anybody_can_send_is_bounded_unless_somebody_says_otherwise(shop: Shop) -> None:
    with shop.db.write() as conn:
        made = {
            kind: create_source(conn, shop.workspace, name=kind, kind=kind, now=NOW).limits
            for kind in SOURCE_KINDS
        }  # fmt: skip
        unbounded = create_source(conn, shop.workspace, name="x", kind="web", now=NOW, limits=Limits()).limits
    assert {kind for kind, limits in made.items() if limits == PUBLIC_LIMITS} == {"web", "app"}
    assert {limits for kind, limits in made.items() if kind not in {"web", "app"}} == {Limits()}
    assert unbounded == Limits()


def test_the_key_of_before_is_ended_at_once(shop: Shop) -> None:
    with shop.db.write() as conn:
        rotate_key(conn, shop.workspace, shop.source.id, now=NOW)
    registry = Sources(shop.db)
    registry.refresh_now()
    assert registry.find(shop.source.write_key, now=NOW) is not None
    with shop.db.write() as conn:
        end_previous_key(conn, shop.workspace, shop.source.id, now=NOW)
    registry.refresh_now()
    assert registry.find(shop.source.write_key, now=NOW) is None


def test_a_misused_key_ends_with_its_rotation(shop: Shop) -> None:
    with shop.db.write() as conn:
        rotate_key(conn, shop.workspace, shop.source.id, now=NOW, grace=0)
    registry = Sources(shop.db)
    registry.refresh_now()
    assert registry.find(shop.source.write_key, now=NOW) is None


def test_a_shop_has_a_first_source_once(shop: Shop) -> None:
    with shop.db.write() as conn:
        other = create_workspace(conn, slug=new_id("other").replace("_", "-"), name="Other", now=NOW).id
        first = ensure_source(conn, other, name="Site", kind="web", now=NOW)
        assert ensure_source(conn, other, name="Site", kind="web", now=NOW) == first


def test_what_does_not_fit_is_refused(shop: Shop) -> None:
    with shop.db.write() as conn:
        for name in ("", " ", "x" * 101):
            with pytest.raises(InvalidInput):
                create_source(conn, shop.workspace, name=name, kind="web", now=NOW)
        with pytest.raises(InvalidInput):
            create_source(conn, shop.workspace, name="x", kind="fax", now=NOW)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput):
            change_source(conn, shop.workspace, shop.source.id, limits=Limits(max_batch_facts=0))
        with pytest.raises(Conflict):
            create_source(conn, shop.workspace, name="x", kind="web", now=NOW, write_key=shop.source.write_key)
        with pytest.raises(NotFound):
            rotate_key(conn, WorkspaceId(99), shop.source.id, now=NOW)


def test_a_source_is_changed_without_losing_the_rest(shop: Shop) -> None:
    with shop.db.write() as conn:
        change_source(conn, shop.workspace, shop.source.id, name="App", kind="server")
        changed = set_enabled(conn, shop.workspace, shop.source.id, enabled=False)
    assert (changed.name, changed.kind, changed.client_side, changed.enabled) == ("App", "server", False, False)
    assert changed.write_key == shop.source.write_key


def test_the_registry_knows_keys_and_settings_of_the_shop(shop: Shop) -> None:
    settings = WorkspaceSettings(
        blocked_identifiers=["^shop-till$", "(broken"], identifier_limits={"email": 2}, region="DE"
    )
    with shop.db.write() as conn:
        change_settings(conn, shop.workspace, lambda _: settings)
        rotated = rotate_key(conn, shop.workspace, shop.source.id, now=NOW, grace=HOUR)
    registry = Sources(shop.db)
    registry.refresh_now()
    found = registry.find(rotated.write_key, now=NOW)
    assert found is not None
    assert found.policy == identifier_policy(settings)
    assert not found.policy.allows("shop-till")
    assert (found.policy.limit("email"), found.policy.default_region) == (2, "DE")
    assert registry.find(shop.source.write_key, now=NOW + HOUR - 1) is not None
    assert registry.find(shop.source.write_key, now=NOW + HOUR) is None
    assert registry.find("unknown", now=NOW) is None


def test_counts_add_up_by_the_hour_and_the_source_is_seen(shop: Shop) -> None:
    health = Health(shop.db)
    health.flush()
    for at, number in ((NOW - 2 * DAY, 5), (NOW - HOUR, 10), (NOW, 1), (NOW, 2)):
        health.count(shop.source, now=at, accepted=number, duplicates=1)
        health.flush()
    with shop.db.read() as conn:
        day = health_of_sources(conn, shop.workspace, now=NOW)[shop.source.id]
        week = health_of_sources(conn, shop.workspace, now=NOW, back=7 * DAY)[shop.source.id]
        assert find_source(conn, shop.workspace, shop.source.id).last_seen_at == NOW
    assert (day.accepted, day.duplicates, week.accepted) == (13, 3, 18)


def test_a_rename_beside_a_rotation_does_not_bring_the_leaked_key_back(shop: Shop) -> None:
    leaked, here = shop.source.write_key, shop.workspace
    change_beside(
        shop.db,
        lambda conn: rotate_key(conn, here, shop.source.id, now=NOW, grace=0),
        lambda conn: change_source(conn, here, shop.source.id, name="Renamed"),
    )
    with shop.db.read() as conn:
        found = find_source(conn, here, shop.source.id)
    assert (found.name, found.previous_key, found.previous_until) == ("Renamed", leaked, NOW)
    assert found.write_key != leaked


def test_of_two_rotations_at_a_time_the_second_follows_the_first(shop: Shop) -> None:
    """The key that works on for a while is the first rotation's, no longer the leaked one."""
    here, made = shop.workspace, []
    change_beside(
        shop.db,
        lambda conn: made.append(rotate_key(conn, here, shop.source.id, now=NOW)),
        lambda conn: made.append(rotate_key(conn, here, shop.source.id, now=NOW)),
    )
    with shop.db.read() as conn:
        found = find_source(conn, here, shop.source.id)
    assert [found.previous_key, found.write_key] == [source.write_key for source in made]
    assert shop.source.write_key not in (found.previous_key, found.write_key)


def test_of_two_who_saw_one_key_only_the_first_rotates_it(shop: Shop) -> None:
    """The key that is in use keeps its grace."""
    used = shop.source.write_key

    def rotate(conn: Connection) -> object:
        return rotate_key(conn, shop.workspace, shop.source.id, now=now_us(), seen=used)

    told = change_beside(shop.db, rotate, rotate)
    assert told is not None
    assert "rotated the write key of 'Site'" in told.message
    with shop.db.read() as conn:
        assert find_source(conn, shop.workspace, shop.source.id).previous_key == used


def test_of_two_who_change_one_source_the_second_is_told_what_changed(shop: Shop) -> None:
    here, source = shop.workspace, shop.source
    seen = source_version(source)
    told = change_beside(
        shop.db,
        lambda conn: change_source(conn, here, source.id, name="Shop floor", kind="store", seen=seen),
        lambda conn: change_source(conn, here, source.id, name="Webshop", kind="store", seen=seen),
    )
    assert told is not None
    assert told.message == "somebody has changed the source 'Shop floor' since you looked: name is \"Shop floor\" now"
    with shop.db.write() as conn:
        found = find_source(conn, here, source.id)
        assert found.name == "Shop floor"
        again = change_source(conn, here, source.id, name="Webshop", seen=source_version(found))
    assert again.name == "Webshop"


def test_a_rotation_does_not_keep_an_editor_from_saving(shop: Shop) -> None:
    """Keys are not what a form about a source holds, nor what its clients send."""
    seen = source_version(shop.source)
    with shop.db.write() as conn:
        rotated = rotate_key(conn, shop.workspace, shop.source.id, now=NOW)
        assert source_version(rotated) == seen
        assert change_source(conn, shop.workspace, shop.source.id, name="Till", seen=seen).name == "Till"


def test_a_key_that_is_known_is_not_forgotten_for_an_older_reading(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, read = Sources(shop.db), sources_module._all_sources
    made: list[Source] = []

    def slowly(conn: Connection) -> list[Source]:
        found = read(conn)
        if not made:
            with shop.db.write() as other:
                made.append(create_source(other, shop.workspace, name="New", kind="store", now=NOW))
            registry._read_keys()
        return found

    monkeypatch.setattr(sources_module, "_all_sources", slowly)
    registry.refresh_now()
    assert registry.find(made[0].write_key, now=NOW) == made[0]
