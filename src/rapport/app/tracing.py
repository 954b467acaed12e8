"""Traces by OpenTelemetry, where the operator names a collector: what the extra `otel` is for.

Off unless the standard variables name an endpoint (`OTEL_EXPORTER_OTLP_ENDPOINT`); then nothing of it is imported, and
requests take no other way than before. Spans go out by OTLP over HTTP, in a thread of their own, from a bounded queue:
a collector that does not answer costs spans and nothing else.

**Source:** OpenTelemetry, "Environment Variable Specification" and "Semantic conventions for HTTP spans" (1.2x).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from rapport.collect.http import Receive, Scope, Send
from rapport.collect.paths import ENDPOINTS
from rapport.kernel.tracing import Kind, Span, Value, trace_with

if TYPE_CHECKING:
    from opentelemetry import trace as api
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["Tracing", "Untraced", "is_wanted", "start_tracing"]

_logger = logging.getLogger("rapport")

VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
CLOSING_SECONDS = 3.0
"""For what is still to be sent when the process ends."""
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def is_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the standard variables ask for traces."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() not in ("", "otlp"):
        return False
    return any(environ.get(name, "").strip() for name in VARIABLES)


def missing() -> str:
    """The package that is missing for what `is_wanted`; empty where all is there."""
    found = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
    try:
        return "" if all(find_spec(name) is not None for name in found) else "rapport[otel]"
    except ModuleNotFoundError:
        return "rapport[otel]"


def start_tracing(process: str) -> Tracing | Untraced:
    """Begin to tell spans of this process (`server`, `worker`) where that is wanted."""
    if not is_wanted():
        return Untraced()
    if lacking := missing():
        _logger.warning("traces are asked for (OTEL_EXPORTER_OTLP_ENDPOINT) and %s is not installed: none are", lacking)
        return Untraced()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return Tracing(process, OTLPSpanExporter())


class Untraced:
    """The same where nobody traces: it does nothing."""

    def of_requests(self, app: Application) -> Application:
        return app

    def close(self) -> None:
        pass


class Tracing:
    """The tracer of a process: `rapport.kernel.tracing.Tracer`, and what requests pass through."""

    def __init__(self, process: str, exporter: SpanExporter, *, at_once: bool = False) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        known = {"service.version": version("rapport"), "rapport.process": process}
        if not os.environ.get("OTEL_SERVICE_NAME"):
            known["service.name"] = "rapport"
        self._provider: TracerProvider = TracerProvider(resource=Resource.create(known), shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(exporter) if at_once else BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("rapport", version("rapport"))
        trace_with(self)

    @contextmanager
    def span(self, name: str, kind: Kind, values: Mapping[str, Value]) -> Iterator[Span]:
        """A span, within the one that is open here."""
        with self._begun(name, kind, values) as told:
            yield told

    def of_requests(self, app: Application) -> Application:
        """The same application, each of whose requests is a span."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
            values: dict[str, Value] = {"http.request.method": method, "url.scheme": scope.get("scheme", "http")}
            with self._begun(method, "server", values, links=_caller(scope)) as told:

                async def noting(message: Any) -> None:
                    if message["type"] == "http.response.start":
                        told.note("http.response.status_code", message["status"])
                        if message["status"] >= 500:
                            told.fail(str(message["status"]))
                    await send(message)

                try:
                    await app(scope, receive, noting)
                finally:
                    route = scope.get("path_template") or (scope["path"] if scope["path"] in ENDPOINTS else "")
                    if route:
                        told.note("http.route", route)
                        told.span.update_name(f"{method} {route}")

        return traced

    def close(self) -> None:
        """Send what is still to be sent, for some seconds at most, and tell nothing more."""
        trace_with(None)
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)  # a collector that says nothing would be waited for longer

    @contextmanager
    def _begun(
        self, name: str, kind: Kind, values: Mapping[str, Value], *, links: Sequence[api.Link] = ()
    ) -> Iterator[_Told]:
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(
            name, kind=SpanKind[kind.upper()], attributes=dict(values), links=links,
            record_exception=False, set_status_on_exception=False,  # a message may name somebody
        ) as found:  # fmt: skip
            told = _Told(found)
            try:
                yield told
            except BaseException as error:
                told.fail(type(error).__name__)
                raise


class _Told:
    """`rapport.kernel.tracing.Span`."""

    def __init__(self, span: api.Span) -> None:
        self.span = span

    def note(self, name: str, value: Value) -> None:
        self.span.set_attribute(name, value)

    def fail(self, error: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self.span.set_attribute("error.type", error)
        self.span.set_status(Status(StatusCode.ERROR))


def _caller(scope: Scope) -> list[api.Link]:
    """The caller's own span, as a link: anybody can send a `traceparent`, so none decides which trace ours belongs to
    or whether it is kept.
    """
    sent = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
    if not sent or len(sent) > 100:
        return []
    from opentelemetry.trace import Link, get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found = get_current_span(TraceContextTextMapPropagator().extract({"traceparent": sent.decode("latin-1")}))
    context = found.get_span_context()
    return [Link(context)] if context.is_valid else []
