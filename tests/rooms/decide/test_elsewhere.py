"""Deciding in a process beside the server: the same decisions, the same errors, and nobody who waits in vain."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rapport.app.deciding import launch
from rapport.app.settings import Settings
from rapport.decide import elsewhere
from rapport.decide.elsewhere import Elsewhere, Launch, Question
from rapport.decide.service import CustomerNamed, Decider, DecisionAsked
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.storage.log import LogRow
from tests.shop import NOON, Shop

GOODS = ("a", "b", "c", "d", "e")


@pytest.fixture
def stocked(any_shop: Shop) -> Shop:
    for number, one in enumerate(GOODS):
        for visitor in range(len(GOODS) - number):
            any_shop.send(any_shop.message("Product Viewed", at=NOON, browser=f"v{number}{visitor}", product_id=one,
                                           name=one.upper(), price=10, currency="EUR"))  # fmt: skip
    any_shop.fold()
    return any_shop


def settings_of(shop: Shop, folder: Path) -> Settings:
    url = shop.db.engine.url.render_as_string(hide_password=False)
    return Settings(data_dir=shop.db.folder or folder, database_url=url, deciders=1)


def run(beside: Elsewhere, ask: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            await ask()
        finally:
            beside.close()
            await asyncio.sleep(0)

    asyncio.run(whole())


async def loaded(some: Elsewhere) -> None:
    """Until each process has answered what it was started with."""
    await asyncio.gather(*(answer for one in some._processes for _, answer in one.owes))


def told(row: LogRow) -> dict[str, Any]:
    """What a decision's fact says, but for chance."""
    fact = msgspec.json.decode(row.body)
    said: dict[str, Any] = fact["properties"]
    kept = ("placement", "context", "policy", "candidate_count", "candidates", "pool", "guardrails", "personal")
    return {name: said[name] for name in kept} | {"strand": row.strand, "user": fact.get("userId")}


def test_a_process_decides_what_the_server_does_and_its_death_is_not_noticed(stocked: Shop, tmp_path: Path) -> None:
    rows: list[LogRow] = []

    async def keep(some: Any) -> None:
        rows.extend(some)

    shop, beside = stocked, Elsewhere(launch(settings_of(stocked, tmp_path)), often=0)
    decider = Decider(
        shop.db, shop.decider._steps, append=keep, find_customer=shop.decider._find_customer, gate=shop.decider._gate,
        elsewhere=beside,
    )  # fmt: skip
    asked = DecisionAsked(
        placements=["home", "product.also"], customer=CustomerNamed(namespace="user_id", value="ada"),
        context={"product_id": "a", "weather": {"is": "rain", "degrees": 3.5}}, limit=2,
    )  # fmt: skip
    own = shop.decider.compute_all(shop.id, asked, now=NOON)

    async def ask() -> None:
        await decider.decide_all(shop.id, asked, now=NOON)  # by the server: none is there yet
        await loaded(beside)
        [process] = beside._processes
        decisions = (await decider.decide_all(shop.id, asked, now=NOON)).decisions
        assert [[one.placement, len(one.items)] for one in decisions] == [["home", 2], ["product.also", 2]]
        assert told(rows[-2]) == told(own[0][1])  # the second of a page depends on the chance of the first
        assert process.ready
        assert not process.owes
        with pytest.raises(NotFound, match="no placement 'nowhere'"):
            await decider.decide(shop.id, DecisionAsked(placement="nowhere"), now=NOON)
        os.kill(process.child.pid, signal.SIGSTOP)  # so that it is asked, and dies before it answers
        several = [asyncio.create_task(decider.decide_all(shop.id, asked, now=NOON)) for _ in range(5)]
        await asyncio.sleep(0)
        assert len(process.owes) == 5
        os.kill(process.child.pid, signal.SIGKILL)
        for made in await asyncio.gather(*several):
            assert [len(one.items) for one in made.decisions] == [2, 2]
        assert process.gone

    run(beside, ask)
    assert len(rows) == 2 * 7  # each decision was logged once


SCRIPT = """
import socket, sys, time
from rapport.decide.elsewhere import answer_all
def compute(question):
    if question.now:
        time.sleep(60)
    return []
answer_all(socket.socket(fileno=int(sys.argv[1])), compute)
"""


def question(now: int) -> Question:
    return Question(WorkspaceId(1), DecisionAsked(placement="home"), now, False)


def scripted(text: str) -> Launch:
    return Launch([sys.executable, "-c", text], os.environ, 1)


def test_who_says_nothing_any_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "SILENT", 0.05)
    beside = Elsewhere(scripted(SCRIPT), often=0)

    async def ask() -> None:
        assert await beside.decide(question(0)) is None  # it only starts
        await loaded(beside)
        assert await beside.decide(question(0)) == []
        assert await asyncio.wait_for(beside.decide(question(1)), 20) is None
        assert await beside.decide(question(0)) is None

    run(beside, ask)


def test_one_that_never_answers_at_all_is_given_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It hangs while it loads: nobody waits for it, and another may take its place."""
    monkeypatch.setattr(elsewhere, "SLOW_START", 0.05)
    beside = Elsewhere(scripted("import time; time.sleep(60)"), often=0)

    async def ask() -> None:
        assert await beside.decide(question(0)) is None
        [process] = beside._processes
        started.append(process.child)
        assert await asyncio.wait_for(asyncio.shield(process.owes[0][1]), 20) is None

    started: list[subprocess.Popen[bytes]] = []
    run(beside, ask)
    assert started[0].wait(20) == -signal.SIGKILL


def test_it_ends_with_its_server_and_one_that_cannot_start_is_no_harm() -> None:
    beside = Elsewhere(scripted(SCRIPT), often=0)

    async def ask(some: Elsewhere) -> None:
        assert await some.decide(question(0)) is None
        await loaded(some)

    run(beside, partial(ask, beside))
    [process] = beside._processes
    assert process.child.returncode == 0
    for broken in (Launch(["/no/such/program"], os.environ, 1), scripted("raise SystemExit(3)"), Launch([], {}, 0)):
        some = Elsewhere(broken, often=0)
        run(some, partial(ask, some))


def test_seldom_asked_none_is_started() -> None:
    beside = Elsewhere(scripted(SCRIPT))

    async def ask() -> None:
        for _ in range(int(elsewhere.OFTEN * elsewhere.WINDOW)):
            assert await beside.decide(question(0)) is None
        assert not beside._processes
        await beside.decide(question(0))
        assert len(beside._processes) == 1

    run(beside, ask)
