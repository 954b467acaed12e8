"""Flow, before collect: lines of text cut into rows, and every line accounted for.

A quote that is opened and not closed swallows what follows, up to the next quote anywhere. Where a cell of several
lines holds lines that look like rows, or the file ends inside a cell, each of these lines is a row with a fault: it is
listed, never lost in silence, and never taken for a row either, for a customer may have written it into a note.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["MAX_CELL", "Dialect", "Row", "guarded", "looks_unquoted"]

MAX_CELL = 1_000_000
"""Characters of one cell; beyond that a quote was most likely left open."""


class Row(NamedTuple):
    """One row; `fault` says why it cannot be used, and then `cells` may have any length."""

    line: int
    cells: list[str]
    fault: str


class Dialect(NamedTuple):
    """How cells are written."""

    delimiter: str = ","
    quote: str = '"'
    """Empty where cells are never quoted."""
    escape: str = ""
    multiline: bool = False


def guarded(text: Iterable[str], dialect: Dialect, *, width: int) -> Iterator[Row]:
    """The rows of the text, the header among them; lines that make no row become rows with a fault, one each.

    `width` is how many cells a row should have; 0 where it is not known yet.
    """
    lines = _Lines(text)
    rows = csv.reader(
        lines, delimiter=dialect.delimiter, quotechar=dialect.quote or None, escapechar=dialect.escape or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
    )  # fmt: skip
    spaced = False
    for number in _count():
        lines.held.clear()
        start = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield from _faulty(lines.held, start, dialect, f"unreadable: {error}; is a quote left open?")
            continue
        if number == 0:
            spaced = any(cell.startswith(" ") for cell in cells)
        if lines.ended:
            yield from _faulty(
                lines.held, start, dialect, f"a cell that begins on line {start} and never ends; {_HINT}"
            )
        elif len(lines.held) > 1 and width > 1 and not dialect.multiline and _swallows(cells, dialect, width, spaced):
            last = start + len(lines.held) - 1
            reason = f"a quoted cell of lines {start} to {last} that hold what looks like rows; {_HINT}"
            yield from _faulty(lines.held, start, dialect, reason)
        else:
            yield Row(start, cells, "")


_HINT = 'if the file quotes nothing, say quote = "" in its map; if the cell is right, multiline = true'


class _Lines:
    """Lines handed on one by one; remembers those of the present row, and whether there are no more."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = iter(text)
        self.held: list[str] = []
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._text, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.held.append(line)
        return line


def _count() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def _faulty(held: list[str], start: int, dialect: Dialect, reason: str) -> Iterator[Row]:
    """Each line by itself, cut without regard to quotes: its cells may still tell which group it spoils."""
    for number, line in enumerate(held):
        text = line.rstrip("\r\n")
        if text:
            yield Row(start + number, text[:MAX_CELL].split(dialect.delimiter), reason)


def _swallows(cells: list[str], dialect: Dialect, width: int, spaced: bool) -> bool:  # noqa: FBT001
    """Whether a cell of several lines holds a whole line that looks like a row, or the end of one row and the
    beginning of another: what a quote left open makes.
    """
    mark = dialect.delimiter
    for place, cell in enumerate(cells):
        if "\n" not in cell and "\r" not in cell:
            continue
        first, *inner, last = cell.splitlines() if cell[-1] not in "\r\n" else [*cell.splitlines(), ""]
        if any(_looks_like(line, mark, width - 1, spaced) for line in inner):
            return True
        before, after = width - 1 - place, place
        if _looks_like(first, mark, before, spaced) and _looks_like(last, mark, after, spaced):
            return True
    return False


def _looks_like(line: str, mark: str, separators: int, spaced: bool) -> bool:  # noqa: FBT001
    """Whether a line has as many separators as (the rest of) a row. In prose each comma is followed by a blank."""
    count = line.count(mark)
    return count == separators and (spaced or not count or mark not in ",;" or line.count(f"{mark} ") < count)


def looks_unquoted(text: Iterable[str], delimiter: str) -> bool:
    """Whether a quote is a mere character in this file: no cell is quoted rightly, at least one would be so wrongly,
    and every line has as many cells as the first. Reads the file as far as it must to know.
    """
    width, wrong = -1, False
    for line in text:
        plain = line.rstrip("\r\n")
        if not plain:
            continue
        count = plain.count(delimiter)
        if width < 0:
            width = count
        if count != width:
            return False
        if '"' not in plain:
            continue
        for cell in plain.split(delimiter):
            if cell.startswith('"'):
                if len(cell) > 1 and cell.endswith('"') and '"' not in cell[1:-1].replace('""', ""):
                    return False
                wrong = True
    return wrong
