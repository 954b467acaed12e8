"""The job that asks for advisories fails on one that is known, and on nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from tests.running import ROOT, free_port, unavailable

ID = "GHSA-xxxx-yyyy-zzzz"


class Osv(BaseHTTPRequestHandler):
    """Answers as osv.dev does, of one package that has an advisory. **Source:** OSV API v1."""

    bad = ""

    def do_POST(self) -> None:
        asked = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))["queries"]
        known = {"vulns": [{"id": ID, "modified": "2026-01-01T00:00:00Z"}]}
        self._answer({"results": [known if one["package"]["name"] == self.bad else {} for one in asked]})

    def do_GET(self) -> None:
        self._answer({"id": ID, "modified": "2026-01-01T00:00:00Z", "summary": "bad", "affected": []})

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _answer(self, body: object) -> None:
        content = msgspec.json.encode(body)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def service(bad: str) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), type("OsvOf", (Osv,), {"bad": bad}))
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


def asked(url: str, *, accepted: Path | None = None) -> subprocess.CompletedProcess[str]:
    if shutil.which("uv") is None:
        unavailable("uv is not on the path")
    more = {"RAPPORT_ACCEPTED_ADVISORIES": str(accepted)} if accepted else {}
    return subprocess.run(
        [ROOT / ".ci" / "advisories", "--service-url", url],
        env=os.environ | {"UV_HTTP_RETRIES": "0"} | more,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("bad", "status"), [("jinja2", 1), ("no-such-package", 0)])
def test_a_known_advisory_of_something_that_is_locked_fails_the_job(bad: str, status: int) -> None:
    with service(bad) as url:
        done = asked(url)
    assert (done.returncode, ID in done.stdout) == (status, bool(status)), done


def test_where_nobody_can_be_asked_the_job_says_so_and_fails_nothing() -> None:
    done = asked(f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, "nothing is known" in done.stderr) == (0, True), done


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        (f"{ID} 2999-12-31 its template is never one of a stranger's", 0, ""),
        (f"{ID} 2026-11-01 its template is never one of a stranger's", 1, "was accepted until 2026-11-01"),
        (f"{ID} 2999-12-31", 1, "without a day or a reason"),
        ("GHSA-aaaa-bbbb-cccc 2999-12-31 another one", 1, ""),
    ],
)
def test_one_that_is_accepted_with_a_reason_is_passed_over_until_its_day(
    tmp_path: Path, line: str, status: int, said: str
) -> None:
    accepted = tmp_path / "accepted"
    accepted.write_text(f"# ID YYYY-MM-DD WHY\n{line}\n")
    with service("jinja2") as url:
        done = asked(url, accepted=accepted)
    assert (done.returncode, said in done.stderr) == (status, True), done


def test_those_that_are_accepted_now_have_a_reason_and_a_day_to_come() -> None:
    assert "was accepted until" not in asked(f"http://127.0.0.1:{free_port()}").stderr
