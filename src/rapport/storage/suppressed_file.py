"""Who was erased, in a file beside the data as well: a database put back from elsewhere does not undo an erasure.

`erased.json` holds what the tables of `suppression` hold, keyed hashes and their secret, is its owner's alone and grows
only. It is written when somebody was erased, before that is told as done, and read when the installation is opened
(`app/keeping_out.py`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from rapport.kernel.errors import Conflict, Misconfigured
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.suppression import Listed, listed

__all__ = ["FILE", "keep", "read"]

FILE = "erased.json"


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The file: a secret, and workspace, hash and time of each identifier."""

    secret: bytes
    erased: list[tuple[int, bytes, int]]


def read(folder: Path) -> Listed | None:
    """Whom the folder's file says were erased; None where there is none. Raises Misconfigured where it is damaged."""
    path = folder / FILE
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise Misconfigured(
            f"{path} cannot be read: {error}",
            hint="put it back; or move it away, if the database is the newest there is: it is written anew from there",
        ) from error
    return Listed(kept.secret, [(WorkspaceId(workspace), hashed, at) for workspace, hashed, at in kept.erased])


def keep(db: Database) -> bool:
    """Have the file say what the database says, and what it said before. Returns whether it had to be written.

    Nothing is done where the data folder is not known. Raises Conflict where the file is another installation's.
    """
    folder = db.folder
    if folder is None or not folder.is_dir():
        return False
    with _alone(folder):
        before = read(folder)
        with db.read() as conn:
            found = listed(conn)
        if found is None or not found.rows:
            return False
        if before is not None and before.secret != found.secret:
            raise Conflict(
                f"{folder / FILE} is of another installation than this database",
                hint="give each database a data folder of its own, or move the file to the one it belongs to",
            )
        known = {(workspace, hashed): at for workspace, hashed, at in (before.rows if before else ())}
        wanted = dict(known)
        for workspace, hashed, at in found.rows:  # the latest word counts: erased, or lifted since
            wanted[workspace, hashed] = max(at, known.get((workspace, hashed), 0), key=abs)
        if wanted == known:
            return False
        rows = sorted((workspace, hashed, at) for (workspace, hashed), at in wanted.items())
        _write(folder / FILE, msgspec.json.encode(_Kept(secret=found.secret, erased=[(*row,) for row in rows])))
    return True


def _write(path: Path, body: bytes) -> None:
    """Replace the file at once, whole on disk before it has its name."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only one that reads and writes the file, of all processes and threads."""
    handle = os.open(folder / f".{FILE}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
