"""How long the console's pages take where there are many customers: `python -m benchmarks.console [--quick] [--json]`.

10,000 customers and 200,000 facts come in through the endpoints and are folded by workers, as in any shop. Without
`--quick` nine copies of them are then made in the database, rows and indexes of every table that pages read, under keys
and ids of their own: 100,000 customers and 2,000,000 facts. Each page is asked for over one connection by somebody who
has signed in; of pages about one customer, another customer each time. `cpu_p50_ms` is what the server's threads worked
for a page: on a machine that does other things as well, the figure to compare.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from benchmarks.copies import multiply
from benchmarks.growth import median_and_p99
from benchmarks.installation import Installation, Reader, installation
from benchmarks.load import Shop, ready, send_and_fold
from rapport.storage.engine import Database

__all__ = ["People", "measure"]

PEOPLE, FACTS_PER_PERSON, COPIES = 10_000, 20, 9
SAMPLES = 100
SECONDS = 15.0

_FIRST = ("Ada", "Bo", "Chiara", "Dan", "Eva", "Femke", "Greta", "Hugo", "Ines", "Jan", "Karl", "Lena", "Mía", "Nour")
_LAST = ("Lovelace", "García", "Müller", "Rossi", "Novák", "Jensen", "Okafor", "Laurent", "Haddad", "Silva", "Kowalski")
_COUNTRIES = ("DE", "GB", "FR", "IT", "ES")


class People(Shop):
    """The shop of the other benchmarks, whose people say what they are called, where they live and what they allow."""

    def message(self) -> dict[str, Any]:
        """The next message."""
        message, rng = super().message(), self._random
        if rng.random() < 0.05:
            message["context"]["campaign"] = {"name": f"campaign {rng.randrange(12)}", "source": "mail"}
        if message["type"] == "identify":
            number = rng.randrange(10**7)
            message["traits"] |= {
                "firstName": rng.choice(_FIRST), "lastName": rng.choice(_LAST), "phone": f"+49151{number:08d}",
                "address": {"country": rng.choice(_COUNTRIES), "city": "Berlin",
                            "postalCode": f"{number % 90_000:05d}"},
            }  # fmt: skip
            message["context"]["consent"] = {"categoryPreferences": {"marketing": rng.random() < 0.6}}
        return message


@click.command()
@click.option("--quick", is_flag=True, help="10,000 customers and 200,000 facts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
@click.option("--engine", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--people", type=int, default=PEOPLE, show_default=True, help="Customers that come in by the endpoints.")
@click.option("--seconds", type=float, default=SECONDS, show_default=True, help="For each page, and at least 20 looks.")
def main(*, quick: bool, as_json: bool, engine: str, people: int, seconds: float) -> None:
    """Measure every page of the console at a size."""
    found = measure(engine, people=people, copies=0 if quick else COPIES, seconds=seconds)
    if as_json:
        click.echo(json.dumps(found))
        return
    sizes = found["sizes"]
    click.echo(f"{engine}: {sizes['customers']:,} customers, {sizes['facts']:,} facts\n")
    click.echo("| page | p50, ms | p99, ms | CPU p50, ms | bytes |\n|---|---|---|---|---|")
    for name, page in found["pages"].items():
        click.echo(f"| {name} | {page['p50_ms']} | {page['p99_ms']} | {page['cpu_p50_ms']} | {page['bytes']:,} |")


def measure(engine: str, *, people: int, copies: int, seconds: float) -> dict[str, Any]:
    """`pages`: name → p50_ms, p99_ms, bytes; `sizes`: what there was of customers and facts."""
    shop = People(people=0, facts_per_person=FACTS_PER_PERSON)
    with installation(engine) as running:
        with ready(shop.batches(facts=people * FACTS_PER_PERSON, size=100)) as bodies:
            send_and_fold(running, bodies)
        print(f"{engine}: {people:,} people are in", file=sys.stderr)
        _stop(running)
        db = Database.open(running.database_url or f"sqlite:///{running.data / 'rapport.db'}")
        sizes = multiply(db, copies=copies)
        db.close()
        with _served(running) as served, served.console() as console:
            pages = {name: _timed(served, console, paths, seconds) for name, paths in _paths(console).items()}
    return {"engine": engine, "sizes": sizes, "pages": pages}


def _paths(console: Reader) -> dict[str, list[str]]:
    """Every page of the side bar, the list of customers in all its ways, and each page of one customer."""
    home = _read(console, "/console")
    lists = {
        "customers": "", "visitors": "who=visitors", "by revenue": "sort=revenue", "by name": "sort=name",
        "a country": "country=FR", "a campaign, consent": "campaign=campaign+3&consent=email_marketing%3Dyes",
        "five orders": "orders=5", "not for 90 days": "ordered=over-90", "a first name": "q=ada",
        "a name": "q=lovelace+ada",
        "last digits": "q=1234", "an order": "q=o1234", "a postcode": "q=10115", "nobody": "q=nobody+at+all",
    }  # fmt: skip
    paths = {f"list: {name}": [f"/console/customers?{query}"] for name, query in lists.items()}
    paths["list: tenth page"] = [_tenth(console)]
    people = re.findall(
        r'data-row href="(/console/customers/cus_\w+)"',
        "".join(_read(console, f"/console/customers?sort={sort}") for sort in ("last_seen", "orders", "name")),
    )
    everybody = list(dict.fromkeys(people))
    for tab in ("overview", "traits", "identity", "json"):
        paths[f"customer: {tab}"] = [f"{one}?tab={tab}" for one in everybody]
    paths["customer: orders alone"] = [f"{one}?topic=orders" for one in everybody]
    buyers = re.findall(r'data-row href="(/console/customers/cus_\w+)"', _read(console, "/console/customers?orders=1"))
    paths["customer: why this revenue"] = [f"{one}/why/revenue" for one in buyers]
    paths["palette"] = [f"/console/find?{urlencode({'q': words})}" for words in ("ad", "lovelace", "o123", "1234")]
    sides = dict.fromkeys(re.findall(r'class="item" href="(/console[a-z/-]*)"', home))
    return paths | {quote(path): [path] for path in sides if path != "/console/customers"}


def _tenth(console: Reader) -> str:
    path = "/console/customers?sort=orders"
    for _ in range(9):
        following = re.search(r'rel="next" href="([^"]+)"', _read(console, path))
        path = following[1].replace("&amp;", "&") if following else path
    return path


def _timed(served: Installation, console: Reader, paths: Sequence[str], seconds: float) -> Mapping[str, float]:
    samples: list[float] = []
    worked: list[float] = []
    longest, deadline = 0, time.monotonic() + seconds
    for path in itertools.islice(itertools.cycle(paths), SAMPLES):
        started, before = time.perf_counter(), _worked(served.process.pid)
        body = _read(console, path)
        samples.append((time.perf_counter() - started) * 1000)
        worked.append((_worked(served.process.pid) - before) / 1e6)
        longest = max(longest, len(body.encode()))
        if len(samples) >= 20 and time.monotonic() > deadline:
            break
    middle, high = median_and_p99(samples[1:])  # the first one prepares statements
    return {"p50_ms": middle, "p99_ms": high, "cpu_p50_ms": median_and_p99(worked[1:])[0], "bytes": longest}


def _worked(process: int) -> int:
    """Nanoseconds that the threads of a process have run."""
    found = 0
    for thread in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found += int((thread / "schedstat").read_text(encoding="ascii").split()[0])
    return found


def _read(console: Reader, path: str) -> str:
    status, body = console.get(path)
    if status != 200:
        raise RuntimeError(f"{path} was answered {status}")
    return body.decode()


def _stop(running: Installation) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.process.pid, signal.SIGTERM)
    running.process.wait(60)


@contextlib.contextmanager
def _served(running: Installation) -> Iterator[Installation]:
    """The same shop served without workers, so that nothing but the pages is measured."""
    environment = {**os.environ, "RAPPORT_DATABASE_URL": running.database_url, "RAPPORT_LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "rapport", "serve", "--data", str(running.data), "--port", str(running.port)]
    running.process = subprocess.Popen(
        [*command, "--workers", "0"], env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if running.get("/healthz")[0] == 200:
                break
        time.sleep(0.1)
    try:
        yield running
    finally:
        _stop(running)


if __name__ == "__main__":
    main()
