"""What an honest caller waits while somebody attacks: `python -m benchmarks.hostile [--quick] [--engine …] [--json]`.

A server with its worker is asked for one `POST /v1/track` after the other, and every tenth time for `/healthz`, by a
caller with connections of its own: first in quiet, then while each attack runs, with quiet measured anew before each.
Attackers are processes of their own on the same cores, so that part of what the caller waits is the machine's, not the
server's: `idle_spin` burns as many cores doing nothing at all, and says how much. One JSON object at the end:
`quiet_p99_ms, attacks: {name: {p50_ms, p99_ms, quiet_p99_ms, ratio, refused}}, worst_ratio`; a ratio is to the quiet
just before, and `refused` counts honest calls that were not answered 200.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import multiprocessing
import socket
import statistics
import time
import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple

from benchmarks.installation import Installation, installation

__all__ = ["ATTACKS", "main"]

ATTACKERS = 2
"""Processes, one for each core of a small server."""

WARM_UP = 300
PAUSE_SECONDS = 2.0
"""After an attack, for what it left behind."""


class Target(NamedTuple):
    """Whom an attack reaches; the key is what stands in a website's page."""

    port: int
    write_key: str
    address: str = "127.0.0.2"
    """From where it is attacked: not from where honest callers come, nor a proxy that is believed."""

    def connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=5, source_address=(self.address, 0))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def post(self, path: str, body: bytes, *, key: str = "", more: str = "") -> bytes:
        token = base64.b64encode(f"{key}:".encode()).decode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Basic {token}\r\n"
            f"Content-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


Attack = Callable[[Target], None]


def idle_spin(target: Target) -> None:
    """No attack: what other work on these cores costs."""
    until = time.monotonic() + 0.05
    while time.monotonic() < until:
        pass


def deep_context(target: Target) -> None:
    """A body whose context holds one long key and 100,000 list items, without a key that is known."""
    items = ",".join("1" * 100_000)
    body = f'{{"context":{{"{"k" * 50_000}":[{items}]}},"batch":[{{"type":"track"}}]}}'.encode()
    _send(target, target.post("/v1/batch", body, key="wk_nobody"))


def gzip_bomb(target: Target) -> None:
    """Fifty megabytes of blanks in fifty kilobytes, without a key that is known."""
    more = "Content-Encoding: gzip\r\n"
    _send(target, target.post("/v1/batch", _BOMB, key="wk_nobody", more=more))


def slow_bodies(target: Target) -> None:
    """Thirty connections that send all of a large body but the last byte."""
    held = [target.connect() for _ in range(30)]
    request = target.post("/v1/batch", b'{"batch":[' + b" " * 1_000_000 + b"]}", key="wk_nobody")
    for one in held:
        _try(lambda one=one: one.sendall(request[:-1]))  # type: ignore[misc]
    time.sleep(1)
    for one in held:
        one.close()


def slow_heads(target: Target) -> None:
    """A hundred connections whose heads never end."""
    held = [target.connect() for _ in range(100)]
    for number in range(20):
        for one in held:
            _try(lambda one=one, number=number: one.sendall(b"GET / HTTP/1.1\r\n" if not number else b"X-A: b\r\n"))  # type: ignore[misc]
        time.sleep(0.05)
    for one in held:
        one.close()


def huge_heads(target: Target) -> None:
    """Two megabytes of headers."""
    head = b"GET /v1/track HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Basic "
    _send(target, head + b"A" * 2_000_000 + b"\r\n\r\n")


def unknown_keys(target: Target) -> None:
    """Calls with a new unknown key each, as quick as they are answered."""
    with target.connect() as line:
        for _ in range(50):
            line.sendall(target.post("/v1/track", b'{"event":"x","userId":"u"}', key=f"wk_{uuid.uuid4().hex}"))
            if not line.recv(65_536):
                return


def sign_in_guesses(target: Target) -> None:
    """Guesses at an owner's password: each costs the server a slow hash, until it says wait."""
    body = b"email=owner%40shop.example&password=correct+horse&csrf_token=x"
    head = (
        "POST /console/sign-in HTTP/1.1\r\nHost: shop.example\r\nCookie: rapport_csrf=x\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    _send(target, head + body)


def flood_of_facts(target: Target) -> None:
    """The public key, used for as much as is taken: batches of 500 facts."""
    messages = ",".join(f'{{"type":"track","event":"X","anonymousId":"{uuid.uuid4().hex}"}}' for _ in range(500))
    _send(target, target.post("/v1/batch", f'{{"batch":[{messages}]}}'.encode(), key=target.write_key))


def broken_messages(target: Target) -> None:
    """The public key, used to fill the quarantine: batches of 500 messages that are no facts."""
    messages = ",".join(f'{{"type":"track","event":{number},"x":"{uuid.uuid4().hex}"}}' for number in range(500))
    _send(target, target.post("/v1/batch", f'{{"batch":[{messages}]}}'.encode(), key=target.write_key))


def many_connections(target: Target) -> None:
    """Five hundred connections that say nothing."""
    held = []
    for _ in range(500):
        _try(lambda: held.append(target.connect()))
    time.sleep(1)
    for one in held:
        one.close()


ATTACKS: Mapping[str, Attack] = {
    attack.__name__: attack
    for attack in (
        idle_spin, deep_context, gzip_bomb, slow_bodies, slow_heads, huge_heads, unknown_keys, sign_in_guesses,
        flood_of_facts, broken_messages, many_connections,
    )
}  # fmt: skip

_BOMB = gzip.compress(b'{"batch":[' + b" " * 50_000_000 + b"]}", compresslevel=6)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="3 seconds of each instead of 15")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", help="names of attacks, with commas between")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    given = parser.parse_args()
    seconds = 3.0 if given.quick else 15.0
    names = given.only.split(",") if given.only else list(ATTACKS)
    with installation(given.engine, bounded=True) as running:
        result = _measure(running, names, seconds, quiet=given.json)
    print(json.dumps(result))


def _measure(running: Installation, names: list[str], seconds: float, *, quiet: bool) -> dict[str, object]:
    caller, target = Caller(running), Target(running.port, running.write_key)
    caller.calls(0.0, at_least=WARM_UP)
    before_all: list[float] = []
    attacks: dict[str, dict[str, float]] = {}
    for name in names:
        before, _ = caller.calls(seconds)
        before_all += before
        during, refused = _under(target, ATTACKS[name], lambda: caller.calls(seconds))
        p99, calm = _p99(during), _p99(before)
        attacks[name] = {
            "p50_ms": round(statistics.median(during), 2), "p99_ms": round(p99, 2), "quiet_p99_ms": round(calm, 2),
            "ratio": round(p99 / calm, 2), "refused": refused,
        }  # fmt: skip
        if not quiet:
            print(f"{name:<18} {attacks[name]}", flush=True)
        time.sleep(PAUSE_SECONDS)
    caller.close()
    worst = max((one["ratio"] for name, one in attacks.items() if name != "idle_spin"), default=0.0)
    return {"quiet_p99_ms": round(_p99(before_all), 2), "attacks": attacks, "worst_ratio": worst}


class Caller:
    """A shop's server: a source of its own kind, one call after the other on a connection that is kept."""

    def __init__(self, running: Installation) -> None:
        self._target = Target(running.port, running.server_key(), "127.0.0.1")
        self._line: socket.socket | None = None

    def calls(self, seconds: float, *, at_least: int = 1) -> tuple[list[float], int]:
        """Milliseconds of each call for so long, and how many were not answered 200."""
        until, refused = time.monotonic() + seconds, 0
        took: list[float] = []
        while time.monotonic() < until or len(took) < at_least:
            request = b"GET /healthz HTTP/1.1\r\nHost: shop.example\r\n\r\n"
            if len(took) % 10:
                body = json.dumps({"event": "Order Noted", "userId": "ada", "messageId": uuid.uuid4().hex}).encode()
                request = self._target.post("/v1/track", body, key=self._target.write_key)
            began = time.perf_counter()
            status = self._ask(request)
            took.append((time.perf_counter() - began) * 1000)
            refused += status != 200
            time.sleep(0.005)
        return took, refused

    def close(self) -> None:
        if self._line is not None:
            self._line.close()

    def _ask(self, request: bytes) -> int:
        try:
            self._line = self._line or self._target.connect()
            self._line.sendall(request)
            return _status_of(self._line)
        except (OSError, IndexError, ValueError):
            self.close()
            self._line = None
            return 0


def _status_of(line: socket.socket) -> int:
    """The status of an answer that is read to its end."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(line)
    head, _, rest = answer.lower().partition(b"\r\n\r\n")
    length = next((int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.startswith(b"content-length")), 0)
    while len(rest) < length:
        rest += _received(line)
    return int(head.split(b" ", 2)[1])


def _received(line: socket.socket) -> bytes:
    data = line.recv(65_536)
    if not data:
        raise ConnectionError("the server hung up")
    return data


def _under(target: Target, attack: Attack, work: Callable[[], tuple[list[float], int]]) -> tuple[list[float], int]:
    """What `work` finds while attackers run; they are ended afterwards."""
    attackers = [multiprocessing.Process(target=_attack, args=(target, attack), daemon=True) for _ in range(ATTACKERS)]
    for one in attackers:
        one.start()
    time.sleep(0.5)
    try:
        return work()
    finally:
        for one in attackers:
            one.terminate()
        for one in attackers:
            one.join()


def _attack(target: Target, attack: Attack) -> None:
    while True:
        _try(lambda: attack(target))


def _send(target: Target, request: bytes) -> None:
    with target.connect() as line:
        line.sendall(request)
        line.recv(65_536)


def _try(work: Callable[[], object]) -> None:
    """Go on, whatever the server does to whoever attacks it."""
    try:
        work()
    except OSError:
        time.sleep(0.01)


def _p99(took: list[float]) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * 0.99))]


if __name__ == "__main__":
    main()
