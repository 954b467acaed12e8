"""Bundles at the console: what is in each, how many can be had, and stating one by hand."""

from __future__ import annotations

from litestar.testing import TestClient

from rapport.capabilities.products.web import WEB
from rapport.capabilities.supply.web import WEB as SUPPLY
from rapport.collect.appender import Appender
from rapport.kernel.clock import now_us
from rapport.web import accounts
from rapport.web.app import create_app
from tests.rooms.web.conftest import PASSWORD, sign_in, submit
from tests.shop import Shop


def test_a_bundle_is_stated_by_hand_and_a_slip_says_what_is_wrong(shop: Shop) -> None:
    now = now_us()
    for product in ("chianti", "corkscrew", "gift-set"):
        shop.send(shop.message("Product Stated", at=now, product_id=product, name=product.title(), price=9,
                               currency="EUR"))  # fmt: skip
    for product, pieces in (("chianti", 9), ("corkscrew", 3)):
        shop.send(shop.message("Stock Level Changed", at=now, location_id="dc", product_id=product, on_hand=pieces))
    shop.fold()
    accounts.create_user(
        shop.db, email="ada@example.com", password=PASSWORD, name="Ada", workspace=shop.id, role="owner", now=now
    )
    slices, appender = shop.pipeline.slices, Appender(shop.db)
    app = create_app(
        db=shop.db, wording=slices.wording, permissions=slices.permissions, parts={"products": WEB, "supply": SUPPLY},
        provided={"appender": appender, "vocabulary": slices.vocabulary, "remembered": slices.remembered},
    )  # fmt: skip
    page = "/console/bundles"
    with TestClient(app) as browser:
        sign_in(browser, "ada@example.com")
        assert "No bundles yet" in browser.get(page).text
        for product, parts, why in (
            ("gift-set", "2 chianty", "no product"), ("gift-set", "0 chianti", "no part"), ("", "1 chianti", "which"),
            ("gift-set", "1 gift-set", "part of itself"),
        ):  # fmt: skip
            refused = submit(browser, page, page, product_id=product, parts=parts)
            assert (refused.status_code, why in refused.text, parts in refused.text) == (400, True, True), parts
        assert submit(browser, page, page, product_id="gift-set", parts="2 x chianti\n\ncorkscrew").status_code == 303
        shop.fold()
        listed = browser.get(page).text
        assert ("Gift-Set" in listed, ">3<" in listed) == (True, True)  # 9 // 2 and 3
        assert "2 chianti\n1 corkscrew" in browser.get(f"{page}?change=gift-set").text
        assert "Part of" in browser.get("/console/products/corkscrew").text
        assert "Made of" in browser.get("/console/products/gift-set").text
    appender.close()
