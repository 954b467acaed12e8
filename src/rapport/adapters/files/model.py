"""Flow, before collect: the nouns of an import.

A format turns a file into steps; the importer carries them to the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

__all__ = ["READER", "FileFormat", "ImportReport", "Progress", "Refused", "Step", "silent"]

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0 where it is not known)."""


READER = 3
"""Counted up where files are cut into other steps than before: an import that had stopped then begins anew, and adds
only what is missing."""


class Refused(NamedTuple):
    """One row that could not become a fact."""

    file: str
    line: int
    reason: str
    row: str
    """The row as it was read, its cells as a JSON list."""


class Step(NamedTuple):
    """What one unit of the file (a row, or all rows of one order) states. Steps come in the same order on every run."""

    file: str
    line: int
    rows: int
    """How many rows of the file this step stands for; rows refused are among them."""
    messages: list[dict[str, Any]]
    refused: list[Refused]
    source_row: str = ""
    """The row as it was read, for the report, should collect refuse a message."""


class FileFormat(Protocol):
    """A file, or a folder of files, that can be read as facts."""

    @property
    def kind(self) -> str:
        """Which reader it is; with the fingerprint it names the import."""

    @property
    def title(self) -> str:
        """What the operator gave: the file's or folder's name."""

    @property
    def files(self) -> list[Path]:
        """All files whose content takes part in the fingerprint."""

    @property
    def variant(self) -> bytes:
        """Whatever else decides which facts come out (a map), part of the fingerprint."""

    def steps(self, *, progress: Progress) -> Iterator[Step]:
        """The facts, always in the same order. Raises InvalidInput where the file is not of this format at all."""


class ImportReport(msgspec.Struct, kw_only=True):
    """What an import did, over all its runs."""

    id: str
    kind: str
    title: str
    rows: int = 0
    """Rows of the input that were read."""
    facts: int = 0
    """Facts the rows stated."""
    added: int = 0
    """Facts that were new to the log."""
    refused: int = 0
    """Rows that were not imported."""
    silent: int = 0
    """Rows of which the map makes no fact."""
    quarantined: int = 0
    """Facts that collect refused; they wait in quarantine to be mended."""
    unusable: int = 0
    """E-mail addresses and telephone numbers that name nobody; the facts they stand in were imported."""
    refusals: int = 0
    """Entries in the list of refused rows: one for a row that spoilt a whole order, one for each fact in quarantine
    and for each value that is unusable."""
    names: dict[str, int] = {}
    """How many facts of each name were stated."""
    finished: bool = False
    resumed: bool = False
    """True where an earlier run had been interrupted and this one went on behind it."""
    repeated: bool = False
    """True where the file had been imported before; nothing was read."""
    seconds: float = 0.0
    """Of reading and appending; the worker's remembering is beside it."""
    reader: int = 1
    """Which `READER` counted its steps."""
    errors: list[Refused] = []
    """The first refused rows."""

    @property
    def known(self) -> int:
        """Facts that the log had already."""
        return self.facts - self.added


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress shown to nobody."""
