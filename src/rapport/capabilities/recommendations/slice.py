"""What the recommendations bring: views, adds and orders become counts; `product.also` is filled from them."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.capabilities.recommendations import store
from rapport.capabilities.recommendations.command import COMMANDS
from rapport.capabilities.recommendations.jobs import TRAINING
from rapport.capabilities.recommendations.model import Step, StepKind, follow
from rapport.capabilities.recommendations.places import ELIGIBILITY, PLACEMENTS, SOURCES
from rapport.capabilities.recommendations.retention import PAIRS_RETENTION, RECENTS_RETENTION
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.decide.products import product_ids_of
from rapport.kernel.work import BatchStage, Connection, Seen, Work

__all__ = ["RECOMMENDATIONS"]

_KINDS: dict[str, StepKind] = {"Product Viewed": "viewed", "Product Added": "added", "Order Completed": "bought"}


def _step(seen: Seen) -> Step | None:
    fact, product_ids = seen.fact, product_ids_of(seen.fact)
    if not product_ids:
        return None
    return Step(seen.workspace, seen.strand, _KINDS[fact.name], fact.occurred_at, product_ids)


def _count(conn: Connection, work: Work, notes: Sequence[Step], now: int) -> None:
    """Count a batch of steps."""
    recents = store.load_recents(conn, {(step.workspace, step.strand) for step in notes})
    steps = follow(notes, recents)
    store.save_recents(conn, recents, now=now)
    store.add_counts(conn, steps, now=now)


RECOMMENDATIONS = Slice(
    name="recommendations",
    title="Recommendations",
    stage=lambda: BatchStage[Step](_KINDS, read=_step, write=_count),
    jobs=(PAIRS_RETENTION, RECENTS_RETENTION, TRAINING),
    commands=COMMANDS,
    web="rapport.capabilities.recommendations.web:WEB",
    placements=PLACEMENTS,
    candidates=SOURCES,
    eligibility=ELIGIBILITY,
    holds=(
        of_person(store.recent_products, "the products somebody looked at last"),
        of_shop(store.covisits, "how often two products were looked at or bought together"),
        of_shop(store.product_counts, "how often a product was looked at or bought"),
    ),
)
