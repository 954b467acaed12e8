"""Acting on time: due steps a second, how late they are among a million sleepers, what waiting costs, mails a second.

    python -m benchmarks.act [--quick] [--kill] [--engine sqlite|postgresql] [--json]

An installation with one worker. Sleepers are written into its journeys as steps would have left them, due tomorrow.
Then, one after the other: the worker's processor time while nothing is due; how late steps are done that fall due one
by one, by when another connection sees them; how quick many are done that are due at once, with the facts they state;
how quick mails reach a server that does nothing with them, beside what that server takes from a client that does
nothing else, over as many connections. One JSON object at the end: `steps_per_s, lag_p99_ms, idle_cpu_percent,
sent_per_s, sink_limit_per_s, peak_rss_mb`, and what was asked for.

With `--kill` nothing is timed: 10,000 mails (300 with `--quick`) go out of a journey while worker and server are killed
at random, and what arrived is counted (`benchmarks/kills.py`): `kills, mails, message_ids, people,
again_under_the_same_id, people_with_two_messages, people_without`. The last two have to be 0.
"""

from __future__ import annotations

import argparse
import contextlib
import email
import json
import multiprocessing
import os
import smtplib
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from benchmarks.installation import Installation, installation
from benchmarks.kills import enter, killing
from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.model import NEVER, Graph
from rapport.capabilities.journeys.store import Context, Instance
from rapport.capabilities.messages import queue_all
from rapport.capabilities.messages import store as messages
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS, MessageSettings
from rapport.kernel.clock import DAY, SECOND, now_us
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.resolve.graph.store import identifiers
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace

__all__ = ["main"]

MILLISECOND = SECOND // 1_000
BATCH = 10_000
DOMAINS = 8
CONNECTIONS = 16
"""To the mail server: as many as a worker has threads for its outbox."""
JOURNEY = "waiting"
GRAPH: dict[str, Any] = {
    "title": "Waiting", "entry": {"on": "api"}, "control_percent": 0, "start": "wait",
    "nodes": {"wait": {"kind": "wait", "for": "1d", "next": "over"}, "over": {"kind": "exit"}},
}  # fmt: skip


class Size(NamedTuple):
    sleepers: int
    due: int
    timed: int
    """Steps that fall due one by one."""
    mails: int
    idle_seconds: float


WHOLE = Size(1_000_000, 20_000, 1_000, 3_000, 20.0)
QUICK = Size(20_000, 2_000, 200, 300, 5.0)


class _Sink:
    """Takes mail and counts it; where it is given a file, it writes down what came for whom."""

    def __init__(self, taken: Synchronized[int], told: Path | None) -> None:
        self._taken = taken
        self._told = told

    async def handle_EHLO(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", *responses[-1:]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        with self._taken.get_lock():
            self._taken.value += 1
        if self._told is not None:
            named = email.message_from_bytes(envelope.content)["Message-ID"]
            with self._told.open("a", encoding="utf-8") as file:
                file.write(json.dumps([named, *envelope.rcpt_tos]) + "\n")
        return "250 OK"


def _listen(port: int, taken: Synchronized[int], ready: Event, told: Path | None) -> None:
    Controller(_Sink(taken, told), hostname="127.0.0.1", port=port).start()
    ready.set()
    multiprocessing.Event().wait()


@contextlib.contextmanager
def sink(told: Path | None = None) -> Iterator[tuple[int, Synchronized[int]]]:
    """A mail server in a process of its own: its port, and how many mails it has taken. What came for whom it writes
    into the file `told`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    taken, ready = multiprocessing.Value("i", 0), multiprocessing.Event()
    process = multiprocessing.Process(target=_listen, args=(port, taken, ready, told), daemon=True)
    process.start()
    if not ready.wait(30):
        raise TimeoutError("the mail server did not start")
    try:
        yield port, taken
    finally:
        process.kill()
        process.join()


def _until(done: Any, *, within: float, every: float = 0.02) -> float:
    """Seconds until it is done."""
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > within:
            raise TimeoutError(f"not done within {within:g} s")
        time.sleep(every)
    return time.monotonic() - began


def _instance(shop: WorkspaceId, number: int, strand: Key, *, due_at: int, now: int) -> dict[str, Any]:
    return store.row_of(
        Instance(
            workspace=shop, id=f"jny_{number:032x}", bucket=store.bucket(strand), journey=JOURNEY, version=1,
            strand=strand, root=strand, subject=str(number), turn=0, arm="journey", node="wait", rests=1, since=now,
            due_at=due_at, context=Context(trail=[("wait", now)]), entered_at=now,
        )
    )  # fmt: skip


def _write(db: Database, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == BATCH:
            with db.write() as conn:
                conn.execute(table.insert(), some)
            some = []
    if some:
        with db.write() as conn:
            conn.execute(table.insert(), some)


def fill(db: Database, shop: WorkspaceId, size: Size) -> list[Key]:
    """The journey, its sleepers, and people with addresses; answers those people's keys."""
    now = now_us()
    graph = msgspec.json.encode(msgspec.convert(GRAPH, Graph))
    said = {"workspace": shop, "name": JOURNEY, "version": 1, "changed_at": now, "changed_by": "benchmark"}
    with db.write() as conn:
        ensure_secret(conn)
        settings.save(
            conn, shop, MESSAGE_SETTINGS, MessageSettings(domain_a_minute=0), version=0, by="benchmark", now=now
        )  # fmt: skip
        conn.execute(store.versions.insert().values(**said, body=graph))
        state = {"state": "live", "moves_from": 0, "removed_upto": 0, "next_at": None, "filled_to": b""}
        conn.execute(store.journeys.insert().values(**said, **state))
    named = [Identifier("email", f"p{n}@d{n % DOMAINS}.example") for n in range(max(size.due, size.mails))]
    people = [Key(key_of(shop, one)) for one in named]
    _write(db, identifiers, (
        {"workspace": shop, "key": key, "namespace": one.namespace, "value": one.value, "first_seen_at": now,
         "first_fact": "f", "source": "benchmark", "root": key, "shared_at": None}
        for key, one in zip(people, named, strict=True)
    ))  # fmt: skip
    asleep = (Key(key_of(shop, Identifier("user_id", f"sleeper{n}"))) for n in range(size.sleepers))
    _write(db, store.instances, (
        _instance(shop, number, strand, due_at=now + DAY + number * MILLISECOND, now=now)
        for number, strand in enumerate(asleep)
    ))  # fmt: skip
    with db.write() as conn:
        conn.exec_driver_sql("ANALYZE")
    return people


def idle(running: Installation, size: Size) -> float:
    """Percent of a core that the worker takes while nothing is due."""
    time.sleep(5)
    before = running.core_seconds()["worker 1"]
    began = time.monotonic()
    time.sleep(size.idle_seconds)
    return (running.core_seconds()["worker 1"] - before) / (time.monotonic() - began) * 100


def lag(db: Database, shop: WorkspaceId, size: Size, people: Sequence[Key]) -> float:
    """How late the step in a hundred that is latest is seen done, in milliseconds; one falls due every 20."""
    first = now_us() + 2 * SECOND
    due = {f"jny_{(1 << 40) + n:032x}": first + n * 20 * MILLISECOND for n in range(size.timed)}
    rows = (
        _instance(shop, (1 << 40) + n, people[n], due_at=at, now=first) for n, at in enumerate(due.values())
    )  # fmt: skip
    _write(db, store.instances, rows)
    late: list[int] = []
    i = store.instances.c
    deadline = time.monotonic() + 60 + size.timed * 0.02
    while due and time.monotonic() < deadline:
        time.sleep(0.01)
        awaited = [one for one, at in due.items() if at <= now_us()][:100]
        if not awaited:
            continue
        with db.read() as conn:
            done = sa.select(i.id).where(i.workspace == shop, i.id.in_(awaited), i.state == "done")
            seen = list(conn.execute(done).scalars())
        now = now_us()
        late += [now - due.pop(one) for one in seen]
    if due:
        raise TimeoutError(f"{len(due)} steps were not done")
    return sorted(late)[int(len(late) * 0.99)] / MILLISECOND


def steps(db: Database, shop: WorkspaceId, size: Size, people: Sequence[Key]) -> float:
    """Steps a second, of those that are due at once."""
    now = now_us()
    rows = [_instance(shop, (1 << 41) + n, people[n], due_at=NEVER - 1, now=now) for n in range(size.due)]
    _write(db, store.instances, iter(rows))
    i = store.instances.c
    ours = (i.workspace == shop, i.id >= f"jny_{1 << 41:032x}")
    with db.write() as conn:
        conn.execute(store.instances.update().where(*ours).values(due_at=now))
    left = sa.select(i.id).where(i.state == store._IS_ACTIVE, i.due_at <= now).order_by(i.due_at).limit(1)

    def done() -> bool:
        with db.read() as conn:
            return conn.execute(left).first() is None

    return size.due / _until(done, within=600)


def sending(
    db: Database, shop: WorkspaceId, size: Size, people: Sequence[Key], taken: Synchronized[int]
) -> float:  # fmt: skip
    """Mails a second from the outbox to the server."""
    before = taken.value
    data = {"order": {"id": "A-1"}, "story": "It is packed."}
    fields = {"template": "order_story", "customer": "", "purpose": "transactional", "data": data}
    for start in range(0, size.mails, 500):
        some = [
            (people[n], {**fields, "idempotency_key": f"m{n}"}) for n in range(start, min(start + 500, size.mails))
        ]  # fmt: skip
        with db.write() as conn:
            queue_all(conn, shop, some, now=now_us())
    first = taken.value
    took = _until(lambda: taken.value - before >= size.mails, within=600)
    with db.read() as conn:
        states = messages.counts(conn, shop, since=0)
    print(f"  {states}", flush=True)
    return (size.mails - (first - before)) / took


def limit(port: int, size: Size) -> float:
    """Mails a second that the server takes from a client that does nothing else."""
    body = "Subject: Your order A-1\r\n\r\n" + "It is packed, and on its way to you tomorrow.\r\n" * 150

    def send(number: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for _ in range(number):
                smtp.sendmail("a@shop.example", ["b@d.example"], body)

    each = max(1, size.mails // CONNECTIONS)
    began = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(send, [each] * CONNECTIONS))
    return each * CONNECTIONS / (time.monotonic() - began)


def measure(size: Size, *, engine: str) -> dict[str, Any]:
    """All figures."""
    with sink() as (port, taken):
        _send_to(port)
        found: dict[str, Any] = {"engine": engine, **size._asdict(), "sink_limit_per_s": round(limit(port, size))}
        with installation(engine, workers=1) as running:
            db = Database.open(running.database_url or f"sqlite:///{running.data / 'rapport.db'}")
            with db.read() as conn:
                shop = default_workspace(conn).id
            began = time.monotonic()
            people = fill(db, shop, size)
            print(f"  {size.sleepers:,} sleepers written in {time.monotonic() - began:.0f} s", flush=True)
            found["idle_cpu_percent"] = round(idle(running, size), 2)
            found["lag_p99_ms"] = round(lag(db, shop, size, people), 1)
            found["steps_per_s"] = round(steps(db, shop, size, people))
            found["sent_per_s"] = round(sending(db, shop, size, people, taken))
            found["peak_rss_mb"] = running.peak_rss_mb()
            db.close()
    return found


def survive(mails: int, *, engine: str, seed: int) -> dict[str, Any]:
    """What arrived, whatever was killed."""
    with tempfile.TemporaryDirectory(prefix="rapport-mails-") as folder:
        told = Path(folder) / "mails.jsonl"
        told.touch()
        with sink(told) as (port, _):
            _send_to(port)
            with installation(engine, workers=2 if engine == "postgresql" else 1) as running:
                db = Database.open(running.database_url or f"sqlite:///{running.data / 'rapport.db'}")
                with db.read() as conn:
                    shop = default_workspace(conn).id
                people = fill(db, shop, QUICK._replace(sleepers=1_000, due=0, mails=mails))
                enter(db, shop, people)
                found = killing(running, db, shop, told, mails=mails, seed=seed, patience=600 + mails / 5)
                db.close()
    return {"engine": engine, "seed": seed, **found}


def _send_to(port: int) -> None:
    os.environ |= {
        "RAPPORT_SMTP_URL": f"smtp://127.0.0.1:{port}?plain", "RAPPORT_MAIL_FROM": "hello@shop.example",
        "RAPPORT_PUBLIC_URL": "https://shop.example",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 sleepers, 2,000 due at once, 300 mails")
    parser.add_argument("--kill", action="store_true", help="kill worker and server meanwhile, and count what arrived")
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which something is killed [1]")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON object on standard output")
    asked = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr if asked.json else sys.stdout):
        if asked.kill:
            found = survive(300 if asked.quick else 10_000, engine=asked.engine, seed=asked.seed)
        else:
            found = measure(QUICK if asked.quick else WHOLE, engine=asked.engine)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
