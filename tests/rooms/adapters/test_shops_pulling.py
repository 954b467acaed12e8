"""What webhooks lost is fetched: from real lists over HTTP, page by page, each thing told once, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from rapport.act.channels import ChannelSettings, Outgoing
from rapport.act.outbox import Dispatcher
from rapport.act.store import outbox
from rapport.adapters.shops import store as doors
from rapport.adapters.shops.pulling import channel, service, store
from rapport.adapters.shops.pulling.channel import PullChannel
from rapport.adapters.shops.pulling.jobs import PULLING
from rapport.adapters.shops.pulling.model import Place, Unreadable
from rapport.adapters.shops.pulling.service import PullWanted
from rapport.adapters.shops.pulling.store import Pull
from rapport.adapters.shops.pulling.systems import SYSTEMS
from rapport.adapters.shops.watches import WATCHES
from rapport.adapters.shops.web import WEB
from rapport.capabilities.catalog.shown import find_shown
from rapport.capabilities.supply import product_shown
from rapport.collect.admission import Everything
from rapport.collect.limiter import InFlight
from rapport.collect.pages import PAGES as COLLECT_PAGES
from rapport.collect.sources import create_source, list_sources
from rapport.kernel.clock import DAY, HOUR, MINUTE, now_us, to_iso
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.part import WebPart
from tests.databases import sqlite_database
from tests.jobs import turns
from tests.rooms.adapters.shop_systems import KEY, RawAnswer, ShopSystem
from tests.rooms.adapters.test_shops import MEDUSA_ORDER, SALEOR_ORDER, WOO_ORDER, deliver, shopify_order
from tests.rooms.web.conftest import PASSWORD, sign_in, submit
from tests.running import Server, http
from tests.shop import Shop

NOW = now_us()
AGO = [to_iso(NOW - 20 * HOUR + n * MINUTE) for n in range(400)]


def lists_of(kind: str, number: int = 1) -> dict[str, list[dict[str, Any]]]:
    """A product with its stock, and so many orders of it, as the system's lists have them."""
    if kind == "shopify":
        product = {"id": 788, "title": "Chianti", "updated_at": AGO[0], "variants": [
            {"id": 64, "inventory_item_id": 80, "price": "12.50", "title": "Default"}]}  # fmt: skip
        level = {"inventory_item_id": 80, "location_id": 1, "available": 7, "updated_at": AGO[1]}
        orders = [{**shopify_order(), "id": n, "name": f"#{n}", "created_at": AGO[n], "updated_at": AGO[n]}
                  for n in range(1, number + 1)]  # fmt: skip
        return {"products": [product], "levels": [level], "orders": orders}
    if kind == "woocommerce":
        product = {"id": 93, "name": "Chianti", "type": "simple", "status": "publish", "price": "12.50",
                   "manage_stock": True, "stock_quantity": 7, "date_modified_gmt": AGO[0][:19]}  # fmt: skip
        orders = [{**WOO_ORDER, "id": n, "number": str(n), "date_created_gmt": AGO[n][:19],
                   "date_modified_gmt": AGO[n][:19], "refunds": []} for n in range(1, number + 1)]  # fmt: skip
        return {"products": [product], "orders": orders}
    if kind == "medusa":
        product = {"id": "prod_1", "title": "Chianti", "updated_at": AGO[0], "variants": [
            {"id": "variant_1", "inventory_items": [{"inventory_item_id": "iitem_1"}], "prices": []}]}  # fmt: skip
        level = {"id": "iitem_1", "location_levels": [
            {"location_id": "sloc_1", "stocked_quantity": 7, "updated_at": AGO[1]}]}  # fmt: skip
        orders = [{**MEDUSA_ORDER["data"], "id": f"order_{n}", "created_at": AGO[n], "updated_at": AGO[n],
                   "payment_collections": []} for n in range(1, number + 1)]  # fmt: skip
        return {"products": [product], "levels": [level], "orders": orders}
    product = {
        "id": "P",
        "name": "Chianti",
        "updatedAt": AGO[0],
        "variants": [
            {"id": "V", "sku": "W-1", "stocks": [{"warehouse": {"id": "W"}, "quantity": 7, "quantityAllocated": 0}]}
        ],
    }
    orders = [{**SALEOR_ORDER["order"], "id": f"O{n}", "number": str(n), "created": AGO[n], "updatedAt": AGO[n],
               "grantedRefunds": []} for n in range(1, number + 1)]  # fmt: skip
    return {"products": [product], "orders": orders}


def names_of(shop: Shop) -> dict[str, int]:
    """How many facts there are of each name."""
    found: dict[str, int] = {}
    for name in ("Product Stated", "Stock Level Changed", "Order Completed", "Order Updated"):
        if number := len(shop.facts(name)):
            found[name] = number
    return found


def connect(shop: Shop, system: ShopSystem, **more: Any) -> Pull:
    """As the console does, on a source of the shop's."""
    with shop.db.write() as conn:
        if not list_sources(conn, shop.id):
            create_source(conn, shop.id, name="Shop", kind="server", now=NOW, source_id="shop")
        wanted = PullWanted(**({"address": system.url, "access": KEY} | more))
        kind: Any = system.kind
        return service.keep_pull(conn, shop.id, "shop", kind, wanted, allow_private=True, now=now_us())


def pull(shop: Shop, *, later: int = 0, sleep: Any = lambda seconds: None) -> tuple[str, str]:
    """As a worker does: the job asks for what is due, the outbox carries it. What became of the message, and why."""
    now = now_us() + later
    turns(shop.db, PULLING, now=now)
    given = ChannelSettings(allow_private=True, vocabulary=shop.pipeline.slices.vocabulary)
    dispatcher = Dispatcher(shop.db, [PullChannel(shop.db, given, sleep=sleep)])
    dispatcher.run_once(now)
    dispatcher.close()
    shop.fold()
    return max((row["due_at"], (row["status"], row["last_error"])) for row in shop.rows(outbox))[1]


def state(shop: Shop) -> Pull:
    with shop.db.read() as conn:
        [found] = store.pulls_of(conn, shop.id)
    return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop on SQLite."""
    found = Shop(sqlite_database(tmp_path))
    yield found
    found.close()


@pytest.fixture(params=["shopify", "woocommerce", "medusa", "saleor"])
def system(request: pytest.FixtureRequest) -> Iterator[ShopSystem]:
    """A shop of each system in turn."""
    with ShopSystem(request.param) as found:
        yield found


@pytest.fixture
def woo() -> Iterator[ShopSystem]:
    with ShopSystem("woocommerce") as found:
        yield found


def test_what_webhooks_lost_is_fetched_page_by_page_and_told_once(any_shop: Shop, system: ShopSystem) -> None:
    shop = any_shop
    system.lists |= lists_of(system.kind, 130)
    connect(shop, system)
    assert pull(shop)[0] == "delivered"
    assert names_of(shop) == {
        "Product Stated": 1, "Stock Level Changed": 1, "Order Completed": 130, "Order Updated": 130,
    }  # fmt: skip
    with shop.db.read() as conn:
        product = {"shopify": "788", "woocommerce": "93", "medusa": "prod_1", "saleor": "P"}[system.kind]
        assert product_shown(conn, shop.id, product, now=now_us()).available == 7
    done = state(shop)
    assert (done.place, done.last_error, done.facts >= 262) == (None, "", True)
    number = len(system.asked)
    pull(shop)  # not due yet
    assert len(system.asked) == number
    assert pull(shop, later=2 * HOUR)[0] == "delivered"
    assert len(system.asked) - number <= 6  # what did not change since is not read again
    assert (names_of(shop)["Order Updated"], state(shop).facts) == (130, 0)


def test_what_a_webhook_told_is_not_told_again_and_the_other_way_round(shop: Shop, system: ShopSystem) -> None:
    system.lists |= lists_of(system.kind, 2)
    topic = {"shopify": "orders/updated", "woocommerce": "order.updated", "medusa": "", "saleor": "order_updated"}
    bodies: list[dict[str, Any]] = system.lists["orders"]
    if system.kind in ("medusa", "saleor"):  # their webhooks wrap what their lists have
        bodies = [
            {"event": "order.updated", "data": one} if system.kind == "medusa" else {"order": one} for one in bodies
        ]
    one, other = bodies
    deliver(shop, system.kind, topic[system.kind], one)
    connect(shop, system)
    pull(shop)
    assert names_of(shop)["Order Completed"] == names_of(shop)["Order Updated"] == 2
    assert deliver(shop, system.kind, topic[system.kind], other, at=100).outcome == "duplicates"
    with shop.db.read() as conn:
        [door] = doors.doors_of(conn, shop.id)
    assert (door.accepted, door.duplicates) == (2, 1)  # what was fetched is no delivery


@pytest.mark.parametrize("kind", ["woocommerce", "medusa"])
def test_what_changes_while_it_is_read_pushes_nothing_past_the_reader(shop: Shop, kind: str) -> None:
    """The first order changes as the second page is asked: by the page's number the one behind it would be lost."""
    with ShopSystem(kind) as system:
        system.lists |= lists_of(kind, 250)
        field = "date_modified_gmt" if kind == "woocommerce" else "updated_at"
        asked: list[str] = []

        def sell(path: str) -> None:
            if "orders" in path:
                asked.append(path)
                if len(asked) == 2:
                    system.lists["orders"][0][field] = AGO[390][: len(system.lists["orders"][0][field])]

        system.before = sell
        connect(shop, system)
        pull(shop)
    assert names_of(shop)["Order Completed"] == 250


def test_variations_and_what_lies_in_the_bin_are_fetched_too(shop: Shop, woo: ShopSystem) -> None:
    [tea] = lists_of("woocommerce")["products"]
    woo.lists["products"] = [
        {**tea, "id": 1, "type": "variable", "manage_stock": False}, {**tea, "id": 2, "status": "trash"},
    ]  # fmt: skip
    woo.lists["variations"] = [
        {"of": 1, "id": 1_000 + number, "manage_stock": True, "stock_quantity": 4, "date_modified_gmt": AGO[2][:19]}
        for number in range(150)
    ]
    connect(shop, woo)
    pull(shop)
    with shop.db.read() as conn:
        for variant in ("1000", "1149"):  # on the first and the second page of them
            assert product_shown(conn, shop.id, "1", variant=variant, now=now_us()).available == 4
        assert find_shown(conn, shop.id, "1", now=now_us()).visible
        assert not find_shown(conn, shop.id, "2", now=now_us()).visible


def test_a_deleted_product_of_shopify_is_withdrawn(shop: Shop) -> None:
    with ShopSystem("shopify") as system:
        system.lists |= lists_of("shopify")
        connect(shop, system)
        pull(shop)
        system.lists["gone"] = [
            {"subject_id": 788, "subject_type": "Product", "verb": "destroy", "created_at": to_iso(now_us())}
        ]
        system.lists["products"] = []
        pull(shop, later=2 * HOUR)
    with shop.db.read() as conn:
        assert not find_shown(conn, shop.id, "788", now=now_us()).visible


def test_a_shop_that_asks_to_wait_is_asked_later_from_the_same_page(shop: Shop, woo: ShopSystem) -> None:
    woo.lists |= lists_of("woocommerce", 130)
    connect(shop, woo)
    sells = iter(range(100))
    woo.before = lambda path: woo.faults.append((429, {"Retry-After": "120"})) if next(sells) == 2 else None
    status, why = pull(shop)
    assert (status, why) == ("pending", "orders: answered 429")
    kept = state(shop)
    assert kept.place is not None
    assert kept.place.since > 0
    assert kept.last_error == "orders: answered 429"
    assert pull(shop, later=MINUTE)[0] == "pending"  # it asked for two minutes
    asked = len(woo.asked)
    assert pull(shop, later=5 * MINUTE)[0] == "delivered"
    assert [path for path in woo.asked[asked:] if "/products" in path] == []
    assert (names_of(shop)["Order Completed"], state(shop).failed_at) == (130, None)


def test_a_list_whose_cursor_is_known_no_more_is_begun_once_more(shop: Shop) -> None:
    with ShopSystem("shopify") as system:
        system.lists |= lists_of("shopify", 130)
        connect(shop, system)
        asked = iter(range(100))
        system.before = lambda path: system.faults.append((400, {})) if next(asked) == 4 else None
        assert pull(shop) == ("pending", "orders: answered 400")
        kept = state(shop)
        assert (kept.place and kept.place.page, kept.failed_at is None) == ("", False)
        number = len(system.asked)
        assert pull(shop, later=10 * MINUTE)[0] == "delivered"
        assert len(system.asked) - number == 2  # the orders alone
    assert (names_of(shop)["Order Completed"], state(shop).failed_at, state(shop).last_error) == (130, None, "")


def test_a_cursor_that_is_refused_in_words_twice_is_given_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with ShopSystem("saleor") as system:
        system.lists |= lists_of("saleor", 60)
        connect(shop, system)
        answer, refused = system.answer, iter(range(2))

        def answered(path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
            if b'"after":"' in body and next(refused, None) is not None:
                return 200, {}, {"errors": [{"message": "Received cursor is invalid."}]}
            return answer(path, body, headers)

        monkeypatch.setattr(system, "answer", answered)
        pages = []
        for later in (0, 10 * MINUTE, 50 * MINUTE):
            pull(shop, later=later)
            place = state(shop).place
            pages.append(None if place is None else place.page)
    assert pages == ["50", "", None]
    assert (names_of(shop)["Order Completed"], state(shop).failed_at) == (60, None)


def test_a_shop_whose_pages_never_end_is_read_from_the_start_at_its_next_time(
    shop: Shop, woo: ShopSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    woo.lists |= lists_of("woocommerce", 130)
    connect(shop, woo)
    monkeypatch.setattr(channel, "MOST_PAGES", 2)
    assert pull(shop)[0] == "dead"
    assert (state(shop).pages, state(shop).place) == (0, Place(is_anew=True))
    monkeypatch.setattr(channel, "MOST_PAGES", 50)
    assert pull(shop, later=2 * HOUR)[0] == "delivered"
    assert (names_of(shop)["Order Completed"], state(shop).failed_at) == (130, None)


def test_a_bug_while_it_is_read_is_told_and_tried_again_at_once(
    shop: Shop, woo: ShopSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    woo.lists |= lists_of("woocommerce")
    connect(shop, woo)
    with monkeypatch.context() as broken:
        broken.delattr(channel, "take_fetched")
        assert pull(shop) == ("pending", "NameError")
    failed = state(shop)
    assert (failed.last_error, failed.leased_until) == ("it could not be read: NameError", 0)
    assert failed.failed_at is not None
    assert pull(shop, later=MINUTE)[0] == "delivered"


def test_no_header_of_a_shop_keeps_the_reader_busy() -> None:
    read, began = SYSTEMS["shopify"].lists[1].read, time.process_time()
    assert read(Place(), {"products": []}, {"link": "<" + "?page_info=" * 400}).page == ""
    assert time.process_time() - began < 1
    for link in ("<" * 20_000, '<https://shop.example/>; rel="next"', '<https://[/?page_info=a>; rel="next"'):
        with pytest.raises((Unreadable, ValueError)):
            read(Place(), {"products": []}, {"link": link})
    two = '<https://s.example/?page_info=a%7C>; rel="previous", <https://s.example/?limit=2&page_info=b%7C>; rel=next'
    assert read(Place(), {"products": []}, {"link": two}).page == "b|"


def test_while_one_message_waits_to_be_tried_again_no_other_is_sent(any_shop: Shop, woo: ShopSystem) -> None:
    """However often its time comes; somebody who asks for it, or mends it, has it tried at once."""
    shop = any_shop
    connect(shop, woo, every_minutes=5)
    woo.faults = [(429, {"Retry-After": "3600"})]
    for later in (0, 6 * MINUTE, 12 * MINUTE):
        assert pull(shop, later=later)[0] == "pending"
    assert (len(shop.rows(outbox)), len(woo.asked)) == (1, 1)
    with shop.db.write() as conn:
        service.fetch_now(conn, shop.id, "shop", "woocommerce", now=now_us() + 12 * MINUTE)
    assert pull(shop, later=12 * MINUTE)[0] == "delivered"
    assert len(shop.rows(outbox)) == 1
    pull(shop, later=14 * MINUTE)
    assert len(shop.rows(outbox)) == 2


def test_orders_of_more_days_are_fetched_though_it_was_read_before(shop: Shop, woo: ShopSystem) -> None:
    woo.lists |= lists_of("woocommerce", 2)
    long_ago = to_iso(NOW - 30 * DAY)[:19]
    woo.lists["orders"][0] |= {"date_created_gmt": long_ago, "date_modified_gmt": long_ago}
    connect(shop, woo, orders_days=10)
    pull(shop)
    assert names_of(shop)["Order Completed"] == 1
    connect(shop, woo, orders_days=10)
    assert state(shop).reached > 0
    connect(shop, woo, orders_days=40)
    pull(shop, later=MINUTE)
    assert (names_of(shop)["Order Completed"], names_of(shop)["Product Stated"]) == (2, 1)


def test_what_is_switched_off_is_not_fetched_now_and_says_so(shop: Shop, woo: ShopSystem) -> None:
    kept = connect(shop, woo, enabled=False)
    with shop.db.write() as conn, pytest.raises(Conflict, match="switched off"):
        service.fetch_now(conn, shop.id, "shop", "woocommerce", now=now_us() + DAY)
    assert state(shop).next_at == kept.next_at


def test_a_message_that_came_late_changes_nothing_of_when_it_is_read_next(shop: Shop, woo: ShopSystem) -> None:
    connect(shop, woo)
    pull(shop)
    with shop.db.write() as conn:
        read = store.claim(conn, shop.id, "shop", "woocommerce", now=now_us())
        assert read is not None
        store.ask_soon(conn, shop.id, "shop", "woocommerce", now=7)
        store.let_go(conn, read)
    assert (state(shop).next_at, state(shop).leased_until) == (7, 0)


class Killed(BaseException):
    """The process is gone."""


def test_a_killed_worker_is_followed_by_one_that_goes_on_where_it_stood(any_shop: Shop, woo: ShopSystem) -> None:
    shop = any_shop
    woo.lists |= lists_of("woocommerce", 130)
    connect(shop, woo)
    turns(shop.db, PULLING, now=now_us())
    [row] = shop.rows(outbox)
    pauses = iter(range(100))

    def die(seconds: float) -> None:
        if next(pauses) == 3:
            raise Killed

    given = ChannelSettings(allow_private=True, vocabulary=shop.pipeline.slices.vocabulary)
    message = Outgoing(**{name: row[name] for name in Outgoing.__struct_fields__})
    with pytest.raises(Killed):
        PullChannel(shop.db, given, sleep=die).deliver(message, now=now_us())
    assert state(shop).place is not None
    waits = PullChannel(shop.db, given, sleep=die).deliver(message, now=now_us())
    assert (waits.result, waits.detail, 1 < waits.retry_after_seconds < 400) == ("retry", "read by another", True)
    with shop.db.write() as conn:
        conn.execute(store.pulls.update().values(leased_until=0))  # the lease of the dead one is over
    done = PullChannel(shop.db, given, sleep=lambda seconds: None).deliver(message, now=now_us())
    shop.fold()
    assert (done.result, names_of(shop)["Order Completed"], names_of(shop)["Order Updated"]) == ("delivered", 130, 130)


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (401, {}, "products: answered 401: is the access key right, and may it read products?"),
        (302, {"Location": "http://169.254.169.254/"}, "products: answered 302: it leads elsewhere"),
        (404, {}, "products: answered 404: there is no such list"),
    ],
)
def test_what_people_must_change_is_said_and_not_asked_again(
    shop: Shop, woo: ShopSystem, status: int, headers: dict[str, str], why: str
) -> None:
    connect(shop, woo)
    woo.faults = [(status, headers)]
    outcome, told = pull(shop)
    assert outcome == "dead"
    assert told.startswith(why)
    assert (state(shop).last_error, len(woo.asked)) == (told, 1)
    [watch] = [one for one in WATCHES if one.name == "shops.pull"]
    assert watch.read is not None
    with shop.db.read() as conn:
        assert watch.read(conn, shop.id, now_us()) == []  # once is no alarm
        [alarm] = watch.read(conn, shop.id, now_us() + DAY)
    assert KEY not in str(alarm) + told
    assert "woocommerce" in alarm.what.lower()


def test_an_answer_of_anything_ends_in_words(shop: Shop, system: ShopSystem) -> None:
    answers = ['{"orders": 1}', "[[[", "<html>", '"x"', "[1, null, {}]", '{"data": {"products": {"edges": [3]}}}']

    def anything(*_: Any) -> tuple[int, dict[str, str], Any]:
        return 200, {}, RawAnswer(answers[0])

    system.answer = anything  # type: ignore[method-assign, assignment]  # the shop is another thing now
    while answers:
        connect(shop, system)
        assert pull(shop, later=HOUR * (8 - len(answers)))[0] in ("pending", "delivered")
        answers.pop(0)
    assert names_of(shop) == {}


def test_a_key_goes_to_no_private_address_and_to_no_other_than_it_was_typed_for(shop: Shop) -> None:
    with shop.db.write() as conn:
        create_source(conn, shop.id, name="Shop", kind="server", now=NOW, source_id="shop")

        def keep(address: str, access: str = "", **more: Any) -> Pull:
            wanted = PullWanted(address=address, access=access, **more)
            return service.keep_pull(conn, shop.id, "shop", "shopify", wanted, allow_private=False, now=now_us())

        for address in (
            "http://shop.example",
            "https://10.0.0.1",
            "https://127.0.0.1",
            "https://2130706433",
            "https://169.254.169.254",
            "ftp://shop.example",
            "https://shop.example/?a=1",
            "https://u@h.example",
        ):
            with pytest.raises(InvalidInput):
                keep(address, KEY)
        for access in ("", "with blank", "Schlüssel", "line\nbreak"):
            with pytest.raises(InvalidInput):
                keep("https://shop.example", access)
        assert keep("https://shop.example/", KEY, version=0).version == 1
        assert keep("https://shop.example", version=1, every_minutes=5).every_minutes == 5
        with pytest.raises(Conflict):
            keep("https://shop.example", version=1)
        with pytest.raises(InvalidInput, match="key is needed"):
            keep("https://attacker.example")


def test_the_key_lies_sealed(shop: Shop, woo: ShopSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_SECRET_KEY", "k" * 40)
    connect(shop, woo)
    [row] = shop.rows(store.pulls)
    assert row["access"].startswith("sealed1:")
    assert "cs_secret" not in row["access"]
    assert pull(shop)[0] == "delivered"


def test_a_private_name_is_refused_when_it_is_asked(shop: Shop, woo: ShopSystem) -> None:
    """What was allowed when it was typed is looked at again at each request: names change where they lead."""
    connect(shop, woo)
    turns(shop.db, PULLING, now=now_us())
    given = ChannelSettings(allow_private=False, vocabulary=shop.pipeline.slices.vocabulary)
    dispatcher = Dispatcher(shop.db, [PullChannel(shop.db, given)])
    dispatcher.run_once()
    dispatcher.close()
    assert woo.asked == []
    assert "TLS" in state(shop).last_error


def test_a_program_connects_a_shop_whose_key_is_never_shown(shop_server: Server) -> None:
    def call(method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {shop_server.api_key}"}
        return http.request(method, f"{shop_server.url}/api/v1/{path}", headers=headers, **options)

    source = call("GET", "sources").json()[0]["id"]
    path = f"shops/saleor/{source}/pull"
    assert call("GET", path).status_code == 404
    assert call("PUT", path, json={"address": "https://127.0.0.1", "access": KEY}).status_code == 400
    kept = call("PUT", path, json={"address": "https://shop.invalid", "access": KEY, "enabled": False})
    assert (kept.status_code, kept.json()["version"], kept.json()["reading"]) == (200, 1, "")
    assert call("PUT", path, json={"address": "https://shop.invalid", "version": 7}).status_code == 409
    assert KEY not in call("GET", path).text
    assert call("DELETE", path).status_code == 204
    assert call("POST", f"{path}/now").status_code == 404


def test_at_the_console_a_shop_is_connected_and_its_source_tells_how_far_it_is(shop: Shop, woo: ShopSystem) -> None:
    with shop.db.write() as conn:
        create_source(conn, shop.id, name="Shop", kind="server", now=NOW, source_id="shop")
    accounts.create_user(
        shop.db, email="ada@example.com", password=PASSWORD, name="Ada", workspace=shop.id, role="owner", now=NOW
    )
    slices, page = shop.pipeline.slices, "/console/sources/shop/shops"
    app = create_app(
        db=shop.db, wording=slices.wording, permissions=slices.permissions,
        parts={"collect": WebPart(pages=(COLLECT_PAGES,)), "shops": WEB},
        provided={
            "vocabulary": slices.vocabulary, "admission": Everything(), "in_flight": InFlight(10**8),
            "channel_settings": ChannelSettings(allow_private=True),
        },
    )  # fmt: skip
    form = {"shop": "woocommerce", "address": woo.url, "every_minutes": "30", "orders_days": "60", "enabled": "yes",
            "version_woocommerce": "0", "secret": "of its webhooks"}  # fmt: skip
    woo.lists |= lists_of("woocommerce", 3)
    with TestClient(app) as browser:
        sign_in(browser, "ada@example.com")
        assert "Nothing is fetched yet" in browser.get(page).text
        assert "stays lost" in browser.get("/console/sources/shop").text
        refused = submit(browser, page, page, **form)
        assert (refused.status_code, woo.url in refused.text) == (400, True)
        assert submit(browser, page, page, **form, access=KEY).status_code == 303
        assert submit(browser, page, page, **form, access=KEY).status_code == 409  # two at once
        shown = browser.get(page).text
        assert 'name="version_woocommerce" value="1"' in shown
        assert 'name="version_saleor" value="0"' in shown
        second = {**form, "shop": "saleor", "version_woocommerce": "1", "version_saleor": "0", "enabled": ""}
        assert submit(browser, page, page, **second, access=KEY).status_code == 303
        assert submit(browser, page, f"{page}/saleor/remove").status_code == 303
        woo.faults = [(401, {})]
        pull(shop)
        assert "is the access key right" in browser.get("/console/sources/shop").text
        assert submit(browser, page, f"{page}/woocommerce/fetch").status_code == 303
        pull(shop)
        told = browser.get(page).text
        assert ("up to date" in told, "/v1/webhooks/woocommerce/shop" in told) == (True, True)
        assert KEY not in told
        assert submit(browser, page, f"{page}/woocommerce/remove").status_code == 303
    with shop.db.read() as conn:
        assert store.pulls_of(conn, shop.id) == []
