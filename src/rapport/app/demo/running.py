"""The demonstration from start to Ctrl-C: it starts the processes, tells the shop's past and lets it live on.

The past is told in the order in which it arrived, then a live trickle goes on for ever. What has been acknowledged is
kept in `demo.json`, so the next start goes on where this one ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
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
from rich.console import Console
from rich.panel import Panel as Box
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from rapport.app.demo.learning import Learning
from rapport.app.demo.measuring import Measuring
from rapport.app.demo.posting import Post
from rapport.app.demo.processes import LOOPBACK, Children, check_port, free_port
from rapport.app.demo.shop import EMAIL, SHOP, State, prepare, write_state
from rapport.app.settings import Settings
from rapport.kernel.clock import DAY, MINUTE, SECOND, now_us
from rapport.kernel.errors import RapportError, Unavailable
from rapport.world.advertising import spend_told
from rapport.world.answers import Answers
from rapport.world.client import Refused, Sender
from rapport.world.messages import Delivery
from rapport.world.parcels import Carrier
from rapport.world.stock import EVERY, stock_told
from rapport.world.suggestions import Suggestions, asking
from rapport.world.timeline import Town, World
from rapport.world.truth import Known, merged, read_truth, truth_of, write_truth

__all__ = ["run"]

TRUTH = "truth.jsonl"
START_SECONDS = 60
MAX_LAG = 40_000
"""Facts that may wait for the worker before the feeding pauses, so that one can watch the records grow."""
SETTLED_LAG = 200
"""With fewer facts waiting, customers are what was sent."""
SETTLE_SECONDS = 10.0
"""Longest pause of the feeding for the worker to get there before a measurement."""
WARM_UP = 10 * MINUTE
"""The trickle begins as if it had been going for a while: people are in the middle of their visits."""


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
        check_port(host, port)
        settings = Settings.load(data_dir=data, host=host, port=port)
        with console.status("Preparing the shop"):
            state = prepare(settings, Town.until(now_us(), seed=seed, people=people, days=days))
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
        self._shop_port = free_port(shown, settings.port + 1)
        self._shop_url = f"http://{shown}:{self._shop_port}"
        self._post = Post(
            host=shown, port=free_port(shown, settings.port + 2), smtp_port=free_port(LOOPBACK, settings.port + 4)
        )
        self._children = Children(settings.data_dir)
        self._world = World(state.town)
        self._told = deque([state.town.starts_at], maxlen=1)
        self._carrier = Carrier()
        """When the message that was taken last from the past arrives."""
        self._before = state.sent
        """Messages sent by earlier runs."""
        self._taken = 0
        """Messages taken from the past in this run and not sent before."""
        self._earlier = _read_earlier(settings.data_dir)
        self._measuring = Measuring(settings, state.town, tell=self._tell)
        self._learning = Learning(settings, state.town, self._children, tell=self._tell)
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
            beside = [asyncio.create_task(self._watch_lag()), asyncio.create_task(self._count_stock())]
            try:
                await self._feed(sender)
                beside += [asyncio.create_task(self._learn()), asyncio.create_task(self._carry())]
                await self._trickle(sender)
            finally:
                for task in beside:
                    task.cancel()

    # -- processes -------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        settings = self._settings
        serve = ["-m", "rapport", "serve", "--data", str(settings.data_dir)]
        server = self._children.start(
            "server", [*serve, "--host", settings.host, "--port", str(settings.port)],
            {**self._post.environment, "RAPPORT_PUBLIC_URL": self._url},
        )  # fmt: skip
        self._post.start(self._children)
        shop = ["-m", "rapport.world.storefront", "--rapport", self._url]
        environment = {"RAPPORT_WRITE_KEY": self._state.write_keys["web"], "RAPPORT_API_KEY": self._state.api_key}
        self._children.start(
            "storefront",
            [*shop, "--port", str(self._shop_port), "--host", settings.host, "--seed", str(self._state.town.seed)],
            environment,
        )
        with self._console.status("Starting Rapport"):
            await self._ready(server)

    async def _ready(self, server: subprocess.Popen[bytes]) -> None:
        """Wait until the server answers. Raises Unavailable where it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not await self._look():
            if server.poll() is not None or time.monotonic() > deadline:
                log = self._children.log_of("server")
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
            try:
                await self._measuring.close()
            finally:
                await asyncio.to_thread(self._children.end)
            if not failed:
                self._console.print(f"Stopped. Start again with --data {self._settings.data_dir} to go on.")

    # -- feeding ---------------------------------------------------------------------------------------------------

    async def _feed(self, sender: Sender) -> None:
        """Send the past up to now, from where the last run ended."""
        town, already = self._state.town, self._state.sent
        until = now_us()
        past = self._carrier.along(self._world.history(until))
        with self._progress() as bars:
            shop = bars.add_task("Shop's past", total=until - town.starts_at, note="")
            records = bars.add_task("Golden Records", total=None, note="")
            if already:
                bars.update(shop, note=f"finding the place where it was ({already:,} facts)")
                await self._skip(past, already)

            def acknowledged(count: int) -> None:
                self._state.sent = already + count
                self._show(bars, shop, records, self._told[0])

            async def breathe() -> None:
                await self._breathe(sender)

            await sender.replay(self._telling(past), acknowledged=acknowledged, breathe=breathe)
            self._keep()
            bars.update(shop, completed=until - town.starts_at, note=f"{self._state.sent:,} facts sent")
            while self._lag > SETTLED_LAG:
                self._show(bars, shop, records, until)
                await asyncio.sleep(0.3)
            self._show(bars, shop, records, until)

    def _telling(self, past: Iterator[Delivery]) -> Iterator[Delivery]:
        """The past, noting how much of it was taken."""
        for delivery in past:
            self._told.append(delivery.arrives_at)
            self._taken += 1
            yield delivery

    async def _skip(self, past: Iterator[Delivery], count: int) -> None:
        """Live through what was sent already, without sending it."""
        while count > 0:
            step = min(count, 5_000)
            if sum(1 for _ in islice(past, step)) < step:
                return
            count -= step
            await asyncio.sleep(0)

    async def _breathe(self, sender: Sender) -> None:
        """Let the worker catch up whenever it is too far behind, and quite before a measurement."""
        await asyncio.sleep(0)
        while self._lag > MAX_LAG:  # noqa: ASYNC110 the server is asked every half second, there is no event
            await asyncio.sleep(0.2)
        at = self._told[0]
        if self._measuring.is_due(at, live=False) and await self._settled(sender):
            self._measuring.begin(self._known(), at=at, live=False, facts=self._before + sender.sent)

    async def _settled(self, sender: Sender) -> bool:
        """Wait until all that was taken from the past has arrived and is remembered; False where that takes long."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while sender.sent < self._taken or not await self._look() or self._lag > SETTLED_LAG:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True

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
        async with asking(self._url, self._state.api_key) as http:
            await self._live(sender, Suggestions(http, seed=seed), Answers(http, seed=seed), coming)

    async def _live(
        self, sender: Sender, suggestions: Suggestions, answers: Answers, coming: Iterator[Delivery]
    ) -> None:
        kept_at = time.monotonic()
        with self._progress() as bars:
            live = bars.add_task("Live", total=None, note="Ctrl-C ends it")
            learning = bars.add_task("Learning", total=None, note="", visible=False)
            held: Delivery | None = None
            sent = 0
            while True:
                batch, held = _due(coming, held, now_us())
                for delivery in batch:
                    self._carrier.hear(delivery)
                sent += await sender.deliver(batch)
                sent += await sender.deliver(await suggestions.follow(batch, now=now_us()))
                sent += await answers.give(batch)
                bars.update(live, note=f"{sent:,} facts, {self._folded:,} remembered; Ctrl-C ends it")
                bars.update(learning, note=self._learning.doing, visible=bool(self._learning.doing))
                if self._lag <= SETTLED_LAG and self._measuring.is_due(now_us(), live=True):
                    facts = self._before + sender.sent
                    self._measuring.begin(self._known(), at=now_us(), live=True, facts=facts)
                if time.monotonic() - kept_at > 60:
                    self._keep()
                    kept_at = time.monotonic()
                await asyncio.sleep(0.4)

    async def _count_stock(self) -> None:
        """Tell what lies on the shelves and what advertising cost, now and hourly; apart from the past."""
        town = self._state.town
        async with Sender(self._url, self._state.write_keys, connections=1) as tills:
            while True:
                now = now_us()
                await tills.deliver(stock_told(now))
                await tills.deliver(spend_told(now, seed=town.seed, people=town.people, first=town.starts_at))
                await asyncio.sleep(EVERY / SECOND)

    async def _carry(self) -> None:
        """Tell what carriers say from now on of the parcels of all orders that were told."""
        async with Sender(self._url, self._state.write_keys, connections=1) as carriers:
            while True:
                scans = list(islice(self._carrier.until(now_us()), 500))
                await carriers.deliver(scans)
                await asyncio.sleep(0.5 if scans else 10)

    async def _learn(self) -> None:
        await self._learning.run()
        self._measuring.soon()

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
        if self._post.url:
            rows.add_row("Mailbox", f"[link={self._post.url}]{self._post.url}[/]")
        rows.add_row("API key", self._state.api_key)
        rows.add_row("Data", str(self._settings.data_dir.absolute()))
        self._console.print(Box(rows, title=SHOP, border_style="green", expand=False), highlight=False)
        if self._open_browser and _has_display():
            webbrowser.open(f"{self._url}/console")

    def _tell(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False)

    def _known(self) -> list[Known]:
        """The truth so far, with what earlier runs saw while they were live."""
        return merged(truth_of(self._world), self._earlier)

    def _keep(self) -> None:
        """Write the state and the truth; both can be read while the demonstration runs."""
        write_state(self._settings.data_dir, self._state)
        write_truth(self._settings.data_dir / TRUTH, self._known())


def _read_earlier(folder: Path) -> list[Known]:
    path = folder / TRUTH
    return read_truth(path) if path.exists() else []


def _due(coming: Iterator[Delivery], held: Delivery | None, now: int) -> tuple[list[Delivery], Delivery | None]:
    """What has arrived by now, and the first that has not."""
    batch: list[Delivery] = []
    following = held if held is not None else next(coming)
    while following.arrives_at <= now:
        batch.append(following)
        following = next(coming)
    return batch, following


def _has_display() -> bool:
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
