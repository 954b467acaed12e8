"""`rapport demo`: a simulated shop comes to life in a real Rapport, through the doors any client uses.

Prepares the data folder (a shop, a source per channel, an account), starts `rapport serve` and the storefront as
processes of its own, feeds ninety days in the order in which they arrived, then a live trickle for ever. Ctrl-C ends
all of it.
What has been acknowledged is kept in `demo.json`, so the next start goes on where this one ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.settings import Settings
from rapport.collect.model import SourceKind
from rapport.collect.sources import create_source, list_sources
from rapport.kernel.clock import DAY, MINUTE, now_us
from rapport.kernel.errors import Conflict, Misconfigured, RapportError, Unavailable
from rapport.storage.engine import Database
from rapport.storage.workspaces import WorkspaceSettings, all_workspaces, create_workspace
from rapport.web.accounts import create_user
from rapport.world.client import Refused, Sender
from rapport.world.messages import Delivery
from rapport.world.suggestions import Suggestions
from rapport.world.timeline import Town, World
from rapport.world.truth import truth_of, write_truth

__all__ = ["run"]

SHOP = "Marlow & Vine"
EMAIL = "owner@marlow.example"
SOURCES: dict[str, tuple[str, SourceKind]] = {
    "web": ("Website", "web"),
    "app": ("App", "app"),
    "store": ("Stores", "store"),
    "marketplace": ("Marketplace", "marketplace"),
    "email": ("E-mail", "email"),
    "phone": ("Telephone", "phone"),
}
"""The source of each channel: its name in the console and its kind."""

START_SECONDS = 60
STOP_SECONDS = 20
MAX_LAG = 40_000
"""Facts that may wait for the worker before the feeding pauses, so that one can watch the records grow."""
WARM_UP = 10 * MINUTE
"""The trickle begins as if it had been going for a while: people are in the middle of their visits."""


class State(msgspec.Struct, kw_only=True):
    """What `demo.json` keeps between two starts."""

    town: Town
    password: str
    write_keys: dict[str, str]
    api_key: str
    sent: int = 0
    """Messages from the town's beginning that the server has acknowledged."""


def run(
    *,
    data: Path,
    host: str,
    port: int,
    people: int = 2_000,
    days: int = 90,
    seed: int = 7,
    open_browser: bool = True,
    facts_per_second: float = 3.0,
) -> int:
    """Run the demonstration until Ctrl-C and answer the exit code. Problems are explained, not raised."""
    console = Console()
    try:
        _check_port(host, port)
        settings = Settings.load(data_dir=data, host=host, port=port)
        with console.status("Preparing the shop"):
            state = _prepare(settings, Town.until(now_us(), seed=seed, people=people, days=days))
        if (state.town.seed, state.town.people) != (seed, people):
            console.print(
                f"[yellow]{data} holds a town of {state.town.people:,} people (seed {state.town.seed}); "
                "going on with it. For another town use another --data.[/]"
            )
        demo = _Demo(settings, state, console, open_browser=open_browser, facts_per_second=facts_per_second)
        asyncio.run(demo.until_stopped())
    except RapportError as error:
        console.print(f"[bold red]{error.message}[/]" + (f"\n{error.hint}" if error.hint else ""), highlight=False)
        return 1
    except Refused as error:
        console.print(f"[bold red]Rapport refused what the shop sent: {error}[/]", highlight=False)
        return 1
    return 0


class _Demo:
    """One run: the processes, the feeding, the display."""

    def __init__(
        self, settings: Settings, state: State, console: Console, *, open_browser: bool, facts_per_second: float
    ) -> None:
        self._settings = settings
        self._state = state
        self._console = console
        self._open_browser = open_browser
        self._facts_per_second = facts_per_second
        shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104
        self._url = f"http://{shown}:{settings.port}"
        self._shop_port = _free_port(shown, settings.port + 1)
        self._shop_url = f"http://{shown}:{self._shop_port}"
        self._children: list[subprocess.Popen[bytes]] = []
        self._world = World(state.town)
        self._lag = 0
        self._folded = 0

    async def until_stopped(self) -> None:
        """Start everything, feed until a signal comes, end everything."""
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            with contextlib.suppress(NotImplementedError, AttributeError):
                loop.add_signal_handler(getattr(signal, name), stopped.set)
        work = asyncio.create_task(self._work())
        signalled = asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait({work, signalled}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        except KeyboardInterrupt:
            pass
        finally:
            signalled.cancel()
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await work
            failed = work.done() and not work.cancelled() and work.exception() is not None
            await self._end(failed=failed)

    async def _work(self) -> None:
        await self._start()
        self._greet()
        async with Sender(self._url, self._state.write_keys) as sender:
            watching = asyncio.create_task(self._watch_lag())
            try:
                await self._feed(sender)
                await self._trickle(sender)
            finally:
                watching.cancel()

    # -- processes -------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        settings = self._settings
        serve = [sys.executable, "-m", "rapport", "serve", "--data", str(settings.data_dir)]
        self._spawn("server", [*serve, "--host", settings.host, "--port", str(settings.port)])
        shop = [sys.executable, "-m", "rapport.world.storefront", "--rapport", self._url]
        environment = {"RAPPORT_WRITE_KEY": self._state.write_keys["web"], "RAPPORT_API_KEY": self._state.api_key}
        self._spawn(
            "storefront",
            [*shop, "--port", str(self._shop_port), "--host", settings.host, "--seed", str(self._state.town.seed)],
            environment,
        )
        with self._console.status("Starting Rapport"):
            await self._ready()

    def _spawn(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        log = (self._settings.data_dir / f"{name}.log").open("ab")
        with log:
            child = subprocess.Popen(  # noqa: S603 our own commands
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 no thread runs yet
            )
        self._children.append(child)

    async def _ready(self) -> None:
        """Wait until the server answers. Raises Unavailable where it ends or takes too long."""
        server = self._children[0]
        deadline = time.monotonic() + START_SECONDS
        while not await self._look():
            if server.poll() is not None or time.monotonic() > deadline:
                log = self._settings.data_dir / "server.log"
                lines = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
                raise Unavailable(f"the server did not start:\n{lines}", hint=f"the whole story is in {log}")
            await asyncio.sleep(0.1)

    async def _health(self) -> dict[str, Any] | None:
        try:
            async with httpx.AsyncClient(timeout=3.0) as http:
                answer = await http.get(f"{self._url}/readyz")
        except httpx.HTTPError:
            return None
        if answer.status_code != 200:
            return None
        found: dict[str, Any] = answer.json()
        return found

    async def _end(self, *, failed: bool) -> None:
        """Keep what is known, then end the processes in order: each finishes what it has begun."""
        with contextlib.suppress(KeyboardInterrupt):
            self._keep()
            self._console.print("\nStopping …")
            for child in reversed(self._children):
                child.terminate()
            await asyncio.to_thread(_wait_for, self._children)
            if not failed:
                self._console.print(f"Stopped. Start again with --data {self._settings.data_dir} to go on.")

    # -- feeding ---------------------------------------------------------------------------------------------------

    async def _feed(self, sender: Sender) -> None:
        """Send the past up to now, from where the last run ended."""
        town, already = self._state.town, self._state.sent
        until = now_us()
        last = deque([town.starts_at], maxlen=1)
        past = _remembering(self._world.history(until), last)
        with self._progress() as bars:
            shop = bars.add_task("Shop's past", total=until - town.starts_at, note="")
            records = bars.add_task("Golden Records", total=None, note="")
            if already:
                bars.update(shop, note=f"finding the place where it was ({already:,} facts)")
                await self._skip(past, already)

            def acknowledged(count: int) -> None:
                self._state.sent = already + count
                self._show(bars, shop, records, last[0])

            await sender.replay(past, acknowledged=acknowledged, breathe=self._breathe)
            self._keep()
            bars.update(shop, completed=until - town.starts_at, note=f"{self._state.sent:,} facts sent")
            while self._lag > 200:
                self._show(bars, shop, records, until)
                await asyncio.sleep(0.3)
            self._show(bars, shop, records, until)

    async def _skip(self, past: Iterator[Delivery], count: int) -> None:
        """Live through what was sent already, without sending it."""
        while count > 0:
            step = min(count, 5_000)
            if sum(1 for _ in islice(past, step)) < step:
                return
            count -= step
            await asyncio.sleep(0)

    async def _breathe(self) -> None:
        """Let the worker catch up whenever it is too far behind, so that one can watch the records grow."""
        await asyncio.sleep(0)
        while self._lag > MAX_LAG:  # noqa: ASYNC110 the server is asked every half second, there is no event
            await asyncio.sleep(0.2)

    def _show(self, bars: Progress, shop: TaskID, records: TaskID, at: int) -> None:
        town = self._state.town
        day = min(town.days, (at - town.starts_at) // DAY + 1)
        bars.update(
            shop, completed=at - town.starts_at, note=f"day {day} of {town.days}, {self._state.sent:,} facts sent"
        )
        total = max(1, self._folded + self._lag)
        bars.update(records, total=total, completed=self._folded, note=f"{self._folded:,} facts remembered")

    async def _trickle(self, sender: Sender) -> None:
        """The shop goes on in real time until somebody ends it."""
        begin = now_us()
        coming = self._world.live(begin - WARM_UP, facts_per_second=self._facts_per_second)
        self._console.print(f"The shop's past is told in {self._state.sent:,} facts. Now it is live.")
        seed = self._state.town.seed
        async with Suggestions(self._url, self._state.api_key, seed=seed) as suggestions:
            await self._live(sender, suggestions, coming)

    async def _live(self, sender: Sender, suggestions: Suggestions, coming: Iterator[Delivery]) -> None:
        kept_at = time.monotonic()
        with self._progress() as bars:
            live = bars.add_task("Live", total=None, note="Ctrl-C ends it")
            held: Delivery | None = None
            sent = 0
            while True:
                batch, held = _due(coming, held, now_us())
                sent += await sender.deliver(batch)
                sent += await sender.deliver(await suggestions.follow(batch, now=now_us()))
                bars.update(live, note=f"{sent:,} facts, {self._folded:,} remembered; Ctrl-C ends it")
                if time.monotonic() - kept_at > 60:
                    self._keep()
                    kept_at = time.monotonic()
                await asyncio.sleep(0.4)

    async def _watch_lag(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(0.5)

    async def _look(self) -> bool:
        """See how far the worker is; False where the server does not answer."""
        found = await self._health()
        if found is not None:
            self._lag, self._folded = int(found["lag"]), int(found["folded_seq"])
        return found is not None

    # -- showing ---------------------------------------------------------------------------------------------------

    def _progress(self) -> Progress:
        return Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.description:<15}"),
            BarColumn(bar_width=32),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self._console,
        )

    def _greet(self) -> None:
        rows = Table.grid(padding=(0, 2))
        rows.add_row("Console", f"[bold link={self._url}/console]{self._url}/console[/]")
        rows.add_row("Sign in", f"{EMAIL}   password [bold]{self._state.password}[/]")
        rows.add_row("Storefront", f"[link={self._shop_url}]{self._shop_url}[/]")
        rows.add_row("API key", self._state.api_key)
        rows.add_row("Data", str(self._settings.data_dir.absolute()))
        self._console.print(Panel(rows, title=SHOP, border_style="green", expand=False), highlight=False)
        if self._open_browser and _has_display():
            webbrowser.open(f"{self._url}/console")

    def _keep(self) -> None:
        """Write the state and the truth; both can be read while the demonstration runs."""
        _write_state(self._settings.data_dir, self._state)
        write_truth(self._settings.data_dir / "truth.jsonl", truth_of(self._world))


def _prepare(settings: Settings, town: Town) -> State:
    """Make or find the demonstration in the data folder. Raises Conflict where another shop lives there."""
    state = _read_state(settings.data_dir)
    db = open_database(settings)
    try:
        if state is not None:
            return state
        return _found_shop(db, settings, town)
    finally:
        db.close()


def _found_shop(db: Database, settings: Settings, town: Town) -> State:
    now = now_us()
    with db.write() as conn:
        if all_workspaces(conn):
            raise Conflict(
                f"{settings.data_dir} holds a shop that is not the demonstration",
                hint="give the demonstration a folder of its own: rapport demo --data DIR",
            )
        shop = WorkspaceSettings(currency="GBP", region="GB", time_zone="Europe/London", locale="en")
        workspace = create_workspace(conn, slug="marlow", name=SHOP, now=now, settings=shop)
    keys = bootstrap(db, settings)
    with db.write() as conn:
        write_keys = {"web": list_sources(conn, workspace.id)[0].write_key}
        for channel, (name, kind) in SOURCES.items():
            if channel != "web":
                write_keys[channel] = create_source(conn, workspace.id, name=name, kind=kind, now=now).write_key
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    create_user(db, email=EMAIL, password=password, name="Owner", workspace=workspace.id, role="owner", now=now)
    state = State(town=town, password=password, write_keys=write_keys, api_key=keys.api_key)
    _write_state(settings.data_dir, state)
    return state


def _read_state(folder: Path) -> State | None:
    path = folder / "demo.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise Misconfigured(f"{path} cannot be read: {error}", hint="delete the folder to start afresh") from error


def _write_state(folder: Path, state: State) -> None:
    """Replace the file at once, readable by its owner only."""
    draft = folder / "demo.partial"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state)))
    draft.replace(folder / "demo.json")


def _due(coming: Iterator[Delivery], held: Delivery | None, now: int) -> tuple[list[Delivery], Delivery | None]:
    """What has arrived by now, and the first that has not."""
    batch: list[Delivery] = []
    following = held if held is not None else next(coming)
    while following.arrives_at <= now:
        batch.append(following)
        following = next(coming)
    return batch, following


def _remembering(deliveries: Iterator[Delivery], last: deque[int]) -> Iterator[Delivery]:
    for delivery in deliveries:
        last.append(delivery.arrives_at)
        yield delivery


def _check_port(host: str, port: int) -> None:
    """Raises Conflict where somebody listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"port {port} on {host} is taken ({error.strerror})",
                hint=f"end what listens there, or choose another: rapport demo --port {port + 10}",
            ) from error


def _free_port(host: str, wanted: int) -> int:
    """The wanted port, or any free one where it is taken."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError, OverflowError):
                probe.bind((host, port))
                return int(probe.getsockname()[1])
    raise Conflict(f"no port is free on {host}")


def _has_display() -> bool:
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _die_with_parent() -> None:
    """In a new process: have Linux end it with the demonstration, even if that is killed."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _wait_for(children: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
