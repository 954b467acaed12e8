"""All looks, one after the other."""

from __future__ import annotations

import sqlalchemy as sa

from rapport.app.doctor import machine, web
from rapport.app.doctor.database import database
from rapport.app.doctor.finding import Finding
from rapport.app.settings import Settings

__all__ = ["examine"]

_ORDER = ("bad", "fair", "well")


def examine(settings: Settings) -> list[Finding]:
    """What is to be mended first, then what could be better, then what is well. Takes some seconds at most."""
    on_file = sa.make_url(settings.url).get_backend_name() == "sqlite"
    found = [
        *machine.package(),
        *machine.folder(settings.data_dir, holds_database=on_file),
        *machine.disk(settings.data_dir),
        *machine.clock(),
        *machine.files(),
        *database(settings),
        *web.answering(settings),
        *web.encryption(settings),
        *web.proxies(settings),
        *web.provider(settings),
    ]
    return sorted(found, key=lambda one: _ORDER.index(one.state))
