"""Alarms leave the house once when they stand and once when they are over, whoever looks and however often."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
import sqlalchemy as sa

from rapport.act import store as acting
from rapport.act import webhooks
from rapport.act.channels import ChannelSettings, Outgoing
from rapport.act.webhooks import WebhookWanted
from rapport.adapters.channels.alarm_mail import AlarmMail, AlarmMailChannel
from rapport.app.alarming.looking import OVER, STANDS, Lookout
from rapport.capabilities.messages.service.servers import MailServer, keep_server
from rapport.capabilities.messages.watches import WATCHES as MESSAGES
from rapport.kernel.clock import MINUTE, SECOND, now_us
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.storage.sealing import VARIABLE
from rapport.storage.workspaces import Workspace, create_workspace
from rapport.web import accounts
from rapport.web.alarms import Alarm, Alarms, Watch
from rapport.web.sign_in_settings import SIGN_IN_SETTINGS, SignInSettings
from tests.rooms.capabilities.mail_sink import Sink
from tests.slices import PERMISSIONS

NOW = now_us()
MAIL = ChannelSettings(smtp_url="smtp://127.0.0.1:9", mail_from="Shop <shop@example.com>")


class House:
    """A shop with an owner, a viewer and a webhook, and a watch that sees what the test says."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.amiss: list[Alarm] = []
        self.failing = False
        slug = new_id("shop").replace("_", "-")
        with db.write() as conn:
            self.shop: Workspace = create_workspace(conn, slug=slug, name="Shop", now=NOW)
            wanted = WebhookWanted(url="https://hooks.example/alarms", events=["Alarm Raised", "Alarm Over"])
            webhooks.add_webhook(conn, self.shop.id, wanted, now=NOW)
            webhooks.add_webhook(
                conn, self.shop.id, WebhookWanted(url="https://hooks.example/x", events=["*"]), now=NOW
            )
        for role in ("owner", "viewer"):
            accounts.create_user(
                db, email=f"{role}@{slug}.example", password="correct horse battery", name=role,
                workspace=self.shop.id, role=role, now=NOW,
            )  # fmt: skip

    def read(self, conn: sa.Connection, workspace: int, now: int) -> Sequence[Alarm]:
        if self.failing:
            raise RuntimeError("it cannot be seen")
        return self.amiss if workspace == self.shop.id else ()

    def lookout(self, given: ChannelSettings = MAIL) -> Lookout:
        alarms = Alarms([Watch(name="test.watch", permission="system:read", read=self.read)])
        return Lookout(self.db, alarms, PERMISSIONS, given, base="https://rapport.example")

    def told(self) -> Counter[tuple[str, str]]:
        """Channel and news of every message that was written."""
        o = acting.outbox.c
        with self.db.read() as conn:
            rows = conn.execute(sa.select(o.channel, o.payload).where(o.workspace == self.shop.id)).all()
        found = [(row.channel, msgspec.json.decode(row.payload)) for row in rows]
        return Counter((channel, said.get("type") or said["news"]) for channel, said in found)


def alarm(what: str = "No worker runs", tone: str = "red", name: str = "") -> Alarm:
    return Alarm(what=what, to_do="Start it.", path="/console/system", tone=tone, name=name)  # type: ignore[arg-type]


RAISED = Counter({("webhook", "Alarm Raised"): 1, ("alarm_mail", "raised"): 1})
BOTH = RAISED + Counter({("webhook", "Alarm Over"): 1, ("alarm_mail", "over"): 1})


@pytest.fixture
def house(shared_db: Database) -> House:
    return House(shared_db)


def test_an_alarm_is_told_once_when_it_stands_and_once_when_it_is_over(house: House) -> None:
    look = house.lookout().look
    for at in range(0, 10 * MINUTE, 20 * SECOND):
        house.amiss = [alarm(f"{at} facts wait")]  # what is said changes, the alarm is the same
        look(now=NOW + at)
    assert house.told() == RAISED
    house.amiss = []
    for at in range(10 * MINUTE, 30 * MINUTE, 20 * SECOND):
        look(now=NOW + at)
    assert house.told() == BOTH


def test_what_is_over_soon_and_what_flickers_is_told_to_nobody_twice(house: House) -> None:
    look = house.lookout().look
    for at in range(0, 60 * MINUTE, 20 * SECOND):
        house.amiss = [alarm()] if at % (2 * MINUTE) else []
        look(now=NOW + at)
    assert house.told() == Counter()
    house.amiss = [alarm()]
    look(now=NOW + 70 * MINUTE)
    look(now=NOW + 70 * MINUTE + STANDS)
    for at in range(80 * MINUTE, 140 * MINUTE, 20 * SECOND):
        house.amiss = [] if at % OVER else [alarm()]
        look(now=NOW + at)
    assert house.told() == RAISED


def test_it_can_be_raised_again_after_it_was_over(house: House) -> None:
    look = house.lookout().look
    for start in (0, 60 * MINUTE):
        for at, amiss in ((0, True), (STANDS, True), (STANDS + SECOND, False), (STANDS + SECOND + OVER, False)):
            house.amiss = [alarm()] if amiss else []
            look(now=NOW + start + at)
    assert house.told() == BOTH + BOTH


def test_two_servers_that_look_at_once_tell_it_once(house: House) -> None:
    house.amiss = [alarm()]
    lookouts = [house.lookout() for _ in range(4)]
    for at in (0, STANDS):
        looking = [threading.Thread(target=one.look, kwargs={"now": NOW + at}) for one in lookouts]
        for thread in looking:
            thread.start()
        for thread in looking:
            thread.join()
    assert house.told() == RAISED


def test_what_waits_and_loses_nothing_is_told_to_nobody(house: House) -> None:
    house.amiss = [alarm(tone="amber")]
    for at in (0, STANDS, 2 * STANDS):
        house.lookout().look(now=NOW + at)
    assert house.told() == Counter()


def test_owners_are_mailed_where_there_is_a_mail_server_and_they_want_it(house: House) -> None:
    house.amiss = [alarm()]
    for at in (0, STANDS):
        house.lookout(ChannelSettings()).look(now=NOW + at)
    assert house.told() == Counter({("webhook", "Alarm Raised"): 1})
    with house.db.write() as conn:
        nobody = SignInSettings(alarms_by_mail="nobody")
        settings.save(conn, house.shop.id, SIGN_IN_SETTINGS, nobody, version=0, by="owner", now=NOW)
    house.amiss = []
    for at in (2 * STANDS, 2 * STANDS + OVER):
        house.lookout().look(now=NOW + at)
    assert ("alarm_mail", "over") not in house.told()


def test_two_alarms_of_one_watch_that_lead_to_one_page_are_told_each(house: House) -> None:
    look = house.lookout().look
    dead = alarm("No worker runs", name="no_worker")
    full = alarm("The disk is full", name="disk_full")
    for at, amiss in ((0, [dead]), (STANDS, [dead, full]), (2 * STANDS, [dead, full]), (3 * STANDS, [full])):
        house.amiss = amiss
        look(now=NOW + at)
    assert house.told() == RAISED + RAISED, "the second while the first stands"
    look(now=NOW + 3 * STANDS + OVER)
    assert house.told() == RAISED + BOTH, "the first is over while the second stands"


def test_while_a_watch_fails_nothing_it_told_is_over(house: House) -> None:
    look = house.lookout().look
    house.amiss = [alarm()]
    for at in (0, STANDS):
        look(now=NOW + at)
    house.failing = True
    for at in (2 * STANDS, 2 * STANDS + OVER, 2 * STANDS + 2 * OVER):
        look(now=NOW + at)
    assert house.told() == RAISED


def test_a_mail_server_that_cannot_be_opened_silences_no_webhook_and_no_other_shop(
    shared_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked, other = House(shared_db), House(shared_db)
    monkeypatch.setenv(VARIABLE, "a" * 32)
    with shared_db.write() as conn:
        keep_server(conn, locked.shop.id, MailServer(host="mail.example", sender="a@b.example"), by="Ada", now=NOW)
    monkeypatch.setenv(VARIABLE, "b" * 32)
    watch = Watch(name="test.watch", permission="system:read", read=lambda *_: [alarm()])
    for at in (0, STANDS):
        Lookout(shared_db, Alarms([watch]), PERMISSIONS, MAIL, base="https://rapport.example").look(now=NOW + at)
    assert locked.told() == Counter({("webhook", "Alarm Raised"): 1})
    assert other.told() == RAISED
    with shared_db.write() as conn:
        assert [one.path for one in _locked(conn, locked.shop.id, NOW)] == ["/console/messages/server"]
        keep_server(conn, locked.shop.id, MailServer(host="mail.example", sender="a@b.example"), by="Ada", now=NOW)
        assert _locked(conn, locked.shop.id, NOW) == (), "typed in again it is in force"


def _locked(conn: sa.Connection, shop: WorkspaceId, now: int) -> Sequence[Alarm]:
    [read] = [watch.read for watch in MESSAGES if watch.name == "messages.server"]
    assert read is not None
    return read(conn, shop, now)


def test_only_owners_are_mailed(house: House) -> None:
    house.amiss = [alarm()]
    for at in (0, STANDS):
        house.lookout().look(now=NOW + at)
    o = acting.outbox.c
    with house.db.read() as conn:
        query = sa.select(o.destination).where(o.workspace == house.shop.id, o.channel == "alarm_mail")
        assert [to.partition("@")[0] for to in conn.execute(query).scalars()] == ["owner"]


def test_the_mail_says_what_is_wrong_what_to_do_and_where(house: House) -> None:
    with Sink() as sink:
        _says(house, sink)


def _says(house: House, sink: Sink) -> None:
    given = ChannelSettings(smtp_url=sink.url, mail_from="Shop <shop@example.com>")
    channel = AlarmMailChannel(house.db, given)
    said = AlarmMail(news="raised", what="No worker\r\nBcc: x@y.z runs", to_do="Start it.", page="https://r/x", at=NOW)
    message = Outgoing(
        workspace=house.shop.id, id="msg_1", channel="alarm_mail", destination="owner@example.com",
        payload=msgspec.json.encode(said), strand=None, purpose="operations", attempts=1,
    )  # fmt: skip
    for _ in range(2):
        assert channel.deliver(message, now=NOW).result == "delivered"
    channel.close()
    assert list(sink.by_id().values()) == [2], "each attempt is the same mail"
    first = sink.mails[0]
    assert (first["Subject"], first["Bcc"]) == ("No worker Bcc: x@y.z runs", None)
    assert "Start it." in first.get_content()
