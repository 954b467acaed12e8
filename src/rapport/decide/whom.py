"""Whom a decision is about, and what of them may be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection

from rapport.decide import people
from rapport.decide.asked import CustomerNamed, DecisionAsked, customer_named
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.gate import PERSONALISATION, Gate, Permit
from rapport.kernel.identifiers import Identifier, email_identifier, key_of, phone_identifier
from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["FindCustomer", "Whom", "whom_of"]

FindCustomer = Callable[[Connection, WorkspaceId, str], Key | None]
"""The key behind a customer id (`cus_…`), None where there is none."""


class Whom(NamedTuple):
    """The customer of a decision."""

    identifier: Identifier | None
    """How the fact will name them; None where nobody is named."""
    strands: tuple[Key, ...]
    """What may be looked at: none where nobody is named or nothing of them may be used."""
    permit: Permit


_NOBODY = Whom(None, (), Permit(may=False, reason="nobody is named"))


def whom_of(
    conn: Connection, workspace: WorkspaceId, asked: DecisionAsked, *, find: FindCustomer, gate: Gate, now: int,
    alone: bool = False,
) -> Whom:  # fmt: skip
    """Who is named, by `customer`, by `anonymous_id`, or by both: then the strictest answer of the two holds.

    With `alone` nothing is looked at but the strand of what is named: what a browser says of itself proves no more.
    Raises InvalidInput, NotFound.
    """
    named = customer_named(asked.customer) if isinstance(asked.customer, str) else asked.customer
    stated = (asked.anonymous_id or "").strip()
    browser = Identifier("anonymous_id", stated) if stated else None
    identifier, key = _of(conn, workspace, named, find) if named is not None else (None, None)
    keys = [one for one in (key, browser and key_of(workspace, browser)) if one]
    if not keys:
        return _NOBODY
    permits = gate(conn, workspace, keys, PERSONALISATION, now)
    permit = next((permits[one] for one in keys if not permits[one].may), permits[keys[0]])
    identifier = identifier or browser
    if not permit.may:
        return Whom(identifier, (), permit)
    if alone:
        return Whom(identifier, tuple(keys), permit)
    return Whom(identifier, tuple(people.strands_of(conn, workspace, keys)), permit)


def _of(
    conn: Connection, workspace: WorkspaceId, named: CustomerNamed, find: FindCustomer
) -> tuple[Identifier | None, Key]:
    if named.id is not None:
        key = find(conn, workspace, named.id)
        if key is None:
            raise NotFound(f"no customer {named.id!r}")
        return people.identifiers_by_key(conn, workspace, [key]).get(key), key
    region = people.reading_settings(conn, workspace).region if named.namespace == "phone" else None
    identifier = _identifier(named, region)
    return identifier, key_of(workspace, identifier)


def _identifier(named: CustomerNamed, region: str | None) -> Identifier:
    if not named.namespace or not named.value or not named.value.strip():
        raise InvalidInput("a customer needs namespace and value, or id", hint='{"namespace":"user_id","value":"ada"}')
    identifier: Identifier | None = Identifier(named.namespace, named.value.strip())
    if named.namespace == "email":
        identifier = email_identifier(named.value)
    elif named.namespace == "phone":
        identifier = phone_identifier(named.value, region=region)
    if identifier is None:
        raise InvalidInput(f"this is no {named.namespace}", hint="check the value")
    return identifier
