"""How people and programs name a customer or an identifier: `cus_…`, or `namespace:value` as in `email:ada@shop.eu`."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.kernel.acting import note_people
from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import Identifier, email_identifier, key_of, phone_identifier
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.reading.identities import find

__all__ = ["find_key", "find_root", "normalised"]


def find_root(conn: Connection, workspace: WorkspaceId, reference: str, *, region: str | None = None) -> Key:
    """The customer that `cus_…` or `namespace:value` names now. Raises NotFound.

    Ids of customers that were merged into another answer with the other.
    """
    return _found(conn, workspace, reference, region)[1]


def find_key(conn: Connection, workspace: WorkspaceId, reference: str, *, region: str | None = None) -> Key:
    """The identifier that was named; of a customer id the identifier it was made of. Raises NotFound."""
    return _found(conn, workspace, reference, region)[0]


def normalised(namespace: str, value: str, *, region: str | None = None) -> Identifier | None:
    """The identifier as facts with it were filed; None where it can be none.

    >>> normalised("email", "Ada@Example.com")
    Identifier(namespace='email', value='ada@example.com')
    """
    namespace = namespace.strip().lower().replace(" ", "_").replace("-", "_")
    value = value.strip()
    if namespace == "email":
        return email_identifier(value)
    if namespace == "phone":
        return phone_identifier(value, region=region)
    return Identifier(namespace, value) if namespace and value and "\x00" not in namespace + value else None


def _found(conn: Connection, workspace: WorkspaceId, reference: str, region: str | None) -> tuple[Key, Key]:
    namespace, colon, value = reference.partition(":")
    if not colon:
        key = load_customer_ids(conn).key(reference)
        missing = NotFound(f"no customer {reference[:60]!r}", hint="ids belong to one workspace")
    else:
        identifier = normalised(namespace, value, region=region)
        missing = NotFound(f"no customer has the {namespace[:50]} {value[:100]!r}", hint="see /api/v1/customers?q=")
        if identifier is None:
            raise missing
        key = key_of(workspace, identifier)
    root = find(conn, workspace, key)
    if root is None:
        raise missing
    note_people(workspace, [key])
    return key, root
