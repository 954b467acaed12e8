"""Files handed in at the console: kept privately in the data folder until they are imported, a week at most.

| state | then |
|---|---|
| `ready` | its map is chosen and its first facts are looked at |
| `waiting` | a worker will import it |
| `running` | a worker does; whoever comes after it goes on where it stopped |
| `done`, `failed`, `dropped` | it is over; the file is removed by the worker |
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO, Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.adapters.files.mapping import WrittenMap
from rapport.kernel.clock import DAY
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, TooLarge
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.kernel.text import clean
from rapport.storage.engine import metadata

__all__ = [
    "KEPT",
    "MAX_BYTES",
    "Upload",
    "choose_map",
    "drop",
    "find_upload",
    "keep_file",
    "newest_uploads",
    "put_in",
    "refuse_other_files",
    "start",
    "uploads",
]

MAX_BYTES = 256 * 1024 * 1024
"""Of one file. Larger ones are imported by the command."""
MOST_WAITING = 20
"""Files of a shop that may lie in the folder at a time."""
KEPT = 7 * DAY
"""How long a file waits for somebody to start its import."""

State = Literal["ready", "waiting", "running", "done", "failed", "dropped"]

uploads = Table(
    "uploads",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    Column("uploaded_at", BigInteger, nullable=False),
    Column("map_name", Text, nullable=False),
    Column("map_text", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("import_id", Text),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("repeated", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Index("uploads_state", "state", "uploaded_at"),
    Index("uploads_newest", "workspace", "uploaded_at"),
)
"""`path` is empty once the file is removed; `map_text` while no map is chosen. `done` of `total` are bytes of
the file first, then groups of its rows."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was handed in."""

    workspace: WorkspaceId
    id: str
    name: str
    """As it was called where it came from; shown, never opened."""
    path: str
    size: int
    """Bytes."""
    uploaded_by: str
    uploaded_at: int
    map_name: str
    map_text: bytes
    version: int
    state: State
    import_id: str | None = None
    started_at: int | None = None
    finished_at: int | None = None
    done: int = 0
    total: int = 0
    repeated: bool = False
    error: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is still to be imported."""
        return self.state in ("ready", "waiting", "running")


def keep_file(folder: Path, content: IO[bytes]) -> tuple[str, Path, int]:
    """Copy a file into the folder, readable by its owner only; its id, path and size.

    Raises TooLarge beyond `MAX_BYTES`, InvalidInput for an empty file. Nothing is left behind then.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    upload_id = new_id("upl")
    path = folder / upload_id
    size = 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as kept:
            while block := content.read(1 << 20):
                size += len(block)
                if size > MAX_BYTES:
                    raise TooLarge(
                        f"the file is larger than {MAX_BYTES // 1024**2} MB",
                        hint="import it with `rapport import FILE`",
                    )
                kept.write(block)
            kept.flush()
            os.fsync(kept.fileno())
        if size == 0:
            raise InvalidInput("the file is empty", hint="choose the file that was exported")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return upload_id, path, size


def refuse_other_files(path: Path, name: str) -> None:
    """Raises InvalidInput for what is no table of text, saying what to do about it."""
    with path.open("rb") as file:
        head = file.read(4096)
    for beginning, what, hint in _OTHERS:
        if head.startswith(beginning):
            raise InvalidInput(f"{name} is {what}", hint=hint)
    is_text = head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b")) or not _CONTROL.search(head)
    if not is_text:
        raise InvalidInput(f"{name} is no text", hint=_AS_CSV)


_AS_CSV = "open it in a spreadsheet and save it as CSV"
_OTHERS = (
    (b"PK\x03\x04", "a spreadsheet or an archive", f"{_AS_CSV}, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of an old kind", _AS_CSV),
    (b"%PDF", "a PDF", "export a CSV instead"),
    (b"{", "JSON", "send it to POST /v1/import"),
    (b"<", "XML or a web page", "export a CSV instead"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def put_in(
    conn: Connection, workspace: WorkspaceId, upload_id: str, path: Path, *, name: str, size: int,
    said: WrittenMap | None, by: str, now: int,
) -> None:  # fmt: skip
    """Record a file that was kept. Raises Conflict where too many wait already."""
    waiting = sa.select(sa.func.count()).select_from(uploads).where(
        uploads.c.workspace == workspace, uploads.c.path != ""
    )  # fmt: skip
    if int(conn.execute(waiting).scalar_one()) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} files wait already", hint="start their imports, or drop them")
    name_of_map, map_text = ("", b"") if said is None else (said.table.name, said.text)
    conn.execute(uploads.insert().values(
        workspace=workspace, id=upload_id, name=_shown(name), path=str(path), size=size, uploaded_by=by,
        uploaded_at=now,
        map_name=name_of_map, map_text=map_text, version=1, state="ready", done=0, total=0, repeated=False, error="",
    ))  # fmt: skip


def _shown(name: str) -> str:
    """The last part of whatever path a browser sent, as a line of text."""
    return clean(re.split(r"[/\\]", name)[-1], longest=120) or "file"


def find_upload(conn: Connection, workspace: WorkspaceId, upload_id: str) -> Upload:
    """One file. Raises NotFound."""
    row = conn.execute(
        sa.select(uploads).where(uploads.c.workspace == workspace, uploads.c.id == upload_id)
    ).first()  # fmt: skip
    if row is None:
        raise NotFound(f"no file has the id {upload_id[:60]!r}", hint="the page Import lists them")
    return _upload(row)


def newest_uploads(conn: Connection, workspace: WorkspaceId, *, limit: int) -> list[Upload]:
    """The newest files of a shop."""
    query = sa.select(uploads).where(uploads.c.workspace == workspace)
    return [_upload(row) for row in conn.execute(query.order_by(uploads.c.uploaded_at.desc()).limit(limit))]


def choose_map(conn: Connection, workspace: WorkspaceId, upload_id: str, said: WrittenMap, *, seen: int) -> None:
    """Read the file by another map. Raises Conflict where somebody chose one, or started it, since version `seen`."""
    _change(conn, workspace, upload_id, seen, ("ready",), map_name=said.table.name, map_text=said.text)


def start(conn: Connection, workspace: WorkspaceId, upload_id: str, *, seen: int, now: int) -> None:
    """Have a worker import the file, also one that failed. Raises Conflict where it changed since version `seen`."""
    _change(conn, workspace, upload_id, seen, ("ready", "failed"), state="waiting", started_at=now, error="")


def drop(conn: Connection, workspace: WorkspaceId, upload_id: str, *, seen: int, now: int) -> None:
    """Give the file up; of one that is being imported what is in already stays. Raises Conflict where it changed."""
    states: tuple[State, ...] = ("ready", "waiting", "running", "failed")
    _change(conn, workspace, upload_id, seen, states, state="dropped", finished_at=now)


def _change(
    conn: Connection, workspace: WorkspaceId, upload_id: str, seen: int, states: tuple[State, ...], **values: Any
) -> None:
    c = uploads.c
    changed = conn.execute(
        uploads.update()
        .where(c.workspace == workspace, c.id == upload_id, c.version == seen, c.state.in_(states), c.path != "")
        .values(version=c.version + 1, **values)
    ).rowcount
    if changed != 1:
        now = find_upload(conn, workspace, upload_id)
        raise Conflict(f"{now.name} has changed since you looked: it is {now.state} now", hint="look at it again")


def _upload(row: sa.Row[Any]) -> Upload:
    return Upload(**row._mapping)
