"""`secrets.json` in the data folder: what must be kept but never stands in the database in the clear."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from rapport.kernel.errors import Misconfigured

__all__ = ["Secrets", "alone_in", "read_secrets", "write_secrets"]


class Secrets(msgspec.Struct, kw_only=True):
    """The operator's own API key, made at the first start; `rapport keys` prints it."""

    api_key: str = ""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Be the only process that reads and writes the folder's secrets."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_secrets(folder: Path) -> Secrets:
    """What the folder keeps; empty before the first start. Raises Misconfigured where the file is damaged."""
    path = folder / "secrets.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Secrets)
    except FileNotFoundError:
        return Secrets()
    except msgspec.DecodeError as error:
        raise Misconfigured(
            f"{path} cannot be read: {error}", hint="restore it, or delete it to get a new API key"
        ) from error


def write_secrets(folder: Path, secrets: Secrets) -> None:
    """Replace the file at once, readable by its owner only."""
    path = folder / "secrets.json"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(secrets)))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
