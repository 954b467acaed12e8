"""The demonstration's processes, which end with it whatever happens, and its ports."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from rapport.kernel.errors import Conflict

__all__ = ["LOOPBACK", "Children", "check_port", "free_port"]

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 20
_GENTLY = 10
"""How much a process that may take its time gives way to others, as `nice` counts it."""
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
"""Loaded before anything is started: a new process must not have to load it between fork and exec."""


class Children:
    """The processes that were started, each with a log in the data folder. Start them from the main thread."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._started: list[subprocess.Popen[bytes]] = []

    def start(
        self, name: str, command: list[str], environment: dict[str, str] | None = None, *, gently: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start `python COMMAND`; `gently` at a low priority."""
        with self.log_of(name).open("ab") as log:
            child = subprocess.Popen(  # noqa: S603 our own commands
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=_die_with_parent if _LIBC else None,  # noqa: PLW1509 it takes no lock
            )
        if gently:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, child.pid, _GENTLY)
        self._started.append(child)
        return child

    def log_of(self, name: str) -> Path:
        """Where a process writes."""
        return self._data_dir / f"{name}.log"

    def end(self) -> None:
        """End them, the last first, so that each finishes what it has begun; kill those that take too long."""
        for child in reversed(self._started):
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._started:
            try:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def check_port(host: str, port: int) -> None:
    """Raises Conflict where somebody listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"port {port} on {host} is taken ({error.strerror})",
                hint=f"end what listens there, or choose another: rapport demo --port {port + 10}",
            ) from error


def free_port(host: str, wanted: int) -> int:
    """The wanted port, or any free one where it is taken."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError, OverflowError):
                probe.bind((host, port))
                return int(probe.getsockname()[1])
    raise Conflict(f"no port is free on {host}")


def _die_with_parent() -> None:
    """In a new process: have Linux end it with the demonstration, even if that is killed."""
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGTERM)
