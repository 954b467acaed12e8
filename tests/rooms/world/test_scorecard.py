"""The scorecard: a measurement of real customers, and the file that keeps all of them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from rapport.app.scorecard.measure import Measurement, measure
from rapport.app.scorecard.series import MOST_LIVE, NAME, Series
from rapport.collect.sources import create_source
from rapport.kernel.identifiers import Identifier
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.engine import Database
from rapport.world.truth import Known
from tests.rooms.resolve.linking.desk import ADA, BO, SLIPPED, Desk
from tests.rooms.resolve.shop import Shop, made_shop, seen


@pytest.fixture
def shop(shared_db: Database) -> Shop:
    return made_shop(shared_db)


def person(name: str, *identifiers: tuple[str, str], key: str = "") -> Known:
    used = [Identifier(*each) for each in identifiers]
    return Known(person=key or f"person-{name}", household=1, name=name, identifiers=used)


def web(*values: str) -> list[tuple[str, str]]:
    return [("anonymous_id", value) for value in values]


def measured(shop: Shop, *known: Known) -> Measurement:
    with shop.db.read() as conn:
        return measure(conn, shop.workspace, known, at=1, live=True, facts=3)


def test_what_learned_links_add_is_told_apart(shop: Shop) -> None:
    Desk(shop).meet(a=ADA, b=SLIPPED, c=BO)
    found = measured(shop, person("Ada", *web("a", "b")), person("Bo", *web("c")))
    assert (found.people, found.customers, found.model) == (2, 2, 1)
    assert (found.found.overall.recall, found.certain.overall.recall) == (1.0, 0.0)
    assert (found.found.parted, found.certain.parted) == (0, 1)
    assert (found.right_links, found.wrong_links) == (1, 0)
    assert found.several_in_one == []


def test_a_learned_link_between_namesakes_is_wrong_and_is_shown(shop: Shop) -> None:
    Desk(shop).meet(a=ADA, b=SLIPPED)
    found = measured(shop, person("Ada", *web("a")), person("Ada", *web("b"), key="another"))
    assert (found.right_links, found.wrong_links) == (0, 1)
    assert (found.found.overall.precision, found.certain.overall.precision) == (0.0, 1.0)
    (mixed,) = found.several_in_one
    assert (mixed.people, mixed.learned, mixed.shared) == ({"Ada": 1, "Ada (2)": 1}, True, [])
    with shop.db.read() as conn:
        assert load_customer_ids(conn).key(mixed.customer) == shop.key("anonymous_id", "a")


def test_channels_are_the_kinds_of_sources_that_saw_an_identifier_first(shop: Shop) -> None:
    """A tablet two people used brings them into one customer: it is not counted, what it did is."""
    with shop.db.write() as conn:
        till = create_source(conn, shop.workspace, name="Till", kind="store", now=1).id
        site = create_source(conn, shop.workspace, name="Site", kind="web", now=1).id
    at_home = [seen(1, web="tablet", email="ada@a.example"), seen(2, web="tablet", email="bo@b.example")]
    in_town = [seen(3, external=[("loyalty_card", "LC1")], phone="+447700900123")]
    for fact in at_home:
        fact.source = site
    for fact in in_town:
        fact.source = till
    shop.see(*at_home, *in_town)
    ada = person("Ada", *web("tablet"), ("email", "ada@a.example"), ("loyalty_card", "LC1"), ("phone", "+447700900123"))
    found = measured(shop, ada, person("Bo", *web("tablet"), ("email", "bo@b.example"))).found
    assert set(found.channels) == {"store", "web"}
    assert (found.overall.shared, found.overall.identifiers, found.mixed, found.parted) == (1, 4, 1, 1)
    assert (found.channels["web"].precision, found.channels["web"].recall) == (0.0, 0.0)
    assert (found.channels["store"].precision, found.channels["store"].recall) == (1.0, round(1 / 3, 5))


def test_examples_lead_to_the_customers(shop: Shop) -> None:
    shop.see(seen(1, web="tablet", email="ada@a.example"), seen(2, web="tablet", email="bo@b.example"))
    shop.see(seen(3, external=[("loyalty_card", "LC1")], phone="+447700900123"))
    ada = person("Ada", *web("tablet"), ("email", "ada@a.example"), ("loyalty_card", "LC1"), ("phone", "+447700900123"))
    found = measured(shop, ada, person("Bo", *web("tablet"), ("email", "bo@b.example")))
    assert [(each.people, each.learned, each.shared) for each in found.several_in_one] == [
        ({"Ada": 1, "Bo": 1}, False, ["anonymous_id"])
    ]
    (parted,) = found.one_in_several
    assert parted.name == "Ada"
    assert [part.namespaces for part in parted.parts] == [{"loyalty_card": 1, "phone": 1}, {"email": 1}]


@pytest.fixture
def one(shop: Shop) -> Measurement:
    shop.see(seen(1, web="a", email="ada@a.example"))
    return measured(shop, person("Ada", *web("a"), ("email", "ada@a.example")))


def test_half_a_line_is_passed_over(one: Measurement, tmp_path: Path) -> None:
    """Whoever is killed while appending leaves half a line; what is appended later stands on its own."""
    series = Series(tmp_path)
    assert series.read() == []
    series.append(one)
    whole = (tmp_path / NAME).read_bytes()
    for cut in (1, len(whole) // 2, len(whole) - 1):
        (tmp_path / NAME).write_bytes(whole + whole[:cut])
        assert series.read()[0] == one
        series.append(one)
        assert series.read()[-1] == one
        assert len(series.read()) in (2, 3)
    (tmp_path / NAME).write_bytes(whole + b"\xff\xfe not JSON\n" + whole)
    assert series.read() == [one, one]


def test_the_file_is_bounded_and_keeps_the_past_and_the_latest(one: Measurement, tmp_path: Path) -> None:
    series = Series(tmp_path)
    past = [msgspec.structs.replace(one, at=at, live=False) for at in range(5)]
    live = [msgspec.structs.replace(one, at=at) for at in range(100, 100 + 3 * MOST_LIVE)]
    for each in past + live:
        series.append(each)
    kept = series.read()
    assert kept[:5] == past
    assert kept[-1] == live[-1]
    assert len(kept) <= 5 + MOST_LIVE
    assert [each.at for each in kept] == sorted(each.at for each in kept)
