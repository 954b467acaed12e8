"""What people do to identities as one action: its audit entry, its dry run, its undoing, and who is told of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.principal import Principal
from rapport.resolve import Moved
from rapport.resolve.actions import audit
from rapport.resolve.actions.outcome import Outcome
from rapport.resolve.actions.service import Identity
from rapport.resolve.actions.split import SplitWanted
from rapport.resolve.graph.model import Kind, evidence_id
from rapport.storage.engine import Database
from rapport.storage.log import StoredRow, facts, to_fact
from tests.rooms.resolve.shop import Shop, made_shop, seen


class Desk:
    """Somebody who corrects a shop's identities, and what others were told of it."""

    def __init__(self, db: Database) -> None:
        self.shop: Shop = made_shop(db)
        self.told: list[Moved] = []
        self.identity = Identity(db, on_moved=self._tell)
        self.bo = Principal(
            workspace=self.shop.workspace, kind="user", id="usr_bo", name="Bo", role="agent", scopes=frozenset()
        )

    def _tell(self, conn: Connection, moved: Sequence[Moved]) -> None:
        self.told += moved

    def trail(self) -> list[audit.AuditEntry]:
        with self.shop.db.read() as conn:
            return audit.actions(conn, self.shop.workspace)

    def stated(self) -> list[str]:
        with self.shop.db.read() as conn:
            query = sa.select(facts).where(facts.c.workspace == self.shop.workspace).order_by(facts.c.seq)
            return [to_fact(StoredRow._make(row)).name for row in conn.execute(query)]

    def evidence(self, a: tuple[str, str], b: tuple[str, str]) -> str:
        return evidence_id(self.shop.key(*a), self.shop.key(*b), Kind.SEEN).hex()


@pytest.fixture
def desk(db: Database) -> Desk:
    return Desk(db)


def groups(outcome: Outcome) -> set[frozenset[str]]:
    return {frozenset(one.value for one in party.identifiers) for party in outcome.customers}


ADA = frozenset({"ada", "ada@example.com"})
BO = frozenset({"bo@example.com", "tablet"})


def two_people_on_a_tablet(desk: Desk) -> None:
    desk.shop.see(
        seen(1, user="ada", email="ada@example.com"), seen(2, user="ada", web="tablet"),
        seen(3, email="bo@example.com", web="tablet"),
    )  # fmt: skip
    assert desk.shop.customers() == {ADA | BO}


def test_the_weakest_cut_parts_two_people_and_is_undone(desk: Desk) -> None:
    two_people_on_a_tablet(desk)
    before = desk.shop.state()
    outcome = desk.identity.split(desk.bo, "user_id:ada", SplitWanted(), reason="a shared tablet")
    assert groups(outcome) == desk.shop.customers() == {ADA | {"tablet"}, frozenset({"bo@example.com"})}
    assert desk.stated() == ["Customer Split"]
    assert {one.identifier_key for one in desk.told} == {desk.shop.key("email", "bo@example.com")}
    desk.identity.undo(desk.bo, outcome.action or "")
    assert desk.shop.state() == before
    assert desk.stated() == ["Customer Split", "Customer Merged"]


def test_a_dry_run_shows_who_gets_what_and_changes_nothing(desk: Desk) -> None:
    two_people_on_a_tablet(desk)
    before = desk.shop.state()
    wanted = SplitWanted(identifiers=["email:bo@example.com", "anonymous_id:tablet"])
    outcome = desk.identity.split(desk.bo, "user_id:ada", wanted, reason="tablet is Bo's", dry_run=True)
    assert (groups(outcome), outcome.action) == ({ADA, BO}, None)
    assert (desk.shop.state(), desk.trail(), desk.told, desk.stated()) == (before, [], [], [])
    assert groups(desk.identity.split(desk.bo, "user_id:ada", wanted, reason="tablet is Bo's")) == {ADA, BO}


def test_a_split_that_keeps_apart_outlasts_new_evidence(desk: Desk) -> None:
    two_people_on_a_tablet(desk)
    wanted = SplitWanted(identifiers=["email:bo@example.com"], keep_apart=True)
    split = desk.identity.split(desk.bo, "user_id:ada", wanted, reason="two people")
    desk.shop.see(seen(9, user="ada", email="bo@example.com"))
    assert not desk.shop.together("ada", "bo@example.com")
    desk.identity.undo(desk.bo, split.action or "")
    assert desk.shop.together("ada", "bo@example.com")


def test_parted_people_are_parted_however_many_ways_tie_them(desk: Desk) -> None:
    desk.shop.see(*(seen(n, email="ada@example.com", web=f"w{n}") for n in range(4)))
    desk.shop.see(*(seen(9 + n, email="bo@example.com", web=f"w{n}") for n in range(4)))
    desk.shop.see(seen(20, email="ada@example.com", external=[("crm", "7")]))
    desk.shop.see(seen(21, email="bo@example.com", external=[("crm", "7")]))
    wanted = SplitWanted(identifiers=["email:bo@example.com"])
    outcome = desk.identity.split(desk.bo, "email:ada@example.com", wanted, reason="a couple")
    assert len(outcome.withdrawn) == 5
    assert not desk.shop.together("ada@example.com", "bo@example.com")


def test_two_accounts_are_joined_by_their_accounts(desk: Desk) -> None:
    """Joining a browser of one with an e-mail of the other says that both accounts are one, or a limit forbade it."""
    desk.shop.see(seen(1, user="ada", web="w"), seen(2, user="ada2", email="ada@example.com"))
    before = desk.shop.state().roots
    joined = desk.identity.join(desk.bo, "anonymous_id:w", "email:ada@example.com", reason="same card")
    assert desk.shop.together("ada", "ada2", "w", "ada@example.com")
    undone = desk.identity.undo(desk.bo, joined.action or "")
    assert desk.shop.state().roots == before
    desk.identity.undo(desk.bo, undone.action or "")
    assert desk.shop.together("ada", "ada2")
    first = desk.trail()[-1]
    assert (first.action, first.who, first.reason, first.undone_by) == ("join", "Bo", "same card", None)
    assert desk.stated() == ["Customer Merged", "Customer Split", "Customer Merged"]


def test_a_join_that_cannot_be_leaves_no_trace(desk: Desk) -> None:
    desk.shop.see(seen(1, user="ada"), seen(2, user="bo"))
    desk.identity.forbid(desk.bo, "user_id:ada", "user_id:bo", reason="sisters")
    before = desk.shop.state()
    with pytest.raises(Conflict, match="forbidden"):
        desk.identity.join(desk.bo, "user_id:ada", "user_id:bo", reason="the same?")
    assert desk.shop.state() == before
    assert [one.action for one in desk.trail()] == ["forbid"]


def test_forbidding_parts_and_its_undoing_joins(desk: Desk) -> None:
    desk.shop.see(seen(1, user="ada", email="ada@example.com"), seen(2, user="ada", web="w"))
    before = desk.shop.state()
    outcome = desk.identity.forbid(desk.bo, "email:ada@example.com", "anonymous_id:w", reason="a library's computer")
    assert groups(outcome) == desk.shop.customers() == {ADA, frozenset({"w"})}
    with pytest.raises(Conflict):
        desk.identity.forbid(desk.bo, "anonymous_id:w", "email:ada@example.com", reason="again")
    desk.identity.undo(desk.bo, outcome.action or "")
    assert desk.shop.state() == before
    with pytest.raises(Conflict, match="undone"):
        desk.identity.undo(desk.bo, outcome.action or "")


def test_withdrawing_is_undone_by_undoing_and_by_restoring(desk: Desk) -> None:
    two_people_on_a_tablet(desk)
    before = desk.shop.state()
    ident = desk.evidence(("email", "bo@example.com"), ("anonymous_id", "tablet"))
    taken = desk.identity.withdraw(desk.bo, [ident], reason="borrowed")
    assert taken.withdrawn == [ident]
    with pytest.raises(Conflict, match="nothing would change"):
        desk.identity.withdraw(desk.bo, [ident], reason="borrowed")
    desk.identity.restore(desk.bo, [ident], reason="hers after all")
    assert desk.shop.state() == before
    desk.identity.undo(desk.bo, taken.action or "")
    assert desk.shop.state() == before, "what somebody else took back already stays so"


def test_nothing_is_done_without_a_reason_or_to_what_is_unknown(desk: Desk) -> None:
    two_people_on_a_tablet(desk)
    with pytest.raises(InvalidInput, match="reason"):
        desk.identity.split(desk.bo, "user_id:ada", SplitWanted(), reason="  ")
    with pytest.raises(NotFound):
        desk.identity.split(desk.bo, "user_id:nobody", SplitWanted(), reason="why")
    with pytest.raises(NotFound):
        desk.identity.withdraw(desk.bo, ["00" * 16], reason="why")
    with pytest.raises(InvalidInput):
        desk.identity.withdraw(desk.bo, ["zz"], reason="why")
    with pytest.raises(InvalidInput):
        desk.identity.split(desk.bo, "user_id:ada", SplitWanted(identifiers=["user_id:ada", "email:ada@example.com",
            "email:bo@example.com", "anonymous_id:tablet"]), reason="all of it")  # fmt: skip
    with pytest.raises(NotFound):
        desk.identity.undo(desk.bo, "act_nothing")
    assert desk.trail() == []


def test_facts_state_the_merge_of_two_people_and_not_of_a_visitor(desk: Desk) -> None:
    """A guest's e-mail comes to an account: two people were one. A browser that signs in is no news."""
    desk.shop.see(seen(1, web="w"), seen(2, user="ada"), seen(3, email="ada@example.com"))
    desk.shop.see(seen(4, user="ada", web="w"))
    assert desk.stated() == []
    desk.shop.see(seen(5, user="ada", email="ada@example.com"))
    assert desk.stated() == ["Customer Merged"]
