"""What of a Golden Record tells who somebody is: the texts that learned links compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.nobodys import CONTACTS, is_placeholder_contact, without_nobodys
from rapport.remember.registry import Held, Remembered
from rapport.remember.store import states_of
from rapport.remember.strands import decode_state
from rapport.resolve.graph.renaming import NOBODYS
from rapport.resolve.graph.store import identifiers
from rapport.storage.lookup import select_among

__all__ = ["COLUMNS", "fields_of"]

COLUMNS = {
    "name": "full_name", "first_name": "given_name", "last_name": "surname", "birthday": "birth_date",
    "email": "email", "phone": "phone", "street": "street", "postcode": "postcode", "city": "place",
    "card": "national_id", "loyalty_card": "national_id", "company": "company",
}  # fmt: skip
"""Column → kind of column, as `resolve.linking.kinds` names them. The country is left out: whoever shares the city or
the area of the phone number shares it, too, and would count twice for one place."""

_PARTS = frozenset({"name", "first_name", "last_name", "birthday", "email", "phone", "company", "location"})
_OF_IDENTIFIERS = ("email", "phone", "card", "loyalty_card")
_OF_TRAITS = ("name", "first_name", "last_name", "birthday", "email", "phone", "company")


def fields_of(
    conn: Connection,
    workspace: WorkspaceId,
    units: Mapping[Key, list[Key]],
    *,
    remembered: Remembered,
) -> dict[Key, dict[str, str]]:
    """What is known of each group of strands, by column; groups without a name, birthday, phone or e-mail are left out.

    Three set-based reads for each 500 strands. Addresses and numbers that are nobody's are left out.
    """
    keys = [key for several in units.values() for key in several]
    bodies = states_of(conn, workspace, keys)
    names = _identifiers(conn, workspace, keys)
    kept = remembered.keys_of(_PARTS)
    states = {unit: [decode_state(bodies[key]) for key in members if key in bodies] for unit, members in units.items()}
    merged = {
        unit: remembered.merge([{key: state[key] for key in kept if key in state} for state in several])
        for unit, several in states.items()
    }
    merged = without_nobodys(conn, workspace, merged, remembered)
    found: dict[Key, dict[str, str]] = {}
    for unit, members in units.items():
        fields = _texts(remembered.read(merged[unit], now=0))
        for key in members:
            namespace, value = names.get(key, ("", ""))
            if namespace in CONTACTS and is_placeholder_contact(namespace, value):
                continue
            if namespace in _OF_IDENTIFIERS:
                fields.setdefault(namespace, value)
        if any(fields.get(column) for column in ("name", "last_name", "birthday", "phone", "email")):
            found[unit] = fields
    return found


def _identifiers(conn: Connection, workspace: WorkspaceId, keys: Iterable[Key]) -> dict[Key, tuple[str, str]]:
    columns = identifiers.c
    query = sa.select(columns.key, columns.namespace, columns.value, columns.standing)
    rows = select_among(conn, query.where(columns.namespace.in_(_OF_IDENTIFIERS)), workspace, columns.key, keys)
    return {Key(key): (name, value) for key, name, value, standing in rows if not standing & NOBODYS}


def _texts(traits: Mapping[str, Held]) -> dict[str, str]:
    texts = {name: str(traits[name].value) for name in _OF_TRAITS if name in traits and traits[name].value}
    place: dict[str, Any] = traits["location"].value if "location" in traits else {}
    for column, part in (("street", "street"), ("postcode", "postal_code"), ("city", "city")):
        if place.get(part):
            texts[column] = str(place[part])
    return texts
