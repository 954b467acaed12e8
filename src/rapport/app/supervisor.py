"""Keeps the worker processes of `rapport serve` running, and ends them with it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time

from rapport.app.settings import Settings

__all__ = ["Supervisor"]

_logger = logging.getLogger(__name__)

RESTART_SECONDS = (0.2, 1.0, 5.0)
"""Pause before a worker that died is started again: after the first, the second and every later early death."""


class Supervisor:
    """Starts `count` workers, each started again when it dies. A worker whose server has gone ends by itself."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._children: list[subprocess.Popen[bytes]] = []
        self._threads = [
            threading.Thread(target=self._keep, name=f"worker-{number}", daemon=True)
            for number in range(settings.worker_processes)
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the workers to finish their batch, and wait; kill those that take longer than ten seconds."""
        self._stop.set()
        for child in list(self._children):
            child.terminate()
        for thread in self._threads:
            thread.join(timeout=12)

    def _keep(self) -> None:
        deaths = 0
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                child = self._start()
            except OSError as error:  # no memory, no processes, no files left: it may be better in a moment
                _logger.error("a worker could not be started: %s; trying again", error.strerror)
                self._pause(deaths)
                deaths += 1
                continue
            self._children.append(child)
            self._wait(child)
            self._children.remove(child)
            if self._stop.is_set():
                return
            if child.returncode == 0:  # somebody asked it to stop, most likely all of us
                self._stop.wait(2.0)
                continue
            deaths = 0 if time.monotonic() - started > 60 else deaths + 1
            _logger.error("a worker ended with code %s; starting another", child.returncode)
            self._pause(deaths)

    def _pause(self, deaths: int) -> None:
        self._stop.wait(RESTART_SECONDS[min(deaths, len(RESTART_SECONDS) - 1)])

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own command
            self._command(), env={**os.environ, **self._environment()}, stdin=subprocess.DEVNULL
        )

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        while child.poll() is None:
            if self._stop.wait(0.1):
                child.terminate()
                try:
                    child.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()

    def _command(self) -> list[str]:
        folder = str(self._settings.data_dir)
        return [sys.executable, "-m", "rapport", "worker", "--data", folder, "--parent", str(os.getpid())]

    def _environment(self) -> dict[str, str]:
        """The settings that were given on the command line, for the child."""
        settings = self._settings
        return {
            "RAPPORT_DATABASE_URL": settings.database_url,
            "RAPPORT_WORKER_BATCH": str(settings.worker_batch),
            "RAPPORT_LOG_LEVEL": settings.log_level,
            "RAPPORT_LOG": settings.log,
            "RAPPORT_SMTP_URL": settings.smtp_url,
            "RAPPORT_MAIL_FROM": settings.mail_from,
            "RAPPORT_PUBLIC_URL": settings.public_url,
            "RAPPORT_ALLOW_PRIVATE_WEBHOOKS": str(settings.allow_private_webhooks).lower(),
        }
