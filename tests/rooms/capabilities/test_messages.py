"""Messages reach whom they are for, once, by a real mail server; what stops one is told."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from itertools import count
from threading import Event, Thread
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from rapport.act.channels import ChannelSettings
from rapport.act.outbox import Dispatcher
from rapport.act.store import LEASE, outbox
from rapport.adapters.channels.email import EmailChannel, sign, written
from rapport.app.wiring import installed
from rapport.capabilities.consent import gate
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import OWN_TROUBLE, SMS, Mail, Template, TemplateText
from rapport.capabilities.messages.rendering import fill_line
from rapport.capabilities.messages.service.bounces import read_bounce
from rapport.capabilities.messages.service.outcomes import Feedback, take_feedback
from rapport.capabilities.messages.service.places import allow_here
from rapport.capabilities.messages.service.providers import (
    Provider,
    keep_provider,
    limits_of,
    provider_of,
    readable_provider,
)
from rapport.capabilities.messages.service.pushing import public_key
from rapport.capabilities.messages.service.queueing import MessageWanted, queue, try_again
from rapport.capabilities.messages.service.servers import MailServer, keep_server, own_server, server_of
from rapport.capabilities.messages.service.templates import publish
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS, MessageSettings
from rapport.capabilities.messages.store import MessageRow
from rapport.capabilities.messages.watches import WATCHES
from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND, now_us, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, Misconfigured, NotFound
from rapport.kernel.identifiers import BUCKETS, Identifier, key_of
from rapport.remember import customers
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.storage import log, settings
from tests.databases import ENGINES, database_at
from tests.remembered import REMEMBERED
from tests.rooms.capabilities.mail_sink import Sink
from tests.running import wait_until
from tests.shop import Shop

_NUMBERS = count(1)
ALWAYS = MessageSettings(quiet_from=0, quiet_until=0, cap_a_day=0, cap_a_week=0)


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file: each test has people of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("messages")) as url:
        made = Shop(url)
        with made.db.write() as conn:
            ensure_secret(conn)
            settings.save(conn, made.id, MESSAGE_SETTINGS, ALWAYS, version=0, by="the tests", now=1)
        yield made
        made.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as found:
        yield found


@pytest.fixture
def post(shop: Shop, sink: Sink) -> Iterator[Dispatcher]:
    """The outbox as a worker has it, with the sink as its mail server."""
    given = ChannelSettings(
        smtp_url=sink.url, mail_from="hello@shop.example", public_url="https://shop.example", allow_private=True
    )
    slices = installed()
    channel = EmailChannel(shop.db, given)
    made = Dispatcher(shop.db, [channel], rules=slices.send_rules, listeners=slices.listeners)
    yield made
    made.close()
    channel.close()


def somebody(shop: Shop, *, language: str = "en", consent: bool = True, **traits: Any) -> str:
    """A new customer with an address; what they are called by the API."""
    number = next(_NUMBERS)
    email = f"ada{number}@example.com"
    context: dict[str, Any] = {"locale": language}
    if "timezone" in traits:
        context["timezone"] = traits.pop("timezone")
    if consent:
        context["consent"] = {"categoryPreferences": {"email_marketing": True}}
    shop.send(
        {
            "type": "identify", "userId": f"ada{number}", "messageId": f"i{number}",
            "timestamp": to_iso(now_us() - DAY),
            "traits": {"email": email, "firstName": "Ada", **traits}, "context": context,
        }
    )  # fmt: skip
    shop.fold()
    return email


def ask(shop: Shop, email: str, template: str = "welcome", **given: Any) -> MessageRow:
    wanted = MessageWanted(
        **{
            "template": template, "customer": f"email:{email}", "purpose": "marketing", "data": {"url": "https://s.example"},
            "idempotency_key": f"k{next(_NUMBERS)}", **given,
        }
    )  # fmt: skip
    with shop.db.write() as conn:
        return queue(conn, shop.id, key_of(shop.id, Identifier("email", email)), wanted, now=now_us())


def run(post: Dispatcher, *, after: int = 0) -> None:
    while post.run_once(now_us() + after + SECOND):
        post.drain(10)


def now_of(shop: Shop, row: MessageRow) -> MessageRow:
    with shop.db.read() as conn:
        return store.by_ids(conn, shop.id, [row.id])[row.id]


def stated(shop: Shop, row: MessageRow) -> list[str]:
    """The names of the facts about a message, in their order."""
    with shop.db.read() as conn:
        rows = log.latest(conn, shop.id, limit=200)
    facts = [msgspec.json.decode(one.body) for one in reversed(rows)]
    return [fact["name"] for fact in facts if fact.get("properties", {}).get("message_id") == row.id]


def test_a_message_arrives_in_the_customers_language_with_one_press_to_end_it(
    shop: Shop, sink: Sink, post: Dispatcher
) -> None:
    email = somebody(shop, language="de-AT", firstName="Zoë <b>")
    row = ask(shop, email)
    run(post)
    [mail] = sink.mails
    assert (mail["To"].addresses[0].addr_spec, mail["Subject"]) == (email, "Willkommen bei Shop")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<https://shop.example/shop/consent/unsubscribe?shop=")
    text, markup = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert "Guten Tag, Zoë <b>" in text
    assert "Zoë &lt;b&gt;" in markup
    assert 'lang="de"' in markup
    assert "googleapis" not in markup
    assert "Abbestellen (https://shop.example" in text
    assert now_of(shop, row).status == "sent"
    assert stated(shop, row) == ["Message Sent"]


def test_what_is_asked_twice_under_one_key_is_one_message(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    email = somebody(shop)
    first = ask(shop, email, idempotency_key="cart-1")
    assert ask(shop, email, idempotency_key="cart-1").id == first.id
    with pytest.raises(Conflict, match="another message"):
        ask(shop, email, template="birthday", idempotency_key="cart-1")
    run(post)
    assert len(sink.mails) == 1
    assert ask(shop, email, idempotency_key="cart-1").status == "sent"


def test_whoever_refuses_or_was_never_asked_gets_no_marketing_but_hears_of_their_order(
    shop: Shop, sink: Sink, post: Dispatcher
) -> None:
    email = somebody(shop, consent=False)
    row = ask(shop, email)
    assert row.status == "held"
    assert "not sent" in row.reason
    order = ask(shop, email, "order_story", purpose="transactional", data={"order": {"id": "A-1"}, "story": "Packed."})
    run(post)
    assert [mail["Subject"] for mail in sink.mails] == ["Your order A-1"]
    assert "List-Unsubscribe" not in sink.mails[0]
    assert "nsubscribe" not in sink.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert stated(shop, row) == ["Message Held"]
    assert now_of(shop, order).status == "sent"


def test_marketing_cannot_be_called_something_else(shop: Shop) -> None:
    with pytest.raises(InvalidInput, match="is marketing"):
        ask(shop, somebody(shop), purpose="transactional")
    with pytest.raises(NotFound, match="no template"):
        ask(shop, somebody(shop), "nothing")


def test_a_value_that_is_missing_holds_the_message_and_never_prints_undefined(
    shop: Shop, sink: Sink, post: Dispatcher
) -> None:
    row = ask(shop, somebody(shop), "review_ask", data={})
    run(post)
    assert sink.mails == []
    assert now_of(shop, row).status == "held"
    assert "'product'" in now_of(shop, row).reason


def test_no_value_begins_another_header(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    data = {"order": {"id": "A\r\nBcc: eve@example.com"}, "story": "Packed.\r\nX: y"}
    ask(shop, somebody(shop, firstName="A\r\nBcc: x@y.z"), "order_story", purpose="transactional", data=data)
    run(post)
    [mail] = sink.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Your order ABcc: eve@example.com"


_NAMES_OF_SHOPS = ("Foo, Inc.", "Müller & Söhne, Mode", "A; B", "Haus: Mode", 'The "Best" Shop', "Bar (Berlin)", "a@b")


@pytest.mark.parametrize("called", _NAMES_OF_SHOPS)
def test_a_shop_may_be_called_what_it_likes(called: str) -> None:
    """From holds one mailbox, of this name and address, also where the environment names both."""
    for server in (MailServer(sender="hi@foo.example"), MailServer(sender=f"{called} <hi@foo.example>")):
        assert (server.address, server.domain) == ("hi@foo.example", "foo.example")
        mail = _a_mail(sender=server.address, sender_name=server.name or called, to_name=called)
        read = message_from_bytes(written(mail, now=1), policy=policy.default)
        for field, address in (("From", "hi@foo.example"), ("To", "ada@example.com")):
            [found] = read[field].addresses
            assert (found.display_name, found.addr_spec) == (called, address)


def _a_mail(**given: Any) -> Mail:
    usual: dict[str, Any] = {
        "message_id": "<m@foo.example>", "to": "ada@example.com", "to_name": "", "sender": "hi@foo.example",
        "sender_name": "", "reply_to": "", "subject": "Hello", "html": "<p>x</p>", "text": "x", "language": "en",
        "unsubscribe": "",
    }  # fmt: skip
    return Mail(**usual | given)


@given(called=st.text(), subject=st.text())
def test_no_name_keeps_a_mail_from_being_written(called: str, subject: str) -> None:
    mail = _a_mail(sender_name=called, to_name=called, subject=fill_line("{{ it }}", {"it": subject}, language="en"))
    read = message_from_bytes(written(mail, now=1), policy=policy.default)
    assert [len(read[field].addresses) for field in ("From", "To")] == [1, 1]
    assert [read[field].addresses[0].addr_spec for field in ("From", "To")] == ["hi@foo.example", "ada@example.com"]


def test_a_mail_that_cannot_be_written_says_whose_fault_it_is_and_is_not_tried_for_days() -> None:
    for wrong, begins in (({"sender": "hi@"}, OWN_TROUBLE), ({"reply_to": "We <a@b.example>"}, OWN_TROUBLE),
                          ({"to": "a..b@example.com"}, "refused")):  # fmt: skip
        with pytest.raises(InvalidInput, match=f"^{begins}: an address"):
            written(_a_mail(**wrong), now=1)
    with pytest.raises(InvalidInput, match=f"^{OWN_TROUBLE}: DKIM cannot sign"):
        sign(written(_a_mail(), now=1), MailServer(sender="a@b.example", dkim_selector="s", dkim_key="no key"))


def test_a_shop_with_a_comma_in_its_name_reaches_its_customers(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    _decide(shop, msgspec.structs.replace(ALWAYS, sender_name="Müller & Söhne, Mode"))
    row = ask(shop, somebody(shop))
    run(post)
    _decide(shop, ALWAYS)
    [mail] = sink.mails
    assert now_of(shop, row).status == "sent"
    assert [(one.display_name, one.addr_spec) for one in mail["From"].addresses] == [
        ("Müller & Söhne, Mode", "hello@shop.example")
    ]


@pytest.mark.parametrize(
    "wrong", [{"sender": "hello"}, {"sender": "a..b@x.example"}, {"sender": "a@x.example", "reply_to": "We <a@b>"}]
)
def test_a_server_whose_addresses_no_mail_can_name_is_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    with shop.db.write() as conn, pytest.raises(InvalidInput):
        keep_server(conn, shop.id, MailServer(host="a.example", **wrong), by="Ada", now=1)


def test_an_order_placed_meanwhile_stops_the_reminder(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    email = somebody(shop)
    data = {"items": [{"name": "Jumper", "price": {"minor": 8900, "currency": "EUR"}}], "url": "https://s.example/c"}
    goes = ask(shop, email, "abandoned_cart", data=data, unless_ordered_since=now_us() - HOUR)
    run(post)
    assert now_of(shop, goes).status == "sent"
    assert "89.00" in sink.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    shop.send(
        {
            "type": "track", "event": "Order Completed", "messageId": f"o{next(_NUMBERS)}",
            "anonymousId": "other-browser",
            "timestamp": to_iso(now_us()),
            "properties": {"order_id": f"O{next(_NUMBERS)}", "total": 10, "currency": "EUR"},
            "context": {"traits": {"email": email}},
        }
    )  # fmt: skip
    shop.fold()
    with shop.db.write() as conn:
        customers.refresh(conn, limit=1000, buckets=range(BUCKETS), remembered=REMEMBERED)
    stays = ask(shop, email, "abandoned_cart", data=data, unless_ordered_since=now_us() - HOUR)
    run(post)
    assert (now_of(shop, stays).status, now_of(shop, stays).reason) == ("held", "they have ordered meanwhile")


def test_a_dead_address_is_found_out_and_gets_nothing_more(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    email = somebody(shop)
    sink.refusing[email] = "550 5.1.1 no such user"
    row = ask(shop, email)
    run(post)
    assert now_of(shop, row).status == "failed"
    assert stated(shop, row) == ["Message Bounced"]
    sink.refusing.clear()
    again = ask(shop, email, "order_story", purpose="transactional", data={"order": {"id": "A"}, "story": "x"})
    run(post)
    assert (now_of(shop, again).status, now_of(shop, again).reason) == ("held", "messages to this address came back")
    assert sink.mails == []


@pytest.mark.parametrize(
    ("where", "answer"),
    [
        ("DATA", "550 5.7.26 unauthenticated mail is prohibited"), ("DATA", "550 5.4.5 daily sending quota exceeded"),
        ("MAIL", "530 5.7.0 authentication required"), ("MAIL", "550 5.1.0 sender rejected"),
        ("DATA", "554 no thanks"), ("RCPT", "554 5.7.1 client host is on a block list"),
        ("RCPT", "550 relay not permitted"),
    ],
)  # fmt: skip
def test_what_is_refused_for_how_the_shop_sends_costs_nobody_their_address(
    shop: Shop, sink: Sink, post: Dispatcher, where: str, answer: str
) -> None:
    email = somebody(shop)
    sink.refuses, sink.refusing = ({}, {email: answer}) if where == "RCPT" else ({where: answer}, {})
    row = ask(shop, email)
    run(post)
    assert now_of(shop, row).status == "failed"
    assert now_of(shop, row).reason.startswith("the shop's own sending is refused: 5")
    assert stated(shop, row) == ["Message Held"]
    with shop.db.read() as conn:
        [watch] = [one for one in WATCHES if one.name == "messages.refused"]
        [alarm] = watch.read(conn, shop.id, now_us() + MINUTE)  # type: ignore[misc]
    assert "were refused for how they are sent" in alarm.what
    sink.refuses, sink.refusing = {}, {}
    again = ask(shop, email, "order_story", purpose="transactional", data={"order": {"id": "A"}, "story": "x"})
    run(post)
    assert now_of(shop, again).status == "sent"


def test_a_bounce_ends_the_address_that_was_mailed_not_the_one_of_today(
    shop: Shop, sink: Sink, post: Dispatcher
) -> None:
    old = somebody(shop)
    row = ask(shop, old)
    run(post)
    mailed, other = (key_of(shop.id, Identifier("email", one)) for one in (old, somebody(shop)))
    assert now_of(shop, row).address == mailed
    with shop.db.write() as conn:  # as if the message had been for somebody whose address is another now
        conn.execute(store.messages.update().where(store.messages.c.id == row.id).values(strand=other))
        take_feedback(conn, shop.id, [Feedback(id=row.id, kind="bounced", detail="550 5.1.1 gone")], now=now_us())
        assert store.suppressed(conn, shop.id, "email", {mailed, other}) == {mailed: {"bounced"}}


@pytest.mark.parametrize("kind", ["unsubscribed", "complained"])
def test_who_told_the_mail_provider_has_refused_and_stays_refused(
    shop: Shop, sink: Sink, post: Dispatcher, kind: str
) -> None:
    email = somebody(shop)
    row = ask(shop, email)
    run(post)
    said: Any = {"id": row.id, "kind": kind, "at": now_us()}
    with shop.db.write() as conn:
        take_feedback(conn, shop.id, [Feedback(**said, machine=kind == "unsubscribed")], now=now_us())
    shop.fold()
    assert consent_to_mail(shop, email) is (kind == "unsubscribed"), "a scanner refuses nothing"
    for _ in range(2):
        with shop.db.write() as conn:
            take_feedback(conn, shop.id, [Feedback(**said)], now=now_us())
    shop.fold()
    assert consent_to_mail(shop, email) is False
    assert len([one for one in shop.facts("Consent Answered") if one.id == f"{row.id}-refused"]) == 1


def consent_to_mail(shop: Shop, email: str) -> bool:
    key = key_of(shop.id, Identifier("email", email))
    with shop.db.read() as conn:
        return gate(conn, shop.id, {key}, "email_marketing", now_us())[key].may


def test_a_full_mailbox_is_tried_again_and_not_forgotten(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    email = somebody(shop)
    sink.refusing[email] = "452 4.2.2 mailbox full"
    row = ask(shop, email)
    run(post)
    assert (now_of(shop, row).status, now_of(shop, row).reason) == ("queued", "not now: 452 4.2.2")
    sink.refusing.clear()
    run(post, after=MINUTE)
    assert now_of(shop, row).status == "sent"


def test_mail_taken_by_a_server_that_hung_up_is_sent_again_under_its_old_id(
    shop: Shop, sink: Sink, post: Dispatcher
) -> None:
    sink.lost = 1
    row = ask(shop, somebody(shop))
    run(post)
    run(post, after=MINUTE)
    assert now_of(shop, row).status == "sent"
    assert sink.by_id() == {f"<{row.id}@shop.example>": 2}


def test_a_server_that_is_slow_to_say_that_it_has_a_mail_gets_it_once(shop: Shop, sink: Sink) -> None:
    """Its lease is extended meanwhile, so that no other worker takes it up."""
    sink.slow = Event()
    given = ChannelSettings(smtp_url=sink.url, mail_from="hello@shop.example", public_url="https://shop.example")
    slices, channel = installed(), EmailChannel(shop.db, given, soon_seconds=0.0)
    one, other = (Dispatcher(shop.db, [channel], rules=slices.send_rules, listeners=slices.listeners) for _ in range(2))
    row = ask(shop, somebody(shop))
    assert one.run_once(now_us() + SECOND) == 1
    wait_until(lambda: lease_of(shop) > now_us() + 2 * LEASE)
    assert other.run_once(now_us() + LEASE + SECOND) == 0
    sink.slow.set()
    one.drain(20)
    assert now_of(shop, row).status == "sent"
    assert sink.by_id() == {f"<{row.id}@shop.example>": 1}
    one.close()
    other.close()
    channel.close()


def lease_of(shop: Shop) -> int:
    with shop.db.read() as conn:
        return int(conn.execute(sa.select(sa.func.max(outbox.c.leased_until))).scalar_one())


def test_what_took_too_long_to_begin_is_not_begun(shop: Shop, sink: Sink) -> None:
    given = ChannelSettings(smtp_url=sink.url, allow_private=True)
    channel = EmailChannel(shop.db, given, up_to_data_seconds=0.0)
    with shop.db.read() as conn:
        server = server_of(conn, shop.id, given)
    assert server is not None
    done = channel.hand_over(server, "a@shop.example", "b@example.com", b"Subject: x\r\n\r\nx\r\n")
    channel.close()
    assert (done.result, sink.bodies) == ("retry", [])


def test_what_is_too_late_is_held_and_can_be_sent_by_hand(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    row = ask(shop, somebody(shop), latest_at=now_us() - MINUTE)
    run(post)
    assert now_of(shop, row).status == "held"
    assert now_of(shop, row).reason.startswith("too late")
    with shop.db.write() as conn:
        try_again(conn, shop.id, row.id, now=now_us(), latest_at=now_us() + HOUR)
    run(post)
    assert now_of(shop, row).status == "sent"
    with shop.db.write() as conn, pytest.raises(Conflict, match="is sent"):
        try_again(conn, shop.id, row.id, now=now_us(), latest_at=now_us() + HOUR)


def test_feedback_in_any_order_is_kept_once_and_machines_count_for_nothing(
    shop: Shop, sink: Sink, post: Dispatcher
) -> None:
    email = somebody(shop)
    row = ask(shop, email)

    def say(kind: str, **given: Any) -> None:
        with shop.db.write() as conn:
            take_feedback(conn, shop.id, [Feedback(id=row.id, kind=kind, **given)], now=now_us())  # type: ignore[arg-type]

    say("delivered")  # before the sending itself is recorded
    run(post)
    say("opened", machine=True)
    assert now_of(shop, row).opened_at is None
    say("opened")
    say("opened")
    found = now_of(shop, row)
    assert found.status == "sent"
    assert found.delivered_at is not None
    assert found.opened_at is not None
    assert stated(shop, row).count("Message Opened") == 2  # a machine's and a person's
    say("complained")
    later = ask(shop, email)
    run(post)
    assert now_of(shop, later).reason == "they called a message spam"
    with shop.db.write() as conn, pytest.raises(NotFound):
        take_feedback(conn, shop.id, [Feedback(id="msg_none", kind="opened")], now=now_us())


def test_a_bounced_mail_is_read_by_its_code_and_an_answer_from_holidays_is_none() -> None:
    report = (
        b"From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\n"
        b"Action: failed\r\nStatus: 5.4.4\r\n"
        b"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        b"Message-ID: <msg_01aaaaaaaaaaaaaaaaaaaaaaaa@shop.example>\r\n--b--\r\n"
    )
    found = read_bounce(report)
    assert (found.id, found.kind, found.detail) == ("msg_01aaaaaaaaaaaaaaaaaaaaaaaa", "bounced", "failed 5.4.4")
    with pytest.raises(InvalidInput, match="only delayed"):  # its server still tries: nobody's address ends by it
        read_bounce(report.replace(b"Action: failed\r\nStatus: 5.4.4", b"Action: delayed\r\nStatus: 4.4.1"))
    with pytest.raises(InvalidInput, match="delivery-status"):
        read_bounce(b"Subject: Out of office\r\n\r\nBack on Monday. <msg_01aaaaaaaaaaaaaaaaaaaaaaaa@shop.example>")


@pytest.fixture
def capped(shop: Shop) -> Iterator[None]:
    """A shop that sends one piece of marketing a day."""
    _decide(shop, MessageSettings(quiet_from=0, quiet_until=0, cap_a_day=1, cap_a_week=3))
    yield
    _decide(shop, ALWAYS)


def _decide(shop: Shop, wanted: MessageSettings) -> None:
    with shop.db.write() as conn:
        version = settings.load(conn, shop.id, MESSAGE_SETTINGS).version
        settings.save(conn, shop.id, MESSAGE_SETTINGS, wanted, version=version, by="the tests", now=1)


@pytest.mark.usefixtures("capped")
def test_caps_hold_news_over_all_identifiers_and_never_an_order(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    email = somebody(shop)
    first, second = ask(shop, email), ask(shop, email, "birthday", data={})
    order = ask(shop, email, "order_story", purpose="transactional", data={"order": {"id": "A"}, "story": "x"})
    run(post)
    states = [now_of(shop, row).status for row in (first, second, order)]
    assert states == ["sent", "held", "sent"]  # the birthday is over before the day of the cap is
    assert "no more than 1 within 24 hours" in now_of(shop, second).reason
    with shop.db.write() as conn:
        take_feedback(conn, shop.id, [Feedback(id=first.id, kind="bounced", detail="452 4.2.2 full")], now=now_us())
    third = ask(shop, email)
    run(post)
    assert now_of(shop, third).status == "sent", "what came back was no news to anybody"


def test_quiet_hours_are_the_customers_own(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    email = somebody(shop, timezone="Pacific/Kiritimati")
    lost = somebody(shop, timezone="Mars/Base")
    _decide(shop, MessageSettings(quiet_from=1, quiet_until=0, cap_a_day=0, cap_a_week=0))  # quiet but for an hour
    try:
        rows = [ask(shop, one, latest_at=now_us() + 9 * DAY) for one in (email, lost)]
        run(post)
        reasons = [now_of(shop, row).reason for row in rows]
    finally:
        _decide(shop, ALWAYS)
    if all(reasons):  # unless this is their one hour
        assert reasons[0] == "quiet until 0:00 in Pacific/Kiritimati"
        assert reasons[1] == "quiet until 0:00 in UTC, the shop's zone: theirs is not known"


def test_a_copy_of_the_data_sends_nothing_until_somebody_allows_it(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    with shop.db.write() as conn:
        conn.execute(store.places.delete())
        conn.execute(store.places.insert().values(place="elsewhere", allowed_at=1, allowed_by="Bo"))
    try:
        row = ask(shop, somebody(shop))
        run(post)
        assert sink.mails == []
        assert now_of(shop, row).reason.startswith("this is a copy of the data")
    finally:
        with shop.db.write() as conn:
            allow_here(conn, by="Ada", now=now_us())
    run(post, after=HOUR)
    assert now_of(shop, row).status == "sent"


def test_a_mail_server_that_does_not_answer_is_told_and_tried_again(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    with shop.db.write() as conn:
        keep_server(
            conn,
            shop.id,
            MailServer(host="127.0.0.1", port=1, security="none", sender="a@dead.example"),
            by="Ada",
            now=1,
        )
    try:
        row = ask(shop, somebody(shop))
        run(post)
        assert now_of(shop, row).reason == "the mail server does not answer while connecting: ConnectionRefusedError"
    finally:
        with shop.db.write() as conn:
            keep_server(conn, shop.id, MailServer(), by="Ada", now=2)
    run(post, after=HOUR)
    assert now_of(shop, row).status == "sent"


def test_a_password_never_goes_to_another_server(shop: Shop) -> None:
    with shop.db.write() as conn:
        first = MailServer(host="a.example", sender="a@a.example", password="secret")
        keep_server(conn, shop.id, first, by="Ada", now=1)
        keep_server(conn, shop.id, MailServer(host="a.example", sender="b@a.example"), by="Ada", now=2)
        kept = msgspec.json.decode(store.mail_server_of(conn, shop.id) or b"", type=MailServer)
        assert (kept.password, kept.sender) == ("secret", "b@a.example")
        keep_server(conn, shop.id, MailServer(host="evil.example", sender="b@a.example"), by="Eve", now=3)
        kept = msgspec.json.decode(store.mail_server_of(conn, shop.id) or b"", type=MailServer)
        assert kept.password == ""
        keep_server(conn, shop.id, MailServer(), by="Ada", now=4)


def test_a_password_that_cannot_be_opened_is_not_overwritten_with_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of the installation is missing for a while; somebody changes the sender meanwhile."""
    server = MailServer(host="a.example", user="a", sender="a@a.example", password="secret")
    with shop.db.write() as conn:
        monkeypatch.setenv("RAPPORT_SECRET_KEY", "k" * 40)
        keep_server(conn, shop.id, server, by="Ada", now=1)
        monkeypatch.delenv("RAPPORT_SECRET_KEY")
        with pytest.raises(InvalidInput, match="cannot be opened"):
            keep_server(
                conn, shop.id, msgspec.structs.replace(server, password="", sender="b@a.example"), by="Ada", now=2
            )
        monkeypatch.setenv("RAPPORT_SECRET_KEY", "k" * 40)
        assert own_server(conn, shop.id) == server
        monkeypatch.delenv("RAPPORT_SECRET_KEY")
        keep_server(conn, shop.id, MailServer(), by="Ada", now=3)


def test_a_providers_secret_lies_sealed_and_stays_while_no_key_opens_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Provider(kind="twilio", account="AC1", secret="s" * 1000, sender="+15005550006", a_minute=7)
    with shop.db.write() as conn:
        monkeypatch.setenv("RAPPORT_SECRET_KEY", "k" * 40)
        keep_provider(conn, shop.id, SMS, carrier, by="Ada", allow_private=True, now=1)
        key = public_key(conn, shop.id, now=1)
        lie = b"".join(conn.execute(sa.select(store.channel_providers.c.body)).scalars())
        assert b"ssss" not in lie
        assert provider_of(conn, shop.id, SMS) == carrier
        assert public_key(conn, shop.id, now=2) == key
        monkeypatch.delenv("RAPPORT_SECRET_KEY")
        assert limits_of(conn, shop.id) == {SMS: 7}, "nobody else waits for the key"
        assert readable_provider(conn, shop.id, SMS) == msgspec.structs.replace(carrier, secret="")
        with pytest.raises(InvalidInput, match="secret is needed"):
            keep_provider(conn, shop.id, SMS, msgspec.structs.replace(carrier, secret=""), by="Eve", allow_private=True,
                          now=2)  # fmt: skip
        for opens in (provider_of, lambda conn, shop, _: public_key(conn, shop, now=3)):
            with pytest.raises(Misconfigured, match="cannot be opened"):
                opens(conn, shop.id, SMS)
        conn.execute(store.channel_providers.delete())


def test_two_who_publish_at_once_do_not_overwrite_each_other(shop: Shop) -> None:
    text = TemplateText(subject="Hi", body="<mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section>")
    name = f"own{next(_NUMBERS)}"
    template = Template(title="Own", purpose="marketing", texts={"en": text})
    with shop.db.write() as conn:
        assert publish(conn, shop.id, name, template, seen=0, by="Ada", now=1).version == 1
        with pytest.raises(Conflict):
            publish(conn, shop.id, name, template, seen=0, by="Bo", now=2)
        assert publish(conn, shop.id, name, template, seen=1, by="Bo", now=2).version == 2


def test_whose_name_is_not_known_is_greeted_without_one(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    ask(shop, somebody(shop, firstName=None))
    run(post)
    assert "Hello,\r\n" in sink.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_two_workers_at_once_send_each_message_once(shop: Shop, sink: Sink, post: Dispatcher) -> None:
    """Two outboxes over one database, as two processes have them, begin at the same moment again and again."""
    email = somebody(shop)
    data = {"order": {"id": "A"}, "story": "x"}
    rows = [ask(shop, email, "order_story", purpose="transactional", data=data) for _ in range(40)]
    given = ChannelSettings(smtp_url=sink.url, mail_from="hello@shop.example")
    slices = installed()
    channel = EmailChannel(shop.db, given)
    other = Dispatcher(shop.db, [channel], rules=slices.send_rules, listeners=slices.listeners)
    workers = [Thread(target=run, args=(one,)) for one in (post, other)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    run(post)
    other.close()
    channel.close()
    assert sorted(sink.by_id().values()) == [1] * 40
    assert {now_of(shop, row).status for row in rows} == {"sent"}


def test_each_bounce_counts_for_its_address_whatever_the_message_was_for(
    shop: Shop, sink: Sink, post: Dispatcher
) -> None:
    """A receipt that comes back ends the address; a second report is a fact of its own, the same one again is none."""
    email = somebody(shop)
    row = ask(shop, email, "order_story", purpose="transactional", data={"order": {"id": "A-1"}, "story": "packed"})
    run(post)
    for at in (1, 2, 2):
        told = Feedback(id=row.id, kind="bounced", detail="452 4.2.2 full", at=now_us() // SECOND * SECOND - at * HOUR)
        with shop.db.write() as conn:
            take_feedback(conn, shop.id, [told], now=now_us())
    assert stated(shop, row).count("Message Bounced") == 2
    later = ask(shop, email)
    run(post)
    assert now_of(shop, later).status == "sent", "a full mailbox is no dead one"
    with shop.db.write() as conn:
        take_feedback(conn, shop.id, [Feedback(id=row.id, kind="bounced", detail="550 5.1.1 gone")], now=now_us())
    later = ask(shop, email)
    run(post)
    assert now_of(shop, later).reason == "messages to this address came back"
