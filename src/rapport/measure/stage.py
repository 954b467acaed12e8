"""The stage of measuring: every fact is counted, decisions are followed to clicks and orders."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.decide import people
from rapport.decide.facts import DECISION_MADE
from rapport.decide.model import PRODUCT
from rapport.decide.products import product_ids_of
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import EVERY_FACT, Connection, Seen, Work
from rapport.measure import store
from rapport.measure.sales import paid_for
from rapport.measure.service import Happening, outcomes_of
from rapport.measure.store import DecisionRow, ItemRow, OutcomeRow
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = ["Following"]

CLICK_EVENTS = frozenset({"Product Clicked", "Recommendation Clicked", "Promotion Clicked", "Product Added"})
"""Facts that name the decision they come from; so may `Product Viewed`."""


class Following:
    """Keeps a batch's facts by minute, its decisions, and what its views and orders say of decisions."""

    listens_to = (EVERY_FACT,)

    def __init__(self) -> None:
        self._received: list[tuple[WorkspaceId, int, str]] = []
        self._decisions: list[DecisionRow] = []
        self._items: list[ItemRow] = []
        self._outcomes: list[OutcomeRow] = []
        self._happenings: dict[WorkspaceId, list[Happening]] = {}
        self._ordered: dict[tuple[WorkspaceId, str], Fact] = {}

    def handle(self, seen: Seen) -> None:
        fact = seen.fact
        self._received.append((seen.workspace, fact.received_at, fact.source))
        name = fact.name
        if name == "Product Viewed":
            if "decision_id" in fact.properties:
                self._clicked(seen)
            else:
                self._happened(seen, bought=False)
        elif name == "Order Completed":
            self._happened(seen, bought=True)
        elif name in CLICK_EVENTS:
            self._clicked(seen)
        elif name == DECISION_MADE:
            self._decided(seen)

    def flush(self, conn: Connection, work: Work, now: int) -> None:
        """Keep a batch's decisions first, then what came of those and of earlier ones."""
        store.save_decisions(conn, self._decisions, self._items)
        for workspace, some in self._happenings.items():
            settings = work.known(conn, workspace, people.reading_settings)
            priced = (self._priced(happening, settings) if happening.bought else happening for happening in some)
            self._outcomes.extend(outcomes_of(conn, workspace, list(priced)))
        store.save_outcomes(conn, _of_what_was_shown(conn, self._outcomes))
        store.add_minutes(conn, store.minutes_of(self._received))
        self.abandon()

    def abandon(self) -> None:
        self._received, self._decisions, self._items, self._outcomes = [], [], [], []
        self._happenings, self._ordered = {}, {}

    def _decided(self, seen: Seen) -> None:
        fact, properties = seen.fact, seen.fact.properties
        policy = f"{properties['policy']['name']} {properties['policy']['version']}"
        placement, at = properties["placement"], fact.occurred_at
        self._decisions.append(DecisionRow(seen.workspace, fact.id, at, placement, policy, seen.strand))
        if fact.user_id or fact.anonymous_id or fact.context.get("externalIds"):
            for chosen in properties["chosen"]:
                kind, item_id = chosen.get("kind", PRODUCT), chosen.get("item_id") or chosen["product_id"]
                self._items.append(ItemRow(seen.workspace, seen.strand, at, fact.id, item_id, kind))

    def _clicked(self, seen: Seen) -> None:
        fact = seen.fact
        decision_id = inputs.text(fact.properties.get("decision_id"))
        if decision_id is not None:
            for product_id in product_ids_of(fact)[:1]:
                row = OutcomeRow(seen.workspace, decision_id, "clicked", product_id, fact.occurred_at, fact.id)
                self._outcomes.append(row)

    def _happened(self, seen: Seen, *, bought: bool) -> None:
        fact, product_ids = seen.fact, product_ids_of(seen.fact)
        if product_ids:
            happening = Happening(seen.workspace, seen.strand, bought, fact.occurred_at, fact.id, product_ids)
            self._happenings.setdefault(seen.workspace, []).append(happening)
            if bought:
                self._ordered[seen.workspace, fact.id] = fact

    def _priced(self, happening: Happening, settings: ReadingSettings) -> Happening:
        return happening._replace(paid=paid_for(self._ordered[happening.workspace, happening.fact_id], settings))


def _of_what_was_shown(conn: Connection, outcomes: Sequence[OutcomeRow]) -> list[OutcomeRow]:
    """Without clicks on what their decision did not show: a client may say any id. Of whom nobody knows it is believed,
    and where the decision comes later than the click.
    """
    shown: dict[tuple[WorkspaceId, str], set[str]] = {}
    for workspace in {row.workspace for row in outcomes if row.kind == "clicked"}:
        asked = {row.decision_id for row in outcomes if row.workspace == workspace and row.kind == "clicked"}
        found = store.shown_by(conn, workspace, asked)
        shown |= {(workspace, decision): items for decision, items in found.items()}
    return [
        row
        for row in outcomes
        if row.kind != "clicked" or row.product_id in shown.get((row.workspace, row.decision_id), {row.product_id})
    ]
