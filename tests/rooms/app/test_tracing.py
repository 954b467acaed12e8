"""Traces where they are switched on: what requests, batches, jobs and calls took, and nothing of anybody in them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from rapport.app import tracing
from rapport.kernel.tracing import span
from tests.conftest import StartServer
from tests.running import http, wait_until

EMAIL = "ada.lovelace@example.com"


class Collector(BaseHTTPRequestHandler):
    """Takes traces as an OTLP/HTTP collector does. **Source:** OTLP 1.x, "OTLP/HTTP Request"."""

    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.path == "/v1/traces"
        self.bodies.append(body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    bodies: list[bytes] = []
    server = HTTPServer(("127.0.0.1", 0), type("CollectorOf", (Collector,), {"bodies": bodies}))
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    serving.join()
    server.server_close()


def spans(bodies: list[bytes]) -> dict[str, list[Span]]:
    """All that came, by name."""
    found: dict[str, list[Span]] = {}
    for body in list(bodies):
        for process in ExportTraceServiceRequest.FromString(body).resource_spans:
            for one in (each for scope in process.scope_spans for each in scope.spans):
                found.setdefault(one.name, []).append(one)
    return found


def all_of(wanted: set[str], bodies: list[bytes]) -> dict[str, list[Span]] | None:
    """The spans by name, once those that are wanted have come."""
    found = spans(bodies)
    return found if wanted <= {plain(name) for name in found} else None


def said(one: Span) -> dict[str, object]:
    return {a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in one.attributes}


def test_a_request_its_batch_and_jobs_are_told_and_nobody_is_named_in_them(start_server: StartServer) -> None:
    with collector() as (url, bodies):
        server = start_server(
            environment={
                "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "200",
                "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            }
        )  # fmt: skip
        key = {"authorization": f"Bearer {server.keys['api_key']}"}
        caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        http.post(
            f"{server.url}/v1/identify", json={"userId": EMAIL, "traits": {"email": EMAIL}},
            auth=(server.keys["write_key"], ""), headers={"traceparent": caller},
        )  # fmt: skip
        http.get(f"{server.url}/v1/projects/{server.keys['write_key']}/settings")
        http.get(f"{server.url}/api/v1/customers/email:{EMAIL}", headers=key, params={"purpose": EMAIL})
        wanted = {"POST /v1/identify", "GET /api/v1/customers/{reference}", "fold", "handle", "flush"}
        found = wait_until(lambda: all_of(wanted, bodies), seconds=60)
        wait_until(lambda: any(name.startswith("job ") for name in spans(bodies)))
        server.stop()
        sent = b"".join(bodies)
        secrets = [EMAIL, "ada.lovelace", server.keys["write_key"], server.keys["api_key"], "127.0.0.1"]
        assert [one for one in secrets if one.encode() in sent] == []
    [asked] = found["POST /v1/identify"]
    assert said(asked)["http.response.status_code"] == 200
    assert asked.trace_id.hex() != caller.split("-")[1], "a stranger decides nothing of ours"
    assert [link.trace_id.hex() for link in asked.links] == [caller.split("-")[1]]
    [folded] = [one for one in found["fold"] if said(one)["rapport.facts"] == 1][:1]
    assert folded.span_id in {one.parent_span_id for one in found["flush"]}


def plain(name: str) -> str:
    """A route without the types of its parameters."""
    return name.replace(":str", "")


def test_a_collector_that_says_nothing_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(tracing, "CLOSING_SECONDS", 0.1)
        begun = tracing.start_tracing("worker")
        with span("fold"):
            pass
        before = time.monotonic()
        begun.close()
        assert time.monotonic() - before < 5, "its own limit is ten"


def test_nothing_is_told_unless_the_operator_names_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert isinstance(tracing.start_tracing("server"), tracing.Untraced)
    with span("fold") as one, span("flush") as other:
        assert one is other
    for more in ({"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}):
        assert not tracing.is_wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", **more})
    assert tracing.is_wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"})
