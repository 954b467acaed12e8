"""Whether two commits make the same Golden Records of the same facts, seen from outside.

    python -m benchmarks.digests [--engine sqlite|postgresql|all] [--data DIR] [--people N] [--days N] > here.txt

One line for each case and engine: case, engine, digest, customers, facts. `diff` two commits' outputs. Cases are the
simulated shop, sent over HTTP under a source per channel, and the published tables of Olist and Online Retail, imported
from DIR. Of Rapport it uses the commands alone, so that it also measures a commit older than itself, with that commit's
Python from this checkout's folder: `OTHER/.venv/bin/python -m benchmarks.digests`. The simulated messages are those of
the commit that is measured; the line `messages` says whether both were sent the same.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.installation import Installation, database, installation, reachable_engines
from benchmarks.load import Wire, send_all
from rapport.world.timeline import Town, World

BATCH = 200
STARTS_AT = datetime(2025, 1, 6, tzinfo=UTC)
"""When the simulated past begins: any fixed moment; the world is another one from another moment on."""
PUBLISHED = {"olist": Path("olist"), "online-retail": Path("retail/online_retail.csv.gz")}
"""By the import's command, the tables' place in the folder of data."""
DAY = 24 * 60 * 60 * 1_000_000


class Story(NamedTuple):
    """The simulated shop's past, ready to be sent."""

    bodies: dict[str, list[bytes]]
    """By channel, in order of arrival. Without `sentAt`: the clock of this machine must not reach the facts."""
    messages: int
    sha256: str


def main() -> None:
    """Print a line for each case and engine."""
    arguments = _arguments()
    engines = reachable_engines() if arguments.engine == "all" else [arguments.engine]
    story = simulated(people=arguments.people, days=arguments.days)
    print(f"messages  -  {story.sha256}  {arguments.people}  {story.messages}", flush=True)
    for engine in engines:
        print(f"simulated-shop  {engine}  {sent(story, engine)}", flush=True)
        for command, place in PUBLISHED.items():
            source = arguments.data / place
            if source.exists():
                print(f"{command}  {engine}  {imported(command, source, engine)}", flush=True)
            else:
                print(f"{command}: there is no {source}", file=sys.stderr)


def simulated(*, people: int, days: int) -> Story:
    """The past of a shop with so many people, the same each time."""
    starts_at = int(STARTS_AT.timestamp()) * 1_000_000
    world = World(Town(seed=7, people=people, starts_at=starts_at, days=days))
    waiting: dict[str, list[str]] = defaultdict(list)
    bodies: dict[str, list[bytes]] = defaultdict(list)
    whole, count = hashlib.sha256(), 0
    for delivery in world.history(starts_at + days * DAY):
        message = json.dumps(delivery.message, separators=(",", ":"))
        whole.update(f"{delivery.channel} {message}\n".encode())
        count += 1
        batch = waiting[delivery.channel]
        batch.append(message)
        if len(batch) == BATCH:
            bodies[delivery.channel].append(_body(batch))
            batch.clear()
    for channel, batch in waiting.items():
        if batch:
            bodies[channel].append(_body(batch))
    return Story(dict(bodies), count, whole.hexdigest())


def sent(story: Story, engine: str) -> str:
    """Digest, customers and facts of a shop whose clients sent this while its worker folded it."""
    with installation(engine) as running:
        environment = {**os.environ, "RAPPORT_DATABASE_URL": running.database_url}
        keys = {channel: _source(channel, running, environment) for channel in sorted(story.bodies)}
        with ThreadPoolExecutor() as pool:
            sending = [
                pool.submit(send_all, bodies, port=running.port, write_key=keys[channel], connections=1)
                for channel, bodies in story.bodies.items()
            ]
            for one in sending:
                one.result()
        while running.lag() != 0:
            time.sleep(0.1)
        return _digest(environment, running.data)


def imported(command: str, source: Path, engine: str) -> str:
    """Digest, customers and facts of a shop into which this was imported."""
    with _empty(engine) as (environment, folder):
        _rapport(environment, "import", command, str(source), "--data", str(folder))
        return _digest(environment, folder)


@contextlib.contextmanager
def _empty(engine: str) -> Iterator[tuple[dict[str, str], Path]]:
    with tempfile.TemporaryDirectory(prefix="rapport-digests-") as folder, database(engine) as url:
        yield {**os.environ, "RAPPORT_DATABASE_URL": url}, Path(folder)


UNLIMITED = ("--facts-per-second", "0", "--megabytes-per-day", "0")


def _digest(environment: dict[str, str], folder: Path) -> str:
    answer = json.loads(_rapport(environment, "digest", "--json", "--data", str(folder)).splitlines()[-1])
    return f"{answer['digest']}  {answer['customers']}  {answer['facts']}"


def _rapport(environment: dict[str, str], *arguments: str) -> str:
    """What `rapport …` prints; raises CalledProcessError where it fails."""
    command = [sys.executable, "-m", "rapport", *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _source(channel: str, running: Installation, environment: dict[str, str]) -> str:
    """The write key of a new source, once the server knows it."""
    printed = _rapport(
        environment, "sources", "add", channel, "--kind", channel, *UNLIMITED, "--data", str(running.data)
    )
    found = re.search(r"wk_[\w-]+", printed)
    if found is None:
        raise RuntimeError(f"no write key in {printed!r}")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        wire = Wire(port=running.port, write_key=found.group())
        status = wire.post(_body([]))
        wire.close()
        if status != 401:
            return found.group()
        time.sleep(0.1)
    raise RuntimeError(f"the server does not know the key of {channel}")


def _body(messages: list[str]) -> bytes:
    return b'{"batch":[' + ",".join(messages).encode() + b"]}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.digests", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "all"), default="all")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the published tables")
    parser.add_argument("--people", type=int, default=300, help="in the simulated shop [300]")
    parser.add_argument("--days", type=int, default=90, help="of its past [90]")
    return parser.parse_args()


if __name__ == "__main__":
    main()
