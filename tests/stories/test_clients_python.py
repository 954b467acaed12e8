"""Unmodified Python SDKs of others, pointed at Rapport: what they sent is what is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

from rapport.kernel.clock import SECOND, from_iso, now_us
from rapport.kernel.facts import Fact
from tests.running import Server
from tests.stories.kept import eventually, facts_of, golden_record, quarantine_of, trait

pytestmark = pytest.mark.sdk

Connect = Callable[..., Any]


def segment(server: Server, **options: Any) -> SegmentClient:
    return SegmentClient(server.write_key, host=server.url, max_retries=1, **options)


def rudder(server: Server, **options: Any) -> RudderClient:
    return RudderClient(server.write_key, host=server.url, max_retries=1, **options)


@pytest.fixture(params=[segment, rudder], ids=["segment-analytics-python", "rudder-sdk-python"])
def connect(request: pytest.FixtureRequest) -> Connect:
    chosen: Connect = request.param
    return chosen


def kept(server: Server, person: str) -> list[Fact]:
    return [fact for fact in facts_of(server) if person in (fact.user_id, fact.anonymous_id)]


@pytest.mark.parametrize("gzip", [True, False], ids=["gzip", "plain"])
def test_all_six_calls_arrive_as_they_were_made(shop_server: Server, connect: Connect, *, gzip: bool) -> None:
    """Ada is identified, looks at a page and a screen, joins a household, buys, and was known by another id before."""
    person = f"ada-{connect.__name__}-{gzip}"
    errors: list[object] = []
    client = connect(shop_server, gzip=gzip, on_error=lambda error, _: errors.append(error))
    client.identify(person, {"email": f"{person}@example.com", "name": "Ada Lovelace"})
    client.page(person, "Wines", "Chianti", {"url": "https://shop.example/chianti"})
    client.screen(person, "App", "Basket")
    client.group(person, "household-7", {"name": "Lovelace"})
    client.track(
        person, "Order Completed",
        {"order_id": f"o-{person}", "revenue": 36.0, "products": [{"product_id": "p1", "quantity": 3}]},
    )  # fmt: skip
    client.alias(f"old-{person}", person)
    client.flush()
    client.shutdown()
    assert errors == []
    facts = {fact.name: fact for fact in kept(shop_server, person)}
    assert list(facts) == ["Identified", "Page Viewed", "Screen Viewed", "Group Joined", "Order Completed", "Aliased"]
    assert facts["Identified"].traits["name"] == "Ada Lovelace"
    assert facts["Page Viewed"].title == "Chianti"
    assert facts["Page Viewed"].properties["url"] == "https://shop.example/chianti"
    assert facts["Group Joined"].group_id == "household-7"
    assert facts["Order Completed"].properties["revenue"] == 36.0
    assert facts["Aliased"].previous_id == f"old-{person}"
    assert all("library" in fact.context for fact in facts.values())
    assert all(abs(fact.occurred_at - now_us()) < 60 * SECOND for fact in facts.values())


def test_the_golden_record_shows_what_the_client_told(shop_server: Server, connect: Connect) -> None:
    person = f"golden-{connect.__name__}"
    client = connect(shop_server)
    client.identify(person, {"email": f"{person}@example.com", "name": "Ada Lovelace"})
    client.track(person, "Order Completed", {"order_id": f"o-{person}", "revenue": 36.0, "currency": "GBP"})
    client.flush()
    client.shutdown()
    record = golden_record(shop_server, f"user_id:{person}", until=lambda r: trait(r, "orders") == 1)
    assert trait(record, "orders") == 1
    assert trait(record, "email") == f"{person}@example.com"
    assert {"namespace": "email", "value": f"{person}@example.com"} in record["identifiers"]


def test_a_time_in_the_past_survives_exactly(shop_server: Server, connect: Connect) -> None:
    person = f"past-{connect.__name__}"
    client = connect(shop_server)
    client.track(
        person, "Order Completed", {"order_id": person}, timestamp=datetime(2019, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
    )
    client.flush()
    client.shutdown()
    (fact,) = kept(shop_server, person)
    assert fact.occurred_at == from_iso("2019-05-06T07:08:09.123Z")


def test_the_client_s_message_id_makes_a_retry_harmless(shop_server: Server, connect: Connect) -> None:
    person = f"twice-{connect.__name__}"
    for _ in range(3):
        client = connect(shop_server)
        client.track(person, "Cart Viewed", message_id=f"fixed-{person}")
        client.flush()
        client.shutdown()
    assert [fact.id for fact in kept(shop_server, person)] == [f"fixed-{person}"]


def test_a_thousand_calls_lose_none(shop_server: Server, connect: Connect) -> None:
    person = f"many-{connect.__name__}"
    client = connect(shop_server, upload_size=100)
    for number in range(1000):
        client.track(person, "Product Viewed", {"product_id": f"p{number}"})
    client.flush()
    client.shutdown()
    facts = eventually(lambda: kept(shop_server, person), until=lambda found: len(found) == 1000)
    assert [fact.properties["product_id"] for fact in facts] == [f"p{number}" for number in range(1000)]


def test_values_only_python_makes_are_kept_readable(shop_server: Server, connect: Connect) -> None:
    person = f"odd-{connect.__name__}"
    client = connect(shop_server)
    client.track(
        person, "Odd", {"when": datetime(2026, 1, 2, tzinfo=UTC), "text": "Grüße 🎁", "huge": 2**70, "no": None}
    )
    client.track(person, "Not a number", {"price": float("nan")})
    client.track(person, "After", {"delta": timedelta(days=1).days})
    client.flush()
    client.shutdown()
    odd, after = kept(shop_server, person)
    assert (odd.name, after.name) == ("Odd", "After")
    assert odd.properties["text"] == "Grüße 🎁"
    assert odd.properties["huge"] in (str(2**70), 2**70)
    (aside,) = [row for row in quarantine_of(shop_server) if person in row.text]
    assert (aside.event, aside.path) == ("Not a number", "$.properties.price")


def test_a_wrong_key_is_told_once_and_nothing_is_kept(shop_server: Server, connect: Connect) -> None:
    errors: list[Any] = []
    before = len(facts_of(shop_server))
    client = connect(shop_server, on_error=lambda error, _: errors.append(error))
    client.write_key = "wk_wrong"
    for consumer in client.consumers:
        consumer.write_key = "wk_wrong"
    client.track("ada", "Cart Viewed")
    client.flush()
    client.shutdown()
    assert [error.status for error in errors] == [401]
    assert len(facts_of(shop_server)) == before
