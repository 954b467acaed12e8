"""Workers are started again whatever keeps one from starting."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from rapport.app.settings import Settings
from rapport.app.supervisor import Supervisor


def test_a_worker_that_could_not_be_started_is_started_later(tmp_path: Path) -> None:
    started = threading.Event()

    class Scarce(Supervisor):
        """The first start finds no memory."""

        tried = 0

        def _start(self) -> subprocess.Popen[bytes]:
            self.tried += 1
            if self.tried == 1:
                raise OSError(12, "Cannot allocate memory")
            started.set()
            return subprocess.Popen([sys.executable, "-c", ""])

    supervisor = Scarce(Settings.load({}, data_dir=tmp_path))
    supervisor.start()
    assert started.wait(20)
    supervisor.stop()
