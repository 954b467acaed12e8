"""What the recommendations bring: views, adds and orders become counts; `product.also` is filled from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from rapport.capabilities.recommendations import store
from rapport.capabilities.recommendations.command import COMMANDS
from rapport.capabilities.recommendations.jobs import TRAINING
from rapport.capabilities.recommendations.model import Step, StepKind, follow
from rapport.capabilities.recommendations.moments import add_moments, product_moments
from rapport.capabilities.recommendations.places import ELIGIBILITY, PLACEMENTS, SOURCES
from rapport.capabilities.recommendations.retention import MOMENTS_RETENTION, PAIRS_RETENTION, RECENTS_RETENTION
from rapport.capabilities.recommendations.service import known_places
from rapport.capabilities.recommendations.surroundings import counted, said_by, surroundings_of
from rapport.collect.statements import REPORT, reports_of
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.decide.products import product_ids_of
from rapport.kernel.clock import zone_named
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import BatchStage, Connection, Seen, Work
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings
from rapport.storage.workspaces import workspace_of

__all__ = ["RECOMMENDATIONS"]

_READING = ReadingSettings()
"""What a device is does not depend on the shop."""
_KINDS: dict[str, StepKind] = {"Product Viewed": "viewed", "Product Added": "added", "Order Completed": "bought"}


def _step(seen: Seen) -> Step | None:
    fact, product_ids = seen.fact, product_ids_of(seen.fact)
    if not product_ids:
        return None
    order_id = inputs.text(fact.properties.get("order_id")) if fact.name == REPORT else None
    kind = _KINDS[fact.name]
    said = said_by(fact, _READING)
    return Step(seen.workspace, seen.strand, kind, fact.occurred_at, product_ids, fact.id, order_id or "", said)


def _count(conn: Connection, work: Work, notes: Sequence[Step], now: int) -> None:
    """Count a batch of steps, each order once."""
    recents = store.load_recents(conn, {(step.workspace, step.strand) for step in notes})
    zones = {shop: work.known(conn, shop, _zone) for shop in {step.workspace for step in notes}}
    places = {shop: known_places(conn, shop) for shop in zones}
    placed = [
        step._replace(
            around=counted(surroundings_of(step.at, zones[step.workspace], step.said), places[step.workspace])
        )
        for step in _once(conn, notes)
    ]
    steps = follow(placed, recents)
    store.save_recents(conn, recents, now=now)
    store.add_counts(conn, steps, now=now)
    add_moments(conn, steps.moments)


def _zone(conn: Connection, workspace: WorkspaceId) -> tzinfo:
    return zone_named(workspace_of(conn, workspace).settings.time_zone)


def _once(conn: Connection, notes: Sequence[Step]) -> list[Step]:
    """The steps without reports of orders that were reported before, in this batch or an earlier one."""
    batch = {step.fact for step in notes}
    told: set[tuple[WorkspaceId, str]] = set()
    for workspace in {step.workspace for step in notes if step.order_id}:
        ids = {step.order_id for step in notes if step.order_id and step.workspace == workspace}
        told |= {(workspace, order_id) for order_id, fact in reports_of(conn, workspace, ids) if fact not in batch}
    kept = []
    for step in notes:
        order = (step.workspace, step.order_id)
        if not step.order_id or order not in told:
            kept.append(step)
            if step.order_id:
                told.add(order)
    return kept


RECOMMENDATIONS = Slice(
    name="recommendations",
    title="Recommendations",
    stage=lambda: BatchStage[Step](_KINDS, read=_step, write=_count),
    jobs=(PAIRS_RETENTION, RECENTS_RETENTION, MOMENTS_RETENTION, TRAINING),
    commands=COMMANDS,
    web="rapport.capabilities.recommendations.web:WEB",
    placements=PLACEMENTS,
    candidates=SOURCES,
    eligibility=ELIGIBILITY,
    holds=(
        of_person(store.recent_products, "the products somebody looked at last"),
        of_shop(store.covisits, "how often two products were looked at or bought together"),
        of_shop(store.product_counts, "how often a product was looked at or bought"),
        of_shop(product_moments, "how often, by store, part of the day, weather and device, for eight weeks"),
    ),
)
