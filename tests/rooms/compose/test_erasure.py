"""Somebody erased is gone from all tables and files and does not come back; their neighbours are who they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.app.worker import drain, run_job_now
from rapport.capabilities.insights import store as insights
from rapport.capabilities.loyalty import store as loyalty
from rapport.capabilities.promises import store as promised
from rapport.collect.model import Envelope, QuarantineRow, internal_source
from rapport.collect.prepare import prepare
from rapport.collect.store import insert_quarantined, quarantine
from rapport.compose import requests
from rapport.compose.erasing import ERASING
from rapport.compose.erasure import erase
from rapport.compose.person import export_person
from rapport.compose.requests import RequestShown, RequestWanted, ask, find_request
from rapport.decide import people
from rapport.kernel.clock import MINUTE
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import Key
from rapport.measure.model import Question
from rapport.remember.golden import find_root
from rapport.storage import log
from rapport.storage.audit.entries import entries
from rapport.storage.leases import LeaseLost
from rapport.storage.tidying import found_in
from tests import loyal
from tests.beside import change_beside
from tests.shop import NOON, Shop

CANARY = "zq7canary"
"""Stands in every text of Ada's; nothing else says it."""
MAIL = f"{CANARY}@example.com"


def of_ada(shop: Shop, *, start: int = NOON) -> list[dict[str, Any]]:
    """What Ada does on all channels, with a canary in every field."""
    who: dict[str, Any] = {"user": f"{CANARY}-user", "browser": f"{CANARY}-browser"}
    traits = {"email": MAIL, "name": f"Ada {CANARY}", "phone": "+4930901820123", "address": {"city": f"{CANARY} town"}}
    told = {**shop.message("x", at=start, **who), "type": "identify", "traits": traits}
    del told["event"]
    return [
        told,
        shop.message("Product Viewed", at=start + 1, **who, product_id="p1", note=f"{CANARY} note"),
        shop.message("Product Added", at=start + 2, **who, product_id="p1", price=5),
        shop.message("Order Completed", at=start + 3, **who, order_id=f"{CANARY}-o", total=5, currency="EUR"),
        shop.message(f"{CANARY} Event", at=start + 4, **who, deep={"er": [f"{CANARY} deep"]}),
        shop.message("Consent Said", at=start + 5, **who)
        | {"context": {"consent": {"categoryPreferences": {"email_marketing": True}}, "ip": CANARY}},
    ]


def of_bo(shop: Shop) -> list[dict[str, Any]]:
    return [
        shop.message("Product Viewed", at=NOON, user="bo", browser="bo-b", product_id="p1"),
        shop.message("Order Completed", at=NOON + 2, user="bo", order_id="o-bo", total=7, currency="EUR"),
    ]


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    any_shop.send(*of_ada(any_shop), *of_bo(any_shop))
    any_shop.wait(NOON + 120 * MINUTE)
    drain(any_shop.pipeline)
    return any_shop


def keys_of(shop: Shop, reference: str) -> list[Key]:
    with shop.db.read() as conn:
        root = find_root(conn, shop.id, reference)
        return people.strands_by_root(conn, shop.id, [root])[root]


def wanted(reference: str, **given: Any) -> RequestWanted:
    return RequestWanted(kind="erasure", customer=reference, **{"verified": "signed in", **given})


def asked(shop: Shop, reference: str, **given: Any) -> RequestShown:
    with shop.db.write() as conn:
        return ask(conn, shop.id, wanted(reference, **given), by="test", now=NOON)


def status(shop: Shop, request: RequestShown) -> RequestShown:
    with shop.db.read() as conn:
        return find_request(conn, shop.id, request.id)


def erased(shop: Shop, reference: str) -> RequestShown:
    request = asked(shop, reference)
    for _ in range(4):
        run_job_now(shop.pipeline, ERASING)
        if status(shop, request).status == "completed":
            break
    return status(shop, request)


def everywhere(shop: Shop) -> list[str]:
    """Each table, and each file of SQLite, in which the canary stands."""
    found = []
    with shop.db.read() as conn:
        for name, table in shop.pipeline.slices.tables.items():
            for row in conn.execute(sa.select(table)):
                if any(CANARY.encode() in (v if isinstance(v, bytes) else str(v).encode()) for v in row):
                    found.append(name)
                    break
        if shop.db.path is None:
            stats = conn.exec_driver_sql("SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats").all()
            found += ["pg_stats" for row in stats if CANARY in str(row)][:1]
    if shop.db.path is not None:
        folder = shop.db.path.parent
        found += [path.name for path in folder.rglob("*") if path.is_file() and found_in([path], [CANARY])]
    return found


def test_not_a_byte_is_left_in_any_table_or_file_and_the_proof_says_what_went(shop: Shop) -> None:
    assert {"facts", "identifiers", "strands"} <= set(everywhere(shop))
    request = erased(shop, f"email:{MAIL}")
    assert request.status == "completed"
    assert everywhere(shop) == []
    assert request.proof is not None
    rows = {one.table: one.rows for one in request.proof.stores}
    assert rows["facts"] >= 6
    assert rows["orders"] == 1
    assert request.proof.identifiers >= 4
    assert CANARY not in json.dumps([str(request)])
    with shop.db.read() as conn:
        told = [one for one in entries(conn, shop.id) if one.action == "customer.erased"]
    assert [one.about for one in told] == [request.id]


def test_whoever_is_beside_them_is_who_they_were(shop: Shop) -> None:
    bo = keys_of(shop, "user_id:bo")
    with shop.db.read() as conn:
        before = export_person(conn, shop.pipeline.slices, shop.id, bo)
    erased(shop, f"email:{MAIL}")
    with shop.db.read() as conn:
        assert export_person(conn, shop.pipeline.slices, shop.id, keys_of(shop, "user_id:bo")) == before


def test_what_comes_again_stays_out_and_others_go_on(shop: Shop) -> None:
    erased(shop, f"email:{MAIL}")
    late = [*of_ada(shop), *of_ada(shop, start=NOON + 90 * MINUTE)]
    shop.send(*late, shop.message("Product Viewed", at=NOON + 100 * MINUTE, user="bo", product_id="p2"))
    shop.pipeline.forget_all()
    shop.wait(NOON + 240 * MINUTE)
    assert everywhere(shop) == []
    assert [fact.properties["product_id"] for fact in shop.facts("Product Viewed")] == ["p1", "p2"]


def test_a_fact_of_somebody_else_that_names_them_loses_the_name_and_is_kept(shop: Shop) -> None:
    erased(shop, f"email:{MAIL}")
    gift = shop.message("Gift Sent", at=NOON + 100 * MINUTE, user="bo", browser=f"{CANARY}-browser")
    shop.send({**gift, "context": {"traits": {"email": MAIL.upper()}}})
    shop.pipeline.forget_all()
    shop.fold()
    assert everywhere(shop) == []
    assert [fact.user_id for fact in shop.facts("Gift Sent")] == ["bo"]


def test_a_worker_that_has_read_of_them_before_cannot_write_it_afterwards(shop: Shop) -> None:
    shop.send(shop.message("Product Viewed", at=NOON + 50 * MINUTE, user=f"{CANARY}-user", product_id="p9"))
    with shop.db.read() as conn:
        rows = log.read_after(conn, after=shop._cursor, upto=2**60, buckets=None, limit=10)
        shop.pipeline.begin(conn)
        shop.pipeline.preload(conn, rows)
    shop.pipeline.handle(rows)
    request = asked(shop, f"email:{MAIL}")
    other = Shop(shop.db.engine.url.render_as_string(hide_password=False))
    try:
        run_job_now(other.pipeline, ERASING)
        run_job_now(other.pipeline, ERASING)
    finally:
        other.close()
    assert status(shop, request).status == "completed"
    with pytest.raises(LeaseLost), shop.db.write() as conn:
        shop.pipeline.flush(conn, now=NOON)
    shop.pipeline.abandon()
    assert everywhere(shop) == []


def test_killed_between_the_two_steps_it_goes_on_and_does_not_know_what_to_look_for(shop: Shop) -> None:
    """What is looked for in the files is in memory alone; whoever goes on writes the whole file anew instead."""
    request = asked(shop, f"email:{MAIL}")
    with shop.db.write() as conn:  # all that the first turn commits; its worker is dead then
        key = keys_of(shop, f"email:{MAIL}")[0]
        proof, _ = erase(conn, shop.pipeline.slices, shop.id, key, now=NOON, told="then")
        conn.execute(requests.privacy_requests.update().values(status="running", proof=msgspec.json.encode(proof)))
    run_job_now(shop.pipeline, ERASING)
    found = status(shop, request)
    assert found.status == "completed"
    assert found.proof is not None
    assert "written anew" in found.proof.files
    assert everywhere(shop) == []


def test_a_request_about_nobody_is_not_found_and_a_second_one_is_the_first(shop: Shop) -> None:
    assert asked(shop, "email:nobody@example.com").status == "not_found"
    first = asked(shop, f"email:{MAIL}", verified="")
    assert first.status == "verifying"
    second = asked(shop, f"user_id:{CANARY}-user")
    assert (second.status, second.id) == ("duplicate", first.id)
    with shop.db.write() as conn, pytest.raises(InvalidInput, match="how it was made sure"):
        requests.verify(conn, shop.id, first.id, how=" ")
    with shop.db.write() as conn:
        assert requests.verify(conn, shop.id, first.id, how="called back").status == "received"
    with shop.db.write() as conn, pytest.raises(Conflict, match="received by now"):
        requests.verify(conn, shop.id, first.id, how="again")


def test_what_is_dated_in_the_future_goes_and_numbers_are_as_if_they_had_never_been(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(*of_bo(shop))
    drain(shop.pipeline)
    alone = numbers(shop)
    far = shop.message("Order Completed", at=2**52, user=f"{CANARY}-user", order_id=f"{CANARY}-2099", total=9)
    shop.send(*of_ada(shop), far)
    drain(shop.pipeline)
    assert numbers(shop) != alone
    assert erased(shop, f"email:{MAIL}").status == "completed"
    drain(shop.pipeline)
    run_job_now(shop.pipeline, "orders.sums")
    assert (everywhere(shop), numbers(shop)) == ([], alone)


def numbers(shop: Shop) -> list[object]:
    """What the shop's metrics say of all time."""
    asked = Question(workspace=shop.id, since=0, until=2**53, by="", zone="UTC")
    with shop.db.read() as conn:
        return [shop.metrics.answer(conn, name, asked).rows for name in ("orders", "revenue", "new_customers")]


def test_erased_twice_finds_nobody_the_second_time(shop: Shop) -> None:
    assert erased(shop, f"email:{MAIL}").status == "completed"
    assert asked(shop, f"email:{MAIL}").status == "not_found"


def test_a_mention_in_what_could_not_be_read_is_overwritten(shop: Shop, tmp_path: Path) -> None:
    with shop.db.write() as conn:
        row = {
            "workspace": shop.id, "id": "qua_1", "source": "web", "received_at": NOON, "reason": "odd", "path": "$",
            "body": json.dumps({"text": f"call {MAIL}"}).encode(), "envelope": b"{}", "body_hash": b"h" * 16,
            "state": "open",
        }  # fmt: skip
        conn.execute(quarantine.insert().values(row))
    proof = erased(shop, f"email:{MAIL}").proof
    assert proof is not None
    assert [(one.table, one.rows) for one in proof.mentions] == [("quarantine", 1)]
    assert everywhere(shop) == []
    assert (tmp_path / "erased.json").exists() == (shop.db.path is not None), "told as done once the file says it, too"
    bad = [f'{{"userId": "{CANARY}-user", broken'.encode(), f'{{"note": "to {MAIL}", "email": "{MAIL}"}}'.encode(),
           b'{"userId": "bo", broken', b"\xff\x00"]  # fmt: skip
    rows = [
        QuarantineRow(f"qua_{n}", shop.id, "web", NOON, "odd", "$", body, b"{}", f"{n}".encode() * 16)
        for n, body in enumerate(bad, 2)
    ]
    with shop.db.write() as conn:
        assert insert_quarantined(conn, rows) == 2, "what names them is not kept, what others sent is"
    assert everywhere(shop) == []


def test_what_is_found_by_orders_and_lots_goes_with_them(any_shop: Shop) -> None:
    loyal.begin(any_shop)
    window = {"from": "2026-10-01", "to": "2026-10-03"}
    any_shop.send(
        loyal.order(any_shop, "ada", "1", 50.0, promised_window=window),
        any_shop.message("Order Shipped", at=NOON + 1, user="ada", order_id="1", shipment_id="s1"),
    )
    drain(any_shop.pipeline)
    tables = (loyalty.entries, loyalty.lots, insights.sale_lines, promised.scans, promised.parcels, promised.orders)
    assert all(any_shop.rows(table) for table in tables)
    asked(any_shop, "user_id:ada")
    run_job_now(any_shop.pipeline, ERASING)
    for table in (*tables, promised.windows, promised.promises):
        assert any_shop.rows(table) == [], table.name


@pytest.mark.parametrize("first", ["the erasure", "the facts"])
def test_facts_that_stream_in_beside_an_erasure_leave_nothing_whoever_was_first(shop: Shop, first: str) -> None:
    """On PostgreSQL by two connections, of which the second waits for the first."""
    key = keys_of(shop, f"email:{MAIL}")[0]
    rows = [
        prepare(
            msgspec.json.encode({name: value for name, value in one.items() if value is not None}),
            source=internal_source(shop.id, "website"), received_at=2**55, envelope=Envelope(history=True),
        )
        for one in of_ada(shop, start=NOON + 60 * MINUTE)
    ]  # fmt: skip

    def forget(conn: Connection) -> None:
        erase(conn, shop.pipeline.slices, shop.id, key, now=NOON, told="then")

    def stream(conn: Connection) -> None:
        log.append(conn, rows)

    one, other = (forget, stream) if first == "the erasure" else (stream, forget)
    assert change_beside(shop.db, one, other) is None
    shop.pipeline.forget_all()
    shop.fold()
    with shop.db.read() as conn, pytest.raises(NotFound):
        find_root(conn, shop.id, f"email:{MAIL}")
    assert [table for table in everywhere(shop) if table in shop.pipeline.slices.tables] == []
