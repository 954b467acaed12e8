"""The Golden Record: everything remembered of one customer, merged from its strands at the moment it is asked for.

Nothing is stored under a customer, so a merge of two customers, and a split, are right at once and for the whole past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.gate import Choice, Choosing
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.remember.backfill import ready
from rapport.remember.membership import names_by_root
from rapport.remember.nobodys import CONTACTS, nobodys
from rapport.remember.registry import Held, Remembered, StrandState
from rapport.remember.store import customers, states_of
from rapport.remember.strands import decode_state
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.linking.units import units_among
from rapport.resolve.reading.identities import (
    Member,
    find,
    identifiers_of_customer,
    members_of_customers,
    worth_showing,
)
from rapport.resolve.reading.references import find_key, find_root, normalised

__all__ = [
    "Gathered",
    "GoldenRecord",
    "IdentifierShown",
    "TraitShown",
    "find_key",
    "find_root",
    "gather",
    "golden_record",
    "normalised",
]


class IdentifierShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """One name of a customer."""

    namespace: str
    value: str
    probable: bool = False
    """True where only a learned link says that it is this customer's."""


class TraitShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is known, by which fact, and by which rule."""

    value: Any
    source: str
    """The source of the fact."""
    occurred_at: str
    """When the fact happened."""
    fact_id: str
    """The fact that determined the value: its messageId."""
    rule: str
    """The sentence that says how the value comes from facts."""
    probable: bool | msgspec.UnsetType = msgspec.UNSET
    """True where the value would be another without learned links."""


class GoldenRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One customer. Traits without a value are left out."""

    id: CustomerId
    identifiers: list[IdentifierShown]
    traits: dict[str, TraitShown]
    segments: list[str] = []
    """The names of the segments it is in, at most a second behind the traits."""
    probable: list[CustomerId] | msgspec.UnsetType = msgspec.UNSET
    """Who else this customer is, by learned links alone. What is known of them is left out, unless asked for."""


class Gathered(NamedTuple):
    """A customer's identifiers, and its merged state where any of them has been through something."""

    members: list[Member]
    state: StrandState | None


def golden_record(
    conn: Connection,
    workspace: WorkspaceId,
    key: Key,
    *,
    now: int,
    remembered: Remembered,
    probable: bool = False,
) -> GoldenRecord:
    """The Golden Record of the customer who has this identifier. Raises NotFound where nobody has.

    It holds what is certainly of the person who was asked for. What only a learned link adds is told where `probable`
    is asked for, for the shop's own staff; consent is never added.

    Traits whose parts are being filled from the log are left out until they are whole.

    Cost: eleven queries, and about 10 microseconds by kilobyte of the strands' states.
    """
    remembered = ready(conn, remembered)
    root = find(conn, workspace, key)
    if root is None:
        raise NotFound("no such customer", hint="ask for it by one of its identifiers")
    members = identifiers_of_customer(conn, workspace, root)
    units = units_among(conn, workspace, {root: members})[root]
    certain = next((unit for unit in units.values() if key in unit), [])
    bodies = states_of(conn, workspace, [one.key for one in members] if probable else certain)
    traits = _traits(remembered, [bodies[one] for one in certain if one in bodies], now)
    if probable and len(units) > 1:
        traits = _with_probable(traits, _traits(remembered, bodies.values(), now), remembered)
    contacts = [(name, str(traits[name].value)) for name in CONTACTS if name in traits]
    for name, _ in nobodys(conn, workspace, contacts):
        del traits[name]
    traits |= _consent(conn, workspace, root, certain, remembered)
    ids = load_customer_ids(conn)
    others = [ids.customer_id(unit) for unit, several in units.items() if several != certain]
    return GoldenRecord(
        id=ids.customer_id(root),
        identifiers=[
            IdentifierShown(one.namespace, one.value, probable=one.key not in certain)
            for one in worth_showing(members)
            if probable or one.key in certain
        ],
        traits=traits,
        segments=names_by_root(conn, workspace, [root]).get(root, []),
        probable=others or msgspec.UNSET,
    )


def _consent(
    conn: Connection, workspace: WorkspaceId, root: Key, certain: Sequence[Key], remembered: Remembered
) -> dict[str, TraitShown]:
    """What the person allows, as a trait; nothing where nobody was asked, or the shop has no say of it."""
    if remembered.choices is None or "consent" not in remembered.traits:
        return {}
    place = sa.select(customers.c.country).where(customers.c.workspace == workspace, customers.c.root == root)
    who = {root: Choosing(certain, conn.execute(place).scalar() or "")}
    chosen = remembered.choices(conn, workspace, who).get(root)
    return {"consent": _chosen(chosen, remembered.traits["consent"].rule)} if chosen else {}


def _traits(remembered: Remembered, bodies: Iterable[bytes], now: int) -> dict[str, TraitShown]:
    states = [decode_state(body) for body in bodies]
    read = remembered.read(remembered.merge(states) if states else {}, now=now)
    return {name: _shown(held, remembered.traits[name].rule) for name, held in read.items()}


def _with_probable(
    certain: dict[str, TraitShown], pooled: dict[str, TraitShown], remembered: Remembered
) -> dict[str, TraitShown]:
    """All that is known of several units, marked where it is not what is certain of the first."""
    shown = {}
    for name, trait in pooled.items():
        known = certain.get(name)
        if known is not None and (remembered.traits[name].certain or trait.value == known.value):
            shown[name] = known
        elif not remembered.traits[name].certain:
            shown[name] = msgspec.structs.replace(trait, probable=True)
    return shown


def gather(
    conn: Connection,
    workspace: WorkspaceId,
    roots: Iterable[Key],
    *,
    remembered: Remembered,
    decode: Callable[[bytes], StrandState] = decode_state,
) -> dict[Key, Gathered]:
    """Identifiers and merged states of many customers, set-based; roots that are no customer's are left out.

    `decode` may leave out parts of the states that are not needed (`strands.decoder_of`).
    """
    members = members_of_customers(conn, workspace, roots)
    bodies = states_of(conn, workspace, [one.key for several in members.values() for one in several])
    found: dict[Key, Gathered] = {}
    for root, several in members.items():
        states = [decode(bodies[one.key]) for one in several if one.key in bodies]
        found[root] = Gathered(several, remembered.merge(states) if states else None)
    return found


def _chosen(chosen: Mapping[str, Choice], rule: str) -> TraitShown:
    """What somebody allows and refuses, by purpose; determined by the newest of those answers."""
    newest = max(chosen.values(), key=lambda one: (one.at, one.fact))
    value = {purpose: {"state": one.state, "since": to_iso(one.since)} for purpose, one in sorted(chosen.items())}
    return TraitShown(value=value, source=newest.source, occurred_at=to_iso(newest.at), fact_id=newest.fact, rule=rule)


def _shown(held: Held, rule: str) -> TraitShown:
    return TraitShown(
        value=held.value, source=held.source, occurred_at=to_iso(held.occurred_at), fact_id=held.fact_id, rule=rule
    )
