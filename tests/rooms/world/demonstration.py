"""A demonstration in its own process, as a person at a terminal has it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.running import http

RUN = """
import sys
from pathlib import Path
from rapport.app.demo.running import run
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
            answer = http.get(f"{self.url}/readyz", timeout=2)
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
