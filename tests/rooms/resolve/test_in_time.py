"""Identity in time: people who part, browsers that come and go, bots; and that time costs next to nothing."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.resolve.actions.service import Identity
from rapport.resolve.actions.split import SplitWanted
from rapport.resolve.graph import store
from rapport.resolve.graph.expiry import expire
from rapport.resolve.graph.policy import PolicySettings, SlidingLimit
from rapport.resolve.reading import explain, identities
from rapport.storage.engine import Database
from rapport.storage.log import StoredRow, to_fact
from rapport.storage.log import facts as log
from tests.rooms.resolve.shop import Shop, expected, made_shop, seen

FIVE_BROWSERS_A_MONTH: dict[str, int | SlidingLimit] = {"anonymous_id": SlidingLimit(at_most=5, within_days=30)}


def bo(shop: Shop) -> Principal:
    return Principal(workspace=shop.workspace, kind="user", id="bo", name="Bo", role="agent", scopes=frozenset())


def shuffled(facts: list[Fact], *, received_on: int) -> list[Fact]:
    """An import: all of it comes in on one day, in any order."""
    for fact in facts:
        fact.received_at = received_on * DAY
    random.Random(4).shuffle(facts)
    return facts


def test_an_alias_that_waited_for_its_account_counts_from_the_day_it_was_last_told(db: Database) -> None:
    """Told on the first day and again on the ninth, with which the account comes: the first alone would be too old."""
    shop = made_shop(db, PolicySettings(evidence_days={"alias": 3}))
    shop.see(seen(1 * DAY, web="w", previous="ada"))
    shop.see(seen(9 * DAY, web="w", previous="ada"), seen(9 * DAY + 1, user="ada"))
    roots = shop.state().roots
    assert roots[shop.key("user_id", "ada")] == roots[shop.key("anonymous_id", "w")]


# -- two people share an e-mail for a year and then part


def a_shared_year() -> list[Fact]:
    """Ada's laptop and Bo's phone use home@ for a year; then each has an address of their own."""
    together = [seen(day * DAY, web=web, email="home@x.de") for day in range(0, 365, 15) for web in ("laptop", "phone")]
    apart = [
        seen(day * DAY, web=web, email=email)
        for day in range(380, 800, 15)
        for web, email in (("laptop", "ada@x.de"), ("phone", "bo@x.de"))
    ]
    return [*together, *apart]


def test_two_people_who_part_stay_one_without_a_bound_until_somebody_splits_them(db: Database) -> None:
    """The operator sees where the record is held together, and parts them there."""
    shop = made_shop(db)
    shop.see(*shuffled(a_shared_year(), received_on=800))
    assert shop.together("laptop", "phone", "home@x.de", "ada@x.de", "bo@x.de")
    wanted = SplitWanted(identifiers=["email:bo@x.de", "anonymous_id:phone"], keep_apart=True)
    outcome = Identity(db).split(bo(shop), "email:ada@x.de", wanted, reason="they parted")
    assert len(outcome.withdrawn) == 1
    assert shop.customers() == {frozenset({"laptop", "home@x.de", "ada@x.de"}), frozenset({"phone", "bo@x.de"})}
    shop.see(seen(801 * DAY, web="phone", email="home@x.de"))
    assert not shop.together("laptop", "phone"), "an old address on the phone brings them not together again"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_two_people_who_part_become_two_where_evidence_is_bound_in_time(db: Database, size: int) -> None:
    """Day by day or as an import, in portions of any size: after a year what they shared counts no more."""
    bound = PolicySettings(evidence_days={"email": 365})
    imported, lived = made_shop(db, bound), made_shop(db, bound)
    history = shuffled(a_shared_year(), received_on=800)
    for start in range(0, len(history), size):
        imported.see(*history[start : start + size])
    assert not imported.due(800 * DAY)
    for fact in a_shared_year():
        lived.see(fact)
    assert lived.together("laptop", "phone", "home@x.de", "ada@x.de", "bo@x.de"), "the last was 365 days ago or less"
    while lived.sweep(800 * DAY, limit=size):
        pass
    parted = {frozenset({"laptop", "ada@x.de"}), frozenset({"phone", "bo@x.de"}), frozenset({"home@x.de"})}
    assert imported.customers() == lived.customers() == parted


def test_what_has_expired_says_so_and_counts_again_when_it_is_seen_again(db: Database) -> None:
    shop = made_shop(db, PolicySettings(evidence_days={"email": 365}))
    shop.see(seen(1 * DAY, user="ada", email="home@x.de"), seen(20 * DAY, user="ada", email="home@x.de"))
    assert not shop.due(385 * DAY)
    moved = shop.sweep(420 * DAY)
    assert [one.identifier_key for one in moved] == [shop.key("email", "home@x.de")]
    ada, home = shop.key("user_id", "ada"), shop.key("email", "home@x.de")
    with db.read() as conn:
        path = explain.path_between(conn, shop.workspace, ada, home, shop.policy)
        [piece] = explain.evidence_of(conn, shop.workspace, ada, shop.policy).evidence
        [change] = identities.changes(conn, shop.workspace, home)
    because = "the evidence was last seen on 1970-01-21; the shop's bound is 365 days"
    assert path.answer == f"They are two customers: {because}."
    assert (piece.status, piece.why_not, piece.last_seen) == ("expired", because, "1970-01-21")
    assert (change.kind, change.by_time) == ("split", True)
    assert stated(shop) == [("Customer Split", "expiry")]
    shop.see(seen(421 * DAY, user="ada", email="home@x.de"))
    assert shop.together("ada", "home@x.de")
    assert shop.sweep(421 * DAY) == []


def stated(shop: Shop) -> list[tuple[str, str]]:
    """Name and cause of the facts that were stated about customers."""
    with shop.db.read() as conn:
        rows = conn.execute(sa.select(log).where(log.c.workspace == shop.workspace))
        facts = [to_fact(StoredRow(**row._mapping)) for row in rows]
    return [(fact.name, fact.properties["cause"]) for fact in facts]


def test_an_account_that_keeps_a_shared_address_keeps_it_when_the_other_leaves(db: Database) -> None:
    """Ada had it first; when she has not used it for a year it is Bo's, who goes on using it."""
    facts = [
        *(seen(day * DAY, user="ada", email="home@x.de") for day in range(0, 365, 30)),
        *(seen(day * DAY, user="bo", email="home@x.de") for day in range(10, 800, 30)),
    ]
    unbound, bound = made_shop(db), made_shop(db, PolicySettings(evidence_days={"email": 365}))
    for shop in (unbound, bound):
        shop.see(*shuffled(list(facts), received_on=800))
    assert unbound.together("ada", "home@x.de")
    assert bound.customers() == {frozenset({"ada"}), frozenset({"bo", "home@x.de"})}


def test_an_address_at_the_till_that_is_bound_by_kind_leaves_what_people_said(db: Database) -> None:
    """The word of a person is not seen, and does not expire."""
    shop = made_shop(db, PolicySettings(evidence_days={"seen": 30}))
    shop.see(seen(1 * DAY, user="ada", email="ada@x.de"), seen(2 * DAY, user="ada", web="w"))
    Identity(db).join(bo(shop), "user_id:ada", "email:ada@x.de", reason="she showed it")
    shop.sweep(100 * DAY)
    assert shop.customers() == {frozenset({"ada", "ada@x.de"}), frozenset({"w"})}


# -- browsers that come and go


def a_browser_a_month(years: int) -> list[Fact]:
    return [
        seen(month * 30 * DAY + day * DAY, user="ada", web=f"w{month}") for month in range(12 * years) for day in (0, 9)
    ]


def test_somebody_with_a_new_browser_each_month_stays_one_for_years(db: Database) -> None:
    """Eight years of cookies deleted monthly; a limit for ever would have ended that with the fifth."""
    sliding, plain = made_shop(db, PolicySettings(limits=FIVE_BROWSERS_A_MONTH)), made_shop(db)
    history = shuffled(a_browser_a_month(8), received_on=3_000)
    for start in range(0, len(history), 40):
        sliding.see(*history[start : start + 40])
    plain.see(*history)
    assert len(sliding.customers()) == 1
    assert len(plain.customers()) == 1 + 12 * 8 - 5
    assert sliding.state() == expected(sliding.workspace, history, sliding.policy, today=3_000)[0]


def test_forty_browsers_in_a_week_are_a_bot_and_join_nobody(db: Database) -> None:
    """The first five stay, the rest is refused with a reason, and a real browser a month later is let in."""
    shop = made_shop(db, PolicySettings(limits=FIVE_BROWSERS_A_MONTH))
    week = [seen(n * 4 * HOUR, user="bot", web=f"w{n}") for n in range(40)]
    others = [seen(n * 4 * HOUR + 1, user=f"u{n}", web=f"w{n}") for n in range(40)]
    shop.see(*shuffled([*week, *others], received_on=8), seen(40 * DAY, user="bot", web="later"))
    sizes = sorted(len(group) for group in shop.customers())
    assert sizes[-1] == 1 + 5 + 1
    assert shop.together("bot", "w0", "w4", "later")
    assert shop.together("u7", "w7"), "browsers beyond the limit stay with whom they were seen otherwise"
    with db.read() as conn:
        path = explain.path_between(
            conn, shop.workspace, shop.key("user_id", "bot"), shop.key("anonymous_id", "w9"), shop.policy
        )
    assert "anonymous_id within 30 days" in path.answer


def test_what_expires_makes_room_for_what_was_beyond_the_window(db: Database) -> None:
    """Of many browsers the oldest are looked at; when they have not been seen for a month, the next."""
    shop = made_shop(db, PolicySettings(default_limit=2, shared_after=2, evidence_days={"anonymous_id": 30}))
    facts = [*(seen(n * DAY, user="ada", web=f"w{n}") for n in range(6)), seen(50 * DAY, user="ada", web="w5")]
    shop.see(*facts[:6])
    assert shop.together("ada", "w0", "w1")
    shop.see(*facts[6:])
    while shop.sweep(60 * DAY, limit=1):
        pass
    assert shop.customers() >= {frozenset({"ada", "w5"})}
    assert shop.state() == expected(shop.workspace, facts, shop.policy, today=60)[0]


# -- the beginning of time


@pytest.mark.parametrize("hub", [0, -1], ids=["the hub has the smallest key", "the hub has the largest key"])
@pytest.mark.parametrize("size", [1, 5])
def test_what_is_shared_since_the_very_first_moment_names_nobody(db: Database, size: int, hub: int) -> None:
    """At 0 of the clock, too, and at whichever end of evidence between equals: their keys decide which end is first."""
    shop = made_shop(db, PolicySettings(limits={"user_id": 5}, shared_after=2))
    users = sorted((f"u{n}" for n in range(6)), key=lambda name: shop.key("user_id", name))
    shared = users.pop(hub)
    facts = [seen(0, user=user, previous=shared) for user in users]
    for start in range(0, len(facts), size):
        shop.see(*facts[start : start + size])
    assert shop.state() == expected(shop.workspace, facts, shop.policy, today=0)[0]
    assert shop.customers() == {frozenset({user}) for user in [shared, *users]}


# -- what it costs


def statements_of(db: Database, work: object) -> list[str]:
    statements: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        statements.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    work()  # type: ignore[operator]
    sa.event.remove(db.engine, "before_cursor_execute", note)
    return [statement for statement in statements if "BEGIN" not in statement]


def test_a_sight_is_written_once_a_day(db: Database) -> None:
    """Whoever comes back a hundred times on a day costs one statement that day."""
    shop = made_shop(db, PolicySettings(evidence_days={"email": 365}))
    shop.see(seen(DAY, user="ada", email="ada@x.de"))
    assert statements_of(db, lambda: shop.see(*(seen(DAY + n, user="ada", email="ada@x.de") for n in range(100)))) == []
    few = statements_of(db, lambda: shop.see(*(seen(2 * DAY + n, user="ada", email="ada@x.de") for n in range(100))))
    assert len([one for one in few if "UPDATE evidence" in one]) == 1
    assert statements_of(db, lambda: shop.see(seen(2 * DAY + 200, user="ada", email="ada@x.de"))) == []
    assert last_days(shop) == [2]


def last_days(shop: Shop) -> list[int]:
    with shop.db.read() as conn:
        query = sa.select(store.evidence.c.last_day).where(store.evidence.c.workspace == shop.workspace)
        return list(conn.execute(query).scalars())


def test_a_sweep_costs_the_same_for_one_piece_and_for_many(db: Database) -> None:
    shop = made_shop(db, PolicySettings(evidence_days={"email": 30}))
    shop.see(*(seen(DAY, user=f"u{n}", email=f"e{n}@x.de") for n in range(201)))
    one = statements_of(db, lambda: shop.sweep(100 * DAY, limit=1))
    many = statements_of(db, lambda: shop.sweep(100 * DAY, limit=200))
    reads = [len([s for s in statements if s.startswith("SELECT")]) for statements in (one, many)]
    assert reads[1] <= reads[0] + 4, "more only by chunks of 500 keys"
    assert len(shop.customers()) == 402


def test_looking_for_what_is_due_reads_an_index(db: Database) -> None:
    if db.dialect != "sqlite":
        return
    shop = made_shop(db, PolicySettings(evidence_days={"email": 30}))
    query = "SELECT id FROM evidence WHERE workspace = ? AND until_day < ? ORDER BY until_day LIMIT ?"
    with db.read() as conn:
        plan = conn.exec_driver_sql("EXPLAIN QUERY PLAN " + query, (shop.workspace, 5, 10)).all()
    assert [step[3] for step in plan] == ["SEARCH evidence USING INDEX evidence_until (workspace=? AND until_day<?)"]


def test_a_sweep_follows_the_policy_in_force(db: Database) -> None:
    """Whoever raises the bound rescues what was due and not yet swept; whoever takes it away, all."""
    shop = made_shop(db, PolicySettings(evidence_days={"email": 30}))
    olga = Principal(
        workspace=shop.workspace, kind="user", id="o", name="Olga", role="owner", scopes=frozenset(["sources:write"])
    )
    shop.see(seen(DAY, user="ada", email="ada@x.de"))
    assert shop.due(100 * DAY)
    Identity(db).apply_policy(olga, PolicySettings(), reason="for ever after all")
    assert not shop.due(100_000 * DAY)
    assert shop.sweep(100_000 * DAY) == []
    assert shop.together("ada", "ada@x.de")


def test_two_workspaces_expire_each_by_itself(db: Database) -> None:
    one, other = (made_shop(db, PolicySettings(evidence_days={"email": days})) for days in (30, 60))
    for shop in (one, other):
        shop.see(seen(DAY, user="ada", email="ada@x.de"))

    def sweep(conn: Connection) -> list[Key]:
        return [moved.identifier_key for moved in expire(conn, one.workspace, now=50 * DAY, limit=10)]

    with db.write() as conn:
        assert sweep(conn) == [one.key("email", "ada@x.de")]
    assert (one.due(70 * DAY), other.due(50 * DAY), other.due(70 * DAY)) == (False, False, True)
