"""Flow, before collect: the maps that come with Rapport, and which of them reads a file, told by its first line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from rapport.adapters.files.mapping import WrittenMap, parse_map
from rapport.adapters.files.reading import Table
from rapport.kernel.errors import InvalidInput, NotFound

__all__ = ["Fit", "any_maps", "best_fit", "fits", "ready_map", "ready_maps"]

FOLDER = Path(__file__).parent / "maps"


class Fit(NamedTuple):
    """How well a map reads a file."""

    said: WrittenMap
    has: int
    """Columns of the map that the file has."""
    missing: list[str]
    """Columns that the map needs and the file lacks."""
    header: list[str]

    @property
    def name(self) -> str:
        return self.said.table.name

    @property
    def words(self) -> str:
        """How well, for people."""
        table = self.said.table
        needed = len(table.required)
        if self.missing:
            return f"{table.title} ({table.name}): {_columns(self.missing)} missing"
        more, others = self.has - needed, len(table.columns) - needed
        return f"{table.title} ({table.name}): all {needed} columns it needs are there, and {more} of {others} others"


@cache
def any_maps() -> dict[str, WrittenMap]:
    """Maps for any table, to be made to fit, by name."""
    found = (parse_map(path.read_bytes(), path.name) for path in sorted((FOLDER / "any").glob("*.toml")))
    return {said.table.name: said for said in found}


@cache
def ready_maps() -> dict[str, WrittenMap]:
    """The maps that come with Rapport, by name, in the order of their names."""
    found = (parse_map(path.read_bytes(), path.name) for path in sorted(FOLDER.glob("*.toml")))
    return {said.table.name: said for said in found}


def ready_map(name: str) -> WrittenMap:
    """The map of this name. Raises NotFound."""
    known = ready_maps() | any_maps()
    try:
        return known[name]
    except KeyError:
        raise NotFound(f"no map is called {name[:60]!r}", hint=f"there are {', '.join(known)}") from None


def fits(path: Path, *, title: str = "") -> list[Fit]:
    """How well each ready map reads the file, the best first.

    Raises InvalidInput, with what is wrong with it, where it is no table.
    """
    table = Table(path, delimiter="", quote=None, name=title)
    found = [_fit(said, table) for said in ready_maps().values()]
    return sorted(found, key=lambda fit: (len(fit.missing) > 0, -fit.has if not fit.missing else len(fit.missing)))


def best_fit(path: Path, *, title: str = "") -> tuple[Fit, Fit | None]:
    """The map that reads the file, and the next best one that reads it, too.

    Raises InvalidInput where none does, or two do equally well: it names the nearest and what they miss.
    """
    title = title or path.name
    found = fits(path, title=title)
    good = [fit for fit in found if not fit.missing]
    if not good:
        nearest = "; ".join(fit.words for fit in found[:2])
        raise InvalidInput(
            f"no ready map reads {title}; the nearest are {nearest}",
            hint="write a map and name it with --map; `rapport import maps NAME` prints one to start from",
        )
    if len(good) > 1 and good[0].has == good[1].has:
        raise InvalidInput(
            f"{title} can be read as {good[0].words}, or as {good[1].words}", hint="choose one with --map NAME"
        )
    return good[0], good[1] if len(good) > 1 else None


def _fit(said: WrittenMap, table: Table) -> Fit:
    there = [column for column in said.table.columns if table.has(column)]
    missing = [column for column in said.table.required if not table.has(column)]
    return Fit(said, len(there), missing, table.header)


def _columns(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:6])
    return (
        f"{shown} and {len(names) - 6} more are" if len(names) > 6 else f"{shown} {'is' if len(names) == 1 else 'are'}"
    )
