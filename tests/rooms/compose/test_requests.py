"""What people ask is answered by a job: handed out with its sources, or ended, and told in the audit trail."""

from __future__ import annotations

import msgspec
import pytest

from rapport.app.worker import drain, run_job_now
from rapport.capabilities.consent.model import RESTRICTED
from rapport.capabilities.consent.service import gate
from rapport.compose import requests
from rapport.compose.answering import ANSWERING, answer_of
from rapport.compose.requests import OPEN_DAYS, RequestShown, RequestWanted, ask, find_request, privacy_requests
from rapport.kernel.clock import DAY, from_iso, now_us
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.identifiers import Identifier, key_of
from rapport.storage.audit.entries import entries
from tests.shop import NOON, Shop


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    yes = {"context": {"consent": {"categoryPreferences": {"email_marketing": True, "analytics": True}}}}
    any_shop.send(any_shop.message("Product Viewed", at=NOON, user="ada", product_id="p1") | yes)
    lives = {"traits": {"address": {"country": "BR"}}, "type": "identify"}
    brazil = any_shop.message("x", at=NOON, user="bia") | lives
    del brazil["event"]
    any_shop.send(brazil)
    any_shop.wait(NOON)
    drain(any_shop.pipeline)
    return any_shop


def asked(shop: Shop, kind: str, who: str = "ada", **given: str) -> RequestShown:
    wanted = msgspec.convert(
        {"kind": kind, "customer": f"user_id:{who}", "verified": "signed in", **given}, RequestWanted
    )
    with shop.db.write() as conn:
        return ask(conn, shop.id, wanted, by="test", now=now_us(), law=shop.pipeline.slices.law)


def answered(shop: Shop, request: RequestShown) -> RequestShown:
    run_job_now(shop.pipeline, ANSWERING)
    with shop.db.read() as conn:
        return find_request(conn, shop.id, request.id)


def may(shop: Shop, purpose: str, who: str = "ada") -> bool:
    key = key_of(shop.id, Identifier("user_id", who))
    with shop.db.read() as conn:
        return gate(conn, shop.id, [key], purpose, now_us())[key].may


@pytest.mark.parametrize("kind", ["access", "portability"])
def test_access_is_answered_with_all_that_is_kept_and_can_be_opened_for_a_month(shop: Shop, kind: str) -> None:
    request = asked(shop, kind)
    with pytest.raises(Conflict, match="received"):
        answer_of(shop.db, shop.pipeline.slices, shop.id, request.id, who="test")
    found = answered(shop, request)
    assert found.status == "completed"
    assert found.proof is not None
    assert {one.table: one.rows for one in found.proof.stores}["facts"] == 1
    answer = answer_of(shop.db, shop.pipeline.slices, shop.id, request.id, who="test")
    assert answer.kept["storage"]["facts"]
    assert answer.record.traits["first_seen_at"].source == "website"
    with shop.db.write() as conn:
        old = now_us() - (OPEN_DAYS + 1) * DAY
        conn.execute(privacy_requests.update().values(finished_at=old))
    with pytest.raises(Conflict, match="any more"):
        answer_of(shop.db, shop.pipeline.slices, shop.id, request.id, who="test")
    with pytest.raises(NotFound):
        answer_of(shop.db, shop.pipeline.slices, shop.id, "prv_nothing", who="test")


def test_an_answer_is_not_made_before_it_is_sure_who_asks(shop: Shop) -> None:
    request = asked(shop, "access", verified="")
    assert answered(shop, request).status == "verifying"


def test_an_objection_ends_what_rests_on_interest_and_all_marketing(shop: Shop) -> None:
    assert may(shop, "personalisation")
    assert may(shop, "email_marketing")
    found = answered(shop, asked(shop, "objection"))
    assert (found.status, found.reason.startswith("ended:")) == ("completed", True)
    assert not may(shop, "personalisation")
    assert not may(shop, "email_marketing")
    assert may(shop, "analytics")
    assert may(shop, "service")
    shop.fold()
    assert not may(shop, "personalisation")


def test_a_restriction_ends_every_use_but_what_was_ordered_until_it_is_lifted(shop: Shop) -> None:
    assert answered(shop, asked(shop, "restriction")).status == "completed"
    shop.fold()
    assert not may(shop, "personalisation")
    assert not may(shop, "email_marketing")
    assert may(shop, "service")
    sent = {"context": {"consent": {"categoryPreferences": {RESTRICTED: True}}}}
    shop.send(shop.message("Product Viewed", at=NOON + DAY, user="ada", product_id="p1") | sent)
    shop.fold()
    assert not may(shop, "email_marketing"), "a website cannot lift it"


def test_what_is_to_be_put_right_waits_for_a_person(shop: Shop) -> None:
    assert answered(shop, asked(shop, "rectification")).status == "received"


def test_the_day_by_which_it_is_due_follows_from_the_law_of_their_country(shop: Shop) -> None:
    for who, days in (("ada", 30), ("bia", 15)):
        request = asked(shop, "access", who)
        due = from_iso(request.due_at) - from_iso(request.asked_at)
        assert round(due / DAY) == days, who


def test_each_step_is_told_in_the_audit_trail(shop: Shop) -> None:
    request = asked(shop, "access", verified="")
    with shop.db.write() as conn:
        requests.verify(conn, shop.id, request.id, how="called back")
    answered(shop, request)
    answer_of(shop.db, shop.pipeline.slices, shop.id, request.id, who="olga")
    other = asked(shop, "rectification")
    with shop.db.write() as conn:
        requests.settle(conn, shop.id, other.id, refused=True, note="it is right", now=now_us())
    with shop.db.read() as conn:
        told = {(one.action, one.about) for one in entries(conn, shop.id)}
    assert {("request.taken", request.id), ("request.verified", request.id), ("request.answered", request.id),
            ("customer.exported", request.id), ("request.refused", other.id)} <= told  # fmt: skip
