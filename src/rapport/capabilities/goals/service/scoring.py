"""Goals in decisions: what each candidate is expected to bring, and the order that follows from what the shop wants."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.capabilities.goals.model import GOALS, mixed, worth_of
from rapport.capabilities.goals.settings import GOALS_SETTINGS, GoalsSettings
from rapport.capabilities.goals.store import figures_of
from rapport.decide.model import Ask, Candidate, Score
from rapport.kernel.work import Connection
from rapport.storage import settings
from rapport.storage.workspaces import workspace_of

__all__ = ["TRIED", "by_goals"]

TRIED = "goals"
"""Under this name a decision is given a mix that is tried (`Ask.trial`)."""


def by_goals(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> dict[str, Score]:
    """Each candidate with its worth; where looks alone are wanted the scores stay what they are."""
    wanted = ask.trial.get(TRIED)
    goals: GoalsSettings = wanted or settings.load(conn, ask.workspace, GOALS_SETTINGS).value
    currency = workspace_of(conn, ask.workspace).settings.currency
    known = figures_of(conn, ask.workspace, [candidate.item_id for candidate in candidates])
    total = sum(max(0.0, candidate.score) for candidate in candidates)
    worths = {
        one.item_id: worth_of(
            max(0.0, one.score) / total if total else 1 / len(candidates), known.get(one.item_id), goals,
            currency=currency,
        )
        for one in candidates
    }  # fmt: skip
    weights = {goal: getattr(goals, goal) for goal in GOALS}
    if not any(weight for goal, weight in weights.items() if goal != "looks"):
        return {one.item_id: Score(score=one.score, worth=worths[one.item_id]) for one in candidates}
    scores = mixed(worths, weights)
    return {one: Score(score=scores[one], worth=worth) for one, worth in worths.items()}
