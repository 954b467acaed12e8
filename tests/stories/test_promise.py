"""A parcel that is not scanned: the customer hears of it first, chooses, and is kept to what they chose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from rapport.kernel.clock import DAY, HOUR, now_us, to_datetime, to_iso
from tests.conftest import StartServer
from tests.rooms.capabilities.mail_sink import Sink
from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, tell

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LINES = [{"product_id": "gin", "name": "Gin", "quantity": 2}, {"product_id": "tonic", "name": "Tonic", "quantity": 6}]
STORE = {
    "location_id": "hamburg", "name": "Hamburg", "roles": ["pickup"], "street": "Marktstraße 11", "city": "Hamburg",
    "country": "DE",
}  # fmt: skip


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as found:
        yield found


@pytest.fixture(scope="module")
def server(start_server: StartServer, sink: Sink) -> Server:
    """A shop with a store in Hamburg that has everything, and a mail server."""
    environment = {
        "RAPPORT_SMTP_URL": sink.url, "RAPPORT_MAIL_FROM": "hello@shop.example",
        "RAPPORT_PUBLIC_URL": "https://shop.example",
    }  # fmt: skip
    running = start_server(environment=environment)
    add_owner(running)
    call(running, "POST", "locations", {"locations": [STORE]})
    levels = [{"location_id": "hamburg", "product_id": line["product_id"], "on_hand": 50} for line in LINES]
    call(running, "POST", "stock", {"levels": levels})
    return running


def call(server: Server, method: str, path: str, body: Any = None) -> Any:
    key = {"Authorization": f"Bearer {server.api_key}"}
    answer = http.request(method, f"{server.url}/api/v1/{path}", headers=key, json=body)
    return answer.json() if answer.status_code < 400 else None


def scanned(server: Server, order: str, shipment: str, status: str, **more: str) -> None:
    told = {"order_id": order, "shipment_id": shipment, "status": status, **more}
    assert call(server, "POST", "shipments", {"shipments": [told]}) == {"accepted": 1}


def promise_of(server: Server, order: str) -> dict[str, Any]:
    found: dict[str, Any] = call(server, "GET", f"orders/{order}/promise") or {"status": ""}
    return found


def track(event: str, at: int, *, user: str | None = None, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": event, "messageId": f"{event}-{at}-{properties.get('order_id')}", "userId": user,
        "timestamp": to_iso(at), "properties": properties,
    }  # fmt: skip


def orders(server: Server, user: str, order: str) -> str:
    """Somebody in Germany ordered six days ago, for the day after tomorrow; nothing was ever scanned.

    Five working days are on the way, so on any weekday the last hand-over lies after the order and before now.
    """
    now = now_us()
    day = (to_datetime(now) + timedelta(days=2)).date().isoformat()
    person = {"email": f"{user}@example.com", "firstName": user.title()}
    who = {"type": "identify", "messageId": f"i-{user}", "userId": user, "traits": person, "context": {"locale": "de"}}
    bought = track(
        "Order Completed", now - 6 * DAY, user=user, order_id=order, products=LINES, revenue=80, currency="EUR",
        promised_at=day, shipping_address={"country": "DE"},
    )  # fmt: skip
    tell(server, who | {"timestamp": to_iso(now - 7 * DAY)}, bought)
    return day


def mail_to(sink: Sink, address: str) -> EmailMessage:
    def found() -> EmailMessage | None:
        return next((mail for mail in sink.mails if mail["To"].addresses[0].addr_spec == address), None)

    return wait_until(found)


def page_in(mail: EmailMessage) -> str:
    """The address of the order's page that a mail names, below the shop's own."""
    body = mail.get_body(("plain",))
    assert body is not None
    [link] = re.findall(r"https://shop\.example(/shop/promises/order\S+?)[)\s]", body.get_content())
    return str(link)


@pytest.mark.slow
def test_whoever_is_told_in_time_collects_instead_and_is_kept_to_it(
    server: Server, sink: Sink, browser: Browser
) -> None:
    assert call(server, "PUT", "settings/promises", {"values": {"transit_days": 5}})
    orders(server, "ada", "A-1")
    wait_until(lambda: promise_of(server, "A-1")["status"] == "at_risk")
    mail = mail_to(sink, "ada@example.com")
    found = promise_of(server, "A-1")
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail["Subject"] == "Ihre Bestellung A-1 kommt später"
    assert "hat unser Lager nicht rechtzeitig verlassen" in text
    assert str(int(found["likely_window"]["to"][8:])) + ". " in text
    server.kill()
    server.start()

    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="de-DE")
    page.goto(server.url + page_in(mail))
    assert page.locator("h1").inner_text() == "Ihre Bestellung kommt vielleicht später"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Hamburg").check()
    page.get_by_role("button", name="Auswählen").click()
    page.get_by_text("Danke. So machen wir es.").wait_for()
    assert page.locator("h1").inner_text() == "Wir legen Ihre Bestellung zur Abholung bereit"
    server.kill()
    server.start()
    found = promise_of(server, "A-1")
    assert (found["status"], found["what"], found["location_id"]) == ("renegotiated", "collect", "hamburg")
    scanned(server, "A-1", "C-1", "ready_to_collect", location_id="hamburg")
    wait_until(lambda: promise_of(server, "A-1")["status"] == "kept")
    page.goto(server.url + page_in(mail))
    assert page.locator("h1").inner_text() == "Ihre Bestellung liegt zur Abholung bereit"
    page.close()
    assert set(sink.by_id().values()) == {1}


@pytest.mark.slow
def test_a_parcel_that_turns_up_after_all_keeps_the_promise_and_says_so(server: Server, sink: Sink) -> None:
    orders(server, "bo", "B-1")
    mail = mail_to(sink, "bo@example.com")
    path = page_in(mail)
    assert "Ihre Bestellung" in http.get(server.url + path, headers={"Accept-Language": "de"}).text
    assert http.head(server.url + path).status_code in (200, 405)
    assert promise_of(server, "B-1")["status"] == "at_risk"
    scanned(server, "B-1", "S-9", "delivered", carrier="DHL")
    scanned(server, "", "S-9", "in transit", at=to_iso(now_us() - HOUR))
    wait_until(lambda: promise_of(server, "B-1")["status"] == "kept")
    shown = http.get(server.url + path, headers={"Accept-Language": "en"}).text
    assert "Your order has arrived" in shown
    assert "Send me another one" not in shown
    tried = http.post(
        server.url + path, data={"t": path.partition("t=")[2], "window": "x", "choice": "cancel"},
        headers={"Accept-Language": "en"},
    )  # fmt: skip
    assert "Something has changed meanwhile" in tried.text
    assert [one["state"] for one in call(server, "GET", "orders/B-1")["shipments"]] == ["delivered"]


def test_a_link_that_was_changed_by_one_letter_opens_nothing(server: Server) -> None:
    for token in ("", "o.QS0x", "o.QS0x.00000000000000000000000000", "x" * 2_000):
        assert http.get(f"{server.url}/shop/promises/order?t={token}").status_code in (400, 404)
