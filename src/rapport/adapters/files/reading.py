"""Flow, before collect: delimited text, plain or gzipped, read row by row; a damaged row never ends the reading."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec

from rapport.adapters.files.model import Progress
from rapport.kernel.errors import InvalidInput

__all__ = ["Row", "Table", "fingerprint", "row_text", "shown_name"]

MAX_CELL = 1_000_000
"""Characters of one cell; beyond that a quote was most likely left open."""

_REPORT_EVERY = 2_000


class Row(NamedTuple):
    """One row; `fault` says why it cannot be used, and then `cells` may have any length."""

    line: int
    cells: list[str]
    fault: str


class Table:
    """A delimited file with a header. Opens the file anew for every pass; holds one row at a time."""

    def __init__(self, path: Path, *, delimiter: str = ",", encoding: str = "utf-8-sig") -> None:
        self.path = path
        self.name = shown_name(path)
        self._delimiter = delimiter
        self._encoding = _known_encoding(encoding)
        self.header = self._read_header()

    def index(self, column: str) -> int:
        """Where the column stands. Raises InvalidInput where the file has no such column."""
        try:
            return self.header.index(column)
        except ValueError:
            raise InvalidInput(
                f"{self.name} has no column {column!r}", hint="its columns are: " + ", ".join(self.header)
            ) from None

    def indexes(self, columns: Sequence[str]) -> list[int]:
        """Where the columns stand. Raises InvalidInput for the first that is missing."""
        return [self.index(column) for column in columns]

    def rows(self, *, progress: Progress, what: str = "") -> Iterator[Row]:
        """All rows after the header; `progress` is told the bytes read (compressed ones for a gzipped file)."""
        what = what or f"reading {self.name}"
        total = self.path.stat().st_size
        width = len(self.header)
        with self._open() as (text, raw):
            for number, (line, cells, fault) in enumerate(_guarded(text, self._delimiter)):
                if number == 0:
                    continue
                if number % _REPORT_EVERY == 0:
                    progress(what, raw.tell(), total)
                if cells or fault:
                    yield Row(line, cells, fault or _width_fault(cells, width) or _encoding_fault(cells))
        progress(what, total, total)

    def _read_header(self) -> list[str]:
        try:
            with self._open() as (text, _):
                header = next(csv.reader(text, delimiter=self._delimiter), None)
        except csv.Error as error:
            raise InvalidInput(f"{self.path} is not a table: {error}") from None
        if not header:
            raise InvalidInput(f"{self.path} is empty", hint="the first line must name the columns")
        return [name.strip() for name in header]

    @contextmanager
    def _open(self) -> Iterator[tuple[io.TextIOWrapper, io.BufferedReader]]:
        csv.field_size_limit(MAX_CELL)
        if self.path.exists() and not self.path.is_file():
            raise InvalidInput(f"{self.path} is no regular file", hint="save it first: it is read more than once")
        try:
            with self.path.open("rb") as raw:
                zipped = raw.peek(2)[:2] == b"\x1f\x8b"
                plain = io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 17) if zipped else raw
                with io.TextIOWrapper(plain, self._encoding, errors="surrogateescape", newline="") as text:
                    yield text, raw
        except (FileNotFoundError, PermissionError) as error:
            raise InvalidInput(f"cannot read {self.path}: {error.strerror}") from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InvalidInput(
                f"{self.path} is a damaged gzip file: {error}", hint="fetch it again; what was imported so far stays"
            ) from None


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise InvalidInput(f"there is no encoding {name!r}", hint="utf-8, latin-1, cp1252 …") from None
    return name


def _guarded(text: io.TextIOWrapper, delimiter: str) -> Iterator[Row]:
    """The rows of the text, the header among them; one that cannot be parsed becomes a row with a fault."""
    lines = csv.reader(text, delimiter=delimiter)
    while True:
        start = lines.line_num + 1
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(start, [], f"unreadable: {error}; is a quote left open?")
        else:
            yield Row(start, cells, "")


def _width_fault(cells: list[str], width: int) -> str:
    return "" if len(cells) == width else f"{len(cells)} cells where the header has {width}"


def _encoding_fault(cells: list[str]) -> str:
    for cell in cells:
        if not cell.isascii():
            try:
                cell.encode()
            except UnicodeEncodeError:
                return f"not in the file's encoding: {cell.encode('utf-8', 'surrogateescape')[:40]!r}"
    return ""


def shown_name(path: Path) -> str:
    """The file's name as storable text, whatever bytes it is made of."""
    return path.name.encode("utf-8", "replace").decode()


def row_text(cells: Sequence[str]) -> str:
    """The row for a report: its cells as a JSON list, cut at 2,000 characters."""
    clean = [cell.encode("utf-8", "replace").decode() for cell in cells]
    return msgspec.json.encode(clean).decode()[:2000]


def fingerprint(files: Sequence[Path], *, variant: bytes, progress: Progress) -> str:
    """32 hexadecimal characters that stand for the content of the files, in order, and for `variant`."""
    digest = blake2b(variant, digest_size=16)
    total = sum(path.stat().st_size for path in files if path.is_file())
    done = 0
    for path in files:
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
                    done += len(block)
                    progress("checking", done, total)
        except OSError as error:
            raise InvalidInput(f"cannot read {path}: {error.strerror}") from None
        digest.update(b"\x00")
    return digest.hexdigest()
