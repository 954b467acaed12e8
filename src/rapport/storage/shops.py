"""What a shop says of itself: name, main currency, country, time zone, language; changed by people and commands."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import available_timezones

import msgspec
import sqlalchemy as sa
from babel.core import Locale, UnknownLocaleError
from babel.localedata import locale_identifiers
from msgspec import Meta
from sqlalchemy import Connection

from rapport.kernel.countries import country_code
from rapport.kernel.currencies import UNKNOWN_CURRENCY, currency_code
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.text import clean
from rapport.kernel.versions import refuse_unseen, version_of
from rapport.storage.workspaces import Workspace, workspace_of, workspaces

__all__ = ["ShopStated", "ShopWanted", "change_shop", "checked", "shop_stated", "shop_version", "time_zones"]

LONGEST_NAME = 80


class ShopStated(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop says of itself."""

    name: str
    currency: str
    """ISO 4217, of amounts that name none."""
    region: str
    """ISO 3166, of telephone numbers without a country code; empty where none is said."""
    time_zone: str
    """IANA: whose days the shop's numbers are told by."""
    locale: str
    """Language, and where it matters country: `de`, `pt_BR`."""


class ShopWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it is to say from now on; what is absent stays."""

    name: Annotated[str, Meta(max_length=200)] | None = None
    currency: Annotated[str, Meta(max_length=10)] | None = None
    region: Annotated[str, Meta(max_length=60)] | None = None
    time_zone: Annotated[str, Meta(max_length=60)] | None = None
    locale: Annotated[str, Meta(max_length=20)] | None = None


def shop_stated(shop: Workspace) -> ShopStated:
    """What this shop says of itself."""
    settings = shop.settings
    return ShopStated(
        name=shop.name, currency=settings.currency, region=settings.region or "", time_zone=settings.time_zone,
        locale=settings.locale,
    )  # fmt: skip


def shop_version(stated: ShopStated) -> str:
    """Stands for what the shop says of itself."""
    return version_of(msgspec.structs.asdict(stated))


def change_shop(conn: Connection, workspace: WorkspaceId, wanted: ShopWanted, *, seen: str | None = None) -> ShopStated:
    """Change what the shop says of itself; workers take it up within seconds.

    Raises NotFound, InvalidInput for what nobody knows, and Conflict where its version is not `seen` any more. The row
    is locked until the transaction ends.
    """
    shop = workspace_of(conn, workspace, for_update=True)
    values = checked(wanted)
    before = shop_stated(shop)
    refuse_unseen(seen, msgspec.structs.asdict(before), wanted=values, what="the shop")
    name = values.pop("name", shop.name)
    if "region" in values:
        values["region"] = values["region"] or None
    settings = msgspec.json.encode(msgspec.structs.replace(shop.settings, **values))
    conn.execute(sa.update(workspaces).where(workspaces.c.id == workspace).values(name=name, settings=settings))
    return shop_stated(workspace_of(conn, workspace))


def checked(wanted: ShopWanted) -> dict[str, Any]:
    """What is stated, as it is kept. Raises InvalidInput, which names the field and what it could be."""
    checks = {"name": _name, "currency": _currency, "region": _region, "time_zone": _zone, "locale": _locale}
    return {
        name: check(value) for name, check in checks.items() if (value := getattr(wanted, name)) is not None
    }  # fmt: skip


@lru_cache(maxsize=1)
def time_zones() -> list[str]:
    """The time zones of places, by name, and UTC."""
    return ["UTC", *sorted(name for name in available_timezones() if name.partition("/")[0] in _CONTINENTS)]


_CONTINENTS = frozenset(
    ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)


def _name(value: str) -> str:
    found = clean(value, longest=LONGEST_NAME)
    if not found:
        raise InvalidInput("a shop needs a name", hint="as people know it")
    return found


def _currency(value: str) -> str:
    code = currency_code(value)
    if code is None or code == UNKNOWN_CURRENCY:
        raise InvalidInput(f"{value[:20]!r} is no ISO 4217 currency", hint="such as EUR")
    return code


def _region(value: str) -> str:
    if not value.strip():
        return ""
    code = country_code(value)
    if code is None:
        raise InvalidInput(f"{value[:60]!r} is no country that ISO 3166 knows", hint="such as DE, or nothing")
    return code


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise InvalidInput(f"{value[:60]!r} is no time zone", hint="its IANA name, such as Europe/Berlin")
    return value


def _locale(value: str) -> str:
    try:
        found = str(Locale.parse(value.strip().replace("-", "_")))
    except (ValueError, UnknownLocaleError):
        found = ""
    if found not in locale_identifiers():
        raise InvalidInput(f"{value[:20]!r} is no language that CLDR knows", hint="such as de or pt_BR")
    return found
