"""A process that decides for the server (`decide/elsewhere.py`): `python -m rapport.app.deciding SOCKET`."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys

from rapport.app.bootstrap import open_database
from rapport.app.finding import customer_key
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.decide.elsewhere import Computed, Launch, Question, answer_all
from rapport.decide.service import Decider
from rapport.web.logs import configure_logging

__all__ = ["launch", "main"]


def launch(settings: Settings) -> Launch:
    """How the server starts such a process."""
    environment = {
        **os.environ, "RAPPORT_DATA_DIR": str(settings.data_dir.absolute()),
        "RAPPORT_DATABASE_URL": settings.database_url, "RAPPORT_LOG_LEVEL": settings.log_level,
        "RAPPORT_LOG": settings.log,
    }  # fmt: skip
    return Launch([sys.executable, "-m", "rapport.app.deciding"], environment, settings.decider_processes)


def main(number: int) -> None:
    """Answer what comes over this socket until the server closes it, which it does when it has answered everybody."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    settings = Settings.load()
    configure_logging(level=settings.log_level, form=settings.log)
    db = open_database(settings)
    slices = installed()
    decider = Decider(db, slices.deciding, append=_nothing, find_customer=customer_key, gate=slices.gate)

    def compute(question: Question) -> Computed:
        return decider.compute_all(
            question.workspace, question.asked, now=question.now, alone=question.alone
        )  # fmt: skip

    gc.freeze()
    answer_all(socket.socket(fileno=number), compute)
    db.close()


async def _nothing(_: object) -> None:
    """The server writes what was decided."""


if __name__ == "__main__":
    main(int(sys.argv[1]))
