"""Fixtures every test may use. What a machine lacks is skipped with a reason, and fails where CI is set."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from rapport.storage.engine import Database
from tests.budget import Budget
from tests.databases import ENGINES, database_at, drop_databases, postgres_database, sqlite_database
from tests.running import (
    CHROMIUM,
    CHROMIUM_FLAGS,
    IN_CI,
    ROOT,
    Engine,
    Server,
    free_port,
    installed_node_modules,
    node_executable,
    unavailable,
)
from tests.statements import share_statements

if TYPE_CHECKING:
    import pluggy
    from playwright.sync_api import Browser, Page

StartServer = Callable[..., Server]

MEMORY = Path("/dev/shm")
ENOUGH_MEMORY = 6 * 1024**3
"""Bytes; a whole run writes less than a tenth of it."""

# What is here kills processes, never the machine, so nothing need wait for a disk: files lie in memory where there is
# enough of it, and PostgreSQL confirms a commit before it is on disk.
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
os.environ.setdefault("PGOPTIONS", "-c synchronous_commit=off")

# Many a container forbids Python to keep what it compiled. Then a server and its worker compile all of it whenever they
# start, which takes longer than the starting, and here they start a hundred times: the tests have a folder for it.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".pytest_cache" / "bytecode")
    sys.dont_write_bytecode, sys.pycache_prefix = False, os.environ["PYTHONPYCACHEPREFIX"]

share_statements()

settings.register_profile("rapport", deadline=None, derandomize=IN_CI, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rapport")


_shops = count(1)

LONGEST_FIRST = [
    "engines", "stories", "published", "docs", "laws", "attacks", "rooms/world", "rooms/app", "rooms/compose",
    "rooms/adapters", "rooms/web", "rooms",
]  # fmt: skip
"""Folders whose files take long, in turn: whoever gets the last file should not work alone for a minute."""


def pytest_configure(config: pytest.Config) -> None:
    """Tell at the end how long each folder took."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Budget(), "budget")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the files, deal out the long ones first, so that all processes end together."""
    if hasattr(config, "workerinput"):
        here = Path(__file__).parent
        rank = {here / folder: number for number, folder in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: min(rank.get(parent, len(rank)) for parent in item.path.parents))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(hookwrapper=True)
def pytest_collect_file(file_path: Path) -> Generator[None, pluggy.Result[list[pytest.Collector]]]:
    """Look for doctests only where there are some: looking imports the file and all that is in it."""
    outcome = yield
    if file_path.suffix == ".py" and b">>>" not in file_path.read_bytes():
        outcome.force_result([found for found in outcome.get_result() if type(found).__name__ != "DoctestModule"])


def pytest_sessionfinish() -> None:
    """Leave no database behind."""
    drop_databases()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A new PostgreSQL database with all tables, of this test alone."""
    with postgres_database() as url:
        yield url


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database with all tables on each engine in turn, of this test alone."""
    with database_at(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An open database with all tables on each engine in turn, of this test alone."""
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=ENGINES)
def shared_db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An open database on each engine in turn that the tests of one file share: each makes workspaces of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("shared")) as url:
        opened = Database.open(url)
        yield opened
        opened.close()


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database without any table on each engine in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'rapport.db'}"
        return
    with postgres_database(empty=True) as url:
        yield url


def _environment(database_url: str | None) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    environment["PYTHONUNBUFFERED"] = "1"
    if database_url is not None:
        environment["RAPPORT_DATABASE_URL"] = database_url
    return environment


@contextmanager
def _starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """A function that starts servers, which end with this."""
    with ExitStack() as stack:

        def start(
            *,
            engine: Engine = "sqlite",
            data: Path | None = None,
            environment: dict[str, str] | None = None,
            arguments: list[str] | None = None,
        ) -> Server:
            url = stack.enter_context(postgres_database()) if engine == "postgres" else None
            if data is None:
                data = tmp_path_factory.mktemp("server") / "data"
                if engine == "sqlite":
                    sqlite_database(data)
            server = Server(
                data=data,
                engine=engine,
                port=free_port(),
                environment=_environment(url) | (environment or {}),
                arguments=arguments or [],
            )
            stack.callback(server.stop)
            server.start()
            return server

        yield start


@pytest.fixture(scope="module")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """A function that starts a `rapport serve`: `start_server(engine="postgres", environment={…}, arguments=[…])`.

    Each has its own port and a data directory with nothing in it but empty tables (`data=` for a given one), and is
    stopped when the file's tests end; `stop()` ends it sooner.
    """
    with _starting(tmp_path_factory) as start:
        yield start


@pytest.fixture
def server(start_server: StartServer) -> Iterator[Server]:
    """A running server on SQLite with nothing in it, of this test alone."""
    running = start_server()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def module_server(start_server: StartServer) -> Iterator[Server]:
    """A running server on SQLite that the tests of one file share: quicker, where each test uses names of its own."""
    running = start_server()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def _common_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with _starting(tmp_path_factory) as start:
        yield start()


@pytest.fixture(scope="module")
def shop_server(_common_server: Server) -> Server:
    """A shop with nothing in it, of this file alone, on the server that all files of a process share.

    Quicker by the four seconds of a core that a server takes to start. Ask for `module_server` instead where a test
    looks at what all shops of a server share: its log, its memory, its first shop, its settings.
    """
    return _common_server.with_shop(f"shop-{next(_shops)}")


@pytest.fixture(params=ENGINES)
def any_server(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[Server]:
    """A running server on each engine in turn, with nothing in it, of this test alone."""
    running = start_server(engine=request.param)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Callable[[], Browser]]:
    from playwright.sync_api import Error, sync_playwright

    executable = next((path for path in CHROMIUM if path.exists()), None)
    with sync_playwright() as playwright:
        started: list[Browser] = []
        loop = asyncio.get_running_loop()

        def chromium() -> Browser:
            asyncio._set_running_loop(loop)
            if not (started and started[-1].is_connected()):
                try:
                    started.append(playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS))
                except Error as error:
                    unavailable(f"Chromium does not start: {error.message.splitlines()[0]}")
            return started[-1]

        yield chromium
        asyncio._set_running_loop(loop)


@pytest.fixture(scope="module")
def browser(_chromium: Callable[[], Browser]) -> Iterator[Browser]:
    """Chromium, headless: Debian's where it is installed, else Playwright's own. One per process.

    Playwright's event loop counts as this thread's while the file's tests run: a file that uses it does not call
    `asyncio.run`, the next one may.
    """
    chromium = _chromium()
    yield chromium
    for context in chromium.contexts:
        context.close()
    asyncio._set_running_loop(None)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a fresh browser profile, 1280 x 800."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="UTC")
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The directory with other people's JavaScript SDKs, installed when missing."""
    return installed_node_modules()


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node's executable."""
    return node_executable()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The directory with real data sets, which are not committed: RAPPORT_DATA, or `../shared/data`."""
    path = Path(os.environ.get("RAPPORT_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no real data sets at {path} (set RAPPORT_DATA)")
    return path
