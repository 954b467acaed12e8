"""Households: customers who seem to live together. A weaker grouping, for counting and for sparing paper; it never
merges anybody, carries no consent and shows nobody's data to another.

Two records are of one household when they share a surname and an address (street with number, or postcode with street).
A group larger than a family is a block of flats or a made-up address, and is none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.resolve.customer_ids import load_customer_ids
from rapport.resolve.identities import members_of_customers, roots_of
from rapport.resolve.linking.kinds import words
from rapport.resolve.linking.records import fields_among, name_of
from rapport.resolve.linking.store import households, link_records
from rapport.resolve.store import select_among
from rapport.storage.bulk import upsert

__all__ = ["LARGEST", "Household", "Housemate", "household_key", "household_of", "households", "housemates", "refresh"]

LARGEST = 8
"""Customers of a household; more are no family."""

_table = households.c


class Household(NamedTuple):
    """Customers who seem to live together."""

    id: str
    because: str
    roots: list[Key]


class Housemate(NamedTuple):
    """One of the others, for the shop's own staff."""

    customer: CustomerId
    name: str
    """As a record has it, or an identifier."""


def household_key(workspace: int, fields: Mapping[str, str]) -> tuple[bytes, str] | None:
    """The household of a record and why; None where surname or address is not known.

    >>> a = household_key(1, {"last_name": "Lovelace", "street": "12 High Street", "postcode": "N1 1AA"})
    >>> a == household_key(1, {"name": "Bo Lovelace", "street": "High Street 12", "postcode": "n1 1aa"})
    True
    """
    surname = words(fields.get("last_name") or "") or words(fields.get("name") or "")[-1:]
    street = words(fields.get("street") or "")
    place = words(fields.get("postcode") or "") or words(fields.get("city") or "")
    if not surname or not street or not place or not any(word[0].isdigit() for word in street):
        return None
    address = [*sorted(street), "".join(place)]
    text = "\x1f".join([str(workspace), " ".join(surname), *address])
    return blake2b(text.encode(), digest_size=16).digest(), "the same surname and address"


def refresh(conn: Connection, workspace: WorkspaceId, units: Collection[Key]) -> int:
    """Bring the households of these records up to date. Returns how many customers are in one now."""
    if not units:
        return 0
    query = sa.select(link_records.c.key, link_records.c.fields)
    bodies = {Key(key): body for key, body in select_among(conn, query, workspace, link_records.c.key, units)}
    roots = roots_of(conn, workspace, units)
    found: dict[Key, tuple[bytes, str]] = {}
    for unit, body in bodies.items():
        key = household_key(workspace, msgspec.json.decode(body, type=dict[str, str]))
        if key is not None and unit in roots:
            found[roots[unit]] = key
    gone = [root for root in set(roots.values()) if root not in found]
    for root in gone:
        conn.execute(households.delete().where(_table.workspace == workspace, _table.root == root))
    rows = [
        {"workspace": workspace, "root": root, "household": key, "because": because}
        for root, (key, because) in found.items()
    ]
    upsert(conn, households, rows, key=("workspace", "root"), update=("household", "because"))
    return len(rows)


def household_of(conn: Connection, workspace: WorkspaceId, root: Key) -> Household | None:
    """Whom a customer lives with; None where nobody is known, or too many are."""
    mine = sa.select(_table.household, _table.because).where(_table.workspace == workspace, _table.root == root)
    row = conn.execute(mine).first()
    if row is None:
        return None
    query = sa.select(_table.root).where(_table.workspace == workspace, _table.household == row.household)
    stored = [Key(one) for one in conn.execute(query.limit(LARGEST * 4)).scalars()]
    current = sorted(set(roots_of(conn, workspace, stored).values()))
    if not 1 < len(current) <= LARGEST:
        return None
    return Household("hh_" + row.household.hex(), row.because, current)


def housemates(conn: Connection, workspace: WorkspaceId, home: Household, root: Key) -> list[Housemate]:
    """The others of a customer's household, by name."""
    members = members_of_customers(conn, workspace, [other for other in home.roots if other != root])
    fields = fields_among(conn, workspace, [one.key for several in members.values() for one in several])
    ids = load_customer_ids(conn)
    found = []
    for other, several in members.items():
        named = (name_of(fields[one.key]) for one in several if one.key in fields)
        found.append(Housemate(ids.customer_id(other), next(filter(None, named), several[0].value)))
    return sorted(found, key=lambda one: (one.name, one.customer))
