"""`rapport demo` from the first start to Ctrl-C and on from there, with the real server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from rapport.world.truth import read_truth
from tests.running import free_port

RUN = """
import sys
from pathlib import Path
from rapport.app.demo import run
data, port, people = sys.argv[1:]
sys.exit(run(data=Path(data), host="127.0.0.1", port=int(port), people=int(people), days=20, open_browser=False))
"""


class Demo:
    """A demonstration in its own process."""

    def __init__(self, data: Path, port: int, *, people: int = 60) -> None:
        self.data, self.url = data, f"http://127.0.0.1:{port}"
        self.output = data.with_suffix(".out")
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN, str(data), str(port), str(people)], stdout=out, stderr=out
            )

    def wait_for(self, what: str, found: Callable[[], Any], *, seconds: float = 60) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            value = found()
            if value:
                return value
            time.sleep(0.2)
        pytest.fail(f"no {what} (exit code {self.process.poll()}):\n{self.output.read_text()[-3000:]}")

    def health(self) -> dict[str, Any]:
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=2)
        except httpx.HTTPError:
            return {}
        return dict(answer.json()) if answer.status_code == 200 else {}

    def is_live(self) -> bool:
        return "Now it is live" in self.output.read_text()

    def end(self, name: signal.Signals = signal.SIGINT) -> list[psutil.Process]:
        """Send the signal and answer what is left of its processes."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(name)
        self.process.wait(timeout=40)
        alive: list[psutil.Process] = psutil.wait_procs(family, timeout=10)[1]
        return alive


def state(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "demo.json").read_text())
    return found


@pytest.mark.slow
def test_a_demonstration_begins_ends_and_goes_on_where_it_was(tmp_path: Path) -> None:
    data, port = tmp_path / "demo", free_port()
    first = Demo(data, port)
    first.wait_for("first record", lambda: first.health().get("folded_seq", 0) > 0, seconds=45)
    first.wait_for("live trickle", first.is_live, seconds=120)
    sent = first.health()["log_seq"]
    assert first.end() == []
    assert first.process.returncode == 0
    output = first.output.read_text()
    assert "Traceback" not in output
    assert "/console" in output
    assert state(data)["sent"] > 1_000
    assert len(read_truth(data / "truth.jsonl")) > 20
    assert oct((data / "demo.json").stat().st_mode)[-3:] == "600"

    again = Demo(data, port)
    again.wait_for("server", again.health)
    again.wait_for("live trickle", lambda: again.output.read_text().count("Now it is live") == 2, seconds=120)
    grown = again.health()["log_seq"] - sent
    assert 0 <= grown < 3_000, "the history was sent again"
    assert again.end(signal.SIGTERM) == []
    assert "Traceback" not in again.output.read_text()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_nothing_is_left_when_it_is_killed(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "demo", free_port())
    demo.wait_for("server", demo.health)
    assert demo.end(signal.SIGKILL) == []


def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        demo = Demo(tmp_path / "demo", taken.getsockname()[1])
        assert demo.process.wait(timeout=30) == 1
    output = demo.output.read_text()
    assert "is taken" in output
    assert "--port" in output
    assert "Traceback" not in output


def test_somebody_elses_shop_is_left_alone(tmp_path: Path) -> None:
    """A folder with a real shop in it is not filled with simulated people."""
    data = tmp_path / "shop"
    environment = {**os.environ, "RAPPORT_DATA_DIR": str(data)}
    script = (
        "from rapport.app.bootstrap import bootstrap, open_database; from rapport.app.settings import Settings\n"
        "settings = Settings.load(); bootstrap(open_database(settings), settings)"
    )
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)
    demo = Demo(data, free_port())
    assert demo.process.wait(timeout=30) == 1
    assert "not the demonstration" in " ".join(demo.output.read_text().split())
