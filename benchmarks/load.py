"""Facts of a plausible shop as clients send them, and a client that costs next to nothing."""

from __future__ import annotations

import base64
import contextlib
import json
import random
import socket
import tempfile
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.installation import Installation

__all__ = ["COUNTED", "WARM_UP", "Shop", "Wire", "ready", "send_all", "send_and_fold", "warm_up"]

WARM_UP = 2_000
"""Facts sent before anything is measured."""

COUNTED = {"Product Viewed": "product_views", "Product Added": "adds_to_cart", "Order Completed": "orders"}
"""Events whose number per customer is compared with a trait afterwards."""

_MIX = (
    ("Product Viewed", 44), ("page", 20), ("Product Added", 12), ("Product List Viewed", 10), ("Products Searched", 5),
    ("identify", 3), ("Product Removed", 2), ("Checkout Started", 2), ("Order Completed", 2),
)  # fmt: skip


class Shop:
    """Messages from a seed: people with an anonymous id of whom two thirds have signed in. Knows the truth.

    With `facts_per_person` somebody new comes with every so many messages, and who came lately comes more often.
    """

    def __init__(self, *, people: int, seed: int = 7, facts_per_person: int = 0, watched: int = 1) -> None:
        self._seed = seed
        self._random = random.Random(seed)
        self._people = people
        self._facts_per_person = facts_per_person
        self._watched = watched
        self._kinds = [kind for kind, weight in _MIX for _ in range(weight)]
        self._start = datetime.now(UTC) - timedelta(days=20)
        self._sent = 0
        self.truth: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        """For the lasting identifier (namespace, value) of each `watched`th person: how often each counted event was
        sent."""

    def message(self) -> dict[str, Any]:
        """The next message."""
        rng = self._random
        person = self._person()
        kind = rng.choice(self._kinds)
        self._sent += 1
        at = self._start + timedelta(milliseconds=250 * self._sent)
        message: dict[str, Any] = {
            "messageId": f"ajs-next-{uuid.UUID(int=rng.getrandbits(128))}",
            "anonymousId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"anonymous {self._seed} {person}")),
            "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "context": _context(rng),
        }
        lasting = ("anonymous_id", message["anonymousId"])
        if person % 3:
            message["userId"] = f"u{self._seed}-{person}"
            lasting = ("user_id", message["userId"])
        if kind == "identify":
            message |= {
                "type": "identify",
                "traits": {"email": f"person{person}.{self._seed}@example.com", "firstName": f"Ada {person}"},
            }
        elif kind == "page":
            message |= {"type": "page", "name": "Home", "properties": {"path": "/", "url": "https://shop.example/"}}
        else:
            message |= {"type": "track", "event": kind, "properties": self._properties(kind)}
            if kind in COUNTED and person % self._watched == 0:
                self.truth[lasting][COUNTED[kind]] += 1
        return message

    def batches(self, *, facts: int, size: int) -> Iterator[bytes]:
        """Encoded bodies of `POST /v1/batch`, `size` messages each."""
        for _ in range(facts // size):
            yield json.dumps({"batch": [self.message() for _ in range(size)]}, separators=(",", ":")).encode()

    def _person(self) -> int:
        if not self._facts_per_person:
            return min(int(self._random.expovariate(3.0) * self._people), self._people - 1)
        if self._sent % self._facts_per_person == 0:
            self._people += 1
            return self._people - 1
        return max(self._people - 1 - int(self._random.expovariate(3.0) * self._people), 0)

    def _properties(self, kind: str) -> dict[str, Any]:
        if kind == "Products Searched":
            return {"query": self._random.choice(["chianti", "olive oil", "linen", "corkscrew"])}
        if kind == "Product List Viewed":
            return {"list_id": "reds", "category": "Wine", "products": [self._product() for _ in range(3)]}
        if kind == "Checkout Started":
            return {"currency": "EUR", "value": 42.5, "products": [self._product()]}
        if kind == "Order Completed":
            products = [self._product() for _ in range(self._random.randint(1, 4))]
            revenue = round(sum(p["price"] * p["quantity"] for p in products), 2)
            return {"order_id": f"o{self._sent}", "currency": "EUR", "revenue": revenue, "total": revenue + 4.9,
                    "shipping": 4.9, "products": products}  # fmt: skip
        return {"currency": "EUR", "cart_id": f"c{self._sent % 997}", **self._product()}

    def _product(self) -> dict[str, Any]:
        number = int(self._random.paretovariate(1.1)) % 300
        return {"product_id": f"p{number}", "name": f"Product number {number}", "category": f"Category {number % 12}",
                "brand": f"Brand {number % 25}", "price": 5 + number % 60 + 0.9, "quantity": 1}  # fmt: skip


def _context(rng: random.Random) -> dict[str, Any]:
    return {
        "library": {"name": "analytics.js", "version": "next-1.84.3"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537",
        "locale": rng.choice(["de-DE", "en-GB", "it-IT"]),
        "timezone": "Europe/Berlin",
        "page": {"path": "/p", "referrer": "", "search": "", "title": "A shop", "url": "https://shop.example/p"},
    }


@contextlib.contextmanager
def ready(bodies: Iterable[bytes]) -> Iterator[Iterator[bytes]]:
    """The bodies made beforehand and kept in a file, so that neither making nor holding them is measured."""
    with tempfile.TemporaryFile() as file:
        for body in bodies:
            file.write(len(body).to_bytes(4, "big") + body)
        file.seek(0)
        yield (file.read(int.from_bytes(length, "big")) for length in iter(lambda: file.read(4), b""))


class Wire:
    """One keep-alive connection that posts ready-made bodies."""

    def __init__(self, *, port: int, write_key: str) -> None:
        token = base64.b64encode(f"{write_key}:".encode()).decode()
        self._head = (
            f"POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Basic {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        )
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, body: bytes) -> int:
        """Send, wait for the whole answer, return its status."""
        self._socket.sendall((self._head % len(body)).encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, rest = answer.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
        while len(rest) < length:
            rest += self._receive()
        return int(lines[0].split()[1])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _receive(self) -> bytes:
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionError("the server hung up")
        return data


def send_all(bodies: Iterable[bytes], *, port: int, write_key: str, connections: int = 8) -> float:
    """Post all bodies, each until it is answered 200, over several connections. Returns the seconds it took."""
    queue, turn = iter(bodies), threading.Lock()

    def work() -> None:
        wire = Wire(port=port, write_key=write_key)
        while True:
            with turn:
                body = next(queue, None)
            if body is None:
                break
            while (status := wire.post(body)) != 200:
                if status not in (429, 503):
                    raise RuntimeError(f"a batch was answered {status}")
                time.sleep(0.05)
        wire.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for one in [pool.submit(work) for _ in range(connections)]:
            one.result()
    return time.perf_counter() - started


def send_and_fold(running: Installation, bodies: Iterable[bytes]) -> tuple[float, float]:
    """Seconds from the first byte until all is acknowledged, and until all is folded."""
    started = time.perf_counter()
    accepting = send_all(bodies, port=running.port, write_key=running.write_key)
    while running.lag() != 0:
        time.sleep(0.02)
    return accepting, time.perf_counter() - started


def warm_up(running: Installation) -> None:
    """Send a few facts of other people before anything is measured."""
    send_and_fold(running, Shop(people=50, seed=1).batches(facts=WARM_UP, size=100))
