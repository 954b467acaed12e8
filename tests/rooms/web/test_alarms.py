"""What Home warns of: said by slices with what to do about it, for whoever may do it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, text

from rapport.act.store import destinations, webhooks
from rapport.act.watches import WATCHES as ACTING
from rapport.act.webhooks import CHANNEL, WebhookWanted, add_webhook
from rapport.app.watches import WATCHES as SYSTEM
from rapport.collect.sources import create_source
from rapport.collect.store import sources
from rapport.collect.watches import WATCHES as COLLECTING
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace
from rapport.web import accounts
from rapport.web.alarms import Alarm, Alarms, Watch
from tests.slices import PERMISSIONS

ALARMS = Alarms([*ACTING, *COLLECTING, *SYSTEM])


def principal(shop: Workspace, role: str) -> Principal:
    scopes = PERMISSIONS.of_role(role)
    return Principal(workspace=shop.id, kind="user", id="usr_1", name="Ada", role=role, scopes=scopes)


def whats(db: Database, shop: Workspace, role: str = "owner", *, later: int = 0) -> list[str]:
    return [alarm.what for alarm in ALARMS.now(db, principal(shop, role), now_us() + later)]


def test_a_shop_without_a_worker_is_told_so_first(db: Database, shop: Workspace) -> None:
    assert whats(db, shop) == ["No worker runs: what comes in is kept, and nothing here changes"]


def test_a_source_that_fell_silent_is_named(db: Database, shop: Workspace) -> None:
    with db.write() as conn:
        till = create_source(conn, shop.id, name="Till 3", kind="store", now=now_us())
        create_source(conn, shop.id, name="Never used", kind="store", now=now_us())
        conn.execute(sources.update().where(sources.c.id == till.id).values(last_seen_at=now_us() - 3 * DAY))
    assert "“Till 3” has told nothing for 3 days" in whats(db, shop)
    assert not any("Till 3" in what for what in whats(db, shop, later=40 * DAY)), "nobody misses it any more"


def test_a_webhook_that_fails_is_named_without_the_token_in_its_address(db: Database, shop: Workspace) -> None:
    with db.write() as conn:
        wanted = WebhookWanted(url="https://crm.example.com/hook?token=t0p", events=["*"])
        hook, _ = add_webhook(conn, shop.id, wanted, now=now_us())
        row = {"workspace": shop.id, "channel": CHANNEL, "destination": hook.id, "failures": 4, "closed_until": 0}
        conn.execute(destinations.insert().values(row))
    assert "The webhook to crm.example.com has failed 4 times in a row" in whats(db, shop)
    with db.write() as conn:
        conn.execute(webhooks.update().values(enabled=False, disabled_reason="the endpoint answered 410 Gone"))
    assert "The webhook to crm.example.com was switched off: the endpoint answered 410 Gone" in whats(db, shop)
    assert not any("t0p" in what for what in whats(db, shop))


def test_nobody_is_warned_of_what_is_not_theirs_to_see(db: Database, shop: Workspace) -> None:
    with db.write() as conn:
        conn.execute(sources.delete())
    assert whats(db, shop, "agent") == []


def test_a_watch_that_fails_is_an_alarm_and_the_others_stand(db: Database, shop: Workspace) -> None:
    def falls(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
        conn.execute(text("SELECT nothing FROM nowhere"))
        return ()

    broken = Watch(name="weather.storm", permission="system:read", read=falls)
    found = Alarms([broken, *SYSTEM]).now(db, principal(shop, "owner"), now_us())
    assert [alarm.tone for alarm in found] == ["red", "amber"]
    assert "weather.storm" in found[1].what


def test_two_watches_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two of kind watch are named 'act\.webhooks'"):
        Alarms([*ACTING, *ACTING])


def test_a_key_that_ends_soon_is_told_to_whoever_may_give_it_more_time(db: Database, shop: Workspace) -> None:
    now = now_us()
    for name, days in (("Till", 3), ("Later", 30), ("Lasting", None)):
        accounts.create_api_key(
            db, PERMISSIONS, workspace=shop.id, name=name, scopes=["customers:read"], created_by="test", now=now,
            expires_at=None if days is None else now + days * DAY,
        )  # fmt: skip
    assert [what for what in whats(db, shop) if "API key" in what] == ["The API key “Till” ends in 3 days"]
    assert not any("API key" in what for what in whats(db, shop, "viewer"))
    assert not any("Till" in what for what in whats(db, shop, later=4 * DAY))
