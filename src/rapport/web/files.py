"""Our own files: style sheets, scripts, fonts, the icon; compressed once, kept by browsers for ever."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException

from rapport.web.compression import takes_gzip
from rapport.web.console import STATIC

__all__ = ["HANDLERS"]

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2",
                ".png": "image/png", ".ico": "image/x-icon"}  # fmt: skip
_COMPRESSED = {".css", ".js", ".svg"}


@get("/static/{name:path}", include_in_schema=False, sync_to_thread=True)
def static_file(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
    """One of our own files. With the `?v=` that pages use it may be kept for ever."""
    asked = PurePosixPath(name.lstrip("/").replace("\0", ""))
    path = (STATIC / asked).resolve()
    if not path.is_relative_to(STATIC.resolve()) or path.suffix not in _MEDIA_TYPES or not _is_there(path):
        raise NotFoundException
    keep = "public, max-age=31536000, immutable" if request.query_params.get("v") else "public, max-age=300"
    return _answer(request, path, keep)


@get("/favicon.ico", include_in_schema=False, sync_to_thread=True)
def favicon(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The icon, for browsers that ask for it without having seen a page."""
    return _answer(request, STATIC / "logo.svg", "public, max-age=86400")


HANDLERS = (static_file, favicon)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than any file system takes
        return False


def _answer(request: Request[Any, Any, Any], path: Path, keep: str) -> Response[bytes]:
    headers = {"Cache-Control": keep}
    if path.suffix not in _COMPRESSED:
        return Response(path.read_bytes(), media_type=_MEDIA_TYPES[path.suffix], headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if takes_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        content = _gzipped(path, path.stat().st_mtime_ns)
    else:
        content = path.read_bytes()
    return Response(content, media_type=_MEDIA_TYPES[path.suffix], headers=headers)


@lru_cache(maxsize=32)
def _gzipped(path: Path, changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
