"""Early access: what is not there for all yet is decided only for whom a tier or a membership opens it."""

from __future__ import annotations

from collections.abc import Sequence, Set

from sqlalchemy import Connection

from rapport.capabilities.loyalty.quoting import holder_of
from rapport.capabilities.loyalty.tiers import benefits_of
from rapport.capabilities.loyalty.versions import names_of, versions_of
from rapport.decide.model import PRODUCT, Ask, Candidate, EligibilityRule
from rapport.kernel.clock import from_iso
from rapport.kernel.errors import NotFound

__all__ = ["EARLY_ACCESS"]


def _barred(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> Set[str]:
    """Products that are not open to them yet. One small read where nothing is kept back; whose fails, bars."""
    offered = {one.item_id for one in candidates}
    barred: set[str] = set()
    for kept in names_of(conn, ask.workspace):
        closed = [one for one in kept.programme.early if from_iso(one.until) > ask.now and offered & set(one.products)]
        if not closed:
            continue
        versions = versions_of(conn, ask.workspace)[kept.name]
        try:
            holder = holder_of(
                conn, ask.workspace, versions, kept.name, min(ask.strands, default=None), now=ask.now
            )  # fmt: skip
        except NotFound:
            open_to: set[str] = set()
        else:
            benefits = benefits_of(holder.terms, holder.progress.tier, holder.plans)
            open_to = {one.what for one in benefits if one.kind == "access"}
        barred |= {product for one in closed if one.what not in open_to for product in one.products}
    return barred & offered


EARLY_ACCESS = EligibilityRule(
    name="early_access", title="Open to members before it is there for all", order=450, barred=_barred, kinds=(PRODUCT,)
)
