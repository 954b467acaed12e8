"""`rapport demo` from the first start to Ctrl-C, with the real server; how it goes on is told beside its scorecard."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rapport.app.scorecard.series import Series
from rapport.world.truth import read_truth
from tests.rooms.world.demonstration import Demo
from tests.running import free_port


def state(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "demo.json").read_text())
    return found


@pytest.mark.slow
def test_a_demonstration_begins_and_ends(tmp_path: Path) -> None:
    data, port = tmp_path / "demo", free_port()
    first = Demo(data, port)
    first.wait_for("first record", lambda: first.health().get("folded_seq", 0) > 0, seconds=45)
    first.wait_for("live trickle", first.is_live, seconds=120)
    first.wait_for("word that sixty people teach nothing", lambda: "No learned links: " in first.output.read_text())
    first.wait_for("club", lambda: "members of the club for a fee." in first.output.read_text())
    first.wait_for("measurement", lambda: Series(data).read())
    assert first.end() == []
    assert first.process.returncode == 0
    output = first.output.read_text()
    assert "Traceback" not in output
    assert "/console" in output
    assert state(data)["sent"] > 1_000
    assert len(read_truth(data / "truth.jsonl")) > 20
    assert oct((data / "demo.json").stat().st_mode)[-3:] == "600"


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
