"""Flow, before collect: any delimited table as facts, by a map (`mapping.py`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rapport.adapters.files.lines import Row
from rapport.adapters.files.mapping import FactMap, FileMap, MappedField, TableMap, Value, read_map
from rapport.adapters.files.model import Progress, Refused, Step
from rapport.adapters.files.reading import Table, row_text, shown_name
from rapport.adapters.files.spill import Spill
from rapport.adapters.files.values import amount, integer, json_number, moment, zone

__all__ = ["MappedCsv"]

Read = Callable[[list[Row]], Any]
"""Reads one value from the rows of a group; None where there is nothing. Raises CellError."""

_BRACES = re.compile(r"\{([^{}]+)\}")
_YES = frozenset({"1", "true", "t", "yes", "y", "on"})
_NO = frozenset({"0", "false", "f", "no", "n", "off"})
_MAX_ID = 100


class CellError(ValueError):
    """A cell that does not hold what the map expects."""

    def __init__(self, row: Row, reason: str) -> None:
        super().__init__(reason)
        self.row = row


class MappedCsv:
    """A delimited file and the map that says what it states."""

    kind = "csv"

    def __init__(self, path: Path, *, map_path: Path) -> None:
        self._map = read_map(map_path)
        self.path = path
        self.title = shown_name(path)
        self.files = [path]
        self.variant = map_path.read_bytes()
        written = self._map.file
        self._table = Table(
            path, delimiter=written.delimiter, encoding=written.encoding, quote=written.quote, escape=written.escape,
            multiline=written.multiline,
        )  # fmt: skip
        self._facts = [CompiledFact(self._map, fact, self._table) for fact in self._map.fact]

    def steps(self, *, progress: Progress) -> Iterator[Step]:
        """One step a row; with `group_by`, one a group, in the order of their first rows."""
        if not self._map.group_by:
            for row in self._table.rows(progress=progress, what=f"importing {self.title}"):
                yield self._step([row], alone=True)
            return
        at = self._table.indexes(self._map.group_by)
        with Spill() as spill:
            spill.load("lines", ((_group_key(row, at), row) for row in self._table.rows(progress=progress)))
            for group in spill.groups("lines", progress=progress, what=f"importing {self.title}"):
                yield self._step(group.rows, alone=False)

    def _step(self, rows: list[Row], *, alone: bool) -> Step:
        first = rows[0]
        messages: list[dict[str, Any]] = []
        refused = [self._refused(row, row.fault) for row in rows if row.fault]
        if not refused:
            try:
                messages = self._messages(rows)
            except CellError as error:
                refused = [self._refused(error.row, str(error))]
        if refused:
            messages = []
            if not alone and len(rows) > 1:
                reason = f"{refused[0].reason}; its group of {len(rows)} rows is left out"
                refused[0] = refused[0]._replace(reason=reason)
        return Step(self.title, first.line, len(rows), messages, refused, row_text(first.cells))

    def _messages(self, rows: list[Row]) -> list[dict[str, Any]]:
        """What the facts of the map state of these rows.

        Where two facts of one name and with one id do, the later one has its place in the map in its message id. The
        first has not, whichever it is: so its id is what it was when the second one was lost.
        """
        found: dict[str, dict[str, Any]] = {}
        for number, fact in enumerate(self._facts, start=1):
            message = fact.message(rows)
            if message is not None:
                if message["messageId"] in found:
                    message["messageId"] = _numbered(message["messageId"], number)
                found[message["messageId"]] = message
        return list(found.values())

    def _refused(self, row: Row, reason: str) -> Refused:
        return Refused(self.title, row.line, reason, row_text(row.cells))


class CompiledFact:
    """One fact of the map, bound to the columns of a file."""

    def __init__(self, table_map: TableMap, fact: FactMap, table: Table) -> None:
        cells = Cells(table_map.file, table)
        self._name = table_map.name
        self._type = fact.type
        self._id = [(column, cells.text(column)) for column in fact.id]
        self._where = [(cells.text(column), re.compile(pattern)) for column, pattern in fact.where.items()]
        self._time = cells.reader(_as_time(fact.time))
        event = MappedField(value=fact.event) if isinstance(fact.event, str) else fact.event
        self._event = cells.reader(event) if fact.event else None
        self._who = [(key, cells.reader(value)) for key, value in (
            ("userId", fact.user_id), ("anonymousId", fact.anonymous_id), ("groupId", fact.group_id),
            ("previousId", fact.previous_id)) if value]  # fmt: skip
        self._external = _readers(cells, fact.external_ids)
        self._traits = _readers(cells, fact.traits)
        self._properties = _readers(cells, fact.properties)
        self._context = _readers(cells, fact.context)
        self._products = _readers(cells, fact.products)

    def message(self, rows: list[Row]) -> dict[str, Any] | None:
        """The Segment message, or None where `where` says that these rows do not state this fact. Raises CellError."""
        if not all(pattern.fullmatch(read(rows) or "") for read, pattern in self._where):
            return None
        message: dict[str, Any] = {"type": self._type}
        if self._event is not None:
            event = _required(self._event, rows, "event")
            message["event" if self._type == "track" else "name"] = str(event)
        message["timestamp"] = _required(self._time, rows, "time")
        message["messageId"] = self._message_id(rows, message)
        for key, read in self._who:
            value = read(rows)
            if value is not None:
                message[key] = str(value)
        self._add_details(message, rows)
        return message

    def _add_details(self, message: dict[str, Any], rows: list[Row]) -> None:
        context = _object(self._context, rows)
        if external := [{"type": kind, "id": str(value)} for kind, read in self._external
                        if (value := read(rows)) is not None]:  # fmt: skip
            context["externalIds"] = external
        traits = _object(self._traits, rows)
        if traits and self._type in ("identify", "group"):
            message["traits"] = traits
        elif traits:
            context["traits"] = traits
        properties = _object(self._properties, rows)
        if self._products:
            properties["products"] = [_object(self._products, [row]) for row in rows]
        if properties:
            message["properties"] = properties
        if context:
            message["context"] = context

    def _message_id(self, rows: list[Row], message: dict[str, Any]) -> str:
        """Readable where it is short enough; the same for the same keys on every run."""
        values = [read(rows) or "" for _, read in self._id]
        if not any(values):
            columns = ", ".join(column for column, _ in self._id)
            raise CellError(rows[0], f"nothing tells this row from others: {columns} is empty")
        parts = [self._name, str(message.get("event") or self._type), *values]
        text = ":".join(part.replace("%", "%25").replace(":", "%3A") for part in parts)
        if len(text) <= _MAX_ID and text.isprintable():
            return text
        return f"{self._name}:{blake2b(text.encode(), digest_size=16).hexdigest()}"


class Cells:
    """Makes readers for the columns of one file."""

    def __init__(self, file: FileMap, table: Table) -> None:
        self._file = file
        self._table = table
        self._empty = frozenset(file.empty)
        zone(file.timezone)

    def text(self, column: str) -> Callable[[list[Row]], str | None]:
        """Reads the column of the first row, without the spaces around it. Raises InvalidInput for no such column."""
        at = self._table.index(column)
        empty = self._empty

        def read(rows: list[Row]) -> str | None:
            text = rows[0].cells[at].strip()
            return None if text in empty or not text else text

        return read

    def reader(self, value: Value) -> Read:
        """Reads what the map says. Raises InvalidInput for a column or a time zone that does not exist."""
        field = MappedField(column=value) if isinstance(value, str) else value
        if field.value is not None:
            return self._constant(field)
        if field.sum:
            return self._sum(field)
        name = field.column or field.template
        raw = self.text(field.column) if field.column else self._template(field.template)
        parse = self._parser(field)

        def read(rows: list[Row]) -> Any:
            text = raw(rows)
            if text is None:
                return field.default
            try:
                return parse(field.map.get(text, text))
            except ValueError as error:
                raise CellError(rows[0], f"{name}: {error}") from None

        return read

    def _constant(self, field: MappedField) -> Read:
        if field.kind == "time" or not isinstance(field.value, str):
            constant = self._parser(field)(str(field.value)) if field.kind == "time" else field.value
        else:
            constant = field.value
        return lambda _rows: constant

    def _template(self, template: str) -> Callable[[list[Row]], str | None]:
        readers = {name: self.text(name) for name in _BRACES.findall(template)}

        def read(rows: list[Row]) -> str | None:
            found = {name: text for name, reader in readers.items() if (text := reader(rows)) is not None}
            if len(found) < len(readers):
                return None
            return _BRACES.sub(lambda match: found[match.group(1)], template)

        return read

    def _sum(self, field: MappedField) -> Read:
        columns = [field.sum] if isinstance(field.sum, str) else field.sum
        readers = [(column, self.text(column)) for column in columns]
        sign = -1 if field.negate else 1

        def read(rows: list[Row]) -> int | float:
            total = Decimal(0)
            for row in rows:
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
            return json_number(total)

        return read

    def _amount(self, text: str) -> Decimal:
        return amount(text, decimal=self._file.decimal, thousands=self._file.thousands)

    def _parser(self, field: MappedField) -> Callable[[str], Any]:
        sign = -1 if field.negate else 1
        if field.kind == "number":
            return lambda text: json_number(sign * self._amount(text))
        if field.kind == "integer":
            return lambda text: sign * integer(str(self._amount(text)))
        if field.kind == "boolean":
            return _boolean
        if field.kind == "time":
            tz = zone(field.timezone or self._file.timezone)
            form = field.form or self._file.format
            if form.startswith(("unix", "excel")):
                return lambda text: moment(str(self._amount(text)), tz=tz, form=form).isoformat()
            return lambda text: moment(text, tz=tz, form=form).isoformat()
        return str


def _numbered(message_id: str, number: int) -> str:
    """The id with the number of its fact; no value can hold `%fact`, since `%` in values is written `%25`."""
    text = f"{message_id}:%fact{number}"
    if len(text) <= _MAX_ID:
        return text
    return f"{message_id.partition(':')[0]}:{blake2b(text.encode(), digest_size=16).hexdigest()}"


def _readers(cells: Cells, fields: dict[str, Value]) -> list[tuple[str, Read]]:
    return [(name, cells.reader(value)) for name, value in fields.items()]


def _object(readers: list[tuple[str, Read]], rows: list[Row]) -> dict[str, Any]:
    """The values that are there; `address.city` becomes an object in an object."""
    found: dict[str, Any] = {}
    for name, read in readers:
        value = read(rows)
        if value is None:
            continue
        *path, last = name.split(".")
        inner = found
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return found


def _required(read: Read, rows: list[Row], what: str) -> Any:
    value = read(rows)
    if value is None:
        raise CellError(rows[0], f"{what} is empty")
    return value


def _as_time(value: Value) -> MappedField:
    field = MappedField(column=value) if isinstance(value, str) else value
    return MappedField(**{name: getattr(field, name) for name in field.__struct_fields__} | {"kind": "time"})


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in _YES:
        return True
    if lowered in _NO:
        return False
    raise ValueError(f"{text[:40]!r} is neither true nor false")


def _group_key(row: Row, at: list[int]) -> str:
    """The values that make rows one group; a row without them is a group of its own."""
    if any(len(row.cells) <= index for index in at):
        return f"\x00line {row.line}"
    values = [row.cells[index].strip() for index in at]
    return "\x1f".join(values) if any(values) else f"\x00line {row.line}"
