"""Webhooks go out signed as Standard Webhooks has it, to public addresses, and stop when the receiver says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from rapport.act import deliveries, outbox, store, webhooks
from rapport.act.addresses import is_forbidden
from rapport.act.channels import Outgoing
from rapport.act.outbox import Dispatcher
from rapport.act.webhooks import CHANNEL, Webhook, WebhookWanted, webhook_version
from rapport.adapters.channels.webhook import WebhookChannel, is_public
from rapport.app.wiring import installed
from rapport.compose.person import erase_person
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Message
from rapport.storage.engine import Database
from rapport.storage.sealing import VARIABLE
from tests.beside import change_beside
from tests.rooms.act.receiver import Receiver
from tests.shop import NOON, Shop

SHOP = WorkspaceId(1)
BODY = b'{"type":"Cart Abandoned","data":{}}'


def add(db: Database, url: str, *, events: list[str] | None = None) -> tuple[Webhook, str]:
    with db.write() as conn:
        return webhooks.add_webhook(conn, SHOP, WebhookWanted(url=url, events=events), now=now_us())


def put(db: Database, webhook: Webhook, key: str = "k") -> None:
    message = Message(
        workspace=SHOP,
        channel=CHANNEL,
        destination=webhook.id,
        idempotency_key=key,
        payload=BODY,
        strand=None,
        purpose="operations",
    )
    with db.write() as conn:
        outbox.write(conn, [message], now=now_us() - 1)


@contextmanager
def dispatching(db: Database, *, allow_private: bool = True) -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(db, [WebhookChannel(db, allow_private=allow_private)])
    yield dispatcher
    dispatcher.close()


def deliver(db: Database, *, allow_private: bool = True) -> sa.Row[tuple[object, ...]]:
    with dispatching(db, allow_private=allow_private) as dispatcher:
        dispatcher.run_once(now_us())
        dispatcher.drain()
    with db.read() as conn:
        return conn.execute(sa.select(store.outbox).order_by(store.outbox.c.id.desc())).first()  # type: ignore[return-value]


def test_the_receiver_can_verify_who_sent_it(any_db: Database, receiver: Receiver) -> None:
    db = any_db
    webhook, secret = add(db, receiver.url)
    put(db, webhook)
    row = deliver(db)
    [got] = receiver.received
    assert (row.status, got.path, got.body) == ("delivered", "/hook?token=t0", BODY)
    assert got.headers["webhook-id"] == row.id
    assert Verifier(secret).verify(got.body, got.headers) == msgspec.json.decode(BODY)
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(got.body + b" ", got.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(webhooks.new_signing_secret()).verify(got.body, got.headers)


def test_secrets_lie_sealed_and_while_no_key_opens_them_a_message_waits(
    any_db: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "k" * 40)
    webhook, old = add(any_db, receiver.url)
    with any_db.write() as conn:
        _, new = webhooks.rotate_secret(conn, SHOP, webhook.id, now=now_us())
        (lie,) = conn.execute(sa.select(store.webhooks.c.secret, store.webhooks.c.old_secret))
    assert not {old, new} & {lie.secret, lie.old_secret}
    put(any_db, webhook)
    monkeypatch.setenv(VARIABLE, "other" * 10)
    row = deliver(any_db)
    assert (row.status, receiver.received) == ("pending", [])
    monkeypatch.setenv(VARIABLE, f"{'other' * 10},{'k' * 40}")
    put(any_db, webhook, "opened")
    with any_db.write() as conn:
        conn.execute(store.destinations.delete())
    deliver(any_db)
    for secret in (old, new):
        assert Verifier(secret).verify(receiver.received[0].body, receiver.received[0].headers)


def test_while_a_secret_rotates_the_receiver_can_verify_with_either(any_db: Database, receiver: Receiver) -> None:
    webhook, old = add(any_db, receiver.url)
    with any_db.write() as conn:
        rotated, new = webhooks.rotate_secret(conn, SHOP, webhook.id, now=now_us(), seen=webhook_version(webhook))
        with pytest.raises(Conflict):
            webhooks.rotate_secret(conn, SHOP, webhook.id, now=now_us(), seen=webhook_version(webhook))
    put(any_db, webhook)
    deliver(any_db)
    for secret in (old, new):
        assert Verifier(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    with any_db.write() as conn:
        _, newest = webhooks.rotate_secret(conn, SHOP, webhook.id, now=now_us(), grace=0)
    put(any_db, rotated, "after")
    deliver(any_db)
    assert Verifier(newest).verify(receiver.received[1].body, receiver.received[1].headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(new).verify(receiver.received[1].body, receiver.received[1].headers)


def test_410_switches_the_endpoint_off(db: Database, receiver: Receiver) -> None:
    receiver.status = 410
    webhook, _ = add(db, receiver.url)
    put(db, webhook)
    assert deliver(db).status == "dead"
    with db.read() as conn:
        found = webhooks.find_webhook(conn, SHOP, webhook.id)
    assert (found.enabled, found.disabled_reason) == (False, "the endpoint answered 410 Gone")
    put(db, webhook, "later")
    assert deliver(db).last_error == "the webhook is switched off"
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
def test_any_other_answer_is_tried_again(db: Database, receiver: Receiver, status: int) -> None:
    receiver.status, receiver.headers = status, {"location": receiver.url, "retry-after": "7200"}
    webhook, _ = add(db, receiver.url)
    put(db, webhook)
    row = deliver(db)
    assert (row.status, row.attempts) == ("pending", 1)
    assert str(status) in row.last_error
    assert row.due_at > now_us() + 7_100_000_000, "the receiver's wish is heeded"
    assert len(receiver.received) == 1, "a redirect is not followed"


def test_loopback_is_refused_unless_the_operator_allows_it(db: Database, receiver: Receiver) -> None:
    for url in (
        receiver.url,
        receiver.url.replace("127.0.0.1", "localhost"),
        receiver.url.replace("127.0.0.1", "2130706433"),
    ):
        webhook, _ = add(db, url)
        put(db, webhook, url)
        row = deliver(db, allow_private=False)
        assert row.status == "pending"
        assert "private" in row.last_error
    assert receiver.received == []


CLOUDS = ["169.254.169.254", "169.254.170.2", "168.63.129.16", "192.0.0.192", "100.100.100.200", "fd00:ec2::254",
          "fd20:ce::254", "fe80::a9fe:a9fe", "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe",
          "2002:a9fe:a9fe::", "64:ff9b:1::a83f:8110"]  # fmt: skip


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
     "2002:7f00:1::", "64:ff9b::7f00:1", "2001:0:7f00:1::", *CLOUDS,
     "::7f00:1", "::ffff:0:7f00:1", "::ffff:0:8.8.8.8", "3fff::1", "3fff:fff::1", "5f00::1", "192.88.99.1",
     "192.31.196.1", "192.175.48.1", "198.18.0.1", "203.0.113.7", "240.0.0.1", "100::1", "100:0:0:1::1",
     "2001:2::1", "2001:db8::1",
     "2001:20::1", "2002:808:808::1", "2620:4f:8000::1", "4000::1", "e000::1"],
)  # fmt: skip
def test_addresses_that_are_not_of_the_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", CLOUDS)
def test_a_clouds_own_addresses_are_forbidden_even_where_private_ones_are_allowed(address: str) -> None:
    assert is_forbidden(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2a00:1450:4001:80e::200e", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
)
def test_addresses_of_the_internet(address: str) -> None:
    assert is_public(address)


def test_nobody_there_is_tried_again(db: Database) -> None:
    for url, reason in (("http://127.0.0.1:1/", "ConnectError"), ("http://no-such-host.invalid/", "not known")):
        webhook, _ = add(db, url)
        put(db, webhook, url)
        row = deliver(db)
        assert row.status == "pending"
        assert reason in row.last_error


def test_a_removed_webhook_gets_nothing(db: Database, receiver: Receiver) -> None:
    webhook, _ = add(db, receiver.url)
    put(db, webhook)
    with db.write() as conn:
        webhooks.remove_webhook(conn, SHOP, webhook.id)
        with pytest.raises(NotFound):
            webhooks.find_webhook(conn, SHOP, webhook.id)
    assert deliver(db).status == "dead"
    assert receiver.received == []


def test_no_secret_and_no_address_reaches_a_log(
    db: Database, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    webhook, secret = add(db, receiver.url)
    put(db, webhook)
    receiver.status = 500
    with caplog.at_level(logging.DEBUG, logger="rapport"):
        row = deliver(db)
    logged = caplog.text + row.last_error
    assert webhook.id in logged or "delivery" in logged
    assert secret not in logged
    assert "token=t0" not in logged


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com", "https://", "https://user:pw@example.com/", "javascript:alert(1)",
            "http://169.254.169.254/", "http://2852039166/", "http://0xa9fea9fe/", "http://0251.0376.0251.0376/",
            "http://[fd00:ec2::254]/", "http://[::ffff:168.63.129.16]:80/", "http://metadata.google.internal./",
            "http://[::1", "https://example.com:99999/"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(db: Database, url: str) -> None:
    with pytest.raises(InvalidInput):
        add(db, url)


def test_a_webhook_can_be_changed_and_switched_on_again(any_db: Database) -> None:
    db = any_db
    webhook, _ = add(db, "https://example.com/a", events=["Order Completed"])
    with db.write() as conn:
        webhooks.switch_off(conn, SHOP, webhook.id, reason="the endpoint answered 410 Gone")
        changed = webhooks.change_webhook(conn, SHOP, webhook.id, WebhookWanted(enabled=True, events=["*"]))
        assert webhooks.list_webhooks(conn, SHOP) == [changed]
    assert (changed.url, changed.enabled, changed.disabled_reason, changed.events) == (
        "https://example.com/a",
        True,
        "",
        ["*"],
    )


def test_hostile_ids_are_just_not_found(any_db: Database) -> None:
    db = any_db
    with db.read() as conn, pytest.raises(NotFound):
        webhooks.find_webhook(conn, SHOP, "whk_\x00")
    with db.read() as conn, pytest.raises(NotFound):
        deliveries.send_again(conn, SHOP, "msg_\x00", channel=CHANNEL, destination="x", now=0)


def test_the_channel_can_be_asked_directly(db: Database, receiver: Receiver) -> None:
    webhook, _ = add(db, receiver.url)
    receiver.delay_seconds = 0.05
    message = Outgoing(
        workspace=SHOP,
        id="msg_1",
        channel=CHANNEL,
        destination=webhook.id,
        payload=BODY,
        strand=None,
        purpose="operations",
        attempts=1,
    )
    assert WebhookChannel(db, allow_private=True).deliver(message, now=now_us()).result == "delivered"


def test_of_two_who_change_one_webhook_the_second_is_told_what_changed(any_db: Database) -> None:
    webhook, _ = add(any_db, "https://example.com/hook")
    seen = webhooks.webhook_version(webhook)
    told = change_beside(
        any_db,
        lambda conn: webhooks.change_webhook(conn, SHOP, webhook.id, WebhookWanted(events=["*"]), seen=seen),
        lambda conn: webhooks.change_webhook(
            conn, SHOP, webhook.id, WebhookWanted(url="https://example.com/new", events=["Order Completed"]), seen=seen
        ),
    )
    assert told is not None
    assert told.message == (
        'somebody has changed this webhook since you looked: url is "https://example.com/hook" now, events is ["*"] now'
    )
    with any_db.read() as conn:
        assert webhooks.find_webhook(conn, SHOP, webhook.id).events == ["*"]


def test_changes_of_different_parts_of_a_webhook_that_saw_nothing_are_both_kept(any_db: Database) -> None:
    webhook, _ = add(any_db, "https://example.com/hook")
    told = change_beside(
        any_db,
        lambda conn: webhooks.change_webhook(conn, SHOP, webhook.id, WebhookWanted(events=["*"])),
        lambda conn: webhooks.change_webhook(conn, SHOP, webhook.id, WebhookWanted(enabled=False)),
    )
    assert told is None
    with any_db.read() as conn:
        found = webhooks.find_webhook(conn, SHOP, webhook.id)
    assert (found.events, found.enabled) == (["*"], False)


def test_a_webhook_names_the_person_its_fact_is_about_and_is_erased_with_them(any_shop: Shop) -> None:
    shop = any_shop
    add(shop.db, "https://example.com/hook", events=["Product Viewed"])
    for who in ("ada", "bo"):
        shop.send(shop.message("Product Viewed", at=NOON, user=who, product_id="p"))
    shop.fold()
    ada, bo = (key_of(shop.id, Identifier("user_id", who)) for who in ("ada", "bo"))
    assert {(row["strand"], row["purpose"]) for row in shop.rows(store.outbox)} == {
        (ada, "operations"), (bo, "operations"),
    }  # fmt: skip
    with shop.db.write() as conn:
        erase_person(conn, installed(), shop.id, [ada])
    assert [row["strand"] for row in shop.rows(store.outbox)] == [bo]


def test_the_message_of_a_guest_a_group_and_an_alias_says_who_and_what(any_shop: Shop) -> None:
    shop = any_shop
    add(shop.db, "https://example.com/hook", events=["Order Completed", "Group Joined", "Aliased"])
    guest = shop.message("Order Completed", at=NOON, order_id="o-1", revenue=10, currency="EUR")
    guest |= {"userId": None, "context": {"traits": {"email": "Ada@Example.com", "phone": "+49 170 1234567"}}}
    shop.send(guest)
    shop.send(shop.message("", at=NOON, user="ada") | {"type": "group", "groupId": "g-1", "messageId": "g"})
    shop.send(shop.message("", at=NOON, user="ada") | {"type": "alias", "previousId": "ada-old", "messageId": "a"})
    shop.fold()
    told = {
        body["type"]: body["data"] for row in shop.rows(store.outbox) if (body := msgspec.json.decode(row["payload"]))
    }
    assert told["Order Completed"]["identifiers"] == ["email:ada@example.com", "phone:+491701234567"]
    assert told["Order Completed"]["customer_id"].startswith("cus_")
    assert told["Group Joined"]["group_id"] == "g-1"
    assert told["Aliased"]["previous_id"] == "ada-old"
