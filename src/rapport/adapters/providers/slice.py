"""What providers' webhooks bring: the addresses they are sent to."""

from __future__ import annotations

from pathlib import Path

from rapport.adapters.providers import store
from rapport.compose.holding import of_shop
from rapport.compose.slice import Slice
from rapport.web.permissions import Permission

__all__ = ["PROVIDERS_TELL"]

PROVIDERS_TELL = Slice(
    name="providers",
    title="Providers of messages",
    holds=(
        of_shop(store.doors, "whose webhooks about messages are taken, and how many came"),
        of_shop(store.tokens, "for two days which token of a signature came with which body, by their digests"),
    ),
    secrets=store.SECRETS,
    migrations=Path(__file__).parent / "migrations",
    permissions=(
        Permission(name="providers:read", words="see whose webhooks about messages are taken", roles=("marketer",)),
        Permission(name="providers:write", words="take a provider's webhooks, change their secret"),
    ),
    web="rapport.adapters.providers.web:WEB",
)
