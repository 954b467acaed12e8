"""The wheel carries all it needs, and runs in an environment of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.running import ROOT, free_port, unavailable, wait_until

pytestmark = pytest.mark.slow


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
    assert not [name for name in names if "segment" in name or "analytics-next" in name]


def test_the_wheel_runs_by_itself(wheel: Path, uv: str, tmp_path: Path) -> None:
    """Installed into a fresh environment it serves the console with its scripts."""
    python = tmp_path / "venv/bin/python"
    subprocess.run([uv, "venv", "--quiet", str(tmp_path / "venv")], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), str(wheel)], check=True)
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [str(python.with_name("rapport")), "serve", "--data", "data", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _status(f"{url}/readyz") == 200, seconds=60)
        assert _status(f"{url}/static/vendor/htmx.min.js") == 200
        assert _status(f"{url}/console") in (200, 303)
    finally:
        os.killpg(running.pid, signal.SIGINT)
        running.wait(30)


def _status(url: str) -> int:
    try:
        return httpx.get(url, timeout=2).status_code
    except httpx.HTTPError:
        return 0
