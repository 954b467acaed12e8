"""Partners are told of what people asked by signed webhook, without a name; what they answer stays with the request."""

from __future__ import annotations

import json
from hashlib import sha256

import msgspec
import pytest
import sqlalchemy as sa

from rapport.act import store as act
from rapport.act import webhooks
from rapport.act.channels import Outcome, Outgoing
from rapport.act.webhooks import WebhookWanted
from rapport.app.worker import drain, run_job_now
from rapport.compose import partners
from rapport.compose.answering import ANSWERING
from rapport.compose.erasing import ERASING
from rapport.compose.partners import PartnerAnswer, note_answer
from rapport.compose.requests import RequestShown, RequestWanted, ask, find_request
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.remember.golden import find_key, golden_record
from tests.shop import NOON, Shop

MAIL = "zq7partner@example.com"


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    told = any_shop.message("x", at=NOON, user="zq7partner")
    del told["event"]
    any_shop.send({**told, "type": "identify", "traits": {"email": MAIL, "first_name": "Adda", "last_name": "L"}})
    any_shop.wait(NOON)
    drain(any_shop.pipeline)
    return any_shop


def hook(shop: Shop, *events: str, url: str = "https://ads.example/hook", purpose: str = "service") -> str:
    wanted = WebhookWanted(url=url, events=list(events), purpose=purpose)
    with shop.db.write() as conn:
        made, _ = webhooks.add_webhook(conn, shop.id, wanted, now=NOON)
    return made.id


def asked(shop: Shop, kind: str, **given: object) -> RequestShown:
    wanted = msgspec.convert(
        {"kind": kind, "customer": f"email:{MAIL}", "verified": "signed in", **given}, RequestWanted
    )
    with shop.db.write() as conn:
        return ask(conn, shop.id, wanted, by="test", now=now_us(), law=shop.pipeline.slices.law)


def now(shop: Shop, request: RequestShown) -> RequestShown:
    with shop.db.read() as conn:
        return find_request(conn, shop.id, request.id)


def outgoing(shop: Shop) -> list[Outgoing]:
    rows = [row for row in shop.rows(act.outbox) if b"Privacy Request" in row["payload"]]
    return [
        Outgoing(
            workspace=shop.id, id=row["id"], channel=row["channel"], destination=row["destination"],
            payload=row["payload"], strand=row["strand"], purpose=row["purpose"], attempts=1,
        )
        for row in rows
    ]  # fmt: skip


def test_an_erasure_is_told_to_whoever_hears_of_people_by_a_hash_and_nobody_else(shop: Shop) -> None:
    ads = hook(shop, "*")
    hook(shop, "Alarm Raised", url="https://pager.example/x")
    request = asked(shop, "erasure")
    for _ in range(3):
        run_job_now(shop.pipeline, ERASING)
    [message] = outgoing(shop)
    assert message.destination == ads
    assert b"zq7partner" not in message.payload
    said = json.loads(message.payload)["data"]
    assert said["kind"] == "erasure"
    assert said["sha256"]["email"] == [sha256(MAIL.encode()).hexdigest()]
    assert len(said["customer_ids"]) >= 2
    assert [(one.host, one.state) for one in now(shop, request).partners] == [("ads.example", "waiting")]


def test_that_it_came_is_known_by_its_delivery_and_what_they_answer_stays(shop: Shop) -> None:
    ads = hook(shop, "Order Completed")
    request = asked(shop, "objection")
    run_job_now(shop.pipeline, ANSWERING)
    run_job_now(shop.pipeline, ANSWERING)
    [message] = outgoing(shop)
    for status, state in (("later", "waiting"), ("dead", "failed"), ("delivered", "told")):
        with shop.db.write() as conn:
            partners.after_delivery(conn, [Outcome(message, status, f"answered {status}")], NOON)  # type: ignore[arg-type]
        assert [one.state for one in now(shop, request).partners] == [state]
    assert outgoing(shop) == [], "once it came, nothing that stands for the person is kept of it"
    with shop.db.write() as conn:
        note_answer(
            conn, shop.id, request.id, ads, PartnerAnswer(state="done", note="ticket 7"), by="test", now=now_us()
        )
        partners.after_delivery(conn, [Outcome(message, "dead", "late")], NOON)
    [partner] = now(shop, request).partners
    assert (partner.state, partner.note) == ("done", "ticket 7")
    with shop.db.write() as conn, pytest.raises(NotFound):
        note_answer(conn, shop.id, request.id, "whk_none", PartnerAnswer(state="done"), by="test", now=NOON)


def test_what_ought_to_be_is_put_right_with_its_provenance_and_told(shop: Shop) -> None:
    hook(shop, "*")
    request = asked(shop, "rectification", correction={"first_name": "Ada", "city": "London"})
    assert now(shop, request).correction == {"first_name": "Ada", "city": "London"}
    run_job_now(shop.pipeline, ANSWERING)
    found = now(shop, request)
    assert (found.status, found.reason, found.correction) == ("completed", "put right: first name, city", {})
    shop.fold()
    with shop.db.read() as conn:
        key = find_key(conn, shop.id, f"email:{MAIL}")
        record = golden_record(conn, shop.id, key, now=now_us(), remembered=shop.pipeline.slices.remembered)
    assert record.traits["first_name"].value == "Ada"
    assert record.traits["first_name"].source == "rapport"
    assert record.traits["last_name"].value == "L"
    assert "London" in str(record.traits["location"].value)
    assert len(outgoing(shop)) == 1


@pytest.mark.parametrize(
    "correction",
    [{"email": "other@example.com"}, {"birthday": "soon"}, {"city": " "}, {"city": "a\x00b"}, {"city": "x" * 300}],
)
def test_what_cannot_be_put_right_so_is_said_and_nothing_is_kept(shop: Shop, correction: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        asked(shop, "rectification", correction=correction)
    with pytest.raises(InvalidInput):
        asked(shop, "access", correction={"city": "London"})
    with shop.db.read() as conn:
        count = sa.select(sa.func.count()).select_from(shop.pipeline.slices.tables["privacy_requests"])
        assert conn.execute(count).scalar() == 0


def test_what_was_to_be_put_right_goes_with_the_person(shop: Shop) -> None:
    asked(shop, "rectification", correction={"first_name": "Zq7right"})
    asked(shop, "erasure")
    for _ in range(3):
        run_job_now(shop.pipeline, ERASING)
    rows = shop.rows(shop.pipeline.slices.tables["privacy_requests"])
    assert all(row["wanted"] is None and row["subject"] is None for row in rows)


def test_a_withdrawal_is_told_to_whoever_was_made_for_what_it_ends_once(shop: Shop) -> None:
    """Of somebody who refuses, facts are not told to that webhook any more: this is how it hears why."""
    ads = hook(shop, "*", purpose="advertising")
    hook(shop, "*", url="https://erp.example/h")
    hook(shop, "*", url="https://mail.example/h", purpose="email_marketing")
    for number, said in enumerate((True, False, False)):
        context = {"consent": {"categoryPreferences": {"ads": said}}}
        viewed = shop.message("Product Viewed", at=now_us() + number, user="zq7partner", product_id="p1")
        shop.send({**viewed, "context": context})
        shop.fold()
    [message] = outgoing(shop)
    said_to = json.loads(message.payload)["data"]
    assert (message.destination, said_to["kind"], said_to["purpose"]) == (ads, "withdrawal", "advertising")
    assert b"zq7partner" not in message.payload
    assert said_to["sha256"]["email"] == [sha256(MAIL.encode()).hexdigest()]
