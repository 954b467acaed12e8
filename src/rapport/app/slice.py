"""What the installation itself brings: its health, the facts whose handling failed, and how far imports are."""

from __future__ import annotations

from rapport.act.webhooks import CHANNEL
from rapport.adapters.channels.webhook import WebhookChannel
from rapport.adapters.files import store as files
from rapport.app import failed_facts, pages
from rapport.compose.holding import of_shop
from rapport.compose.slice import Slice
from rapport.web.permissions import Permission

__all__ = ["SYSTEM"]

SYSTEM = Slice(
    name="system",
    title="System",
    holds=(
        of_shop(failed_facts.failed_facts, "which facts could not be handled; the facts themselves are in the log"),
        of_shop(files.imports, "which files were imported"),
        of_shop(files.import_errors, "the lines of files that were refused, until the import is repeated"),
    ),
    permissions=(
        Permission(name="system:read", words="see the health of the system", roles=("marketer", "analyst", "viewer")),
        Permission(name="system:write", words="replay facts whose handling failed"),
    ),
    channels={CHANNEL: lambda db, given: WebhookChannel(db, allow_private=given.allow_private)},
    pages=(pages.PAGES,),
)
