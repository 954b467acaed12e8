"""The console's page of a shop's settings: the sections that slices bring, each a form; and the same as an API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, put
from litestar import post as post_form
from litestar.params import Dependency, Parameter
from litestar.response import Redirect

from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import NotFound, RapportError
from rapport.kernel.principal import Principal
from rapport.kernel.settings import Section
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.storage.shops import ShopWanted
from rapport.web import shop_pages
from rapport.web.console import NavItem, render
from rapport.web.etags import ETAG, IfMatch, seen_version, tagged
from rapport.web.forms import Form, integer, text
from rapport.web.part import WebPart

__all__ = ["HANDLERS", "NAV", "WEB"]

AnyRequest = Request[Any, Any, Any]
AnySection = Section[msgspec.Struct]
Sections = Annotated[Sequence[AnySection], Dependency(skip_validation=True)]


class SettingsShown(msgspec.Struct, frozen=True, kw_only=True):
    """A section as it is in force; `version` counts its changes."""

    section: str
    title: str
    version: int
    values: dict[str, Any]


class SettingsWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be in force from now on; a value that is left out stays as it is."""

    values: dict[str, Any]


class SettingsChange(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a section."""

    version: int
    changed_at: str
    changed_by: str
    values: dict[str, Any]


SectionName = Annotated[str, Parameter(max_length=60, description="The section's name, such as `orders`.")]


@get("/settings", permission="settings:read", tags=["settings"], sync_to_thread=True)
def list_settings(db: Database, principal: Principal, sections: Sections) -> list[SettingsShown]:
    """All sections with what is in force."""
    with db.read() as conn:
        return [_shown(conn, principal, section) for section in sections]


@get(
    "/settings/{section:str}", permission="settings:read", tags=["settings"], response_headers=[ETAG],
    sync_to_thread=True,
)  # fmt: skip
def get_settings(
    db: Database, principal: Principal, sections: Sections, section: SectionName
) -> Response[SettingsShown]:
    """One section with what is in force."""
    found = _find(sections, section)
    with db.read() as conn:
        return _tagged(_shown(conn, principal, found))


@get("/settings/{section:str}/changes", permission="settings:read", tags=["settings"], sync_to_thread=True)
def list_changes(db: Database, principal: Principal, sections: Sections, section: SectionName) -> list[SettingsChange]:
    """The last twenty versions of a section, newest first."""
    found = _find(sections, section)
    with db.read() as conn:
        changes = settings.history(conn, principal.workspace, found.name)
    return [
        SettingsChange(
            version=one.version, changed_at=to_iso(one.changed_at), changed_by=one.changed_by, values=dict(one.values)
        )
        for one in changes
    ]


@put(
    "/settings/{section:str}", permission="settings:write", tags=["settings"], response_headers=[ETAG],
    sync_to_thread=True,
)  # fmt: skip
def change_settings(
    db: Database, principal: Principal, sections: Sections, section: SectionName, data: SettingsWanted,
    if_match: IfMatch = None,
) -> Response[SettingsShown]:  # fmt: skip
    """Change a section; workers take it up within seconds."""
    found, seen = _find(sections, section), seen_version(if_match)
    _save(db, principal, found, data.values, version=None if seen is None else int(seen, 16))
    with db.read() as conn:
        return _tagged(_shown(conn, principal, found))


WEB = WebPart(routes=(list_settings, get_settings, list_changes, change_settings, *shop_pages.ROUTES))


@get("/settings", permission="settings:read", sync_to_thread=True)
def settings_page(request: AnyRequest, db: Database, principal: Principal, sections: Sections) -> Response[str]:
    """Every section with its form."""
    return _page(request, db, principal, sections)


@post_form("/settings/shop", permission="settings:write", sync_to_thread=True, status_code=200)
def change_the_shop(
    request: AnyRequest, db: Database, principal: Principal, sections: Sections, data: Form
) -> Response[Any]:
    """Change what the shop says of itself; where that cannot be, what was typed stays in the form."""
    try:
        shop_pages.save_typed(db, principal, data)
    except RapportError as error:
        return _page(request, db, principal, sections, shop_error=error, shop=shop_pages.typed_shop(data))
    return Redirect("/console/settings?done=saved#shop", status_code=303)


@post_form("/settings/{section:str}", permission="settings:write", sync_to_thread=True, status_code=200)
def change_section(
    request: AnyRequest, db: Database, principal: Principal, sections: Sections, section: str, data: Form
) -> Response[Any]:
    """Put a section in force; where that cannot be, what was typed stays in the form."""
    found = _find(sections, section)
    typed = {
        field.name: (field.name in data) if field.kind == "switch" else text(data, field.name, longest=500)
        for field in found.fields
    }
    version = integer(data, "version", least=0, most=2**31 - 2, otherwise=0)
    try:
        _save(db, principal, found, typed, version=version)
    except RapportError as error:
        return _page(request, db, principal, sections, error=error, typed={found.name: typed})
    return Redirect(f"/console/settings?done=saved#{found.name}", status_code=303)


HANDLERS = (settings_page, change_the_shop, change_section)

NAV = NavItem(
    label="Shop", path="/console/settings", icon="store", group="Settings", order=790, permission="settings:read",
    keys="o",
)  # fmt: skip


def _page(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    sections: Sections,
    *,
    error: RapportError | None = None,
    typed: Mapping[str, Mapping[str, Any]] | None = None,
    shop_error: RapportError | None = None,
    shop: ShopWanted | None = None,
) -> Response[str]:
    workspace = principal.workspace
    with db.read() as conn:
        form = shop_pages.shop_form(conn, workspace, typed=shop, error=shop_error)
        shown = [
            {
                "section": section, "kept": (kept := settings.load(conn, workspace, section)),
                "values": (typed or {}).get(section.name) or msgspec.structs.asdict(kept.value),
                "last": next(iter(settings.history(conn, workspace, section.name, limit=1)), None),
            }
            for section in sections
        ]  # fmt: skip
    may_change = principal.may("settings:write")
    failed = error or shop_error
    return render(
        request, "web/settings.html", status=failed.status if failed else 200, sections=shown, may_change=may_change,
        error=error, shop=form,
    )  # fmt: skip


def _save(
    db: Database, principal: Principal, section: AnySection, values: Mapping[str, Any], *, version: int | None
) -> None:
    """Put these values in force; `version` is the one that was seen, None where any will do."""
    with db.write() as conn:
        kept = settings.load(conn, principal.workspace, section)
        wanted = section.convert(msgspec.structs.asdict(kept.value) | dict(values))
        seen = kept.version if version is None else version
        settings.save(conn, principal.workspace, section, wanted, version=seen, by=principal.name, now=now_us())


def _tagged(shown: SettingsShown) -> Response[SettingsShown]:
    return tagged(shown, f"{shown.version:016x}")


def _shown(conn: Any, principal: Principal, section: AnySection) -> SettingsShown:
    kept = settings.load(conn, principal.workspace, section)
    return SettingsShown(
        section=section.name, title=section.title, version=kept.version, values=msgspec.structs.asdict(kept.value)
    )


def _find(sections: Sequence[AnySection], name: str) -> AnySection:
    found = next((section for section in sections if section.name == name), None)
    if found is None:
        hint = f"there are: {', '.join(section.name for section in sections)}"
        raise NotFound(f"no settings {name[:60]!r}", hint=hint)
    return found
