"""Which policy holds for whom: that of their country, else of the source by which they came first, else the shop's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rapport.app.worker import drain
from rapport.capabilities.consent import changing, store
from rapport.capabilities.consent.collecting import Collecting, uncollected_since
from rapport.capabilities.consent.effect import effect_of
from rapport.capabilities.consent.model import Policy, PolicySet, PurposeRule
from rapport.capabilities.consent.retention import outlived
from rapport.capabilities.consent.service import gate, may, policies_of, verdicts
from rapport.collect.model import Envelope, Source
from rapport.collect.prepare import prepare
from rapport.collect.sources import create_source
from rapport.kernel.clock import DAY
from rapport.kernel.errors import InvalidInput
from rapport.kernel.identifiers import Identifier, key_of
from rapport.storage import log
from tests.shop import NOON, Shop

MAIL = "email_marketing"
PEOPLE = {"ada": "lax", "bo": "tight", "cy": "other", "di": "tight"}
"""By which source each came; Di lives in the country of the lax policy."""


def policy(name: str, *, before: Any, days: int | None = None, **more: Any) -> Policy:
    mail = PurposeRule(title="Mail", basis="legitimate_interest", before_answer=before, kept_days=days)
    return Policy(name=name, title=name, purposes={MAIL: mail}, **more)


LAX = policy("lax", before="granted", countries=("AQ",), sources=("lax",))
TIGHT = policy("tight", before="denied", days=10, sources=("tight",))
PLAIN = policy("plain", before="denied")
BY_SOURCE = PolicySet(default="plain", policies=(LAX, TIGHT, PLAIN))


def in_force(shop: Shop, wanted: PolicySet, *, seen: int = 0) -> None:
    with shop.db.write() as conn:
        store.save_policies(conn, shop.id, wanted, seen=seen, by="test", reason="tried", now=NOON)


def key(shop: Shop, who: str) -> Any:
    return key_of(shop.id, Identifier("user_id", who))


def come(shop: Shop) -> None:
    for who, source in PEOPLE.items():
        shop.send(shop.message("Product Viewed", at=NOON, user=who, product_id="p1"), source=source)
    lives = shop.message("x", at=NOON + 1, user="di") | {"type": "identify", "traits": {"address": {"country": "AQ"}}}
    del lives["event"]
    shop.send(lives, source="tight")
    shop.wait(NOON + DAY)
    drain(shop.pipeline)


def allowed(shop: Shop) -> set[str]:
    """Who may be written to: as one is asked, as many are, as the dry run has it; and all agree."""
    with shop.db.read() as conn:
        keys = {who: key(shop, who) for who in PEOPLE}
        one = {who for who, of in keys.items() if may(conn, shop.id, of, MAIL).may}
        several = gate(conn, shop.id, list(keys.values()), MAIL, NOON)
        assert {who for who, of in keys.items() if several[of].may} == one
        assert {who for who, of in keys.items() if verdicts(conn, shop.id, of)[MAIL].may} == one
        nobody = PolicySet(default="none", policies=(policy("none", before="denied"),))
        assert sum(tried.refused for tried in effect_of(conn, shop.id, nobody).purposes) == len(one)
    return one


def test_the_country_that_is_known_goes_before_the_source_and_the_source_before_the_shops_default(
    any_shop: Shop,
) -> None:
    come(any_shop)
    with any_shop.db.read() as conn:
        tried = effect_of(conn, any_shop.id, BY_SOURCE)
    assert {one.purpose: one.allowed for one in tried.purposes}[MAIL] == 2, "told before it holds"
    in_force(any_shop, BY_SOURCE)
    assert allowed(any_shop) == {"ada", "di"}
    with any_shop.db.read() as conn:
        gone = outlived(conn, any_shop.id, None, NOON + 20 * DAY, 100).people
    assert set(gone) == {key(any_shop, "bo"), key(any_shop, "cy")}, "the lax one keeps who came by it, or lives there"


def test_what_counts_is_the_first_source_whatever_comes_first(any_shop: Shop) -> None:
    in_force(any_shop, BY_SOURCE)
    late = any_shop.message("Product Viewed", at=NOON + DAY, user="ada", product_id="p1")
    early = any_shop.message("Product Viewed", at=NOON, user="ada", product_id="p1")
    any_shop.send(late, source="lax")
    any_shop.wait(NOON + 2 * DAY)
    with any_shop.db.read() as conn:
        assert may(conn, any_shop.id, key(any_shop, "ada"), MAIL).may
    any_shop.send(early, source="tight")
    any_shop.wait(NOON + 3 * DAY)
    with any_shop.db.read() as conn:
        assert not may(conn, any_shop.id, key(any_shop, "ada"), MAIL).may


def test_what_is_collected_is_said_by_source_and_purpose(any_shop: Shop) -> None:
    """A kiosk counts looks, an app keeps nothing of who is silent but what is for its own purpose."""
    asked: dict[str, Any] = {"title": "x", "basis": "consent", "before_answer": "denied"}
    kiosk = {"analytics": PurposeRule(**asked, if_unanswered="counted", if_refused="not kept")}
    app = {
        "analytics": PurposeRule(**asked, if_unanswered="not kept"),
        "research": PurposeRule(**asked, collects=("Product Viewed",), if_unanswered="kept", if_refused="counted"),
    }
    in_force(any_shop, PolicySet(default="plain", policies=(
        Policy(name="kiosk", title="Kiosk", purposes=kiosk, sources=("kiosk",)),
        Policy(name="app", title="App", purposes=app, sources=("app",)), PLAIN,
    )))  # fmt: skip
    assert _kept(any_shop, "kiosk", "a") == {"Order Completed"}
    assert _kept(any_shop, "app", "b") == {"Product Viewed", "Order Completed"}
    assert _kept(any_shop, "elsewhere", "c") == {"Product Viewed", "Products Searched", "Order Completed"}
    assert _kept(any_shop, "app", "d", research=False) == {"Consent Stated", "Order Completed"}
    with any_shop.db.read() as conn:
        counted = uncollected_since(conn, any_shop.id, since=0)
    assert sorted(counted) == [("Product Viewed", 2), ("Products Searched", 1)]


def _kept(shop: Shop, source: str, who: str, **said: bool) -> set[str]:
    """What is kept of a look, a search and an order of somebody new."""
    sender = Source(workspace=shop.id, id=source, name=source, kind="web", client_side=True)
    consent = {"context": {"consent": {"categoryPreferences": said}}} if said else {}
    messages = [
        shop.message(name, at=NOON + at, browser=who, product_id="p1", query="x", order_id=who, total=5) | consent
        for at, name in enumerate(("Product Viewed", "Products Searched", "Order Completed"))
    ]
    rows = [
        prepare(
            msgspec.json.encode({k: v for k, v in one.items() if v is not None}), source=sender, received_at=NOON + DAY,
            envelope=Envelope(history=True),
        )
        for one in messages
    ]  # fmt: skip
    collecting = Collecting(shop.db)
    assert collecting.chooses(sender, NOON)
    kept = collecting.admit(sender, rows, NOON)
    with shop.db.write() as conn:
        log.append(conn, kept)
    shop.fold()
    return {str(msgspec.json.decode(row.body)["name"]) for row in kept}


@pytest.mark.parametrize(("source", "word"), [("Webshop", ""), ("nobody", "no source is called"), ("Twice", "several")])
def test_a_source_is_named_or_told_by_its_id_and_one_that_is_not_there_is_refused(
    any_shop: Shop, source: str, word: str
) -> None:
    with any_shop.db.write() as conn:
        made = create_source(conn, any_shop.id, name="Webshop", kind="web", now=NOON)
        for _ in range(2):
            create_source(conn, any_shop.id, name="Twice", kind="web", now=NOON)
    wanted = policy("web", before="granted", sources=(source,))
    given: dict[str, Any] = {"is_default": False, "seen": None, "by": "ada", "reason": "why", "now": NOON}
    with any_shop.db.write() as conn:
        if word:
            with pytest.raises(InvalidInput, match=word):
                changing.apply(conn, any_shop.id, wanted, **given)
            return
        changing.apply(conn, any_shop.id, wanted, **given)
        other = policy("other", before="denied", sources=(made.id,))
        changing.apply(conn, any_shop.id, other, **given)
        found = {one.name: one.sources for one in policies_of(conn, any_shop.id).policies.policies}
    assert (found["web"], found["other"]) == ((), (made.id,)), "a source is of one policy"
