"""Two at once: people who decide or undo the same thing, and the scoring that goes on beside them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.principal import Principal
from rapport.resolve.actions import audit
from rapport.resolve.actions.action import Action
from rapport.resolve.actions.service import Identity
from rapport.resolve.actions.undo import Undo
from rapport.resolve.graph import store
from rapport.resolve.graph.store import roots_of
from rapport.resolve.linking import models, review
from rapport.resolve.linking.actions import ACTIONS
from rapport.resolve.linking.decide import Decide, Reopen
from rapport.resolve.linking.linker import Linker, note_changed
from rapport.resolve.linking.store import link_candidates, link_records
from rapport.resolve.linking.use_model import UseModel
from rapport.storage.engine import Database
from tests.beside import change_beside
from tests.rooms.resolve.linking.desk import ADA, BO, SLIPPED, Desk, asking
from tests.rooms.resolve.linking.people import model
from tests.rooms.resolve.shop import made_shop


class Office(Desk):
    """Two people at one review queue: Bo and Cy."""

    def __init__(self, db: Database) -> None:
        super().__init__(made_shop(db), trained=asking())
        self.identity = Identity(db, more=ACTIONS)
        self.meet(a=ADA, b=SLIPPED)
        self.pair = self.queue()[0].id

    def act(self, conn: Connection, who: str, action: Action) -> None:
        """In a transaction that is not committed yet."""
        by = Principal(
            workspace=self.shop.workspace, kind="user", id=f"usr_{who}", name=who, role="owner",
            scopes=frozenset({"sources:write"}),
        )  # fmt: skip
        self.identity.act_in(conn, by, action, reason="looked at")

    def done(self, action: Action) -> str:
        with self.shop.db.write() as conn:
            self.act(conn, "Bo", action)
        return self.trail()[0].id

    def score(self, conn: Connection) -> None:
        self.linker.link_pending(conn, self.shop.workspace, now=90)

    def tie_by_itself(self) -> int:
        """Another model, that would tie the two without asking; nothing is scored by it yet."""
        with self.shop.db.write() as conn:
            return models.save_model(conn, self.shop.workspace, model(), now=80)

    def status(self) -> tuple[str, str | None]:
        with self.shop.db.read() as conn:
            found = review.review_pair(conn, self.shop.workspace, bytes.fromhex(self.pair))
        return found.status, found.author

    def trail(self) -> list[audit.AuditEntry]:
        with self.shop.db.read() as conn:
            return audit.actions(conn, self.shop.workspace)

    def is_tied_by_model(self) -> bool:
        columns = store.evidence.c
        query = sa.select(columns.id).where(
            columns.workspace == self.shop.workspace, columns.id == bytes.fromhex(self.pair)
        )
        with self.shop.db.read() as conn:
            return conn.execute(query).first() is not None


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db)


def test_of_two_who_decide_a_pair_the_second_is_told_who_was_quicker(office: Office, db: Database) -> None:
    told = change_beside(
        db,
        lambda conn: office.act(conn, "Bo", Decide(office.pair, one_person=True)),
        lambda conn: office.act(conn, "Cy", Decide(office.pair, one_person=False)),
    )
    assert told is not None
    assert told.message == "this pair was accepted by Bo"
    assert office.status() == ("accepted", "Bo")
    assert office.shop.together("a", "b")
    assert [one.action for one in office.trail()] == ["accept"]


def test_of_two_who_undo_an_action_the_second_is_told_and_undoes_nothing(office: Office, db: Database) -> None:
    accepted = office.done(Decide(office.pair, one_person=True))
    told = change_beside(
        db,
        lambda conn: office.act(conn, "Bo", Undo(accepted)),
        lambda conn: office.act(conn, "Cy", Undo(accepted)),
    )
    assert told is not None
    assert told.message == f"this was undone by {office.trail()[0].id}"
    assert [(one.action, one.who) for one in office.trail()] == [("undo", "Bo"), ("accept", "Bo")]
    assert not office.shop.together("a", "b")


def test_of_an_undoing_and_a_reopening_one_takes_the_verdict_back(office: Office, db: Database) -> None:
    accepted = office.done(Decide(office.pair, one_person=True))
    told = change_beside(
        db,
        lambda conn: office.act(conn, "Bo", Undo(accepted)),
        lambda conn: office.act(conn, "Cy", Reopen(office.pair)),
    )
    assert told is not None
    assert told.message == "this pair is not decided"
    assert [one.id for one in office.queue()] == [office.pair]


@pytest.mark.parametrize("verdict", ["accepted", "rejected"])
def test_a_verdict_given_while_a_model_scores_stands_alone(office: Office, db: Database, verdict: str) -> None:
    """The model would tie the two; it finds them decided, and adds nothing that would outlast the verdict."""
    office.tie_by_itself()
    decide = Decide(office.pair, one_person=verdict == "accepted")
    change_beside(db, lambda conn: office.act(conn, "Bo", decide), office.score)
    assert office.status() == (verdict, "Bo")
    assert office.shop.together("a", "b") is decide.one_person
    assert not office.is_tied_by_model()
    office.done(Reopen(office.pair))
    assert not office.shop.together("a", "b")


def test_a_verdict_waits_for_the_model_that_ties_and_is_given_on_what_it_did(office: Office, db: Database) -> None:
    office.tie_by_itself()
    change_beside(db, office.score, lambda conn: office.act(conn, "Bo", Decide(office.pair, one_person=False)))
    assert office.status() == ("rejected", "Bo")
    assert not office.shop.together("a", "b")


def test_what_was_scored_by_a_model_that_is_no_more_in_force_is_scored_again(office: Office, db: Database) -> None:
    replaced = office.tie_by_itself()
    office.linker = Linker(lambda *_: office.shop.policy)
    change_beside(db, lambda conn: office.act(conn, "Bo", UseModel(1)), office.score)
    with db.write() as conn:
        office.score(conn)
    with db.read() as conn:
        columns = link_candidates.c
        by = set(conn.execute(sa.select(columns.model).where(columns.workspace == office.shop.workspace)).scalars())
        query = sa.select(link_records.c.key).where(link_records.c.workspace == office.shop.workspace)
        assert conn.execute(query.where(link_records.c.pending)).all() == []
    assert by == {1}
    assert replaced not in by
    assert not office.shop.together("a", "b"), "the model in force asks"


def test_a_record_that_changes_while_it_is_scored_is_scored_again(office: Office, db: Database) -> None:
    office.tie_by_itself()

    def change(conn: Connection) -> None:
        office.known["b"] = BO
        roots = set(roots_of(conn, office.shop.workspace, [office.web("b")]).values())
        note_changed(conn, office.shop.workspace, roots, office.fields_of, now=85)

    change_beside(db, change, office.score)
    with db.write() as conn:
        office.score(conn)
    assert office.queue() == []
    assert not office.shop.together("a", "b")
