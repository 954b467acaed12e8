"""The process that runs one query of an analyst and then ends: `python -m rapport.capabilities.lake.query_process`.

It reads one JSON object (`Job`) from standard input and writes lines of JSON: the columns, each row, then how it ended.
What it may do is held by three walls, each of which would do alone: one SELECT and nothing else, by DuckDB's own
parser; DuckDB without access to anything but the files of this shop, its configuration locked; and limits of the
operating system on memory, processor time and writing (none at all).
"""

from __future__ import annotations

import math
import re
import resource
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec

__all__ = ["Ended", "Job", "beside_facts", "main"]

_MB = 1024 * 1024

_OVERHEAD_MB = 1_500
"""Addresses that Python, DuckDB's code and its threads reserve beside what a query uses."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One query and its limits."""

    sql: str
    files: list[str]
    records: list[str] = []
    """The files of the shop's Golden Records; none are asked for a purpose."""
    memory_mb: int
    seconds: float
    rows: int
    """At most so many rows are told."""
    bytes: int
    """Of the answer; whole rows only."""
    seen: str | None = None
    """The strands whose facts may be seen, a line each; all where it is None."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a query ended."""

    complete: bool = False
    """Every row was told."""
    cut: str = ""
    """Why not: `rows` or `bytes`."""
    left_out: int = 0
    """Facts of the shop that the query could not see."""
    error: str = ""
    hint: str = ""
    position: int | None = None
    """Of the error in the text, in characters from 0, where it is known."""


_COLUMNS = (
    "seq, message_id, source, strand, name, occurred_at, received_at, received_day::DATE AS received_day,"
    " body::JSON AS body"
)
_NONE = (
    "SELECT 0::BIGINT AS seq, '' AS message_id, '' AS source, '' AS strand, '' AS name,"
    " now() AS occurred_at, now() AS received_at, today() AS received_day, '{}' AS body WHERE false"
)


_NEWEST = (
    "(SELECT customer_id, as_of, record, strands FROM read_parquet({files}, hive_partitioning = true)"
    " QUALIFY row_number() OVER (PARTITION BY root ORDER BY as_of DESC) = 1)"
)
_NOBODY = "(SELECT '' AS customer_id, now() AS as_of, '{}' AS record, '[]' AS strands WHERE false)"
_VIEWS = (
    "CREATE VIEW customers AS SELECT customer_id, as_of, record::JSON AS record FROM {newest} WHERE record IS NOT NULL",
    "CREATE VIEW people AS SELECT unnest(from_json(strands, '[\"VARCHAR\"]')) AS strand, customer_id FROM {newest}",
)
"""The Golden Records as they were last archived, and whose each strand of a fact is."""


def main() -> None:
    """Run the query on standard input."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    _limit(job)
    import duckdb

    try:
        with duckdb.connect(config={"memory_limit": f"{job.memory_mb}MB", "threads": "2"}) as duck:
            left_out = _prepare(duck, job)
            ended = msgspec.structs.replace(_run(duck, job), left_out=left_out)
    except (MemoryError, duckdb.OutOfMemoryException):
        ended = Ended(
            error=f"the query needs more than {job.memory_mb} MB",
            hint="group or filter earlier, or join on fewer rows",
        )
    except duckdb.Error as error:
        ended = _failed(job.sql, str(error))
    _tell(ended)


def _limit(job: Job) -> None:
    addresses = (job.memory_mb + _OVERHEAD_MB) * _MB
    processor = math.ceil(job.seconds * 2) + 1
    for what, most in (
        (resource.RLIMIT_AS, addresses), (resource.RLIMIT_CPU, processor), (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        resource.setrlimit(what, (most, most))


def _prepare(duck: Any, job: Job) -> int:
    """Make the view `facts` and lock all else; returns how many facts are not in it."""
    duck.execute("SET TimeZone = 'UTC'")
    for setting, value in (
        ("allowed_paths", [*job.files, *job.records]), ("temp_directory", ""), ("python_enable_replacements", False),
        ("autoinstall_known_extensions", False), ("autoload_known_extensions", False),
        ("enable_external_access", False),
    ):  # fmt: skip
        duck.execute(f"SET {setting} = {_literal(value)}")
    source = f"read_parquet({_literal(list(job.files))}, hive_partitioning = true)"
    inner, left_out = f"SELECT {_COLUMNS} FROM {source}" if job.files else _NONE, 0
    if job.seen is not None and job.files:
        duck.execute("CREATE TABLE seen AS SELECT unnest(string_split(?, chr(10))) AS strand", [job.seen])
        whose = "strand {} (SELECT strand FROM seen)"
        inner += f" WHERE {whose.format('IN')}"
        left_out = duck.sql(f"SELECT count(*) FROM {source} WHERE {whose.format('NOT IN')}").fetchall()[0][0]
    duck.execute(f"CREATE VIEW facts AS {inner}")
    for view in _VIEWS if job.seen is None else ():
        duck.execute(view.format(newest=_NEWEST.format(files=_literal(job.records)) if job.records else _NOBODY))
    duck.execute("SET lock_configuration = true")
    return left_out


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return "'{}'".format(str(value).replace("'", "''"))


def _run(duck: Any, job: Job) -> Ended:
    import duckdb

    statements = duck.extract_statements(job.sql)
    if len(statements) != 1:
        return Ended(error=f"{len(statements)} statements", hint="ask one SELECT at a time")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = str(statements[0].type).rsplit(".", 1)[-1]
        return Ended(error=f"{kind} is not allowed", hint="the lake is read only: ask with SELECT", position=0)
    if job.seen is not None and (beside := beside_facts(duck, job.sql)):
        return Ended(error=f"{beside[:60]} cannot be asked for a purpose", hint="ask the table facts alone")
    duck.execute(statements[0])
    _tell([[column[0], str(column[1])] for column in duck.description])
    told = size = 0
    while some := duck.fetchmany(1_000):
        for row in some:
            line = msgspec.json.encode([_plain(cell) for cell in row])
            size += len(line) + 1
            if told == job.rows or size > job.bytes:
                return Ended(cut="rows" if told == job.rows else "bytes")
            sys.stdout.buffer.write(line + b"\n")
            told += 1
    return Ended(complete=True)


_HARMLESS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree"})
"""What stands in FROM beside `facts` and reads nothing else."""


def beside_facts(duck: Any, sql: str) -> str:
    """What the text reads beside the view: the files themselves hold those, too, who are left out of it.

    By DuckDB's own reading of the text; what it does not tell is refused.
    """
    told = msgspec.json.decode(duck.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()[0])
    if told["error"]:
        return "this kind of query"
    nodes = list(_nodes(told["statements"]))
    named = {one["key"].casefold() for node in nodes for one in (node.get("cte_map") or {}).get("map", ())}
    if taken := (named - {"facts"}) & _relations(duck):
        return str(min(taken))
    own = {name for name in named if _NO_PATH.fullmatch(name)} | {"facts"}
    for node in nodes:
        kind, table = node.get("type"), node.get("table_name", "")
        if kind == "TABLE_FUNCTION" and node["function"]["function_name"].lower() not in _HARMLESS:
            return str(node["function"]["function_name"])
        whole = node.get("schema_name") or node.get("catalog_name")
        if (kind == "BASE_TABLE" and (whole or table.casefold() not in own)) or (
            kind == "SHOW_REF" and not node["query"]
        ):
            return str(table)
        if kind in ("COLUMN_DATA", "DELIM_GET"):
            return str(kind)
    return ""


_NO_PATH = re.compile(r"[\w -]+")
"""Names of a query's own parts that cannot be a file's wherever else they are asked."""


def _relations(duck: Any) -> set[str]:
    """What is found by its bare name: a part of a query that is called so would hide that another place asks for it."""
    names = duck.execute(
        "SELECT table_name FROM duckdb_tables() UNION ALL"
        " SELECT view_name FROM duckdb_views() WHERE schema_name <> 'information_schema'"
    ).fetchall()
    return {name.casefold() for (name,) in names}


def _nodes(found: Any) -> Iterator[dict[str, Any]]:
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _plain(cell: Any) -> Any:
    if isinstance(cell, float) and not math.isfinite(cell):
        return str(cell)
    if isinstance(cell, dict):
        return {str(key): _plain(value) for key, value in cell.items()}
    if isinstance(cell, list | tuple):
        return [_plain(value) for value in cell]
    if cell is None or isinstance(cell, str | int | float | bool):
        return cell
    return str(cell)


def _failed(sql: str, words: str) -> Ended:
    """DuckDB's words without its excerpt of the text, whose caret is told as a position."""
    lines = words.split("\n")
    said = lines[0].removeprefix("Parser Error: ").removeprefix("Binder Error: ")
    hint = lines[1] if len(lines) > 1 else ""
    return Ended(error=said[:500], hint=hint[:500], position=_position(sql, lines))


def _position(sql: str, lines: Sequence[str]) -> int | None:
    """Where the caret points below `LINE 2: …`, an excerpt of that line that may have lost its beginning."""
    for excerpt, caret in pairwise(lines):
        head, found, shown = excerpt.partition(": ")
        if found and head.startswith("LINE ") and set(caret.strip()) == {"^"}:
            number = int(head[5:]) - 1
            texts = sql.split("\n")
            within = texts[number].find(shown.strip(".")) if number < len(texts) else -1
            lost = len(shown) - len(shown.lstrip("."))
            begins = sum(len(one) + 1 for one in texts[:number])
            return begins + max(0, within - lost) + caret.index("^") - len(head) - 2 if within >= 0 else begins
    return None


def _tell(value: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")


if __name__ == "__main__":
    main()
