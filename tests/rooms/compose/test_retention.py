"""Whom no purpose keeps any longer is erased, in bounded turns, and nobody else; killed in between, it goes on."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from rapport.act.jobs import Job, Moment, Turn
from rapport.adapters.files import uploads
from rapport.adapters.files.ready import ready_map
from rapport.app.worker import drain
from rapport.capabilities.consent import store
from rapport.capabilities.consent.model import RESTRICTED, Held, Policy, PolicySet, PurposeRule
from rapport.capabilities.consent.retention import is_kept, outlived, overdue
from rapport.capabilities.consent.settings import PRIVACY_SETTINGS, PrivacySettings
from rapport.capabilities.consent.shipped import shipped
from rapport.compose.requests import RETENTION, newest_requests, privacy_requests
from rapport.compose.retention import retention
from rapport.kernel.clock import DAY
from rapport.kernel.errors import InvalidInput
from rapport.kernel.identifiers import BUCKETS
from rapport.storage import log, settings
from rapport.storage.audit.entries import entries
from rapport.storage.leases import Leases
from tests.jobs import turns
from tests.shop import NOON, Shop

YEAR = 365 * DAY


def job(shop: Shop) -> Job:
    return retention(shop.pipeline.slices)


def wants(shop: Shop) -> None:
    with shop.db.write() as conn:
        settings.save(conn, shop.id, PRIVACY_SETTINGS, PrivacySettings(retention=True), version=0, by="test", now=NOON)


def seen(shop: Shop, who: str, *, at: int = NOON, **context: object) -> None:
    shop.send({**shop.message("Product Viewed", at=at, user=who, product_id="p1"), "context": context})


def ordered(shop: Shop, who: str, *, at: int = NOON) -> None:
    shop.send(shop.message("Order Completed", at=at, user=who, order_id=f"o-{who}", total=5, currency="EUR"))


def who_is_here(shop: Shop) -> set[str]:
    with shop.db.read() as conn:
        rows = log.read_after(conn, after=0, upto=2**60, buckets=None, limit=1_000)
    return {str(fact.user_id) for fact in map(log.to_fact, rows) if fact.user_id}


def folded(shop: Shop) -> Shop:
    shop.wait(NOON + DAY)
    drain(shop.pipeline)
    return shop


def test_nobody_is_erased_before_the_shop_wants_it_and_the_page_counts_who_would_be(any_shop: Shop) -> None:
    seen(any_shop, "ada")
    folded(any_shop)
    turns(any_shop.db, job(any_shop), now=NOON + 20 * YEAR)
    assert who_is_here(any_shop) == {"ada"}
    with any_shop.db.read() as conn:
        assert overdue(conn, any_shop.id, now=NOON + YEAR).people == 0
        late = overdue(conn, any_shop.id, now=NOON + 20 * YEAR)
    assert (late.people, late.all_counted) == (1, True)


def test_each_goes_when_the_last_purpose_that_is_allowed_keeps_them_no_longer(any_shop: Shop) -> None:
    """Europe as shipped: three years unseen; eight from an order; who objects to all but orders goes with none."""
    shop = any_shop
    nothing = {"consent": {"categoryPreferences": {"personalisation": False, "email_marketing": False}}}
    seen(shop, "ada")
    seen(shop, "bo", consent=nothing["consent"])
    ordered(shop, "cy")
    seen(shop, "di", at=NOON + 2 * YEAR)
    wants(folded(shop))
    for years, here in (
        (0.9, {"ada", "bo", "cy", "di"}),
        (1.1, {"ada", "cy", "di"}),
        (3.5, {"cy", "di"}),
        (8.1, set()),
    ):
        turns(shop.db, job(shop), now=NOON + int(years * YEAR))
        assert who_is_here(shop) == here, years
    with shop.db.read() as conn:
        assert newest_requests(conn, shop.id) == [], "nobody asked for it"
        told = [one for one in entries(conn, shop.id) if one.action == "customer.erased"]
        rows = conn.execute(sa.select(privacy_requests)).all()
    assert {row.kind for row in rows} == {RETENTION}
    assert {row.status for row in rows} == {"completed"}
    assert len(told) == len(rows) == 4
    assert b'"facts"' in rows[0].proof


def test_somebody_who_comes_again_is_somebody_new_and_a_file_that_waits_for_its_import_stays(
    any_shop: Shop, tmp_path: Path
) -> None:
    seen(any_shop, "ada")
    wants(folded(any_shop))
    upload, path, size = uploads.keep_file(tmp_path, io.BytesIO(b"Email\nada@example.com\n"))
    with any_shop.db.write() as conn:
        uploads.put_in(conn, any_shop.id, upload, path, name="c.csv", size=size, said=ready_map("shopify-customers"),
                       by="Olga", now=NOON)  # fmt: skip
    turns(any_shop.db, job(any_shop), now=NOON + 4 * YEAR)
    assert who_is_here(any_shop) == set()
    with any_shop.db.read() as conn:
        assert uploads.find_upload(conn, any_shop.id, upload).state == "ready"
    assert path.exists()
    seen(any_shop, "ada", at=NOON + 4 * YEAR + DAY)
    any_shop.pipeline.forget_all()
    folded(any_shop)
    turns(any_shop.db, job(any_shop), now=NOON + 5 * YEAR)
    assert len(any_shop.facts("Product Viewed")) == 1


def test_a_fact_that_is_not_folded_yet_keeps_its_person(any_shop: Shop) -> None:
    seen(any_shop, "ada")
    wants(folded(any_shop))
    seen(any_shop, "ada", at=NOON + 4 * YEAR - DAY)
    turns(any_shop.db, job(any_shop), now=NOON + 4 * YEAR)
    assert who_is_here(any_shop) == {"ada"}


def test_many_go_a_few_at_a_time_and_a_worker_that_begins_anew_ends_what_another_began(any_shop: Shop) -> None:
    for number in range(25):
        seen(any_shop, f"gone-{number}", at=NOON + number)
    seen(any_shop, "here", at=NOON + 4 * YEAR)
    wants(folded(any_shop))
    Leases(any_shop.db, "tests").maintain()
    turn = Turn(any_shop.db, job(any_shop), Moment(owner="tests", buckets=range(BUCKETS)), now=NOON + 4 * YEAR, kept={})
    assert job(any_shop).run(turn) == 10, "and dies before any file is tidied"
    assert len(who_is_here(any_shop)) == 16
    turns(any_shop.db, job(any_shop), now=NOON + 4 * YEAR, at_most=10)
    assert who_is_here(any_shop) == {"here"}
    with any_shop.db.read() as conn:
        rows = conn.execute(sa.select(privacy_requests)).all()
    assert [row.status for row in rows] == ["completed"] * 25


def test_who_has_the_use_restricted_is_kept_as_they_asked() -> None:
    held = Held(RESTRICTED, "denied", NOON, NOON, "f", "rapport", "request", "", "")
    europe = shipped().holding_for("DE", "")
    assert is_kept(europe, [[held]], seen_at=NOON, ordered_at=0, now=NOON + 50 * YEAR)
    assert not is_kept(europe, [], seen_at=NOON, ordered_at=0, now=NOON + 50 * YEAR)


def test_a_purpose_that_names_no_days_keeps_while_it_is_allowed(any_shop: Shop) -> None:
    seen(any_shop, "ada")
    seen(any_shop, "bo", consent={"categoryPreferences": {"personalisation": False}})
    for_ever = PurposeRule(title="P", basis="legitimate_interest", before_answer="granted")
    europe = shipped().holding_for("DE", "")
    purposes = {**europe.purposes, "personalisation": for_ever}
    wanted = shipped().with_policy(msgspec.structs.replace(europe, purposes=purposes))
    with any_shop.db.write() as conn:
        store.save_policies(conn, any_shop.id, wanted, seen=0, by="test", reason="t", now=NOON)
    wants(folded(any_shop))
    turns(any_shop.db, job(any_shop), now=NOON + 50 * YEAR)
    assert who_is_here(any_shop) == {"ada"}


def test_a_policy_in_which_nothing_ends_erases_nobody(any_shop: Shop) -> None:
    seen(any_shop, "ada")
    folded(any_shop)
    endless = tuple(
        msgspec.structs.replace(
            one,
            purposes={
                name: msgspec.structs.replace(rule, kept_days=None, kept_from="last_seen")
                for name, rule in one.purposes.items()
            },
        )
        for one in shipped().policies
    )
    with any_shop.db.write() as conn:
        wanted = PolicySet(default="eu_uk", policies=endless)
        store.save_policies(conn, any_shop.id, wanted, seen=0, by="test", reason="t", now=NOON)
    with any_shop.db.read() as conn:
        assert outlived(conn, any_shop.id, None, NOON + 50 * YEAR, 10).people == []


@pytest.mark.parametrize("days", [0, -1, 10**9])
def test_days_that_cannot_be_meant_are_refused(days: int) -> None:
    rule = PurposeRule(title="M", basis="consent", before_answer="denied", kept_days=days)
    with pytest.raises(InvalidInput, match="kept_days"):
        Policy(name="p", title="P", purposes={"a": rule}).check()
