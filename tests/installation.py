"""An installation as commands see it, over a database that a test has open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rapport.storage.engine import Database

__all__ = ["Opened"]


@dataclass
class Opened:
    """Opens what is open already, whatever folder is named."""

    db: Database

    @contextmanager
    def open(self, data_dir: Path | None) -> Iterator[Database]:
        yield self.db
