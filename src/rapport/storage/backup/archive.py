"""The file of a backup: a zip of the data and a manifest with each part's SHA-256, which is written last.

SQLite: the database file itself, as one snapshot. PostgreSQL: each table as `COPY` writes it, in text, so that any
later version of PostgreSQL (or a person) can read it. A file appears under its name only when it is whole.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

import msgspec

from rapport.kernel.errors import InvalidInput, Unavailable

__all__ = ["DATABASE", "PIECE", "BackupFile", "Manifest", "Part", "Writing", "opened", "writing"]

MANIFEST = "manifest.json"
DATABASE = "rapport.db"
"""The part that a backup of SQLite consists of."""
FORMAT = 1
PIECE = 1024 * 1024
_NOT_OURS = (
    zipfile.BadZipFile, zlib.error, KeyError, msgspec.DecodeError, UnicodeDecodeError, EOFError, NotImplementedError,
    RuntimeError,
)  # fmt: skip


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file inside: the database, or a table with its columns in the order of the data."""

    name: str
    size: int
    sha256: str
    table: str = ""
    columns: list[str] = []


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself."""

    format: int
    rapport: str
    """The version that took it."""
    engine: Literal["sqlite", "postgresql"]
    taken_at: str
    """When its snapshot was taken, in UTC."""
    log_seq: int
    """Number of the newest fact in it."""
    shops: list[str]
    schema: dict[str, str]
    """By slice (empty: Rapport's own line) how far its migrations had come."""
    sequences: dict[str, int] = {}
    """PostgreSQL: the last number each sequence gave."""
    parts: list[Part] = []


class Writing:
    """A backup that is being written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.parts: list[Part] = []

    @contextmanager
    def part(self, name: str, *, table: str = "", columns: list[str] | None = None) -> Iterator[_Hashed]:
        """One more part, to write into."""
        with self._archive.open(name, "w", force_zip64=True) as file:
            hashed = _Hashed(file)
            yield hashed
        self.parts.append(
            Part(name=name, size=hashed.size, sha256=hashed.sha.hexdigest(), table=table, columns=columns or [])
        )

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the manifest with all parts; returns it."""
        whole = msgspec.structs.replace(manifest, parts=self.parts)
        self._archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(whole)))
        return whole


class _Hashed:
    """Writes on, and keeps size and hash."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.sha = hashlib.sha256()

    def write(self, piece: bytes | memoryview) -> None:
        self.size += len(piece)
        self.sha.update(piece)
        self._file.write(piece)


@contextmanager
def writing(path: Path) -> Iterator[Writing]:
    """A new backup, readable by its owner alone, under its name once it is whole and on disk.

    Raises InvalidInput where the file exists or its folder does not, Unavailable where it cannot be written.
    """
    if path.exists():
        raise InvalidInput(f"{path} exists", hint="a backup never replaces a file; choose another name")
    if not path.parent.is_dir():
        raise InvalidInput(f"there is no folder {path.parent}", hint="make it first")
    draft = path.with_name(f".{path.name}.part")
    try:
        handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                yield Writing(archive)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError as error:
        raise InvalidInput(f"{path} exists by now", hint="somebody else took a backup of that name") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror or error}", hint="is the disk full?") from error
    finally:
        with suppress(OSError):
            draft.unlink()
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class BackupFile:
    """A backup that is read."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._archive = archive

    def pieces(self, part: Part) -> Iterator[bytes]:
        """The content of a part. Raises InvalidInput at its end where it is not what was written."""
        sha, size = hashlib.sha256(), 0
        try:
            with self._archive.open(part.name) as file:
                while piece := file.read(PIECE):
                    sha.update(piece)
                    size += len(piece)
                    yield piece
        except _NOT_OURS as error:
            raise _damaged(self.path, part.name) from error
        if (size, sha.hexdigest()) != (part.size, part.sha256):
            raise _damaged(self.path, part.name)

    def check(self) -> int:
        """Read all of it; returns its bytes when it is put back. Raises InvalidInput where anything is amiss."""
        wanted = {part.name for part in self.manifest.parts} | {MANIFEST}
        if set(self._archive.namelist()) != wanted or len(self._archive.namelist()) != len(wanted):
            raise _damaged(self.path, "the list of its parts")
        return sum(len(piece) for part in self.manifest.parts for piece in self.pieces(part))


@contextmanager
def opened(path: Path) -> Iterator[BackupFile]:
    """A backup to read, its manifest understood; `check` reads the rest. Raises InvalidInput where it is none."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InvalidInput(f"there is no file {path}", hint="name a backup") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidInput(
            f"{path} is no backup of Rapport: {error}", hint="name one, or another that is whole"
        ) from error
    with archive:
        try:
            manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
        except _NOT_OURS as error:
            raise InvalidInput(
                f"{path} is no backup of Rapport: it has no manifest that can be read", hint="name another"
            ) from error
        if manifest.format != FORMAT:
            raise InvalidInput(
                f"{path} is of format {manifest.format}, this program knows {FORMAT}",
                hint=f"restore it with Rapport {manifest.rapport}",
            )
        yield BackupFile(path, archive, manifest)


def _damaged(path: Path, what: str) -> InvalidInput:
    return InvalidInput(f"{path} is damaged: {what} is not what was written", hint="take another backup")
