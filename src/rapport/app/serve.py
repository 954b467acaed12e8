"""The long-running processes: the server, which keeps its workers, and a worker."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from functools import partial

import uvicorn

from rapport.act.outbox import Dispatcher
from rapport.app.alarming.looking import Lookout
from rapport.app.asgi import create_server
from rapport.app.backup_schedule import BackupSchedule
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.pipeline import Pipeline
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.app.supervisor import Supervisor
from rapport.app.tracing import start_tracing
from rapport.app.wiring import channel_settings, dispatcher
from rapport.app.worker import Worker
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Misconfigured
from rapport.storage.engine import Database
from rapport.storage.outage import going_on
from rapport.storage.workspaces import default_workspace
from rapport.web import invitations
from rapport.web.console import missing_files
from rapport.web.logs import configure_logging
from rapport.web.protocol import BoundedHttp

__all__ = ["serve", "work"]

_logger = logging.getLogger("rapport")

SWITCH_SECONDS = 0.001
"""After which a thread of the server that computes lets another have the interpreter. Writing one fact asks for it ten
times, so with Python's 5 ms it waits for 50 while a large batch is read.
"""
TIDY_SECONDS = 1.0
"""How often SQLite's write-ahead log is looked at."""
BUSY_SECONDS = 0.02
"""Between two looks while messages are taken up: as many as there are threads wait for the next."""
DISPATCH_SECONDS = 0.25
"""How often the outbox is looked at."""


def serve(settings: Settings) -> None:
    """Serve HTTP until SIGINT or SIGTERM; the workers end with it."""
    configure_logging(level=settings.log_level, form=settings.log)
    listener = _listen(settings)
    db = open_database(settings)
    bootstrap(db, settings)
    _say_where(db, settings)
    server = Server(settings, db)
    supervisor = Supervisor(settings)
    supervisor.start()
    front = create_server(settings, server)
    tracing = start_tracing("server")
    http = uvicorn.Server(uvicorn.Config(
        tracing.of_requests(front), http=BoundedHttp, log_config=None, access_log=False, server_header=False,
        ws="none",
        forwarded_allow_ips=settings.proxies, timeout_keep_alive=75, timeout_graceful_shutdown=10,
    ))  # fmt: skip
    gc.freeze()
    gc.set_threshold(700, 10, 10)  # Python's own: requests leave circles behind
    sys.setswitchinterval(SWITCH_SECONDS)
    stop = threading.Event()
    tidying = threading.Thread(target=_tidy, args=(db, stop), name="tidy", daemon=True)
    tidying.start()
    lookout = Lookout(
        db, front.alarms, server.slices.permissions, channel_settings(settings),
        base=settings.public_url.rstrip("/") or settings.address,
    )  # fmt: skip
    looking = threading.Thread(
        target=lookout.keep_looking, args=(stop, partial(dispatcher, db, settings)), name="lookout", daemon=True
    )
    looking.start()
    keeping = threading.Thread(target=BackupSchedule(settings).keep_taking, args=(stop,), name="backups", daemon=True)
    keeping.start()
    _leave_in_order()
    try:
        http.run(sockets=[listener])
    finally:
        stop.set()
        tidying.join(timeout=5)
        looking.join(timeout=5)
        keeping.join(timeout=10)
        supervisor.stop()
        server.close()
        tracing.close()


def work(settings: Settings, *, parent: int | None = None) -> None:
    """Fold the log and deliver the outbox until SIGINT or SIGTERM."""
    configure_logging(level=settings.log_level, form=settings.log)
    db = open_database(settings, ping=False)  # the worker and the outbox try again, whatever breaks
    stop = threading.Event()
    _stop_on_signals(stop)
    delivering = threading.Thread(target=_deliver, args=(db, settings, stop), name="outbox", daemon=True)
    delivering.start()
    tracing = start_tracing("worker")
    worker = Worker(Pipeline(db), batch=settings.worker_batch)
    gc.freeze()  # what is installed stays: looking through it was a quarter of what waiting costs
    worker.run(stop, parent=parent)
    stop.set()
    delivering.join(timeout=5)
    db.close()
    tracing.close()


def _stop_on_signals(stop: threading.Event) -> None:
    """Have SIGINT and SIGTERM set the event, however many come at once.

    A handler runs in the middle of whatever the main thread does: were it to set the event itself, it would wait for
    ever for a lock that the main thread, or the handler of the signal before, holds. So it writes a byte, and a thread
    that waits for it does the rest.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def watch() -> None:
        os.read(reading, 1)
        stop.set()

    def tell(*_: object) -> None:
        with suppress(BlockingIOError):
            os.write(writing, b".")

    threading.Thread(target=watch, name="signals", daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)


def _leave_in_order() -> None:
    """Let the server end as it should: uvicorn raises the signal that stopped it once more when it is done, which by
    default ends the process before the workers and what waits to be written are seen to.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)


def _tidy(db: Database, stop: threading.Event) -> None:
    """Keep SQLite's write-ahead log short until told to stop."""
    while not stop.wait(TIDY_SECONDS):
        with going_on("the write-ahead log was moved"):  # on the driver's own connection: its errors are no others'
            db.checkpoint()


def _listen(settings: Settings) -> socket.socket:
    """Take the port before anything else is done. Raises Misconfigured where that cannot be."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {settings.host} port {settings.port}: {os.strerror(error.errno or 0)}",
            hint="end what listens there, or choose another with --port",
        ) from error


def _deliver(db: Database, settings: Settings, stop: threading.Event) -> None:
    """Look at the outbox until told to stop; whatever goes wrong is tried again."""
    _carry(dispatcher(db, settings), stop)


def _carry(outbox: Dispatcher, stop: threading.Event) -> None:
    taken: int | None = 0
    while not stop.is_set():
        outbox.rest(1.0 if taken is None else BUSY_SECONDS if taken else DISPATCH_SECONDS)
        taken = None
        with going_on("the outbox was read"):
            taken = outbox.run_once()
    outbox.close()


def _say_where(db: Database, settings: Settings) -> None:
    """Print the console's address, and while nobody has an account the link that makes the first one."""
    for name in missing_files():
        _logger.warning("the front-end file %s is missing; `uv sync --reinstall-package rapport` makes it", name)
    base = settings.address
    with db.read() as conn:
        workspace = default_workspace(conn)
    token = invitations.set_up_token(db, workspace=workspace.id, now=now_us())
    if token is None:
        print(f"console: {base}/console", flush=True)  # noqa: T201 - for the person who started it
    else:
        print(f"make the first account: {base}/console/join?token={token}", flush=True)  # noqa: T201
