"""By which channel a message goes, by which instead, and what keeps news from somebody at the last moment."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import pytest
from msgspec.structs import replace as but

from rapport.act.channels import Channel, ChannelSettings
from rapport.act.outbox import Dispatcher
from rapport.adapters.channels.phone import PhoneChannel
from rapport.adapters.channels.push import PushChannel
from rapport.app.wiring import installed
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import LIMITED, NO_NEWS_TO_THE_USA, PUSH, SMS, WHATSAPP
from rapport.capabilities.messages.pages import SAMPLE
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.reasons import BY_HAND, COMPLAINING, HAS_BOUGHT
from rapport.capabilities.messages.service.composing import load_desk
from rapport.capabilities.messages.service.gates import standing_against
from rapport.capabilities.messages.service.holding import hold
from rapport.capabilities.messages.service.lengths import lengths_of
from rapport.capabilities.messages.service.outcomes import Feedback, take_feedback
from rapport.capabilities.messages.service.pushing import endpoints_of, public_key, subscribe
from rapport.capabilities.messages.service.queueing import try_again
from rapport.capabilities.messages.service.replies import STOP_WORDS, says_stop
from rapport.capabilities.messages.service.templates import find_template
from rapport.capabilities.messages.service.ways import instead_of
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS, MessageSettings
from rapport.capabilities.messages.store import MessageRow
from rapport.capabilities.messages.traits import COMPLAINTS, PARTS
from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND, now_us, to_iso
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.facts import Fact
from rapport.remember.inputs import ReadingSettings
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.storage import settings
from tests.databases import ENGINES, database_at
from tests.rooms.act.receiver import Receiver
from tests.rooms.capabilities.test_channels import (
    TAKEN,
    _key,
    approved,
    ask,
    browser,
    carried,
    now_of,
    run,
    somebody,
    writes,
)
from tests.shop import Shop

_NUMBERS = count(1)
ALWAYS = MessageSettings(quiet_from=0, quiet_until=0, cap_a_day=0, cap_a_week=0)
NEWS: dict[str, Any] = {
    "template": "abandoned_cart", "purpose": "marketing", "data": {"url": "https://s.example/cart"},
}  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file: each test has people of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("ways")) as url:
        made = Shop(url)
        with made.db.write() as conn:
            ensure_secret(conn)
            settings.save(conn, made.id, MESSAGE_SETTINGS, ALWAYS, version=0, by="the tests", now=1)
        yield made
        made.close()


@pytest.fixture
def provider() -> Iterator[Receiver]:
    with Receiver() as found:
        found.status, found.answer = 201, TAKEN
        yield found


@pytest.fixture
def post(shop: Shop) -> Iterator[Dispatcher]:
    given, slices = ChannelSettings(allow_private=True, public_url="https://shop.example"), installed()
    channels: list[Channel] = [
        PhoneChannel(SMS, shop.db, given), PhoneChannel(WHATSAPP, shop.db, given), PushChannel(shop.db, given)
    ]  # fmt: skip
    made = Dispatcher(shop.db, channels, rules=slices.send_rules, listeners=slices.listeners)
    yield made
    made.close()


@pytest.fixture
def decides(shop: Shop) -> Iterator[Any]:
    """Puts settings in force until the test is over."""

    def decide(**wanted: Any) -> None:
        with shop.db.write() as conn:
            before = settings.load(conn, shop.id, MESSAGE_SETTINGS)
            now = but(ALWAYS, **wanted)
            settings.save(conn, shop.id, MESSAGE_SETTINGS, now, version=before.version, by="the tests", now=1)

    yield decide
    decide()


def says(shop: Shop, phone: str, name: str = "", **said: Any) -> None:
    """They, or the shop of them, state something: traits, or what happened."""
    message: dict[str, Any] = {"userId": f"u{phone}", "messageId": f"s{next(_NUMBERS)}", "timestamp": to_iso(now_us())}
    shop.send(
        message
        | ({"type": "track", "event": name, "properties": said} if name else {"type": "identify", "traits": said})
    )
    shop.fold()


def texts_to(provider: Receiver, phone: str) -> list[str]:
    """What the provider was handed for a number."""
    said = [parse_qs(got.body.decode()) for got in provider.received]
    return [one["Body"][0] for one in said if one.get("To") == [phone]]


def against(shop: Shop, row: MessageRow) -> str:
    """What keeps it from going now; empty where nothing does."""
    with shop.db.read() as conn:
        verdict = standing_against(conn, row, now_us() + SECOND)
    return verdict.reason if verdict is not None else ""


def test_a_message_for_which_none_is_named_goes_by_the_channel_they_like(
    shop: Shop, provider: Receiver, post: Dispatcher, decides: Any
) -> None:
    """Where that cannot bring it, or they allow no news by it, by what the shop has set."""
    phone = somebody(shop, sms_marketing=True, email_marketing=True)
    says(shop, phone, email=f"{phone[1:]}@example.com")
    assert ask(shop, phone, channel="preferred").channel == "email"
    says(shop, phone, preferredChannel=" SMS ")
    assert ask(shop, phone, channel="preferred").channel == "email", "nobody carries SMS yet"
    carried(shop, provider)
    row = ask(shop, phone, channel="preferred")
    assert row.channel == "sms"
    run(post)
    assert now_of(shop, row).status == "sent"
    assert ask(shop, phone, "tier", channel="preferred", data={"what": "entered", "tier": "Gold"}).channel == "email"
    assert ask(shop, phone, channel="preferred", **NEWS).channel == "sms"
    says(shop, phone, preferred_channel="whatsapp")
    carried(shop, provider, WHATSAPP)
    news = ask(shop, phone, channel="preferred", **NEWS)
    assert news.channel == "email", "they allow no news by WhatsApp"
    says(shop, phone, preferred_channel="pigeon")
    assert ask(shop, phone, channel="preferred").channel == "whatsapp", "what is no channel changes nothing"
    decides(first_channel="sms")
    assert ask(shop, somebody(shop), channel="preferred").channel == "sms"


def test_what_a_channel_cannot_bring_goes_by_what_the_shop_has_set_unless_it_says_otherwise(
    shop: Shop, provider: Receiver, post: Dispatcher, decides: Any
) -> None:
    carried(shop, provider)
    decides(email_instead="push", push_instead="sms", sms_instead="email")
    phone = somebody(shop)
    row = ask(shop, phone, channel="email")
    assert (row.status, row.fallback) == ("held", "push,sms")
    assert ask(shop, phone, channel="email", fallback=()).fallback == ""
    run(post)
    assert len(texts_to(provider, phone)) == 1
    says(shop, phone, preferredChannel="sms")
    assert ask(shop, phone, channel="preferred").fallback == "email"
    assert ask(shop, phone, channel="preferred", fallback=()).fallback == "", "none at all is none"


def test_what_comes_instead_is_never_a_circle() -> None:
    circle = MessageSettings(email_instead="sms", sms_instead="push", push_instead="email")
    assert instead_of(circle, "email") == ("sms", "push")
    assert instead_of(MessageSettings(), "email") == ()
    assert instead_of(MessageSettings(sms_instead="sms"), "sms") == ()


def test_who_has_had_enough_news_by_whatsapp_gets_none_there_for_a_day(
    shop: Shop, provider: Receiver, post: Dispatcher
) -> None:
    """Told in the answer or by a webhook later: that message goes by SMS at once, no other by WhatsApp for a day."""
    provider.status, provider.answer = 400, b'{"error": {"code": 131049}}'
    carried(shop, provider, WHATSAPP, kind="meta", account="1234")
    news = approved(shop, f"limited_{next(_NUMBERS)}", "marketing")
    at_once, later = somebody(shop, sms_marketing=True), somebody(shop, sms_marketing=True)
    for one in (at_once, later):
        writes(shop, one)
    by_whatsapp: dict[str, Any] = {"channel": WHATSAPP, "purpose": "marketing", "fallback": ("sms",)}
    ask(shop, at_once, channel=WHATSAPP)
    rows = [ask(shop, one, news, **by_whatsapp) for one in (at_once, later)]
    assert [against(shop, row) for row in rows] == ["", ""]
    run(post)
    with shop.db.write() as conn:
        told = Feedback(id=rows[1].id, kind="bounced", detail="4.0.0 not delivered (131049)")
        take_feedback(conn, shop.id, [told], now=now_us())
    assert [against(shop, row) for row in rows] == [LIMITED, LIMITED]
    assert against(shop, rows[0]._replace(purpose="transactional")) == "", "what they did is no news"
    with shop.db.read() as conn:
        [instead] = store.by_keys(conn, shop.id, [f"{rows[1].idempotency_key} > sms"]).values()
        assert standing_against(conn, rows[0], now_us() + DAY + MINUTE) is None
    assert (instead.channel, against(shop, instead)) == ("sms", "")


def test_whatsapp_brings_no_news_to_numbers_of_the_usa(shop: Shop, provider: Receiver) -> None:
    news = approved(shop, f"american_{next(_NUMBERS)}", "marketing")
    for number, reason in (("+12129394827", NO_NEWS_TO_THE_USA), ("+14169394827", "")):
        shop.send({"type": "identify", "userId": number, "messageId": f"i{number}", "traits": {"phone": number}})
        shop.fold()
        writes(shop, number)
        assert against(shop, ask(shop, number, news, channel=WHATSAPP, purpose="marketing")) == reason


def test_nothing_is_sold_to_somebody_whose_complaint_is_open(shop: Shop, provider: Receiver) -> None:
    carried(shop, provider)
    phone = somebody(shop, sms_marketing=True)
    row = ask(shop, phone, **NEWS)
    says(shop, phone, "Ticket Created", ticket_id="7", topic="a question")
    assert against(shop, row) == "", "a question is no complaint"
    says(shop, phone, "Ticket Created", ticket_id="8", topic="Complaint")
    assert against(shop, row) == COMPLAINING
    assert against(shop, row._replace(purpose="transactional")) == ""
    for number in range(30):
        says(shop, phone, "Ticket Solved", ticket_id=f"other{number}")
    says(shop, phone, "Ticket Solved", ticket_id="7")
    assert against(shop, row) == COMPLAINING
    says(shop, phone, "Ticket Solved", ticket_id="8")
    assert against(shop, row) == ""


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ({"topic": None, "category": "complaint"}, True), ({"topic": "", "type": "Reklamation"}, True),
        ({"category": "Une RÉCLAMATION"}, True), ({"topic": "Reclamação"}, True), ({"topic": "เรื่องร้องเรียน"}, True),
        ({"topic": "delivery", "category": "question"}, False), ({"topic": ["complaint"]}, False), ({}, False),
    ],
)  # fmt: skip
def test_a_ticket_is_a_complaint_in_any_language_and_field(said: dict[str, Any], *, is_one: bool) -> None:
    [part] = [one for one in PARTS if one.name == COMPLAINTS]
    fact = Fact(id="f", type="track", name="Ticket Created", properties=said)
    assert bool(part.take(fact, ReadingSettings())) is is_one


def test_what_was_bought_by_whatever_identity_is_not_advertised(shop: Shop, provider: Receiver) -> None:
    """By a browser of theirs, at the till: what a message is about and was bought since is not offered any more."""
    carried(shop, provider)
    phone = somebody(shop, sms_marketing=True)
    data = {"url": "https://s.example", "items": [{"product_id": "gin"}, {"product_id": "tonic"}]}
    cart = ask(shop, phone, **NEWS | {"data": data})
    one = ask(shop, phone, **NEWS | {"data": {"url": "https://s.example", "product": {"product_id": "gin"}}})
    late = ask(shop, phone, **NEWS | {"data": data | {"entered_at": now_us() + HOUR}})
    after = ask(shop, phone, **NEWS | {"data": data | {"bought_at": now_us() + HOUR}})
    assert [against(shop, row) for row in (cart, one, late, after)] == ["", "", "", ""]
    till = f"t{phone}"
    shop.send(shop.message("Signed In", at=now_us() - HOUR, user=f"u{phone}", browser=till))
    gin, tonic = {"product_id": "gin"}, {"product_id": "tonic"}
    shop.send(shop.message("Order Completed", at=now_us(), browser=till, order_id=till, products=[gin]))
    shop.fold()
    assert [against(shop, row) for row in (cart, one)] == ["", HAS_BOUGHT], "of the cart something is left to buy"
    shop.send(shop.message("Order Completed", at=now_us(), browser=till, order_id=f"{till}2", products=[tonic, gin]))
    shop.fold()
    assert [against(shop, row) for row in (cart, one, late)] == [HAS_BOUGHT, HAS_BOUGHT, HAS_BOUGHT]
    assert against(shop, after) == "", "it is about that order"


def test_what_waits_can_be_held_by_hand_and_sent_again(shop: Shop, provider: Receiver, post: Dispatcher) -> None:
    carried(shop, provider)
    phone = somebody(shop)
    row = ask(shop, phone)
    with shop.db.write() as conn:
        assert hold(conn, shop.id, row.id, now=now_us()).reason == BY_HAND
    run(post)
    assert (texts_to(provider, phone), now_of(shop, row).status) == ([], "held")
    with shop.db.write() as conn:
        with pytest.raises(Conflict, match="is held"):
            hold(conn, shop.id, row.id, now=now_us())
        with pytest.raises(NotFound):
            hold(conn, shop.id, "msg_none", now=now_us())
        try_again(conn, shop.id, row.id, now=now_us(), latest_at=now_us() + HOUR)
    run(post)
    assert (len(texts_to(provider, phone)), now_of(shop, row).status) == (1, "sent")
    with shop.db.write() as conn, pytest.raises(Conflict, match="is sent"):
        hold(conn, shop.id, row.id, now=now_us())


def test_the_longest_text_of_real_customers_is_told_with_its_parts_and_cost(
    shop: Shop, provider: Receiver, decides: Any
) -> None:
    decides(sms_price=8_000)
    phone = somebody(shop)
    name = approved(shop, f"longest_{next(_NUMBERS)}")
    ask(shop, phone, name, data={"order": {"id": "😀" * 80}})
    with shop.db.read() as conn:
        person = recipients(conn, shop.id, [_key(shop, phone)])[_key(shop, phone)]
        found, desk = find_template(conn, shop.id, name), load_desk(conn, shop.id, ChannelSettings())
        told = lengths_of(conn, found, desk, SAMPLE, language="de", person=person, data=SAMPLE, sees_people=True)
        blind = lengths_of(conn, found, desk, SAMPLE, language="de", person=person, data=SAMPLE, sees_people=False)
    assert told.shown is not None
    assert told.longest is not None
    assert (told.shown.parts.coding, told.shown.parts.number, told.shown.cost) == ("GSM-7", 1, 8)
    assert (told.longest.parts.coding, told.longest.parts.number, told.longest.cost) == ("UCS-2", 3, 24)
    assert (told.longest.is_real, told.longest.who, told.longest.text) == (True, "", ""), "a link in it is a key"
    assert blind.longest is not None
    assert not blind.longest.is_real, "nothing of a customer's for who may see none"
    assert told.approved is not None
    assert told.approved.values == ("Ada", "A-1001")


def test_a_push_service_in_trouble_costs_nobody_their_browser(shop: Shop, provider: Receiver, post: Dispatcher) -> None:
    phone = somebody(shop)
    key = _key(shop, phone)
    with shop.db.write() as conn:
        public_key(conn, shop.id, now=1)
        subscribe(conn, shop.id, key, browser(provider, f"away{phone}")[0], allow_private=True, now=1)
    provider.status = 503
    row = ask(shop, phone, channel=PUSH)
    run(post)
    with shop.db.read() as conn:
        assert len(endpoints_of(conn, shop.id, [key])) == 1
    provider.status = 201
    run(post, after=HOUR)
    assert now_of(shop, row).status == "sent"


def test_words_that_stop_are_heard_in_any_of_the_languages_and_with_politeness() -> None:
    for words in STOP_WORDS.values():
        for word in words:
            assert says_stop(f" {word.upper()}! "), word
    for said in ("Stop. Thank you", "ARRÊT, merci", "bitte stopp", "opt-out", "REVOKE"):
        assert says_stop(said), said
    for said in ("do not stop", "stop by tomorrow?", "", "ja", "cancel my order", "🛑"):
        assert not says_stop(said), said
