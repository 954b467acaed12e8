"""What a look found: well, could be better, or to be mended, and how."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Finding", "State", "bad", "fair", "well"]

State = Literal["well", "fair", "bad"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the installation."""

    name: str
    """What was looked at, the same in every version: `disk`."""
    state: State
    """`bad` is to be mended; `fair` runs, and could be better."""
    what: str
    to_do: str = ""


def well(name: str, what: str) -> Finding:
    """All is as it should be."""
    return Finding(name=name, state="well", what=what)


def fair(name: str, what: str, to_do: str) -> Finding:
    """It runs, and could be better."""
    return Finding(name=name, state="fair", what=what, to_do=to_do)


def bad(name: str, what: str, to_do: str) -> Finding:
    """It is to be mended."""
    return Finding(name=name, state="bad", what=what, to_do=to_do)
