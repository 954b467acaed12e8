"""A throw-away installation to measure: its own data folder or database, a server, its workers, their memory."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import psutil
import psycopg
from sqlalchemy.engine import make_url

POSTGRES = os.environ.get("RAPPORT_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")


class Reader:
    """One keep-alive connection that reads pages, so that little but the answer is measured. Left, it can be entered
    again: the server hangs up on who is silent.
    """

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = headers

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@dataclass
class Installation:
    """A running server and what is needed to talk to it."""

    data: Path
    database_url: str
    port: int
    process: subprocess.Popen[bytes]
    write_key: str
    api_key: str
    started_by: tuple[list[str], dict[str, str]] = field(default_factory=lambda: ([], {}), repr=False)
    """Command and environment of the server."""

    def kill(self) -> None:
        """End the server and all it started at once, as the system would (SIGKILL)."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        """Start the server again on its port, and wait until it is ready."""
        self.process = _started(*self.started_by)
        _wait_ready(self.port, self.process)

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET with the API key."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.api_key}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def reader(self) -> Reader:
        """Reads with the API key."""
        return Reader(self.port, {"Authorization": f"Bearer {self.api_key}"})

    def console(self) -> Reader:
        """Reads the console's pages as somebody who has signed in."""
        email, password = "owner@shop.example", secrets.token_urlsafe(16)
        environment = {**os.environ, "RAPPORT_DATABASE_URL": self.database_url, "RAPPORT_PASSWORD": password}
        command = [sys.executable, "-m", "rapport", "user", email, "--data", str(self.data)]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        with httpx.Client(base_url=self.url) as browser:
            browser.get("/console/sign-in")
            form = {"email": email, "password": password, "csrf_token": browser.cookies["rapport_csrf"]}
            browser.post("/console/sign-in", data=form)
            return Reader(self.port, {"Cookie": f"rapport_session={browser.cookies['rapport_session']}"})

    def server_key(self) -> str:
        """The write key of a new source of the shop's own server."""
        with httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.api_key}"}) as client:
            made = client.post("/api/v1/sources", json={"name": "Server", "kind": "server"}).raise_for_status().json()
        return str(made["write_key"])

    def processes(self) -> list[psutil.Process]:
        """The server and all it started."""
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    def peak_rss_mb(self) -> dict[str, float]:
        """Peak resident memory of each process so far, by what it is."""
        peaks: dict[str, float] = {}
        for number, process in enumerate(self.processes()):
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            peaks["server" if number == 0 else f"worker {number}"] = round(kilobytes / 1024, 1)
        return peaks

    def core_seconds(self) -> dict[str, float]:
        """Seconds of a core each process has taken so far; `database` is PostgreSQL's connections that are open now."""
        taken = {}
        for number, process in enumerate(self.processes()):
            taken["server" if number == 0 else f"worker {number}"] = _core_seconds(process)
        if name := make_url(self.database_url).database if self.database_url else "":
            served = [
                found for found in psutil.process_iter(["cmdline"]) if name in " ".join(found.info["cmdline"] or ())
            ]
            taken["database"] = sum(map(_core_seconds, served))
        return taken

    def lag(self) -> int:
        """Facts that are in the log and not yet folded."""
        status, body = self.get("/readyz")
        return int(json.loads(body)["lag"]) if status == 200 else -1


@contextlib.contextmanager
def installation(engine: str, *, workers: int | None = None, bounded: bool = False) -> Iterator[Installation]:
    """Start a fresh one on `sqlite` or `postgresql`, and remove it afterwards.

    The limits that a website's key has by default are lifted, unless it is to stay `bounded`.
    """
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder, database(engine) as url:
        environment = {**os.environ, "RAPPORT_DATABASE_URL": url, "RAPPORT_LOG_LEVEL": "WARNING"}
        data = Path(folder)
        port = _free_port()
        command = [sys.executable, "-m", "rapport", "serve", "--data", folder, "--port", str(port)]
        command += [] if workers is None else ["--workers", str(workers)]
        process = _started(command, environment)
        running = None
        try:
            _wait_ready(port, process)
            keys = json.loads(subprocess.run(
                [sys.executable, "-m", "rapport", "keys", "--data", folder, "--json"],
                env=environment, check=True, capture_output=True, text=True,
            ).stdout.splitlines()[-1])  # fmt: skip
            running = Installation(
                data, url, port, process, keys["write_key"], keys["api_key"], (command, environment)
            )  # fmt: skip
            if not bounded:
                _let_send(running)
            yield running
        finally:
            process = process if running is None else running.process
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _started(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )


def reachable_engines() -> list[str]:
    """What can be measured here: SQLite, and PostgreSQL where it answers."""
    return ["sqlite", "postgresql"] if postgresql_reachable() else ["sqlite"]


def postgresql_reachable() -> bool:
    """True where RAPPORT_TEST_POSTGRES answers."""
    try:
        psycopg.connect(_admin(), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


@contextlib.contextmanager
def database(engine: str) -> Iterator[str]:
    """The URL of a fresh database; empty for SQLite in the data folder."""
    if engine == "sqlite":
        yield ""
        return
    name = f"rapport_bench_{secrets.token_hex(4)}"
    with psycopg.connect(_admin(), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield make_url(POSTGRES).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _core_seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _admin() -> str:
    return make_url(POSTGRES).set(drivername="postgresql").render_as_string(hide_password=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the server did not become ready (exit code {process.poll()})")


def _let_send(running: Installation) -> None:
    """Lift the limits that a website's key has by default: what is measured is the server."""
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {running.api_key}"}) as client:
        for source in client.get("/api/v1/sources").raise_for_status().json():
            client.patch(f"/api/v1/sources/{source['id']}", json={"limits": {}}).raise_for_status()
