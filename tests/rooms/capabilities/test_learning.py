"""A shop learns from its own visits what comes next: what is measured serves, and only what is better replaces it."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from rapport.capabilities.recommendations import models, serving
from rapport.capabilities.recommendations.jobs import _shop_due
from rapport.capabilities.recommendations.model import Recent, running_visit
from rapport.capabilities.recommendations.models import folder_of, load, manifest_of
from rapport.capabilities.recommendations.pages import PAGES
from rapport.capabilities.recommendations.training import train_shop
from rapport.capabilities.recommendations.visits import read_visits
from rapport.capabilities.recommendations.watches import alarms_of
from rapport.decide.service import CustomerNamed, Decision, DecisionAsked
from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND
from rapport.kernel.errors import Conflict
from rapport.kernel.ids import Key
from rapport.storage.workspaces import create_workspace
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.part import WebPart
from tests.databases import sqlite_database
from tests.rooms.web.conftest import PASSWORD, sign_in
from tests.shop import NOON, Shop

PRODUCTS = 40
VISITS = 700


def everybody(strands: Collection[Key]) -> Collection[Key]:
    return strands


def walked(shop: Shop, *, visits: int = VISITS, days: int = 6, seed: int = 1) -> Shop:
    """Visitors walk on from a product to the next higher one, now and then to the one after."""
    chance = random.Random(seed)
    messages = []
    for visitor in range(visits):
        at = NOON - days * DAY + visitor * (days * DAY // visits)
        product = chance.randrange(PRODUCTS)
        for step in range(chance.choice((2, 3, 3, 4))):
            messages.append(shop.message(
                "Product Viewed", at=at + step * MINUTE, browser=f"b{visitor}", product_id=f"p{product:02}",
                name=f"Wine {product}", price=10, currency="EUR", category="wine",
            ))  # fmt: skip
            product = (product + chance.choices((1, 2, chance.randrange(PRODUCTS)), (7, 2, 1))[0]) % PRODUCTS
    shop.send(*messages)
    shop.fold(batch=5_000)
    return shop


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose model serves; nobody may damage it."""
    shop = walked(Shop(sqlite_database(tmp_path_factory.mktemp("learning"))))
    card = train_shop(shop.db, shop.id, gate=shop.pipeline.slices.gate, now=NOON)
    assert card.outcome == "serving", card
    yield shop
    shop.close()


@pytest.fixture
def copied(trained: Shop, tmp_path: Path) -> Path:
    """A folder with the same models, for a test to damage."""
    folder = folder_of(tmp_path, trained.id)
    folder.parent.mkdir(parents=True)
    shutil.copytree(_folder(trained), folder)
    return folder


def _folder(shop: Shop) -> Path:
    assert shop.db.folder is not None
    return folder_of(shop.db.folder, shop.id)


def decide(shop: Shop, product: str, *, at: int = NOON + HOUR, who: str | None = None, limit: int = 4) -> Decision:
    customer = None if who is None else CustomerNamed(namespace="anonymous_id", value=who)
    return shop.decide(at=at, customer=customer, product_id=product, limit=limit)


def test_what_comes_next_is_offered_first_with_a_reason(trained: Shop) -> None:
    right = 0
    for number in range(0, PRODUCTS, 4):
        decision = decide(trained, f"p{number:02}")
        after = f"p{(number + 1) % PRODUCTS:02}"
        first = next(item for item in decision.items if not item["reasons"][-1].startswith("shown to learn"))
        right += first["item_id"] == after
        assert first["reasons"][0].startswith(("often looked at after this product", "looked at in"))
    assert right >= 8


def test_the_card_says_what_it_was_better_than(trained: Shop) -> None:
    found = manifest_of(_folder(trained))[0]
    card = found.attempts[-1]
    assert card.outcome == "serving"
    assert card.challenger is not None
    assert card.popularity is not None
    assert card.challenger.hr20 > card.popularity.hr20
    assert (card.visits, card.products) == (VISITS, PRODUCTS)
    assert card.queries >= 50


def test_the_page_of_what_is_learnt_shows_the_model_that_serves(trained: Shop) -> None:
    accounts.create_user(
        trained.db, email="ada@example.com", password=PASSWORD, name="Ada", workspace=trained.id, role="owner", now=NOON
    )
    slices = trained.pipeline.slices
    app = create_app(
        db=trained.db, wording=slices.wording, permissions=slices.permissions,
        parts={"recommendations": WebPart(pages=(PAGES,))},
    )  # fmt: skip
    with TestClient(app) as browser:
        sign_in(browser, "ada@example.com")
        page = browser.get("/console/learning")
    assert page.status_code == 200
    assert f"{VISITS} visits to {PRODUCTS} products" in page.text


def test_a_step_counts_in_the_running_visit_at_once(trained: Shop) -> None:
    """Home follows the visitor: after each view something else comes first."""

    def first() -> str:
        asked = DecisionAsked(placement="home", anonymous_id="walker", limit=1)
        decision, _ = trained.decider.compute(trained.id, asked, now=NOON + 2 * HOUR)
        return str(decision.items[0]["item_id"])

    seen = []
    for step, product in enumerate(("p10", "p25")):
        trained.send(trained.message("Product Viewed", at=NOON + 2 * HOUR + step, browser="walker", product_id=product))
        trained.fold()
        seen.append({first() for _ in range(5)})
    assert "p11" in seen[0]
    assert "p26" in seen[1]


def test_what_a_store_cannot_hand_over_takes_nobodys_place(trained: Shop) -> None:
    """Only five products are in the store: the slate is full of them, though dozens of others come sooner."""
    there = ["p05", "p15", "p20", "p30", "p35"]
    trained.send(
        {"type": "track", "event": "Stock Level Changed", "messageId": "stock", "timestamp": "2026-09-20T12:00:00Z",
         "anonymousId": "till", "properties": {"location_id": "paris", "levels": [
             {"location_id": "paris", "product_id": f"p{n:02}", "on_hand": 3 if f"p{n:02}" in there else 0}
             for n in range(PRODUCTS)]}},
    )  # fmt: skip
    trained.fold()
    decision = trained.decide(at=NOON + 3 * HOUR, limit=5, product_id="p02", location="paris")
    assert {item["item_id"] for item in decision.items} == set(there)


def test_a_second_training_serves_only_if_it_finds_at_least_as_much(trained: Shop, copied: Path) -> None:
    before = load(copied)
    assert before is not None
    spoilt = models.Card(trained_at=NOON, outcome="kept_the_one_before", words="worse")
    models.write_attempt(copied, spoilt)
    after = load(copied)
    assert after is not None
    assert after.card == before.card
    assert manifest_of(copied)[0].attempts[0].words == "worse"


def test_a_damaged_model_leaves_the_one_before_serving_and_alarms(trained: Shop, copied: Path) -> None:
    first = load(copied)
    assert first is not None
    models.save(copied, first.recommender, first.products, first.card)
    assert load(copied).fault == ""  # type: ignore[union-attr]
    newest = manifest_of(copied)[0].serving
    assert newest is not None
    path = copied / newest.file
    for body in (path.read_bytes()[:-1000], b"", b"\x00" * 2_000, path.read_bytes().replace(b"tree", b"eert", 1)):
        path.write_bytes(body)
        served = load(copied)
        assert served is not None
        assert served.fault
        assert served.products == first.products
        [alarm] = alarms_of(copied.parents[2], trained.id)
        assert "damaged" in alarm.what
    path.unlink()
    assert load(copied) is not None
    assert alarms_of(copied.parents[2], trained.id)


def test_a_damaged_list_of_models_is_answered_by_the_one_before_it(copied: Path) -> None:
    models.write_attempt(copied, models.Card(trained_at=NOON, outcome="too_little", words=""))
    (copied / "manifest.json").write_bytes(b'{"serving": {')
    served = load(copied)
    assert served is not None
    assert "damaged" in served.fault
    (copied / "manifest.before.json").write_bytes(b"\xff\xfe")
    assert load(copied) is None


def test_a_model_is_exchanged_while_it_answers(copied: Path) -> None:
    running = serving.Serving(copied)
    first = running.loaded()
    assert first is not None
    models.save(copied, first.recommender, first.products, first.card)
    running._looked_at = 0.0
    running.loaded()
    while running._loading:
        pass
    assert running.loaded() is not first
    assert running.next(["p01"], limit=3)


def test_half_a_file_of_a_killed_training_is_never_read_and_swept_away(copied: Path) -> None:
    (copied / ".writing-abc").write_bytes(b"half")
    found = load(copied)
    assert found is not None
    models.save(copied, found.recommender, found.products, found.card)
    assert not list(copied.glob(".writing-*"))
    models.save(copied, found.recommender, found.products, found.card)
    assert len(list(copied.glob("*.npz"))) == 2


def test_too_few_visits_teach_nothing_and_say_so(any_shop: Shop, tmp_path: Path) -> None:
    walked(any_shop, visits=12)
    any_shop.db.folder = tmp_path
    card = train_shop(any_shop.db, any_shop.id, gate=any_shop.pipeline.slices.gate, now=NOON)
    assert card.outcome == "too_little"
    assert card.visits == 12
    assert any_shop.decide(at=NOON, product_id="p01").items


def test_visits_are_read_as_they_were_walked(any_shop: Shop) -> None:
    shop = any_shop
    for at, product in ((0, "a"), (1, "a"), (2, "b"), (3, "a"), (60, "c"), (61, "d")):
        shop.send(shop.message("Product Viewed", at=NOON + at * MINUTE, browser="one", product_id=product))
    shop.send(shop.message("Product Added", at=NOON + 62 * MINUTE, browser="one", product_id="e"))
    shop.send(*(
        shop.message("Product Viewed", at=NOON + n * SECOND, browser="robot", product_id=f"r{n}") for n in range(201)
    ))  # fmt: skip
    found = read_visits(shop.db, shop.id, now=NOON + DAY, may=everybody)
    assert [[found.products[one] for one in session] for session in found.sessions] == [
        ["a", "b", "a"],
        ["c", "d", "e"],
    ]
    assert found.ended_at.tolist() == [NOON + 3 * MINUTE, NOON + 62 * MINUTE]
    nobody = read_visits(shop.db, shop.id, now=NOON + DAY, may=lambda strands: [])
    assert (nobody.sessions, nobody.left_out) == ([], 3)


def test_each_step_has_the_surroundings_it_was_walked_in(any_shop: Shop) -> None:
    """What the page says of itself, and place and weather as the visit's own decision was asked; nobody else's."""
    shop = any_shop
    phone = {"device": {"type": "ios"}, "page": {"referrer": "https://www.google.com/"}}
    for at, who, product in ((0, "one", "a"), (2, "one", "b"), (90, "one", "c"), (2, "two", "a")):
        message = shop.message("Product Viewed", at=NOON + at * MINUTE, browser=who, product_id=product, name=product)
        shop.send(message | {"context": phone} if who == "one" else message)
    shop.fold()
    asked = DecisionAsked(placement="home", anonymous_id="one", context={"weather": {"is": "Rain"}, "location": "bath"})
    asyncio.run(shop.decider.decide(shop.id, asked, now=NOON + MINUTE))
    shop.fold()
    found = read_visits(shop.db, shop.id, now=NOON + DAY, may=everybody)
    told = {
        tuple(found.products[one] for one in session): arounds
        for session, arounds in zip(found.sessions, found.arounds, strict=True)
    }
    first, second = told["a", "b"]
    assert (first.device, first.referrer, first.daypart, first.weather) == ("mobile", "search", "afternoon", "")
    assert (second.weather, second.place) == ("rain", "bath")
    assert told["c",][0].weather == told["a",][0].weather == ""


def test_what_goes_with_the_device_is_learnt_and_serves_by_the_same_path(tmp_path: Path) -> None:
    shop = Shop(sqlite_database(tmp_path))
    chance = random.Random(2)
    messages = []
    for visitor in range(900):
        device = chance.choice(("mobile", "desktop"))
        wanted = "p90" if device == "mobile" else "p91"
        for step, product in enumerate((f"p{chance.randrange(20):02}", wanted, f"p{chance.randrange(20):02}")):
            messages.append(shop.message(
                "Product Viewed", at=NOON - 5 * DAY + visitor * HOUR // 8 + step * MINUTE, browser=f"b{visitor}",
                product_id=product, name=product,
            ) | {"context": {"device": {"type": device}}})  # fmt: skip
    shop.send(*messages)
    shop.fold(batch=5_000)
    card = train_shop(shop.db, shop.id, gate=shop.pipeline.slices.gate, now=NOON)
    assert card.outcome == "serving"
    for device, wanted in (("Phone", "p90"), ("desktop", "p91")):
        asked = DecisionAsked(placement="product", context={"product_id": "p03", "device": device})
        decision, _ = shop.decider.compute(shop.id, asked, now=NOON, trial={"nothing": ()})
        assert decision.items[0]["item_id"] == wanted
    shop.close()


def test_memory_is_bounded_by_the_newest_steps(shop: Shop) -> None:
    walked(shop, visits=60)
    found = read_visits(shop.db, shop.id, now=NOON, may=everybody, most=50)
    assert sum(map(len, found.sessions)) <= 50
    assert found.ended_at.tolist() == sorted(found.ended_at.tolist())


def test_who_refused_is_not_learnt_from(shop: Shop) -> None:
    walked(shop, visits=12)
    shop.send(shop.message(
        "Consent Preference Updated", at=NOON - HOUR, browser="b3",
    ) | {"context": {"consent": {"categoryPreferences": {"personalisation": False}}}})  # fmt: skip
    shop.fold()
    card = train_shop(shop.db, shop.id, gate=shop.pipeline.slices.gate, now=NOON)
    assert (card.visits, card.left_out) == (11, 1)


def test_the_running_visit_is_what_followed_without_a_pause() -> None:
    entries = [
        Recent("old", NOON - DAY, 1), Recent("a", NOON + 2 * MINUTE, 1, [NOON]), Recent("b", NOON + MINUTE, 2),
        Recent("c", NOON + 3 * MINUTE, 1),
    ]  # fmt: skip
    assert running_visit(entries) == ["a", "b", "a", "c"]
    assert running_visit([]) == []


def test_a_shop_is_trained_once_at_a_time_and_one_that_fails_holds_up_no_other(shop: Shop, tmp_path: Path) -> None:
    with shop.db.write() as conn:
        other = create_workspace(conn, slug="other", name="Other", now=NOON)

    def due(at: int) -> str | None:
        with shop.db.read() as conn:
            found = _shop_due(conn, tmp_path, at)
        return found.slug if found else None

    ours, theirs = (models.folder_of(tmp_path, one) for one in (shop.id, other.id))
    first = due(NOON)
    assert first not in (None, "other")
    models.say_progress(ours, "beginning", 0.0, now=NOON)
    assert due(NOON) == "other"
    models.say_progress(theirs, "beginning", 0.0, now=NOON + MINUTE)
    assert due(NOON + 2 * MINUTE) is None, "not again at once, though a worker has forgotten both"
    assert due(NOON + 3 * HOUR) == first
    with models.alone(ours):
        assert due(NOON + 3 * HOUR) == "other"
        with pytest.raises(Conflict), models.alone(ours):
            pass
    assert due(NOON + 3 * HOUR) == first
