"""What the pages tell a reader to type works as they say, against a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.databases import postgres_database
from tests.docs.pages import DOCS, blocks, run_page
from tests.running import Server, free_port, wait_until

pytestmark = pytest.mark.slow


def test_the_tutorial_leads_to_a_golden_record(tmp_path: Path) -> None:
    """Every command of the tutorial, with the outputs it shows."""
    run_page(DOCS / "tutorial.md", folder=tmp_path, port=free_port())


def test_importing_a_table_works_as_described(tmp_path: Path) -> None:
    """The map, the file with its bad row, importing twice, the digest."""
    run_page(DOCS / "how-to/import-data.md", folder=tmp_path, port=free_port())


@pytest.mark.sdk
def test_the_sdks_connect_as_described(tmp_path: Path, node_modules: Path) -> None:
    """The SDKs of Segment, RudderStack and Jitsu for Python and Node, with the snippets of the page."""
    run_page(
        DOCS / "how-to/connect-a-segment-sdk.md",
        folder=tmp_path,
        port=free_port(),
        environment={"NODE_PATH": str(node_modules)},
    )


FOLDERS = {
    "analytics-next": "@segment/analytics-next/dist/umd",
    "rudderstack": "@rudderstack/analytics-js/dist/npm/modern/bundled/umd",
    "jitsu": "@jitsu/js/dist",
}
"""What the pages' addresses of the libraries stand for."""


@pytest.mark.sdk
@pytest.mark.browser
@pytest.mark.parametrize("library", FOLDERS)
def test_the_browser_snippets_connect(
    shop_server: Server, node_modules: Path, browser: Browser, tmp_path: Path, library: str
) -> None:
    """The page's HTML, with its key and address filled in, sends a page view and says who is there."""
    server = shop_server.with_shop(f"{shop_server.shop}-{library}")
    (html,) = (
        b.text
        for b in blocks(DOCS / "how-to/connect-a-segment-sdk.md")
        if b.language == "html" and f"/{library}/" in b.text
    )
    html = html.replace("YOUR_WRITE_KEY", server.write_key).replace("http://127.0.0.1:8321", server.url)
    (tmp_path / "index.html").write_text(html)
    (tmp_path / library).symlink_to(node_modules / FOLDERS[library])
    page = browser.new_page()
    with _website(tmp_path) as address:
        page.goto(address)
        record = wait_until(lambda: server.customer("user_id:ada"), waiting=page.wait_for_timeout)
        page.close()
    assert {identifier["namespace"] for identifier in record["identifiers"]} == {"user_id", "anonymous_id"}


@contextmanager
def _website(folder: Path) -> Iterator[str]:
    """The address of a web server for a folder's files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://localhost:{web.server_port}/"
        web.shutdown()
        thread.join()


@pytest.mark.postgres
def test_postgresql_with_several_workers_runs_as_described(tmp_path: Path) -> None:
    """A server with two workers, another worker, and the digest, on a database of PostgreSQL."""
    with postgres_database(empty=True) as url:
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        run_page(
            DOCS / "how-to/postgresql-and-workers.md",
            folder=tmp_path,
            port=free_port(),
            replace={"postgresql://rapport:choose-another@127.0.0.1/rapport": plain},
        )


def test_a_backup_is_taken_checked_and_restored_as_described(tmp_path: Path) -> None:
    """Taken beside a running server, put back into another folder, and the records are the same."""
    run_page(DOCS / "how-to/back-up.md", folder=tmp_path, port=free_port())


def test_decisions_are_made_as_described(tmp_path: Path) -> None:
    """Two visits teach that the corkscrew goes with the Chianti; the decision says so."""
    run_page(DOCS / "how-to/ask-for-decisions.md", folder=tmp_path, port=free_port())


def test_products_are_stated_and_searched_as_described(tmp_path: Path) -> None:
    run_page(DOCS / "how-to/catalogue.md", folder=tmp_path, port=free_port())


def test_a_shop_is_connected_as_described(tmp_path: Path) -> None:
    run_page(DOCS / "how-to/connect-a-shop.md", folder=tmp_path, port=free_port())


def test_a_webhook_arrives_as_described(tmp_path: Path) -> None:
    """The receiver of the page verifies what Rapport signed."""
    run_page(DOCS / "how-to/webhooks.md", folder=tmp_path, port=free_port(), replace={"9321": str(free_port())})


def test_identity_is_explained_and_corrected_as_described(tmp_path: Path) -> None:
    """Splits, joins, undoing; a policy in a file that parts two people who shared an address."""
    run_page(DOCS / "how-to/identity.md", folder=tmp_path, port=free_port())


def test_what_may_be_done_with_whom_is_said_as_described(tmp_path: Path) -> None:
    """An answer over the API holds when the reply is there; a policy is tried, then applied."""
    run_page(DOCS / "how-to/privacy.md", folder=tmp_path, port=free_port())


def test_a_customer_is_asked_answers_and_somebody_does_their_task_as_described(tmp_path: Path) -> None:
    run_page(DOCS / "how-to/journeys.md", folder=tmp_path, port=free_port())


def test_a_promise_is_made_changed_and_kept_as_described(tmp_path: Path) -> None:
    run_page(DOCS / "how-to/keep-promises.md", folder=tmp_path, port=free_port())
