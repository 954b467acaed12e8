"""Flow, before collect: any delimited table as facts, by a map (`mapping.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from rapport.adapters.files.cells import CellError, Cells, Read, as_time
from rapport.adapters.files.lines import Row
from rapport.adapters.files.mapping import (
    SHOP_ZONE,
    FactMap,
    MappedField,
    TableMap,
    Value,
    WrittenMap,
    as_field,
    fields_of,
    read_map,
)
from rapport.adapters.files.model import Progress, Refused, Step
from rapport.adapters.files.reading import Table, row_text, shown_name
from rapport.adapters.files.spill import Spill
from rapport.capabilities.consent import import_lacks
from rapport.kernel.countries import country_code
from rapport.kernel.identifiers import IdentifierPolicy, email_identifier, phone_identifier

__all__ = ["PACE", "MappedCsv", "table_of"]

ANYBODY = IdentifierPolicy()
_MAX_ID = 100
PACE = 2_000
"""Rows put by at once while they are grouped."""


class MappedCsv:
    """A delimited file and the map that says what it states; `time_zone` is the shop's, for maps that ask for it."""

    kind = "csv"

    def __init__(
        self, path: Path, *, map_path: Path | None = None, said: WrittenMap | None = None, time_zone: str = "UTC",
        title: str = "",
    ) -> None:  # fmt: skip
        written = read_map(map_path or path) if said is None else said
        self._map = written.table
        self.path = path
        self.title = title or shown_name(path)
        self.files = [path]
        self.variant = written.text + (time_zone.encode() if uses_shop_zone(self._map) else b"")
        self._table = table_of(path, self._map, title=self.title)
        self._facts = [CompiledFact(self._map, fact, self._table, time_zone) for fact in self._map.fact]
        cells = Cells(self._map, self._table, time_zone=time_zone)
        self._expect = [
            (column, cells.text(column), re.compile(pattern)) for column, pattern in self._map.expect.items()
        ]

    def steps(self, *, progress: Progress) -> Iterator[Step]:
        """One step a row; with `group_by`, one a group, in the order of their first rows."""
        return (step for step in self.paced(progress=progress) if step is not None)

    def paced(self, *, progress: Progress, most_rows: int | None = None) -> Iterator[Step | None]:
        """The steps, and None now and then where it takes long until the next one: somebody else may have a turn.

        With `most_rows` no more of the file is read; a group that may go on behind them is left out.
        """
        if not self._map.group_by:
            for row in self._rows(progress, f"importing {self.title}", most_rows):
                yield self._step([row], alone=True)
            return
        with Spill() as spill:
            spill.create("lines")
            cut: str | None = None
            read = 0
            keyed = self._keyed(self._rows(progress, "", most_rows))
            while some := list(islice(keyed, PACE)):
                read += spill.add("lines", some)
                cut = some[-1][0] if read == most_rows else None
                yield None
            spill.index("lines")
            for group in spill.groups("lines", progress=progress, what=f"importing {self.title}"):
                if group.key != cut:
                    yield self._step(group.rows, alone=False)

    def _rows(self, progress: Progress, what: str, most: int | None) -> Iterator[Row]:
        """The rows of the file that hold anything."""
        rows = (row for row in self._table.rows(progress=progress, what=what) if row.fault or any(row.cells))
        return rows if most is None else islice(rows, most)

    def _keyed(self, rows: Iterator[Row]) -> Iterator[tuple[str, Row]]:
        """Each row with the key of its group: its values, or the group above where the map has rows go on."""
        at = self._table.indexes(self._map.group_by)
        above = ""
        for row in rows:
            values = [row.cells[index].strip() for index in at] if max(at) < len(row.cells) else []
            if any(values):
                above = "\x1f".join(values)
                yield above, row
            else:
                yield above if above and values and self._map.continued else f"\x00line {row.line}", row

    def _step(self, rows: list[Row], *, alone: bool) -> Step:
        first = rows[0]
        messages: list[dict[str, Any]] = []
        refused = [self._refused(row, row.fault) for row in rows if row.fault]
        if not refused:
            try:
                self._check_expected(rows)
                messages = self._messages(rows)
            except CellError as error:
                refused = [self._refused(error.row, str(error))]
        if refused:
            messages = []
            if not alone and len(rows) > 1:
                reason = f"{refused[0].reason}; its group of {len(rows)} rows is left out"
                refused[0] = refused[0]._replace(reason=reason)
        return Step(self.title, first.line, len(rows), messages, refused, row_text(first.cells))

    def _check_expected(self, rows: list[Row]) -> None:
        for column, read, pattern in self._expect:
            text = read(rows) or ""
            if not pattern.fullmatch(text):
                raise CellError(rows[0], f"{column}: {text[:40]!r} is none that the map knows; say in it what it means")

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

    def __init__(self, table_map: TableMap, fact: FactMap, table: Table, time_zone: str) -> None:
        cells = Cells(table_map, table, time_zone=time_zone)
        self._name = table_map.name
        self._type = fact.type
        self._id = [(column, _whole_row if column == "*" else cells.text(column)) for column in fact.id]
        self._where = [(cells.text(column), re.compile(pattern)) for column, pattern in fact.where.items()]
        self._time = cells.reader(as_time(fact.time)) if fact.time else None
        self._guest = cells.reader(fact.guest_id) if fact.guest_id else None
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
        self._skip = [(cells.text(column), re.compile(pattern)) for column, pattern in fact.skip.items()]
        self._of_lines = [cells.reader(value) for value in fact.products.values() if as_field(value).columns]
        self._grows = cells.amount(fact.grows) if fact.grows else None

    def message(self, rows: list[Row]) -> dict[str, Any] | None:
        """The Segment message, or None where `where` says that these rows do not state this fact. Raises CellError."""
        if not all(pattern.fullmatch(read(rows) or "") for read, pattern in self._where):
            return None
        message: dict[str, Any] = {"type": self._type}
        if self._event is not None:
            event = _required(self._event, rows, "event")
            message["event" if self._type == "track" else "name"] = str(event)
        if self._time is not None:
            message["timestamp"] = _required(self._time, rows, "time")
        message["messageId"] = self._message_id(rows, message)
        for key, read in self._who:
            value = read(rows)
            if value is not None:
                message[key] = str(value)
        self._add_details(message, rows)
        if self._guest is not None and _names_nobody(message):
            message["anonymousId"] = str(_required(self._guest, rows, "guest_id"))
        if reason := import_lacks(message):
            raise CellError(rows[0], reason)
        return message

    def _add_details(self, message: dict[str, Any], rows: list[Row]) -> None:
        context = _object(self._context, rows)
        if external := [{"type": kind, "id": str(value)} for kind, read in self._external
                        if (value := read(rows)) is not None]:  # fmt: skip
            context["externalIds"] = external
        traits = _dialled(_object(self._traits, rows))
        if traits and self._type in ("identify", "group"):
            message["traits"] = traits
        elif traits:
            context["traits"] = traits
        properties = _object(self._properties, rows)
        if self._products:
            properties["products"] = [_object(self._products, [row]) for row in rows if self._is_line(row)]
        if properties:
            message["properties"] = properties
        if context:
            message["context"] = context

    def _is_line(self, row: Row) -> bool:
        if self._skip and all(pattern.fullmatch(read([row]) or "") for read, pattern in self._skip):
            return False
        return not self._of_lines or any(read([row]) is not None for read in self._of_lines)

    def _message_id(self, rows: list[Row], message: dict[str, Any]) -> str:
        """Readable where it is short enough; the same for the same keys on every run."""
        values = [read(rows) or "" for _, read in self._id]
        if not any(values):
            columns = ", ".join(column for column, _ in self._id)
            raise CellError(rows[0], f"nothing tells this row from others: {columns} is empty")
        parts = [self._name, str(message.get("event") or self._type), *values]
        if self._grows is not None:
            # Of reports of one thing at one time that with the smallest id counts: so, the larger the number.
            parts.insert(1, f"{10**15 - int(self._grows(rows) * 1000):016d}")
            head = f"{self._name}:{parts[1]}"
        else:
            head = self._name
        text = ":".join(part.replace("%", "%25").replace(":", "%3A") for part in parts)
        if len(text) <= _MAX_ID and text.isprintable():
            return text
        return f"{head}:{blake2b(text.encode(), digest_size=16).hexdigest()}"


def table_of(path: Path, said: TableMap, *, title: str = "") -> Table:
    """The file, read as the map says it is written. Raises InvalidInput where it cannot be."""
    file = said.file
    return Table(
        path, delimiter=file.delimiter, encoding=file.encoding, quote=file.quote, escape=file.escape,
        multiline=file.multiline, name=title,
    )  # fmt: skip


def uses_shop_zone(said: TableMap) -> bool:
    """Whether what the map states depends on the shop's time zone."""
    named = {said.file.timezone}
    named.update(as_field(value).timezone for fact in said.fact for _, value in fields_of(fact))
    return SHOP_ZONE in named


def _dialled(traits: dict[str, Any]) -> dict[str, Any]:
    """The traits with a telephone number in local writing read as one of the country they name."""
    phone, address = traits.get("phone"), traits.get("address")
    if isinstance(phone, str) and isinstance(address, dict) and phone[:1] != "+":
        region = country_code(str(address.get("country", "")))
        found = phone_identifier(phone, region=region) if region else None
        if found is not None:
            traits["phone"] = found.value
    return traits


def _names_nobody(message: dict[str, Any]) -> bool:
    """Whether nothing that a message carries can tell who it is about."""
    context = message.get("context", {})
    if "userId" in message or "anonymousId" in message or "externalIds" in context:
        return False
    traits = message.get("traits") or context.get("traits", {})
    found = email_identifier(traits.get("email"))
    return "phone" not in traits and (found is None or not ANYBODY.allows(found.value, "email"))


def _whole_row(rows: list[Row]) -> str:
    return "\x1f".join(cell.strip() for row in rows for cell in row.cells)


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
