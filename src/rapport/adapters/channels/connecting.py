"""One request to an address that people name: checked before it is connected to, redirects not followed, bounded.

The host is resolved here and the connection goes to the very address that was checked, so a name that answers
differently a moment later (DNS rebinding) reaches nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import Literal, NamedTuple

import httpx

from rapport.act.addresses import NotAllowed, allowed
from rapport.kernel.tracing import span

__all__ = ["TIMEOUT_SECONDS", "Answer", "NeverSent", "Unanswered", "address_of", "ask", "post"]

TIMEOUT_SECONDS = 12.0
"""For the whole request; shorter than the lease of a message."""
CONNECT_SECONDS = 5.0
LARGEST_ANSWER = 20_000


class NeverSent(Exception):
    """Nothing was handed over: it may be tried again."""


class Unanswered(Exception):
    """It was handed over, or may have been, and nothing came back."""


class Answer(NamedTuple):
    """What came back, its body cut short."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def post(
    url: str, content: bytes, headers: Mapping[str, str], *, allow_private: bool,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:  # fmt: skip
    """Hand it over. Raises NeverSent and Unanswered, neither of which tells the address: it may hold a secret."""
    return ask("POST", url, content, headers, allow_private=allow_private, timeout_seconds=timeout_seconds)


def ask(
    method: Literal["GET", "POST"], url: str, content: bytes, headers: Mapping[str, str], *, allow_private: bool,
    timeout_seconds: float = TIMEOUT_SECONDS, largest: int = LARGEST_ANSWER,
) -> Answer:  # fmt: skip
    """One request, whose answer is read up to `largest` bytes. Raises as `post`."""
    try:
        sent = _ask(
            method, url, content, headers, allow_private=allow_private, timeout_seconds=timeout_seconds,
            largest=largest,
        )  # fmt: skip
        with span(method, {"http.request.method": method}, kind="client") as told:
            answer = asyncio.run(sent)
            told.note("http.response.status_code", answer.status)
        return answer
    except NotAllowed as error:
        raise NeverSent(str(error)) from error
    except socket.gaierror as error:
        raise NeverSent("the host name is not known") from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise NeverSent(f"no connection: {type(error).__name__}") from error
    except (TimeoutError, httpx.HTTPError, OSError) as error:
        raise Unanswered(type(error).__name__) from error


async def _ask(
    method: str, url: str, content: bytes, headers: Mapping[str, str], *, allow_private: bool, timeout_seconds: float,
    largest: int,
) -> Answer:  # fmt: skip
    async with asyncio.timeout(timeout_seconds):
        asked = httpx.URL(url)
        if asked.scheme == "http" and not allow_private:
            raise NotAllowed("without TLS a secret would be read on the way")
        address = await address_of(asked, allow_private=allow_private)
        timeout = httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS)
        async with (
            httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as client,
            client.stream(
                method, asked.copy_with(host=address), content=content,
                headers={"user-agent": "Rapport/1", "host": asked.netloc.decode("ascii"), **headers},
                extensions={"sni_hostname": asked.raw_host.decode("ascii")},
            ) as response,
        ):  # fmt: skip
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > largest:
                    break
            return Answer(response.status_code, body[:largest], response.headers)


async def address_of(url: httpx.URL, *, allow_private: bool) -> str:
    """An address of the host that may be connected to: the one guard of all that goes out by HTTP.

    Raises NotAllowed where there is none.
    """
    if url.scheme not in ("http", "https") or not url.host:
        raise httpx.InvalidURL("not a web address")
    port = url.port or (443 if url.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(url.raw_host.decode("ascii"), port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    return allowed(addresses, allow_private=allow_private)
