"""Asks an OpenID provider, through the one guard of all that goes out by HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from rapport.adapters.channels.connecting import NeverSent, Unanswered, ask
from rapport.kernel.errors import Unavailable
from rapport.web.provider.asking import Fetched

__all__ = ["Fetching"]

TIMEOUT_SECONDS = 8.0
"""A person waits."""
LARGEST = 500_000
"""Bytes of an answer: some providers list many keys with their certificates."""


class Fetching:
    """`rapport.web.provider.Fetch`."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    def __call__(
        self, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        """A GET, or a POST of a form. Raises Unavailable."""
        sent = {"accept": "application/json", **(headers or {})}
        if form is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
        try:
            answer = ask(
                "GET" if form is None else "POST", url, urlencode(form or {}).encode(), sent,
                allow_private=self._allow_private, timeout_seconds=TIMEOUT_SECONDS, largest=LARGEST,
            )  # fmt: skip
        except NeverSent as error:
            raise _unreachable(url, f"{error}; RAPPORT_OIDC_ALLOW_PRIVATE lets it be on the own network") from error
        except Unanswered as error:
            raise _unreachable(url, str(error)) from error
        return Fetched(answer.status, answer.body)


def _unreachable(url: str, why: str) -> Unavailable:
    host = urlsplit(url).hostname or "the provider"
    return Unavailable(f"{host} cannot be asked now", hint=why)
