"""The stage of measuring: every fact is counted, decisions are followed to clicks and orders."""

from __future__ import annotations

from rapport.decide import people
from rapport.decide.facts import DECISION_MADE
from rapport.decide.model import PRODUCT
from rapport.decide.products import product_ids_of
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import EVERY_FACT, Connection, Seen, Work
from rapport.measure import store
from rapport.measure.clicks import MOST_PLACES, Click, follow
from rapport.measure.reported import without_known
from rapport.measure.sales import paid_for
from rapport.measure.service import Happening, outcomes_of
from rapport.measure.store import DecisionRow, ItemRow
from rapport.measure.unseen import orders_after
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = ["Following"]

CLICK_EVENTS = frozenset({"Product Clicked", "Recommendation Clicked", "Promotion Clicked", "Product Added"})
"""Facts that name the decision they come from; so may `Product Viewed`."""


ORDERED = "Order Completed"


class Following:
    """Keeps a batch's facts by minute, its decisions, and what its views and orders say of decisions."""

    listens_to = (EVERY_FACT,)

    def __init__(self) -> None:
        self._received: list[tuple[WorkspaceId, int, str]] = []
        self._decisions: list[DecisionRow] = []
        self._items: list[ItemRow] = []
        self._clicks: list[Click] = []
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
                self._happened(seen.workspace, seen.strand, fact, bought=False)
        elif name == ORDERED:
            self._happened(seen.workspace, seen.strand, fact, bought=True)
        elif name in CLICK_EVENTS:
            self._clicked(seen)
        elif name == DECISION_MADE:
            self._decided(seen)

    def flush(self, conn: Connection, work: Work, now: int) -> None:
        """Keep a batch's decisions first, then what came of those and of earlier ones."""
        store.save_decisions(conn, self._decisions, self._items)
        self._look_behind(conn)
        outcomes = follow(conn, self._clicks)
        for workspace, some in self._happenings.items():
            settings = work.known(conn, workspace, people.reading_settings)
            priced = (self._priced(happening, settings) if happening.bought else happening for happening in some)
            outcomes.extend(outcomes_of(conn, workspace, list(priced)))
        store.save_outcomes(conn, without_known(conn, outcomes))
        store.add_minutes(conn, store.minutes_of(self._received))
        self.abandon()

    def abandon(self) -> None:
        self._received, self._decisions, self._items, self._clicks = [], [], [], []
        self._happenings, self._ordered = {}, {}

    def _look_behind(self, conn: Connection) -> None:
        """Orders after what was shown that were folded before it; one that comes again is told once."""
        for workspace in {item.workspace for item in self._items}:
            shown = [item for item in self._items if item.workspace == workspace]
            for strand, fact in orders_after(conn, workspace, shown, ordered=ORDERED):
                if (workspace, fact.id) not in self._ordered:
                    self._happened(workspace, strand, fact, bought=True)

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
            place = _place(fact.properties.get("position"))
            for product_id in product_ids_of(fact)[:1]:
                self._clicks.append(Click(seen.workspace, decision_id, product_id, place, fact.occurred_at, fact.id))

    def _happened(self, workspace: WorkspaceId, strand: Key, fact: Fact, *, bought: bool) -> None:
        product_ids = product_ids_of(fact)
        if product_ids:
            order = (inputs.text(fact.properties.get("order_id")) or fact.id) if bought else ""
            happening = Happening(
                workspace, strand, bought, fact.occurred_at, fact.id, product_ids, order_id=order
            )  # fmt: skip
            self._happenings.setdefault(workspace, []).append(happening)
            if bought:
                self._ordered[workspace, fact.id] = fact

    def _priced(self, happening: Happening, settings: ReadingSettings) -> Happening:
        return happening._replace(paid=paid_for(self._ordered[happening.workspace, happening.fact_id], settings))


def _place(said: object) -> int:
    """The place on a slate that a click claims; 0 where it claims none that there is."""
    number = int(said) if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) < 4 else said
    return number if type(number) is int and 0 < number <= MOST_PLACES else 0
