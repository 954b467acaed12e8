"""The steps of a decision: what slices bring takes away and re-orders, and never adds."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.decide.model import Ask, Candidate, CandidateSource, EligibilityRule, ItemKind, Placement, Score, Scorer
from rapport.decide.policies import EpsilonGreedy
from rapport.decide.service import Decider, Decision, DecisionAsked
from rapport.decide.steps import MOST_CANDIDATES, Steps
from rapport.kernel.gate import closed
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from tests.databases import sqlite_database
from tests.shop import NOON

SHOP = WorkspaceId(1)
HERO = Placement(
    name="home.hero", title="Hero", description="On top.", kind="banner",
    policy=EpsilonGreedy(name="best", version="1", epsilon=0.2, pool=10),
)  # fmt: skip


def shown(
    conn: Connection, workspace: WorkspaceId, ids: Collection[str], context: Mapping[str, Any], now: int
) -> Mapping[str, Mapping[str, Any]]:
    return {item_id: {"image": f"{item_id}.png"} for item_id in ids}


BANNER = ItemKind(name="banner", title="Banner", details=shown)


def banner(item_id: str, score: float = 1.0, *reasons: str) -> Candidate:
    return Candidate(kind="banner", item_id=item_id, score=score, reasons=list(reasons))


def source(*candidates: Candidate, name: str = "all") -> CandidateSource:
    return CandidateSource(name=name, placements=("home.hero",), find=lambda conn, ask: candidates)


def rule(name: str, *barred: str, order: int = 1, **applies: tuple[str, ...]) -> EligibilityRule:
    return EligibilityRule(
        name=name, title=name.title(), order=order, barred=lambda conn, ask, candidates: set(barred), **applies
    )


def scorer(rate: Callable[[Connection, Ask, Sequence[Candidate]], Mapping[str, Score]], order: int = 1) -> Scorer:
    return Scorer(name=f"scorer{order}", order=order, rate=rate)


def steps(*sources: CandidateSource, rules: Sequence[EligibilityRule] = (), scorers: Sequence[Scorer] = ()) -> Steps:
    brought = Slice(
        name="banners", title="Banners", kinds=(BANNER,), placements=(HERO,), candidates=sources,
        eligibility=tuple(rules), scorers=tuple(scorers),
    )  # fmt: skip
    return Installed([brought]).deciding


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(sqlite_database(tmp_path))
    yield opened
    opened.close()


async def keep(rows: Sequence[LogRow]) -> None:
    return


def decide(db: Database, joined: Steps, *, limit: int = 6, seed: int = 3) -> tuple[Decision, Mapping[str, Any]]:
    """What is answered, and what is logged of it."""
    decider = Decider(db, joined, append=keep, find_customer=lambda *_: None, gate=closed, rng=random.Random(seed))
    decision, row = decider.compute(SHOP, DecisionAsked(placement="home.hero", limit=limit), now=NOON)
    return decision, msgspec.json.decode(row.body)["properties"]


def test_a_banner_goes_by_its_own_id_and_kind(lite: Database) -> None:
    decision, logged = decide(lite, steps(source(banner("summer", 2.0, "it is warm"))))
    assert decision.items == [
        {"position": 1, "kind": "banner", "item_id": "summer", "image": "summer.png", "score": 2.0, "odds": 1.0,
         "reasons": ["it is warm"]}
    ]  # fmt: skip
    [chosen] = logged["chosen"]
    assert (chosen["kind"], chosen["item_id"], "product_id" in chosen) == ("banner", "summer", False)


def test_an_item_of_several_sources_is_one_candidate_with_the_best_score_and_all_reasons(lite: Database) -> None:
    decision, logged = decide(
        lite, steps(source(banner("a", 1.0, "old")), source(banner("a", 5.0, "new"), banner("b", 2.0), name="more"))
    )
    assert logged["candidate_count"] == 2
    [both] = [item for item in decision.items if item["item_id"] == "a"]
    assert (both["score"], both["reasons"][:2]) == (5.0, ["new", "old"])


def test_a_source_offers_no_more_than_its_best(lite: Database) -> None:
    many = [banner(f"b{n:04}", float(n)) for n in range(MOST_CANDIDATES + 100)]
    _, logged = decide(lite, steps(source(*many)))
    assert logged["candidate_count"] == MOST_CANDIDATES
    assert logged["candidates"][0]["item_id"] == f"b{MOST_CANDIDATES + 99:04}"


def test_a_source_that_offers_another_kind_is_a_bug_that_is_named(lite: Database) -> None:
    wrong = source(Candidate(kind="product", item_id="p", score=1, reasons=[]), name="wrong")
    with pytest.raises(ValueError, match="the source 'wrong' offers a 'product', not a 'banner'"):
        decide(lite, steps(wrong))


def test_each_guardrail_counts_what_it_alone_took_away_in_the_order_of_the_rules(lite: Database) -> None:
    joined = steps(
        source(banner("a"), banner("b"), banner("c")),
        rules=[rule("second", "b", "c", order=2), rule("first", "a", "b", "unheard of", order=1)],
    )
    decision, _ = decide(lite, joined)
    assert decision.items == []
    assert [(g.name, g.title, g.removed) for g in decision.guardrails] == [
        ("first", "First", 2),
        ("second", "Second", 1),
    ]


def test_a_rule_of_another_kind_or_placement_is_not_asked(lite: Database) -> None:
    joined = steps(
        source(banner("a")),
        rules=[
            rule("of_products", "a", kinds=("product",)), rule("elsewhere", "a", placements=("home.foot",)),
            rule("here", kinds=("banner",), placements=("home.hero",)),
        ],
    )  # fmt: skip
    decision, _ = decide(lite, joined)
    assert [g.name for g in decision.guardrails] == ["here"]
    assert len(decision.items) == 1


def test_rules_come_before_the_choice_so_that_the_slate_is_full(lite: Database) -> None:
    """However many of the best are barred, there are as many places filled as there are eligible candidates for."""
    many = [banner(f"b{n:03}", float(n)) for n in range(100)]
    best = [candidate.item_id for candidate in many[-80:]]
    decision, _ = decide(lite, steps(source(*many), rules=[rule("not_these", *best)]), limit=10)
    assert len(decision.items) == 10


def test_a_failing_rule_lets_nothing_pass_and_says_so(db: Database) -> None:
    """On both engines, with what the others did beside it, and in the log as well."""

    def fails(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
        return set(conn.execute(sa.text("SELECT nothing FROM nowhere")).scalars())

    broken = EligibilityRule(name="broken", title="Broken", order=2, barred=fails)
    joined = steps(source(banner("a"), banner("b")), rules=[rule("first", "a"), broken, rule("last", order=3)])
    decision, logged = decide(db, joined)
    assert decision.items == []
    told = [(g.name, g.removed, g.failed) for g in decision.guardrails]
    assert (told[0], told[2]) == (("first", 1, ""), ("last", 0, ""))
    assert (told[1][:2], told[1][2].endswith("Error")) == (("broken", 1), True)
    assert logged["guardrails"][1]["failed"] == told[1][2]


def test_scorers_change_scores_one_after_the_other_and_say_why(lite: Database) -> None:
    joined = steps(
        source(banner("a", 1.0, "liked"), banner("b", 2.0)),
        scorers=[
            scorer(lambda conn, ask, cs: {c.item_id: Score(score=c.score + 1) for c in cs}, order=2),
            scorer(lambda conn, ask, cs: {"a": Score(score=9.0, reasons=["pays"]), "nobody": Score(score=1)}, order=1),
        ],
    )
    _, logged = decide(lite, joined)
    assert [(c["item_id"], c["score"]) for c in logged["candidates"]] == [("a", 10.0), ("b", 3.0)]
    assert [c["reasons"] for c in logged["chosen"] if c["item_id"] == "a"] == [["pays", "liked"]]


@pytest.mark.parametrize("what", ["query", "nan"])
def test_a_failing_scorer_changes_nothing(db: Database, what: str) -> None:
    def fails(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> Mapping[str, Score]:
        if what == "query":
            conn.execute(sa.text("SELECT nothing FROM nowhere"))
        return {"a": Score(score=float("nan")), "b": Score(score=99.0)}

    def asks(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> Mapping[str, Score]:
        return {"b": Score(score=float(conn.execute(sa.text("SELECT 5")).scalar_one()))}

    joined = steps(source(banner("a", 1.0), banner("b", 2.0)), scorers=[scorer(fails), scorer(asks, order=2)])
    _, logged = decide(db, joined)
    assert [(c["item_id"], c["score"]) for c in logged["candidates"]] == [("b", 5.0), ("a", 1.0)]


ids = st.lists(st.integers(0, 30).map(lambda n: f"b{n:02}"), max_size=30, unique=True)


@given(offered=ids, barred=st.lists(ids, max_size=4), more=ids, scored=ids, seed=st.integers(0, 99))
def test_what_a_rule_bars_is_never_eligible_and_a_further_rule_adds_nothing(
    offered: list[str], barred: list[list[str]], more: list[str], scored: list[str], seed: int
) -> None:
    rules = [rule(f"r{n}", *some, order=n) for n, some in enumerate(barred)]
    candidates = [banner(item_id, float(n)) for n, item_id in enumerate(offered)]
    rates = scorer(lambda conn, ask, cs: {item_id: Score(score=-1.0) for item_id in scored})
    ask = Ask(workspace=SHOP, placement="home.hero", kind="banner", strands=(), context={}, limit=5, now=NOON)
    fewer = steps(rules=rules, scorers=[rates])
    further = steps(rules=[*rules, rule("more", *more, order=seed % 5)], scorers=[rates])
    with sa.create_engine("sqlite://").connect() as conn:
        before, after = fewer.eligible(conn, ask, candidates), further.eligible(conn, ask, candidates)
        rated = fewer.scored(conn, ask, before.candidates)
    passed = {c.item_id for c in before.candidates}
    assert passed == set(offered) - {item_id for some in barred for item_id in some}
    assert {c.item_id for c in after.candidates} == passed - set(more)
    assert {c.item_id for c in rated} == passed, "scorers neither add nor take away"
    assert sum(g.removed for g in after.guardrails) + len(after.candidates) == len(offered)
