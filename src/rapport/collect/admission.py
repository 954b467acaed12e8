"""What a shop keeps of what it is sent: asked at the endpoints, before anything is in the log.

The slice of the policies answers (`Slice.admission`). Where a shop keeps everything, it costs one look into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from sqlalchemy import Connection

from rapport.collect.model import Source
from rapport.storage.engine import Database
from rapport.storage.log import LogRow

__all__ = ["Admission", "Everything", "MakeAdmission"]


class Admission(Protocol):
    """One process's. Called from several threads at once."""

    def chooses(self, source: Source, now: int) -> bool:
        """Whether anything of this source may be left out. Must not wait: it is asked for each request."""

    def admit(self, source: Source, rows: Sequence[LogRow], now: int) -> list[LogRow]:
        """What of these facts is kept, each as it came or with less of it."""

    def admit_in(self, conn: Connection, source: Source, rows: Sequence[LogRow], now: int) -> list[LogRow]:
        """The same within a transaction that writes."""


MakeAdmission: TypeAlias = Callable[[Database], Admission]


class Everything:
    """Keeps all of it: an installation in which no slice asks."""

    def chooses(self, source: Source, now: int) -> bool:
        return False

    def admit(self, source: Source, rows: Sequence[LogRow], now: int) -> list[LogRow]:
        return list(rows)

    def admit_in(self, conn: Connection, source: Source, rows: Sequence[LogRow], now: int) -> list[LogRow]:
        return list(rows)
