"""The demonstration knows who is who, and shows in its console how well Rapport found out."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from rapport.app.scorecard.measure import Measurement
from rapport.app.scorecard.series import Series
from tests.conftest import StartServer
from tests.rooms.world.demonstration import Demo
from tests.running import Server, free_port
from tests.stories.console import OWNER, add_owner, add_person, signed_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PEOPLE = 350
"""Fewer leave too few records to learn from."""
VIEWER = "vera@example.com"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def shop(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demonstration that has told its past, learned, measured what came of it, and was started again."""
    data = tmp_path_factory.mktemp("demo") / "demo"
    first = Demo(data, port, people=PEOPLE)
    first.wait_for("measurement of learned links", lambda: learned(data), seconds=300)
    first.wait_for("word of what was learned", lambda: "Learned who is one" in first.output.read_text(), seconds=120)
    measured = Series(data).read()
    sent = first.health()["log_seq"]
    assert first.end() == []
    again = Demo(data, port, people=PEOPLE)
    again.wait_for("live trickle", lambda: again.output.read_text().count("Now it is live") == 2, seconds=120)
    again.wait_for("another measurement", lambda: len(Series(data).read()) > len(measured), seconds=120)
    assert 0 <= again.health()["log_seq"] - sent < 3_000, "the history was sent again"
    shop = Server(data=data, engine="sqlite", port=port, environment=dict(os.environ))
    add_owner(shop)
    add_person(shop, email=VIEWER, role="viewer")
    yield shop
    assert again.end(signal.SIGTERM) == []
    assert "Traceback" not in again.output.read_text()


def learned(data: Path) -> list[Measurement]:
    return [each for each in Series(data).read() if each.model is not None]


def test_it_measures_while_the_past_is_told_and_after_it_has_learned(shop: Server) -> None:
    """Precision and recall are sane, over all and by channel; learning happened once, and added what it says."""
    measured = Series(shop.data).read()
    past = [each for each in measured if not each.live]
    assert len(past) > 1
    assert [each.at for each in measured] == sorted(each.at for each in measured)
    assert all(each.model is None for each in past)
    last = measured[-1]
    assert 0.9 * PEOPLE <= last.people <= PEOPLE
    assert last.customers > last.people
    for answer in (last.found, last.certain):
        assert 0.9 < answer.overall.precision <= 1.0
        assert 0.4 < answer.overall.recall < answer.overall.recall_but_lone <= 1.0
        assert set(answer.channels) <= {"web", "app", "store", "marketplace", "email", "phone", "import"}
        assert answer.channels["web"].true_pairs > answer.channels["store"].true_pairs > 0
    assert last.certain.overall.recall <= last.found.overall.recall
    assert last.model == 1
    assert last.right_links >= last.wrong_links
    told = shop.data.with_suffix(".out").read_text()
    assert told.count("Learned who is one person") == 1
    assert "Traceback" not in told


def test_the_console_shows_it(shop: Server, browser: Browser) -> None:
    """Numbers, lines and channels; each mistake leads to the customer."""
    with signed_in(browser, shop, email=OWNER) as (page, _):
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Scorecard").click()
        page.get_by_role("heading", name="Scorecard").wait_for()
        page.locator("[data-chart] canvas").wait_for()
        for title in ("Website", "Stores", "Marketplace"):
            assert page.get_by_role("cell", name=title, exact=True).is_visible()
        assert re.search(r"Precision\s+9\d\.\d %", page.locator("dl.stats").inner_text())
        page.get_by_role("region", name="One person in several customers").get_by_role("link").first.click()
        page.wait_for_url("**/console/customers/cus_*")


def test_who_may_not_see_customers_may_not_see_the_scorecard(shop: Server, browser: Browser) -> None:
    """It names people; a viewer sees numbers, never a person. Nobody gets in without an account."""
    with signed_in(browser, shop, email=VIEWER) as (page, complaints):
        assert page.get_by_role("link", name="Scorecard").count() == 0
        answer = page.goto(f"{shop.url}/console/scorecard")
        assert answer
        assert answer.status == 403
        complaints.clear()
    stranger = httpx.get(f"{shop.url}/console/scorecard", follow_redirects=True)
    assert "Sign in" in stranger.text
    assert "Precision" not in stranger.text


def test_a_real_shop_has_no_scorecard(shop_server: Server, browser: Browser) -> None:
    """Where nobody knows who is who, nothing can be said."""
    add_owner(shop_server)
    with signed_in(browser, shop_server) as (page, complaints):
        assert page.get_by_role("link", name="Scorecard").count() == 0
        answer = page.goto(f"{shop_server.url}/console/scorecard")
        assert answer
        assert answer.status == 404
        complaints.clear()


def test_the_first_measurement_comes_by_itself(
    shop: Server, start_server: StartServer, browser: Browser, tmp_path: Path
) -> None:
    """From the first moment of a demonstration the page is there and says what will come."""
    data = tmp_path / "young"
    data.mkdir(mode=0o700)
    series = Series(data)
    series.begin()
    young = start_server(data=data)
    add_owner(young)
    with signed_in(browser, young) as (page, _):
        page.goto(f"{young.url}/console/scorecard")
        page.get_by_role("heading", name="Nothing is measured yet").wait_for()
        series.append(Series(shop.data).read()[-1])
        page.get_by_role("heading", name="By channel").wait_for(timeout=20_000)
        page.locator("[data-chart] canvas").wait_for()
