"""Flow, before collect: the map of a table, read from TOML.

It says which facts a row states and where each value stands.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from rapport.kernel.errors import InvalidInput
from rapport.kernel.facts import FactType

__all__ = ["FactMap", "FileMap", "MappedField", "TableMap", "Value", "read_map"]

ValueKind = Literal["text", "number", "integer", "boolean", "time"]


class MappedField(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "as", "form": "format"}):
    """Where one value comes from: exactly one of `column`, `value`, `template` and `sum`, and how it is read."""

    column: str = ""
    value: str | int | float | bool | None = None
    template: str = ""
    """Text with column names in braces: `"order-{number}"`. Empty where one of those cells is empty."""
    sum: str | list[str] = ""
    """A column added up over the rows of the group; of several columns, their product: `["price", "quantity"]`. An
    empty cell counts as `default`; without one the group is refused, for its sum would be wrong."""
    kind: ValueKind = "text"
    map: dict[str, str] = {}
    """What is to be written instead of what the cell holds; other cells stay as they are."""
    negate: bool = False
    """Turn the sign of a number, as for credit notes."""
    default: str | int | float | bool | None = None
    """Used where the cell is empty. Without it an empty cell is left out of the fact."""
    form: str = ""
    """Of a time: `iso`, `unix`, `unix_ms`, `excel`, `excel_1904` or a strptime format such as `%d.%m.%Y %H:%M`."""
    timezone: str = ""
    """Of a time that carries no offset, where it differs from the file's."""


Value = str | MappedField
"""A plain text is the name of a column."""


class FileMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the file is written."""

    delimiter: str = ","
    quote: str | None = None
    """Around cells that hold the delimiter or an end of line: `"` where nothing is said; empty where the file quotes
    nothing, which is found out by itself where a tab is the delimiter."""
    escape: str = ""
    """Before a quote or delimiter that is meant as such, where the file does not double its quotes."""
    multiline: bool = False
    """Cells of several lines are right even where their lines look like rows."""
    encoding: str = "utf-8"
    """A byte order mark in the file tells better."""
    decimal: str = "."
    thousands: str = ""
    timezone: str = "UTC"
    format: str = "iso"
    """Of the times, where a field says nothing else."""
    empty: tuple[str, ...] = ("",)
    """Cells that hold nothing: `["", "NULL", "-"]`."""


class FactMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fact that a row, or a group of rows, states."""

    id: list[str]
    """Columns that together tell this fact from every other: what makes importing again add nothing."""
    time: Value
    type: FactType = "track"
    event: Value = ""
    """The name itself as plain text, or a field to read it from."""
    user_id: Value = ""
    anonymous_id: Value = ""
    group_id: Value = ""
    previous_id: Value = ""
    where: dict[str, str] = {}
    """Columns and the regular expression their cells must match as a whole; other rows do not state this fact."""
    traits: dict[str, Value] = {}
    external_ids: dict[str, Value] = {}
    properties: dict[str, Value] = {}
    products: dict[str, Value] = {}
    """Read from every row of the group; the list becomes `properties.products`."""
    context: dict[str, Value] = {}


class TableMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole map."""

    name: str
    """Begins every message id: maps of the same name and with the same ids state the same facts."""
    fact: list[FactMap]
    file: FileMap = FileMap()
    group_by: list[str] = []
    """Columns whose equal values make rows one group, and a group one fact; without it every row is its own."""


_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,39}$")


def read_map(path: Path) -> TableMap:
    """The map in a TOML file. Raises InvalidInput naming the entry that is wrong."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InvalidInput(f"there is no map {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not TOML: {error}") from None
    try:
        found = msgspec.convert(document, TableMap)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"{path.name}: {error}", hint='nested names are written in quotes: "address.city" = "city"'
        ) from None
    _check(found, path.name)
    return found


def _check(table: TableMap, file: str) -> None:
    if not _NAME.match(table.name):
        raise InvalidInput(f"{file}: name {table.name!r} must be lower case letters, digits, - and _, at most 40")
    if not table.fact:
        raise InvalidInput(f"{file} states no fact", hint="add a [[fact]]")
    _check_file(table.file, file)
    for number, fact in enumerate(table.fact, start=1):
        where = f"{file}: fact {number}"
        _check_fact(fact, where)
        for name, value in _fields(fact):
            _check_field(value, f"{where}, {name}", grouped=bool(table.group_by))
        for column, pattern in fact.where.items():
            _check_pattern(pattern, f"{where}: where.{column}")


def _check_file(written: FileMap, file: str) -> None:
    marks = {"delimiter": written.delimiter, "decimal": written.decimal}
    marks |= {name: getattr(written, name) for name in ("quote", "escape", "thousands") if getattr(written, name)}
    for name, mark in marks.items():
        if len(mark) != 1 or mark in "\r\n\0":
            raise InvalidInput(f"{file}: {name} {mark!r} must be one character")
    for one, other in (("delimiter", "quote"), ("delimiter", "escape"), ("quote", "escape"), ("decimal", "thousands")):
        if one in marks and marks[one] == marks.get(other):
            raise InvalidInput(f"{file}: {one} and {other} are both {marks[one]!r}")
    for name in ("decimal", "thousands"):
        if marks.get(name, ".") in "0123456789+-()eE":
            raise InvalidInput(f"{file}: {name} {marks[name]!r} is part of numbers")
    _check_form(written.format, f"{file}: format")


def _check_form(form: str, where: str) -> None:
    """A time's form; the name of a zone in it would be read and forgotten, and the time be hours off."""
    if "%Z" in form:
        raise InvalidInput(
            f"{where} {form!r} names zones, which are ambiguous", hint="%z reads +01:00; timezone sets one"
        )
    if form not in ("iso", "unix", "unix_ms", "excel", "excel_1904") and "%" not in form:
        raise InvalidInput(
            f"{where} {form!r} is none", hint="iso, unix, unix_ms, excel, excel_1904, or as %d.%m.%Y %H:%M"
        )


def _check_fact(fact: FactMap, where: str) -> None:
    if not fact.id:
        raise InvalidInput(f"{where} has no id", hint="name the columns that make a row unique")
    if fact.type == "track" and not fact.event:
        raise InvalidInput(f"{where} is a track without event")
    if not (fact.user_id or fact.anonymous_id or fact.external_ids or fact.traits):
        raise InvalidInput(f"{where} names nobody", hint="give user_id, anonymous_id, external_ids or traits.email")


def _check_pattern(pattern: str, where: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise InvalidInput(f"{where} is no regular expression: {error}") from None


def _fields(fact: FactMap) -> list[tuple[str, Value]]:
    singles = [(name, getattr(fact, name)) for name in
               ("time", "event", "user_id", "anonymous_id", "group_id", "previous_id")]  # fmt: skip
    tables = [(f"{part}.{name}", value) for part in ("traits", "external_ids", "properties", "products", "context")
              for name, value in getattr(fact, part).items()]  # fmt: skip
    return singles + tables


def _check_field(value: Value, where: str, *, grouped: bool) -> None:
    if isinstance(value, str):
        return
    if value.form:
        _check_form(value.form, f"{where}: format")
    given = [name for name in ("column", "value", "template", "sum") if getattr(value, name) not in ("", None, [])]
    if len(given) != 1:
        raise InvalidInput(f"{where} must have one of column, value, template and sum; it has {given or 'none'}")
    if given == ["sum"] and (not grouped or ".products" in where or ", products." in where):
        raise InvalidInput(f"{where}: sum needs group_by, and has no meaning inside products")
