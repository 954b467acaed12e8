"""Who, by chance, is given something and who is not: always the same for the same person and trial. Pure."""

from __future__ import annotations

from hashlib import blake2b

from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["GIVEN", "HELD_OUT", "arm_of"]

HELD_OUT, GIVEN = 0, 1


def arm_of(workspace: WorkspaceId, trial: str, strand: Key, *, holdout_percent: int) -> int:
    """GIVEN or HELD_OUT. Two trials of one shop fall out independently of each other."""
    digest = blake2b(bytes(strand), digest_size=8, person=b"loyalty-arms", key=f"{workspace}:{trial}".encode()[:64])
    return HELD_OUT if int.from_bytes(digest.digest(), "big") % 100 < holdout_percent else GIVEN
