"""Whom messages are for: address, name, language and clock of many people at once, from what is certainly theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.messages import traits as own
from rapport.capabilities.messages.model import Recipient
from rapport.capabilities.messages.store import push_endpoints
from rapport.decide.people import roots_of
from rapport.kernel.clock import now_us
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.nobodys import CONTACTS, nobodys
from rapport.remember.registry import Held, Remembered, StrandState
from rapport.remember.store import customers, states_of
from rapport.remember.strands import decode_state
from rapport.remember.traits import PARTS, TRAITS
from rapport.resolve.linking.units import units_among
from rapport.resolve.reading.identities import members_of_customers
from rapport.storage.lookup import select_among

__all__ = ["recipients"]

_PERSON = Remembered((*PARTS, *own.PARTS), (*TRAITS, *own.TRAITS))
"""What is remembered of any person, whatever other slices there are."""


def recipients(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> dict[Key, Recipient]:
    """The person behind each key; seven set-based reads. Who was never seen has no address, nor has a blocked one."""
    roots = roots_of(conn, workspace, keys)
    members = members_of_customers(conn, workspace, set(roots.values()))
    units = units_among(conn, workspace, members)
    theirs = {
        key: next((unit for unit in units.get(root, {}).values() if key in unit), [key]) for key, root in roots.items()
    }
    contacts = {
        (one.namespace, one.value): one.key
        for several in members.values()
        for one in several
        if one.namespace in CONTACTS
    }
    blocked = nobodys(conn, workspace, contacts)
    emails, phones = (
        {key: value for (of, value), key in contacts.items() if of == namespace and (of, value) not in blocked}
        for namespace in CONTACTS
    )
    bodies = states_of(conn, workspace, {one for several in theirs.values() for one in several})
    browsers = _with_browsers(conn, workspace, {one for several in theirs.values() for one in several})
    orders = _last_orders(conn, workspace, set(roots.values()))
    now = now_us()
    found = {}
    for key, root in roots.items():
        states = [decode_state(bodies[one]) for one in theirs[key] if one in bodies]
        merged = _PERSON.merge(states)
        traits = _PERSON.read(merged, now=now) if states else {}
        stated = _text(traits.get("email")).lower()
        addresses = [emails[one] for one in theirs[key] if one in emails]
        named = emails.get(key) or (stated if stated in addresses else next(iter(addresses), ""))
        found[key] = Recipient(
            key=key, root=root, email=named, name=_text(traits.get("name")), first_name=_text(traits.get("first_name")),
            language=_text(traits.get("language")), time_zone=_text(traits.get("time_zone")), keys=theirs[key],
            last_order_at=orders.get(root, 0), phone=_phone(key, theirs[key], phones),
            has_browser=not browsers.isdisjoint(theirs[key]), preferred=_text(traits.get(own.PREFERRED)),
            complained_at=_complained_at(merged), bought=_bought(merged),
        )  # fmt: skip
    return found


def _complained_at(merged: StrandState) -> int:
    found = _PERSON.parts[own.COMPLAINTS].kind.read(merged[own.COMPLAINTS]) if own.COMPLAINTS in merged else None
    return max((at for _, is_open, at in found or () if is_open), default=0)


def _bought(merged: StrandState) -> dict[str, int]:
    found = _PERSON.parts[own.BOUGHT].kind.read(merged[own.BOUGHT]) if own.BOUGHT in merged else None
    return {name: at for name, _, at in found or ()}


def _phone(key: Key, theirs: Collection[Key], phones: Mapping[Key, str]) -> str:
    """The number that was named, else one that is certainly theirs."""
    return phones.get(key) or next((phones[one] for one in sorted(theirs) if one in phones), "")


def _with_browsers(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> set[Key]:
    e = push_endpoints.c
    return {Key(row.strand) for row in select_among(conn, sa.select(e.strand), workspace, e.strand, keys)}


def _text(held: Held | None) -> str:
    return held.value if held is not None and isinstance(held.value, str) else ""


def _last_orders(conn: Connection, workspace: WorkspaceId, roots: Collection[Key]) -> dict[Key, int]:
    c = customers.c
    return {
        Key(root): at for root, at in select_among(conn, sa.select(c.root, c.last_order_at), workspace, c.root, roots)
    }
