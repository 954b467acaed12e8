"""Flow, before collect: the cells of a table as values, read as a map says."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from rapport.adapters.files.lines import Row
from rapport.adapters.files.mapping import BRACES, SHOP_ZONE, MappedField, TableMap, Value, as_field
from rapport.adapters.files.reading import Table
from rapport.adapters.files.values import amount, any_moment, integer, json_number, zone

__all__ = ["CellError", "Cells", "Read", "as_time"]

Read = Callable[[list[Row]], Any]
"""Reads one value from the rows of a group; None where there is nothing. Raises CellError."""

_YES = frozenset({"1", "true", "t", "yes", "y", "on"})
_NO = frozenset({"0", "false", "f", "no", "n", "off"})
_GUARDED = re.compile(r"'[0-9=+\-@]")


class CellError(ValueError):
    """A cell that does not hold what the map expects."""

    def __init__(self, row: Row, reason: str) -> None:
        super().__init__(reason)
        self.row = row


class Cells:
    """Makes readers for the columns of one file."""

    def __init__(self, said: TableMap, table: Table, *, time_zone: str) -> None:
        self._file = said.file
        self._table = table
        self._optional = frozenset(said.optional)
        self._whole = said.continued
        self._empty = frozenset(said.file.empty)
        self._shop_zone = time_zone
        self._zone(said.file.timezone)

    def text(self, column: str) -> Callable[[list[Row]], str | None]:
        """Reads the column of the first row, without the spaces around it; of continued rows the first that says
        something. Raises InvalidInput for no such column, unless the map calls it optional.
        """
        if not self._is_there(column):
            return lambda _rows: None
        at, empty, guarded = self._table.index(column), self._empty, self._file.apostrophe

        def cell(row: Row) -> str | None:
            text = row.cells[at].strip()
            if guarded and _GUARDED.match(text):
                text = text[1:]
            return None if text in empty or not text else text

        if not self._whole:
            return lambda rows: cell(rows[0])
        return lambda rows: next((text for row in rows if (text := cell(row)) is not None), None)

    def _is_there(self, column: str) -> bool:
        return column not in self._optional or self._table.has(column)

    def reader(self, value: Value) -> Read:
        """Reads what the map says. Raises InvalidInput for a column or a time zone that does not exist."""
        field = as_field(value)
        if field.value is not None:
            return self._constant(field)
        if field.sum:
            return self._sum(field)
        name = field.column or " or ".join(field.first) or field.template
        raw = self._raw(field)
        parse = self._parser(field)

        def read(rows: list[Row]) -> Any:
            text = raw(rows)
            if text is None:
                return field.default
            text = field.map.get(text, text)
            if not text:
                return field.default
            try:
                return parse(text)
            except ValueError as error:
                raise CellError(rows[0], f"{name}: {error}") from None

        return read

    def _raw(self, field: MappedField) -> Callable[[list[Row]], str | None]:
        if field.template:
            return self._template(field.template)
        if field.column:
            return self.text(field.column)
        readers = [self.text(column) for column in field.first]
        return lambda rows: next((text for read in readers if (text := read(rows)) is not None), None)

    def _constant(self, field: MappedField) -> Read:
        if field.kind == "time" or not isinstance(field.value, str):
            constant = self._parser(field)(str(field.value)) if field.kind == "time" else field.value
        else:
            constant = field.value
        return lambda _rows: constant

    def _template(self, template: str) -> Callable[[list[Row]], str | None]:
        readers = {name: self.text(name) for name in BRACES.findall(template)}

        def read(rows: list[Row]) -> str | None:
            found = {name: text for name, reader in readers.items() if (text := reader(rows)) is not None}
            if len(found) < len(readers):
                return None
            return BRACES.sub(lambda match: found[match.group(1)], template)

        return read

    def _sum(self, field: MappedField) -> Read:
        columns = [field.sum] if isinstance(field.sum, str) else field.sum
        if not all(self._is_there(column) for column in columns):
            return lambda _rows: None
        less = self.amount(field.less) if field.less else None
        only = [(self.text(column), re.compile(pattern)) for column, pattern in field.only.items()]
        readers = [(column, self.text(column)) for column in columns]
        sign = -1 if field.negate else 1

        def read(rows: list[Row]) -> int | float:
            total = Decimal(0)
            for row in rows:
                if not all(pattern.fullmatch(reader([row]) or "") for reader, pattern in only):
                    continue
                product = Decimal(sign)
                for column, reader in readers:
                    text = reader([row])
                    if text is None and field.default is None:
                        raise CellError(row, f"{column} is empty")
                    try:
                        product *= self._amount(str(field.default) if text is None else text)
                    except ValueError as error:
                        raise CellError(row, f"{column}: {error}") from None
                total += product
                if less is not None:
                    total -= sign * less([row])
            return json_number(total)

        return read

    def _amount(self, text: str) -> Decimal:
        try:
            return amount(text, decimal=self._file.decimal, thousands=self._file.thousands)
        except ValueError:
            # Where commas part the cells, decimals stand behind a point.
            if self._file.decimal or self._table.delimiter != ",":
                raise
            return amount(text, decimal=".", thousands=",")

    def amount(self, column: str) -> Callable[[list[Row]], Decimal]:
        """Reads the column as an exact number, an empty cell as 0. Raises InvalidInput for no such column."""
        read = self.text(column)

        def number(rows: list[Row]) -> Decimal:
            text = read(rows)
            try:
                return Decimal(0) if text is None else self._amount(text)
            except ValueError as error:
                raise CellError(rows[0], f"{column}: {error}") from None

        return number

    def _zone(self, name: str) -> ZoneInfo:
        return zone(self._shop_zone if name == SHOP_ZONE else name)

    def _parser(self, field: MappedField) -> Callable[[str], Any]:
        sign = -1 if field.negate else 1
        if field.kind == "number":
            return lambda text: json_number(sign * self._amount(text))
        if field.kind == "integer":
            return lambda text: sign * integer(str(self._amount(text)))
        if field.kind == "boolean":
            return _boolean
        if field.kind == "time":
            return self._time(field)
        if field.kind == "list":
            return lambda text: [part.strip() for part in text.split(field.separator) if part.strip()]
        return str

    def _time(self, field: MappedField) -> Callable[[str], str]:
        tz = self._zone(field.timezone or self._file.timezone)
        said = field.form or self._file.format
        forms = tuple([said] if isinstance(said, str) else said)
        if any(form.startswith(("unix", "excel")) for form in forms):
            return lambda text: any_moment(str(self._amount(text)), tz=tz, forms=forms).isoformat()
        return lambda text: any_moment(text, tz=tz, forms=forms).isoformat()


def as_time(value: Value) -> MappedField:
    """The value, read as a time."""
    return msgspec.structs.replace(as_field(value), kind="time")


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in _YES:
        return True
    if lowered in _NO:
        return False
    raise ValueError(f"{text[:40]!r} is neither true nor false")
