"""How long a fact takes from its acknowledgement until its customer's Golden Record shows it, under steady load.

A probe sets out every `EVERY_SECONDS` whether or not those before it have arrived, so a stall is felt by as many probes
as set out during it. Those on their way are looked for in turn, one look every `LOOK_SECONDS` over one connection: a
look costs some 3 ms of a core, and looking every 2 ms over a connection each took more than half a core from the
server and its workers. A probe is found up to one look late.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator

from benchmarks.installation import Installation, Reader
from benchmarks.load import Shop, Wire, ready

__all__ = ["visibility"]

RATE = 1_000
"""Facts a second meanwhile."""
EVERY_SECONDS = 0.05
LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 60.0


def visibility(running: Installation, *, seconds: float) -> list[float]:
    """Milliseconds of each probe sent within `seconds`. Raises TimeoutError where one is not seen for a minute."""
    samples: list[float] = []
    under_way: deque[tuple[str, float]] = deque()
    wire = Wire(port=running.port, write_key=running.write_key)
    with _steady_load(running, seconds=seconds + PATIENCE_SECONDS), running.reader() as reader:
        started = time.monotonic()
        sent = 0
        while under_way or time.monotonic() < started + seconds:
            due = started + sent * EVERY_SECONDS
            if due <= time.monotonic() < started + seconds:
                under_way.append(_send(wire))
                sent += 1
            if under_way and not _look(reader, under_way, samples):
                time.sleep(LOOK_SECONDS)
            elif not under_way:
                time.sleep(max(0.0, due - time.monotonic()))
    wire.close()
    return samples


def _send(wire: Wire) -> tuple[str, float]:
    """A new customer's first fact: the user id, and when it was acknowledged."""
    user = f"probe-{uuid.uuid4()}"
    event = {"type": "track", "event": "Product Viewed", "userId": user, "properties": {"product_id": "p1"}}
    body = json.dumps({"batch": [event]}).encode()
    while wire.post(body) != 200:
        time.sleep(LOOK_SECONDS)
    return user, time.perf_counter()


def _look(reader: Reader, under_way: deque[tuple[str, float]], samples: list[float]) -> bool:
    """Whether the probe whose turn it is has been seen; otherwise the turn is the next one's."""
    user, acknowledged = under_way[0]
    status, _ = reader.get(f"/api/v1/customers/user_id:{user}")
    taken = time.perf_counter() - acknowledged
    if status != 200:
        if taken > PATIENCE_SECONDS:
            raise TimeoutError(f"{user} was acknowledged {taken:.0f} s ago and is not seen")
        under_way.rotate(-1)
        return False
    under_way.popleft()
    samples.append(taken * 1000)
    return True


@contextlib.contextmanager
def _steady_load(running: Installation, *, seconds: float) -> Iterator[None]:
    """RATE facts a second in batches of 20, for so long at most."""
    shop, stop = Shop(people=2_000, seed=int(time.time())), threading.Event()

    def work(bodies: Iterator[bytes]) -> None:
        wire = Wire(port=running.port, write_key=running.write_key)
        started = time.monotonic()
        for number, body in enumerate(bodies):
            if stop.wait(max(0.0, started + number * 20 / RATE - time.monotonic())):
                break
            wire.post(body)
        wire.close()

    with ready(shop.batches(facts=int(RATE * seconds), size=20)) as bodies:
        background = threading.Thread(target=work, args=(bodies,))
        background.start()
        try:
            yield
        finally:
            stop.set()
            background.join()
