"""Messages over HTTP: asked for with a key, delivered by the workers of a running server, seen in the console."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from tests.conftest import StartServer
from tests.rooms.capabilities.mail_sink import Sink
from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, identify, signed_in, tell
from tests.stories.test_console_looks import axe, violations

__all__ = ["axe"]

ORDER = {
    "template": "order_story", "customer": "user_id:ada", "purpose": "transactional", "idempotency_key": "one",
    "data": {"order": {"id": "A-1"}, "story": "It is packed."},
}  # fmt: skip


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as found:
        yield found


@pytest.fixture(scope="module")
def server(start_server: StartServer, sink: Sink) -> Server:
    """With the sink as its mail server, and Ada as its customer."""
    environment = {
        "RAPPORT_SMTP_URL": sink.url, "RAPPORT_MAIL_FROM": "hello@shop.example",
        "RAPPORT_PUBLIC_URL": "https://shop.example",
    }  # fmt: skip
    running = start_server(environment=environment)
    add_owner(running)
    tell(running, identify("ada", email="ada@example.com", firstName="Ada"))
    wait_until(lambda: running.customer("user_id:ada") is not None)
    return running


def call(server: Server, method: str, path: str, **options: Any) -> httpx.Response:
    key = {"Authorization": f"Bearer {server.api_key}"}
    return http.request(method, f"{server.url}/api/v1/{path}", headers=key, **options)


def test_a_message_is_delivered_once_however_often_it_is_asked_for(server: Server, sink: Sink) -> None:
    answers = [call(server, "POST", "messages", json=ORDER) for _ in range(3)]
    assert [one.status_code for one in answers] == [202, 202, 202]
    [one] = {answer.json()["id"] for answer in answers}
    wait_until(lambda: call(server, "GET", f"messages/{one}").json()["status"] == "sent")
    assert [mail["Subject"] for mail in sink.mails] == ["Your order A-1"]
    listed = call(server, "GET", "messages", params={"status": "sent"}).json()
    assert [found["id"] for found in listed] == [one]
    given = {"feedback": [{"id": one, "kind": "delivered"}]}
    assert call(server, "POST", "messages/feedback", json=given).json() == {"messages": 1}
    assert call(server, "GET", f"messages/{one}").json()["delivered_at"] is not None


@pytest.mark.parametrize(
    ("given", "status", "word"),
    [
        ({"template": "nothing"}, 404, "no template"),
        ({"customer": "user_id:nobody"}, 404, "no customer"),
        ({"template": "welcome"}, 400, "marketing"),
        ({"channel": "pigeon"}, 400, "channel"),
        ({"idempotency_key": ""}, 400, "idempotency_key"),
        ({"data": {"x": "y" * 60_000}}, 413, "bytes"),
        ({"more": 1}, 400, "more"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(server: Server, given: dict[str, Any], status: int, word: str) -> None:
    answered = call(server, "POST", "messages", json={**ORDER, "idempotency_key": f"odd-{word}", **given})
    assert answered.status_code == status
    assert word in answered.text


def test_nobody_without_a_key_sends_or_sees_anything(server: Server) -> None:
    assert http.post(f"{server.url}/api/v1/messages", json=ORDER).status_code == 401
    assert http.get(f"{server.url}/api/v1/messages").status_code == 401
    assert call(server, "GET", "messages/msg_none").status_code == 404


def test_a_template_is_put_in_force_by_the_api(server: Server) -> None:
    found = call(server, "GET", "templates/birthday").json()
    assert found["version"] == 0
    found["template"]["texts"]["en"]["subject"] = "Cheers"
    assert call(server, "PUT", "templates/birthday", json=found["template"]).json()["version"] == 1
    assert call(server, "GET", "templates/birthday").json()["template"]["texts"]["en"]["subject"] == "Cheers"
    found["template"]["texts"]["en"]["body"] = "<mj-section>"
    refused = call(server, "PUT", "templates/birthday", json=found["template"])
    assert (refused.status_code, "en: this is no MJML" in refused.text) == (400, True)
    assert {"welcome", "birthday"} <= {one["name"] for one in call(server, "GET", "templates").json()}


def test_channels_are_set_and_tried_in_the_console(server: Server, sink: Sink, browser: Browser) -> None:
    with signed_in(browser, server, viewport={"width": 390, "height": 850}) as (page, complaints):
        page.goto(f"{server.url}/console/channels/sms")
        page.get_by_label("Account").fill("AC1")
        page.get_by_label("Secret").fill("s3cret")
        page.get_by_label("Messages come from").fill("+15005550006")
        page.get_by_label("Address of the provider").fill("http://169.254.169.254/")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("link-local").wait_for()
        complaints.clear()  # the answer was a 400, as it should be
        page.get_by_label("Secret").fill("s3cret")
        page.get_by_label("Address of the provider").fill("")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("by Twilio").wait_for()
        page.get_by_label("Send a test by E-mail to").fill("me@shop.example")
        page.get_by_role("button", name="Send a test").first.click()
        wait_until(lambda: [one for one in sink.mails if one["Subject"] == "Test"], waiting=page.wait_for_timeout)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert "s3cret" not in call(server, "GET", "audit").text


def test_a_key_keeps_browsers_and_hands_over_answers(server: Server) -> None:
    assert len(call(server, "GET", "push-subscriptions/key").json()["public_key"]) == 87
    odd = {"endpoint": "https://push.example/1", "keys": {"p256dh": "AA", "auth": "AA"}}
    asked = {"customer": "user_id:ada", "subscription": odd}
    assert call(server, "POST", "push-subscriptions", json=asked).status_code == 400
    assert call(server, "DELETE", "push-subscriptions/none").status_code == 404
    reply = {"channel": "sms", "from": "+4915112345678", "text": "Stop", "id": "r1"}
    assert call(server, "POST", "messages/replies", json=reply).json() == {"stopped": True}
    assert call(server, "POST", "messages/replies", json={**reply, "from": "x"}).status_code == 400


def test_channels_reports_and_templates_are_set_in_the_console(server: Server, browser: Browser, axe: str) -> None:
    """What goes instead, a provider whose secret changes, a template that Meta approved."""
    with signed_in(browser, server, viewport={"width": 390, "height": 850}) as (page, complaints):
        page.goto(f"{server.url}/console/channels")
        page.get_by_label("Instead of E-mail").select_option("sms")
        page.get_by_label("Instead of SMS").select_option("push")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("What it cannot bring goes by SMS, Web push.").wait_for()
        assert violations(page, axe) == []

        page.goto(f"{server.url}/console/providers")
        mailgun = page.locator("section", has=page.get_by_role("heading", name="Mailgun"))
        mailgun.get_by_text("Take its reports").click()
        mailgun.get_by_label("The HTTP webhook signing key").fill("the first key")
        mailgun.get_by_role("button", name="Save").click()
        mailgun.get_by_text("nothing has come yet").wait_for()
        address = "/v1/webhooks/providers/mailgun/"
        assert address in mailgun.inner_text()
        forged = http.post(
            f"{server.url}{mailgun.locator('code').inner_text().removeprefix('https://shop.example')}", json={}
        )
        assert forged.status_code == 401
        mailgun.get_by_text("Change its secret").click()
        mailgun.get_by_label("The HTTP webhook signing key").fill("the second key")
        mailgun.get_by_role("button", name="Save").click()
        mailgun.get_by_text("The one before counts until").wait_for()
        mailgun.get_by_text("the last one was refused").wait_for()
        assert violations(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

        page.goto(f"{server.url}/console/templates/order_story")
        page.get_by_text("Template approved by Meta").click()
        page.get_by_label("Its name at Meta").fill("Order Packed")
        page.get_by_role("button", name="Publish").click()
        page.get_by_text("is no name of a template at Meta").wait_for()
        complaints.clear()  # the answer was a 400, as it should be
        page.get_by_label("Its name at Meta").fill("order_packed")
        page.get_by_label("Language it was approved in").fill("en_US")
        page.get_by_label("Its variables").fill("{{ customer.first_name }}\n{{ order.id }}")
        page.get_by_role("button", name="Publish").click()
        page.get_by_text("By WhatsApp, to who has not written for a day").wait_for()
        assert violations(page, axe) == []
        complaints.clear()  # axe asks the mail's frames, which answer nobody
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    kept = call(server, "GET", "templates/order_story").json()["template"]["texts"]["en"]["whatsapp"]
    assert (kept["name"], kept["variables"]) == ("order_packed", ["{{ customer.first_name }}", "{{ order.id }}"])
    assert "first key" not in call(server, "GET", "audit").text
