"""The console's download of everything that is kept of one person."""

from __future__ import annotations

import msgspec
from litestar import Response, get

from rapport.compose.installed import Installed
from rapport.compose.routes import export_of
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages

__all__ = ["PAGES"]


@get("/customers/{reference:str}/export", permission="customers:export", sync_to_thread=True)
def download(db: Database, principal: Principal, slices: Installed, reference: str) -> Response[bytes]:
    """The file that the button *Export* of a customer's page downloads: what the API answers, to be read by people."""
    found = export_of(db, principal, slices, reference[:300].replace("\0", ""))
    return Response(
        msgspec.json.format(msgspec.json.encode(found), indent=2),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="{found.record.id}.json"', "Cache-Control": "no-store",
        },
    )  # fmt: skip


PAGES = ConsolePages(room="export", handlers=(download,))
