"""Whatever is killed, and whenever: everybody in a journey gets its message once, from a real mail server.

The steps of the journey and the sending run in a process that is killed (SIGKILL) again and again, at moments that the
mail server's arrivals choose, so often between the mail's arrival and the note of it. `RAPPORT_TEST_SENDS=10000` sends
so many.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rapport.act.channels import ChannelSettings
from rapport.act.outbox import Dispatcher
from rapport.act.store import LEASE
from rapport.adapters.channels.email import EmailChannel
from rapport.app.wiring import installed
from rapport.capabilities.journeys.jobs import jobs
from rapport.capabilities.messages import store as messages
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS, MessageSettings
from rapport.compose.slice import Joined
from rapport.kernel.clock import HOUR, now_us, to_iso
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.storage import settings
from rapport.storage.engine import Database
from tests.databases import ENGINES, database_at
from tests.jobs import turns
from tests.rooms.capabilities.mail_sink import Sink
from tests.rooms.capabilities.test_journeys import WELCOME, inside, put
from tests.running import wait_until
from tests.shop import Shop

SENDS = int(os.environ.get("RAPPORT_TEST_SENDS", "80"))
PATIENCE = 120.0 + SENDS / 10
KILLS = 4
AT_ONCE = 4
"""Messages under way to one destination: so many may be on their way when the process is killed."""
ALWAYS = MessageSettings(quiet_from=0, quiet_until=0, cap_a_day=0, cap_a_week=0, domain_a_minute=0)

pytestmark = pytest.mark.slow


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with database_at(request.param, tmp_path) as found:
        yield found


def work(url: str, smtp_url: str, ahead: int) -> None:
    """What a worker does, until it is killed: steps of journeys, a few at a time, and sending. Its clock is ahead by so
    much that what those killed before it held is free again."""
    db, slices = Database.open(url), installed()
    given = ChannelSettings(smtp_url=smtp_url, mail_from="hello@shop.example", public_url="https://shop.example")
    post = Dispatcher(
        db, [EmailChannel(db, given)], rules=slices.send_rules, listeners=slices.listeners, per_destination=AT_ONCE
    )
    steps = jobs(Joined(slices.remembered, slices.deciding, slices.gate))[0]
    while True:
        now = now_us() + ahead
        if not turns(db, steps, now=now, at_most=20) and not post.run_once(now):
            post.drain(0.05)


def people(shop: Shop) -> None:
    """All of them, in the journey's door."""
    agreed = {"consent": {"categoryPreferences": {"email_marketing": True}}}
    before = to_iso(now_us() - HOUR)
    told: list[dict[str, Any]] = []
    for number in range(SENDS):
        traits = {"email": f"p{number}@example.com", "firstName": "Ada"}
        told.append({"type": "identify", "userId": f"p{number}", "messageId": f"i{number}", "timestamp": before,
                     "traits": traits, "context": agreed})  # fmt: skip
        told.append(shop.message("Signed Up", at=now_us(), user=f"p{number}"))
    shop.send(*told)
    shop.fold()


def test_everybody_gets_the_message_once_however_often_the_worker_is_killed(url: str) -> None:
    shop = Shop(url)
    with shop.db.write() as conn:
        ensure_secret(conn)
        settings.save(conn, shop.id, MESSAGE_SETTINGS, ALWAYS, version=0, by="the tests", now=1)
    name = put(shop, WELCOME)
    people(shop)
    rng = random.Random(11)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with Sink() as sink:
        arrivals = sorted(rng.sample(range(1, SENDS), KILLS))
        for life, upto in enumerate([*arrivals, 0]):
            worker = context.Process(target=work, args=(url, sink.url, life * 3 * LEASE), daemon=True)
            worker.start()
            if upto:
                wait_until(lambda upto=upto: len(sink.bodies) >= upto, seconds=PATIENCE)  # type: ignore[misc]
            else:
                wait_until(lambda: _statuses(shop) == {"sent": SENDS}, seconds=PATIENCE)
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
        arrived = sink.by_id()
    assert len(arrived) == SENDS
    assert sum(arrived.values()) - SENDS <= KILLS * AT_ONCE
    pairs = {(str(mail["To"]).rpartition("<")[2].rstrip(">"), str(mail["Message-ID"])) for mail in sink.mails}
    assert sorted(to for to, _ in pairs) == sorted(f"p{number}@example.com" for number in range(SENDS))
    assert len(inside(shop, name)) == SENDS
    shop.close()


def _statuses(shop: Shop) -> dict[str, int]:
    with shop.db.read() as conn:
        return messages.counts(conn, shop.id, since=0)
