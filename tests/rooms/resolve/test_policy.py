"""Another identity policy: what it would do, that it does exactly that, that workers follow, and its way back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, Forbidden, InvalidInput
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.resolve import Resolver
from rapport.resolve.actions import audit
from rapport.resolve.actions.apply_policy import ApplyPolicy
from rapport.resolve.actions.service import Identity
from rapport.resolve.graph import policy, store
from rapport.resolve.graph.policy import Difference, PolicySettings
from rapport.resolve.reading import identities
from rapport.storage.engine import Database
from tests.beside import change_beside
from tests.rooms.resolve.shop import Shop, made_shop, seen


@pytest.fixture
def own(db: Database) -> Shop:
    return made_shop(db)


def owner(own: Shop, *scopes: str) -> Principal:
    return Principal(
        workspace=own.workspace, kind="user", id="usr_olga", name="Olga", role="owner",
        scopes=frozenset(scopes or ["sources:write"]),
    )  # fmt: skip


def compare(own: Shop, wanted: PolicySettings) -> list[Difference]:
    with own.db.read() as conn:
        return policy.compare(conn, own.workspace, wanted, now=now_us())


def test_a_dry_run_tells_what_the_policy_then_does_and_undoing_leads_back(own: Shop) -> None:
    own.see(
        seen(1, user="ada", email="till@shop.example"), seen(2, email="till@shop.example", web="w1"),
        seen(3, user="bo", web="w2"), seen(4, user="cy", web="w2"),
    )  # fmt: skip
    before = own.state()
    wanted = PolicySettings(blocked=[r".*@shop\.example"], limits={"user_id": 2})
    found = compare(own, wanted)
    assert (sum(one.merges for one in found), sum(one.splits for one in found)) == (1, 1)
    assert own.state() == before
    identity = Identity(own.db)
    outcome = identity.apply_policy(owner(own), wanted, reason="the till's own address")
    assert own.customers() == {
        frozenset({"bo", "cy", "w2"}), frozenset({"ada"}), frozenset({"till@shop.example"}), frozenset({"w1"}),
    }  # fmt: skip
    assert compare(own, wanted) == []
    with own.db.read() as conn:
        history = identities.changes(conn, own.workspace, own.key("user_id", "bo"))
        trail = audit.actions(conn, own.workspace)
    assert [one.kind for one in history] == ["merged"]
    assert trail[0].effects.policy_after == wanted
    with pytest.raises(Conflict):
        identity.apply_policy(owner(own), wanted, reason="again")
    with pytest.raises(Forbidden):
        identity.undo(owner(own, "customers:write"), outcome.action or "")
    identity.undo(owner(own), outcome.action or "")
    assert own.state() == before


def test_running_workers_follow_a_changed_policy(own: Shop) -> None:
    """Each caches what it read; neither may write by the old policy, nor the facts it has taken in already."""
    read: dict[WorkspaceId, IdentifierPolicy] = {}

    def policy_for(workspace: WorkspaceId) -> IdentifierPolicy:
        if workspace not in read:
            with own.db.read() as conn:
                read[workspace] = identifier_policy(policy.settings_of(conn, workspace))
        return read[workspace]

    own.resolver = Resolver(policy_for, forget_policies=read.clear)
    own.see(seen(1, user="ada", web="w1"))
    late = seen(2, user="bo", email="till@shop.example", web="w2")
    own.resolver.observe(own.workspace, late, own.key("user_id", "bo"))
    wanted = PolicySettings(blocked=[r".*@shop\.example"])
    Identity(own.db).apply_policy(owner(own), wanted, reason="the till's own address")
    with own.db.write() as conn:
        own.resolver.flush(conn)
    assert own.customers() == {frozenset({"ada", "w1"}), frozenset({"bo", "w2"})}
    own.see(seen(3, user="ada", email="till@shop.example"), seen(4, user="cy", web="w3"))
    assert not any("till@shop.example" in group for group in own.customers())


def test_raising_the_bound_of_sharing_frees_what_is_stored(own: Shop) -> None:
    own.see(*(seen(n, user=f"u{n}", web="tablet") for n in range(6)))
    identity = Identity(own.db)
    strict = identity.apply_policy(owner(own), PolicySettings(shared_after=3), reason="tablets in stores")
    assert own.state().shared == {own.key("anonymous_id", "tablet")}
    assert not own.together("u0", "tablet")
    identity.undo(owner(own), strict.action or "")
    assert own.together("u0", "tablet")


def test_evidence_a_person_took_back_outlasts_policies(own: Shop) -> None:
    own.see(seen(1, user="ada", email="ada@shop.example"), seen(2, user="ada", web="w"))
    identity, olga = Identity(own.db), owner(own)
    [web] = [e for e in own.evidence() if own.key("anonymous_id", "w") in (e.a, e.b)]
    with own.db.read() as conn:
        columns = store.evidence.c
        ident = conn.execute(
            sa.select(columns.id).where(columns.workspace == own.workspace, columns.first_fact == web.first_fact)
        ).scalar_one()
    identity.withdraw(olga, [ident.hex()], reason="borrowed")
    blocked = identity.apply_policy(olga, PolicySettings(blocked=[r".*@shop\.example"]), reason="staff")
    assert own.customers() == {frozenset({"ada"}), frozenset({"ada@shop.example"}), frozenset({"w"})}
    identity.undo(olga, blocked.action or "")
    assert own.customers() == {frozenset({"ada", "ada@shop.example"}), frozenset({"w"})}


def test_a_policy_that_makes_no_sense_is_refused(own: Shop) -> None:
    for wanted in (
        PolicySettings(blocked=["("]),
        PolicySettings(blocked=["a", "(?i)b"]),
        PolicySettings(blocked=["a{9999999999}"]),
        PolicySettings(limits={"No Namespace": 1}),
    ):
        with pytest.raises(InvalidInput):
            Identity(own.db).apply_policy(owner(own), wanted, reason="?")


def test_of_two_who_change_the_policy_the_second_is_told_who_and_what(own: Shop) -> None:
    """Both have seen the same; whoever is later has changed nothing, and may go on from what is in force."""
    with own.db.read() as conn:
        seen = policy.policy_version(policy.settings_of(conn, own.workspace))
    told = change_beside(
        own.db,
        lambda conn: applied(conn, own, PolicySettings(shared_after=3), author="Olga", seen=seen),
        lambda conn: applied(conn, own, PolicySettings(shared_after=7, default_limit=2), author="Bo", seen=seen),
    )
    assert told is not None
    assert told.message == (
        "Olga has changed the identity policy since you looked: default_limit is 5 now, shared_after is 3 now"
    )
    with own.db.read() as conn:
        settings = policy.settings_of(conn, own.workspace)
    assert policy.read_policy(settings) == PolicySettings(shared_after=3)
    wanted = PolicySettings(shared_after=7, default_limit=2)
    Identity(own.db).apply_policy(owner(own), wanted, reason="?", seen=policy.policy_version(settings))


def applied(conn: Connection, own: Shop, wanted: PolicySettings, *, author: str, seen: str) -> None:
    """The policy made the shop's in this transaction, as `Identity` does it in one of its own."""
    by = Principal(workspace=own.workspace, kind="user", id="u", name=author, role="owner", scopes=frozenset())
    Identity(own.db).act_in(conn, by, ApplyPolicy(wanted, seen), reason="tried")
