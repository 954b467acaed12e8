"""The ranker: gradient-boosted trees that put the candidates of a session in order, trained on later sessions.

**Source:** LambdaRank (Burges, MSR-TR-2010-82) as LightGBM trains it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import lightgbm
import numpy as np

from rapport.capabilities.recommendations.learning.candidates import FEATURES, CandidateFinder, Found
from rapport.capabilities.recommendations.learning.index import SessionIndex, build_index
from rapport.capabilities.recommendations.learning.lifts import LIFTS, Arounds, Lifts, learn_lifts
from rapport.capabilities.recommendations.learning.rows import Bools, Floats, Ints
from rapport.capabilities.recommendations.surroundings import NOWHERE, Surroundings
from rapport.kernel.errors import InvalidInput

__all__ = [
    "CANDIDATES",
    "Examples",
    "Recommender",
    "Settings",
    "collect_examples",
    "learn",
    "queries_around",
    "queries_of",
    "train",
]

CANDIDATES = 150
"""Of one query, the best by the blend; what is not among them is never shown."""

QUERIES = 60_000
"""Lists the trees are trained on at most."""

LATER = 0.12
"""Of the sessions, the newest: the trees are trained on them, with an index of all before."""

_STOP_ON = 0.1
"""Of the lists, the last: training stops when they do not become better."""

_STOP_AFTER = 40

Query: TypeAlias = tuple[Sequence[int], int]
"""A running session, and what was met next."""


class Settings(NamedTuple):
    """What is chosen on sessions that are not part of training."""

    leaves: int = 63
    rate: float = 0.08
    rounds: int = 600
    truncation: int = 20


class Examples(NamedTuple):
    """Lists of candidates one behind the other, with which was right and how long each list is."""

    features: Floats
    right: Ints
    sizes: Ints


class Recommender:
    """An index with its ranker. Safe to share between threads."""

    def __init__(
        self, index: SessionIndex, trees: lightgbm.Booster, *, candidates: int = CANDIDATES, lifts: Lifts | None = None
    ) -> None:
        self.finder = CandidateFinder(index, most=candidates)
        self.trees = trees
        self.lifts = lifts

    def rank(
        self, session: Sequence[int], *, limit: int, allowed: Bools | None = None, around: Surroundings = NOWHERE
    ) -> tuple[Ints, Floats]:
        """The best next items for a running session, best first, and their scores. Items are never outside the index.

        Where `allowed` marks items, no other takes part: it never costs one of them its place. Costs about a
        millisecond on one thread.
        """
        found = self.describe(session, allowed=allowed, around=around)
        if found is None:
            popular = self.popular(limit=limit, allowed=allowed)
            return popular, self.finder.index.recent[popular]
        scores = self.scores(found)
        best = np.argsort(-scores, kind="stable")[:limit]
        return found.items[best], scores[best]

    def describe(
        self, session: Sequence[int], *, allowed: Bools | None = None, around: Surroundings = NOWHERE
    ) -> Found | None:
        """The candidates with what is known of each here and now; None for a session without a known item."""
        known = [item for item in session if 0 <= item < self.finder.index.items]
        return _described(self.finder, self.lifts, known, around, allowed=allowed) if known else None

    def scores(self, found: Found) -> Floats:
        """How the trees rate them: differences are log-odds between two candidates."""
        if not len(found.items):
            return np.zeros(0, dtype=np.float32)
        return np.asarray(self.trees.predict(found.features, num_threads=1), dtype=np.float32)

    def popular(self, *, limit: int, allowed: Bools | None = None) -> Ints:
        """What is met most just now."""
        recent = self.finder.index.recent
        best = np.argsort(-(recent if allowed is None else np.where(allowed, recent, -1.0)), kind="stable")[:limit]
        return best[allowed[best]].astype(np.int32) if allowed is not None else best.astype(np.int32)


def learn(sessions: Sequence[Sequence[int]], *, items: int, settings: Settings | None = None) -> Recommender:
    """Learn from whole sessions, oldest first: trees from the later ones, then the index anew from all.

    The items are numbers below `items`. Raises InvalidInput where the later sessions hold nothing to learn from.
    """
    trees = train(collect_examples(sessions, items=items), settings or Settings())
    return Recommender(build_index(sessions, items=items), trees)


def collect_examples(sessions: Sequence[Sequence[int]], *, items: int, arounds: Arounds | None = None) -> Examples:
    """What the newest LATER of the sessions teach about an index of all before: lists with the item that was right.

    With `arounds`, what items suit which surroundings is learnt of all before, too.
    """
    cut = int(len(sessions) * (1 - LATER))
    index = build_index(sessions[:cut], items=items)
    known = np.flatnonzero(index.popularity).astype(np.int32)
    lifts = None if arounds is None else learn_lifts(sessions[:cut], arounds[:cut], items=items)
    later = None if arounds is None else arounds[cut:]
    queries = queries_around(sessions[cut:], later, known=known, most=QUERIES)
    return _examples(CandidateFinder(index, most=CANDIDATES), lifts, queries)


def queries_of(sessions: Iterable[Sequence[int]], *, known: Ints, most: int, seed: int = 1) -> list[Query]:
    """Every beginning of a session with the item that followed, all of them known; at most so many, by chance."""
    return [query for query, _ in queries_around(sessions, None, known=known, most=most, seed=seed)]


def queries_around(
    sessions: Iterable[Sequence[int]], arounds: Arounds | None, *, known: Ints, most: int, seed: int = 1
) -> list[tuple[Query, Surroundings]]:
    """The same, each with the surroundings of its last step."""
    marks = set(known.tolist())
    found: list[tuple[Query, Surroundings]] = []
    for number, session in enumerate(sessions):
        for length in range(1, len(session)):
            if session[length - 1] not in marks or session[length] not in marks:
                break
            around = NOWHERE if arounds is None else arounds[number][length - 1]
            found.append(((session[:length], session[length]), around))
    random.Random(seed).shuffle(found)
    return found[:most]


def _described(
    finder: CandidateFinder, lifts: Lifts | None, session: Sequence[int], around: Surroundings, *,
    allowed: Bools | None = None,
) -> Found:  # fmt: skip
    """Candidates with their features: those of visits, behind them those of surroundings where these were learnt."""
    found = finder.find(session, allowed=allowed)
    if lifts is None:
        return found
    return Found(found.items, np.hstack((found.features, lifts.of(around, found.items))))


def train(examples: Examples, settings: Settings) -> lightgbm.Booster:
    """Trees that put lists like these in order. Raises InvalidInput where there are too few lists."""
    cut = int(len(examples.sizes) * (1 - _STOP_ON))
    if cut < 1:
        raise InvalidInput(
            f"the newest sessions teach {len(examples.sizes)} lists, which is too little to learn an order from",
            hint="train again when more visitors have looked at two products or more",
        )
    rows = int(examples.sizes[:cut].sum())
    options: dict[str, Any] = {
        "objective": "lambdarank", "metric": "ndcg", "eval_at": [20], "num_leaves": settings.leaves,
        "learning_rate": settings.rate, "min_data_in_leaf": 50, "verbosity": -1, "seed": 1, "deterministic": True,
        "lambdarank_truncation_level": settings.truncation, "feature_fraction": 0.8, "bagging_fraction": 0.8,
        "bagging_freq": 1, "num_threads": 1,
    }  # fmt: skip
    taught = lightgbm.Dataset(
        examples.features[:rows], examples.right[:rows], group=examples.sizes[:cut],
        feature_name=list((*FEATURES, *LIFTS)[: examples.features.shape[1]]),
    )  # fmt: skip
    kept = lightgbm.Dataset(
        examples.features[rows:], examples.right[rows:], group=examples.sizes[cut:], reference=taught
    )
    stop = lightgbm.early_stopping(_STOP_AFTER, verbose=False)
    return lightgbm.train(options, taught, settings.rounds, valid_sets=[kept], callbacks=[stop])


def _examples(finder: CandidateFinder, lifts: Lifts | None, queries: Iterable[tuple[Query, Surroundings]]) -> Examples:
    """Lists without the right item teach nothing and are left out."""
    width = len(FEATURES) + (len(LIFTS) if lifts is not None else 0)
    features: list[Floats] = [np.zeros((0, width), dtype=np.float32)]
    right: list[Ints] = [np.zeros(0, dtype=np.int32)]
    sizes: list[int] = []
    for (session, following), around in queries:
        found = _described(finder, lifts, session, around)
        hits = found.items == following
        if hits.any():
            features.append(found.features)
            right.append(hits.astype(np.int32))
            sizes.append(len(hits))
    return Examples(np.concatenate(features), np.concatenate(right), np.array(sizes, dtype=np.int32))
