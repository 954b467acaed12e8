"""What an address may ask: a misspelt parameter or a date that is none is told, for an answer would look right."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from litestar.connection import ASGIConnection
from litestar.constants import RESERVED_KWARGS
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg

from rapport.kernel.clock import from_iso
from rapport.kernel.errors import InvalidInput
from rapport.web.purposes import PARAMETER

__all__ = ["day", "moment", "query_parameters", "refuse_unknown"]

LATEST = from_iso("9999-12-31T00:00:00Z")


def refuse_unknown(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler, *, also: frozenset[str] = frozenset()
) -> None:
    """The guard of every API route: refuses a query parameter that the handler does not take. Raises InvalidInput.

    `also` are those that others read before the handler.
    """
    query = connection.scope["query_string"]
    if not query:
        return
    path = connection.scope["path_params"].keys()
    known = also | query_parameters(handler) - path
    if "reference" in path:
        known |= {PARAMETER}
    sent = dict.fromkeys(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    unknown = [name for name in sent if name not in known]
    if unknown:
        raise InvalidInput(
            f"unknown query parameter{'s' if len(unknown) > 1 else ''} {', '.join(repr(n[:60]) for n in unknown[:10])}",
            hint=f"this address takes {', '.join(sorted(known))}" if known else "this address takes none",
        )


@cache
def query_parameters(handler: BaseRouteHandler) -> frozenset[str]:
    """The names that the handler reads from the query, by its signature; those of its path are still among them."""
    given = RESERVED_KWARGS | handler.resolve_dependencies().keys()
    names = set()
    for name, field in handler.parsed_fn_signature.parameters.items():
        said = field.kwarg_definition
        if name in given or (isinstance(said, ParameterKwarg) and (said.header or said.cookie)):
            continue
        names.add((said.query if isinstance(said, ParameterKwarg) else None) or name)
    return frozenset(names)


def moment(text: str, *, name: str) -> int:
    """The time that the parameter `name` says in ISO 8601, in microseconds since 1970. Raises InvalidInput."""
    try:
        found = from_iso(text)
    except ValueError as error:
        raise InvalidInput(f"`{name}` is no time: {text[:40]!r}", hint="2026-11-22 or 2026-11-22T05:00:00Z") from error
    if not 0 <= found <= LATEST:
        raise InvalidInput(f"`{name}` is out of range: {text[:40]!r}", hint="1970 to 9999")
    return found


def day(text: str, *, name: str) -> date:
    """The calendar day that the parameter `name` says. Raises InvalidInput."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"`{name}` is no day: {text[:40]!r}", hint="2026-11-22") from error
