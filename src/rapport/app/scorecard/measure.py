"""One measurement: the customers of this moment beside the people who have come so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from rapport.app.scorecard.examples import Mixed, Parted, mixed_customers, parted_people
from rapport.app.scorecard.state import Customers, read_customers
from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.linking.models import active_version
from rapport.world.scoring import Assigned, Scores, compare, one_person
from rapport.world.truth import Known, owners

__all__ = ["Agreement", "Figures", "Measurement", "measure"]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How well customers match people over some pairs of identifiers; `world.scoring.Scores` defines each number."""

    identifiers: int
    shared: int
    true_pairs: int
    found_pairs: int
    right_pairs: int
    lone_pairs: int
    precision: float
    recall: float
    recall_but_lone: float
    f1: float

    @classmethod
    def of(cls, scores: Scores) -> Figures:
        """The scores as they are written down, ratios to five digits."""
        return cls(
            identifiers=scores.identifiers, shared=scores.shared, true_pairs=scores.true_pairs,
            found_pairs=scores.found_pairs, right_pairs=scores.right_pairs, lone_pairs=scores.lone_pairs,
            precision=round(scores.precision, 5), recall=round(scores.recall, 5),
            recall_but_lone=round(scores.recall_but_lone, 5), f1=round(scores.f1, 5),
        )  # fmt: skip


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """One way to put identifiers into customers, beside the truth."""

    overall: Figures
    channels: dict[str, Figures]
    """Channel → over the pairs of which at least one end was first seen there; `world.scoring.compare`."""
    mixed: int
    """Customers that hold identifiers of several people."""
    parted: int
    """People whose identifiers are in several customers."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the scorecard."""

    at: int
    """The shop's time in microseconds: while its past is told, that of the newest message; while it is live, now."""
    live: bool
    facts: int
    """Sent by the simulation so far, without what earlier runs sent while they were live."""
    people: int
    """Who has come so far."""
    customers: int
    found: Agreement
    """Customers as they are."""
    certain: Agreement
    """Customers as they would be if no learned link counted."""
    model: int | None = None
    """Version of the model in force that learned links come from."""
    right_links: int = 0
    """Learned links between two units of which both hold identifiers of one same person."""
    wrong_links: int = 0
    """Learned links between two units that have nobody in common."""
    several_in_one: list[Mixed] = []
    """The worst of the wrong merges."""
    one_in_several: list[Parted] = []
    """The worst of the misses."""


def measure(
    conn: Connection, workspace: WorkspaceId, known: Sequence[Known], *, at: int, live: bool, facts: int
) -> Measurement:
    """Hold the customers of this moment against the people who have come. Raises NotFound before the first customer.

    A few set-based reads, among them all identifiers of the workspace; linear in their number.
    """
    customers, truth, ids = read_customers(conn, workspace), owners(known), load_customer_ids(conn)
    names = {person.person: person.name for person in known}
    links = _judged(customers, truth)
    found = _answer(customers.found(), truth)
    return Measurement(
        at=at,
        live=live,
        facts=facts,
        people=len(known),
        customers=len(set(customers.roots.values())),
        found=found,
        certain=_answer(customers.certain(), truth) if customers.links else found,
        model=active_version(conn, workspace),
        right_links=links.count(True),
        wrong_links=links.count(False),
        several_in_one=mixed_customers(customers, truth, names, ids),
        one_in_several=parted_people(customers, truth, names, ids),
    )


def _answer(assigned: Mapping[Identifier, Assigned], truth: Mapping[Identifier, set[str]]) -> Agreement:
    found = compare(assigned, truth)
    return Agreement(
        overall=Figures.of(found.overall),
        channels={channel: Figures.of(scores) for channel, scores in found.by_channel.items()},
        mixed=found.mixed,
        parted=found.parted,
    )


def _judged(customers: Customers, truth: Mapping[Identifier, set[str]]) -> list[bool | None]:
    """Of each learned link that ties two units, whether it is right."""
    members = customers.unit_members()
    units = ((customers.units[a], customers.units[b]) for a, b in customers.links)
    return [one_person(members[a], members[b], truth) for a, b in units if a != b]
