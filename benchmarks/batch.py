"""Linking a whole table on DuckDB and on Spark: time, memory, and whether both find the same persons.

    uv run --group spark python -m benchmarks.batch TABLE [--master 'local[2]']

Each run is `rapport identity batch` in a process of its own, which learns the model from the table. Memory is the peak
of the sum over that process and all it starts (Java and its Python workers), looked at five times a second; pages that
they share are counted more than once. Core seconds are what all of them took of the processor, which tells more than
the clock does where the machine is shared. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq


def run(engine: str, table: Path, out: Path, master: str) -> dict[str, Any]:
    """Link the table once."""
    arguments = [str(table), "--out", str(out), "--engine", engine, "--master", master]
    started, peak = time.perf_counter(), 0
    core_seconds: dict[int, float] = {}
    process = psutil.Popen([sys.executable, "-m", "rapport", "identity", "batch", *arguments])
    while process.poll() is None:
        peak = max(peak, look_at(process, core_seconds))
        time.sleep(0.2)
    if process.returncode:
        sys.exit(f"{engine} failed")
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds), "core_seconds": round(sum(core_seconds.values())), "peak_rss_mb": peak >> 20}


def look_at(process: psutil.Process, core_seconds: dict[int, float]) -> int:
    """Bytes that a process and its descendants hold now; notes by process id what they took of the processor so far."""
    total = 0
    with suppress(psutil.Error):
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += each.memory_info().rss
                took = each.cpu_times()
                core_seconds[each.pid] = took.user + took.system
    return total


def persons(out: Path) -> list[int]:
    """By record, its person."""
    found: list[int] = pq.read_table(out).sort_by("record")["person"].to_pylist()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__.partition("\n")[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--master", default="local[2]")
    arguments = parser.parse_args()
    report: dict[str, Any] = {"table": arguments.table.name}
    with tempfile.TemporaryDirectory() as folder:
        outs = {engine: Path(folder) / f"{engine}.parquet" for engine in ("duckdb", "spark")}
        for engine, out in outs.items():
            report[engine] = run(engine, arguments.table, out, arguments.master)
        found = [persons(out) for out in outs.values()]
        report |= {"records": len(found[0]), "persons": len(set(found[0])), "same": found[0] == found[1]}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
