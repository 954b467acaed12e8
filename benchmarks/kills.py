"""Whatever is killed, and whenever: does each customer get their mail once? Part of `benchmarks.act --kill`.

Customers stand in a journey whose next step, due now, sends them a mail. While the worker takes their steps and hands
the mails over, it, or the whole server, is killed (SIGKILL) at random moments and started again. A mail whose handing
over was under way then may arrive twice, under the Message-ID it had; nothing may be missing, and nobody may get two.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil
import sqlalchemy as sa

from benchmarks.installation import Installation
from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.model import Graph
from rapport.capabilities.journeys.store import Context, Instance
from rapport.capabilities.messages import store as messages
from rapport.kernel.clock import now_us
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks
from rapport.storage.engine import Database

__all__ = ["Arrived", "arrived", "enter", "killing"]

NAME = "told"
GRAPH: dict[str, Any] = {
    "title": "Told", "entry": {"on": "api"}, "control_percent": 0, "start": "wait",
    "nodes": {
        "wait": {"kind": "wait", "for": "1h", "next": "tell"},
        "tell": {"kind": "send", "template": "order_story", "purpose": "transactional", "next": "over",
                 "data": {"order": {"id": "A-1"}, "story": "It is packed."}},
        "over": {"kind": "exit"},
    },
}  # fmt: skip
KILLS = 40
"""For 10,000 mails, fewer for fewer, but six at least: each at a moment that the arrivals choose, so while mails go."""


class Arrived(NamedTuple):
    """What the mail server has."""

    mails: int
    ids: int
    """Different Message-IDs."""
    people: int
    twice: int
    """People who got mails of more than one Message-ID."""


def enter(db: Database, shop: WorkspaceId, people: Sequence[Key]) -> None:
    """Have these people stand in the journey, their step due now."""
    now = now_us()
    said = {"workspace": shop, "name": NAME, "version": 1, "changed_at": now, "changed_by": "benchmark"}
    rows = [
        store.row_of(
            Instance(
                workspace=shop, id=f"jny_{(1 << 42) + number:032x}", bucket=store.bucket(person), journey=NAME,
                version=1, strand=person, root=person, subject=str(number), turn=0, arm="journey", node="wait", rests=1,
                since=now, due_at=now, context=Context(trail=[("wait", now)]), entered_at=now,
            )
        )
        for number, person in enumerate(people)
    ]  # fmt: skip
    with db.write() as conn:
        conn.execute(store.versions.insert().values(**said, body=msgspec.json.encode(msgspec.convert(GRAPH, Graph))))
        state = {"state": "live", "moves_from": 0, "removed_upto": 0, "next_at": None, "filled_to": b""}
        conn.execute(store.journeys.insert().values(**said, **state))
        for some in chunks(rows, 1_000):
            conn.execute(store.instances.insert(), some)


def killing(
    running: Installation, db: Database, shop: WorkspaceId, taken: Path, *, mails: int, seed: int, patience: float
) -> dict[str, Any]:
    """Kill while mails arrive, wait until all are sent, look at what arrived. Raises TimeoutError.

    What a worker had taken up when it was killed is taken up again when its lease ends, half a minute later.
    """
    rng, kills, began = random.Random(seed), Counter[str](), time.monotonic()
    moments = sorted(rng.sample(range(1, mails), max(6, KILLS * mails // 10_000)))
    while (sent := _sent(db, shop)) < mails:
        if time.monotonic() - began > patience:
            raise TimeoutError(f"{sent} of {mails} mails were sent within {patience:g} s")
        time.sleep(0.02)
        if moments and _lines(taken) >= moments[0]:
            moments = [one for one in moments if one > _lines(taken)]
            kills[_kill(running, rng)] += 1
            print(f"  {kills.total()} kills, {sent:,} of {mails:,} sent", flush=True)
    found = arrived(taken)
    return {
        "kills": dict(sorted(kills.items())), "mails": found.mails, "message_ids": found.ids, "people": found.people,
        "again_under_the_same_id": found.mails - found.ids, "people_with_two_messages": found.twice,
        "people_without": mails - found.people, "seconds": round(time.monotonic() - began),
    }  # fmt: skip


def arrived(taken: Path) -> Arrived:
    """What a mail server wrote down, a line of JSON `[Message-ID, address]` for each mail."""
    pairs = [tuple(json.loads(line)) for line in taken.read_text(encoding="utf-8").splitlines()]
    by_person: dict[str, set[str]] = {}
    for message_id, address in pairs:
        by_person.setdefault(address, set()).add(message_id)
    several = sum(len(ids) > 1 for ids in by_person.values())
    return Arrived(len(pairs), len({one for one, _ in pairs}), len(by_person), several)


def _sent(db: Database, shop: WorkspaceId) -> int:
    m = messages.messages.c
    query = sa.select(sa.func.count()).where(m.workspace == shop, m.status == messages.SENT)
    with db.read() as conn:
        return int(conn.execute(query).scalar_one())


def _kill(running: Installation, rng: random.Random) -> str:
    """Kill a worker, or one time in four the server with all it started; what it was."""
    if rng.random() < 0.25:
        running.kill()
        running.start()
        return "server"
    children = psutil.Process(running.process.pid).children()
    workers = [one for one in children if "worker" in one.cmdline()]
    if not workers:
        return "nobody"
    with contextlib.suppress(ProcessLookupError):
        os.kill(rng.choice(workers).pid, signal.SIGKILL)
    return "worker"


def _lines(taken: Path) -> int:
    """How many mails arrived so far."""
    return taken.read_bytes().count(b"\n")
