"""Spans: what took how long within what, told to whoever traces. Nobody does unless the operator has switched it on.

What is said of a span are names of ours, numbers and outcomes: never an identifier, a trait, a text, an address of
somebody, or a path with one of these in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeAlias

__all__ = ["Kind", "Span", "Tracer", "Value", "span", "trace_with"]

Value: TypeAlias = str | int | float | bool

Kind: TypeAlias = Literal["internal", "server", "client", "producer", "consumer"]
"""As OpenTelemetry has them."""


class Span(Protocol):
    """Something that lasts."""

    def note(self, name: str, value: Value) -> None:
        """Say something of it that is known only now."""

    def fail(self, error: str) -> None:
        """It went wrong; `error` is a kind of error, no message."""


class Tracer(Protocol):
    """Hears of spans. One that a block raises out of has failed with the error's class."""

    def span(self, name: str, kind: Kind, values: Mapping[str, Value]) -> AbstractContextManager[Span]:
        """The span that lasts as long as the block."""


class _Untold:
    def note(self, name: str, value: Value) -> None:
        pass

    def fail(self, error: str) -> None:
        pass

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        pass


_UNTOLD = _Untold()
_tracer: Tracer | None = None


def span(
    name: str, values: Mapping[str, Value] | None = None, *, kind: Kind = "internal"
) -> AbstractContextManager[Span]:
    """A span for as long as the block lasts; some hundred nanoseconds where nobody traces."""
    return _UNTOLD if _tracer is None else _tracer.span(name, kind, values or {})


def trace_with(tracer: Tracer | None) -> None:
    """Tell all spans of this process to `tracer` from now on; None for nobody."""
    global _tracer  # noqa: PLW0603 - one for the process, as for logging
    _tracer = tracer
