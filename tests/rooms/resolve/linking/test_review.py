"""The review queue and what a person decides of its pairs: audited, stated, undone, and never overruled by a model."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from rapport.kernel.principal import Principal
from rapport.resolve import Moved
from rapport.resolve.actions import audit
from rapport.resolve.actions.service import Identity
from rapport.resolve.graph.model import Kind, evidence_id
from rapport.resolve.linking import models, review
from rapport.resolve.linking.actions import ACTIONS
from rapport.resolve.linking.decide import Decide, Reopen
from rapport.resolve.linking.store import link_candidates, link_records
from rapport.resolve.linking.use_model import UseModel
from rapport.storage.engine import Database
from rapport.storage.log import StoredRow, facts, to_fact
from tests.rooms.resolve.linking.desk import ADA, BO, SISTER, SLIPPED, Desk, asking
from tests.rooms.resolve.linking.people import model
from tests.rooms.resolve.shop import made_shop, seen
from tests.slices import PERMISSIONS


class ReviewDesk(Desk):
    """A desk whose model never ties by itself, and Bo who decides."""

    def __init__(self, db: Database) -> None:
        super().__init__(made_shop(db), trained=asking())
        self.told: list[Moved] = []
        self.identity = Identity(db, more=ACTIONS, on_moved=self._tell)
        self.bo = self.somebody("agent")

    def somebody(self, role: str) -> Principal:
        return Principal(
            workspace=self.shop.workspace, kind="user", id=f"usr_{role}", name="Bo", role=role,
            scopes=PERMISSIONS.of_role(role),
        )  # fmt: skip

    def _tell(self, conn: Connection, moved: Sequence[Moved]) -> None:
        self.told += moved

    def pair(self, ident: str) -> review.ReviewPair:
        with self.shop.db.read() as conn:
            return review.review_pair(conn, self.shop.workspace, bytes.fromhex(ident))

    def decided(self) -> list[review.ReviewPair]:
        with self.shop.db.read() as conn:
            return review.decided(conn, self.shop.workspace).pairs

    def trail(self) -> list[audit.AuditEntry]:
        with self.shop.db.read() as conn:
            return audit.actions(conn, self.shop.workspace)

    def stated(self) -> list[str]:
        with self.shop.db.read() as conn:
            query = sa.select(facts).where(facts.c.workspace == self.shop.workspace).order_by(facts.c.seq)
            return [to_fact(StoredRow._make(row)).name for row in conn.execute(query)]


@pytest.fixture
def desk(db: Database) -> ReviewDesk:
    return ReviewDesk(db)


@pytest.fixture
def pair(desk: ReviewDesk) -> str:
    """Ada twice, once with a slip of the pen; Bo stands by."""
    desk.meet(a=ADA, b=SLIPPED, c=BO)
    return desk.queue()[0].id


@pytest.mark.usefixtures("pair")
def test_pairs_wait_for_a_person_side_by_side_who_was_known_first_on_the_left(desk: ReviewDesk) -> None:
    assert not desk.shop.together("a", "b")
    (waiting,) = desk.queue()
    assert (waiting.left.identifier, waiting.right.identifier) == ("anonymous_id:a", "anonymous_id:b")
    assert (waiting.left.name, waiting.right.name) == ("ada lordorberg", "ada lordorbreg")
    name = next(field for field in waiting.fields if field.aspect == "name")
    assert (name.left, name.right) == ("ada, lordorberg", "ada, lordorbreg")
    assert waiting.score == pytest.approx(waiting.prior + sum(field.weight for field in waiting.fields), abs=0.1)
    assert waiting.words == "almost certainly one person"
    assert waiting.why == "it is not sure enough to be tied without asking"
    with desk.shop.db.read() as conn:
        assert review.count_queue(conn, desk.shop.workspace) == 1


def test_the_queue_is_paged_by_worth_and_loses_nobody_of_equal_score(desk: ReviewDesk) -> None:
    twins = {f"{letter}{n}": ADA | {"phone": f"+4477009{n:05}"} for n in range(4) for letter in "xy"}
    desk.meet(**twins)
    whole = desk.queue()
    assert len(whole) == len({one.id for one in whole}) > 10
    paged: list[review.ReviewPair] = []
    cursor: str | None = None
    with desk.shop.db.read() as conn:
        while cursor or not paged:
            found = review.queue(conn, desk.shop.workspace, limit=3, after=cursor)
            paged, cursor = paged + found.pairs, found.cursor
        assert paged == whole
        worths = [int(one.place.partition(".")[0]) for one in paged]
        assert worths == sorted(worths, reverse=True)
        assert len(set(worths)) < len(paged) / 3, "many are equal"
        assert review.count_queue(conn, desk.shop.workspace) == len(whole)
        assert review.count_queue(conn, desk.shop.workspace, most=5) == 5
        for bad in ("x", "1.00", "9" * 30 + "." + "00" * 16, "1." + "zz" * 16):
            with pytest.raises(InvalidInput):
                review.queue(conn, desk.shop.workspace, after=bad)


def test_accepting_joins_by_hand_is_audited_stated_and_undone_from_the_trail(desk: ReviewDesk, pair: str) -> None:
    before = desk.shop.state().roots
    tried = desk.identity.act(desk.bo, Decide(pair, one_person=True), reason="same card", dry_run=True)
    assert (tried.moved, desk.trail(), len(desk.queue())) == (1, [], 1)
    outcome = desk.identity.act(desk.bo, Decide(pair, one_person=True), reason="same card")
    assert desk.shop.together("a", "b")
    assert desk.queue() == []
    assert [one.identifier_key for one in desk.told] == [desk.web("b")]
    (action,) = desk.trail()
    assert (action.id, action.action, action.who, action.reason) == (outcome.action, "accept", "Bo", "same card")
    (done,) = desk.decided()
    assert (done.id, done.status, done.author, done.reason) == (pair, "accepted", "Bo", "same card")
    undone = desk.identity.undo(desk.bo, action.id, reason="she says no")
    assert desk.shop.state().roots == before
    assert [one.id for one in desk.queue()] == [pair]
    desk.identity.undo(desk.bo, undone.action or "")
    assert desk.shop.together("a", "b")
    assert desk.pair(pair).status == "accepted"
    assert desk.stated() == ["Customer Merged", "Customer Split", "Customer Merged"]


def test_reopening_undoes_whatever_action_decided(desk: ReviewDesk, pair: str) -> None:
    before = desk.shop.state()
    with pytest.raises(Conflict, match="not decided"):
        desk.identity.act(desk.bo, Reopen(pair), reason="why not")
    first = desk.identity.act(desk.bo, Decide(pair, one_person=True), reason="same card")
    desk.identity.undo(desk.bo, desk.identity.undo(desk.bo, first.action or "").action or "")
    desk.identity.act(desk.bo, Reopen(pair), reason="a mistake")
    assert not desk.shop.together("a", "b")
    assert desk.queue()[0].author is None
    desk.identity.act(desk.bo, Decide(pair, one_person=False), reason="twins")
    assert desk.queue() == []
    desk.identity.act(desk.bo, Reopen(pair), reason="another mistake")
    assert desk.shop.state().roots == before.roots
    assert [one.id for one in desk.queue()] == [pair]
    assert [one.action for one in desk.trail()][:3] == ["reopen", "reject", "reopen"]


def test_rejecting_forbids_for_ever_whatever_a_model_says(desk: ReviewDesk, pair: str) -> None:
    desk.identity.act(desk.bo, Decide(pair, one_person=False), reason="twins")
    with desk.shop.db.write() as conn:
        models.save_model(conn, desk.shop.workspace, model(), now=91)
    desk.tell(95, ["a", "b"])
    assert not desk.shop.together("a", "b")
    assert desk.queue() == []
    assert desk.pair(pair).status == "rejected"


def test_what_somebody_decided_meanwhile_is_a_conflict_that_says_who(desk: ReviewDesk, pair: str) -> None:
    desk.identity.act(desk.bo, Decide(pair, one_person=True), reason="same card")
    with pytest.raises(Conflict, match="accepted by Bo"):
        desk.identity.act(desk.bo, Decide(pair, one_person=False), reason="no")
    assert [one.action for one in desk.trail()] == ["accept"]


def test_a_pair_that_became_one_customer_meanwhile_waits_no_more(desk: ReviewDesk, pair: str) -> None:
    desk.shop.see(seen(60, user="u", web="a"), seen(61, user="u", web="b"))
    assert desk.queue() == []
    with pytest.raises(Conflict, match="meanwhile"):
        desk.identity.act(desk.bo, Decide(pair, one_person=False), reason="two people")
    assert desk.shop.together("a", "b")


def test_what_the_policy_forbids_is_refused_and_leaves_no_trace(desk: ReviewDesk, pair: str) -> None:
    desk.identity.forbid(desk.bo, "anonymous_id:a", "anonymous_id:b", reason="sisters")
    with pytest.raises(Conflict, match="forbidden"):
        desk.identity.act(desk.bo, Decide(pair, one_person=True), reason="the same?")
    assert desk.queue() == [], "what somebody said is not asked again"
    desk.identity.act(desk.bo, Decide(pair, one_person=False), reason="sisters indeed")
    desk.identity.act(desk.bo, Reopen(pair), reason="look again")
    with pytest.raises(Conflict, match="forbidden"):
        desk.identity.act(desk.bo, Decide(pair, one_person=True), reason="what was forbidden before stays so")
    assert [one.action for one in desk.trail()] == ["reopen", "reject", "forbid"]


def test_two_accounts_are_tied_only_by_a_person_and_then_as_accounts(desk: ReviewDesk) -> None:
    with desk.shop.db.write() as conn:
        models.save_model(conn, desk.shop.workspace, model(), now=2)
    desk.known |= {"u1": ADA, "u2": SLIPPED}
    desk.shop.see(seen(1, user="u1"), seen(2, user="u2"))
    desk.tell(50, ["u1", "u2"])
    assert not desk.shop.together("u1", "u2")
    (waiting,) = desk.queue()
    assert waiting.why.startswith("the policy keeps them apart")
    desk.identity.act(desk.bo, Decide(waiting.id, one_person=True), reason="same card")
    assert desk.shop.together("u1", "u2")
    desk.identity.act(desk.bo, Reopen(waiting.id), reason="different birthdays")
    assert not desk.shop.together("u1", "u2")


def test_a_link_the_model_made_can_be_rejected_or_made_certain(desk: ReviewDesk) -> None:
    with desk.shop.db.write() as conn:
        models.save_model(conn, desk.shop.workspace, model(), now=2)
    desk.meet(a=ADA, b=SLIPPED)
    assert desk.shop.together("a", "b")
    ident = evidence_id(desk.web("a"), desk.web("b"), Kind.PROBABLE).hex()
    assert desk.pair(ident).status == "linked"
    desk.identity.act(desk.bo, Decide(ident, one_person=False), reason="twins")
    assert not desk.shop.together("a", "b")
    desk.identity.act(desk.bo, Reopen(ident), reason="a mistake")
    assert desk.shop.together("a", "b")
    desk.identity.act(desk.bo, Decide(ident, one_person=True), reason="asked her")
    desk.known["b"] = BO
    desk.tell(70, ["b"])
    assert desk.shop.together("a", "b"), "a person's word outlasts the likeness"


def test_relatives_are_asked_about_and_the_queue_says_why(desk: ReviewDesk) -> None:
    with desk.shop.db.write() as conn:
        models.save_model(conn, desk.shop.workspace, model(), now=2)
    brother = {name: text for name, text in ADA.items() if name not in ("birthday", "phone")}
    desk.meet(a=brother, b=brother | {"first_name": "walter"}, v=SISTER)
    assert {(one.why[:9], one.words, one.probability) for one in desk.queue()} == {
        ("relatives", "one person, relatives or namesakes", 0.5)
    }


def test_a_pair_whose_records_vanished_waits_no_more_and_cannot_be_decided(desk: ReviewDesk, pair: str) -> None:
    with desk.shop.db.write() as conn:
        conn.execute(link_records.delete().where(link_records.c.key == desk.web("b")))
    assert desk.queue() == []
    with pytest.raises(NotFound, match="no more"):
        desk.pair(pair)
    with pytest.raises(NotFound, match="no more"):
        desk.identity.act(desk.bo, Decide(pair, one_person=True), reason="same card")
    with desk.shop.db.write() as conn:
        conn.execute(link_candidates.delete().where(link_candidates.c.workspace == desk.shop.workspace))
    with pytest.raises(NotFound, match="no such pair"):
        desk.identity.act(desk.bo, Decide(pair, one_person=True), reason="same card")


def test_a_pair_that_is_alike_no_more_leaves_the_queue_and_may_come_back(desk: ReviewDesk, pair: str) -> None:
    desk.known["b"] = SISTER | {"last_name": "pelosridge"}
    desk.tell(70, ["b"])
    assert desk.queue() == []
    with pytest.raises(Conflict, match="alike no more"):
        desk.identity.act(desk.bo, Decide(pair, one_person=True), reason="same card")
    desk.known["b"] = SLIPPED
    desk.tell(80, ["b"])
    assert [one.id for one in desk.queue()] == [pair]


def test_pairs_of_another_shop_are_not_found(desk: ReviewDesk, pair: str, db: Database) -> None:
    other = ReviewDesk(db)
    assert other.queue() == []
    with pytest.raises(NotFound):
        other.identity.act(other.bo, Decide(pair, one_person=True), reason="not mine")
    assert [one.id for one in desk.queue()] == [pair]


def test_without_a_model_nothing_waits(desk: ReviewDesk, pair: str) -> None:
    with desk.shop.db.write() as conn:
        conn.execute(sa.text("DELETE FROM link_models WHERE workspace = :w"), {"w": desk.shop.workspace})
    assert desk.queue() == []


def test_another_model_is_used_audited_and_undone_by_who_may_change_the_policy(desk: ReviewDesk) -> None:
    owner = desk.somebody("owner")
    with desk.shop.db.write() as conn:
        models.save_model(conn, desk.shop.workspace, model(), now=2)
    used = desk.identity.act(owner, UseModel(1), reason="it asks more")
    with pytest.raises(Conflict, match="in use"):
        desk.identity.act(owner, UseModel(1), reason="again")
    with pytest.raises(NotFound):
        desk.identity.act(owner, UseModel(77), reason="none such")
    desk.meet(a=ADA, b=SLIPPED)
    assert not desk.shop.together("a", "b")
    with pytest.raises(Forbidden):
        desk.identity.undo(desk.bo, used.action or "")
    desk.identity.undo(owner, used.action or "")
    desk.tell(60, ["a", "b"])
    assert desk.shop.together("a", "b")
    assert [one.action for one in desk.trail()] == ["undo", "model"]


def test_whoever_saw_another_model_in_force_is_told_who_was_quicker(desk: ReviewDesk) -> None:
    owner = desk.somebody("owner")
    with desk.shop.db.write() as conn:
        second, third = (models.save_model(conn, desk.shop.workspace, model(), now=n) for n in (2, 3))
    seen = models.in_force(third)
    desk.identity.act(owner, UseModel(second, seen), reason="it asks more")
    with pytest.raises(Conflict, match=f"{owner.name} has changed which model is in force since you looked"):
        desk.identity.act(owner, UseModel(1, seen), reason="it asks less")
    desk.identity.act(owner, UseModel(1, models.in_force(second)), reason="it asks less")
