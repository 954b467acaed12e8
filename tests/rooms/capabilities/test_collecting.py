"""Visits of those who refuse measuring are kept, counted or left out as the shop wants it; what they order is taken."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from rapport.capabilities.consent.collecting import STATED, Collecting, uncollected_since
from rapport.capabilities.consent.service import may
from rapport.capabilities.consent.settings import PRIVACY_SETTINGS, PrivacySettings
from rapport.collect.model import Envelope, QuarantineRow, Source
from rapport.collect.prepare import prepare
from rapport.collect.quarantine import insert_quarantined, list_quarantined, replay_all
from rapport.collect.sources import create_source
from rapport.kernel.clock import DAY
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import new_id
from rapport.resolve.graph.store import roots_of
from rapport.storage import log, settings
from tests.shop import NOON, Shop


def wants(shop: Shop, **wanted: Any) -> None:
    with shop.db.write() as conn:
        version = settings.load(conn, shop.id, PRIVACY_SETTINGS).version
        settings.save(conn, shop.id, PRIVACY_SETTINGS, PrivacySettings(**wanted), version=version, by="test", now=NOON)


def website(shop: Shop, kind: Any = "web", **more: Any) -> Source:
    return Source(workspace=shop.id, id="web", name="Web", kind=kind, client_side=True, **more)


def send(shop: Shop, *messages: dict[str, Any], kind: Any = "web", **more: Any) -> list[str]:
    """What of these messages is kept, by name, once the endpoints have asked."""
    source, collecting = website(shop, kind, **more), Collecting(shop.db)
    rows = [
        prepare(
            msgspec.json.encode({k: v for k, v in one.items() if v is not None}), source=source, received_at=NOON + DAY,
            envelope=Envelope(history=True),
        )
        for one in messages
    ]  # fmt: skip
    kept = collecting.admit(source, rows, NOON) if collecting.chooses(source, NOON) else rows
    with shop.db.write() as conn:
        log.append(conn, kept)
    shop.fold()
    return [msgspec.json.decode(row.body)["name"] for row in kept]


def view(shop: Shop, *, said: bool | None = None, browser: str = "zq7browser", at: int = 0) -> dict[str, Any]:
    made = shop.message("Product Viewed", at=NOON + at, browser=browser, product_id="p1", note="zq7note")
    consent = {} if said is None else {"consent": {"categoryPreferences": {"statistics": said}}}
    return {**made, "context": {**consent, "ip": "zq7ip", "page": {"url": "https://shop.example/zq7url"}}}


def counted(shop: Shop) -> list[tuple[str, int]]:
    with shop.db.read() as conn:
        return uncollected_since(conn, shop.id, since=0)


def on_disk(shop: Shop, text: str) -> bool:
    return any(text.encode() in row["body"] for row in shop.rows(log.facts))


def test_everything_is_kept_until_the_shop_wants_less(any_shop: Shop) -> None:
    assert send(any_shop, view(any_shop, said=False), view(any_shop)) == ["Product Viewed"] * 2


@pytest.mark.parametrize(("how", "number"), [("counted", 3), ("not kept", 0)])
def test_a_refusal_is_kept_without_the_visit_and_later_visits_are_not(any_shop: Shop, how: str, number: int) -> None:
    wants(any_shop, visits_refused=how)
    assert send(any_shop, view(any_shop, said=False)) == [STATED]
    assert send(any_shop, view(any_shop, said=False, at=1)) == [], "it is known by now"
    assert send(any_shop, view(any_shop, at=2)) == [], "and holds where a message says nothing"
    assert not on_disk(any_shop, "zq7note")
    assert not on_disk(any_shop, "zq7ip")
    assert not on_disk(any_shop, "zq7url")
    assert counted(any_shop) == ([("Product Viewed", number)] if number else [])


def test_what_is_ordered_is_taken_whatever_was_said(any_shop: Shop) -> None:
    wants(any_shop, visits_refused="not kept", visits_unanswered="not kept")
    refusing = {"context": view(any_shop, said=False)["context"]}
    order = any_shop.message("Order Completed", at=NOON, browser="b", order_id="o1", total=5, currency="EUR") | refusing
    added = any_shop.message("Product Added", at=NOON, browser="b", product_id="p1") | refusing
    who = {**any_shop.message("x", at=NOON, user="ada"), "type": "identify", "traits": {"name": "Ada"}} | refusing
    del who["event"]
    assert send(any_shop, order, added, who) == ["Order Completed", "Product Added", "Identified"]


def test_before_an_answer_nothing_is_kept_where_the_shop_wants_it_so_and_a_yes_opens(any_shop: Shop) -> None:
    wants(any_shop, visits_unanswered="counted")
    assert send(any_shop, view(any_shop)) == []
    assert counted(any_shop) == [("Product Viewed", 1)]
    assert send(any_shop, view(any_shop, said=True, at=1)) == ["Product Viewed"]
    assert send(any_shop, view(any_shop, at=2)) == ["Product Viewed"], "the answer holds from then on"
    assert send(any_shop, view(any_shop, said=False, at=3)) == ["Product Viewed"], "refusals are kept: not asked for"


def test_a_server_of_the_shops_own_is_believed(any_shop: Shop) -> None:
    wants(any_shop, visits_refused="not kept")
    assert send(any_shop, view(any_shop, said=False), kind="server") == ["Product Viewed"]


def test_names_that_somebody_makes_up_do_not_fill_the_table(any_shop: Shop) -> None:
    wants(any_shop, visits_refused="counted")
    many = [{**view(any_shop, said=False, at=n), "event": f"Made Up {n}", "messageId": f"u{n}"} for n in range(230)]
    send(any_shop, *many)
    with any_shop.db.read() as conn:
        found = dict(uncollected_since(conn, any_shop.id, since=0, most=1_000))
    assert len(found) == 201
    assert sum(found.values()) == 230


def test_a_refusal_of_another_purpose_is_kept_though_visits_are_refused_already(any_shop: Shop) -> None:
    wants(any_shop, visits_refused="not kept")

    def says(at: int, **answers: bool) -> dict[str, Any]:
        return {**view(any_shop, at=at), "context": {"consent": {"categoryPreferences": answers}}}

    assert send(any_shop, says(0, statistics=False, marketing=True)) == [STATED]
    assert send(any_shop, says(1, statistics=False, marketing=True)) == [], "nothing new"
    assert send(any_shop, says(2, statistics=False, marketing=False)) == [STATED]
    assert send(any_shop, says(3, statistics=False, marketing=False)) == []
    assert send(any_shop, says(4, statistics=False, marketing=True)) == [STATED], "a yes is an answer, too"


def test_a_first_privacy_signal_is_kept_once(any_shop: Shop) -> None:
    wants(any_shop, visits_refused="not kept")
    send(any_shop, view(any_shop, said=False))
    signalled = {**view(any_shop, at=1), "context": {"globalPrivacyControl": True}}
    assert send(any_shop, signalled) == [STATED]
    assert send(any_shop, {**signalled, "messageId": "again"}) == []


def test_an_unsigned_refusal_ties_its_browser_to_nobody_and_answers_for_nobody_else(any_shop: Shop) -> None:
    wants(any_shop, visits_refused="not kept")
    told = {**view(any_shop, said=False, browser="eve-b"), "userId": "ada"}
    assert send(any_shop, told, asks_signatures=True, signing_secret="sk_1") == [STATED]
    with any_shop.db.read() as conn:
        ada = key_of(any_shop.id, Identifier("user_id", "ada"))
        assert may(conn, any_shop.id, ada, "analytics").state != "denied"
        assert roots_of(conn, any_shop.id, [ada]) == {}


def test_what_was_in_quarantine_passes_the_gate_when_it_is_replayed(any_shop: Shop) -> None:
    wants(any_shop, visits_refused="counted")
    assert send(any_shop, view(any_shop, said=False)) == [STATED]
    with any_shop.db.write() as conn:
        source = create_source(conn, any_shop.id, name="Web", kind="web", now=NOON)
        for at, (event, browser) in enumerate((("Product Viewed", "zq7browser"), ("Order Completed", "zq7browser"))):
            good = {**view(any_shop, at=at), "event": event, "anonymousId": browser}
            insert_quarantined(conn, [_aside(any_shop, source, msgspec.json.encode(good))])
    done = replay_all(any_shop.db, any_shop.id, now=NOON, admission=Collecting(any_shop.db))
    assert (done.accepted, done.still_bad) == (2, 0)
    any_shop.fold()
    with any_shop.db.read() as conn:
        assert list_quarantined(conn, any_shop.id) == [], "both are settled"
    told = [msgspec.json.decode(row["body"])["name"] for row in any_shop.rows(log.facts)]
    assert (told.count("Product Viewed"), told.count("Order Completed")) == (0, 1)
    assert counted(any_shop)[0][0] == "Product Viewed"


def _aside(shop: Shop, source: Source, body: bytes) -> QuarantineRow:
    return QuarantineRow(
        id=new_id("qua"), workspace=shop.id, source=source.id, received_at=NOON + DAY, reason="nobody could read it",
        path="timestamp", body=body, envelope=msgspec.json.encode(Envelope(type="track")),
        body_hash=hashlib.sha256(body).digest(),
    )  # fmt: skip
