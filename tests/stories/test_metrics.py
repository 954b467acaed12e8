"""A program asks for numbers by segment and period; a manager opens one, sees how it is counted and who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rapport.kernel.clock import now_us, to_iso
from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, signed_in, tell, track

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def ask(server: Server, name: str, *, key: str = "", **params: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key or server.api_key}"}
    return http.get(f"{server.url}/api/v1/metrics/{name}", headers=headers, params=params)


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """Ada bought twice, Bo once; Ada gave some back."""
    order: dict[str, Any] = {"currency": "EUR", "channel": "web"}
    add_owner(shop_server)
    tell(
        shop_server,
        track("Order Completed", user="ada", order_id="1", revenue=30, **order),
        track("Order Completed", user="ada", order_id="2", revenue=12, **order),
        track("Order Completed", user="bo", order_id="3", revenue=8, currency="EUR", channel="store"),
        track("Order Refunded", user="ada", order_id="1", refund_id="r", revenue=10, currency="EUR"),
    )
    wait_until(lambda: ask(shop_server, "return_rate", by="currency").json()["rows"][:1] != [])
    wait_until(lambda: ask(shop_server, "return_rate", by="currency").json()["rows"][0]["returned_orders"] == 1)
    return shop_server


def test_an_answer_is_a_metric_a_unit_and_rows(shop: Server) -> None:
    found = ask(shop, "revenue", by="channel").json()
    assert (found["metric"], found["unit"], found["segment"]) == ("revenue", "minor", None)
    assert [(row["channel"], row["value"], row["net_minor"]) for row in found["rows"]] == [
        ("store", 800, 800), ("web", 4200, 3200),
    ]  # fmt: skip


def test_a_segment_is_asked_by_its_name(shop: Server) -> None:
    headers = {"Authorization": f"Bearer {shop.api_key}"}
    made = {"name": "Twice & more", "where": "orders >= 2"}

    def count() -> int:
        answer = http.post(f"{shop.url}/api/v1/segments/preview", headers=headers, json={"where": made["where"]})
        return int(answer.json()["count"])

    wait_until(lambda: count() == 1)
    assert http.post(f"{shop.url}/api/v1/segments", headers=headers, json=made).status_code == 201
    found = ask(shop, "orders", by="currency", segment="Twice & more").json()
    assert (found["segment"], [row["orders"] for row in found["rows"]]) == ("Twice & more", [2])


@pytest.mark.parametrize(
    ("name", "params", "status", "said"),
    [
        ("revnue", {}, 404, "no metric 'revnue'"),
        ("revenue", {"by": "weather"}, 400, "cannot be grouped by 'weather'"),
        ("revenue", {"segment": "Nobody's"}, 404, "no segment"),
        ("facts", {"segment": "x"}, 400, "not counted by customer"),
        ("revenue", {"since": "yesterday"}, 400, "`since` is no time"),
        ("revenue", {"until": "2026-13-01"}, 400, "`until` is no time"),
        ("revenue", {"since": "2026-11-02", "until": "2026-11-01"}, 400, "`since` is after `until`"),
        ("revenue", {"since": "2026-11-02", "from": "2026-11-01"}, 400, "mean the same"),
        ("revenue", {"to": "yesterday"}, 400, "`to` is no time"),
        ("revenue", {"form": "2026-11-01"}, 400, "unknown query parameter 'form'"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_that_says_why(
    shop: Server, name: str, params: dict[str, str], status: int, said: str
) -> None:
    answer = ask(shop, name, **params)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert said in answer.json()["detail"]


def test_nobody_is_told_numbers_without_a_key(shop: Server) -> None:
    assert ask(shop, "revenue", key="rk_wrong").status_code == 401


@pytest.mark.browser
def test_a_manager_sees_how_a_number_is_counted_and_opens_the_customers_in_it(shop: Server, browser: Browser) -> None:
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/metrics")
        page.click("a:has-text('New customers')")
        page.wait_for_url("**/metrics/new_customers**")  # until it has loaded, nobody hears what is chosen
        page.select_option("#m-by", "channel")
        page.wait_for_url("**by=channel*")
        assert "over all their devices" in page.inner_text("main")
        page.click("summary:has-text('The query')")
        assert "SELECT" in page.inner_text("pre.code >> nth=0")
        page.click("td a:text-is('web')")
        page.wait_for_url("**/who?**")
        assert "1 customer is in it" in page.inner_text(".page-head")
        file = page.request.get(f"{shop.url}/console/metrics/revenue/rows.csv?by=channel")
        assert file.text().splitlines()[1].startswith("store,EUR,1,800")
        page.goto(f"{shop.url}/console/insights/journeys?apart=visit&outcome=refunded")
        page.click("td[data-label='Customers'] a >> nth=0")
        page.wait_for_url("**/journeys/who?**")
        assert "1 customer is in it" in page.inner_text(".page-head")
        for name, line in (
            ("funnel", "channel,"), ("retention", "cohort,customers,period"), ("products", "product_id,name"),
            ("patterns", "kind,"),
            ("channels", "channel,currency,orders"), ("campaigns", "campaign,"), ("journeys", "source,target,times"),
        ):  # fmt: skip
            file = page.request.get(f"{shop.url}/console/insights/{name}/rows.csv?by=channel")
            assert file.status == 200, name
            assert file.text().lstrip("\ufeff").startswith(line), name
        assert page.request.get(f"{shop.url}/console/insights/weather").status == 400


def test_insights_are_the_same_numbers_as_metrics_and_refuse_what_is_no_question(shop: Server) -> None:
    def insight(name: str, **params: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {shop.api_key}"}
        return http.get(f"{shop.url}/api/v1/insights/{name}", headers=headers, params=params)

    channels = {row["channel"]: row["net_minor"] for row in insight("channels").json()["rows"]}
    assert channels == {row["channel"]: row["net_minor"] for row in ask(shop, "revenue", by="channel").json()["rows"]}
    assert insight("retention").json()["cohorts"][0]["customers"] == 2
    journeys = insight("journeys", outcome="refunded", apart="visit").json()
    assert {kind["name"] for kind in journeys["kinds"]} == {"Order", "Refund"}
    assert sum(kind["ends"] for kind in journeys["kinds"]) == journeys["journeys"] == 1
    assert set(insight("funnel", by="device").json()["whole"].values()) == {0}
    assert insight("products").json() | {"as_of": "", "since": "", "until": ""} == {
        "since": "", "until": "", "as_of": "", "zone": "UTC", "segment": None, "rows": [], "complete": True,
    }  # fmt: skip
    assert (insight("patterns").json()["orders"], insight("patterns").json()["patterns"]) == (3, [])
    for params, said in (
        ({"apart": "year"}, "apart"), ({"kinds": "2"}, "kinds"), ({"since": "1970-01-01"}, "at most 1,100"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "`since` is after `until`"), ({"form": "x"}, "form"),
    ):  # fmt: skip
        answer = insight("journeys", **params)
        assert answer.status_code == 400, params
        assert said in answer.text
    assert insight("journeys", segment="Nobody's").status_code == 404


def test_costs_of_campaigns_are_stated_shown_and_refused_whole(shop: Server, browser: Browser) -> None:
    headers = {"Authorization": f"Bearer {shop.api_key}"}
    day = to_iso(now_us())[:10]

    def state(*costs: dict[str, Any]) -> httpx.Response:
        return http.post(f"{shop.url}/api/v1/campaigns/costs", headers=headers, json={"costs": list(costs)})

    spring = {"campaign": "spring", "day": day, "cost": "12.50", "currency": "EUR", "clicks": 5}
    assert state(spring).json() == {"accepted": 1}
    assert state({**spring, "cost": 7}, {**spring, "campaign": "summer"}).json() == {"accepted": 2}
    for wrong, said in (({"day": "20.11.2026"}, "no day"), ({"cost": "lots"}, "no cost"), ({"cost": -1}, "0"),
                        ({"currency": "POINTS"}, "not known"), ({"campaign": "x" * 121}, "campaign")):  # fmt: skip
        refused = state({**spring, "cost": 99}, {**spring, **wrong})
        assert refused.status_code == 400, wrong
        assert said in refused.text
    reader = {"Authorization": "Bearer nobody"}
    assert http.post(f"{shop.url}/api/v1/campaigns/costs", headers=reader, json={"costs": [spring]}).status_code == 401

    def costs() -> dict[str, int]:
        rows = ask(shop, "acquisition_cost", by="campaign").json()["rows"]
        return {row["campaign"]: row["cost_minor"] for row in rows if row["cost_minor"]}

    wait_until(lambda: costs() == {"spring": 700, "summer": 1250})
    with signed_in(browser, shop) as (page, complaints):
        page.goto(f"{shop.url}/console/acquisition")
        page.fill("[name=campaign]", "autumn")
        page.fill("[name=day]", day)
        page.fill("[name=cost]", "lots")
        page.click("main button.primary")
        assert "no cost" in page.inner_text("[role=alert]")
        assert page.input_value("[name=campaign]") == "autumn"
        complaints.clear()  # of the answer 400
        page.fill("[name=cost]", "3,90")
        page.click("main button.primary")
        page.wait_for_url("**done=stated")
        wait_until(lambda: costs().get("autumn") == 390)
        page.reload()
        table = page.inner_text("table[aria-label=Campaigns]")
        assert ["summer" in table, "autumn" in table, "€12.50" in table, "not yet" in table] == [True] * 4
        file = page.request.get(f"{shop.url}/console/acquisition/rows.csv").text()
        assert file.lstrip("\ufeff").splitlines()[1].startswith("summer,EUR,1250,5,0,")
