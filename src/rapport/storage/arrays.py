"""Arrays that travel to PostgreSQL in its binary format: as text, psycopg looks at every byte of every value."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

__all__ = ["BinaryArray", "binary_array", "register"]


class BinaryArray(list[bytes | str]):
    """A list that psycopg sends as a binary array; the values are all of one type."""


def binary_array(values: Collection[bytes | str]) -> sa.BindParameter[Any]:
    """The values as one parameter; the statement casts it to the type of its column."""
    return sa.bindparam(None, BinaryArray(values), type_=sa.types.NullType(), unique=True)


def register() -> None:
    """Tell psycopg, which only an installation on PostgreSQL imports."""
    from psycopg import adapters
    from psycopg.types.array import ListBinaryDumper

    adapters.register_dumper(BinaryArray, ListBinaryDumper)
