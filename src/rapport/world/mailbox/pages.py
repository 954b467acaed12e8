"""The mailbox in a browser: the newest letters, and each as its reader sees it.

A letter is shown in a frame that runs nothing and fetches nothing but pictures.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, select_autoescape

from rapport.kernel.clock import to_iso
from rapport.world.mailbox.letters import Letter, Mailbox

__all__ = ["Pages"]

SHOWN = 100
_LETTER = re.compile(r"/letters/(\d{1,9})(/body)?")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'"
_BODY_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src *; style-src 'unsafe-inline'"
)


class Pages:
    """A raw ASGI application."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape(default=True)
        )
        self._templates.filters["moment"] = lambda at: to_iso(at)[:19].replace("T", " ")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for word in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{word}.complete"})
        elif scope["type"] == "http":
            query = parse_qs(scope["query_string"].decode("latin-1"))
            status, policy, page = self._answer(scope["path"], query.get("q", [""])[0])
            await _send(send, status, policy, page)

    def _answer(self, path: str, query: str) -> tuple[int, str, str]:
        if path == "/":
            return 200, _POLICY, self._list(query)
        found = _LETTER.fullmatch(path)
        letter = self._mailbox.letter(int(found[1])) if found else None
        if letter is None:
            return 404, _POLICY, self._render("missing.html")
        if found and found[2]:
            return 200, _BODY_POLICY, letter.html
        return 200, _POLICY, self._render("letter.html", letter=letter)

    def _list(self, query: str) -> str:
        wanted = query.casefold().strip()
        letters = [one for one in self._mailbox if not wanted or wanted in _searched(one)]
        return self._render(
            "list.html", letters=letters[:SHOWN], found=len(letters), number=self._mailbox.number, query=query
        )

    def _render(self, name: str, **given: Any) -> str:
        return self._templates.get_template(name).render(**given)


def _searched(letter: Letter) -> str:
    return f"{letter.recipient} {letter.subject}".casefold()


async def _send(send: Any, status: int, policy: str, page: str) -> None:
    body = page.encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", policy.encode()),
        (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"), (b"content-length", str(len(body)).encode()),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
