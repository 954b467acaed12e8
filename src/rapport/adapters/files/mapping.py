"""Flow, before collect: the map of a table, read from TOML.

It says which facts a row states and where each value stands.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from rapport.kernel.errors import InvalidInput
from rapport.kernel.facts import FactType

__all__ = [
    "BRACES",
    "SHOP_ZONE",
    "FactMap",
    "FileMap",
    "MappedField",
    "TableMap",
    "Value",
    "WrittenMap",
    "as_field",
    "check_map",
    "fields_of",
    "parse_map",
    "read_map",
]

ValueKind = Literal["text", "number", "integer", "boolean", "time", "list"]

SHOP_ZONE = "shop"
"""As a time zone: the one of the shop that the file is imported into."""


class MappedField(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "as", "form": "format"}):
    """Where one value comes from: one of `column`, `first`, `value`, `template`, `sum`, and how it is read."""

    column: str = ""
    first: list[str] = []
    """The first of several columns whose cell holds something."""
    value: str | int | float | bool | None = None
    template: str = ""
    """Text with column names in braces: `"order-{number}"`. Empty where one of those cells is empty."""
    sum: str | list[str] = ""
    """A column added up over the rows of the group; of several columns, their product: `["price", "quantity"]`. An
    empty cell counts as `default`; without one the group is refused, for its sum would be wrong."""
    less: str = ""
    """Beside `sum`: a column to be taken off it, row by row; an empty cell is 0."""
    only: dict[str, str] = {}
    """Beside `sum`: only the rows whose cells match these regular expressions wholly; of the others nothing is read."""
    kind: ValueKind = "text"
    map: dict[str, str] = {}
    """What is to be written instead of what the cell holds; other cells stay as they are."""
    negate: bool = False
    """Turn the sign of a number, as for credit notes."""
    default: str | int | float | bool | None = None
    """Used where the cell is empty. Without it an empty cell is left out of the fact."""
    separator: str = ","
    """Of a list: what stands between its texts."""
    form: str | list[str] = ""
    """Of a time: `iso`, `unix`, `unix_ms`, `excel`, `excel_1904` or a strptime format such as `%d.%m.%Y %H:%M`; of
    several the first one that fits."""
    timezone: str = ""
    """Of a time that carries no offset, where it differs from the file's."""

    @property
    def columns(self) -> list[str]:
        """The columns it reads."""
        summed = [self.sum] if isinstance(self.sum, str) else self.sum
        return [
            name
            for name in (self.column, *self.first, *summed, self.less, *self.only, *BRACES.findall(self.template))
            if name
        ]


Value = str | MappedField
"""A plain text is the name of a column."""

BRACES = re.compile(r"\{([^{}]+)\}")


def as_field(value: Value) -> MappedField:
    """The value as a field: a plain text is the name of a column."""
    return MappedField(column=value) if isinstance(value, str) else value


class FileMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the file is written."""

    delimiter: str = ","
    """Empty where it is to be found out by the first line: comma, semicolon, tab or bar."""
    quote: str | None = None
    """Around cells that hold the delimiter or an end of line: `"` where nothing is said; empty where the file quotes
    nothing, which is found out by itself where a tab is the delimiter."""
    escape: str = ""
    """Before a quote or delimiter that is meant as such, where the file does not double its quotes."""
    multiline: bool = False
    """Cells of several lines are right even where their lines look like rows."""
    encoding: str = "utf-8"
    """A byte order mark in the file tells better. Empty where it is found out: UTF-8, else as Windows writes it."""
    decimal: str = "."
    """Empty where each number is read as it can be meant only: `1,234.50`, `24,90`, `$24`; else it is not read."""
    thousands: str = ""
    apostrophe: bool = False
    """Numbers and formulas stand behind an apostrophe, so that spreadsheets leave them alone: `'+4930123`."""
    timezone: str = "UTC"
    """An IANA name, or `shop`: the time zone of the shop that the file is imported into."""
    format: str | list[str] = "iso"
    """Of the times, where a field says nothing else."""
    empty: tuple[str, ...] = ("",)
    """Cells that hold nothing: `["", "NULL", "-"]`."""


class FactMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fact that a row, or a group of rows, states."""

    id: list[str]
    """Columns that together tell this fact from every other: what makes importing again add nothing. `*` are all of
    the row: whatever changes in it makes another fact."""
    time: Value = ""
    """Where the file does not say when, the fact is told as of the import."""
    type: FactType = "track"
    event: Value = ""
    """The name itself as plain text, or a field to read it from."""
    user_id: Value = ""
    anonymous_id: Value = ""
    guest_id: Value = ""
    """The anonymous id of a fact that names nobody otherwise: `{ template = "order:{number}" }`."""
    group_id: Value = ""
    previous_id: Value = ""
    of_shop: bool = False
    """It is about the shop and names nobody, as a cost or a level of stock does."""
    grows: str = ""
    """A column whose number only ever grows, such as what was refunded so far. Each number is a fact of its
    own; of those that share their time and name the same thing the one with the largest number counts."""
    where: dict[str, str] = {}
    """Columns and the regular expression their cells must match as a whole; other rows do not state this fact."""
    traits: dict[str, Value] = {}
    external_ids: dict[str, Value] = {}
    properties: dict[str, Value] = {}
    products: dict[str, Value] = {}
    """Read from every row of the group; the list becomes `properties.products`. A row without any is no line of it."""
    skip: dict[str, str] = {}
    """Beside `products`: rows whose cells all match these regular expressions wholly are none."""
    context: dict[str, Value] = {}


class PersonMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who it was, for all facts of a map that do not say so themselves."""

    user_id: Value = ""
    anonymous_id: Value = ""
    guest_id: Value = ""
    traits: dict[str, Value] = {}
    external_ids: dict[str, Value] = {}


class TableMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole map."""

    name: str
    """Begins every message id: maps of the same name and with the same ids state the same facts."""
    fact: list[FactMap]
    file: FileMap = FileMap()
    person: PersonMap = PersonMap()
    group_by: list[str] = []
    """Columns whose equal values make rows one group, and a group one fact; without it every row is its own."""
    continued: bool = False
    """Rows whose `group_by` is empty belong to the row above; and what stands once in a group stands for all of it."""
    optional: list[str] = []
    """Columns that a file may lack; the others of this map it must have."""
    expect: dict[str, str] = {}
    """Columns and the regular expression their cells must match as a whole; rows with others are refused."""
    title: str = ""
    """What it reads, for people: `Shopify: orders`."""
    export: str = ""
    """Where to get such a file: what to export, and where to click."""
    notes: str = ""
    """What is to be known of what becomes of it."""

    @property
    def columns(self) -> list[str]:
        """All columns it reads, each once, in its own order."""
        found = [*self.group_by, *self.expect]
        for fact in self.fact:
            found += [
                *(column for column in fact.id if column != "*"),
                *fact.where,
                *fact.skip,
                *([fact.grows] if fact.grows else []),
            ]
            found += [column for _, value in fields_of(fact) for column in as_field(value).columns]
        return list(dict.fromkeys(found))

    @property
    def required(self) -> list[str]:
        """The columns that a file must have."""
        return [column for column in self.columns if column not in self.optional]


class WrittenMap(NamedTuple):
    """A map, and the text that says it."""

    table: TableMap
    text: bytes


_WHO = ("user_id", "anonymous_id", "guest_id", "traits", "external_ids")
_KINDS = ("column", "first", "value", "template", "sum")
_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,39}$")


def read_map(path: Path) -> WrittenMap:
    """The map in a TOML file. Raises InvalidInput naming the entry that is wrong."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise InvalidInput(f"there is no map {path}") from None
    return parse_map(text, path.name)


def parse_map(text: bytes, name: str) -> WrittenMap:
    """The map that this TOML or JSON says, which errors call `name`. Raises InvalidInput naming the wrong entry."""
    try:
        document = msgspec.json.decode(text) if text.startswith(b"{") else tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise InvalidInput(f"{name} is not TOML: {error}") from None
    except RecursionError:
        raise InvalidInput(f"{name} is nested deeper than any map") from None
    try:
        found = msgspec.convert(document, TableMap)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"{name}: {error}", hint='nested names are written in quotes: "address.city" = "city"'
        ) from None
    found = msgspec.structs.replace(found, fact=[_of_person(fact, found.person) for fact in found.fact])
    check_map(found, name)
    return WrittenMap(found, text)


def _of_person(fact: FactMap, person: PersonMap) -> FactMap:
    """The fact with the map's person, unless it names one."""
    if fact.of_shop or any(getattr(fact, name) for name in _WHO):
        return fact
    return msgspec.structs.replace(fact, **{name: getattr(person, name) for name in _WHO})


def check_map(table: TableMap, file: str) -> None:
    """Raises InvalidInput naming the entry that contradicts another, or cannot be; errors call the map `file`."""
    if not _NAME.match(table.name):
        raise InvalidInput(f"{file}: name {table.name!r} must be lower case letters, digits, - and _, at most 40")
    if not table.fact:
        raise InvalidInput(f"{file} states no fact", hint="add a [[fact]]")
    _check_file(table.file, file)
    if table.continued and not table.group_by:
        raise InvalidInput(f"{file}: continued needs group_by", hint="name the columns that rows continue")
    for column, pattern in table.expect.items():
        _check_pattern(pattern, f"{file}: expect.{column}")
    for number, fact in enumerate(table.fact, start=1):
        where = f"{file}: fact {number}"
        _check_fact(fact, where)
        for name, value in fields_of(fact):
            _check_field(value, f"{where}, {name}", grouped=bool(table.group_by))
            for column, pattern in as_field(value).only.items():
                _check_pattern(pattern, f"{where}, {name}: only.{column}")
        for part in ("where", "skip"):
            for column, pattern in getattr(fact, part).items():
                _check_pattern(pattern, f"{where}: {part}.{column}")


def _check_file(written: FileMap, file: str) -> None:
    names = ("delimiter", "decimal", "quote", "escape", "thousands")
    marks = {name: getattr(written, name) for name in names if getattr(written, name)}
    if written.thousands and not written.decimal:
        raise InvalidInput(f"{file}: thousands {written.thousands!r} needs a decimal")
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


def _check_form(forms: str | list[str], where: str) -> None:
    """A time's form; the name of a zone in it would be read and forgotten, and the time be hours off."""
    for form in [forms] if isinstance(forms, str) else forms:
        _check_one_form(form, where)


def _check_one_form(form: str, where: str) -> None:
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
    if not fact.of_shop and not any(getattr(fact, name) for name in _WHO):
        raise InvalidInput(
            f"{where} names nobody",
            hint="give user_id, anonymous_id, external_ids or traits.email, or of_shop where it is about the shop",
        )


def _check_pattern(pattern: str, where: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise InvalidInput(f"{where} is no regular expression: {error}") from None


def fields_of(fact: FactMap) -> list[tuple[str, Value]]:
    """Every entry of a fact that reads a value, with its name in the map."""
    singles = [(name, getattr(fact, name)) for name in
               ("time", "event", "user_id", "anonymous_id", "guest_id", "group_id", "previous_id")]  # fmt: skip
    singles = [(name, value) for name, value in singles if value and not (name == "event" and isinstance(value, str))]
    tables = [(f"{part}.{name}", value) for part in ("traits", "external_ids", "properties", "products", "context")
              for name, value in getattr(fact, part).items()]  # fmt: skip
    return singles + tables


def _check_field(value: Value, where: str, *, grouped: bool) -> None:
    if isinstance(value, str):
        return
    if value.form:
        _check_form(value.form, f"{where}: format")
    given = [name for name in _KINDS if getattr(value, name) not in ("", None, [])]
    if len(given) != 1:
        kinds = f"{', '.join(_KINDS[:-1])} and {_KINDS[-1]}"
        raise InvalidInput(f"{where} must have one of {kinds}; it has {given or 'none'}")
    if given == ["sum"] and (not grouped or ".products" in where or ", products." in where):
        raise InvalidInput(f"{where}: sum needs group_by, and has no meaning inside products")
