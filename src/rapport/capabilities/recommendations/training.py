"""A shop's own training: its visits, a challenger, the last day as judge, and only what is better serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rapport.capabilities.recommendations import models
from rapport.capabilities.recommendations.models import Card, Figures, Loaded
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.errors import InvalidInput, Misconfigured
from rapport.kernel.gate import PERSONALISATION, Gate
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.engine import Database

if TYPE_CHECKING:
    from lightgbm import Booster

    from rapport.capabilities.recommendations.learning.ranker import Recommender
    from rapport.capabilities.recommendations.learning.rows import Ints
    from rapport.capabilities.recommendations.visits import Visits

__all__ = ["FEWEST_VISITS", "train_shop"]

FEWEST_VISITS = 200
"""Visits of two products or more; from fewer no order is learnt."""

LAST_DAY = DAY
FEWEST_QUERIES = 50
"""With fewer steps on the last day the newest KEPT_BACK of the visits are the judge."""

KEPT_BACK = 0.07
QUERIES = 4_000

Tell = Callable[[str, float], None]
"""Hears what is done now and how much of the whole is behind."""


def train_shop(
    db: Database, workspace: WorkspaceId, *, gate: Gate, now: int | None = None,
    tell: Tell = lambda step, share: None,
) -> Card:  # fmt: skip
    """Learn a shop's order anew; it serves from now on if it is better than what serves.

    Raises Misconfigured, and Conflict where another process does it now.
    """
    now = now_us() if now is None else now
    folder = models.folder_of(_data_folder(db), workspace)
    began = time.monotonic()

    def told(step: str, share: float) -> None:
        models.say_progress(folder, step, share, now=now_us())
        tell(step, share)

    def may(strands: Collection[Key]) -> list[Key]:
        with db.read() as conn:
            permits = gate(conn, workspace, strands, PERSONALISATION, now)
        return [strand for strand in strands if permits[strand].may]

    _check_installed()
    with models.alone(folder):
        card = _train(db, workspace, folder, may=may, now=now, tell=told, began=began)
        told("done", 1.0)
    return card


def _check_installed() -> None:
    """Raises Misconfigured where a package that learns is absent."""
    try:
        import rapport.capabilities.recommendations.learning.ranker  # noqa: F401
    except ImportError as error:
        raise Misconfigured(
            f"learning from visits needs a package that is not installed: {error.name}",
            hint="pip install 'rapport[recommendations]'",
        ) from error


def _train(
    db: Database, workspace: WorkspaceId, folder: Path, *, may: Callable[[Collection[Key]], list[Key]], now: int,
    tell: Tell, began: float,
) -> Card:  # fmt: skip
    from rapport.capabilities.recommendations.learning import ranker
    from rapport.capabilities.recommendations.visits import read_visits

    visits = read_visits(db, workspace, now=now, may=may, tell=lambda share: tell("reading visits", 0.3 * share))
    told = Card(
        trained_at=now, outcome="too_little", words="", visits=len(visits.sessions), left_out=visits.left_out,
        products=len(visits.products), since=int(visits.ended_at[0]) if len(visits.ended_at) else 0,
        upto=int(visits.ended_at[-1]) if len(visits.ended_at) else 0,
    )  # fmt: skip
    useful = sum(len(session) > 1 for session in visits.sessions)
    if useful < FEWEST_VISITS:
        return _kept(
            folder, told, began, outcome="too_little",
            words=f"{useful:,} visits to two products or more; {FEWEST_VISITS} are the fewest to learn from",
        )  # fmt: skip
    items = len(visits.products)
    cut = _cut(visits.sessions, visits.before(told.upto - LAST_DAY))
    tell("learning from all but the last day", 0.35)
    try:
        examples = ranker.collect_examples(visits.sessions[:cut], items=items, arounds=visits.arounds[:cut])
        trees = ranker.train(examples, ranker.Settings())
    except InvalidInput as error:
        return _kept(folder, told, began, outcome="too_little", words=error.message)
    challenger = _model_of(visits, trees, upto=cut)
    tell("asking about the last day", 0.7)
    serving = models.load(folder)
    card, is_better = _judged(told, challenger, serving, visits, cut)
    if not is_better:
        return _kept(folder, card, began, outcome="kept_the_one_before", words=_beaten(card))
    tell("taking in the last day", 0.85)
    whole = _model_of(visits, trees, upto=len(visits.sessions))
    card = msgspec.structs.replace(
        card, outcome="serving", words="better than what served before" if serving else "the first to serve",
        took_seconds=round(time.monotonic() - began, 1),
    )  # fmt: skip
    models.save(folder, whole, visits.products, card)
    return card


def _model_of(visits: Visits, trees: Booster, *, upto: int) -> Recommender:
    """These trees with an index of the first visits, and with what suits which surroundings where they read that."""
    from rapport.capabilities.recommendations.learning.candidates import FEATURES
    from rapport.capabilities.recommendations.learning.index import build_index
    from rapport.capabilities.recommendations.learning.lifts import learn_lifts
    from rapport.capabilities.recommendations.learning.ranker import Recommender

    sessions, arounds, items = visits.sessions[:upto], visits.arounds[:upto], len(visits.products)
    reads_lifts = trees.num_feature() > len(FEATURES)
    lifts = learn_lifts(sessions, arounds, items=items) if reads_lifts else None
    return Recommender(build_index(sessions, items=items), trees, lifts=lifts)


def _cut(sessions: list[list[int]], by_day: int) -> int:
    """Where the visits begin that judge: with the last day, or earlier where too little happened on it."""
    steps = sum(len(session) - 1 for session in sessions[by_day:])
    enough = steps >= FEWEST_QUERIES and by_day >= len(sessions) // 2
    return by_day if enough else int(len(sessions) * (1 - KEPT_BACK))


def _judged(card: Card, challenger: Recommender, serving: Loaded | None, visits: Visits, cut: int) -> tuple[Card, bool]:
    """The card with all figures, and whether the challenger is the better one. Ties go to the newer model.

    The champion is asked about visits it has learnt from only where it was trained within the day; that is in its
    favour, so nothing worse comes to serve by it.
    """
    import numpy as np

    from rapport.capabilities.recommendations.learning.ranker import queries_around

    index = challenger.finder.index
    known = np.flatnonzero(index.popularity).astype(np.int32)
    queries = queries_around(visits.sessions[cut:], visits.arounds[cut:], known=known, most=QUERIES)
    popular = np.argsort(-index.recent, kind="stable")[:20].astype(np.int32)
    figures = _figures([
        (challenger.rank(session, limit=20, around=around)[0], right) for (session, right), around in queries
    ])  # fmt: skip
    by_popularity = _figures([(popular, right) for (_, right), _ in queries])
    champion = None
    if serving is not None:
        numbers = [serving.numbers.get(product_id, -1) for product_id in visits.products]
        champion = _figures([
            (serving.recommender.rank([numbers[item] for item in session], limit=20, around=around)[0], numbers[right])
            for (session, right), around in queries
        ])  # fmt: skip
    card = msgspec.structs.replace(
        card, queries=len(queries), challenger=figures, champion=champion, popularity=by_popularity
    )
    rival = champion or by_popularity
    return card, bool(queries) and figures.hr20 + figures.mrr20 >= rival.hr20 + rival.mrr20


def _figures(answers: Sequence[tuple[Ints, int]]) -> Figures:
    import numpy as np

    hits, reciprocal = 0, 0.0
    for best, right in answers:
        places = np.flatnonzero(best == right)
        if right >= 0 and len(places):
            hits += 1
            reciprocal += 1 / (int(places[0]) + 1)
    number = max(len(answers), 1)
    return Figures(hr20=round(100 * hits / number, 2), mrr20=round(100 * reciprocal / number, 2))


def _beaten(card: Card) -> str:
    rival = "the model that serves" if card.champion else "what is merely popular"
    return f"on the last day it found less than {rival}, so nothing changes"


def _kept(folder: Path, card: Card, began: float, *, outcome: str, words: str) -> Card:
    card = msgspec.structs.replace(
        card, outcome=outcome, words=words, took_seconds=round(time.monotonic() - began, 1)
    )  # fmt: skip
    models.write_attempt(folder, card)
    return card


def _data_folder(db: Database) -> Path:
    if db.folder is None:
        raise Misconfigured("models are kept in the data folder, and none is known here", hint="--data DIR")
    return db.folder
