"""The paths that take messages, of Segment's HTTP API and its dialects, and those of the documents beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rapport.kernel.facts import FactType

__all__ = ["ENDPOINTS", "SDK_METRICS", "SETTINGS", "SOURCE_CONFIG", "Endpoint", "handles"]


class Endpoint(NamedTuple):
    """One path that takes messages."""

    method: str
    type: FactType | None = None
    """The type of its one message; None for a batch."""
    history: bool = False
    pixel: bool = False


_BATCH = Endpoint("POST")
ENDPOINTS: Mapping[str, Endpoint] = {
    **{f"/v1/{kind}": Endpoint("POST", kind) for kind in ("track", "identify", "page", "screen", "group", "alias")},
    **{
        f"/api/s/{path}{kind}": Endpoint("POST", kind)
        for path in ("", "s2s/")
        for kind in ("track", "identify", "page", "screen", "group", "alias")
    },
    "/v1/t": Endpoint("POST", "track"),
    "/v1/i": Endpoint("POST", "identify"),
    "/v1/p": Endpoint("POST", "page"),
    "/v1/s": Endpoint("POST", "screen"),
    "/v1/g": Endpoint("POST", "group"),
    "/v1/a": Endpoint("POST", "alias"),
    "/v1/merge": Endpoint("POST", "alias"),
    "/v1/b": _BATCH,
    "/v1/batch": _BATCH,
    "/api/s/batch": _BATCH,
    "/api/s/s2s/batch": _BATCH,
    "/v1/import": Endpoint("POST", history=True),
    "/beacon/v1/batch": _BATCH,
    **{
        f"/{path}/{kind}": Endpoint("GET", kind, pixel=True)  # never more than a fact: any page can load an image
        for path in ("pixel/v1", "v1/pixel", "api/px")
        for kind in ("track", "page")
    },
}
SDK_METRICS = "/v1/m"
SETTINGS = re.compile(r"^/v1/projects/([^/]{1,200})/settings$")
SOURCE_CONFIG = "/sourceConfig"


def handles(path: str) -> bool:
    """Whether a path is one of these."""
    path = path.rstrip("/")
    return path in ENDPOINTS or path in (SDK_METRICS, SOURCE_CONFIG) or SETTINGS.match(path) is not None
