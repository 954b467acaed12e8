"""What providers say of messages is verified on the body as it was sent, and kept once, in whatever order it comes.

`reports/` holds a delivery of each kind as the providers' documentation of 2026 shows it.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from rapport.act.channels import ChannelSettings
from rapport.adapters.providers import routes
from rapport.adapters.providers import store as doors
from rapport.adapters.providers.model import PROVIDERS, Delivery, Provider
from rapport.adapters.providers.reading import read
from rapport.adapters.providers.taking import Taken, note_refused, take
from rapport.adapters.providers.web import WEB
from rapport.capabilities.messages import store
from rapport.capabilities.messages.service.providers import Provider as Carrier
from rapport.capabilities.messages.service.providers import keep_provider
from rapport.capabilities.messages.service.queueing import MessageWanted, queue
from rapport.capabilities.messages.store import MessageRow
from rapport.collect.limiter import InFlight
from rapport.kernel.clock import DAY, SECOND
from rapport.kernel.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.storage import log
from rapport.storage.sealing import VARIABLE
from rapport.storage.workspaces import workspace_of
from rapport.web import accounts
from rapport.web.app import create_app
from tests.databases import ENGINES, database_at, sqlite_database
from tests.rooms.web.conftest import PASSWORD, sign_in
from tests.shop import Shop

NOW = 1_793_528_000 * SECOND
"""The first of November 2026, a quarter of an hour after what the reports tell of."""
TOPIC = "arn:aws:sns:eu-west-1:888888888888:ses"
CERTIFICATE_AT = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
Channel = Literal["email", "sms", "whatsapp"]
_NUMBERS = count(1)
_TOKENS = count(1)


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file: each test has people of its own; the webhooks of all providers are taken."""
    with database_at(request.param, tmp_path_factory.mktemp("providers")) as url:
        made = Shop(url)
        with made.db.write() as conn:
            ensure_secret(conn)
            for provider in PROVIDERS:
                doors.keep_door(conn, made.id, provider, SIGNING.secret(provider), now=1)
            meta = Carrier(kind="meta", account="106540352242922", secret="s3cret")
            keep_provider(conn, made.id, "whatsapp", meta, by="the tests", allow_private=True, now=1)
        yield made
        made.close()


class Signing:
    """The providers' own keys, and how each signs."""

    def __init__(self) -> None:
        self._ec = ec.generate_private_key(ec.SECP256R1())
        self._rsa = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
        begins = datetime(2026, 1, 1, tzinfo=UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._rsa.public_key())
            .serial_number(1).not_valid_before(begins).not_valid_after(begins + timedelta(days=365))
            .sign(self._rsa, hashes.SHA256())
        )  # fmt: skip
        self.certificate = made.public_bytes(serialization.Encoding.PEM)

    def secret(self, provider: Provider) -> str:
        public = self._ec.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {"ses": TOPIC, "sendgrid": base64.b64encode(public).decode()}.get(provider, f"secret of {provider}")

    def sent(self, provider: Provider, said: Any, *, message: str = "", version: str = "2") -> Delivery:
        """What the provider sends, signed."""
        return {
            "ses": self._ses, "mailgun": self._mailgun, "sendgrid": self._sendgrid, "twilio": self._twilio,
            "meta": self._meta,
        }[provider](said, message, version)  # fmt: skip

    def _ses(self, said: Any, message: str, version: str) -> Delivery:
        told = {"Message": msgspec.json.encode(said).decode(), "MessageId": "5e-1",
                "Timestamp": "2026-11-01T10:00:02.000Z", "TopicArn": TOPIC, "Type": "Notification"}  # fmt: skip
        signed = "".join(f"{name}\n{value}\n" for name, value in told.items())
        hashed = hashes.SHA256() if version == "2" else hashes.SHA1()
        signature = base64.b64encode(self._rsa.sign(signed.encode(), PKCS1v15(), hashed)).decode()
        whole = {**told, "SignatureVersion": version, "Signature": signature, "SigningCertURL": CERTIFICATE_AT}
        return Delivery({}, msgspec.json.encode(whole), "")

    def _mailgun(self, said: Any, message: str, version: str) -> Delivery:
        at, token = str(NOW // SECOND), f"token{next(_TOKENS)}"
        signature = hmac.new(b"secret of mailgun", f"{at}{token}".encode(), sha256).hexdigest()
        signed = {"timestamp": at, "token": token, "signature": signature}
        return Delivery({}, msgspec.json.encode({"signature": signed, "event-data": said}), "")

    def _sendgrid(self, said: Any, message: str, version: str) -> Delivery:
        body = msgspec.json.encode(said) + b"\r\n"
        signature = self._ec.sign(b"1793527999" + body, ec.ECDSA(hashes.SHA256()))
        headers = {"x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
                   "x-twilio-email-event-webhook-timestamp": "1793527999"}  # fmt: skip
        return Delivery(headers, body, "")

    def _twilio(self, said: Any, message: str, version: str) -> Delivery:
        url = "https://shop.example/v1/webhooks/providers/twilio/shop" + (f"?message={message}" if message else "")
        signed = url + "".join(f"{name}{said[name]}" for name in sorted(said))
        signature = base64.b64encode(hmac.new(b"secret of twilio", signed.encode(), sha1).digest()).decode()
        return Delivery({"x-twilio-signature": signature}, urlencode(said).encode(), url)

    def _meta(self, said: Any, message: str, version: str) -> Delivery:
        body = msgspec.json.encode(said)
        signature = hmac.new(b"secret of meta", body, sha256).hexdigest()
        return Delivery({"x-hub-signature-256": f"sha256={signature}"}, body, "")


SIGNING = Signing()


def report(provider: Provider, kind: str, message: str = "", number: str = "") -> Any:
    text = (Path(__file__).parent / "reports" / f"{provider}.json").read_text()
    return msgspec.json.decode(text.replace("MESSAGE", message).replace("NUMBER", number))[kind]


def message_of(shop: Shop, channel: Channel = "email") -> MessageRow:
    """A message to somebody new, queued and not sent yet."""
    number = next(_NUMBERS)
    traits = {"email": f"ada{number}@example.com", "phone": f"+4915112{number:06d}"}
    shop.send({"type": "identify", "userId": f"ada{number}", "messageId": f"i{number}", "traits": traits})
    shop.fold()
    named = ("email", traits["email"]) if channel == "email" else ("phone", traits["phone"])
    wanted = MessageWanted(
        template="order_story", customer="", channel=channel, purpose="transactional", idempotency_key=f"k{number}",
        data={"order": {"id": "A-1"}, "story": "Packed."},
    )  # fmt: skip
    with shop.db.write() as conn:
        return queue(conn, shop.id, Key(key_of(shop.id, Identifier(*named))), wanted, now=NOW - 3600 * SECOND)


def give(shop: Shop, provider: Provider, sent: Delivery, *, now: int = NOW) -> Taken:
    return take(shop.db, shop.id, provider, sent, certificate_of=lambda _: SIGNING.certificate, now=now)


def facts_of(shop: Shop, row: MessageRow) -> list[str]:
    with shop.db.read() as conn:
        rows = log.latest(conn, shop.id, limit=100)
    facts = [msgspec.json.decode(one.body) for one in reversed(rows)]
    return [
        fact["name"].removeprefix("Message ") + " by a machine" * (fact["properties"].get("machine") is True)
        for fact in facts
        if fact.get("properties", {}).get("message_id") == row.id
    ]


def now_of(shop: Shop, row: MessageRow) -> MessageRow:
    with shop.db.read() as conn:
        return store.by_ids(conn, shop.id, [row.id])[row.id]


def is_suppressed(shop: Shop, row: MessageRow) -> set[str]:
    with shop.db.read() as conn:
        found = store.suppressed(conn, shop.id, row.channel, [row.strand])
    return found.get(row.strand, set())


CASES: list[tuple[Provider, str, list[str], set[str]]] = [
    ("ses", "bounce", ["Bounced"], {"bounced"}),
    ("ses", "bounce without a code", ["Bounced"], {"bounced"}),
    ("ses", "bounce that is called permanent and is not", ["Bounced"], set()),
    ("ses", "complaint", ["Complained"], {"complained"}),
    ("ses", "delivery", ["Delivered"], set()),
    ("ses", "open", ["Opened"], set()),
    ("ses", "open by a proxy", ["Opened by a machine"], set()),
    ("ses", "delay", [], set()),
    ("mailgun", "delivered", ["Delivered"], set()),
    ("mailgun", "failed", ["Bounced"], {"bounced"}),
    ("mailgun", "failed for now", [], set()),
    ("mailgun", "complained", ["Complained"], {"complained"}),
    ("mailgun", "opened", ["Opened"], set()),
    ("mailgun", "opened by a bot", ["Opened by a machine"], set()),
    ("mailgun", "unsubscribed", ["Unsubscribed"], {"unsubscribed"}),
    ("sendgrid", "several", ["Delivered", "Opened by a machine", "Clicked"], set()),
    ("sendgrid", "bounce", ["Bounced"], set()),
    ("sendgrid", "spamreport", ["Complained"], {"complained"}),
    ("twilio", "delivered", ["Delivered"], set()),
    ("twilio", "undelivered", ["Bounced"], {"bounced"}),
    ("meta", "delivered", ["Delivered"], set()),
    ("meta", "failed", ["Bounced"], {"bounced"}),
    ("meta", "limited", ["Bounced"], {"limited"}),
]


@pytest.mark.parametrize(("provider", "kind", "facts", "reasons"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_what_is_told_is_kept_once_though_the_message_is_not_sent_yet(
    shop: Shop, provider: Provider, kind: str, facts: list[str], reasons: set[str]
) -> None:
    channels: dict[Provider, Channel] = {"twilio": "sms", "meta": "whatsapp"}
    row = message_of(shop, channels.get(provider, "email"))
    sent = SIGNING.sent(provider, report(provider, kind, row.id), message=row.id)
    assert give(shop, provider, sent).messages == bool(facts)
    give(shop, provider, sent)
    assert facts_of(shop, row) == facts
    assert is_suppressed(shop, row) == reasons
    found = now_of(shop, row)
    assert found.status == "queued"
    assert (found.opened_at is not None) == ("Opened" in facts)


@pytest.mark.parametrize("provider", ["twilio", "meta"])
def test_an_answer_that_stops_ends_news_to_that_number(shop: Shop, provider: Provider) -> None:
    row = message_of(shop, "sms" if provider == "twilio" else "whatsapp")
    phone = f"+4915112{int(row.idempotency_key[1:]):06d}"
    number = phone if provider == "twilio" else phone.lstrip("+")
    assert give(shop, provider, SIGNING.sent(provider, report(provider, "stop", number=number))).replies == 1
    assert is_suppressed(shop, row) == {"unsubscribed"}


def test_what_is_said_to_another_number_of_the_same_app_is_nothing_to_this_shop(shop: Shop) -> None:
    row = message_of(shop, "whatsapp")
    number = f"4915112{int(row.idempotency_key[1:]):06d}"
    said = msgspec.json.encode(report("meta", "stop", number=number)).replace(b"106540352242922", b"106540352242923")
    assert give(shop, "meta", SIGNING.sent("meta", msgspec.json.decode(said))) == Taken()
    assert is_suppressed(shop, row) == set()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_not_signed_by_the_provider_changes_nothing(shop: Shop, provider: Provider) -> None:
    kind = {"ses": "complaint", "mailgun": "complained", "sendgrid": "spamreport"}.get(provider, "delivered")
    row = message_of(shop)
    good = SIGNING.sent(provider, report(provider, kind, row.id), message=row.id)
    bare = good._replace(headers={}, body=b"{}" if provider in ("ses", "mailgun") else good.body)
    other = good._replace(body=good.body.replace(b"2026", b"2025").replace(b"1793527", b"1793526") + b" ",
                          url=good.url + "&x=1")  # fmt: skip
    if provider == "mailgun":
        other = good._replace(body=good.body.replace(b'"signature":"', b'"signature":"0'))
    for wrong in (bare, other):
        with pytest.raises(Unauthenticated):
            give(shop, provider, wrong)
    assert facts_of(shop, row) == []

    def door() -> doors.Door:
        with shop.db.read() as conn:
            found = doors.door_of(conn, shop.id, provider)
        assert found is not None
        return found

    assert door().refused == 0, "a stranger's request writes nothing before it is limited"
    note_refused(shop.db, shop.id, provider, "no signature", now=NOW)
    assert (door().refused, door().refused_why) == (1, "no signature")


def test_mailguns_token_stands_for_one_body_for_ever(shop: Shop) -> None:
    """It signs a time and a token: whoever has seen one could put words of theirs below."""
    row, other = message_of(shop), message_of(shop)
    sent = SIGNING.sent("mailgun", report("mailgun", "delivered", row.id))
    give(shop, "mailgun", sent)
    forged = sent._replace(body=sent.body.replace(row.id.encode(), other.id.encode()))
    with pytest.raises(Unauthenticated, match="another body"):
        give(shop, "mailgun", forged)
    with pytest.raises(Unauthenticated, match="older than a day"):
        give(shop, "mailgun", sent, now=NOW + 90_000 * SECOND)
    assert facts_of(shop, other) == []


def test_amazons_certificate_comes_from_amazon_and_its_topic_is_the_shops(shop: Shop) -> None:
    row = message_of(shop)
    said = report("ses", "delivery", row.id)
    assert give(shop, "ses", SIGNING.sent("ses", said, version="1")).messages == 1
    sent = SIGNING.sent("ses", said)
    for wrong, where in ((CERTIFICATE_AT.replace("amazonaws.com/", "amazonaws.com.evil.example/"), "certificate"),
                         (CERTIFICATE_AT.replace("eu-west-1", "s3-us-west-2"), "certificate"),
                         (CERTIFICATE_AT.replace("SimpleNotificationService", "mine/Service"), "certificate"),
                         (CERTIFICATE_AT.replace("https", "http"), "certificate")):  # fmt: skip
        with pytest.raises(Unauthenticated, match=where):
            give(shop, "ses", sent._replace(body=sent.body.replace(CERTIFICATE_AT.encode(), wrong.encode())))
    with pytest.raises(Unauthenticated, match="topic"):
        give(shop, "ses", sent._replace(body=sent.body.replace(TOPIC.encode(), b"arn:aws:sns:eu-west-1:1:other")))
    with pytest.raises(Unauthenticated):
        give(shop, "ses", sent, now=NOW + 300 * 86_400 * SECOND)


def test_of_a_provider_that_was_not_set_nothing_is_taken(shop: Shop) -> None:
    with shop.db.write() as conn:
        doors.remove_door(conn, shop.id, "meta", now=NOW)
    with pytest.raises(NotFound):
        give(shop, "meta", SIGNING.sent("meta", {}))
    with shop.db.write() as conn:
        doors.keep_door(conn, shop.id, "meta", SIGNING.secret("meta"), now=1)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "Type", "Message", "mail", "headers", "commonHeaders", "eventType", "bounce", "bouncedRecipients", "event",
        "event-data", "message", "delivery-status", "client-info", "timestamp", "entry", "changes", "value",
        "statuses", "messages", "errors", "status", "text", "from", "id", "code",
    ]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60)
@given(st.sampled_from(PROVIDERS), ANY)
def test_no_delivery_whatever_it_holds_is_a_bug(provider: Provider, said: Any) -> None:
    for body in (msgspec.json.encode(said), msgspec.json.encode({"Message": msgspec.json.encode(said).decode()})):
        with contextlib.suppress(InvalidInput):
            read(provider, Delivery({}, body, "https://shop.example/"))


def test_a_providers_old_secret_counts_for_a_day_beside_the_new_one(shop: Shop) -> None:
    """What it sends again for hours is still believed; the same secret set twice, and one set anew, lose nothing."""
    row = message_of(shop, "whatsapp")
    sent = SIGNING.sent("meta", report("meta", "delivered", row.id))
    with shop.db.write() as conn:
        for at in (NOW, NOW + 1):
            doors.keep_door(conn, shop.id, "meta", "another secret", now=at)
        door = doors.door_of(conn, shop.id, "meta")
    assert door is not None
    assert (door.secret, door.secret_at) == ("another secret", NOW)
    assert door.secrets(NOW + DAY - 1) == ["another secret", SIGNING.secret("meta")]
    assert door.secrets(NOW + DAY) == ["another secret"]
    try:
        assert give(shop, "meta", sent, now=NOW + 2).messages == 1
        with pytest.raises(Unauthenticated, match="secret that is set"):
            give(shop, "meta", sent, now=NOW + DAY)
    finally:
        with shop.db.write() as conn:
            doors.keep_door(conn, shop.id, "meta", SIGNING.secret("meta"), now=NOW)


def test_a_secret_that_nothing_opens_is_shown_as_such_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(sqlite_database(tmp_path))
    monkeypatch.setenv(VARIABLE, "o" * 32)
    with shop.db.write() as conn:
        doors.keep_door(conn, shop.id, "meta", SIGNING.secret("meta"), now=1)
        monkeypatch.setenv(VARIABLE, "n" * 32)
        doors.keep_door(conn, shop.id, "ses", TOPIC, now=1)
    accounts.create_user(
        shop.db, email="ada@example.com", password=PASSWORD, name="Ada", workspace=shop.id, role="owner", now=NOW
    )
    slices = shop.pipeline.slices
    app = create_app(
        db=shop.db, wording=slices.wording, permissions=slices.permissions, parts={"providers": WEB},
        provided={"in_flight": InFlight(10**8), "channel_settings": ChannelSettings()},
    )  # fmt: skip
    with TestClient(app) as browser:
        sign_in(browser, "ada@example.com")
        told = unescape(browser.get("/console/providers").text)
        assert told.count("cannot be opened with the server's key") == 1
        assert TOPIC not in told
        body = msgspec.json.encode({"entry": []})
        assert browser.post(f"/v1/webhooks/providers/meta/{slug_of(shop)}", content=body).status_code == 500
        monkeypatch.setattr(routes, "FORGED_A_MINUTE", 2)
        monkeypatch.setattr(routes, "_certificate", unreachable)
        ses = SIGNING.sent("ses", report("ses", "delivery", "m")).body
        sent = [browser.post(f"/v1/webhooks/providers/ses/{slug_of(shop)}", content=ses) for _ in range(4)]
        assert [one.status_code for one in sent] == [503] * 4  # no forgeries
    shop.close()


def unreachable(url: str) -> bytes:
    raise Unavailable("Amazon SNS was not reached", hint="it sends again")


def slug_of(shop: Shop) -> str:
    with shop.db.read() as conn:
        return workspace_of(conn, shop.id).slug
