"""Every door asks what may be done with people, or stands in `tests/doors.py` with the reason why it need not."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import click
import pytest
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute

from rapport.app.asgi import create_server
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.cli import main
from rapport.app.pipeline import Pipeline
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.app.worker import jobs_of
from tests.databases import opened_database
from tests.doors import COMMANDS, FILES, JOBS, NOBODY, OPEN, SHOP, Asks
from tests.named import is_there

Handlers = dict[str, BaseRouteHandler]


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handlers]:
    """All that the server answers, by method and address."""
    settings = Settings.load({}, data_dir=tmp_path_factory.mktemp("doors"))
    db = open_database(settings)
    bootstrap(db, settings)
    server = Server(settings, db)
    found: Handlers = {}
    framework: Any = create_server(settings, server)._framework
    for route in framework.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            path = re.sub(r":\w+}", "}", route.path)
            found |= {f"{method} {path}": handler for method in handler.http_methods - {"OPTIONS", "HEAD"}}
    yield found
    server.close()
    db.close()


def beginning(handlers: Handlers, *paths: str) -> Handlers:
    return {name: one for name, one in handlers.items() if name.partition(" ")[2].startswith(paths)}


def test_an_address_of_the_api_that_is_not_asked_for_everybody_is_listed(handlers: Handlers) -> None:
    saying = {name: one for name, one in beginning(handlers, "/api/v1", "/v1/spaces").items() if "door" in one.opt}
    assert set(saying) == set(OPEN)
    for name, one in saying.items():
        assert one.opt["door"] == ("asks" if isinstance(OPEN[name], Asks) else "open"), name


def test_a_permission_without_people_is_listed() -> None:
    assert {one.name for one in installed().permissions.by_name.values() if not one.people} == set(NOBODY)


def test_a_file_that_people_save_asks_or_says_why_not(handlers: Handlers) -> None:
    found = beginning(handlers, "/console", "/shop", "/components")
    assert {name for name, one in found.items() if hands_out(one.fn)} == set(FILES)


def test_what_shoppers_open_is_listed_and_says_what_opens_it(handlers: Handlers) -> None:
    for name in beginning(handlers, "/shop", "/components"):
        assert name.partition(" ")[2].startswith(tuple(SHOP)), name


def test_a_job_that_reads_people_asks_or_says_why_not(tmp_path: Path) -> None:
    with opened_database("sqlite", tmp_path) as db:
        assert {one.name for one in jobs_of(Pipeline(db))} == set(JOBS)


def test_a_command_that_reads_people_asks_or_says_why_not() -> None:
    assert set(commands(main)) == set(COMMANDS)


def test_every_test_that_is_named_as_proof_is_there() -> None:
    named = {
        proof
        for several in (OPEN, FILES, SHOP, JOBS, COMMANDS)
        for proof in several.values()
        if isinstance(proof, Asks)
    }  # fmt: skip
    assert {one for one in named if not is_there(one)} == set()


def commands(group: click.Group, *before: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        if isinstance(one, click.Group):
            yield from commands(one, *before, name)
        else:
            yield " ".join((*before, name))


def hands_out(function: Callable[..., Any], *, deep: int = 3) -> bool:
    """Whether a function, or one of ours that it calls, makes an answer that is saved as a file."""
    function = getattr(function, "func", function)  # as the framework wraps it
    texts, names = _said(function.__code__)
    if any("attachment;" in text for text in texts):
        return True
    around = vars(sys.modules[function.__module__])
    called = [around[name] for name in names if name in around]
    ours = [
        one for one in called if str(getattr(one, "__module__", "")).startswith("rapport.") and hasattr(one, "__code__")
    ]
    return deep > 0 and any(hands_out(one, deep=deep - 1) for one in ours)


def _said(code: CodeType) -> tuple[set[str], set[str]]:
    texts, names = set[str](), set(code.co_names)
    for one in code.co_consts:
        if isinstance(one, str):
            texts.add(one)
        elif isinstance(one, tuple):
            texts |= {text for text in one if isinstance(text, str)}
        elif isinstance(one, CodeType):
            more, further = _said(one)
            texts, names = texts | more, names | further
    return texts, names
