"""Households and companies: customers who seem to live together, or to buy for one company. A weaker grouping, for
counting and for sparing paper; it never merges anybody, carries no consent and shows nobody's data to another.

A shop's model says of two records how likely they live together, or buy for one company; records form such groups as
they form persons (`homes`). By any other model two records are of one household when they share a surname and an
address (street with number, or postcode with street). A group larger than a family is a block of flats or a made-up
address, and is none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import roots_of
from rapport.resolve.linking.kinds import words
from rapport.resolve.linking.model import GroupKind
from rapport.resolve.linking.records import fields_among, name_of
from rapport.resolve.linking.store import households
from rapport.resolve.reading.identities import identifiers_of_customer, members_of_customers
from rapport.storage.bulk import upsert
from rapport.storage.lookup import change_among, select_among

__all__ = ["LARGEST", "Household", "Housemate", "Living", "household_key", "household_named", "household_of",
           "households", "housemates", "refresh", "rewrite"]  # fmt: skip

LARGEST: Mapping[GroupKind, int] = {GroupKind.HOME: 8, GroupKind.COMPANY: 100}
"""Customers of a household, more are no family; and of a company."""

_READ = 200
"""Records that are read of a customer's households; of a made-up address there are thousands."""

_table = households.c
_TOLD = ("household", "because", "per_mille", "kind")


class Household(NamedTuple):
    """Customers who seem to live together."""

    id: str
    because: str
    roots: list[Key]
    kind: GroupKind
    probability: float | None
    """That whoever fits least belongs there; None where a rule says so."""


class Living(NamedTuple):
    """Where a record belongs, as a model has it."""

    household: bytes
    because: str
    per_mille: int
    kind: str
    """Of `GroupKind`."""


class Housemate(NamedTuple):
    """One of the others, for the shop's own staff."""

    customer: CustomerId
    name: str
    """As a record has it, or an identifier."""


def household_key(workspace: WorkspaceId, fields: Mapping[str, str]) -> tuple[bytes, str] | None:
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
    """Bring the households of these records up to date. Returns how many of them are in one now."""
    fields = fields_among(conn, workspace, units)
    found = {unit: home for unit in units if (home := household_key(workspace, fields.get(unit, {})))}
    change_among(conn, households.delete(), workspace, _table.key, [unit for unit in units if unit not in found])
    rows = [
        {
            "workspace": workspace,
            "key": unit,
            "household": home,
            "because": because,
            "per_mille": None,
            "kind": GroupKind.HOME.value,
        }
        for unit, (home, because) in found.items()
    ]
    upsert(conn, households, rows, key=("workspace", "key"), update=_TOLD)
    return len(rows)


def rewrite(conn: Connection, workspace: WorkspaceId, found: Mapping[Key, Living | None]) -> None:
    """Write where records belong now, and that they belong nowhere."""
    change_among(conn, households.delete(), workspace, _table.key, [key for key, one in found.items() if one is None])
    rows = [
        {"workspace": workspace, "key": key, **one._asdict()}
        for key, one in sorted(found.items(), key=lambda each: each[0])
        if one is not None
    ]
    upsert(conn, households, rows, key=("workspace", "key"), update=_TOLD)


def household_named(workspace: WorkspaceId, keys: Collection[Key], kind: GroupKind = GroupKind.HOME) -> bytes:
    """The id of the household or company of these records: that of the first of them."""
    named = b"%d\x1f%b" % (workspace, min(keys))
    return blake2b(named, digest_size=16, person=b"" if kind is GroupKind.HOME else kind.encode()).digest()


def household_of(conn: Connection, workspace: WorkspaceId, root: Key) -> Household | None:
    """Whom a customer lives with; None where nobody is known, or too many are.

    Of a customer whose records are of several households, the one that most others share.
    """
    mine = [one.key for one in identifiers_of_customer(conn, workspace, root)]
    ids = {
        row.household for row in select_among(conn, sa.select(_table.household), workspace, _table.key, mine)
    }  # fmt: skip
    query = sa.select(_table.household, _table.key, _table.because, _table.per_mille, _table.kind).limit(_READ)
    rows = list(select_among(conn, query, workspace, _table.household, ids))
    roots = roots_of(conn, workspace, {Key(row.key) for row in rows})
    homes: dict[bytes, set[Key]] = {}
    for row in rows:
        if row.key in roots:
            homes.setdefault(bytes(row.household), set()).add(roots[row.key])
    kinds = {bytes(row.household): GroupKind(row.kind) for row in rows}
    shared = [(home, who) for home, who in homes.items() if 1 < len(who) <= LARGEST[kinds[home]]]
    if not shared:
        return None
    home, who = min(shared, key=lambda one: (-len(one[1]), one[0]))
    told = sorted(
        (row for row in rows if bytes(row.household) == home and row.key in roots), key=lambda row: bytes(row.key)
    )
    because = next((row.because for row in told if row.key in mine), told[0].because)
    likely = [row.per_mille for row in told if row.per_mille is not None]
    return Household("hh_" + home.hex(), because, sorted(who), kinds[home], min(likely) / 1000 if likely else None)


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
