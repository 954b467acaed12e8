"""The README's commands do what it says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import blocks
from tests.running import ROOT, free_port, wait_until


def _commands() -> list[str]:
    return [block.text.strip() for block in blocks(ROOT / "README.md") if block.language == "bash"]


def test_every_make_target_named_exists_and_explains_itself() -> None:
    """`make` alone lists each target that a page tells people to use."""
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"(?:`|^)make ([a-z]+)(?:`|$)", page.read_text(), re.MULTILINE)
    }
    assert {"demo", "test", "check", "bench", "serve"} <= named
    assert sorted(name for name in named if not re.search(rf"make {name}\b", listed)) == []


def test_make_demo_is_the_demo_command() -> None:
    """`make demo` runs `rapport demo`, and nothing more."""
    assert "make demo" in _commands()
    shown = subprocess.run(
        ["make", "-n", "demo"], cwd=ROOT, env=_reader(), capture_output=True, text=True, check=True
    ).stdout
    assert shown.split()[-2:] == ["rapport", "demo"]


@pytest.mark.slow
def test_make_serve_serves_and_keys_prints_its_keys(tmp_path: Path) -> None:
    """The two commands of "Use it" work together on one data folder."""
    serve, keys = (command for command in _commands() if command in ("make serve", "make keys"))
    port = free_port()
    environment = _reader() | {"RAPPORT_DATA_DIR": str(tmp_path / "data"), "RAPPORT_PORT": str(port)}
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            serve.split(), cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/readyz"), seconds=60)
        command = [*keys.split(), "ARGS=--json"]
        shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        found = json.loads(shown)
        sent = {"userId": "ada", "event": "Product Viewed", "properties": {"product_id": "CH-01"}}
        answer = httpx.post(f"http://127.0.0.1:{port}/v1/track", json=sent, auth=(found["write_key"], ""))
        assert answer.json() == {"success": True}
    finally:
        os.killpg(running.pid, signal.SIGINT)
        running.wait(30)


def _reader() -> dict[str, str]:
    """The environment of a reader's shell: without what a `make test` above us hands down to every make."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_reader_without_uv_is_given_one() -> None:
    """Where no uv is on the path, each target uses the one it fetches, and no page says `uv run` to a newcomer."""
    bare = _reader() | {"PATH": "/usr/bin:/bin"}
    for target in ("install", "demo", "serve", "keys"):
        shown = subprocess.run(
            ["make", "-n", target, "UV=.bootstrap/bin/uv"],
            cwd=ROOT, env=bare, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert ".bootstrap/bin/uv" in shown.splitlines()[-1], target
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/how-to").glob("*.md")]
    told = [block.text for page in pages for block in blocks(page) if block.language == "bash"]
    assert [text for text in told if re.search(r"\buv (run|sync)\b", text)] == []
