"""What measuring brings: every fact is counted, decisions are followed to clicks and orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rapport.collect.model import OWN_SOURCE
from rapport.decide.products import product_ids_of
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.plug import EVERY_FACT, Capability, Connection, Work
from rapport.measure import store
from rapport.measure.metrics import DECISIONS, FACTS
from rapport.measure.model import Measured
from rapport.measure.service import Happening, outcomes_of
from rapport.measure.store import DecisionRow, ItemRow, OutcomeRow
from rapport.remember import inputs

__all__ = ["capability"]

NAME = "measure"

CLICK_EVENTS = ("Product Clicked", "Recommendation Clicked", "Promotion Clicked", "Product Added")
"""Facts that name the decision they come from; so may `Product Viewed`."""


def _count(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key) -> None:
    work.note(NAME, (workspace, fact.received_at, fact.source))


def _decided(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key) -> None:
    """Only what Rapport itself states is a decision; anybody's key could send the name."""
    if fact.source != OWN_SOURCE:
        return
    properties = fact.properties
    policy = f"{properties['policy']['name']} {properties['policy']['version']}"
    work.note(NAME, DecisionRow(workspace, fact.id, fact.occurred_at, properties["placement"], policy, strand))
    if fact.user_id or fact.anonymous_id or fact.context.get("externalIds"):
        for chosen in properties["chosen"]:
            work.note(NAME, ItemRow(workspace, strand, fact.occurred_at, fact.id, chosen["product_id"]))


def _clicked(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key) -> None:
    decision_id = inputs.text(fact.properties.get("decision_id"))
    if decision_id is not None:
        for product_id in product_ids_of(fact)[:1]:
            work.note(NAME, OutcomeRow(workspace, decision_id, "clicked", product_id, fact.occurred_at, fact.id))


def _viewed(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key) -> None:
    if "decision_id" in fact.properties:
        _clicked(work, workspace, fact, strand)
    else:
        _happened(work, workspace, fact, strand, bought=False)


def _bought(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key) -> None:
    _happened(work, workspace, fact, strand, bought=True)


def _happened(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key, *, bought: bool) -> None:
    product_ids = product_ids_of(fact)
    if product_ids:
        work.note(NAME, Happening(workspace, strand, bought, fact.occurred_at, fact.id, product_ids))


def flush(conn: Connection, work: Work, notes: Sequence[Any], now: int) -> None:
    """Keep a batch's decisions first, then what came of those and of earlier ones."""
    store.save_decisions(conn, [n for n in notes if type(n) is DecisionRow], [n for n in notes if type(n) is ItemRow])
    outcomes = [n for n in notes if type(n) is OutcomeRow]
    happenings: dict[WorkspaceId, list[Happening]] = {}
    for note in notes:
        if type(note) is Happening:
            happenings.setdefault(note.workspace, []).append(note)
    for workspace, some in happenings.items():
        outcomes.extend(outcomes_of(conn, workspace, some))
    store.save_outcomes(conn, outcomes)
    store.add_minutes(conn, store.minutes_of(n for n in notes if type(n) is tuple))


def capability() -> Capability:
    """Measuring, for one process."""
    return Capability(
        name=NAME,
        handlers={
            EVERY_FACT: _count,
            "Decision Made": _decided,
            "Product Viewed": _viewed,
            "Order Completed": _bought,
            **dict.fromkeys(CLICK_EVENTS, _clicked),
        },
        flush=flush,
        metrics=(
            Measured(metric=DECISIONS, read=store.decisions_by),
            Measured(metric=FACTS, read=store.facts_by),
        ),
    )
