"""The wheel carries all it needs and runs in an environment of its own, and so does a slice of another distribution."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.databases import postgres_database
from tests.running import ROOT, free_port, unavailable, wait_until

pytestmark = pytest.mark.slow

NOT_OF_THE_ENVIRONMENT = ("PYTHONPATH", "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV")


@pytest.fixture(scope="module")
def uv() -> str:
    """The uv that runs these tests, or one on PATH."""
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        unavailable("no uv to build with")
    return found


@pytest.fixture(scope="module")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", str(folder)], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_the_console_and_none_of_the_tests_clients(wheel: Path) -> None:
    """Templates, styles, and the front-end parts with their licences; no SDK."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("rapport/")}
    vendor = {Path(name).name for name in names if "/static/vendor/" in name}
    assert {"htmx.min.js", "htmx.LICENSE.txt", "echarts.min.js", "echarts.LICENSE.txt"} <= vendor
    assert any(name.startswith("rapport/web/templates/") for name in names)
    assert "rapport/py.typed" in names
    in_source = {
        f"rapport/{path.relative_to(ROOT / 'src/rapport')}"
        for path in (ROOT / "src/rapport").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "vendor" not in path.parts
    }
    assert in_source <= names
    assert not [name for name in names if "@segment" in name or "analytics-next" in name]


@pytest.fixture(scope="module")
def python(wheel: Path, uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with Rapport's wheel in it and nothing else of ours."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([uv, "venv", "--quiet", str(folder)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python"), str(wheel)], check=True)
    return folder / "bin/python"


@contextmanager
def serving(python: Path, folder: Path, *, database: str = "") -> Iterator[httpx.Client]:
    """A client of a `rapport serve` of that environment, in `folder`, with its keys."""
    port = free_port()
    rapport, environment = str(python.with_name("rapport")), _environment(database)
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(
            [rapport, "serve", "--data", "data", "--port", str(port)], cwd=folder, env=environment, stdout=log,
            stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _status(f"{url}/readyz") == 200, seconds=60)
        keys = _keys(python, folder, database)
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {keys['api_key']}"}, timeout=30) as client:
            client.write_key = keys["write_key"]  # type: ignore[attr-defined]
            yield client
    finally:
        os.killpg(running.pid, signal.SIGINT)
        running.wait(30)


@cache
def _keys(python: Path, folder: Path, database: str) -> dict[str, str]:
    """They stay what they are when the server is started again."""
    keys: dict[str, str] = json.loads(_told(python, folder, "keys", "--data", "data", "--json", database=database))
    return keys


def _told(python: Path, folder: Path, *arguments: str, database: str = "") -> str:
    """What a `rapport` of that environment answers."""
    command = [str(python.with_name("rapport")), *arguments]
    environment = _environment(database)
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def _environment(database: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_OF_THE_ENVIRONMENT}
    return kept | ({"RAPPORT_DATABASE_URL": database} if database else {})


def test_the_wheel_runs_by_itself(python: Path, tmp_path: Path) -> None:
    """Installed into a fresh environment it serves the console with its scripts."""
    with serving(python, tmp_path) as client:
        assert client.get("/static/vendor/htmx.min.js").status_code == 200
        assert client.get("/console").status_code in (200, 303)


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_slice_of_another_distribution_is_installed_left_out_and_installed_again(
    engine: str, python: Path, uv: str, tmp_path: Path
) -> None:
    """From its own wheel, beside Rapport's, against a live server: its table is made, its facts are handled; without
    it nothing fails and its data rests; with it again, it goes on."""
    subprocess.run(
        [uv, "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT / "examples/giftcards")], check=True
    )
    (giftcards,) = tmp_path.glob("*.whl")
    pip = [uv, "pip", "--quiet"]
    with ExitStack() as stack:
        database = stack.enter_context(postgres_database(empty=True)) if engine == "postgres" else ""
        subprocess.run([*pip, "install", "--no-deps", "--python", str(python), str(giftcards)], check=True)
        stack.callback(subprocess.run, [*pip, "uninstall", "--python", str(python), "rapport-giftcards"], check=False)
        with serving(python, tmp_path, database=database) as client:
            _sell(client, "s1", 50)
            card = wait_until(lambda: _card(client))
            assert card == {"code": "ABC", "currency": "EUR", "left_minor": 5000, "valid": True}
            wait_until(lambda: _bought(client) == 1)
            asked = ["giftcards", "balance", "abc", "--data", "data", "--json"]
            assert json.loads(_told(python, tmp_path, *asked, database=database)) == card
        subprocess.run([*pip, "uninstall", "--python", str(python), "rapport-giftcards"], check=True)
        with serving(python, tmp_path, database=database) as client:
            assert "giftcards" not in _told(python, tmp_path, "--help")
            assert client.get("/api/v1/giftcards/ABC").status_code == 404
            _sell(client, "s1", 50)  # known already
            assert _bought(client) is None
            assert client.get("/api/v1/customers/user_id:ada").status_code == 200
        subprocess.run([*pip, "install", "--no-deps", "--python", str(python), str(giftcards)], check=True)
        with serving(python, tmp_path, database=database) as client:
            _sell(client, "s2", 20)
            wait_until(lambda: (_card(client) or {}).get("left_minor") == 7000)
            wait_until(lambda: _bought(client) == 2, seconds=120)  # left out until what was missed is filled in


def _sell(client: httpx.Client, message_id: str, amount: int) -> None:
    message = {
        "type": "track", "event": "Gift Card Sold", "messageId": message_id, "userId": "ada",
        "properties": {"code": "abc", "amount": amount, "currency": "EUR"},
    }  # fmt: skip
    key: str = client.write_key  # type: ignore[attr-defined]
    client.post("/v1/batch", json={"batch": [message], "writeKey": key}, auth=(key, "")).raise_for_status()


def _card(client: httpx.Client) -> dict[str, Any] | None:
    answer = client.get("/api/v1/giftcards/ABC")
    found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
    return found


def _bought(client: httpx.Client) -> Any:
    record = client.get("/api/v1/customers/user_id:ada").raise_for_status().json()
    return record["traits"].get("gift_cards_bought", {}).get("value")


def _status(url: str) -> int:
    try:
        return httpx.get(url, timeout=2).status_code
    except httpx.HTTPError:
        return 0
