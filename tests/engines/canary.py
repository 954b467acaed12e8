"""Ada all over an installation: each place is a function that has her get there by real use. A new slice adds one.

`PLACES` is filled by `@place`; the test (`test_canary.py`) runs all of them, erases her, and searches every file.
"""

from __future__ import annotations

import base64
import hmac
import io
import shutil
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

import httpx
import msgspec

from rapport.act import webhooks
from rapport.adapters.files import uploads
from rapport.adapters.files.ready import ready_map
from rapport.app import failed_facts
from rapport.capabilities.lake.service import archive
from rapport.capabilities.loyalty.changing import change_programme
from rapport.kernel.clock import MINUTE, now_us, to_iso
from rapport.kernel.ids import WorkspaceId
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.web.views import save_view
from tests.loyal import CLUB
from tests.rooms.capabilities.mail_sink import Sink
from tests.running import Server, http, wait_until

CANARY = "zq7canary"
"""Stands in every text of Ada's; nothing else says it."""
MAIL = f"{CANARY}@example.com"
USER = f"{CANARY}-user"
BROWSER = f"{CANARY}-browser"

Place = Callable[["Spread"], object]
PLACES: list[Place] = []


def place(one: Place) -> Place:
    """Have Ada be here, too."""
    PLACES.append(one)
    return one


class Spread(NamedTuple):
    """Where she is spread: a running server, its database opened beside it, and the shop."""

    server: Server
    db: Database
    shop: WorkspaceId
    sink: Sink
    """The shop's mail server."""

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the API; fails where it refuses."""
        headers = {"Authorization": f"Bearer {self.server.api_key}"}
        answer = http.request(method, f"{self.server.url}/api/v1/{path}", headers=headers, **options)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer

    def send(self, *messages: dict[str, Any], status: int = 200) -> None:
        """Send facts as any client does."""
        answer = http.post(f"{self.server.url}/v1/batch", json={"batch": messages}, auth=(self.server.write_key, ""))
        assert answer.status_code == status, answer.text


def track(event: str, id: str = "", **properties: Any) -> dict[str, Any]:
    """A message of Ada's with her word in every field that a browser fills."""
    context = {
        "ip": f"{CANARY}.ip", "userAgent": f"{CANARY} agent", "locale": "de-DE", "device": {"id": f"{CANARY}-device"},
        "page": {"url": f"https://shop.example/{CANARY}?q={CANARY}", "path": f"/{CANARY}", "title": CANARY,
                 "referrer": f"https://{CANARY}.example", "search": f"?q={CANARY}"},
        "campaign": {"name": CANARY, "source": CANARY, "medium": CANARY, "term": CANARY, "content": CANARY},
        "traits": {"email": MAIL}, "consent": {"categoryPreferences": {"email_marketing": True}},
    }  # fmt: skip
    return {
        "type": "track", "event": event, "userId": USER, "anonymousId": BROWSER, "context": context,
        "messageId": id or f"{CANARY}-{event}", "properties": {"note": CANARY, "deep": {"er": [CANARY]}} | properties,
    }  # fmt: skip


@place
def programme(here: Spread) -> None:
    """First: points are earned by what is ordered from then on."""
    change_programme(here.db, here.shop, "club", CLUB, seen=0, by="test", reason="", now=now_us())


@place
def webhook_that_does_not_answer(here: Spread) -> None:
    wanted = webhooks.WebhookWanted(url="http://127.0.0.1:9/hook", events=["*"])
    with here.db.write() as conn:
        webhooks.add_webhook(conn, here.shop, wanted, now=now_us())


@place
def journey(here: Spread) -> None:
    graph = {
        "title": "Thanks", "entry": {"on": "fact", "fact": "Product Added"}, "control_percent": 0, "start": "task",
        "nodes": {"task": {"kind": "task", "title": "Send a card", "next": "wait"},
                  "wait": {"kind": "wait", "for": "1d", "next": "end"}, "end": {"kind": "exit"}},
    }  # fmt: skip
    here.call("PUT", "journeys/thanks", json=graph)


@place
def browser_and_server(here: Spread) -> None:
    address = {"street": f"{CANARY} street", "city": f"{CANARY} town", "postalCode": CANARY, "country": "DE"}
    traits = {"email": MAIL, "name": f"Ada {CANARY}", "firstName": "Ada", "lastName": CANARY, "address": address,
              "phone": "+4930901820123", "birthday": "1990-01-01", f"{CANARY} trait": CANARY}  # fmt: skip
    who = track("x")
    del who["event"], who["properties"]
    line = {"product_id": "p1", "price": 5, "quantity": 1, "size": CANARY, "coupon": CANARY}
    here.send(
        {**who, "type": "identify", "messageId": f"{CANARY}-1", "traits": traits},
        track("Product Viewed", product_id="p1"),
        track("Products Searched", query=f"{CANARY} shoes"),
        track("Product Added", product_id="p1", price=5, cart_id=f"{CANARY}-cart"),
        track("Order Completed", order_id=f"{CANARY}-o", total=5, currency="EUR", products=[line], coupon=CANARY,
              promised_window={"from": "2026-12-01", "to": "2026-12-03"}),
        track("Order Shipped", order_id=f"{CANARY}-o", shipment_id=f"{CANARY}-s", tracking_number=f"{CANARY}-t"),
        track("Order Refunded", order_id=f"{CANARY}-o", total=1, currency="EUR"),
        track(f"{CANARY} Event"),
    )  # fmt: skip
    wait_until(lambda: here.server.customer(f"user_id:{USER}") is not None)


@place
def quarantine(here: Spread) -> None:
    """What cannot be read names her, and says more of her beside."""
    here.send({"type": "track", "event": "", "userId": USER, "properties": {"name": f"Ada {CANARY}"}})
    here.send({"type": "identify", "userId": USER, "traits": f"Ada {CANARY}, {MAIL}"})


@place
def shop_system(here: Spread) -> None:
    source, secret = here.call("GET", "sources").json()[0]["id"], "shpss_not-a-real-one"
    here.call("PUT", f"shops/shopify/{source}", json={"secret": secret})
    order = {
        "id": 820982911946154508, "name": f"#{CANARY}", "email": MAIL, "created_at": "2026-11-01T10:00:00Z",
        "updated_at": "2026-11-01T10:00:00Z", "currency": "EUR", "total_price": "30.00", "total_tax": "0.00",
        "total_discounts": "0.00", "financial_status": "paid", "fulfillment_status": None, "cancelled_at": None,
        "discount_codes": [{"code": CANARY, "amount": "0", "type": "x"}], "refunds": [],
        "customer": {"id": 115310627314723954, "first_name": "Ada", "last_name": CANARY},
        "shipping_address": {"name": f"Ada {CANARY}", "city": CANARY, "country_code": "DE"},
        "line_items": [{"product_id": 1, "variant_id": 2, "sku": "W-1", "title": "Boots", "quantity": 1,
                        "price": "30.00", "total_discount": "0.00"}],
    }  # fmt: skip
    body = msgspec.json.encode(order)
    signed = base64.b64encode(hmac.new(secret.encode(), body, sha256).digest()).decode()
    headers = {"X-Shopify-Hmac-Sha256": signed, "X-Shopify-Topic": "orders/create", "X-Shopify-Event-Id": "1"}
    answer = http.post(f"{here.server.url}/v1/webhooks/shopify/{source}", content=body, headers=headers)
    assert answer.json()["facts"] == 1, answer.text


@place
def files_handed_in(here: Spread) -> None:
    """One that is imported, with a line that is refused; one that waits for somebody to start it."""
    assert here.db.folder is not None
    text = f"First Name,Last Name,Email,Accepts Email Marketing\nAda,{CANARY},{MAIL},yes\nAda,{CANARY},{MAIL},perhaps\n"
    for starts in (True, False):
        upload, path, size = uploads.keep_file(here.db.folder / "uploads", io.BytesIO(text.encode()))
        with here.db.write() as conn:
            uploads.put_in(conn, here.shop, upload, path, name=f"{MAIL}.csv", size=size,
                           said=ready_map("shopify-customers"), by="Olga", now=now_us())  # fmt: skip
            if starts:
                uploads.start(conn, here.shop, upload, seen=1, now=now_us())

    def finished() -> bool:
        with here.db.read() as conn:
            return uploads.newest_uploads(conn, here.shop, limit=9)[-1].state == "done"

    wait_until(finished)


@place
def handling_that_failed(here: Spread) -> None:
    with here.db.write() as conn:
        failed_facts.put(conn, log.latest(conn, here.shop, limit=1)[0], RuntimeError(CANARY), at=now_us())


@place
def decision(here: Spread) -> None:
    who = {"namespace": "user_id", "value": USER}
    here.call("POST", "decisions", json={"placement": "product.also", "customer": who, "context": {"product_id": "p1"}})


@place
def consent_and_links(here: Spread) -> None:
    answer = {"purposes": {"email_marketing": "granted"}, "wording": f"{CANARY} wording", "language": "en"}
    here.call("POST", f"customers/email:{MAIL}/consent", json=answer)
    here.call("POST", f"customers/email:{MAIL}/consent/links", json={"purpose": "email_marketing"})
    here.call("GET", f"customers/email:{MAIL}/consent/receipt")


@place
def question(here: Spread) -> None:
    asked = {"name": "skin", "words": {"en": "How is your skin?"}, "options": [{"value": "dry"}, {"value": "oily"}]}
    here.call("PUT", "questions/skin", json=asked)
    here.call("POST", "questions/skin/answers", json={"customer": f"email:{MAIL}", "answer": "dry"})


@place
def message(here: Spread) -> None:
    """Sent by a mail server that took it, and one that nobody takes."""
    order = {"order": {"id": f"{CANARY}-o"}, "story": f"Packed for {CANARY}."}
    wanted = {"template": "order_story", "purpose": "transactional", "data": order}
    for number, customer in enumerate((f"email:{MAIL}", f"user_id:{USER}")):
        here.call("POST", "messages", json=wanted | {"customer": customer, "idempotency_key": f"{CANARY}-{number}"})
    wait_until(lambda: any(MAIL in str(mail["To"]) for mail in here.sink.mails))


@place
def task_of_a_journey(here: Spread) -> None:
    """A card that staff are to send her, done by somebody."""
    wait_until(lambda: here.call("GET", "tasks").json())
    for task in here.call("GET", "tasks").json()[:1]:
        here.call("PUT", f"tasks/{task['id']}", json={"done": True})


@place
def facts_that_were_taken_back(here: Spread) -> None:
    """A source whose facts of her are withdrawn, and may be put back for 30 days."""
    source = here.call("POST", "sources", json={"name": "Till", "kind": "server"}).json()
    messages = [track("Product Viewed", id=f"{CANARY}-till", product_id="p1")]
    http.post(f"{here.server.url}/v1/batch", json={"batch": messages}, auth=(source["write_key"], ""))
    wait_until(lambda: f"{CANARY}-till" in here.call("GET", f"customers/user_id:{USER}/export").text)
    window = {"since": to_iso(now_us() - 10 * MINUTE), "reason": f"wrong till, says {MAIL}"}
    asked = here.call("POST", f"sources/{source['id']}/withdrawals", json=window).json()["id"]
    wait_until(lambda: here.call("GET", f"withdrawals/{asked}").json()["state"] == "told")
    here.call("POST", f"withdrawals/{asked}/confirm")
    wait_until(lambda: here.call("GET", f"withdrawals/{asked}").json()["state"] == "done")


@place
def campaign_that_she_came_by(here: Spread) -> None:
    """What it cost is the shop's own word, and stays."""
    here.send(track("Product Viewed", id=f"{CANARY}-campaign", product_id="p1")
              | {"context": {"campaign": {"name": "spring"}, "traits": {"email": MAIL}}})  # fmt: skip
    cost = {"campaign": "spring", "day": "2026-11-20", "cost": 5, "currency": "EUR"}
    here.call("POST", "campaigns/costs", json={"costs": [cost]})


@place
def answers_brought_along(here: Spread) -> None:
    answer = {"customer": f"email:{MAIL}", "purposes": {"sms_marketing": "granted"}, "given_at": "2024-05-01",
              "source": f"form of {CANARY}", "wording": CANARY}  # fmt: skip
    assert here.call("POST", "consent/answers", json={"answers": [answer]}).json()["taken"] == 1


@place
def segments(here: Spread) -> None:
    wanted = {"name": "everybody", "where": "email IS NOT NULL"}
    here.call("POST", "segments", json=wanted)
    wait_until(lambda: here.call("GET", "segments/everybody/members").json()["members"])


@place
def looked_up_and_kept(here: Spread) -> None:
    """Somebody searches for her, looks at her, hands her out, and keeps the search."""
    here.call("GET", "customers", params={"q": MAIL})
    for path in ("", "/timeline", "/export", "/loyalty"):
        here.call("GET", f"customers/email:{MAIL}{path}")
    here.call("GET", f"orders/{CANARY}-o")
    here.call("GET", "products", params={"query": CANARY})
    with here.db.write() as conn:
        save_view(conn, here.shop, page="/console/customers", name=MAIL, query=f"q={MAIL}&x=1", by="Olga", now=now_us())
        save_view(conn, here.shop, page="/console/customers", name=USER, query=f"q={USER}", by="Olga", now=now_us())


@place
def asked_for_what_is_kept(here: Spread) -> None:
    wanted = {"kind": "access", "customer": f"email:{MAIL}", "verified": "signed in"}
    here.call("POST", "privacy/requests", json=wanted)
    right = {"kind": "rectification", "customer": f"email:{MAIL}", "verified": "signed in",
             "correction": {"first_name": f"A {CANARY}"}}  # fmt: skip
    here.call("POST", "privacy/requests", json=right)


@place
def lake(here: Spread) -> None:
    archive(here.db)


@place
def what_a_restore_put_aside(here: Spread) -> None:
    """Last: the database and the lake as they are now, beside themselves."""
    assert here.db.folder is not None
    if here.db.path is not None:
        with here.db.write() as conn:
            conn.exec_driver_sql("SELECT 1")
        aside = here.db.path.with_name("rapport.db.before-20261101T100000")
        with here.db.alone() as driver:
            driver.execute(f"VACUUM INTO '{aside}'")
    shutil.copytree(here.db.folder / "lake", here.db.folder / "lake.before-20261101T100000")
