"""The form of a programme writes the document it was made of, and says each fault at its field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from rapport.capabilities.loyalty.checking import UnfitTerms, read_programme
from rapport.capabilities.loyalty.editing import cards_of, changed, document_of, place_of, values_of
from rapport.capabilities.loyalty.editor_pages import _of, _values
from rapport.capabilities.loyalty.form import CARDS, Input, ListSpec
from rapport.capabilities.loyalty.programme import (
    Benefit,
    Counting,
    Delivery,
    Early,
    EarningRule,
    Only,
    OtherCurrency,
    Plan,
    PointWorth,
    Programme,
    Tier,
)
from rapport.capabilities.loyalty.shipped import EXAMPLE
from rapport.kernel.errors import InvalidInput
from tests.loyal import CLUB
from tests.rooms.capabilities.test_loyalty_currencies import TWO
from tests.rooms.capabilities.test_loyalty_routes import call
from tests.running import Server
from tests.stories.console import add_owner, signed_in
from tests.stories.test_console_looks import violations

EVERYTHING: dict[str, Any] = CLUB | TWO | {
    "pending_days": 0, "notice_days": 0, "valid_days": 0, "tiers_by": "orders", "rounding": "up",
    "points_back": "whole", "delivery": {"fee_minor": 490, "fee_in": {"CHF": 690}},
    "counting": {"tax": "excluded", "tax_percent": 19, "gift_card_categories": []},
    "only": {"countries": ["DE", "AT"], "brands": ["Marlow"]},
    "earning": [
        *TWO["earning"],
        {"name": "late", "title": "Late", "on": "Promise Broken", "points": 5, "per_day_late": 2, "most_each": 50,
         "by_tier": {"gold": 9}, "holdout_percent": 10, "waits": False, "budget": 100, "approve_above": 20},
        {"name": "week", "title": "Week", "points": 1, "per_minor": 50, "per_in": {"CHF": 60}, "first_order": True,
         "categories": ["Shoes", "Hats"], "since": "2026-12-01T00:00:00Z", "until": "2026-12-08T00:00:00Z",
         "segments": ["loyal"], "at_most": 500, "at_most_days": 30},
    ],
    "plans": [CLUB["plans"][0] | {"withdrawal_days": 0, "join_url": "https://shop.example/join"}],
    "early": [{"what": "new", "products": ["p1", "p2"], "until": "2026-12-01T00:00:00+01:00"}],
}  # fmt: skip


@pytest.mark.parametrize("document", [CLUB, EVERYTHING, msgspec.to_builtins(EXAMPLE)])
def test_what_the_form_shows_is_what_it_writes(document: dict[str, Any]) -> None:
    programme = read_programme(document)
    written, faults = document_of(values_of(programme))
    assert faults == {}
    assert read_programme(written) == programme


def test_names_with_commas_and_quotes_and_long_lists_stay_what_they_are() -> None:
    names = ["Shoes, men", 'The "best"', "Hats", 'a"', ',"']
    early = [{"what": "new", "products": [f"p{n}"], "until": "2026-12-01T00:00:00Z"} for n in range(220)]
    rules = [CLUB["earning"][0] | {"categories": names}]
    programme = msgspec.convert(CLUB | {"earning": rules, "early": early}, Programme)
    values = values_of(programme)
    assert msgspec.convert(document_of(values)[0], Programme) == programme
    typed = document_of(values | {"earning.0.categories": ' Hats ,, "Shoes, men",'})[0]
    assert typed["earning"][0]["categories"] == ["Hats", "Shoes, men"]


@pytest.mark.parametrize("name", ["Shoes\nmen", "x" * 20_001, " Shoes"])
def test_terms_that_the_form_would_change_are_shown_as_a_document_alone(name: str) -> None:
    rules = [CLUB["earning"][0] | {"categories": [name]}]
    assert _of(msgspec.convert(CLUB | {"earning": rules}, Programme)).values == {}
    assert _of(msgspec.convert(CLUB, Programme)).values


def test_a_field_that_is_too_long_is_refused_and_not_cut() -> None:
    with pytest.raises(InvalidInput, match="20,001 characters"):
        _values({"title": "x" * 20_001})


def test_the_form_has_every_field_of_the_document() -> None:
    """A field that the form lacks would be lost by whoever changes another."""

    def keys(inputs: tuple[Input, ...], lists: tuple[ListSpec, ...] = ()) -> set[str]:
        return {one.key for one in inputs} | {one.key for one in lists}

    def fields(kind: Any) -> set[str]:
        return {one.name for one in msgspec.structs.fields(kind)}

    lists = {one.key: one for card in CARDS for one in card.lists}
    [benefits] = lists["tiers"].lists
    kinds: list[tuple[ListSpec, type[msgspec.Struct]]] = [
        (lists["tiers"], Tier), (lists["earning"], EarningRule), (lists["plans"], Plan), (lists["early"], Early),
        (lists["currencies"], OtherCurrency), (benefits, Benefit),
    ]  # fmt: skip
    for spec, kind in kinds:
        assert keys(spec.inputs, spec.lists) == fields(kind)
    mine = set().union(*(keys(card.inputs, card.lists) for card in CARDS))
    parts = {"counting": Counting, "worth": PointWorth, "delivery": Delivery, "only": Only}
    whole = {name for name in fields(Programme) if name not in parts}
    assert mine == whole | {f"{name}.{field}" for name, kind in parts.items() for field in fields(kind)}


def test_money_is_typed_as_people_write_it_and_what_is_no_number_is_said_at_its_field() -> None:
    values = values_of(read_programme(CLUB))
    assert values["tiers.0.benefits.0.above_minor"] == "90.00"
    document, faults = document_of(values | {"tiers.1.at": "250,50", "pending_days": "soon", "plans.0.fee_minor": "-3"})
    assert document["tiers"][1]["at"] == 25_050
    assert set(faults) == {"pending_days", "plans.0.fee_minor"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tiers.1.at": "0"}, "tiers.1.at"), ({"earning.0.title": ""}, "earning.0.title"),
        ({"tiers.1.benefits.1.percent": "90"}, "tiers.1.benefits.1.percent"), ({"currency": "EURO"}, "currency"),
        ({"tiers.1.name": "friend"}, "tiers.1.name"), ({"time_zone": "Mars"}, "time_zone"),
        ({"earning.0.since": "monday"}, "earning.0.since"), ({"earning.0.by_tier.gold": "3", "tiers.1.name": "g"}, ""),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_hold_is_said_at_the_field_that_breaks_it(changes: dict[str, str], field: str) -> None:
    values = values_of(read_programme(CLUB)) | changes
    with pytest.raises(UnfitTerms) as refused:
        read_programme(document_of(values)[0])
    names = [name for name in values if not name.startswith("earning.0.by_tier")]
    assert place_of(refused.value.path, refused.value.message, names) == field


def test_a_part_is_added_with_what_is_usual_and_taken_out_with_all_that_is_in_it() -> None:
    values = values_of(read_programme(CLUB))
    more, focus = changed(values, "add:tiers.1.benefits")
    assert focus == "tiers.1.benefits.2.kind"
    rule, _ = changed(values, "add:earning")
    assert rule["earning.2.waits"] == "yes"
    fewer, _ = changed(more, "remove:tiers.1")
    assert [tier["name"] for tier in document_of(fewer)[0]["tiers"]] == ["friend"]
    for hostile in ("add:nothing", "add:tiers.x.benefits", "add:", "sell:tiers", "remove:"):
        assert changed(values, hostile)[0] == values
    assert len(cards_of(changed(values, "add:currencies")[0], {})) == len(CARDS)


@pytest.fixture(scope="module")
def club(shop_server: Server) -> Server:
    made = call(shop_server, "PUT", "loyalty/programmes/club", json={"programme": CLUB, "version": 0})
    assert made.status_code == 200, made.text
    add_owner(shop_server)
    return shop_server


@pytest.fixture
def editor(club: Server, browser: Browser) -> Iterator[Page]:
    with signed_in(browser, club, bypass_csp=True) as (page, complaints):
        page.goto(f"{club.url}/console/loyalty/programme?programme=club")
        yield page
        complaints.clear()  # the browser notes each answer of 400


def test_terms_are_changed_in_the_form_tried_and_put_in_force(club: Server, editor: Page) -> None:
    for summary in ("Gold", "Plus"):
        editor.click(f"details.each > summary:text-is('{summary}')")
    editor.fill("[id='f-tiers.1.at']", "10")
    editor.fill("[id='f-plans.0.fee_minor']", "dear")
    editor.click("button.btn[value=try]")
    expect(editor.locator("[id='f-plans.0.fee_minor']")).to_have_attribute("aria-invalid", "true")
    expect(editor.locator("[id='e-plans.0.fee_minor']")).to_contain_text("no amount")
    editor.fill("[id='f-plans.0.fee_minor']", "39.00")
    editor.click("button[value='add:tiers']")
    expect(editor.locator("[id='f-tiers.2.title']")).to_be_focused()
    editor.fill("[id='f-tiers.2.title']", "Patron")
    editor.fill("[id='f-tiers.2.name']", "patron")
    editor.fill("[id='f-tiers.2.at']", "5")
    editor.click("button.btn[value=try]")
    expect(editor.locator("[id='e-tiers.2.at']")).to_contain_text("overlap")
    editor.fill("[id='f-tiers.2.at']", "900")
    editor.click("button.btn[value=try]")
    expect(editor.locator("#tried-title")).to_be_visible()
    expect(editor.locator("[role=status]")).to_contain_text("Patron")
    editor.fill("#f-reason", "a tier more")
    editor.click("button[value=apply]")
    expect(editor.locator(".alert.good")).to_contain_text("in force")
    there = call(club, "GET", "loyalty/programmes/club").json()["programme"]
    assert [tier.get("at", 0) for tier in there["tiers"]] == [0, 1_000, 90_000]
    assert there["plans"][0]["fee_minor"] == 3_900


def test_the_editor_is_for_everybody_on_a_phone_too(club: Server, editor: Page, node_modules: Any) -> None:
    axe = (node_modules / "axe-core" / "axe.min.js").read_text()
    wrong = []
    for width in (390, 1280):
        editor.set_viewport_size({"width": width, "height": 900})
        for path in ("programme?programme=club", "members", "passes"):
            editor.goto(f"{club.url}/console/loyalty/{path}")
            assert editor.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
            wrong += violations(editor, axe)
    assert not wrong, "\n".join(wrong)


def test_whoever_tries_terms_that_somebody_changed_meanwhile_is_told(club: Server, editor: Page) -> None:
    there = call(club, "GET", "loyalty/programmes/club").json()
    wanted = {"programme": CLUB | {"title": "Circle"}, "version": there["version"], "reason": "a name"}
    changed_to = call(club, "PUT", "loyalty/programmes/club", json=wanted)
    assert changed_to.status_code == 200, changed_to.text
    editor.click("button.btn[value=try]")
    expect(editor.get_by_role("alert")).to_contain_text(f"you changed version {there['version']}")
    for field in editor.locator("input[name=version]").all():  # it goes on from what was read, however often it is sent
        expect(field).to_have_value(str(there["version"]))
    assert call(club, "GET", "loyalty/programmes/club").json()["programme"]["title"] == "Circle"
