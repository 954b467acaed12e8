"""Logs as one JSON object a line, without personal data: no bodies, no query strings, no addresses, routes not paths.

Messages of exceptions can quote what a customer sent, so they are left out; type and place remain.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import Any, TextIO

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["JsonFormatter", "RequestLog", "configure_logging"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

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
        out |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            out["error"] = record.exc_info[0].__name__
            out["at"] = [
                f"{frame.filename.rpartition('/rapport/')[2] or frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-12:]
            ]
        return json.dumps(out, default=str, ensure_ascii=False)


def configure_logging(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logs as JSON lines to `stream` (stderr); uvicorn's access log, which holds addresses, is silenced."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
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
        finally:
            ms = (time.perf_counter() - started) * 1000
            level = logging.WARNING if status >= 500 or ms >= self._slow_ms else logging.DEBUG
            route = scope.get("path_template", "")
            logger.log(
                level,
                "request",
                extra={"method": scope.get("method"), "route": route, "status": status, "ms": round(ms, 1)},
            )
