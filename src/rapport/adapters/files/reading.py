"""Flow, before collect: delimited text, plain or gzipped, read row by row; a damaged row never ends the reading."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import msgspec

from rapport.adapters.files.lines import MAX_CELL, Dialect, Row, guarded, looks_unquoted
from rapport.adapters.files.model import Progress
from rapport.kernel.errors import InvalidInput

__all__ = ["DELIMITERS", "Table", "fingerprint", "row_text", "shown_name"]

_REPORT_EVERY = 2_000
DELIMITERS = ",;\t|"
"""What may part cells, where a file is not told to be written otherwise; the first is the usual one."""

_QUOTED = re.compile(r'"[^"]*"')


class Table:
    """A delimited file with a header. Opens the file anew for every pass; holds one row at a time.

    A byte order mark tells the encoding better than whoever named one. `quote` is the character around cells, empty
    where none is used, None where it is to be found out (`looks_unquoted`); so are an empty `delimiter` (by the first
    line) and an empty `encoding` (UTF-8, or else as Windows writes it); `multiline` says that cells of several
    lines are meant as they stand, however much these look like rows.
    """

    def __init__(
        self, path: Path, *, delimiter: str = ",", encoding: str = "utf-8-sig", quote: str | None = '"',
        escape: str = "", multiline: bool = False, name: str = "",
    ) -> None:  # fmt: skip
        self.path = path
        self.name = name or shown_name(path)
        self._encoding = _known_encoding(encoding) if encoding else "utf-8"
        if not encoding and not self._is_utf8():
            self._encoding = "cp1252"
        delimiter = delimiter or self._delimiter()
        self._dialect = Dialect(delimiter, '"' if quote is None else quote, escape, multiline)
        if quote is None and delimiter == "\t":
            with self._open() as (text, _):
                if looks_unquoted(text, delimiter):
                    self._dialect = self._dialect._replace(quote="")
        self.header = self._read_header()

    def index(self, column: str) -> int:
        """Where the column stands. Raises InvalidInput where the file has no such column, or two of them."""
        column = _column_name(column)
        found = self._places(column)
        count = len(found)
        if count == 1:
            return found[0]
        if count > 1:
            raise InvalidInput(
                f"{self.name} has {count} columns {column!r}",
                hint="rename all but the one that is meant in its first line",
            )
        hint = "its columns are: " + ", ".join(self.header)
        if len(self.header) == 1 and (others := [mark for mark in DELIMITERS if mark in self.header[0]]):
            hint += f"; is the delimiter {others[0]!r}?"
        raise InvalidInput(f"{self.name} has no column {column!r}", hint=hint)

    def has(self, column: str) -> bool:
        """Whether there is such a column, one or more."""
        return bool(self._places(_column_name(column)))

    def _places(self, column: str) -> list[int]:
        """Where columns of this name stand; where there is none written so, those that differ in capitals alone."""
        if not column:
            return []
        exact = [at for at, name in enumerate(self.header) if name == column]
        return exact or [at for at, name in enumerate(self.header) if name.casefold() == column.casefold()]

    def indexes(self, columns: Sequence[str]) -> list[int]:
        """Where the columns stand. Raises InvalidInput for the first that is missing."""
        return [self.index(column) for column in columns]

    def rows(self, *, progress: Progress, what: str = "") -> Iterator[Row]:
        """All rows after the header; `progress` is told the bytes read (compressed ones for a gzipped file).

        Lines that a cell swallowed are a row each, with a fault: rows and lines of the file reconcile.
        """
        what = what or f"reading {self.name}"
        total = self.path.stat().st_size
        width = len(self.header)
        with self._open() as (text, raw):
            for number, (line, cells, fault) in enumerate(guarded(text, self._dialect, width=width)):
                if number == 0:
                    continue
                if number % _REPORT_EVERY == 0:
                    progress(what, raw.tell(), total)
                if cells or fault:
                    yield Row(line, cells, fault or _width_fault(cells, width) or _encoding_fault(cells))
        progress(what, total, total)

    @property
    def delimiter(self) -> str:
        """What stands between the cells."""
        return self._dialect.delimiter

    def _delimiter(self) -> str:
        """The mark that parts the first line into most names; those within quotes count for nothing."""
        with self._open() as (text, _):
            line = _QUOTED.sub("", text.readline(MAX_CELL))
        return max(DELIMITERS, key=line.count)

    def _is_utf8(self) -> bool:
        """Whether every byte of it is; reads the whole file, some hundred megabytes a second."""
        with self._open() as (text, _):
            decoder = codecs.getincrementaldecoder(text.encoding)("strict")
            try:
                while block := bytes(text.buffer.read(1 << 20)):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
            except UnicodeError:
                return False
        return True

    def _read_header(self) -> list[str]:
        with self._open() as (text, _):
            header = next(guarded(text, self._dialect, width=0), None)
        if header is not None and header.fault:
            raise InvalidInput(f"the first line of {self.path} is {header.fault}")
        if header is None or not header.cells:
            raise InvalidInput(f"{self.path} is empty", hint="the first line must name the columns")
        if any("\0" in name for name in header.cells):
            raise InvalidInput(
                f"the first line of {self.path} holds NUL characters", hint="is its encoding utf-16-le or utf-16-be?"
            )
        return [_column_name(name) for name in header.cells]

    @contextmanager
    def _open(self) -> Iterator[tuple[io.TextIOWrapper, io.BufferedReader]]:
        csv.field_size_limit(MAX_CELL)
        if self.path.exists() and not self.path.is_file():
            raise InvalidInput(f"{self.path} is no regular file", hint="save it first: it is read more than once")
        try:
            with self.path.open("rb") as raw:
                zipped = raw.peek(2)[:2] == b"\x1f\x8b"
                plain = io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 17) if zipped else raw
                encoding = _marked_encoding(plain.peek(4)[:4]) or self._encoding
                with io.TextIOWrapper(plain, encoding, errors="rapport.marked", newline="") as text:
                    yield text, raw
        except (FileNotFoundError, PermissionError) as error:
            raise InvalidInput(f"cannot read {self.path}: {error.strerror}") from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InvalidInput(
                f"{self.path} is a damaged gzip file: {error}", hint="fetch it again; what was imported so far stays"
            ) from None


def _marked_encoding(beginning: bytes) -> str:
    """The encoding that a byte order mark names; empty where there is none."""
    for mark, encoding in _MARKS:
        if beginning.startswith(mark):
            return encoding
    return ""


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def _marked(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no text become lone surrogates, by which `_encoding_fault` knows them, in any encoding."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + max(byte, 0x80)) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("rapport.marked", _marked)


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise InvalidInput(f"there is no encoding {name!r}", hint="utf-8, utf-16, latin-1, cp1252 …") from None
    return name


def _column_name(cell: str) -> str:
    """A name as it is compared: without blanks, and without marks that nobody sees, at its ends."""
    return cell.strip().strip("\ufeff\u200b").strip()


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
