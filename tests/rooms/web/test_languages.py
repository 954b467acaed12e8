"""The console speaks seven languages: each text stands in each catalogue, and no page is half in another language."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from rapport.kernel.language import ENGLISH, gettext, ngettext, speak
from rapport.kernel.money import format_minor
from rapport.storage.engine import Database
from rapport.storage.shops import ShopWanted, change_shop
from rapport.storage.workspaces import Workspace
from rapport.web.catalogues import LANGUAGES, OWN, PACKAGE, Catalogues, Room
from rapport.web.extraction import Texts, texts_of
from rapport.web.formats import count, date_words
from tests.rooms.web.conftest import Browser, Join, sign_in, submit
from tests.rooms.web.test_settings_pages import app  # noqa: F401 - fixture

OTHERS = [tag for tag in LANGUAGES if tag != "en"]
WHOLE = ("web", "kernel", "remember", "capabilities/orders", "measure")
"""What is translated into all of them; a page of anything else is English until it is."""
QUIET = {"code", "pre", "kbd", "script", "style", "svg"}
SAID = ("title", "aria-label", "placeholder", "alt", "data-label", "data-confirm")
NAMES = (
    "Rapport", "· Rapport", "google", "?=#timeline", "orders >= 3 AND last_order_at > now() - INTERVAL 60 DAY",
    "1 chianti\n1 corkscrew",
)  # fmt: skip
"""What is the same in every language: names, and what machines read."""
SHOPPERS = re.compile(r"web/shop|\bwords\.title\b|part=\"|component_error|{{ words\b")


class Seen(HTMLParser):
    """What people read of a page, or hear: its texts and the attributes that are said."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._quiet: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in QUIET:
            self._quiet.append(tag)
        self.texts += [value.strip() for name, value in attrs if name in SAID and value]

    def handle_endtag(self, tag: str) -> None:
        if self._quiet and self._quiet[-1] == tag:
            self._quiet.pop()

    def handle_data(self, data: str) -> None:
        if not self._quiet and data.strip():
            self.texts.append(" ".join(data.split()))


@cache
def said_in_the_package() -> Texts:
    """Read once: all templates and modules are parsed for it."""
    return texts_of(PACKAGE)


@cache
def messages(tag: str) -> list[Message]:
    with (OWN / f"{tag}.po").open("rb") as opened:
        return [message for message in read_po(opened, locale=tag) if message.id]


def key(message: Message) -> str | tuple[str, str]:
    return message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def marks(text: str) -> list[str]:
    """Placeholders, percent signs and tags of a text."""
    return sorted(re.findall(r"%\(\w+\)s|%%|<[^>]+>", text))


@pytest.fixture(autouse=True)
def english() -> None:
    speak(ENGLISH)


@pytest.mark.parametrize("tag", OTHERS)
def test_every_text_stands_in_every_catalogue_with_the_files_it_is_used_in(tag: str) -> None:
    held = {key(message): frozenset(name for name, _ in message.locations) for message in messages(tag)}
    assert held == said_in_the_package(), "write the catalogues anew: make texts"


@pytest.mark.parametrize("tag", OTHERS)
def test_a_translation_keeps_what_its_text_holds(tag: str) -> None:
    wrong = []
    for message in messages(tag):
        english = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        wrong += [form for form in forms if form and marks(form) not in [marks(one) for one in english]]
    assert wrong == []


@pytest.mark.parametrize("tag", OTHERS)
@pytest.mark.parametrize("room", WHOLE)
def test_these_rooms_are_translated_wholly(tag: str, room: str) -> None:
    assert Catalogues().speaks(tag, Room(OWN, f"rapport/{room}/"))


def test_no_page_of_the_console_says_anything_that_is_in_no_catalogue() -> None:
    found = []
    for file in sorted(PACKAGE.rglob("templates/**/*.html")):
        text = file.read_text()
        if "world" in file.parts or SHOPPERS.search(text):
            continue
        bare = re.sub(r"\{% raw %\}.*?\{% endraw %\}|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
        said = [one for one in Seen(bare).texts if re.search(r"[A-Za-z]{2,}", re.sub(r"&\w+;", "", one))]
        found += [(file.name, one) for one in said if one not in NAMES]
    assert found == []


def test_a_text_is_said_in_the_language_that_is_spoken() -> None:
    assert ngettext("%(orders)s order", "%(orders)s orders", 2, orders="2") == "2 orders"
    speak(Catalogues().language("de_AT"))
    assert (gettext("Customers"), gettext("what nobody translated")) == ("Kunden", "what nobody translated")
    assert ngettext("%(orders)s order", "%(orders)s orders", 1, orders="1") == "1 Bestellung"
    assert ngettext("%(orders)s order", "%(orders)s orders", 2, orders="2") == "2 Bestellungen"
    assert (count(1234567), date_words(0)) == ("1.234.567", "1. Jän. 1970")
    speak(Catalogues().language("fr"))
    assert ngettext("%(orders)s order", "%(orders)s orders", 0, orders="0") == "0 commande"
    assert format_minor(123450, "EUR") == "1\u202f234,50\xa0€"


def test_a_page_is_english_where_a_text_of_its_room_is_not_translated(tmp_path: Path) -> None:
    (tmp_path / "de.po").write_text(
        '#: teas/pages.py\nmsgid "Teas"\nmsgstr "Tees"\n\n#: coffees/pages.py\nmsgid "Coffees"\nmsgstr ""\n'
    )
    teas, coffees = Room(tmp_path, "teas/"), Room(tmp_path, "coffees/")
    catalogues = Catalogues([teas])
    assert catalogues.language("de", teas).tag == "de"
    assert catalogues.language("de", coffees).tag == "en"
    assert catalogues.language("fr", teas).tag == "en", "it brings no French at all"
    speak(catalogues.language("de", teas))
    assert (gettext("Teas"), gettext("Customers")) == ("Tees", "Kunden")


PAGES = ("/console/account", "/console/team", "/console/settings", "/console/keys")


def test_a_page_holds_nothing_of_another_language(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    before = {path: set(Seen(browser.get(path).text).texts) for path in PAGES}
    known = {text if isinstance(text, str) else text[0] for text in said_in_the_package()}
    found = []
    for tag in OTHERS:
        assert submit(browser, PAGES[0], f"{PAGES[0]}/language", language=tag).status_code == 303
        texts = Catalogues().language(tag).texts
        for path in PAGES:
            html = browser.get(path).text
            assert f'<html lang="{tag}"' in html
            same = before[path] & set(Seen(html).texts)
            found += [(tag, path, one) for one in same & known if texts.get(one, ("",))[0] != one]
    assert found == []


def test_a_person_is_asked_before_the_shop_and_the_shop_before_the_browser(
    browser: Browser, join: Join, db: Database, shop: Workspace
) -> None:
    browser.headers["Accept-Language"] = "th,en;q=0.5"
    assert '<html lang="th"' in browser.get("/console/sign-in").text
    sign_in(browser, join("owner"))
    assert '<html lang="en"' in browser.get("/console/account").text
    with db.write() as conn:
        change_shop(conn, shop.id, ShopWanted(locale="fr_CH"))
    assert '<html lang="fr"' in browser.get("/console/account").text
    assert '<html lang="th"' in browser.get("/console/nowhere").text, "where there is no page, by the browser alone"
    submit(browser, "/console/account", "/console/account/language", language="es")
    assert '<html lang="es"' in browser.get("/console/account").text
    refused = submit(browser, "/console/account", "/console/account/language", language="xx")
    assert (refused.status_code, "habla en, de" in refused.text) == (400, True)
    submit(browser, "/console/account", "/console/account/language", language="")
    assert '<html lang="fr"' in browser.get("/console/account").text
    assert "Aucun" not in browser.get("/api/v1/whoami").text


def test_a_text_that_a_declaration_puts_together_is_one_text_to_translate(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "parts.py").write_text('DAYS, WHERE = 30 * 3, "in the shop."\n')
    (shop / "metrics.py").write_text(
        "from shop.parts import DAYS, WHERE\n"
        'TEAS = Metric(title=NAMED, definition=f"Teas of {DAYS} days " + WHERE)\n'
        'CUPS = Metric(title=gettext("hot" if True else "cold"), definition=TEAS.definition + " Cups.")\n'
        'LEFT = Metric(definition=f"Of {unknown()} days")\n'
    )
    assert set(texts_of(shop)) == {"Teas of 90 days in the shop.", "Teas of 90 days in the shop. Cups.", "hot", "cold"}
