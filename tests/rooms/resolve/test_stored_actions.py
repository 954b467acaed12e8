"""Audit entries as earlier versions stored them are undone as ever; what nobody here can undo stays as it is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rapport.kernel.errors import Conflict, Forbidden
from rapport.kernel.principal import Principal
from rapport.resolve.actions import audit
from rapport.resolve.actions.action import Actions
from rapport.resolve.actions.service import Identity
from rapport.resolve.actions.withdraw import Withdraw
from rapport.resolve.graph import store
from rapport.resolve.graph.model import Kind, evidence_id
from rapport.resolve.linking import models, review
from rapport.resolve.linking.actions import ACTIONS
from rapport.storage.bulk import insert_rows
from rapport.storage.engine import Database
from tests.rooms.resolve.linking.desk import ADA, SLIPPED, Desk, asking
from tests.rooms.resolve.linking.people import model
from tests.rooms.resolve.shop import Shop, made_shop, seen


class Trail:
    """A shop with an audit trail that an earlier version wrote."""

    def __init__(self, db: Database) -> None:
        self.shop: Shop = made_shop(db)
        self.identity = Identity(db, more=ACTIONS)
        self.olga = Principal(
            workspace=self.shop.workspace, kind="user", id="usr_olga", name="Olga", role="owner",
            scopes=frozenset({"sources:write"}),
        )  # fmt: skip

    def stored(self, action: str, details: str) -> str:
        """An entry with this JSON, word for word."""
        ident = f"act_{action}"
        row: dict[str, Any] = {
            "workspace": self.shop.workspace, "id": ident, "at": 1, "who": "Bo", "who_id": "usr_bo", "action": action,
            "reason": "long ago", "details": details.encode(), "undone_by": None,
        }  # fmt: skip
        with self.shop.db.write() as conn:
            insert_rows(conn, store.audit, [row])
        return ident

    def entry(self, ident: str) -> audit.AuditEntry:
        with self.shop.db.read() as conn:
            return audit.find_action(conn, self.shop.workspace, ident)

    def details(self, ident: str) -> dict[str, Any]:
        with self.shop.db.read() as conn:
            query = store.audit.select().where(store.audit.c.id == ident)
            row = conn.execute(query.where(store.audit.c.workspace == self.shop.workspace)).one()
        return dict(msgspec.json.decode(row.details))


@pytest.fixture
def trail(db: Database) -> Trail:
    return Trail(db)


def test_a_withdrawal_and_its_undoing_are_stored_and_undone_by_their_words(trail: Trail) -> None:
    trail.shop.see(seen(1, user="ada", web="w"))
    ident = evidence_id(trail.shop.key("user_id", "ada"), trail.shop.key("anonymous_id", "w"), Kind.SEEN).hex()
    trail.identity.withdraw(trail.olga, [ident], reason="borrowed")
    old = trail.stored("withdraw", f'{{"withdrawn":["{ident}"]}}')
    undone = trail.identity.undo(trail.olga, old).action or ""
    assert trail.shop.together("ada", "w")
    assert trail.details(undone) == {"restored": [ident], "undoes": old}
    again = trail.stored("undo", f'{{"restored":["{ident}"],"undoes":"act_withdraw"}}')
    trail.identity.undo(trail.olga, again)
    assert not trail.shop.together("ada", "w")


def test_a_split_that_kept_apart_is_undone_in_both_its_parts(trail: Trail) -> None:
    trail.shop.see(seen(1, user="ada", web="w"))
    a, b = trail.shop.key("user_id", "ada"), trail.shop.key("anonymous_id", "w")
    ident = evidence_id(a, b, Kind.SEEN).hex()
    trail.identity.withdraw(trail.olga, [ident], reason="two people")
    trail.identity.forbid(trail.olga, "user_id:ada", "anonymous_id:w", reason="two people")
    old = trail.stored("split", f'{{"withdrawn":["{ident}"],"forbidden":[["{a.hex()}","{b.hex()}"]]}}')
    trail.identity.undo(trail.olga, old)
    assert trail.shop.together("ada", "w")


def test_a_policy_is_put_back_by_who_may(trail: Trail) -> None:
    trail.shop.see(seen(1, user="ada"), seen(2, user="bo", web="w"))
    old = trail.stored("policy", '{"policy_before":{"shared_after":7},"policy_after":{}}')
    agent = msgspec.structs.replace(trail.olga, scopes=frozenset())
    with pytest.raises(Forbidden):
        trail.identity.undo(agent, old)
    done = trail.identity.undo(trail.olga, old).action or ""
    after = trail.entry(done).effects.policy_after
    assert after is not None
    assert after.shared_after == 7


def test_a_decided_pair_and_a_model_are_put_back(trail: Trail) -> None:
    desk = Desk(trail.shop, trained=asking())
    desk.meet(a=ADA, b=SLIPPED)
    (pair,) = desk.queue()
    joined = evidence_id(desk.web("a"), desk.web("b"), Kind.JOINED).hex()
    trail.identity.join(trail.olga, "anonymous_id:a", "anonymous_id:b", reason="same card")
    with trail.shop.db.write() as conn:
        review.note_decision(
            conn, trail.shop.workspace, bytes.fromhex(pair.id), before="review", after="accepted", author="Bo",
            reason="long ago", action="act_accept", now=1,
        )  # fmt: skip
        models.save_model(conn, trail.shop.workspace, model(), now=2)
    words = f'"decided":{{"pair":"{pair.id}","before":"review","after":"accepted"}}'
    accepted = trail.stored("accept", f'{{"restored":["{joined}"],{words}}}')
    used = trail.stored("model", '{"model_before":1,"model_after":2}')
    trail.identity.undo(trail.olga, accepted)
    assert not trail.shop.together("a", "b")
    assert [one.id for one in desk.queue()] == [pair.id]
    trail.identity.undo(trail.olga, used)
    with trail.shop.db.read() as conn:
        assert models.active_version(conn, trail.shop.workspace) == 1


@pytest.mark.parametrize(
    ("stored", "word"),
    [
        ('{"decided":{"pair":"00","before":"review","after":"accepted"},"withdrawn":["00"]}', "decided"),
        ('{"model_before":1,"model_after":2}', "model_after"),
        ('{"withdrawn":["00"],"gilded":true}', "gilded"),
    ],
)
def test_where_what_undoes_an_action_is_absent_it_says_so_and_nothing_is_lost(
    trail: Trail, stored: str, word: str
) -> None:
    old = trail.stored("accept", stored)
    before = trail.shop.state()
    with pytest.raises(Conflict, match=word):
        Identity(trail.shop.db).undo(trail.olga, old)
    assert trail.shop.state() == before
    assert trail.details(old) == msgspec.json.decode(stored)
    assert trail.entry(old).undone_by is None


def test_what_two_actions_would_both_undo_is_refused_at_once() -> None:
    class Again(Withdraw):
        pass

    with pytest.raises(ValueError, match="Withdraw and Again both undo 'withdrawn'"):
        Actions([Withdraw, Again])
