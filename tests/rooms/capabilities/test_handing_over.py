"""A mail is written, signed and handed over by connections that are kept; what a server does to them costs no mail."""

from __future__ import annotations

import base64
import email
import time
from collections.abc import Iterator
from email import policy
from threading import Event

import dkim  # type: ignore[import-untyped]  # it has no types
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from rapport.act.channels import ChannelSettings
from rapport.adapters.channels.email import sign, written
from rapport.adapters.channels.handing_over import HandingOver
from rapport.capabilities.messages.model import OWN_TROUBLE, Mail
from rapport.capabilities.messages.service.servers import MailServer
from rapport.kernel.errors import InvalidInput
from tests.rooms.capabilities.mail_sink import Sink

BODY = b"Subject: Hi\r\n\r\n.\r\n..dots\r\n"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as found:
        yield found


@pytest.fixture
def servers() -> Iterator[HandingOver]:
    found = HandingOver(ChannelSettings(allow_private=True))
    yield found
    found.close()


def server_at(sink: Sink) -> MailServer:
    port = int(sink.url.partition("?")[0].rpartition(":")[2])
    return MailServer(host="127.0.0.1", port=port, security="none", sender="hi@shop.example")


def give(servers: HandingOver, sink: Sink, to: str) -> str:
    return servers.hand_over(server_at(sink), "hi@shop.example", to, BODY).result


@pytest.mark.parametrize("takes", ["all commands at once", "one by one"])
def test_one_connection_carries_many_and_outlives_what_is_refused(sink: Sink, servers: HandingOver, takes: str) -> None:
    sink.pipelines = takes == "all commands at once"
    sink.refusing = {"gone@example.com": "550 5.1.1 no such user", "later@example.com": "450 4.2.1 busy"}
    to = ["ada@example.com", "gone@example.com", "later@example.com", "bo@example.com"]
    assert [give(servers, sink, one) for one in to] == ["delivered", "dead", "retry", "delivered"]
    assert [body.replace(b"\r\n", b"\n") for body in sink.bodies] == [BODY.replace(b"\r\n", b"\n")] * 2
    assert sink.connections == 1


def test_a_connection_that_the_server_ended_meanwhile_costs_nothing(sink: Sink, servers: HandingOver) -> None:
    sink.hangs_up = True
    for _ in range(3):
        assert give(servers, sink, "ada@example.com") == "delivered"
        time.sleep(0.05)
    assert (len(sink.bodies), sink.connections) == (3, 3)


def test_a_lease_that_could_not_be_extended_is_extended_a_moment_later(sink: Sink) -> None:
    answers = sink.slow = Event()
    told: list[int] = []

    def keep() -> None:
        told.append(len(told))
        if len(told) < 3:
            raise ConnectionError("the database is away")
        answers.set()

    servers = HandingOver(ChannelSettings(allow_private=True), soon_seconds=0.02)
    done = servers.hand_over(server_at(sink), "hi@shop.example", "ada@example.com", BODY, keep=keep)
    servers.close()
    assert (done.result, told) == ("delivered", [0, 1, 2])


def test_two_shops_never_share_a_connection(sink: Sink, servers: HandingOver) -> None:
    one = server_at(sink)
    other = MailServer(host=one.host, port=one.port, security="none", sender="hi@other.example")
    for server in (one, other, one, other):
        assert servers.hand_over(server, server.address, "ada@example.com", BODY).result == "delivered"
    assert sink.connections == 2


@pytest.mark.parametrize(
    "text", ["hi\n", "", "x" * 3000 + "=_b\n.\n..x\n \ttrail  \nFrom me", "ünï€😀" * 300 + "\u2028w"]
)
def test_a_signed_mail_reads_as_it_was_written(text: str) -> None:
    key = rsa.generate_private_key(65537, 1024)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()  # fmt: skip
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    mail = Mail(
        message_id="<a@b.example>", to="a@b.example", to_name="Zoë, <x>", sender="s@shop.example", sender_name="Shöp",
        reply_to="", subject="Ünï " * 20, html=f"<p>{text}</p>", text=text, language="en",
        unsubscribe="https://x.example/u",
    )  # fmt: skip
    with pytest.raises(InvalidInput, match=OWN_TROUBLE):
        sign(written(mail, now=1), MailServer(sender="s@shop..example", dkim_selector="sel", dkim_key=pem))
    made = sign(written(mail, now=1), MailServer(sender="s@shop.example", dkim_selector="sel", dkim_key=pem))
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    assert dkim.verify(made, dnsfunc=lambda *_, **__: record, minkey=1024)
    assert not dkim.verify(made.replace(b"Date: ", b"Date: Fri, "), dnsfunc=lambda *_, **__: record, minkey=1024)
    assert b"list-unsubscribe-post" in made.partition(b"bh=")[0]
    read = email.message_from_bytes(made, policy=policy.default)
    assert not read.defects
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    plain = read.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().splitlines() == (text.splitlines() or [""])
    assert max(map(len, made.split(b"\r\n"))) < 998, "RFC 5322, 2.1.1"
