"""Quarantine: a bad message waits with its reason, is mended, and becomes a fact as of when it came."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from rapport.collect.admission import Everything
from rapport.collect.appender import Appender
from rapport.collect.model import Envelope
from rapport.collect.prepare import prepare_all
from rapport.collect.quarantine import (
    count_by_reason,
    discard,
    discard_all,
    find_quarantined,
    list_quarantined,
    mend,
    note_still_bad,
    replay,
    replay_all,
)
from rapport.collect.settings import COLLECT_SETTINGS, CollectSettings
from rapport.collect.sources import create_source
from rapport.collect.store import health_since
from rapport.collect.watches import WATCHES
from rapport.compose.quarantine_room import QUARANTINE_ROOM
from rapport.kernel.clock import HOUR, now_us
from rapport.kernel.errors import Conflict, InvalidFact, InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.storage import settings
from rapport.storage.engine import Database
from tests.jobs import turns
from tests.rooms.collect.conftest import Shop

NOW = now_us()


def quarantined(shop: Shop, *messages: Mapping[str, object], envelope: Envelope = Envelope(type="track")) -> list[str]:  # noqa: B008
    """Send these through collect; the ids of those in quarantine, in their order."""
    rows, aside = prepare_all(
        [json.dumps(m).encode() for m in messages], source=shop.source, received_at=NOW - HOUR, envelope=envelope
    )
    appender = Appender(shop.db)
    appender.append_sync(rows, aside)
    appender.close()
    with shop.db.read() as conn:
        return [row.id for row in reversed(list_quarantined(conn, shop.workspace))]


def test_a_mended_message_becomes_a_fact_of_the_time_it_came(shop: Shop) -> None:
    (row_id,) = quarantined(
        shop,
        {"userId": "ada", "messageId": "m1"},
        envelope=Envelope(type="track", context={"locale": "de"}, ip="1.2.3.4"),
    )
    with shop.db.write() as conn:
        mend(conn, shop.workspace, row_id, b'{"userId":"ada","messageId":"m1","event":"Cart Viewed"}')
    with shop.db.write() as conn:
        replay(conn, shop.workspace, row_id, now=NOW, admission=Everything())
    (fact,) = shop.facts()
    assert (fact.name, fact.received_at, fact.occurred_at, fact.source) == (
        "Cart Viewed", NOW - HOUR, NOW - HOUR, shop.source.id,
    )  # fmt: skip
    assert fact.context == {"locale": "de", "ip": "1.2.3.4"}
    with shop.db.read() as conn:
        row = find_quarantined(conn, shop.workspace, row_id)
        assert (row.state, row.settled_at) == ("replayed", NOW)
        assert "Cart Viewed" in row.text
        assert json.loads(row.as_it_came) == {"userId": "ada", "messageId": "m1"}, "the original stands beside the edit"
        assert list_quarantined(conn, shop.workspace) == []


def test_a_message_settled_once_is_not_settled_again(shop: Shop) -> None:
    first, second = quarantined(shop, {"userId": "ada"}, {"userId": "bo"})
    with shop.db.write() as conn:
        mend(conn, shop.workspace, first, b'{"userId":"ada","event":"x"}')
        replay(conn, shop.workspace, first, now=NOW, admission=Everything())
        discard(conn, shop.workspace, second, now=NOW)
        for row_id in (first, second):
            for again in (
                lambda i: replay(conn, shop.workspace, i, now=NOW, admission=Everything()),
                lambda i: discard(conn, shop.workspace, i, now=NOW),
                lambda i: mend(conn, shop.workspace, i, b"{}"),
            ):
                with pytest.raises(Conflict):
                    again(row_id)
    assert len(shop.facts()) == 1


def test_a_message_that_is_still_bad_stays_open_with_its_new_reason(shop: Shop) -> None:
    (row_id,) = quarantined(shop, {"userId": "ada"})
    with shop.db.write() as conn:
        mend(conn, shop.workspace, row_id, b'{"userId":true,"event":"x"}')
        with pytest.raises(InvalidFact) as caught:
            replay(conn, shop.workspace, row_id, now=NOW, admission=Everything())
        note_still_bad(conn, shop.workspace, row_id, caught.value)
    with shop.db.read() as conn:
        row = find_quarantined(conn, shop.workspace, row_id)
    assert (row.state, row.path) == ("open", "$.userId")


def test_a_retried_bad_message_does_not_come_back_once_it_was_settled(shop: Shop) -> None:
    (row_id,) = quarantined(shop, {"userId": "ada"})
    with shop.db.write() as conn:
        discard(conn, shop.workspace, row_id, now=NOW)
    assert quarantined(shop, {"userId": "ada"}) == []


def test_only_json_objects_are_accepted_as_mended(shop: Shop) -> None:
    (row_id,) = quarantined(shop, {"userId": "ada"})
    for body in (b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 9000, b'{"a":"' + b"x" * 2_000_000 + b'"}'):
        with shop.db.write() as conn, pytest.raises(InvalidInput):
            mend(conn, shop.workspace, row_id, body)


def test_replaying_all_takes_the_good_and_leaves_the_bad(shop: Shop) -> None:
    quarantined(shop, *({"userId": "null", "event": "x", "messageId": f"m{i}"} for i in range(250)), {"userId": "ada"})
    with shop.db.write() as conn:
        for row in list_quarantined(conn, shop.workspace, reason="blocked", limit=500):
            mend(conn, shop.workspace, row.id, row.body.replace(b"null", b"ada"))
    done = replay_all(shop.db, shop.workspace, now=NOW, admission=Everything())
    assert (done.accepted, done.still_bad) == (250, 1)
    assert len(shop.facts()) == 250


def test_the_list_is_filtered_and_paged(shop: Shop) -> None:
    ids = quarantined(shop, {"userId": "ada"}, {"event": "x"}, {"event": "y"}, {"event": "100%"})
    with shop.db.read() as conn:
        newest, older = (
            list_quarantined(conn, shop.workspace, limit=2),
            list_quarantined(conn, shop.workspace, before=ids[2]),
        )
        assert [row.id for row in newest + older] == ids[::-1]
        assert len(list_quarantined(conn, shop.workspace, reason="USERID")) == 3
        assert list_quarantined(conn, shop.workspace, reason="%") == []
        assert list_quarantined(conn, shop.workspace, source="src_other") == []
        assert list_quarantined(conn, WorkspaceId(99)) == []
        assert [(path, number) for _, path, _, number in count_by_reason(conn, shop.workspace)] == [
            ("$", 3),
            ("$.event", 1),
        ]
        assert {row.event for row in newest + older} == {"100%", "x", "y", "track"}
    with shop.db.write() as conn:
        assert discard_all(conn, shop.workspace, source=shop.source.id, now=NOW) == 4
        assert len(list_quarantined(conn, shop.workspace, state="discarded")) == 4


def test_another_shop_s_messages_are_not_found(shop: Shop) -> None:
    (row_id,) = quarantined(shop, {"userId": "ada"})
    with shop.db.write() as conn:
        for other in (WorkspaceId(99), shop.workspace):
            wanted = row_id if other != shop.workspace else "qua_unknown"
            with pytest.raises(NotFound):
                replay(conn, other, wanted, now=NOW, admission=Everything())


def test_what_was_given_up_makes_room_before_what_nobody_has_read_and_is_not_told(db: Database) -> None:
    shop = Shop(db)
    wanted = CollectSettings(quarantine_mb_of_a_source=1, quarantine_mb=1)
    with db.write() as conn:
        settings.save(conn, shop.workspace, COLLECT_SETTINGS, wanted, by="test", version=0, now=NOW)
        shop.source = create_source(conn, shop.workspace, name="ERP", kind="server", now=NOW)
    ids = quarantined(shop, *({"userId": f"ada{n}", "x": "x" * 300_000} for n in range(5)))
    with db.write() as conn:
        discard(conn, shop.workspace, ids[-1], now=NOW)
    assert turns(db, QUARANTINE_ROOM, now=NOW) == [2]
    with db.read() as conn:
        assert [row.id for row in reversed(list_quarantined(conn, shop.workspace, state=None))] == ids[1:-1]
        assert [row.dropped for row in health_since(conn, shop.workspace, since=0)][-1] == 1


def test_the_oldest_messages_go_where_there_are_too_many_bytes_and_home_says_so(db: Database) -> None:
    """Of one source to its own room, then of all to the shop's; a change of a message counts with what it was."""
    shop = Shop(db)
    wanted = CollectSettings(quarantine_mb_of_a_source=1, quarantine_mb=1)
    with db.write() as conn:
        settings.save(conn, shop.workspace, COLLECT_SETTINGS, wanted, by="test", version=0, now=NOW)
        shop.source, other = (
            create_source(conn, shop.workspace, name=name, kind="server", now=NOW) for name in ("ERP", "PIM")
        )
    large = "x" * 300_000
    ids = quarantined(shop, *({"userId": f"ada{n}", "x": large} for n in range(3)))
    assert turns(db, QUARANTINE_ROOM, now=NOW) == []
    with db.write() as conn:
        mend(conn, shop.workspace, ids[-1], json.dumps({"x": large, "more": 1}).encode())
    assert turns(db, QUARANTINE_ROOM, now=NOW) == [1]
    shop.source = other
    quarantined(shop, *({"userId": f"bo{n}", "x": large} for n in range(3)))
    assert turns(db, QUARANTINE_ROOM, now=NOW) == [2]
    with db.read() as conn:
        left = list_quarantined(conn, shop.workspace)
        assert [row.source for row in left] == [other.id] * 3
        [watch] = [watch for watch in WATCHES if watch.name == "collect.let_go"]
        assert watch.read is not None
        [alarm] = watch.read(conn, shop.workspace, NOW)
        assert alarm.what.startswith("3 messages that could not be read were let go")
