"""Files beside the database: each slice takes whoever was just erased out of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rapport.compose.holding import Sifted
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["sift_files"]


def sift_files(db: Database, slices: Installed, workspace: WorkspaceId, texts: Sequence[str] | None) -> Sifted:
    """Take whoever was just erased in a shop out of the slices' files beside the database. Safe to repeat."""
    found = [one.sift_files(db, slices, workspace, texts) for one in slices.slices if one.sift_files is not None]
    return Sifted([words for one in found for words in one.done], [words for one in found for words in one.left])
