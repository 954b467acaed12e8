"""A mail server named in the console is no way into the installation's own network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rapport.act.channels import ChannelSettings
from rapport.adapters.channels.email import EmailChannel
from rapport.capabilities.messages.service.servers import MailServer, OperatorsServer
from rapport.storage.engine import Database
from tests.rooms.capabilities.mail_sink import Sink

BODY = b"Subject: x\r\n\r\nx\r\n"


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as found:
        yield found


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """No table is needed: the server is given."""
    opened = Database.open(f"sqlite:///{tmp_path_factory.mktemp('mail') / Path('none.db')}")
    yield opened
    opened.close()


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0", "::1", "::ffff:127.0.0.1", "169.254.169.254"]
)
def test_the_own_network_is_refused_however_it_is_written(db: Database, sink: Sink, host: str, security: str) -> None:
    port = urlsplit(sink.url).port or 0
    channel = EmailChannel(db, ChannelSettings())
    server = MailServer(host=host, port=port, security=security, sender="a@shop.example")
    done = channel.hand_over(server, "a@shop.example", "b@example.com", BODY)
    channel.close()
    assert done.result == "retry"
    assert "own machine or network" in done.detail or "does not answer" in done.detail
    assert sink.bodies == []


def test_the_operators_own_server_may_stand_in_the_own_network(db: Database) -> None:
    with Sink() as sink:
        port = urlsplit(sink.url).port or 0
        of_operator = OperatorsServer(host="127.0.0.1", port=port, security="none", sender="a@shop.example")
        of_shop = MailServer(host="127.0.0.1", port=port, security="none", sender="a@shop.example")
        for server, given in ((of_operator, ChannelSettings()), (of_shop, ChannelSettings(allow_private=True))):
            channel = EmailChannel(db, given)
            assert channel.hand_over(server, "a@shop.example", "b@example.com", BODY).result == "delivered"
            channel.close()
        assert len(sink.bodies) == 2
