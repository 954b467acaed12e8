"""Feeds of products: XML, JSON and tables become statements; what is bad in one is named and spoils nothing else."""

from __future__ import annotations

import itertools
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rapport.adapters.files.feed_xml import items_of_xml
from rapport.adapters.files.importer import import_files
from rapport.adapters.files.model import ImportReport, silent
from rapport.adapters.files.product_feed import ProductFeed, is_feed, message_of
from rapport.capabilities.catalog.shown import ProductShown, find_shown
from rapport.kernel.clock import HOUR, now_us
from rapport.kernel.errors import InvalidInput
from rapport.storage.workspaces import all_workspaces
from tests.databases import sqlite_database
from tests.shop import Shop

HEAD = '<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>'
SHIRT = """
<item><g:id>SH-{n}</g:id><g:title>Linen shirt</g:title><g:price>40.00 EUR</g:price>
<g:sale_price>30.00 EUR</g:sale_price>
<g:item_group_id>SH</g:item_group_id><g:color>red</g:color><g:size>{n}</g:size><g:gtin>400638133393{n}</g:gtin>
<g:link>https://shop.example/sh</g:link><g:product_type>Clothing &gt; Shirts</g:product_type></item>"""
CUP = "<item><g:id>{n}</g:id><title>Caf\u00e9 &eacute;tag\u00e8re \x0b{n}</title><g:price>7.50 EUR</g:price></item>\n"


def written(path: Path, text: str, *, hours_ago: int = 1) -> Path:
    path.write_text(text, encoding="utf-8")
    at = now_us() / 1_000_000 - hours_ago * 3_600
    os.utime(path, (at, at))
    return path


def take(shop: Shop, path: Path, *, market: str = "") -> ImportReport:
    with shop.db.read() as conn:
        workspace = all_workspaces(conn)[0]
    feed = ProductFeed(path, market=market)
    done = import_files(shop.db, feed, workspace=workspace, vocabulary=shop.pipeline.slices.vocabulary)
    shop.fold()
    return done


def shown(shop: Shop, product: str) -> ProductShown:
    with shop.db.read() as conn:
        return find_shown(conn, shop.id, product, now=now_us() + HOUR)


def test_an_xml_feed_is_stated_with_its_variants(any_shop: Shop, tmp_path: Path) -> None:
    feed = written(
        tmp_path / "f.xml", HEAD + SHIRT.format(n=1) + SHIRT.format(n=2) + CUP.format(n=9) + "</channel></rss>"
    )
    done = take(any_shop, feed)
    assert (done.rows, done.facts, done.refused, done.quarantined) == (3, 2, 0, 0)
    shirt = shown(any_shop, "SH")
    assert [(v.variant, v.attributes["size"], v.gtin) for v in shirt.variants] == [
        ("SH-1", ("1",), "4006381333931"), ("SH-2", ("2",), "4006381333932"),
    ]  # fmt: skip
    price = shirt.variants[0].price
    assert price is not None
    assert (price.price_minor, price.list_price_minor, shirt.category) == (3000, 4000, "Clothing > Shirts")
    assert shown(any_shop, "9").name == "Caf\u00e9 \u00e9tag\u00e8re 9"
    assert take(any_shop, feed).repeated is True


def test_what_is_bad_is_named_with_its_line_and_the_rest_is_kept(any_shop: Shop, tmp_path: Path) -> None:
    items = [CUP.format(n=n) for n in range(1, 501)]
    for n in range(0, 500, 100):
        items[n] = "<item><g:id>x</g:id><title>no price</title></item>\n"
    items[50] = "<item><title>no id</title><g:price>1 EUR</g:price></item>\n"
    items[60] = "<item><g:id>y</g:id><title>y</title><g:price>1.00</g:price></item>\n"
    done = take(any_shop, written(tmp_path / "f.xml", HEAD + "\n" + "".join(items) + "</channel></rss>"))
    assert (done.rows, done.facts, done.refused) == (500, 493, 7)
    told = {(one.line, one.reason) for one in done.errors}
    assert {(2, "it has no price"), (52, "it has no id"), (102, "it has no price")} <= told
    assert any(line == 62 and "no currency" in reason for line, reason in told)


@pytest.mark.parametrize("block", [7, 1 << 16])
def test_an_entry_that_breaks_the_document_is_named_and_those_around_it_are_kept(block: int) -> None:
    """A `<` in a name, crossing tags, a forgotten end: at whatever byte a block of the file ends."""
    broken = (
        "<item><g:id>b</g:id><title>5 < 6 pieces</title></item>\n", "<item><title>Tea</item></title>\n",
        "<item><g:id>d</g:id>\n", "<item><g:id>e</g:id><title>\u0001</title ></item<>\n",
    )  # fmt: skip
    entries = [part for n, one in enumerate(broken) for part in (CUP.format(n=n), one)]
    text = (HEAD + "\n" + "".join(entries) + CUP.format(n=9) + "</channel></rss>\n").encode()
    found = list(items_of_xml(text[at : at + block] for at in range(0, len(text), block)))
    assert [item.said.get("id") for item in found if not item.fault] == ["0", "1", "2", "3", "9"]
    assert [item.line for item in found if item.fault] == [3, 5, 7, 9]
    assert all("breaks here" in item.fault for item in found if item.fault)
    cut = list(items_of_xml(iter([(HEAD + CUP.format(n=1) + "<item><g:id>3</title>").encode()])))
    assert [bool(item.fault) for item in cut] == [False, True]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("block", [1, 1 << 16])
def test_a_broken_entry_of_a_wide_feed_costs_no_other(encoding: str, block: int) -> None:
    entries = [CUP.format(n=1), "<item><g:id>2</g:id><title>5 < 6</title></item>\n", CUP.format(n=3), CUP.format(n=4)]
    text = "<?xml version='1.0' encoding='utf-16'?><rss xmlns:g='g'>\n" + "".join(entries) + "</rss>"
    data = text.encode(encoding)
    found = list(items_of_xml(data[at : at + block] for at in range(0, len(data), block)))
    assert [(item.line, item.said.get("id"), bool(item.fault)) for item in found] == [
        (2, "1", False), (3, None, True), (4, "3", False), (5, "4", False),
    ]  # fmt: skip
    assert found[3].said["title"] == "Caf\u00e9 \u00e9tag\u00e8re 4"


def test_a_wide_feed_is_known_as_one(tmp_path: Path) -> None:
    path = tmp_path / "f.xml"
    path.write_bytes(
        (HEAD.replace("?>", " encoding='utf-16'?>", 1) + CUP.format(n=7) + "</channel></rss>").encode("utf-16")
    )
    assert is_feed(path)
    said = [message for step in ProductFeed(path).steps(progress=silent) for message in step.messages]
    assert [one["properties"]["product_id"] for one in said] == ["7"]


def test_an_entry_within_an_entry_says_nothing_of_it_and_a_forgotten_end_is_none() -> None:
    """Related products bear the tag of the entry; the next one after two forgotten ends does as well."""
    related = "<related><item><id>77</id><price>1 EUR</price></item><item>78</item></related>"
    entries = ("<item>", related, "<id>1</id>", related, "<price>3 EUR</price></item>\n",
               "<item><id>2</id><title>Tea\n", "<item><id>3</id></item>\n", "<item><id>4</id></item>")  # fmt: skip
    found = list(items_of_xml(iter([f"<feed>{''.join(entries)}</feed>".encode()])))
    assert [(item.line, item.said, bool(item.fault)) for item in found] == [
        (1, {"id": "1", "price": "3 EUR"}, False), (2, {}, True), (3, {"id": "3"}, False), (4, {"id": "4"}, False),
    ]  # fmt: skip


def test_ends_that_are_nowhere_lose_no_more_than_the_longest_product() -> None:
    long = f"<item><id>{{}}</id><text>{'x' * 100_000}</text></item>\n"
    entries = "".join(long.format(n) for n in range(20))
    found = list(items_of_xml(iter([f"<feed><item><id>a</id><title>{entries}</feed>".encode()])))
    assert [item.said["id"] for item in found if not item.fault] == [str(n) for n in range(5, 20)]


def test_memory_is_bounded_however_long_a_feed_is_and_each_bad_entry_has_its_line() -> None:
    """Ten times the entries, some of which break the document: the same memory, and every line is right."""
    bad = "<item><g:id>b</g:id><title>5 < 6 pieces</title></item>\n"

    def blocks(number: int) -> Iterator[bytes]:
        yield (HEAD + "\n").encode()
        for n in range(number):
            yield (bad if n % 100 == 7 else CUP.format(n=n)).encode()
        yield b"</channel></rss>"

    def peak(number: int) -> int:
        tracemalloc.start()
        good, lines = 0, []
        for item in items_of_xml(blocks(number)):
            good += not item.fault
            if item.fault:
                lines.append(item.line)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (good, lines) == (number - number // 100, [n + 2 for n in range(7, number, 100)])
        return found

    peak(100)
    assert peak(5_000) < peak(500) + 64 * 1024


@pytest.mark.parametrize("block", [5, 1 << 16])
def test_signs_are_read_as_they_were_meant_and_once(block: int) -> None:
    said = "Salt & Pepper &amp;eacute; caf&eacute; &bogus; R&D <![CDATA[Tom & Jerry's <b>caf&eacute;</b>]]> &#233;&"
    text = f"<rss><item><title>{said}</title></item></rss>".encode()
    [item, *_] = items_of_xml(text[at : at + block] for at in range(0, len(text), block))
    assert item.said["title"] == "Salt & Pepper &eacute; caf\u00e9 &bogus; R&D Tom & Jerry's <b>caf&eacute;</b> \u00e9&"


def test_half_a_sign_spoils_no_feed(any_shop: Shop, tmp_path: Path) -> None:
    """A lone surrogate in JSON: replaced, and what stands beside it is kept."""
    items = [{"id": str(n), "title": "Tea", "price": "3.20 EUR"} for n in range(3)]
    text = msgspec.json.encode(items).decode().replace('"id":"1","title":"Tea"', '"id":"1","title":"T\\ud83dea"')
    done = take(any_shop, written(tmp_path / "f.json", text))
    assert (done.facts, done.refused, done.quarantined) == (3, 0, 0)
    assert shown(any_shop, "1").name == "T?ea"


def test_nothing_in_a_document_grows_or_fetches(tmp_path: Path) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + HEAD + "<item><title>&b;</title></item>"
    for text in (laughs, '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><rss><item>&a;</item></rss>'):
        with pytest.raises(InvalidInput, match="entities"):
            list(ProductFeed(written(tmp_path / "f.xml", text)).steps(progress=silent))
    with pytest.raises(InvalidInput, match="longer than any product"):
        list(ProductFeed(written(tmp_path / "f.json", '[{"id": "' + "x" * 900_000)).steps(progress=silent))


ITEM: dict[str, Any] = {"offerId": "7", "title": "Tea }]{[ \\\" cup", "price": {"value": "3.20", "currency": "EUR"},
                        "imageLink": "https://x.example/t.png"}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        msgspec.json.encode([ITEM, ITEM | {"offerId": 8}]).decode(),
        msgspec.json.encode({"kind": "feed", "of": {"shop": 1}, "products": [ITEM, ITEM | {"offerId": 8}]}).decode(),
        msgspec.json.format(msgspec.json.encode({"items": [ITEM, ITEM | {"offerId": 8}]})).decode(),
        "\n".join(msgspec.json.encode(one).decode() for one in (ITEM, ITEM | {"offerId": 8})),
        'id\ttitle\tprice\timage link\n7\tTea }]{[ \\" cup\t3.20 EUR\thttps://x.example/t.png\n8\tTea\t3.20 EUR\t\n',
    ],
)
def test_lists_documents_lines_and_tables_say_the_same(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "feed", text)
    assert is_feed(path)
    said = [message for step in ProductFeed(path).steps(progress=silent) for message in step.messages]
    assert [one["properties"]["product_id"] for one in said] == ["7", "8"]
    assert said[0]["properties"]["name"] == ITEM["title"]
    assert (said[0]["properties"]["price"], said[0]["properties"]["currency"]) == ("3.20", "EUR")


def test_an_older_feed_that_is_imported_late_replaces_nothing(any_shop: Shop, tmp_path: Path) -> None:
    take(any_shop, written(tmp_path / "new.xml", HEAD + CUP.format(n=1).replace("7.50", "9.00") + "</channel></rss>"))
    take(any_shop, written(tmp_path / "old.xml", HEAD + CUP.format(n=1) + "</channel></rss>", hours_ago=9))
    assert shown(any_shop, "1").price_minor == 900


def test_orders_and_customers_are_no_feed(tmp_path: Path) -> None:
    assert not is_feed(written(tmp_path / "o.csv", "Name,Email,Total\n#1,a@b.example,3\n"))
    assert not is_feed(written(tmp_path / "empty.csv", ""))


@pytest.mark.parametrize(
    ("dates", "is_on_sale"),
    [
        (None, True), ("", True), ("2026-11-01T00:00+0100/2026-11-30T23:59+0100", True),
        ("2027-01-01T00:00+0100/2027-01-31T23:59+0100", False), ("2026-10-01T00:00Z/2026-10-31T00:00Z", False),
        ("2026-11-20/2026-11-27", True), ("2026-11-20/2026-11-26", False), ("soon", False), (["2026", "2027"], False),
    ],
)  # fmt: skip
def test_a_sale_is_the_price_on_its_days_alone(dates: object, is_on_sale: bool) -> None:  # noqa: FBT001
    item = {"id": "p", "title": "Gin", "price": "20.00 EUR", "sale_price": "10.00 EUR",
            "sale_price_effective_date": dates}  # fmt: skip
    alone = message_of([item], written_at="2026-11-27T12:00:00Z")["properties"]
    both = message_of([item | {"item_group_id": "g"}, item | {"id": "q"}], written_at="2026-11-27T12:00:00Z")
    for said in (alone, *both["properties"]["variants"]):
        assert (said["price"], said.get("sale_price")) == ("20.00", "10.00" if is_on_sale else None)


@pytest.mark.parametrize("order", list(itertools.permutations(("", "ch", "gb"))))
def test_each_market_has_the_prices_of_its_own_feed_whichever_comes_first(
    shop_of: Shop, tmp_path: Path, order: tuple[str, ...]
) -> None:
    """Three feeds of the same products: the shop's own in euros, one in francs, one in pounds of the shirt alone."""
    shirts = SHIRT.format(n=1) + SHIRT.format(n=2)
    said = {
        "": shirts + CUP.format(n=9),
        "ch": (shirts + CUP.format(n=9)).replace("EUR", "CHF").replace("30.00", "39.00").replace("7.50", "9.00"),
        "gb": SHIRT.format(n=2).replace("EUR", "GBP").replace("30.00", "25.00"),
    }
    for market in order:
        feed = written(tmp_path / f"{market or 'own'}.xml", HEAD + said[market] + "</channel></rss>")
        assert take(shop_of, feed, market=market).quarantined == 0
    costs: list[tuple[str, int, str, tuple[int, str]]] = [
        ("SH", 0, "", (3000, "EUR")), ("SH", 1, "", (3000, "EUR")), ("9", 0, "", (750, "EUR")),
        ("SH", 0, "ch", (3900, "CHF")), ("SH", 1, "ch", (3900, "CHF")), ("9", 0, "ch", (900, "CHF")),
        ("SH", 0, "gb", (3000, "EUR")), ("SH", 1, "gb", (2500, "GBP")), ("9", 0, "gb", (750, "EUR")),
    ]  # fmt: skip
    with shop_of.db.read() as conn:
        for product, variant, market, costing in costs:
            found = find_shown(conn, shop_of.id, product, now=now_us() + HOUR, market=market).variants[variant].price
            assert found is not None
            assert (found.price_minor, found.currency) == costing, (product, variant, market)


@pytest.fixture
def shop_of(tmp_path: Path) -> Iterator[Shop]:
    found = Shop(sqlite_database(tmp_path))
    yield found
    found.close()
