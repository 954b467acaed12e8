"""From changed customers to evidence, the review queue, and back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import corrections, store
from rapport.resolve.graph.model import Kind, Status, evidence_id
from rapport.resolve.linking import households, models, review, units
from rapport.resolve.linking.linker import Linker, forget
from rapport.resolve.linking.store import link_candidates, link_models, link_records
from rapport.resolve.reading import identities
from tests.rooms.resolve.linking.desk import ADA, BO, SISTER, SLIPPED, Desk
from tests.rooms.resolve.linking.people import crowd, model
from tests.rooms.resolve.shop import Shop, seen


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


def test_two_records_of_one_person_become_one_customer_by_evidence_that_says_so(desk: Desk) -> None:
    moved = desk.meet(a=ADA, b=SLIPPED, c=BO)
    assert desk.shop.customers() == {frozenset("ab"), frozenset("c")}
    assert len(moved) == 1
    with desk.shop.db.read() as conn:
        edges = identities.graph(conn, desk.shop.workspace, desk.web("a"), desk.shop.policy).edges
        why = review.why_linked(conn, desk.shop.workspace, [edges[0].id]).get(edges[0].id)
    assert [(edge.kind, edge.status, edge.source) for edge in edges] == [(Kind.PROBABLE, Status.LINKED, "rapport")]
    assert why is not None
    assert why.score == pytest.approx(why.prior + sum(field.weight for field in why.fields), abs=0.1)
    assert {field.aspect for field in why.fields} >= {"name", "birthday", "phone"}


def test_a_sister_at_the_same_address_is_not_merged_but_is_of_the_household(desk: Desk) -> None:
    desk.meet(a=ADA, v=SISTER)
    assert not desk.shop.together("a", "v")
    with desk.shop.db.read() as conn:
        home = households.household_of(conn, desk.shop.workspace, desk.web("a"))
    assert home is not None
    assert set(home.roots) == {desk.web("a"), desk.web("v")}


def test_a_learned_link_can_be_withdrawn_and_is_not_made_again(desk: Desk) -> None:
    desk.meet(a=ADA, b=SLIPPED)
    ident = evidence_id(desk.web("a"), desk.web("b"), Kind.PROBABLE)
    with desk.shop.db.write() as conn:
        corrections.withdraw(conn, desk.shop.workspace, [ident], desk.shop.policy, author="bo", reason="twins", now=60)
    assert not desk.shop.together("a", "b")
    desk.known["b"] = ADA | {"street": "12 high st"}
    desk.tell(70, ["a", "b"])
    assert not desk.shop.together("a", "b")


def test_records_that_are_alike_no_more_part_again_and_may_come_back(desk: Desk) -> None:
    desk.meet(a=ADA, b=SLIPPED)
    desk.known["b"] = BO
    desk.tell(70, ["b"])
    assert not desk.shop.together("a", "b")
    desk.known["b"] = SLIPPED
    desk.tell(80, ["b"])
    assert desk.shop.together("a", "b")


def test_what_is_certain_stays_two_towards_everybody_but_the_shop(desk: Desk) -> None:
    desk.meet(a=ADA, b=SLIPPED)
    with desk.shop.db.read() as conn:
        workspace = desk.shop.workspace
        root = identities.find(conn, workspace, desk.web("b"))
        assert root is not None
        assert len(units.units_of(conn, workspace, [root])[root]) == 2
        assert units.certain_identifiers(conn, workspace, desk.web("b")) == [desk.web("b")]
        assert units.certain_identifiers(conn, workspace, Key(b"never seen 16 by")) == []


def test_a_unit_that_joins_another_for_certain_is_one_record(desk: Desk) -> None:
    desk.meet(a=ADA, b=BO)
    desk.shop.see(seen(60, user="u", web="a"), seen(61, user="u", web="b"))
    desk.known["u"] = ADA
    desk.tell(70, ["a", "b", "u"])
    with desk.shop.db.read() as conn:
        assert len(conn.execute(sa.select(link_records).filter_by(workspace=desk.shop.workspace)).all()) == 1


def test_a_link_the_policy_refused_does_not_come_back_when_the_records_part(desk: Desk) -> None:
    """Refused evidence would count as soon as the policy allowed it: so it is taken back like any other."""
    desk.known |= {"u1": ADA, "u2": SLIPPED}
    desk.shop.see(seen(1, user="u1"), seen(2, user="u2"))
    desk.tell(50, ["u1", "u2"])
    desk.known["u2"] = BO
    desk.tell(60, ["u2"])
    ident = evidence_id(desk.shop.key("user_id", "u1"), desk.shop.key("user_id", "u2"), Kind.PROBABLE)
    with desk.shop.db.read() as conn:
        status = conn.execute(sa.select(store.evidence.c.status).where(store.evidence.c.id == ident)).scalar()
    assert status == Status.WITHDRAWN
    assert desk.queue() == []


def test_training_anew_moves_nobody_who_is_as_alike_as_before(desk: Desk) -> None:
    people = crowd(60, seed=22)
    desk.meet(**{f"r{number}": row for number, row in enumerate(people.rows)})
    before = desk.shop.customers()
    with desk.shop.db.write() as conn:
        models.save_model(conn, desk.shop.workspace, model(), now=200)
    desk.linker.abandon()
    with desk.shop.db.write() as conn:
        while (done := desk.linker.link_pending(conn, desk.shop.workspace, now=201, limit=7)).scored:
            assert len(done.moved) < 10
    assert len(before ^ desk.shop.customers()) <= 0.05 * len(before)


def test_brother_and_sister_are_asked_about_and_never_tied_by_the_model(desk: Desk) -> None:
    brother = {name: text for name, text in ADA.items() if name not in ("birthday", "phone")}
    desk.meet(a=brother, b=brother | {"first_name": "walter"})
    assert not desk.shop.together("a", "b")


def test_namesakes_of_one_town_are_asked_about_and_never_tied_by_the_model(desk: Desk) -> None:
    name = {"first_name": "xenia", "last_name": "keldorridge", "city": "truro"}
    desk.meet(a=name | {"street": "4 elm close"}, b=name | {"postcode": "tr3 4gh"})
    assert not desk.shop.together("a", "b")
    assert len(desk.queue()) == 1


def test_without_a_model_nothing_happens(shop: Shop) -> None:
    desk = Desk(shop)
    with shop.db.write() as conn:
        conn.execute(link_models.delete().where(link_models.c.workspace == shop.workspace))
    assert desk.meet(a=ADA, b=SLIPPED) == []
    assert not shop.together("a", "b")


def test_a_new_process_goes_on_where_the_old_one_stopped(desk: Desk) -> None:
    desk.meet(a=ADA, c=BO)
    desk.linker = Linker(lambda *_: desk.shop.policy)
    desk.known["b"] = SLIPPED
    desk.shop.see(seen(60, web="b"))
    desk.tell(70, ["b"])
    assert desk.shop.together("a", "b")


def test_a_crowd_is_linked_as_it_is(desk: Desk) -> None:
    people = crowd(60, seed=21)
    desk.meet(**{f"r{number}": row for number, row in enumerate(people.rows)})
    said = {frozenset((a, b)) for group in desk.shop.customers() for a in group for b in group if a < b}
    true = {
        frozenset((f"r{a}", f"r{b}"))
        for a, of_a in enumerate(people.truth) for b, of_b in enumerate(people.truth) if a < b and of_a == of_b
    }  # fmt: skip
    assert len(said & true) >= 0.85 * len(true)
    assert len(said - true) <= 0.01 * len(said)


def test_what_was_erased_is_kept_nowhere(desk: Desk) -> None:
    desk.meet(a=ADA, v=SISTER, b=SLIPPED)
    with desk.shop.db.write() as conn:
        forget(conn, desk.shop.workspace, [desk.web("a"), desk.web("b"), desk.web("v")])
        for table in (link_records, link_candidates, households.households):
            assert conn.execute(sa.select(table).filter_by(workspace=desk.shop.workspace)).all() == []


def test_unknown_pairs_and_models_are_not_found(desk: Desk) -> None:
    with desk.shop.db.read() as conn:
        with pytest.raises(NotFound):
            review.review_pair(conn, desk.shop.workspace, b"0" * 16)
        with pytest.raises(NotFound):
            models.find_model(conn, desk.shop.workspace, 77)


def test_an_older_model_can_be_made_active_again(desk: Desk) -> None:
    with desk.shop.db.write() as conn:
        assert models.save_model(conn, desk.shop.workspace, model(), now=2) == 2
        models.activate(conn, desk.shop.workspace, 1)
        listed = models.list_models(conn, desk.shop.workspace)
    assert [(one.version, one.active) for one in listed] == [(2, False), (1, True)]
    assert "name  (weights in bits" in models.card_text(model())


def test_candidates_of_other_shops_are_not_seen(desk: Desk) -> None:
    desk.meet(a=ADA, b=SLIPPED)
    with desk.shop.db.read() as conn:
        other = WorkspaceId(desk.shop.workspace + 100_000)
        assert conn.execute(sa.select(link_candidates).filter_by(workspace=other)).all() == []
