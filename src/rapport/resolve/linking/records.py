"""Records as they are stored: what is compared of each person, and what to call them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.linking.store import link_records
from rapport.storage.lookup import select_among

__all__ = ["fields_among", "name_of"]


def fields_among(conn: Connection, workspace: WorkspaceId, keys: Iterable[Key]) -> dict[Key, dict[str, str]]:
    """Key → texts by column, for those of the keys that are records with something in them."""
    query = sa.select(link_records.c.key, link_records.c.fields)
    found = {
        Key(key): msgspec.json.decode(body, type=dict[str, str])
        for key, body in select_among(conn, query, workspace, link_records.c.key, keys)
    }
    return {key: fields for key, fields in found.items() if fields}


def name_of(fields: Mapping[str, str]) -> str:
    """What a record calls its person; empty where it has no name.

    >>> name_of({"first_name": "Ada", "last_name": "Lovelace"}), name_of({"name": "Bo"}), name_of({"city": "York"})
    ('Ada Lovelace', 'Bo', '')
    """
    parts = (fields.get("first_name"), fields.get("last_name"))
    return fields.get("name") or " ".join(part for part in parts if part)
