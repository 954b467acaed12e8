"""Sending a test, what each delivery tells of, and addresses that are refused before anything is sent."""

from __future__ import annotations

import msgspec
import pytest

from rapport.act import deliveries, store, webhooks
from rapport.act.addresses import refuse_private
from rapport.act.webhooks import CHANNEL, FAILING_FROM, WebhookWanted
from rapport.kernel.clock import MINUTE, now_us
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.storage.engine import Database
from tests.rooms.act.receiver import Receiver
from tests.rooms.act.test_webhooks import SHOP, add, deliver, put


def test_a_test_arrives_at_once_however_often_others_failed_and_says_what_was_answered(db: Database) -> None:
    with Receiver() as receiver:
        hook, _ = add(db, receiver.url)
        resting = {"workspace": SHOP, "channel": CHANNEL, "destination": hook.id, "failures": FAILING_FROM,
                   "closed_until": now_us() + MINUTE}  # fmt: skip
        with db.write() as conn:
            conn.execute(store.destinations.insert().values(resting))
            sent = webhooks.send_test(conn, SHOP, hook.id, now=now_us() - 1)
            assert webhooks.failures_of(conn, SHOP) == {hook.id: FAILING_FROM}
        deliver(db)
        [received] = receiver.wait_for(1)
    assert msgspec.json.decode(received.body)["type"] == "Rapport Test"
    assert received.headers["webhook-signature"].startswith("v1,")
    with db.read() as conn:
        found = deliveries.find(conn, SHOP, sent, channel=CHANNEL, destination=hook.id)
        assert (found.event, found.status, found.last_error) == ("Rapport Test", "delivered", "answered 204")
        assert webhooks.failures_of(conn, SHOP) == {}


def test_each_delivery_says_what_it_tells_of(db: Database) -> None:
    hook, _ = add(db, "https://example.com/hook")
    put(db, hook)
    with db.read() as conn:
        [found] = deliveries.latest(conn, SHOP, channel=CHANNEL, destination=hook.id)
    assert found.event == "Cart Abandoned"


def test_no_test_goes_to_a_webhook_that_is_switched_off(db: Database) -> None:
    hook, _ = add(db, "https://example.com/hook")
    with db.write() as conn:
        webhooks.change_webhook(conn, SHOP, hook.id, WebhookWanted(enabled=False))
        with pytest.raises(Conflict, match="switched off"):
            webhooks.send_test(conn, SHOP, hook.id, now=now_us())


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/h", "http://10.1.2.3", "http://0x7f000001/", "http://[::1]:9/", "http://[::ffff:192.168.0.1]/",
     "http://localhost:8080/hook", "http://crm/hook", "https://mail.internal/x", "http://nas.local.", "http://2130706433/"],
)  # fmt: skip
def test_an_address_of_the_own_network_is_refused_when_it_is_saved(url: str) -> None:
    with pytest.raises(InvalidInput, match="own machine or network"):
        refuse_private(url)


@pytest.mark.parametrize("url", ["https://example.com/hook?token=t", "https://93.184.215.14/", "https://local.shop/"])
def test_an_address_of_the_public_internet_passes(url: str) -> None:
    refuse_private(url)


def test_a_private_address_that_was_saved_before_can_be_switched_off_and_kept(db: Database) -> None:
    """What stands is not questioned again by whoever changes something else."""
    hook, _ = add(db, "http://127.0.0.1:9/hook")
    with db.write() as conn:
        same = WebhookWanted(url="http://127.0.0.1:9/hook", events=["*"])
        assert webhooks.change_webhook(conn, SHOP, hook.id, same, allow_private=False).events == ["*"]
        with pytest.raises(InvalidInput):
            webhooks.change_webhook(conn, SHOP, hook.id, WebhookWanted(url="http://127.0.0.1:8/"), allow_private=False)
        with pytest.raises(InvalidInput):
            webhooks.add_webhook(conn, SHOP, same, now=now_us(), allow_private=False)
