"""No page of the console says a word that no catalogue holds.

A language that does not exist is spoken: each text of the catalogues stands in ⟦ ⟧, and all that the shop was told is
Cyrillic. A Latin word outside the brackets is then a text that nobody could translate.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from rapport.app.asgi import create_server
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.collect.sources import create_source
from rapport.kernel.clock import DAY, HOUR, now_us, to_iso
from rapport.kernel.language import ENGLISH, Language, speak
from rapport.storage.shops import ShopWanted, change_shop
from rapport.web import accounts
from rapport.web.catalogues import LANGUAGES
from tests.databases import sqlite_database
from tests.rooms.web.conftest import PASSWORD, sign_in
from tests.rooms.web.test_languages import QUIET, SAID, messages
from tests.shop import Shop

SAME = frozenset({
    "Rapport", "SQLite", "google", "identify", "track", "CSV", "JSON", "SQL", "API", "MJML", "Liquid", "WhatsApp",
    "SMS", "URL", "TLS", "DKIM", "GTIN", "SKU", "RFM", "Amazon", "Mailgun", "Meta", "SendGrid", "Twilio",
    "push", "sms", "whatsapp",
})  # fmt: skip
"""What is the same in every language: names of things, formats and laws."""
NAMES = re.compile(
    r"\b[a-z_]+: ?[a-z+]\S+|[\w.+-]+@[\w.-]+|https?://\S+|/[\w/{}.-]+|[A-Z][A-Za-z_]+/[\w/+ -]+"
    r"|\b[a-z]+_\w+|\b[A-Z]{2,}\b|\b\w*\d\w*\b|\b[a-z]+(?:\.[a-z_]+)+\b|\([A-Z][\w/, .-]*\)"
)
"""Addresses, paths, time zones, names of fields, codes of countries and currencies, ids."""
WORD = re.compile(r"[A-Za-z]{3,}")


class Outside(HTMLParser):
    """What people read or hear of a page outside the brackets."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._quiet: list[str] = []
        self._deep = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {*QUIET, "textarea"} or given.get("translate") == "no":
            self._quiet.append(tag)
        for name in SAID:
            self._take(given.get(name) or "", deep=0)

    def handle_endtag(self, tag: str) -> None:
        if self._quiet and self._quiet[-1] == tag:
            self._quiet.pop()

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self._deep = self._take(data, deep=self._deep)

    def _take(self, text: str, *, deep: int) -> int:
        said = ""
        for letter in text:
            deep += {"⟦": 1, "⟧": -1}.get(letter, 0)
            said += letter if not deep and letter != "⟧" else " "
        words = [word for word in WORD.findall(NAMES.sub(" ", said)) if word not in SAME]
        if words:
            self.found.append(" ".join(said.split())[:100])
        return deep


class Marked:
    """Catalogues of a language in which each text stands in brackets."""

    def __init__(self) -> None:
        texts = {
            (one.id if isinstance(one.id, str) else one.id[0]): tuple(
                f"⟦{form}⟧" for form in ((one.id,) if isinstance(one.id, str) else one.id)
            )
            for one in messages("de")
        }
        self._spoken = Language("th", "th", texts, ENGLISH.form)

    def language(self, locale: str, room: Any = None) -> Language:
        return self._spoken

    def speaks(self, tag: str, room: Any) -> bool:
        return True


def tell(shop: Shop) -> None:
    """Somebody looks, orders, is written to and complains, all in Cyrillic."""
    now = now_us()
    person: dict[str, Any] = {
        "firstName": "Ада", "lastName": "Иванова", "email": "ada@example.com", "phone": "+4915112345678",
        "address": {"city": "Тверь", "country": "DE", "postalCode": "10115"},
    }  # fmt: skip
    thing: dict[str, Any] = {
        "product_id": "p1", "name": "Мёд", "category": "Еда", "brand": "Пасека", "price": 12.5, "currency": "EUR",
    }  # fmt: skip
    order: dict[str, Any] = {"currency": "EUR", "revenue": 12.5, "products": [thing | {"quantity": 1}]}
    for days in (40, 3, 0):
        at = now - days * DAY - HOUR
        shop.send(
            {"type": "identify", "messageId": f"i{days}", "userId": "7", "timestamp": to_iso(at), "traits": person},
            shop.message("Product Viewed", at=at + 1_000_000, user="7", **thing),
            shop.message("Cart Viewed", at=at + 2_000_000, user="8", products=[thing], currency="EUR"),
            shop.message("Order Completed", at=at + 3_000_000, user="7", **order | {"order_id": f"n{days}"}),
            shop.message("Order Refunded", at=at + 4_000_000, user="7", order_id="n40", currency="EUR", total=2),
            source="сайт",
        )  # fmt: skip
    shop.fold()


def test_no_page_says_a_word_that_no_catalogue_holds(tmp_path: Path) -> None:
    slices = installed()
    shop = Shop(sqlite_database(tmp_path), slices=slices)
    tell(shop)
    with shop.db.write() as conn:
        change_shop(conn, shop.id, ShopWanted(name="Лавка", locale="th"))
        create_source(conn, shop.id, name="Сайт", kind="web", now=now_us())
    accounts.create_user(
        shop.db, email="ada@example.com", password=PASSWORD, name="Ада", workspace=shop.id, role="owner", now=now_us()
    )
    settings = Settings.load({}, data_dir=tmp_path)
    served = create_server(settings, Server(settings, shop.db, slices=slices))
    found: dict[str, set[str]] = {}
    try:
        with TestClient(served) as browser:  # type: ignore[type-var]
            served._framework.state.console.catalogues = Marked()  # type: ignore[attr-defined]
            sign_in(browser, "ada@example.com")  # type: ignore[arg-type]
            home = browser.get("/console").text
            paths = set(re.findall(r'href="(/console/[a-z/-]+)"', home)) | {"/console", "/console/account"}
            customer = "/console/customers/user_id:7"
            paths |= {f"{customer}?tab={tab}" for tab in ("overview", "traits", "identity")}
            paths |= {
                f"/console/insights/{one}" for one in ("retention", "products", "channels", "campaigns", "journeys")
            }
            paths |= {"/console/products/p1", "/console/facts/1", "/console/nowhere"}
            for path in sorted(paths):
                page = browser.get(path)
                assert page.status_code in (200, 404), path
                for one in Outside(page.text).found:
                    if one not in LANGUAGES.values():
                        found.setdefault(one, set()).add(path)
    finally:
        speak(ENGLISH)
    assert not found, "\n".join(f"{said!r} on {', '.join(sorted(where)[:3])}" for said, where in sorted(found.items()))
