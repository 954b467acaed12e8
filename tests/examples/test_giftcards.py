"""The example slice: its table, trait, fact, page, address, setting and erasure work, and it can be left out and come
back. What its wheel does in an environment of its own is in `tests/docs/test_wheel.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from litestar.testing import TestClient

from rapport.act.jobs import Moment, Turn
from rapport.app.asgi import create_server
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.app.tables import write
from rapport.app.wiring import OWN
from rapport.compose.installed import Installed
from rapport.compose.person import erase_person, export_person
from rapport.decide import people
from rapport.kernel.clock import DAY, MINUTE, now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key
from rapport.remember.golden import find_root, golden_record
from rapport.storage import settings
from rapport.storage.leases import Leases
from rapport.storage.migrate import migrate
from rapport.web import accounts
from rapport_giftcards import store
from rapport_giftcards.commands import giftcards
from rapport_giftcards.jobs import EXPIRY
from rapport_giftcards.service import is_valid
from rapport_giftcards.settings import CARD_SETTINGS, CardSettings
from rapport_giftcards.slice import GIFTCARDS
from tests.databases import ENGINES, database_at
from tests.installation import Opened
from tests.rooms.web.conftest import PASSWORD, sign_in
from tests.shop import NOON, Shop

WITH_CARDS, WITHOUT = Installed([*OWN, GIFTCARDS]), Installed(OWN)


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    found = Shop(database_url, slices=WITH_CARDS)
    yield found
    found.close()


def sold(shop: Shop, code: str, amount: object, *, user: str = "ada", at: int = NOON, **more: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {"code": code, "amount": amount, "currency": "EUR"} | more
    return shop.message("Gift Card Sold", at=at, user=user, **stated)


def left(shop: Shop) -> dict[str, int]:
    with shop.db.read() as conn:
        return {card.code: card.left_minor for card in store.cards(conn, shop.id)}


def bought(shop: Shop, user: str = "ada") -> Any:
    with shop.db.read() as conn:
        root = find_root(conn, shop.id, f"user_id:{user}")
        record = golden_record(conn, shop.id, root, now=NOON, remembered=shop.pipeline.slices.remembered)
    trait = record.traits.get("gift_cards_bought")
    return trait and trait.value


def test_a_card_is_worth_what_was_paid_less_what_was_redeemed_in_whatever_order_and_however_often(shop: Shop) -> None:
    redeemed = shop.message(
        "Gift Card Redeemed", at=NOON + MINUTE, user="bo", id="r1", code="abc", amount="7.50", currency="EUR"
    )
    first = sold(shop, "ABC", 50) | {"messageId": "s1"}
    shop.send(redeemed)
    shop.fold()
    shop.send(first, first, redeemed)
    shop.fold()
    assert left(shop) == {"ABC": 4250}
    assert bought(shop) == 1


@pytest.mark.parametrize("amount", [None, "much", -5, 0, True])
def test_a_fact_without_a_card_or_an_amount_moves_nothing_and_fails_nothing(shop: Shop, amount: object) -> None:
    shop.send(sold(shop, "ABC", amount), sold(shop, "", 5), sold(shop, "DEF", 5, currency="POINTS"))
    shop.fold()
    assert left(shop) == {}


def test_how_long_a_card_is_good_is_the_shops_own_setting(shop: Shop) -> None:
    card = store.CardShown("ABC", "EUR", 4250, NOON)
    assert is_valid(card, CardSettings(), now=NOON + 31 * DAY)
    with shop.db.write() as conn:
        settings.save(conn, shop.id, CARD_SETTINGS, CardSettings(valid_days=30), version=0, by="Ada", now=NOON)
        decided = settings.load(conn, shop.id, CARD_SETTINGS).value
    assert not is_valid(card, decided, now=NOON + 31 * DAY)


def test_a_card_that_is_too_old_loses_what_is_on_it_once_and_others_keep_theirs(shop: Shop) -> None:
    shop.send(sold(shop, "OLD", 50), sold(shop, "NEW", 20, at=NOON + 300 * DAY))
    shop.fold()
    with shop.db.write() as conn:
        settings.save(conn, shop.id, CARD_SETTINGS, CardSettings(valid_days=30), version=0, by="Ada", now=NOON)
    now = NOON + 310 * DAY
    moment = Moment(owner="w", buckets=[0])
    leases = Leases(shop.db, "w")
    leases.maintain()
    turn = Turn(shop.db, EXPIRY, moment, now=now, kept={})
    assert EXPIRY in WITH_CARDS.jobs
    with shop.db.read() as conn:
        assert EXPIRY.due(conn, turn)
    assert EXPIRY.run(turn) == 1
    with shop.db.read() as conn:
        assert not EXPIRY.due(conn, turn)
    assert EXPIRY.run(turn) == 0
    assert left(shop) == {"OLD": 0, "NEW": 2000}


def test_it_is_told_on_the_timeline_in_its_own_words(shop: Shop) -> None:
    shop.send(sold(shop, "ABC", 50))
    (fact,) = shop.facts("Gift Card Sold")
    told = WITH_CARDS.wording.tell(fact)
    assert (told.icon, told.tone, told.detail) == ("card", "buy", "€50.00 · card ABC")


def test_a_person_is_handed_their_cards_and_then_forgotten(shop: Shop) -> None:
    shop.send(sold(shop, "ABC", 50), sold(shop, "DEF", 20, user="bo"))
    shop.fold()
    with shop.db.write() as conn:
        root = find_root(conn, shop.id, "user_id:ada")
        keys: list[Key] = people.strands_by_root(conn, shop.id, [root])[root]
        rows = export_person(conn, WITH_CARDS, shop.id, keys)["giftcards"]["giftcards_movements"]
        assert [(row["code"], row["minor"]) for row in rows] == [("ABC", 5000)]
        erase_person(conn, WITH_CARDS, shop.id, keys)
    assert left(shop) == {"DEF": 2000}


def test_left_out_its_data_rests_and_when_it_is_back_it_goes_on(shop: Shop, database_url: str) -> None:
    """What was kept before is there as it was, trait and table; what was told meanwhile is in the log alone."""
    shop.send(sold(shop, "ABC", 50))
    shop.fold()
    without = Shop(database_url, slices=WITHOUT)
    without._cursor = shop._cursor
    without.send(sold(shop, "XYZ", 10, at=NOON + MINUTE), shop.message("Product Viewed", at=NOON, user="ada"))
    without.fold()
    assert bought(without) is None
    without.close()
    again = Shop(database_url, slices=WITH_CARDS)
    again._cursor = without._cursor
    again.send(sold(shop, "DEF", 20, at=NOON + 2 * MINUTE))
    again.fold()
    assert left(again) == {"ABC": 5000, "DEF": 2000}
    assert bought(again) == 2
    again.close()


def test_its_page_its_address_and_its_setting_are_there_behind_the_guard(tmp_path: Path) -> None:
    options = Settings.load({}, data_dir=tmp_path)
    db = open_database(options, slices=WITH_CARDS)
    key = bootstrap(db, options, slices=WITH_CARDS).api_key
    server = Server(options, db, slices=WITH_CARDS)
    with TestClient(create_server(options, server)) as client:  # type: ignore[type-var]
        headers = {"Authorization": f"Bearer {key}"}
        assert client.get("/api/v1/giftcards/ABC").status_code == 401
        assert client.get("/api/v1/giftcards/ABC", headers=headers).json()["hint"] == "is it typed as it is printed?"
        assert "giftcards" in [one["section"] for one in client.get("/api/v1/settings", headers=headers).json()]
        assert (
            client.get("/console/giftcards", follow_redirects=False).headers["location"].startswith("/console/sign-in")
        )
    server.close()


def test_its_command_says_what_is_left_on_a_card(shop: Shop) -> None:
    assert WITH_CARDS.commands["giftcards"].load() is giftcards
    shop.send(sold(shop, "ABC", 50, at=now_us()))
    shop.fold()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(giftcards, ["balance", *arguments], obj=Opened(shop.db))

    assert run("abc").output == "ABC  €50.00 left, valid\n"
    told = json.loads(run("abc", "--json").output)
    assert told == {"code": "ABC", "currency": "EUR", "left_minor": 5000, "valid": True}
    assert isinstance(run("XYZ").exception, NotFound)


class Visited(NamedTuple):
    """A browser at the server of a shop with cards, and the write key of the shop's website."""

    client: TestClient[Any]
    key: str
    shop: Shop


@pytest.fixture(scope="module", params=ENGINES)
def visited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    folder = tmp_path_factory.mktemp("visited")
    with database_at(request.param, folder) as url:
        shop = Shop(url, slices=WITH_CARDS)
        shop.send(sold(shop, "ABC-1", 50, at=now_us()), sold(shop, "OLD-1", 20, at=NOON - 4_000 * DAY))
        shop.send(
            shop.message("Gift Card Redeemed", at=now_us(), user="bo", code="abc-1", amount="7.50", currency="EUR")
        )
        shop.fold()
        options = Settings.load({}, data_dir=folder, database_url=url)
        db = open_database(options, slices=WITH_CARDS)
        key = bootstrap(db, options, slices=WITH_CARDS).write_key
        server = Server(options, db, slices=WITH_CARDS)
        with TestClient(create_server(options, server)) as client:  # type: ignore[type-var]
            yield Visited(client, key, shop)
        server.close()
        shop.close()


def test_a_shopper_reads_what_is_left_by_the_code_and_learns_nothing_of_other_cards(
    visited: Visited,
) -> None:
    client = visited.client
    assert "What is left on my gift card?" in client.get("/shop/giftcards/left").text
    assert "<strong>€42.50</strong>" in client.post("/shop/giftcards/left", data={"code": " abc-1 "}).text
    german = client.post("/shop/giftcards/left", data={"code": "ABC-1"}, headers={"Accept-Language": "de"})
    assert "<strong>42,50\xa0€</strong>" in german.text
    answers = {client.post("/shop/giftcards/left", data={"code": code}).text for code in ("OLD-1", "NONE", "", "\0'%")}
    assert len(answers) == 1
    assert "or it is not one of ours" in answers.pop()
    assert client.post("/shop/giftcards/left", data={"code": "A", "more": "B"}).status_code == 400


def test_the_shops_own_site_shows_the_same_with_its_write_key(visited: Visited) -> None:
    client, key = visited.client, visited.key
    assert client.get("/components/giftcards/left").status_code == 401
    part = client.post(f"/components/giftcards/left?key={key}", data={"code": "ABC-1"})
    assert "<strong>€42.50</strong>" in part.text
    assert "<html" not in part.text


def test_the_customers_page_shows_their_cards_and_home_what_is_left_on_all(visited: Visited) -> None:
    client, shop = visited.client, visited.shop
    accounts.create_user(
        shop.db, email="a@example.com", password=PASSWORD, name="Ann", workspace=shop.id, role="agent", now=now_us()
    )
    sign_in(client, "a@example.com")
    page = client.get("/console/customers/user_id:bo").text
    assert "ABC-1" in page
    assert "€42.50 left" in page
    assert "OLD-1" not in page
    home = client.get("/console").text
    assert "Left on gift cards" in home
    assert "€62.50" in home


def test_codes_cannot_be_tried_one_after_another(visited: Visited) -> None:
    for path in ("/shop/giftcards/left", f"/components/giftcards/left?key={visited.key}"):
        tried = [visited.client.post(path, data={"code": f"C{number}"}).status_code for number in range(12)]
        assert tried.count(200) <= 10
        assert tried[-1] == 429


def test_its_migrations_make_what_it_declares(shop: Shop, tmp_path: Path) -> None:
    """A difference would be written as the next migration of its own branch, and of no other."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in (GIFTCARDS.migrations or folder).glob("0*.py"):
        (folder / path.name).write_text(path.read_text())
    path = Path(write("nothing new", slices=_with_migrations(folder), of="giftcards"))
    assert path.parent == folder
    assert "op." not in path.read_text().partition("def upgrade")[2]
    migrate(shop.db, _with_migrations(folder).branches)
    with shop.db.read() as conn:
        assert conn.execute(sa.text("SELECT version_num FROM schema_of_giftcards")).scalar_one() == "0002"


def _with_migrations(folder: Path) -> Installed:
    return Installed([*OWN, msgspec.structs.replace(GIFTCARDS, migrations=folder)])
