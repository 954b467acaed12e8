"""What a source sent in a window is taken back: everything is as if it had never come, and can be put back."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from rapport.act.jobs import Moment, Turn
from rapport.app.pipeline import Pipeline
from rapport.app.undoing import UNDOING, _Undo, undoing
from rapport.app.worker import drain, run_job_now
from rapport.capabilities.consent.store import consent_answers, consent_held
from rapport.capabilities.fit.store import bought
from rapport.capabilities.insights.store import sale_lines, sales, touchpoints
from rapport.capabilities.lake import jobs as lake_jobs
from rapport.capabilities.lake import service as lake
from rapport.capabilities.lake.store import lake_refilings
from rapport.capabilities.loyalty.store import causes
from rapport.capabilities.loyalty.verifying import verify
from rapport.capabilities.loyalty.wallet import wallet_of
from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.store import carts, orders
from rapport.capabilities.promises.store import promises
from rapport.collect import sources, withdrawals
from rapport.collect.statements import order_statements
from rapport.collect.withdrawals import Effects, Withdrawal
from rapport.compose.erasure import erase, withdrawn_names
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.compose.unsaid import FEW
from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.identifiers import BUCKETS, Identifier, key_of
from rapport.measure.store import fact_minutes
from rapport.remember import store as remember
from rapport.resolve.graph import store as identities
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.lake import upkeep
from rapport.storage.lake.upkeep import Verified
from rapport.storage.leases import Leases
from rapport.storage.withdrawn import withdrawn_facts
from tests import loyal
from tests.databases import sqlite_database
from tests.jobs import turns
from tests.running import ROOT
from tests.shop import NOON, Shop

FORGED = "forged"
"""The source whose key was in the wrong hands."""

LATER = NOON + 3 * DAY


def named(prefix: str, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With ids that are the same in every shop."""
    return [{**one, "messageId": f"{prefix}{number}"} for number, one in enumerate(said)]


def honest(shop: Shop) -> list[dict[str, Any]]:
    """What Ada, Bo and a visitor really did."""
    ada = {"user": "ada", "browser": "ada-b"}
    told = {**shop.message("x", at=NOON, **ada), "type": "identify", "traits": {"email": "ada@example.com"}}
    del told["event"]
    return named("h", [
        told,
        shop.message("Product Viewed", at=NOON + MINUTE, **ada, product_id="p1"),
        shop.message("Product Added", at=NOON + 2 * MINUTE, **ada, product_id="p1", price=5, cart_id="c1"),
        loyal.order(shop, "ada", "1", 50.0, at=NOON + 3 * MINUTE),
        loyal.order(shop, "bo", "2", 20.0, 30.0, at=NOON + 4 * MINUTE),
        loyal.refund(shop, "bo", "2", at=NOON + 5 * MINUTE, total=20.0, refund_id="r1"),
        shop.message("Product Viewed", at=NOON + 6 * MINUTE, browser="carl-b", product_id="p2"),
        shop.message("Consent Said", at=NOON + 7 * MINUTE, **ada)
        | {"context": {"consent": {"categoryPreferences": {"email_marketing": True}}}},
    ])  # fmt: skip


def forged(shop: Shop) -> list[dict[str, Any]]:
    """What somebody with a website's key said: Ada and Bo are one browser, an order nobody made, one cancelled."""
    mail = {"type": "identify", "traits": {"email": "ada@example.com", "name": "Eve"}}
    at = NOON + HOUR
    said = [
        shop.message("Product Viewed", at=at, user="ada", browser="eve", product_id="p9"),
        shop.message("Product Viewed", at=at + 1 * SECOND, user="bo", browser="ada-b", product_id="p9"),
        {**shop.message("x", at=at + 2 * SECOND, browser="eve"), **mail},
        loyal.order(shop, "eve-2", "666", 900.0, at=at + 3 * SECOND),
        loyal.order(shop, "ada", "667", 70.0, at=at + 4 * SECOND),
        shop.message("Order Cancelled", at=at + 5 * SECOND, user="eve-2", order_id="2"),
        loyal.refund(shop, "eve-2", "1", at=at + 6 * SECOND, total=10.0, refund_id="r9"),
        shop.message("Product Added", at=at + 7 * SECOND, browser="eve", product_id="p9", price=9, cart_id="c9"),
        shop.message("Consent Said", at=at + 8 * SECOND, browser="eve", user="ada")
        | {"context": {"consent": {"categoryPreferences": {"email_marketing": False}}}},
    ]
    said.append(shop.message("Product Viewed", at=at + 9 * SECOND, user="ada", browser="carl-b", product_id="p9"))
    for one in said:
        if one["type"] == "identify":
            one.pop("event", None)
    return named("f", said)


def told(shop: Shop, *, forging: bool) -> None:
    """The shop's log, folded by a worker, with time for carts to be judged; what is forged comes in between."""
    loyal.begin(shop, pending_days=0)
    with shop.db.write() as conn:
        if not any(one.name == "Website" for one in sources.list_sources(conn, shop.id)):
            made = sources.create_source(conn, shop.id, name="Website", kind="web", now=NOON)
            conn.execute(sa.text(f"UPDATE sources SET id = '{FORGED}' WHERE id = '{made.id}'"))
    shop.send(*honest(shop)[:4])
    if forging:
        shop.send(*forged(shop), source=FORGED)
    drain(shop.pipeline)
    shop.send(*honest(shop)[4:])
    drain(shop.pipeline)
    drain(shop.pipeline)


KEPT = {
    orders: (), refunds: ("shared",), carts: (), bought: (), sales: (), sale_lines: (), causes: (),
    promises: ("changed_at", "risk"),
    touchpoints: ("seq",), consent_held: (), consent_answers: (), fact_minutes: ("shard",),
    order_statements: ("seq",),
    identities.identifiers: ("shared_at",), identities.evidence: (),
    remember.customers: ("stale",), remember.words: (),
}  # fmt: skip


def everything(shop: Shop) -> dict[str, Any]:
    """All that is made of the facts, in terms that are the same in another shop."""
    found: dict[str, Any] = {"digest": shop.digest()}
    for table, but in KEPT.items():
        left_out = {*but, "was_at"}
        rows = (
            {name: v for name, v in row.items() if name not in left_out}
            for row in shop.rows(table)
            if row.get("source") != OWN_SOURCE
        )
        found[table.name] = sorted(rows, key=repr)
    with shop.db.read() as conn:
        for user in ("ada", "bo"):
            wallet = wallet_of(conn, shop.id, loyal.key(shop, user), now=LATER)
            points = (wallet.balance, wallet.pending, wallet.owed, wallet.tier, wallet.saved_minor)
            found[f"points of {user}"] = points
        assert verify(conn, shop.id).ok
    return found


def asked(shop: Shop, *, since: int = NOON, until: int = LATER) -> Withdrawal:
    with shop.db.write() as conn:
        return withdrawals.ask(
            conn, shop.id, FORGED, since=since, until=until, reason="the key leaked", by="ada", now=LATER
        )


def carried_out(shop: Shop, ident: str) -> Withdrawal:
    run_job_now(shop.pipeline, UNDOING)
    drain(shop.pipeline)
    with shop.db.read() as conn:
        return withdrawals.find(conn, shop.id, ident)


def one_turn(shop: Shop, pipeline: Pipeline, *, at_once: int) -> None:
    """What one worker does before it is killed: a turn of the job, and nothing after it."""
    leases = Leases(shop.db, "tests")
    leases.maintain()
    turn = Turn(shop.db, undoing(pipeline), Moment(owner="tests", buckets=tuple(range(BUCKETS))), now=LATER, kept={})
    undoing(pipeline, at_once=at_once).run(turn)
    leases.release()


@pytest.fixture
def clean(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Everything of a shop to which nothing forged has come."""
    (tmp_path / "clean").mkdir()
    shop = Shop(sqlite_database(tmp_path / "clean"))
    told(shop, forging=False)
    yield everything(shop)
    shop.close()


def test_what_was_forged_leaves_nothing_behind_and_can_be_put_back(any_shop: Shop, clean: dict[str, Any]) -> None:
    told(any_shop, forging=True)
    before, seqs = everything(any_shop), {row["seq"] for row in any_shop.rows(log.facts) if row["source"] == FORGED}
    assert before["digest"] != clean["digest"]
    wanted = carried_out(any_shop, asked(any_shop).id)
    assert wanted.state == "told"
    assert everything(any_shop) == before, "looking changed something"
    with any_shop.db.write() as conn:
        withdrawals.confirm(conn, any_shop.id, wanted.id, by="ada", now=LATER)
        withdrawals.confirm(conn, any_shop.id, wanted.id, by="bo", now=LATER)
    done = carried_out(any_shop, wanted.id)
    assert done.state == "done"
    after = everything(any_shop)
    for name, rows in clean.items():
        assert after[name] == rows, name
    assert not [row for row in any_shop.rows(log.facts) if row["source"] == FORGED]
    assert done.told is not None
    assert done.effects is not None
    assert done.told == done.effects
    numbers = done.effects.numbers
    assert (done.effects.facts, numbers["orders"], numbers["revenue_minor:EUR"]) == (10, 2, 97000)
    assert (done.effects.parted, done.effects.kinds["Order Completed"]) == (1, 2)
    with any_shop.db.write() as conn:
        withdrawals.put_back(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    assert carried_out(any_shop, wanted.id).state == "back"
    back = everything(any_shop)
    for name, rows in before.items():
        assert back[name] == rows, name
    assert {row["seq"] for row in any_shop.rows(log.facts) if row["source"] == FORGED} == seqs
    assert any_shop.rows(withdrawn_facts) == []


def lake_is(shop: Shop) -> Verified:
    """The lake held against the log, once its jobs have followed what was taken back."""
    turns(shop.db, lake_jobs.FORGETTING, now=LATER)
    turns(shop.db, lake_jobs.REFILING, now=LATER)
    assert shop.rows(lake_refilings) == []
    lake.archive(shop.db)
    return upkeep.verify(shop.db, lake.our_lake(shop.db))


def test_what_is_taken_back_leaves_the_lake_and_returns_to_it(any_shop: Shop, tmp_path: Path) -> None:
    """Also what was not in the lake yet when it was taken back, and what nobody else names."""
    any_shop.db.folder = tmp_path
    told(any_shop, forging=True)
    seqs = sorted(row["seq"] for row in any_shop.rows(log.facts) if row["source"] == FORGED)
    lake.archive(any_shop.db, most=seqs[4])
    wanted = carried_out(any_shop, asked(any_shop).id)
    assert any_shop.rows(lake_refilings) == [], "looking noted something"
    with any_shop.db.write() as conn:
        withdrawals.confirm(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    carried_out(any_shop, wanted.id)
    found = lake_is(any_shop)
    assert (found.is_whole, found.only_in_lake) == (True, 0)
    assert FORGED not in {row.source for row in upkeep.read_rows(lake.our_lake(any_shop.db))}
    with any_shop.db.write() as conn:
        withdrawals.put_back(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    carried_out(any_shop, wanted.id)
    found = lake_is(any_shop)
    assert (found.is_whole, found.only_in_lake) == (True, 0)
    assert set(seqs) <= {row.seq for row in upkeep.read_rows(lake.our_lake(any_shop.db))}


@pytest.mark.slow
def test_a_worker_killed_between_two_parts_leaves_the_rest_to_the_next(any_shop: Shop, clean: dict[str, Any]) -> None:
    """Each part is a transaction: after some of them, a fresh worker takes back what is left, and nothing twice."""
    told(any_shop, forging=True)
    wanted = carried_out(any_shop, asked(any_shop).id)
    with any_shop.db.write() as conn:
        withdrawals.confirm(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    for worker in (any_shop.pipeline, Pipeline(any_shop.db)):
        one_turn(any_shop, worker, at_once=3)
    with any_shop.db.read() as conn:
        assert withdrawals.find(conn, any_shop.id, wanted.id).state == "wanted"
    assert carried_out(any_shop, wanted.id).state == "done"
    found = everything(any_shop)
    for name, rows in clean.items():
        assert found[name] == rows, name


KILLED = """
import os, signal, sys
import sqlalchemy as sa
from rapport.app.pipeline import Pipeline
from rapport.storage.engine import Database
from tests.rooms.app.test_undoing import killed_turns

db, left = Database.open(sys.argv[1]), [int(sys.argv[2])]

def count(*_):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

killed_turns(db, lambda: sa.event.listen(sa.Engine, "before_cursor_execute", count))
"""
"""A worker of its own process that dies by SIGKILL before the n-th statement of its second turn."""


def killed_turns(db: Database, arm: Callable[[], object]) -> None:
    """Turns of three facts, one after the other; after the first it is `arm`ed."""
    leases = Leases(db, "killed")
    pipeline = Pipeline(db)
    while True:
        leases.maintain()
        moment = Moment(owner="killed", buckets=tuple(range(BUCKETS)))
        undoing(pipeline, at_once=3).run(Turn(db, undoing(pipeline), moment, now=LATER, kept={}))
        arm()


@pytest.mark.slow
def test_kill_9_amid_a_turn_leaves_the_parts_before_it_and_a_restart_completes_it(
    any_shop: Shop, database_url: str, clean: dict[str, Any]
) -> None:
    told(any_shop, forging=True)
    wanted = carried_out(any_shop, asked(any_shop).id)
    with any_shop.db.write() as conn:
        withdrawals.confirm(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    left = [_left(any_shop)]
    for statement in (5, 40, 60):
        command = [sys.executable, "-c", KILLED, database_url, str(statement)]
        child = subprocess.run(command, cwd=ROOT, check=False, timeout=120)
        assert child.returncode == -signal.SIGKILL
        left.append(_left(any_shop))
    assert left == [10, 7, 4, 1], "a turn has happened in part, or not at all"
    with any_shop.db.write() as conn:  # the leases of the dead run out, and nobody leaves them their share any more
        conn.execute(sa.text("UPDATE buckets SET owner = '', lease_until = 0"))
        conn.execute(sa.text("DELETE FROM workers"))
    assert carried_out(any_shop, wanted.id).state == "done"
    found = everything(any_shop)
    for name, rows in clean.items():
        assert found[name] == rows, name


def _left(shop: Shop) -> int:
    return len([row for row in shop.rows(log.facts) if row["source"] == FORGED])


@contextmanager
def rows_read_while_nobody_appends(db: Database) -> Iterator[list[int]]:
    """Rows of the log, and of what was taken out of it, that are read from the taking of the lock until its end."""
    read: list[int] = []
    held: list[bool] = []

    def hear(_: object, cursor: Any, statement: str, *__: object) -> None:
        if "pg_advisory_xact_lock(" in statement and not held:
            held.append(True)
        elif held and statement.startswith("SELECT") and "body" in statement.partition("FROM")[0]:
            read.append(cursor.rowcount)

    event.listen(db.engine, "after_cursor_execute", hear)
    try:
        yield read
    finally:
        event.remove(db.engine, "after_cursor_execute", hear)


def test_an_append_waits_for_no_more_than_is_taken_out_and_what_others_say_of_it(any_shop: Shop) -> None:
    """Of a log of a thousand facts, and hundreds that were taken back before, only those of these people are read."""
    if any_shop.db.dialect == "sqlite":
        pytest.skip("SQLite tells no number of rows; the statements are the same")
    told(any_shop, forging=True)
    others = [any_shop.message("Product Viewed", at=NOON + n * SECOND, user=f"u{n % 50}", product_id="q") for n in
              range(1_000)]  # fmt: skip
    any_shop.send(*named("o", others))
    drain(any_shop.pipeline)
    found = carried_out(any_shop, asked(any_shop).id)
    with any_shop.db.write() as conn:
        confirmed = withdrawals.confirm(conn, any_shop.id, found.id, by="ada", now=LATER)
    undo = _Undo(any_shop.pipeline, any_shop.db, confirmed, now=LATER)
    looked = undo.look(limit=100)
    with rows_read_while_nobody_appends(any_shop.db) as read, any_shop.db.write() as conn:
        assert undo.take_back(conn, limit=100, looked=looked) is not None
    assert 0 < sum(read) < 100
    key = key_of(any_shop.id, Identifier("user_id", "u1"))
    with any_shop.db.write() as conn:  # As many again lie among what was taken back.
        columns = ("seq", "source", "message_id", "strand", "bucket", "occurred_at", "received_at", "body")
        f = log.facts.c
        kept = sa.select(f.workspace, sa.literal(found.id), *(f[name] for name in columns)).where(f.source != FORGED)
        conn.execute(withdrawn_facts.insert().from_select(["workspace", "withdrawal", *columns], kept))
    with any_shop.db.read() as conn:
        withdrawn = withdrawn_names(conn, any_shop.id)
    with rows_read_while_nobody_appends(any_shop.db) as read, any_shop.db.write() as conn:
        erase(conn, any_shop.pipeline.slices, any_shop.id, key, now=LATER, told="then", withdrawn=withdrawn)
    assert sum(read) < 200


@pytest.mark.slow
def test_many_orders_are_looked_for_before_anybody_waits_and_what_comes_meanwhile_is_heeded(
    any_shop: Shop, tmp_path: Path
) -> None:
    """More than the database looks for by itself; one is named as a number, one with an escaped letter."""
    many = [loyal.order(any_shop, f"eve-{n}", f"x{n}", 10.0 + n, at=NOON + HOUR + n * SECOND) for n in range(FEW + 5)]
    many.append(any_shop.message("Order Cancelled", at=NOON + 2 * HOUR, user="eve", order_id=2))
    many.append(any_shop.message("Order Cancelled", at=NOON + 2 * HOUR, user="eve", order_id="\u00fc1"))
    meanwhile = named("m", [loyal.order(any_shop, "bo", "\u00fc1", 5.0, at=NOON + 3 * HOUR)])
    (tmp_path / "other").mkdir()
    other = Shop(sqlite_database(tmp_path / "other"))
    told(other, forging=False)
    other.send(*meanwhile)
    drain(other.pipeline)
    told(any_shop, forging=False)
    any_shop.send(*named("f", many), source=FORGED)
    drain(any_shop.pipeline)
    wanted = carried_out(any_shop, asked(any_shop).id)
    with any_shop.db.write() as conn:
        confirmed = withdrawals.confirm(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    undo = _Undo(any_shop.pipeline, any_shop.db, confirmed, now=LATER)
    looked = undo.look(limit=100)
    any_shop.send(*meanwhile)
    drain(any_shop.pipeline)
    with any_shop.db.write() as conn:
        assert undo.take_back(conn, limit=100, looked=looked) is not None
    assert carried_out(any_shop, wanted.id).state == "done"
    found = everything(any_shop)
    for name, rows in everything(other).items():
        assert found[name] == rows, name
    other.close()


@pytest.mark.slow
def test_what_was_said_before_and_after_the_window_stays(any_shop: Shop) -> None:
    told(any_shop, forging=True)
    at = NOON + HOUR
    wanted = carried_out(any_shop, asked(any_shop, since=at + 3 * SECOND, until=at + 4 * SECOND).id)
    assert wanted.told is not None
    assert (wanted.told.facts, wanted.told.numbers["orders"]) == (1, 1)
    with any_shop.db.write() as conn:
        withdrawals.confirm(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    carried_out(any_shop, wanted.id)
    assert {row["order_id"] for row in any_shop.rows(orders)} == {"1", "2", "667"}


def test_nothing_is_confirmed_before_its_numbers_are_there_nor_put_back_before_it_is_done(any_shop: Shop) -> None:
    told(any_shop, forging=False)
    wanted = asked(any_shop)
    with any_shop.db.write() as conn, pytest.raises(Conflict, match="what would go"):
        withdrawals.confirm(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    with any_shop.db.write() as conn, pytest.raises(Conflict, match="nothing is taken back"):
        withdrawals.put_back(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    assert carried_out(any_shop, wanted.id).told == Effects()
    for since, until in ((LATER, NOON), (NOON, LATER + 1)):
        with pytest.raises(InvalidInput, match="the window ends"):
            asked(any_shop, since=since, until=until)


@pytest.mark.slow
def test_after_thirty_days_it_is_too_late_and_the_facts_are_forgotten(any_shop: Shop) -> None:
    told(any_shop, forging=True)
    wanted = carried_out(any_shop, asked(any_shop).id)
    with any_shop.db.write() as conn:
        withdrawals.confirm(conn, any_shop.id, wanted.id, by="ada", now=LATER)
    done = carried_out(any_shop, wanted.id)
    late = done.may_be_put_back_until + 1
    with any_shop.db.write() as conn, pytest.raises(Conflict, match="30 days"):
        withdrawals.put_back(conn, any_shop.id, wanted.id, by="ada", now=late)
    assert any_shop.rows(withdrawn_facts)
    with any_shop.db.write() as conn:
        assert withdrawals.is_anything_old(conn, late)
        while withdrawals.forget_old(conn, late, limit=5):
            pass
    assert any_shop.rows(withdrawn_facts) == []


@pytest.mark.slow
def test_who_is_erased_meanwhile_does_not_come_back_with_what_is_put_back(any_shop: Shop) -> None:
    """Only what was taken back knew her account; she is found by her address, which the shop's own words left."""
    shop = any_shop
    told(shop, forging=False)
    known = {"email": "zoe@example.com", "name": "Zoe Zq7"}
    visit = {**shop.message("x", at=NOON + HOUR, user="zoe", browser="zoe-b"), "type": "identify", "traits": known}
    mail = {
        **shop.message("x", at=NOON + HOUR, browser="zoe-2"),
        "type": "identify",
        "traits": {"email": known["email"]},
    }
    del visit["event"], mail["event"]
    shop.send(mail)
    shop.send(
        visit, shop.message("Product Viewed", at=NOON + HOUR + SECOND, user="zoe", product_id="p7"), source=FORGED
    )
    drain(shop.pipeline)
    wanted = carried_out(shop, asked(shop).id)
    with shop.db.write() as conn:
        withdrawals.confirm(conn, shop.id, wanted.id, by="ada", now=LATER)
    carried_out(shop, wanted.id)
    with shop.db.write() as conn:
        zoe = key_of(shop.id, Identifier("email", known["email"]))
        erase(conn, shop.pipeline.slices, shop.id, zoe, now=LATER, told="then")
        withdrawals.put_back(conn, shop.id, wanted.id, by="ada", now=LATER)
    carried_out(shop, wanted.id)
    assert not any(b"Zq7" in row["body"] or b"zoe" in row["body"] for row in shop.rows(log.facts))


def test_one_that_fails_rests_while_the_others_have_their_turn_and_is_tried_again(any_shop: Shop) -> None:
    told(any_shop, forging=True)
    broken, whole = asked(any_shop), asked(any_shop, since=NOON + 1)
    with any_shop.db.write() as conn:
        w = withdrawals.withdrawals
        conn.execute(w.update().where(w.c.id == broken.id).values(changed_at=0))
    failures = [RuntimeError("what follows from it cannot be told")]

    def unsay(*_: object) -> dict[str, int]:
        if failures:
            raise failures.pop()
        return {}

    fragile = Slice(name="fragile", title="Fragile", unsay=unsay)
    job = undoing(Pipeline(any_shop.db, slices=Installed([*any_shop.pipeline.slices.slices, fragile])))
    turns(any_shop.db, job, now=LATER)
    with any_shop.db.read() as conn:
        states = [withdrawals.find(conn, any_shop.id, one.id).state for one in (broken, whole)]
    assert states == ["asked", "told"]
    turns(any_shop.db, job, now=LATER + 2 * MINUTE)
    with any_shop.db.read() as conn:
        assert withdrawals.find(conn, any_shop.id, broken.id).state == "told"
    asked(any_shop, since=NOON + 2)
    failures.append(RuntimeError("none is left to have its turn: the job fails, and its alarm is told"))
    with pytest.raises(RuntimeError, match="none is left"):
        turns(any_shop.db, job, now=LATER + 3 * MINUTE)
