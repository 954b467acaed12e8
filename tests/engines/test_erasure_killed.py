"""An erasure is killed in each of its steps, as the code has them: whoever comes next ends it, and its proof is right.

The steps are not listed here: a first erasure is watched, and every function it enters in the modules below is a step.
A process is then killed on entering it, once for each, without a word, as kill -9 or a power cut does.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import sqlalchemy as sa

from rapport.app.worker import drain, run_job_now
from rapport.compose import redactions
from rapport.compose.erasing import ERASING
from rapport.compose.redactions import REDACTING, RedactionWanted
from rapport.compose.requests import RequestShown, RequestWanted, ask, find_request
from rapport.kernel.clock import DAY, to_iso
from rapport.storage import log
from rapport.storage.tidying import found_in
from tests.filling import kill_workers
from tests.shop import NOON, Shop

STEPS_OF = (
    "rapport.compose.erasing", "rapport.compose.erasure", "rapport.compose.person", "rapport.compose.sifting",
    "rapport.adapters.files.sifting", "rapport.app.asides", "rapport.storage.suppressed_file",
    "rapport.storage.tidying",
)  # fmt: skip
REDACTING_STEPS_OF = (
    "rapport.app.redacting", "rapport.app.redacted_facts", "rapport.app.anew", "rapport.compose.copies",
    "rapport.adapters.files.redacting", "rapport.storage.tidying",
)  # fmt: skip
FACTS = 3


def word_of(number: int) -> str:
    """What stands in all that one of them says."""
    return f"zq7killed{number:03d}x"


def arrive(shop: Shop, *numbers: int) -> None:
    """So many people come, look and order."""
    for number in numbers:
        word = word_of(number)
        who: dict[str, Any] = {"user": f"{word}-user", "browser": f"{word}-browser"}
        mail = {"email": f"{word}@example.com"}
        told = {**shop.message("x", at=NOON + number, **who), "type": "identify", "traits": mail}
        del told["event"]
        line = shop.message("Order Completed", at=NOON + number, **who, order_id=f"{word}-o", total=5, currency="EUR")
        shop.send(told, line, shop.message("Product Viewed", at=NOON + number, **who, product_id="p1", note=word))
    drain(shop.pipeline)


def asked(shop: Shop, word: str) -> RequestShown:
    wanted = RequestWanted(kind="erasure", customer=f"email:{word}@example.com", verified="signed in")
    with shop.db.write() as conn:
        return ask(conn, shop.id, wanted, by="test", now=NOON)


def in_a_process(
    shop: Shop, entering: Callable[[str], object], *, steps_of: Sequence[str] = STEPS_OF,
    work: Callable[[Shop], object] = lambda other: run_job_now(other.pipeline, ERASING),
) -> int:  # fmt: skip
    """Erase, or work otherwise, in a process of its own that tells each function it enters; returns how it ended."""
    url, slices, folder = shop.db.engine.url.render_as_string(hide_password=False), shop.pipeline.slices, shop.db.folder
    shop.db.engine.dispose()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            other = Shop(url, slices=slices)
            other.db.folder = folder

            def watch(frame: FrameType, event: str, _: object) -> None:
                module = frame.f_globals.get("__name__", "")
                if event == "call" and module in steps_of and not frame.f_code.co_name.startswith("<"):
                    entering(f"{module}.{frame.f_code.co_qualname}")

            sys.setprofile(watch)
            work(other)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def steps(shop: Shop) -> list[str]:
    """Every function that an erasure enters, in order, each once."""
    arrive(shop, 0)
    asked(shop, word_of(0))
    out, into = os.pipe()
    assert in_a_process(shop, lambda step: os.write(into, f"{step}\n".encode())) == 0
    os.close(into)
    with os.fdopen(out) as told:
        return list(dict.fromkeys(told.read().split()))


def left_of(shop: Shop, word: str) -> list[str]:
    """Where the word still stands: tables, and SQLite's files."""
    with shop.db.read() as conn:
        found = [
            name for name, table in shop.pipeline.slices.tables.items()
            if any(word in str(row) for row in conn.execute(sa.select(table)))
        ]  # fmt: skip
    folder = shop.db.path.parent if shop.db.path is not None else None
    return found + [path.name for path in (folder.rglob("*") if folder else ()) if found_in([path], [word])]


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(database_url)
    opened.db.folder = tmp_path
    yield opened
    opened.close()


@pytest.mark.slow
def test_killed_in_any_step_it_is_ended_by_whoever_comes_next(shop: Shop) -> None:
    shop.send(shop.message("Order Completed", at=NOON, user="bo", order_id="o-bo", total=7, currency="EUR"))
    all_steps = steps(shop)
    assert {"rapport.compose.erasure.erase", "rapport.storage.tidying.tidy"} <= set(all_steps)
    assert len(all_steps) > 15
    before = shop.digest()
    arrive(shop, *range(1, len(all_steps) + 1))
    for number, step in enumerate(all_steps, start=1):
        word = word_of(number)
        request = asked(shop, word)

        def die(entered: str, step: str = step) -> None:
            if entered == step:
                os.kill(os.getpid(), signal.SIGKILL)

        assert in_a_process(shop, die) == -signal.SIGKILL, step
        kill_workers(shop)
        run_job_now(shop.pipeline, ERASING)
        with shop.db.read() as conn:
            found = find_request(conn, shop.id, request.id)
        assert (found.status, found.proof is not None) == ("completed", True), step
        assert found.proof is not None
        rows = {one.table: one.rows for one in found.proof.stores}
        assert (rows["facts"], rows["orders"], found.proof.identifiers) == (FACTS, 1, 3), step
        assert word not in str(found), step
        assert left_of(shop, word) == [], step
    assert shop.digest() == before, "whoever is beside them is who they were"


@pytest.mark.slow
def test_a_redaction_killed_in_any_step_is_ended_by_whoever_comes_next(shop: Shop) -> None:
    """One process after the other goes on, and dies on entering the first function that none died in before."""
    arrive(shop, 1, 2)
    wanted = RedactionWanted(
        field="properties.note", since=to_iso(NOON), until=to_iso(NOON + DAY), event="Product Viewed"
    )
    with shop.db.write() as conn:
        ident = redactions.ask(conn, shop.id, wanted, by="test", now=NOON + DAY).id
    run_job_now(shop.pipeline, REDACTING)
    with shop.db.write() as conn:
        redactions.confirm(conn, shop.id, ident, by="test", now=NOON + DAY)
    died: list[str] = []
    while (step := _dies_anew(shop, died)) is not None:
        died.append(step)
        kill_workers(shop)
    assert {"_Redacting.take_out", "_Redacting.tidy", "Changing.change"} <= {one.split(".", 3)[3] for one in died}
    with shop.db.read() as conn:
        found = redactions.find(conn, shop.id, ident)
    assert (found.state, found.proof is not None) == ("done", True)
    assert found.proof is not None
    assert found.told is not None
    assert (found.proof.facts, found.told.facts) == (2, 2), "each fact counts once, whoever died over it"
    assert not any(b'"note"' in row["body"] for row in shop.rows(log.facts))


def _dies_anew(shop: Shop, died: Sequence[str]) -> str | None:
    """Go on with redactions until a step is entered in which nobody died yet, and die; None once they are done."""
    out, into = os.pipe()

    def die(step: str) -> None:
        if step not in died:
            os.write(into, step.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def work(other: Shop) -> None:
        for _ in range(20):
            run_job_now(other.pipeline, REDACTING)
            drain(other.pipeline)

    ended = in_a_process(shop, die, steps_of=REDACTING_STEPS_OF, work=work)
    os.close(into)
    with os.fdopen(out) as told:
        step = told.read()
    assert ended == (-signal.SIGKILL if step else 0)
    return step or None
