"""What another policy would have earned at a placement, from the decisions that were logged there.

A logged decision says what could be chosen, in order, what stood where and with which odds, and what was pinned. So
for any policy that orders those candidates it is known with which odds it would have done the same. Rewards are clicks,
orders or what was paid; the model of doubly robust estimates is each item's own reward in the other half of decisions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.decide.policies import POOL
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import noted
from rapport.measure.off_policy import ESTIMATORS, Estimate, Place, effective_size, estimate, logged_value
from rapport.measure.store import decision_outcomes, decisions
from rapport.storage.log import facts
from rapport.storage.lookup import select_among

__all__ = ["FEW", "MOST_DECISIONS", "POLICIES", "Judged", "Reward", "judge"]

Reward = Literal["clicks", "orders", "revenue"]

MOST_DECISIONS = 50_000
"""The newest of the period."""

POLICIES = {
    "greedy": noted("always the best that is left"),
    "random": noted("any that is left, all alike"),
    "popular": noted("what brought most at this placement first, by the other half of the decisions"),
    "logged": noted("as it was decided"),
}
FEW = 30
"""Effective decisions below which no interval holds what it says: they rest on a handful of lucky places."""
_EPSILON = "epsilon="
_SHRUNK = 20.0
"""Places that an item's own rewards are weighed against those of all items with."""

_CHUNK = 500


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy would bring a decision, beside what was brought. Intervals of 95 %."""

    placement: str
    policy: str
    reward: Reward
    currency: str
    """Of `revenue`, in minor units; empty for counts."""
    since: str
    until: str
    decisions: int
    effective_sample_size: float
    """So many decisions of the judged policy itself would say as much. Below some hundreds nothing is certain, below
    30 nothing is told: `estimates` is empty."""
    logged_policies: list[str]
    logged: dict[str, float]
    """`value`, `low`, `high` of what was decided."""
    estimates: dict[str, dict[str, float]]
    """The same of the judged policy, by `ips`, `snips`, `dm`, `dr`, `dros`."""
    left_out: int
    """Decisions whose log does not say with which odds."""


class _Shown(NamedTuple):
    """One logged decision."""

    id: str
    policy: str
    pool: Sequence[str]
    """What the policy could choose from, the best first."""
    places: Sequence[tuple[str, float]]
    """What stood there, and with which odds."""
    pinned: frozenset[str] = frozenset()
    """What of it had its place before anything was chosen."""


def judge(
    conn: Connection, workspace: WorkspaceId, *, placement: str, policy: str, since: int, until: int,
    reward: Reward = "clicks", most: int = MOST_DECISIONS,
) -> Judged:  # fmt: skip
    """Judge a policy on the decisions of a period. Reads in chunks; memory grows with the decisions, at most so many.

    Raises NotFound where nothing was decided there, InvalidInput for a policy that is none.
    """
    chance = _chance(policy)
    shown, left_out, policies = _read(conn, workspace, placement, since=since, until=until, most=most)
    if not shown:
        raise NotFound(
            f"no decisions at {placement!r} in this period", hint="rapport evaluate --days says how far back to look"
        )
    rewards, currency = _rewards(conn, workspace, [one.id for one in shown], reward)
    judged = _places(shown, rewards, policy, chance)
    effective = effective_size(judged)
    return Judged(
        placement=placement, policy=policy, reward=reward, currency=currency, since=to_iso(since),
        until=to_iso(until), decisions=len(shown), effective_sample_size=round(effective, 1),
        logged_policies=sorted(policies), logged=_told(logged_value(judged)),
        estimates={how: _told(estimate(judged, how)) for how in ESTIMATORS} if effective >= FEW else {},
        left_out=left_out,
    )  # fmt: skip


def _told(found: Estimate) -> dict[str, float]:
    return {name: round(value, 6) for name, value in found._asdict().items()}


def _chance(policy: str) -> float:
    """With which probability any candidate is taken instead of the best."""
    if policy in POLICIES:
        return {"random": 1.0}.get(policy, 0.0)
    try:
        found = float(policy.removeprefix(_EPSILON)) if policy.startswith(_EPSILON) else -1.0
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise InvalidInput(
            f"{policy[:60]!r} is no policy that can be judged",
            hint=f"one of {', '.join(POLICIES)}, or {_EPSILON}0.1: so often any candidate instead of the best",
        )
    return found


def _read(
    conn: Connection, workspace: WorkspaceId, placement: str, *, since: int, until: int, most: int
) -> tuple[list[_Shown], int, set[str]]:
    d = decisions.c
    query = (
        sa.select(d.id)
        .where(d.workspace == workspace, d.at >= since, d.at < until, d.placement == placement)
        .order_by(d.at.desc())
        .limit(most)
    )
    ids = list(conn.execute(query).scalars())
    shown, left_out = [], 0
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        for body in select_among(conn, sa.select(facts.c.body), workspace, facts.c.message_id, some):
            one = _shown(body[0])
            if one is None:
                left_out += 1
            else:
                shown.append(one)
    return shown, left_out, {one.policy for one in shown}


def _shown(body: bytes) -> _Shown | None:
    """None where the log lacks what judging needs."""
    try:
        said: dict[str, Any] = msgspec.json.decode(body)["properties"]
        chosen = [(str(one.get("item_id") or one["product_id"]), float(one["odds"])) for one in said["chosen"]]
        named = f"{said['policy']['name']} {said['policy']['version']}"
        if any(not 0 < odds <= 1 for _, odds in chosen):
            return None
        pool = [str(one) for one in said["pool"]] if "pool" in said else _pool_of_scores(said, chosen)
        if pool is None:
            return None
        pinned = frozenset(item for (item, _), one in zip(chosen, said["chosen"], strict=True) if one.get("pinned"))
        return _Shown(str(said["decision_id"]), named, pool, chosen, pinned)
    except (KeyError, TypeError, ValueError, msgspec.DecodeError):
        return None


def _pool_of_scores(said: Mapping[str, Any], chosen: Sequence[tuple[str, float]]) -> list[str] | None:
    """The pool of a decision logged before pools were: where all candidates are there, told apart, none pinned."""
    scores = {str(one.get("item_id") or one["product_id"]): float(one["score"]) for one in said["candidates"]}
    is_whole = len(scores) == int(said["candidate_count"]) <= POOL and len({*scores.values()}) == len(scores)
    if not is_whole or any(odds == 1 for _, odds in chosen[: len(scores) - 1]):
        return None
    return sorted(scores, key=lambda item: -scores[item])


def _rewards(
    conn: Connection, workspace: WorkspaceId, ids: Collection[str], reward: Reward
) -> tuple[dict[tuple[str, str], float], str]:
    """By (decision, item) what it brought, and in which currency: the one that most was paid in."""
    o = decision_outcomes.c
    kind = "clicked" if reward == "clicks" else "bought"
    query = sa.select(o.decision_id, o.product_id, o.minor, o.currency).where(o.kind == kind)
    by_currency: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for decision_id, item, minor, currency in select_among(conn, query, workspace, o.decision_id, ids):
        if reward == "revenue":
            brought = by_currency[currency or ""]
            brought[decision_id, item] = brought.get((decision_id, item), 0.0) + float(minor or 0)
        else:
            by_currency[""][decision_id, item] = 1.0
    if not by_currency:
        return {}, ""
    best = max(sorted(by_currency), key=lambda name: (bool(name), len(by_currency[name])))
    return by_currency[best], best


def _places(
    shown: Sequence[_Shown], rewards: Mapping[tuple[str, str], float], policy: str, chance: float
) -> list[list[Place]]:
    """What each logged place says of the judged policy; the model of each half was learnt on the other."""
    halves = [shown[0::2], shown[1::2]]
    found = []
    for mine, other in ((0, 1), (1, 0)):
        model = _Model(halves[other] or halves[mine], rewards)
        found += [_judged(decision, rewards, model, policy, chance) for decision in halves[mine]]
    return found


class _Model:
    """What an item brings a place, shrunk towards what all bring."""

    def __init__(self, shown: Sequence[_Shown], rewards: Mapping[tuple[str, str], float]) -> None:
        places: dict[str, int] = defaultdict(int)
        sums: dict[str, float] = defaultdict(float)
        for decision in shown:
            for item, _ in decision.places:
                places[item] += 1
                sums[item] += rewards.get((decision.id, item), 0.0)
        self._all = sum(sums.values()) / max(sum(places.values()), 1)
        self._items = {item: (sums[item] + _SHRUNK * self._all) / (number + _SHRUNK) for item, number in places.items()}

    def __call__(self, item: str) -> float:
        return self._items.get(item, self._all)


def _judged(
    decision: _Shown, rewards: Mapping[tuple[str, str], float], model: _Model, policy: str, chance: float
) -> list[Place]:
    left = sorted(decision.pool, key=lambda item: (-model(item), item)) if policy == "popular" else [*decision.pool]
    found = []
    for item, odds in decision.places:
        reward, best = rewards.get((decision.id, item), 0.0), left[0] if left else item
        if policy == "logged" or item in decision.pinned:
            other, expected = odds, model(item)
        else:
            other = chance / max(len(left), 1) + (1 - chance if item == best else 0.0)
            among = sum(map(model, left)) / len(left) if left else model(item)
            expected = (1 - chance) * model(best) + chance * among
        found.append(Place(reward, odds, other, model(item), expected))
        if item in left:
            left.remove(item)
    return found
