"""A condition as SQL over all records at once: SQLite, PostgreSQL, and DuckDB for the lake.

Values and names are bound, never written; moments are found out before, so that no engine's idea of time takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from rapport.remember.segments.evaluating import Clock
from rapport.remember.segments.language import (
    Arithmetic,
    Between,
    Both,
    Compare,
    Constant,
    FieldRef,
    Has,
    In,
    InSegment,
    IsNull,
    Like,
    Moment,
    Node,
    Not,
)

__all__ = ["Dialect", "Sql", "sql_of"]

Dialect = Literal["sqlite", "postgresql", "duckdb"]


class Sql(NamedTuple):
    """A condition of a WHERE, and its named parameters (`:c0`; `$c0` on DuckDB)."""

    text: str
    parameters: Mapping[str, Any]


def sql_of(node: Node, clock: Clock, *, dialect: Dialect, column: str = "record") -> Sql:
    """The condition over a JSON column that holds records, at this time. Deterministic for one node and time."""
    writer = _Writer(clock, dialect, column)
    return Sql(writer.write(node), writer.parameters)


class _Writer:
    def __init__(self, clock: Clock, dialect: Dialect, column: str) -> None:
        self._clock, self._dialect, self._column = clock, dialect, column
        self.parameters: dict[str, Any] = {}

    def write(self, node: Node) -> str:
        writers: dict[type, Callable[[Any], str]] = {
            FieldRef: self._field, Constant: lambda one: self._bind(one.value),
            Moment: lambda one: self._bind(self._clock.of(one)), Arithmetic: self._arithmetic,
            Compare: lambda one: f"({self.write(one.left)} {one.op} {self.write(one.right)})",
            Between: lambda one: f"({self.write(one.value)} BETWEEN {self.write(one.low)} AND {self.write(one.high)})",
            In: lambda one: f"({self.write(one.value)} IN ({', '.join(self.write(value) for value in one.among)}))",
            Like: lambda one: self._like(self.write(one.value), one.pattern), Has: self._has,
            IsNull: lambda one: f"({self.write(one.value)} IS NULL)", Not: lambda one: f"(NOT {self.write(one.of)})",
            Both: lambda one: "(" + f" {one.op.upper()} ".join(self.write(part) for part in one.of) + ")",
            InSegment: lambda one: f"COALESCE({self.write(one.of)}, {self._bind(value=False)})",
        }  # fmt: skip
        return writers[type(node)](node)

    def _bind(self, value: Any) -> str:
        name = f"c{len(self.parameters)}"
        self.parameters[name] = value
        sign = "$" if self._dialect == "duckdb" else ":"
        if self._dialect == "sqlite":
            return sign + name
        kind = {bool: "boolean", float: "double precision", int: "bigint", str: "text"}[type(value)]
        return f"CAST({sign}{name} AS {'double' if (kind, self._dialect) == ('double precision', 'duckdb') else kind})"

    def _field(self, node: FieldRef) -> str:
        found = self._typed(node)
        if node.type not in ("number", "money"):
            return found
        scaled = found if node.scale == 1 else f"({found} / {self._bind(float(node.scale))})"
        return f"COALESCE({scaled}, {self._bind(0.0)})" if node.is_zero else scaled

    def _typed(self, node: FieldRef) -> str:
        kinds = {"number": "double precision", "money": "double precision", "time": "bigint", "date": "bigint",
                 "flag": "boolean"}  # fmt: skip
        kind = kinds.get(node.type)
        if self._dialect == "sqlite":
            found = f"json_extract({self._column}, {self._bind(_path(node.name))})"
            return f"CAST({found} AS REAL)" if kind == "double precision" else found
        if self._dialect == "postgresql":
            found = f"({self._column}::jsonb ->> {self._bind(node.name)})"
            return f'{found} COLLATE "C"' if kind is None else f"CAST({found} AS {kind})"
        found = f"json_extract_string({self._column}, {self._bind(_path(node.name))})"
        return found if kind is None else f"CAST({found} AS {kind.replace(' precision', '')})"

    def _arithmetic(self, node: Arithmetic) -> str:
        left, right = self.write(node.left), self.write(node.right)
        return f"({left} / NULLIF({right}, {self._bind(0.0)}))" if node.op == "/" else f"({left} {node.op} {right})"

    def _like(self, value: str, pattern: Constant) -> str:
        # `ESCAPE ''` is no escape at all on PostgreSQL; SQLite and DuckDB have none unless asked.
        escape = " ESCAPE ''" if self._dialect == "postgresql" else ""
        return f"({value} LIKE {self._bind(pattern.value)}{escape})"

    def _has(self, node: Has) -> str:
        name, member = node.of.name, str(node.member.value)
        is_pattern = "%" in member or "_" in member
        if self._dialect == "sqlite":
            rows = f"json_each({self._column}, {self._bind(_path(name))}) AS e"
        elif self._dialect == "postgresql":
            found = f"COALESCE({self._column}::jsonb -> {self._bind(name)}, '[]'::jsonb)"
            rows = f"jsonb_array_elements_text({found}) AS e(value)"
        else:
            found = f"CAST(json_extract({self._column}, {self._bind(_path(name))}) AS VARCHAR[])"
            rows = f"(SELECT unnest({found}) AS value) AS e"
        asked = self._like("e.value", node.member) if is_pattern else f"e.value = {self._bind(member)}"
        return f"EXISTS (SELECT 1 FROM {rows} WHERE {asked})"


def _path(name: str) -> str:
    """Where a record holds a field; its names hold no quotation mark."""
    return f'$."{name}"'
