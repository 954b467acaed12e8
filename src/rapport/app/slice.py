"""What the installation itself brings: its health, and the facts whose handling failed."""

from __future__ import annotations

from rapport.app import pages
from rapport.compose.slice import Slice

__all__ = ["SYSTEM"]

SYSTEM = Slice(name="system", title="System", pages=(pages.PAGES,))
