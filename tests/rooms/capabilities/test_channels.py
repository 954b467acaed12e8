"""SMS, WhatsApp and web push: what providers are asked, what their answers mean, and the gates before them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import count
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace as but

from rapport.act.channels import Channel, ChannelSettings
from rapport.act.deliveries import latest
from rapport.act.outbox import Dispatcher
from rapport.act.store import LEASE, outbox
from rapport.adapters.channels.connecting import Answer
from rapport.adapters.channels.phone import PhoneChannel
from rapport.adapters.channels.providers import outcome
from rapport.adapters.channels.push import PushChannel, encrypted
from rapport.app.wiring import installed
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import (
    NO_ADDRESS,
    NOT_OPTED_IN,
    OWN_TROUBLE,
    PUSH,
    SMS,
    WHATSAPP,
    WINDOW_IS_OVER,
    Template,
    TemplateText,
    WhatsAppTemplate,
    is_of_the_channel,
)
from rapport.capabilities.messages.service.channels import healths, send_trial
from rapport.capabilities.messages.service.gates import standing_against
from rapport.capabilities.messages.service.outcomes import Feedback, take_feedback
from rapport.capabilities.messages.service.providers import Provider, keep_provider, provider_of
from rapport.capabilities.messages.service.pushing import Keys, Subscription, endpoints_of, public_key, subscribe
from rapport.capabilities.messages.service.queueing import MessageWanted, queue
from rapport.capabilities.messages.service.replies import Reply, take_reply
from rapport.capabilities.messages.service.spending import cost_rows
from rapport.capabilities.messages.service.templates import publish
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS, MessageSettings
from rapport.capabilities.messages.store import MessageRow
from rapport.capabilities.messages.texts import parts_of
from rapport.capabilities.messages.watches import WATCHES
from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND, now_us, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.measure.model import Question
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.storage import settings
from tests.databases import ENGINES, database_at
from tests.rooms.act.receiver import Receiver
from tests.shop import Shop

_NUMBERS = count(1)
TAKEN = b'{"sid": "SM0123456789abcdef0123456789abcdef", "status": "queued", "error_code": null}'
"""What Twilio answers, with 201."""
DATA = {"order": {"id": "A-1"}, "story": "Es ist gepackt: größte Freude."}


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file: each test has people of its own."""
    always = MessageSettings(quiet_from=0, quiet_until=0, cap_a_day=0, cap_a_week=0)
    with database_at(request.param, tmp_path_factory.mktemp("channels")) as url:
        made = Shop(url)
        with made.db.write() as conn:
            ensure_secret(conn)
            settings.save(conn, made.id, MESSAGE_SETTINGS, always, version=0, by="the tests", now=1)
        yield made
        made.close()


@pytest.fixture
def provider() -> Iterator[Receiver]:
    with Receiver() as found:
        found.status, found.answer = 201, TAKEN
        yield found


@pytest.fixture
def post(shop: Shop) -> Iterator[Dispatcher]:
    """The outbox as a worker has it; its channels may go to this machine."""
    given, slices = ChannelSettings(allow_private=True, public_url="https://shop.example"), installed()
    channels: list[Channel] = [
        PhoneChannel(SMS, shop.db, given, hears=lambda conn, workspace: True),
        PhoneChannel(WHATSAPP, shop.db, given),
        PushChannel(shop.db, given),
    ]
    made = Dispatcher(shop.db, channels, rules=slices.send_rules, listeners=slices.listeners)
    yield made
    made.close()


def carried(shop: Shop, provider: Receiver, channel: str = SMS, **changed: Any) -> Provider:
    """The receiver as the provider of a channel."""
    wanted = Provider(kind="twilio", account="AC1", secret="s3cret", sender="+15005550006",
                      base_url=provider.url.partition("/hook")[0])  # fmt: skip
    wanted = but(wanted, **changed)
    with shop.db.write() as conn:
        keep_provider(conn, shop.id, channel, wanted, by="the tests", allow_private=True, now=now_us())
    return wanted


def somebody(shop: Shop, **consent: bool) -> str:
    """A new customer with a German number; what the API calls them."""
    phone = f"+4915112{next(_NUMBERS):06d}"
    shop.send(
        {
            "type": "identify", "userId": f"u{phone}", "messageId": f"i{phone}", "timestamp": to_iso(now_us() - DAY),
            "traits": {"phone": phone, "firstName": "Ada"},
            "context": {"locale": "de", "consent": {"categoryPreferences": consent}},
        }
    )  # fmt: skip
    shop.fold()
    return phone


def ask(shop: Shop, phone: str, template: str = "order_story", **given: Any) -> MessageRow:
    fields = {"template": template, "customer": "", "channel": SMS, "purpose": "transactional", "data": DATA,
              "idempotency_key": f"k{next(_NUMBERS)}", **given}  # fmt: skip
    with shop.db.write() as conn:
        return queue(conn, shop.id, _key(shop, phone), MessageWanted(**fields), now=now_us())


def _key(shop: Shop, phone: str) -> Key:
    return Key(key_of(shop.id, Identifier("phone", phone)))


def writes(shop: Shop, phone: str, *, before: int = 0) -> None:
    """They say something by WhatsApp, so long before now."""
    at, ident = now_us() - before, f"w{next(_NUMBERS)}"
    said = Reply(channel="whatsapp", sender=phone, text="When does it come?", id=ident, at=at)
    with shop.db.write() as conn:
        assert not take_reply(conn, shop.id, said, now=now_us())


def run(post: Dispatcher, *, after: int = SECOND) -> None:
    while post.run_once(now_us() + after):
        post.drain(10)


def now_of(shop: Shop, row: MessageRow) -> MessageRow:
    with shop.db.read() as conn:
        return store.by_ids(conn, shop.id, [row.id])[row.id]


def test_an_sms_is_handed_over_once_in_the_customers_language(
    shop: Shop, provider: Receiver, post: Dispatcher
) -> None:  # fmt: skip
    carried(shop, provider)
    phone = somebody(shop)
    row = ask(shop, phone)
    run(post)
    run(post)
    [got] = provider.received
    assert got.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert base64.b64decode(got.headers["authorization"].removeprefix("Basic ")) == b"AC1:s3cret"
    form = {name: values[0] for name, values in parse_qs(got.body.decode()).items()}
    text = "Shop, Bestellung A-1: Es ist gepackt: größte Freude."
    told = f"https://shop.example/v1/webhooks/providers/twilio/shop?message={row.id}"
    assert form == {"To": phone, "From": "+15005550006", "Body": text, "StatusCallback": told}
    assert now_of(shop, row).status == "sent"
    with shop.db.read() as conn:
        assert healths(conn, shop.id, now=now_us())[SMS].sent >= 1


def test_whatsapp_goes_by_the_same_contract_to_another_provider(
    shop: Shop, provider: Receiver, post: Dispatcher
) -> None:  # fmt: skip
    provider.status, provider.answer = 200, b'{"messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}]}'
    carried(shop, provider, WHATSAPP, kind="meta", account="1234", sender="")
    phone = somebody(shop)
    writes(shop, phone)
    row = ask(shop, phone, channel=WHATSAPP)
    run(post)
    [got] = provider.received
    body = msgspec.json.decode(got.body)
    assert (got.path, got.headers["authorization"]) == ("/v21.0/1234/messages", "Bearer s3cret")
    assert (body["to"], body["type"], body["text"]["body"].startswith("Shop, ")) == (phone[1:], "text", True)
    assert now_of(shop, row).status == "sent"


@pytest.mark.parametrize(
    ("kind", "status", "body", "result", "words"),
    [
        ("twilio", 201, TAKEN, "delivered", "taken"),
        ("twilio", 400, b'{"code": 21211, "message": "The \'To\' number is not valid."}', "dead", "5.1.1"),
        ("twilio", 400, b'{"code": 21610}', "dead", "stop"),
        ("twilio", 429, b'{"code": 20429}', "retry", "429"),
        ("twilio", 401, b'{"code": 20003}', "retry", "secret"),
        ("twilio", 503, b"<html>", "retry", "503"),
        ("vonage", 200, b'{"message-count": "1", "messages": [{"status": "0", "message-id": "0A"}]}', "delivered", ""),
        ("vonage", 200, b'{"messages": [{"status": "1", "error-text": "Throughput Rate Exceeded"}]}', "retry", "1"),
        ("vonage", 200, b'{"messages": [{"status": "6"}]}', "dead", "5.1.1"),
        ("vonage", 200, b'{"messages": [{"status": "0"}, {"status": "1"}]}', "dead", "refused"),
        ("vonage", 200, b'{"messages": "odd"}', "dead", "200"),
        ("meta", 200, b'{"messages": [{"id": "wamid.1"}]}', "delivered", "taken"),
        ("meta", 400, b'{"error": {"code": 131047}}', "dead", "24 hours"),
        ("meta", 400, b'{"error": {"code": 131026}}', "dead", "5.1.1"),
        ("meta", 400, b'{"error": {"code": 130429}}', "retry", "too many"),
        ("meta", 400, b"[[[[", "dead", "400"),
    ],
)  # fmt: skip
def test_what_providers_answer_is_taken_for_what_it_means(
    kind: str, status: int, body: bytes, result: str, words: str
) -> None:
    found = outcome(kind, Answer(status, body, {}))
    assert found.result == result
    assert words in found.detail


def test_what_was_handed_over_and_not_answered_is_not_handed_over_again(
    shop: Shop, provider: Receiver
) -> None:  # fmt: skip
    given, slices = ChannelSettings(allow_private=True), installed()
    channel = PhoneChannel(SMS, shop.db, given, timeout_seconds=0.3)
    post = Dispatcher(shop.db, [channel], rules=slices.send_rules, listeners=slices.listeners)
    carried(shop, provider)
    row = ask(shop, somebody(shop))
    provider.delay_seconds = 0.8
    run(post)
    run(post)
    assert now_of(shop, row).status == "failed"
    assert "may have gone" in now_of(shop, row).reason
    post.close()


def test_news_by_sms_ask_consent_and_end_with_the_word_that_stops_them(
    shop: Shop, provider: Receiver, post: Dispatcher
) -> None:  # fmt: skip
    carried(shop, provider)
    cart: dict[str, Any] = {
        "template": "abandoned_cart",
        "purpose": "marketing",
        "data": {"url": "https://s.example/cart"},
    }
    assert ask(shop, somebody(shop, sms_marketing=False), **cart).status == "held"
    phone = somebody(shop, sms_marketing=True)
    ask(shop, phone, **cart)
    run(post)
    [got] = provider.received
    assert "STOPP antworten" in parse_qs(got.body.decode())["Body"][0]
    with shop.db.write() as conn:
        assert not take_reply(conn, shop.id, Reply(channel="sms", sender=phone, text="thanks", id="1"), now=now_us())
        for _ in range(2):
            assert take_reply(conn, shop.id, Reply(channel="sms", sender=phone, text="Stopp!", id="2"), now=now_us())
    row = ask(shop, phone, **cart)
    run(post)
    assert now_of(shop, row).status == "held"
    shop.fold()
    assert ask(shop, phone, **cart).status == "held"
    about_order = ask(shop, phone)
    run(post)
    assert now_of(shop, about_order).status == "sent"
    stops = [one for one in shop.facts("Message Unsubscribed") if one.properties.get("channel") == SMS]
    assert len(stops) == 1


def test_a_provider_has_a_limit_and_a_number_that_is_none_is_sent_nothing_more(
    shop: Shop, provider: Receiver, post: Dispatcher
) -> None:  # fmt: skip
    carried(shop, provider, WHATSAPP, a_minute=2)
    phones = [somebody(shop) for _ in range(4)]
    for phone in phones:
        writes(shop, phone)
    with shop.db.write() as conn:  # those of other tests were a while ago
        conn.execute(store.messages.update().where(store.messages.c.channel == WHATSAPP).values(finished_at=1))
    rows = [ask(shop, phone, channel=WHATSAPP) for phone in phones]
    run(post)
    assert sorted(now_of(shop, row).status for row in rows) == ["queued", "queued", "sent", "sent"]
    carried(shop, provider)
    provider.status, provider.answer = 400, b'{"code": 21211}'
    for wanted in ("failed", "held"):
        row = ask(shop, phones[0])
        run(post)
        assert now_of(shop, row).status == wanted


def test_a_secret_goes_to_nobody_but_whom_it_was_typed_for(shop: Shop, provider: Receiver) -> None:
    before = carried(shop, provider, kind="vonage")
    carried(shop, provider, kind="vonage", secret="", a_minute=5)
    with shop.db.write() as conn:
        kept = provider_of(conn, shop.id, SMS)
        assert kept is not None
        assert (kept.secret, kept.a_minute) == ("s3cret", 5)
        for odd in (
            but(before, secret="", base_url="https://elsewhere.example"), but(before, kind="meta"),
            but(before, base_url="http://169.254.169.254/"), but(before, sender=""),
        ):  # fmt: skip
            with pytest.raises(InvalidInput):
                keep_provider(conn, shop.id, SMS, odd, by="x", allow_private=True, now=now_us())
        for private in ("https://10.0.0.1", "http://api.example"):
            with pytest.raises(InvalidInput):
                keep_provider(
                    conn, shop.id, SMS, but(before, base_url=private), by="x", allow_private=False, now=now_us()
                )  # fmt: skip


def browser(provider: Receiver, name: str) -> tuple[Subscription, ec.EllipticCurvePrivateKey, bytes]:
    key, secret = ec.generate_private_key(ec.SECP256R1()), name.encode().rjust(16, b".")[-16:]
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = Keys(*(base64.urlsafe_b64encode(raw).rstrip(b"=").decode() for raw in (public, secret)))
    return Subscription(endpoint=provider.url.replace("hook", name), keys=keys), key, secret


def test_a_browser_is_told_and_one_that_is_gone_is_removed_alone(
    shop: Shop, provider: Receiver, post: Dispatcher
) -> None:
    phone = somebody(shop)
    key, (subscription, _, _) = _key(shop, phone), browser(provider, f"live{phone}")
    assert ask(shop, phone, channel=PUSH).reason == "no browser of theirs takes notifications"
    with Receiver() as gone:
        with shop.db.write() as conn:
            public_key(conn, shop.id, now=1)
            for one in (subscription, subscription, browser(gone, f"gone{phone}")[0]):
                subscribe(conn, shop.id, key, one, allow_private=True, now=1)
            assert len(endpoints_of(conn, shop.id, [key])) == 2
            with pytest.raises(InvalidInput):
                subscribe(conn, shop.id, key, subscription, allow_private=False, now=1)
            odd = but(subscription, keys=Keys("AAAA", "BBBB"))
            with pytest.raises(InvalidInput):
                subscribe(conn, shop.id, key, odd, allow_private=True, now=1)
        gone.status, provider.status = 410, 201
        row = ask(shop, phone, channel=PUSH)
        run(post)
        assert len(gone.received) == 1
    [got] = provider.received
    assert (got.headers["content-encoding"], got.headers["ttl"]) == ("aes128gcm", "86400")
    assert got.headers["authorization"].startswith("vapid t=")
    assert now_of(shop, row).status == "sent"
    with shop.db.read() as conn:
        [left] = endpoints_of(conn, shop.id, [key])
        assert left.endpoint == subscription.endpoint


def test_a_test_to_oneself_asks_no_gate_and_says_what_became_of_it(
    shop: Shop, provider: Receiver, post: Dispatcher
) -> None:  # fmt: skip
    carried(shop, provider)
    with shop.db.write() as conn:
        send_trial(conn, shop.id, SMS, "+49 151 12000000", now=now_us())
        with pytest.raises(InvalidInput):
            send_trial(conn, shop.id, SMS, "nonsense", now=now_us())
    run(post)
    assert b"Rapport" in provider.received[0].body
    with shop.db.read() as conn:
        assert [one.status for one in latest(conn, shop.id, channel=SMS, destination="test")] == ["delivered"]


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_web_push_is_encrypted_as_in_the_example_of_its_standard() -> None:
    """**Source:** RFC 8291, section 5."""
    private = int.from_bytes(_raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    found = encrypted(
        b"When I grow up, I want to be a watermelon",
        _raw("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        _raw("BTBZMqHH6r4Tts7J_aSIgg"), key=ec.derive_private_key(private, ec.SECP256R1()),
        salt=_raw("DGv6ra1nlYgDCS1FRnbzlw"),
    )  # fmt: skip
    assert base64.urlsafe_b64encode(found).rstrip(b"=").decode() == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr"
        "u3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


APPROVED = WhatsAppTemplate(
    name="order_packed", language="de", variables=("{{ customer.first_name }}", "{{ order.id }}"),
    content_sid="HX" + "0" * 32,
)  # fmt: skip


def approved(shop: Shop, name: str, purpose: Literal["transactional", "marketing"] = "transactional") -> str:
    """A template with a short text and one that Meta has approved."""
    text = TemplateText(subject="Hi", body="<mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section>",
                        short="Bestellung {{ order.id }}", whatsapp=APPROVED)  # fmt: skip
    made = Template(title="Packed", purpose=purpose, texts={"de": text})
    with shop.db.write() as conn:
        publish(conn, shop.id, name, made, seen=None, by="the tests", now=now_us())
    return name


@pytest.mark.parametrize("kind", ["meta", "twilio"])
def test_by_whatsapp_only_what_meta_approved_goes_to_who_has_not_written_for_a_day(
    shop: Shop, provider: Receiver, post: Dispatcher, kind: Any
) -> None:
    if kind == "meta":
        provider.status, provider.answer = 200, b'{"messages": [{"id": "wamid.1"}]}'
    carried(shop, provider, WHATSAPP, kind=kind, account="1234")
    template = approved(shop, f"packed_{kind}")
    stranger, late, recent, gone = somebody(shop), somebody(shop), somebody(shop), somebody(shop)
    writes(shop, gone)
    with shop.db.write() as conn:
        for one in (stranger, gone):
            assert take_reply(conn, shop.id, Reply(channel="whatsapp", sender=one, text="Stopp", id=one), now=now_us())
    writes(shop, late, before=DAY + MINUTE)
    writes(shop, recent, before=DAY - MINUTE)
    rows = [ask(shop, one, template, channel=WHATSAPP) for one in (stranger, late, recent, gone)]
    bare = ask(shop, late, "order_story", channel=WHATSAPP)
    run(post)
    assert [now_of(shop, row).status for row in rows] == ["held", "sent", "sent", "held"]
    assert now_of(shop, rows[0]).reason == now_of(shop, rows[3]).reason == NOT_OPTED_IN
    assert (now_of(shop, bare).status, now_of(shop, bare).reason) == ("held", WINDOW_IS_OVER)
    bodies = b" ".join(sorted(bytes(got.body) for got in provider.received))
    if kind == "meta":
        assert b'"template":{"name":"order_packed","language":{"code":"de"}' in bodies
        assert b'[{"type":"text","text":"Ada"},{"type":"text","text":"A-1"}]' in bodies
        assert rows[1].id.encode() in bodies, "our reference, by which Meta tells what became of it"
    else:
        assert b"ContentSid=HX000" in bodies
        assert b"%221%22%3A%22Ada%22" in bodies
    assert b"Bestellung" in bodies


def sms_of(shop: Shop, row: MessageRow) -> list[MessageRow]:
    with shop.db.read() as conn:
        return list(store.by_keys(conn, shop.id, [f"{row.idempotency_key} > sms"]).values())


def test_what_has_no_address_goes_by_the_next_channel_once(shop: Shop, provider: Receiver, post: Dispatcher) -> None:
    carried(shop, provider)
    phone = somebody(shop)
    row = ask(shop, phone, channel="email", fallback=("push", "sms"))
    assert (row.status, row.reason) == ("held", "no e-mail address is known")
    again = ask(shop, phone, channel="email", fallback=("push", "sms"), idempotency_key=row.idempotency_key)
    assert again.id == row.id
    run(post)
    [got] = provider.received
    assert parse_qs(got.body.decode())["To"] == [phone]
    assert (
        b"StatusCallback=https%3A%2F%2Fshop.example%2Fv1%2Fwebhooks%2Fproviders%2Ftwilio%2Fshop%3Fmessage%3Dmsg_"
        in got.body
    )
    with shop.db.read() as conn:
        [instead] = store.by_keys(conn, shop.id, [f"{row.idempotency_key} > push > sms"]).values() or sms_of(shop, row)
    assert (instead.status, instead.latest_at) == ("sent", row.latest_at)


def test_a_mail_that_came_back_goes_by_sms_once_and_within_its_time(
    shop: Shop, provider: Receiver, post: Dispatcher
) -> None:
    carried(shop, provider)

    def mailed(**given: Any) -> MessageRow:
        """To somebody with an address, handed over a moment ago."""
        phone = somebody(shop)
        traits = {"email": f"{phone[1:]}@example.com"}
        shop.send({"type": "identify", "userId": f"u{phone}", "messageId": f"m{phone}", "traits": traits})
        shop.fold()
        row = ask(shop, phone, channel="email", fallback=("sms",), **given)
        with shop.db.write() as conn:
            store.set_status(conn, shop.id, [(row.id, store.SENT, "", now_us(), b"")])
        return row

    def told(row: MessageRow, kind: Any, detail: str = "") -> list[MessageRow]:
        for _ in range(2):
            with shop.db.write() as conn:
                take_feedback(conn, shop.id, [Feedback(id=row.id, kind=kind, detail=detail)], now=now_us())
        return sms_of(shop, row)

    assert len(told(mailed(), "bounced", "550 5.1.1 no such user")) == 1
    assert told(mailed(latest_at=now_us() - 1), "bounced", "550 5.1.1 no such user") == []
    assert told(mailed(), "bounced", "452 4.2.2 mailbox full") == []
    assert told(mailed(), "complained") == []
    arrived = mailed()
    told(arrived, "delivered")
    assert told(arrived, "bounced", "550 5.1.1 no such user") == []
    run(post)
    assert len(provider.received) == 1


def test_a_text_that_may_have_gone_goes_nowhere_else() -> None:
    words = "no answer (ReadTimeout): it may have gone, so it is not sent again"
    assert not is_of_the_channel(words)
    wills = ("they called a message spam", "the address wants no news and offers", "they have ordered meanwhile",
             f"{OWN_TROUBLE}: 550 5.7.26", "the number has said stop (21610)", "too late: it was to go",
             "550 5.7.26 unauthenticated", "5.1.8 bad sender", "refused: answered 400")  # fmt: skip
    for will in wills:
        assert not is_of_the_channel(will)
    for reason in (*NO_ADDRESS.values(), WINDOW_IS_OVER, "refused: 550 5.1.1", "552 5.2.2 full",
                   "5.1.1 no number on WhatsApp (131026)",
                   "WhatsApp: they get no more news from anybody for now (131049)"):  # fmt: skip
        assert is_of_the_channel(reason)


@pytest.fixture
def priced(shop: Shop) -> Iterator[MessageSettings]:
    """SMS that cost, and a budget of a day that two parts fit into."""
    with shop.db.write() as conn:
        before = settings.load(conn, shop.id, MESSAGE_SETTINGS)
        wanted = but(before.value, sms_price=7_500, budget_a_day=20)
        settings.save(conn, shop.id, MESSAGE_SETTINGS, wanted, version=before.version, by="the tests", now=1)
        conn.execute(store.costs.delete())
    yield wanted
    with shop.db.write() as conn:
        now = settings.load(conn, shop.id, MESSAGE_SETTINGS)
        settings.save(conn, shop.id, MESSAGE_SETTINGS, before.value, version=now.version, by="the tests", now=1)


def test_texts_cost_by_their_parts_and_a_spent_budget_holds_news_alone(
    shop: Shop, provider: Receiver, post: Dispatcher, priced: MessageSettings
) -> None:
    carried(shop, provider, a_minute=0)
    phones = [somebody(shop, sms_marketing=True, email_marketing=True) for _ in range(4)]
    news_of = approved(shop, "news_of_sms", "marketing")
    too_long = ask(shop, phones[3], news_of, purpose="marketing", data={"order": {"id": "A" * 300}})
    rows = [ask(shop, one, news_of, purpose="marketing") for one in phones]
    long = ask(shop, phones[0], data={"order": {"id": "A-1"}, "story": "😀" * 60})
    run(post)
    news = [now_of(shop, row) for row in rows]
    assert sorted(row.status for row in news) == ["queued", "queued", "sent", "sent"]
    waiting = {row.reason for row in news if row.status == "queued"}
    assert waiting == {"the budget of the day for news and offers is spent"}
    assert {row.cost for row in news if row.status == "sent"} == {7_500}
    assert now_of(shop, too_long).reason in waiting, "its three parts do not fit"
    traits = {"email": f"{phones[3][1:]}@example.com"}
    shop.send({"type": "identify", "userId": f"u{phones[3]}", "messageId": f"m{phones[3]}", "traits": traits})
    shop.fold()
    free = ask(shop, phones[3], news_of, purpose="marketing", channel="email")
    with shop.db.read() as conn:
        assert free.status == "queued"
        assert standing_against(conn, free, now_us()) is None, "a mail costs nothing"
    assert now_of(shop, long).status == "sent"
    assert now_of(shop, long).cost == 7_500 * parts_of("x" * 20 + "😀" * 60).number == 22_500
    asked = Question(workspace=shop.id, since=now_us() - DAY, until=now_us() + DAY, by="purpose")
    with shop.db.read() as conn:
        assert cost_rows(conn, asked) == [
            {"purpose": "marketing", "currency": "EUR", "cost_minor": 15, "sent": 2},
            {"purpose": "transactional", "currency": "EUR", "cost_minor": 23, "sent": 1},
        ]


def test_what_another_worker_has_under_way_counts_to_the_budget_before_it_is_spent(
    shop: Shop, provider: Receiver, post: Dispatcher, priced: MessageSettings
) -> None:
    """Two fit: of two that are to go beside another's, one goes, and one waits for some seconds, not for a day."""
    carried(shop, provider, a_minute=0)
    news_of = approved(shop, "news_of_budget", "marketing")
    others, *ours = [ask(shop, somebody(shop, sms_marketing=True), news_of, purpose="marketing") for _ in range(3)]
    theirs = outbox.update().where(outbox.c.idempotency_key == f"message:{others.id}")
    with shop.db.write() as conn:
        conn.execute(theirs.values(leased_until=now_us() + LEASE))
    run(post)
    assert sorted(now_of(shop, row).status for row in ours) == ["queued", "sent"]
    [held] = [row for row in ours if now_of(shop, row).status == "queued"]
    assert "under way" in now_of(shop, held).reason
    with shop.db.write() as conn:
        conn.execute(theirs.values(status="dead", leased_until=0, finished_at=now_us()))
    run(post, after=30 * SECOND)
    assert now_of(shop, held).status == "sent"


def test_a_provider_that_takes_messages_and_loses_them_is_an_alarm(shop: Shop) -> None:
    """It says 200 to each; of those before it told that most arrived, of the newest twenty-five nothing."""
    now = now_us() + 30 * DAY
    phone = _key(shop, somebody(shop))

    def taken(number: int, *, hours: int, arrived: bool) -> None:
        at = now - hours * HOUR
        rows = [
            MessageRow(
                workspace=shop.id, id=f"msg_l{next(_NUMBERS)}", idempotency_key=f"l{next(_NUMBERS)}", strand=phone,
                template="order_story", channel=SMS, purpose="transactional", data=b"{}", unless_ordered_since=None,
                status="sent", reason="", domain="sms", created_at=at, latest_at=at + DAY, finished_at=at,
                delivered_at=at + SECOND if arrived else None,
            )
            for _ in range(number)
        ]  # fmt: skip
        with shop.db.write() as conn:
            store.insert(conn, rows)

    def alarms() -> list[str]:
        with shop.db.read() as conn:
            told = [one for watch in WATCHES if watch.read is not None for one in watch.read(conn, shop.id, now)]
        return [one.what for one in told if "arrived" in one.what]

    taken(30, hours=50, arrived=True)
    taken(5, hours=49, arrived=False)
    assert alarms() == [], "five may be chance"
    taken(20, hours=2, arrived=False)
    [what] = alarms()
    assert "last 25 messages by SMS" in what
    taken(1, hours=2, arrived=True)
    assert alarms() == []


@pytest.mark.parametrize(
    ("text", "coding", "number"),
    [("", "GSM-7", 1), ("€" * 80, "GSM-7", 1), ("€" * 81, "GSM-7", 2), ("a" * 306, "GSM-7", 2), ("ç" * 70, "UCS-2", 1),
     ("ç" * 71, "UCS-2", 2), ("a" * 159 + "😀", "UCS-2", 3)],
)  # fmt: skip
def test_one_letter_changes_how_a_text_is_carried(text: str, coding: str, number: int) -> None:
    assert (parts_of(text).coding, parts_of(text).number) == (coding, number)
