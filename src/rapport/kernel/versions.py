"""What two people change at a time: whoever saves says which version was seen, and the second one is told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from rapport.kernel.errors import Conflict

__all__ = ["refuse_unseen", "version_of"]


def version_of(values: Mapping[str, Any]) -> str:
    """16 hex digits that stand for these values, whatever their order.

    >>> version_of({"name": "Till", "kind": "store"}) == version_of({"kind": "store", "name": "Till"})
    True
    """
    return hashlib.blake2b(msgspec.json.encode(values, order="deterministic"), digest_size=8).hexdigest()


def refuse_unseen(
    seen: str | None, now: Mapping[str, Any], *, wanted: Mapping[str, Any], what: str, who: str = "somebody"
) -> None:
    """Raises Conflict where `seen` is not the version of `now`; whoever saw nothing (None) asked for no such care.

    The message says who changed `what`, and what of it is not as it is `wanted`. Call it with `now` locked.
    """
    if seen is None or seen == version_of(now):
        return
    told = [f"{name} is {_short(now[name])} now" for name in wanted if name in now and wanted[name] != now[name]]
    raise Conflict(
        f"{who} has changed {what} since you looked" + (f": {', '.join(told)}" if told else ""),
        hint="what you sent was not saved: look at what it is now, then save again to put yours in its place",
    )


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else text[:79] + "…"
