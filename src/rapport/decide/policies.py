"""Policies any placement may use. Pure: candidates and chance in, a slate with its odds out."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from rapport.decide.model import Candidate, Choice

__all__ = ["POOL", "EpsilonGreedy"]

POOL = 50
"""Candidates that take part, the best ones, where a policy says nothing else; judging policies counts on it."""


class EpsilonGreedy(msgspec.Struct, frozen=True, kw_only=True):
    """Fill the slate place by place: mostly the best candidate left, with probability `epsilon` any one left.

    Only the `pool` best candidates take part. The odds of each place are exact, so a logged slate can be weighed
    against any other policy (inverse propensity).
    """

    name: str
    version: str
    epsilon: float
    pool: int

    def choose(self, candidates: Sequence[Candidate], *, limit: int, rng: random.Random) -> list[Choice]:
        """The slate, at most `limit` places. Ties go to the smaller item id."""
        left = sorted(candidates, key=lambda c: (-c.score, c.item_id))[: max(self.pool, limit)]
        slate: list[Choice] = []
        while left and len(slate) < limit:
            place = rng.randrange(len(left)) if rng.random() < self.epsilon else 0
            odds = self.epsilon / len(left) + (1 - self.epsilon if place == 0 else 0.0)
            slate.append(Choice(candidate=left.pop(place), odds=odds, explored=place != 0))
        return slate
