"""Journeys to begin with, which Rapport ships: a shop looks at one, changes what it likes, and puts it in force."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rapport.capabilities.journeys.checking import read_graph
from rapport.capabilities.journeys.model import Graph

__all__ = ["shipped"]

_GALLERY = Path(__file__).parent.parent / "gallery"


@cache
def shipped() -> Mapping[str, Graph]:
    """The gallery, by name."""
    return {file.stem: read_graph(file.read_bytes()) for file in sorted(_GALLERY.glob("*.json"))}
