"""What the shop says of itself, as a form on the page of its settings and over the API."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from babel.core import Locale, get_global
from babel.numbers import get_territory_currencies
from litestar import Response, get, put
from sqlalchemy import Connection

from rapport.kernel.errors import RapportError
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import gettext, spoken
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.shops import ShopStated, ShopWanted, change_shop, shop_stated, shop_version, time_zones
from rapport.storage.workspaces import workspace_of
from rapport.web.etags import ETAG, IfMatch, seen_version, tagged
from rapport.web.forms import Form, text

__all__ = ["ROUTES", "save_typed", "shop_form", "typed_shop"]

_OFFERED = (
    "en de fr es pt pt_BR it nl id th da sv nb fi pl cs sk sl hr hu ro bg el et lv lt tr uk ru ar he hi ja ko zh vi ms"
)


@get("/shop", permission="settings:read", tags=["settings"], response_headers=[ETAG], sync_to_thread=True)
def get_shop(db: Database, principal: Principal) -> Response[ShopStated]:
    """What the shop says of itself."""
    with db.read() as conn:
        return _tagged(shop_stated(workspace_of(conn, principal.workspace)))


@put("/shop", permission="settings:write", tags=["settings"], response_headers=[ETAG], sync_to_thread=True)
def put_shop(db: Database, principal: Principal, data: ShopWanted, if_match: IfMatch = None) -> Response[ShopStated]:
    """Change what the shop says of itself; what is left out stays."""
    with db.write() as conn:
        return _tagged(change_shop(conn, principal.workspace, data, seen=seen_version(if_match)))


ROUTES = (get_shop, put_shop)


def typed_shop(data: Form) -> ShopWanted:
    """What somebody typed into the form."""
    return ShopWanted(**{name: text(data, name) for name in ShopStated.__struct_fields__})


def save_typed(db: Database, principal: Principal, data: Form) -> None:
    """Put what somebody typed in force. Raises as `change_shop` does."""
    with db.write() as conn:
        change_shop(conn, principal.workspace, typed_shop(data), seen=text(data, "version") or None)


def shop_form(
    conn: Connection, workspace: WorkspaceId, *, typed: ShopWanted | None = None, error: RapportError | None = None
) -> dict[str, Any]:
    """What the template of the form needs; it holds what was typed, or else what is in force."""
    stated = shop_stated(workspace_of(conn, workspace))
    values = msgspec.structs.asdict(typed or stated)
    locale = spoken().locale
    choices = {
        "currency": currencies(locale), "region": [("", gettext("none")), *countries(locale)],
        "locale": languages(locale),
        "time_zone": [(name, name.replace("_", " ")) for name in time_zones()],
    }  # fmt: skip
    for name, known in choices.items():
        if values[name] not in dict(known):
            choices[name] = [(values[name], values[name]), *known]
    return {"values": values, "choices": choices, "version": shop_version(stated), "error": error}


@lru_cache(maxsize=8)
def currencies(locale: str) -> list[tuple[str, str]]:
    """Currencies that are money somewhere today, as code and words, by code."""
    names = Locale.parse(locale).currencies
    codes = {code for territory in get_global("territory_currencies") for code in get_territory_currencies(territory)}
    return [(code, f"{code}: {names[code]}") for code in sorted(codes) if code in names]


@lru_cache(maxsize=8)
def countries(locale: str) -> list[tuple[str, str]]:
    """Countries, as code and name, by name."""
    names = Locale.parse(locale).territories
    known = {code: str(name) for code, name in names.items() if len(code) == 2 and code.isalpha()}
    return sorted(((code, name) for code, name in known.items() if code not in _NO_COUNTRY), key=lambda pair: pair[1])


_NO_COUNTRY = frozenset(("EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"))


@lru_cache(maxsize=8)
def languages(locale: str) -> list[tuple[str, str]]:
    """Languages that a shop may speak, as CLDR's name and words, by words."""
    found = ((code, Locale.parse(code).get_display_name(locale) or code) for code in _OFFERED.split())
    return sorted(found, key=lambda pair: pair[1])


def _tagged(stated: ShopStated) -> Response[ShopStated]:
    return tagged(stated, shop_version(stated))
