"""One request never holds up those of others: what cannot be answered steps back, what is over is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import msgspec
import pytest
from sqlalchemy import Connection

from rapport.act.jobs import Moment, Turn
from rapport.app.worker import drain
from rapport.compose.answering import answering
from rapport.compose.erasing import erasing
from rapport.compose.installed import Installed
from rapport.compose.law import Law
from rapport.compose.requests import (
    ERASED_MEANWHILE,
    RequestShown,
    RequestWanted,
    ask,
    find_request,
    privacy_requests,
    settle,
    verify,
)
from rapport.compose.slice import Slice
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict
from rapport.kernel.identifiers import BUCKETS, Identifier, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.golden import find_key
from rapport.storage.audit.entries import entries
from rapport.storage.engine import Database
from rapport.storage.leases import Leases
from tests.jobs import turns
from tests.shop import NOON, Shop


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    any_shop.send(*(any_shop.message("Product Viewed", at=NOON, user=who, product_id="p1") for who in ("ada", "bo")))
    any_shop.wait(NOON)
    drain(any_shop.pipeline)
    return any_shop


def asked(shop: Shop, kind: str, who: str, *, verified: str = "signed in") -> RequestShown:
    wanted = msgspec.convert({"kind": kind, "customer": f"user_id:{who}", "verified": verified}, RequestWanted)
    with shop.db.write() as conn:
        return ask(conn, shop.id, wanted, by="test", now=now_us())


def found(shop: Shop, request: RequestShown) -> RequestShown:
    with shop.db.read() as conn:
        return find_request(conn, shop.id, request.id)


def refuse(shop: Shop, request: RequestShown) -> None:
    with shop.db.write() as conn:
        settle(conn, shop.id, request.id, refused=True, note="it was not she", now=now_us())


def test_with_the_person_whatever_else_they_asked_is_over_and_others_are_answered(shop: Shop) -> None:
    unsure, open_ = asked(shop, "access", "ada", verified=""), asked(shop, "rectification", "ada")
    erasure, bos = asked(shop, "erasure", "ada"), asked(shop, "access", "bo")
    turns(shop.db, erasing(shop.pipeline.slices), now=NOON)
    assert found(shop, erasure).status == "completed"
    for one in (unsure, open_):
        assert (found(shop, one).status, found(shop, one).reason) == ("not_found", ERASED_MEANWHILE)
        with shop.db.write() as conn, pytest.raises(Conflict, match="not found by now"):
            verify(conn, shop.id, one.id, how="called back")
    with shop.db.read() as conn:
        told = [one.about for one in entries(conn, shop.id, action="request.settled")]
    assert sorted(told) == sorted([unsure.id, open_.id])
    turns(shop.db, answering(shop.pipeline.slices), now=NOON)
    assert found(shop, bos).status == "completed"


def test_a_request_that_names_nobody_any_more_holds_up_no_other(shop: Shop) -> None:
    """Earlier versions left such requests behind an erasure."""
    for kind in ("access", "erasure"):
        left, next_ = asked(shop, kind, "ada"), asked(shop, kind, "bo")
        with shop.db.write() as conn:
            conn.execute(privacy_requests.update().where(privacy_requests.c.id == left.id).values(subject=None))
        turns(shop.db, (erasing if kind == "erasure" else answering)(shop.pipeline.slices), now=NOON)
        assert (found(shop, left).status, found(shop, next_).status) == ("received", "completed"), kind


def test_a_request_that_fails_steps_behind_the_others_and_the_job_fails_once_all_had_their_turn(shop: Shop) -> None:
    ada = key_of(shop.id, Identifier("user_id", "ada"))

    def obey(conn: Connection, workspace: WorkspaceId, key: Key, kind: str, now: int) -> str:
        if key == ada:
            raise RuntimeError("ada's record cannot be read")
        return "ended"

    job = answering(Installed([Slice(name="fragile", title="Fragile", law=Law(obey=obey))]))
    first, second = asked(shop, "objection", "ada"), asked(shop, "objection", "bo")
    with pytest.raises(RuntimeError, match="cannot be read"):
        turns(shop.db, job, now=NOON)
    assert (found(shop, first).status, found(shop, second).status) == ("received", "completed")


class Beaten:
    """The database to somebody who is slow: after each read others write before they do."""

    def __init__(self, db: Database, meanwhile: Callable[[], None]) -> None:
        self._db, self._meanwhile = db, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._db.read() as conn:
            yield conn
        self._meanwhile()


@pytest.mark.parametrize("kind", ["erasure", "access"])
def test_a_request_refused_while_its_turn_begins_is_not_answered(shop: Shop, kind: str) -> None:
    request = asked(shop, kind, "ada")
    Leases(shop.db, "slow").maintain()
    job = (erasing if kind == "erasure" else answering)(shop.pipeline.slices)
    moment = Moment(owner="slow", buckets=tuple(range(BUCKETS)))
    turn = Turn(cast(Database, Beaten(shop.db, lambda: refuse(shop, request))), job, moment, now=NOON, kept={})
    job.run(turn)
    assert found(shop, request).status == "refused"
    with shop.db.read() as conn:
        assert find_key(conn, shop.id, "user_id:ada", region=None)
