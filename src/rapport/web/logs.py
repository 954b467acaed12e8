"""Logs, readable on a terminal and one JSON object a line elsewhere, without personal data: no bodies, no query
strings, no addresses, routes not paths.

Messages of exceptions can quote what a customer sent, so they are left out; type and place remain.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from typing import Any, Literal, TextIO

from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from rapport.kernel.errors import RapportError

__all__ = ["Form", "JsonFormatter", "RequestLog", "TextFormatter", "configure_logging"]

Form = Literal["auto", "text", "json"]
"""Text for people, JSON for programs, or whichever of them reads the stream."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

_COLOURS = {
    logging.WARNING: ("\033[33m", "\033[0m"),
    logging.ERROR: ("\033[31m", "\033[0m"),
    logging.CRITICAL: ("\033[31m", "\033[0m"),
}

logger = logging.getLogger("rapport.request")


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, event, and the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        out: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        return json.dumps(out | _extra(record), default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """One line a record for people: time of day, level, event and extra fields; where an error was, below it."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colours = _COLOURS if colour else {}

    def format(self, record: logging.LogRecord) -> str:
        extra = _extra(record)
        places = extra.pop("at", ())
        said = [record.getMessage(), *(f"{name}={value}" for name, value in extra.items())]
        start, end = self._colours.get(record.levelno, ("", ""))
        line = f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {start}{record.levelname.lower():<7}{end} "
        return "\n    at ".join([line + " ".join(said), *places])


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    """The fields given as `extra`, and of an exception its type and where it was, `error` and `at`."""
    out = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if record.exc_info and record.exc_info[0] is not None:
        out["error"] = record.exc_info[0].__name__
        out["at"] = [
            f"{frame.filename.rpartition('/rapport/')[2] or frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(record.exc_info[2])[-12:]
        ]
    return out


def configure_logging(*, level: str = "INFO", stream: TextIO | None = None, form: Form = "auto") -> None:
    """Send all logs to `stream` (stderr) in this form; uvicorn's access log, which holds addresses, is silenced."""
    stream = stream or sys.stderr
    on_terminal = stream.isatty()
    handler = logging.StreamHandler(stream)
    as_text = form == "text" or (form == "auto" and on_terminal)
    colour = on_terminal and "NO_COLOR" not in os.environ
    handler.setFormatter(TextFormatter(colour=colour) if as_text else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "litestar"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    access = logging.getLogger("uvicorn.access")
    access.handlers[:] = []
    access.propagate = False
    for name in ("httpx", "httpcore", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


class RequestLog(ASGIMiddleware):
    """One line a request of console and API: method, route, status, milliseconds. Slow ones and faults stand out."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, *, slow_ms: float = 1000.0) -> None:
        self._slow_ms = slow_ms

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        started = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await next_app(scope, receive, noting)
        except (RapportError, HTTPException) as error:  # answered further out, as what it is
            status = error.status if isinstance(error, RapportError) else error.status_code
            raise
        finally:
            ms = (time.perf_counter() - started) * 1000
            level = logging.WARNING if status >= 500 or ms >= self._slow_ms else logging.DEBUG
            route = scope.get("path_template", "")
            logger.log(
                level,
                "request",
                extra={"method": scope.get("method"), "route": route, "status": status, "ms": round(ms, 1)},
            )
