"""Versions over HTTP: an answer's `ETag` comes back as `If-Match`, and whoever is too late gets a 409."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from litestar import Response
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter

from rapport.kernel.errors import InvalidInput

__all__ = ["ETAG", "IfMatch", "seen_version", "tagged"]

T = TypeVar("T")

IfMatch = Annotated[
    str | None,
    Parameter(
        header="If-Match", max_length=100,
        description="The `ETag` of what was read: where somebody changed it since, nothing is changed and the answer "
        "is 409. Without it the change is made whatever it was.",
    ),
]  # fmt: skip

ETAG = ResponseHeader(
    name="ETag", documentation_only=True, description="Its version; send it back as `If-Match` with a change."
)

_TAG = re.compile(r'"([0-9a-f]{16})"')


def tagged(content: T, version: str) -> Response[T]:
    """The answer with its version."""
    headers: dict[str, Any] = {"ETag": f'"{version}"'}
    return Response(content, headers=headers)


def seen_version(if_match: str | None) -> str | None:
    """The version an `If-Match` names; None where any will do. Raises InvalidInput."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise InvalidInput(f"If-Match {if_match[:60]!r} is no version", hint="send the ETag as it was answered, or *")
    return found[1]
