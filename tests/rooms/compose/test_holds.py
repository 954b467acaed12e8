"""Of somebody who is held nothing is erased or taken out until the hold ends; then what waited goes on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from rapport.app.undoing import FORGETTING
from rapport.app.worker import drain, run_job_now
from rapport.collect import withdrawals
from rapport.compose import holds, redactions
from rapport.compose.erasing import ERASING
from rapport.compose.erasure import erase
from rapport.compose.holds import Held, HoldWanted, privacy_holds
from rapport.compose.redactions import REDACTING, RedactionWanted
from rapport.compose.requests import RequestShown, RequestWanted, ask, find_request
from rapport.compose.retention import retention
from rapport.kernel.clock import DAY, now_us, to_iso
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.resolve.reading.identities import Member
from rapport.storage import log, withdrawn
from rapport.storage.audit.entries import entries
from rapport.storage.log import StoredRow
from tests.beside import change_beside
from tests.jobs import turns
from tests.rooms.compose.test_retention import wants, who_is_here
from tests.shop import NOON, Shop

WHY = "case 4711"


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    for who in ("ada", "bo"):
        told = any_shop.message("x", at=NOON, user=who) | {
            "type": "identify",
            "traits": {"email": f"{who}@example.com"},
        }
        del told["event"]
        any_shop.send(told, any_shop.message("Product Viewed", at=NOON, user=who, product_id="p1", note="zq7note"))
    any_shop.wait(NOON + DAY)
    drain(any_shop.pipeline)
    return any_shop


def held(shop: Shop, who: str = "email:ada@example.com", *, until: int | None = None, now: int | None = None) -> str:
    now = now_us() if now is None else now
    wanted = HoldWanted(customer=who, why=WHY, until=to_iso(now + DAY if until is None else until))
    with shop.db.write() as conn:
        return holds.hold(conn, shop.id, wanted, by="Grace", now=now)


def ended(shop: Shop, ident: str) -> None:
    with shop.db.write() as conn:
        holds.end(conn, shop.id, ident, by="Grace", now=now_us())


def asked(shop: Shop, who: str) -> RequestShown:
    with shop.db.write() as conn:
        return ask(conn, shop.id, RequestWanted(kind="erasure", customer=who, verified="signed in"), by="x", now=NOON)


def after_the_job(shop: Shop, request: RequestShown) -> RequestShown:
    for _ in range(3):
        run_job_now(shop.pipeline, ERASING)
    with shop.db.read() as conn:
        return find_request(conn, shop.id, request.id)


def test_an_erasure_waits_says_why_holds_up_nobody_else_and_goes_on_by_itself(shop: Shop) -> None:
    ident = held(shop)
    hers, his = asked(shop, "user_id:ada"), asked(shop, "user_id:bo")
    assert after_the_job(shop, his).status == "completed"
    waits = after_the_job(shop, hers)
    assert waits.status == "received"
    assert "by Grace: case 4711" in waits.held
    assert who_is_here(shop) == {"ada"}
    ended(shop, ident)
    done = after_the_job(shop, hers)
    assert (done.status, done.held, who_is_here(shop)) == ("completed", "", set())
    assert [row["subject"] for row in shop.rows(privacy_holds)] == [None], "nothing leads to her any more"
    with shop.db.read() as conn:
        told = sorted(one.action for one in entries(conn, shop.id))
    assert [action for action in told if action.startswith("hold.")] == ["hold.ended", "hold.placed"]


def test_its_end_lets_go_on_what_waits_without_anybody(shop: Shop) -> None:
    held(shop, until=NOON + 3 * DAY, now=NOON + DAY)
    with shop.db.read() as conn:
        assert holds.held_keys(conn, shop.id, now=NOON + 2 * DAY)
        assert not holds.held_keys(conn, shop.id, now=NOON + 3 * DAY)
    assert after_the_job(shop, asked(shop, "user_id:ada")).status == "completed", "that was long ago"


def test_whom_no_purpose_keeps_is_kept_while_held_and_others_go(shop: Shop) -> None:
    wants(shop)
    held(shop, until=NOON + 3000 * DAY, now=NOON)
    turns(shop.db, retention(shop.pipeline.slices), now=NOON + 2999 * DAY)
    assert who_is_here(shop) == {"ada"}
    turns(shop.db, retention(shop.pipeline.slices), now=NOON + 3001 * DAY)
    assert who_is_here(shop) == set()


@pytest.mark.parametrize("of", [{"customer": "user_id:ada"}, {"event": "Product Viewed"}])
def test_a_field_of_theirs_is_taken_out_once_the_hold_has_ended(shop: Shop, of: dict[str, str]) -> None:
    ident = held(shop, "user_id:ada")
    wanted = RedactionWanted(field="properties.note", since=to_iso(NOON), until=to_iso(NOON + DAY), **of)
    with shop.db.write() as conn:
        found = redactions.ask(conn, shop.id, wanted, by="x", now=now_us())
    run_job_now(shop.pipeline, REDACTING)
    with shop.db.write() as conn:
        redactions.confirm(conn, shop.id, found.id, by="x", now=now_us())
    for _ in range(4):
        run_job_now(shop.pipeline, REDACTING)
    assert _noted(shop) == 2
    with shop.db.read() as conn:
        found = redactions.find(conn, shop.id, found.id)
        assert WHY in redactions.wait_for(conn, shop.id, [found], now=now_us())[found.id]
        assert (found.state, WHY in redactions.waits_for(conn, found, now=now_us())) == ("wanted", True)
    ended(shop, ident)
    for _ in range(6):
        run_job_now(shop.pipeline, REDACTING)
    assert _noted(shop) == (0 if "event" in of else 1)


def _noted(shop: Shop) -> int:
    return sum(b"zq7note" in row["body"] for row in shop.rows(log.facts))


def test_a_redaction_of_others_waits_for_nobody(shop: Shop) -> None:
    held(shop, "user_id:ada")
    wanted = RedactionWanted(
        field="properties.note", since=to_iso(NOON), until=to_iso(NOON + DAY), customer="user_id:bo"
    )
    with shop.db.write() as conn:
        found = redactions.ask(conn, shop.id, wanted, by="x", now=now_us())
    run_job_now(shop.pipeline, REDACTING)
    with shop.db.write() as conn:
        redactions.confirm(conn, shop.id, found.id, by="x", now=now_us())
    for _ in range(6):
        run_job_now(shop.pipeline, REDACTING)
    assert _noted(shop) == 1


def test_an_erasure_that_begins_beside_a_hold_waits_for_it_and_finds_her_held(shop: Shop) -> None:
    """On PostgreSQL by two connections, of which the second waits for the first."""
    wanted = HoldWanted(customer="user_id:ada", why=WHY, until=to_iso(NOON + DAY))
    key = key_of(shop.id, Identifier("user_id", "ada"))

    def refused(_: Sequence[Member], keys: Sequence[Key]) -> None:
        holds.refuse_held(conns[0], shop.id, keys, now=NOON)

    conns: list[sa.Connection] = []

    def erasing(conn: sa.Connection) -> None:
        conns.append(conn)
        erase(conn, shop.pipeline.slices, shop.id, key, now=NOON, told="now", before=refused)

    found = change_beside(shop.db, lambda conn: holds.hold(conn, shop.id, wanted, by="x", now=NOON), erasing)
    assert isinstance(found, Held)
    assert who_is_here(shop) == {"ada", "bo"}


def test_what_was_taken_back_of_whoever_is_held_stays_beyond_its_thirty_days(shop: Shop) -> None:
    held(shop, until=NOON + 100 * DAY, now=NOON)
    taken = {"workspace": shop.id, "id": "wdr_1", "source": "website", "since": NOON, "until": NOON + 1, "reason": "",
             "state": "done", "asked_by": "x", "asked_at": NOON, "changed_at": NOON}  # fmt: skip
    with shop.db.write() as conn:
        conn.execute(withdrawals.withdrawals.insert().values(taken))
        rows = [
            StoredRow._make(row) for row in conn.execute(sa.select(*(log.facts.c[name] for name in StoredRow._fields)))
        ]
        withdrawn.take_out(conn, shop.id, "wdr_1", [row for row in rows if row.source == "website"])
    assert len(shop.rows(withdrawn.withdrawn_facts)) == 4
    turns(shop.db, FORGETTING, now=NOON + 40 * DAY)
    left = shop.rows(withdrawn.withdrawn_facts)
    assert len(left) == 2
    assert not any(b'"bo' in row["body"] for row in left)
    turns(shop.db, FORGETTING, now=NOON + 101 * DAY)
    assert shop.rows(withdrawn.withdrawn_facts) == []


@pytest.mark.parametrize(("days", "why"), [(-1, WHY), (4000, WHY), (1, " ")])
def test_a_hold_without_reason_or_end_is_refused(shop: Shop, days: int, why: str) -> None:
    wanted = HoldWanted(customer="user_id:ada", why=why, until=to_iso(NOON + days * DAY))
    with shop.db.write() as conn, pytest.raises(InvalidInput):
        holds.hold(conn, shop.id, wanted, by="x", now=NOON)


def test_a_hold_that_is_over_is_not_ended_again(shop: Shop) -> None:
    ident = held(shop)
    ended(shop, ident)
    with pytest.raises(Conflict, match="ended on"):
        ended(shop, ident)
