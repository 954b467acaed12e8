"""Files handed in for an import that name somebody erased: they go before anybody starts them.

What an import under way states of somebody erased is left out, and its file goes when it is over.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from rapport.adapters.files.uploads import KEPT, uploads
from rapport.compose.holding import Sifted
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["sift_uploads"]

_WHY = "it may have named somebody who was erased; hand it in again without them"
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
_PIECE = 1 << 20


def sift_uploads(db: Database, slices: Installed, workspace: WorkspaceId, texts: Sequence[str] | None) -> Sifted:
    """Drop the files of a shop that wait and name one of these texts; all of them where the texts are not known."""
    c = uploads.c
    with db.read() as conn:
        rows = conn.execute(sa.select(c.id, c.path, c.state).where(c.workspace == workspace, c.path != "")).all()
    waiting = [row for row in rows if row.state not in ("waiting", "running")]
    gone = [row for row in waiting if texts is None or _names(Path(row.path), texts)]
    if gone:
        with db.write() as conn:
            mine = sa.and_(c.workspace == workspace, c.id.in_([row.id for row in gone]))
            over = sa.case((c.state.in_(("ready", "failed")), "dropped"), else_=c.state)
            why = sa.case((c.state.in_(("ready", "failed")), _WHY), else_=c.error)
            idle = c.state.not_in(("waiting", "running"))  # one that was started meanwhile leaves them out itself
            conn.execute(uploads.update().where(mine, idle).values(state=over, error=why, version=c.version + 1))
            dropped = set(conn.execute(sa.select(c.path).where(mine, idle)).scalars())
        for path in dropped:
            Path(path).unlink(missing_ok=True)
        with db.write() as conn:  # after the file: whoever is killed between leaves a row that is looked at again
            conn.execute(uploads.update().where(mine, idle).values(path="", version=c.version + 1))
    done = [f"{len(gone)} of {len(waiting)} files handed in for an import dropped"] if waiting else []
    left = []
    if len(rows) > len(waiting):
        left.append("a file that is being imported goes when its import is over; who was erased is left out of it")
    if len(waiting) > len(gone):
        left.append(f"files handed in were searched for identifiers as they are held; they go in {KEPT // DAY} days")
    return Sifted(done, left)


def _names(path: Path, texts: Sequence[str]) -> bool:
    """Whether a file has one of these in it, in small or capital letters; one that cannot be read may have."""
    wanted = [text.lower().encode(encoding) for text in texts for encoding in _ENCODINGS]
    longest = max(map(len, wanted), default=0)
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file: Any = gzip.GzipFile(fileobj=raw) if packed else raw
            before = b""
            while piece := file.read(_PIECE):
                seen = before + piece.lower()
                if any(one in seen for one in wanted):
                    return True
                before = seen[-longest:] if longest else b""
    except FileNotFoundError:
        return False
    except (OSError, EOFError, zlib.error):
        return True
    return False
