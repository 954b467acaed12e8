"""What the recommendations bring: views, adds and orders become counts; `product.also` is filled from them."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.capabilities.recommendations import store
from rapport.capabilities.recommendations.model import Step, StepKind, follow
from rapport.capabilities.recommendations.policies import PRODUCT_ALSO
from rapport.capabilities.recommendations.service import product_also
from rapport.decide.model import Placement
from rapport.decide.products import product_ids_of
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.plug import Capability, Connection, Handler, Work

__all__ = ["capability"]

NAME = "recommendations"


def _noting(kind: StepKind) -> Handler:
    def note(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key) -> None:
        product_ids = product_ids_of(fact)
        if product_ids:
            work.note(NAME, Step(workspace, strand, kind, fact.occurred_at, product_ids))

    return note


def flush(conn: Connection, work: Work, notes: Sequence[Step], now: int) -> None:
    """Count a batch of steps."""
    recents = store.load_recents(conn, {(step.workspace, step.strand) for step in notes})
    steps = follow(notes, recents)
    store.save_recents(conn, recents)
    store.add_counts(conn, steps, now=now)


_HANDLERS: dict[str, Handler] = {
    "Product Viewed": _noting("viewed"),
    "Product Added": _noting("added"),
    "Order Completed": _noting("bought"),
}

_ALSO = Placement(
    name="product.also",
    title="You may also like",
    description="Other products beside the one on the page (context.product_id).",
    offer=product_also,
    policy=PRODUCT_ALSO,
)


def capability() -> Capability:
    """The recommendations, for one process."""
    return Capability(name=NAME, handlers=_HANDLERS, flush=flush, placements=(_ALSO,))
