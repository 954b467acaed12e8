"""The console's frame: templates, navigation, formatting. Rooms bring `ConsolePages`; `Console` joins them.

Templates are named by room (`collect/feed.html`); everything in them is escaped unless made here as Markup.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ControllerRouterHandler
from markupsafe import Markup
from sqlalchemy import Connection

from rapport.kernel.clock import now_us
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import form_of, gettext, noted, retold, spoken, told
from rapport.kernel.money import format_minor
from rapport.kernel.named import by_name
from rapport.kernel.principal import Principal
from rapport.kernel.text import writable
from rapport.storage.engine import Database
from rapport.web import auth, formats
from rapport.web.catalogues import LANGUAGES, WEB, Catalogues, Room
from rapport.web.store import Session

__all__ = [
    "STATIC",
    "VERSION",
    "Console",
    "ConsolePages",
    "NavItem",
    "missing_files",
    "render",
]

HERE = Path(__file__).parent
STATIC = HERE / "static"
VERSION = metadata.version("rapport")
GROUPS = (
    "", noted("Inbox"), noted("Customers"), noted("Engage"), noted("Shop"), noted("Learn"), noted("Data"),
    noted("Settings"),
)  # fmt: skip
"""The side bar's headings, by what people do there; the first has none. Entries appear as slices bring them."""
VENDOR = ("vendor/htmx.min.js", "vendor/echarts.min.js")
"""Made while the package is built; see the build hook."""


class NavItem(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the console's side bar, in one of its `GROUPS`; `order` sorts within it, `keys` is the shortcut
    after `g`.

    `waiting` counts what somebody should do there, no further than 100: it is asked for with every page.
    """

    label: str
    path: str
    icon: str
    group: str
    order: int
    permission: str
    keys: str = ""
    waiting: Callable[[Connection, WorkspaceId], int] | None = None


class ConsolePages(msgspec.Struct, frozen=True, kw_only=True):
    """What a room brings to the console: handlers under `/console`, side-bar entries, a folder of templates.

    A slice of another distribution has catalogues of its texts beside it: `locale/de.po` (see `web.catalogues`).
    """

    room: str
    handlers: tuple[ControllerRouterHandler, ...] = ()
    nav: tuple[NavItem, ...] = ()
    templates: Path | None = None


class Console:
    """All pages joined: one Jinja environment, one side bar.

    Raises ValueError for two pages of one path or shortcut, and for one in a group that the side bar does not have.
    """

    def __init__(self, pages: Sequence[ConsolePages]) -> None:
        folders = {"web": HERE / "templates"} | {p.room: p.templates for p in pages if p.templates is not None}
        self.env = jinja2.Environment(
            loader=jinja2.PrefixLoader({room: jinja2.FileSystemLoader(folder) for room, folder in folders.items()}),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self.env.install_gettext_callables(gettext, form_of, newstyle=True)  # type: ignore[attr-defined]
        self.env.globals.update(asset=asset, version=VERSION, languages=LANGUAGES, spoken=spoken)
        self.env.filters.update(
            bytes=formats.size_text, compact=formats.compact, count=formats.count, country=formats.country,
            day=formats.day,
            duration=formats.duration, json_text=json_text, json_view=json_view, moment=formats.moment,
            money=format_minor, percent=formats.percent, retold=retold, told=told, tr=_translated, urlencode=quoted,
        )  # fmt: skip
        self._folders = folders
        self._rooms = {room: Room.of(folder) for room, folder in folders.items()}
        for page in pages:
            for handler in page.handlers:
                if isinstance(handler, BaseRouteHandler):  # the framework copies handlers, and what they carry
                    handler.opt["room"] = page.room
        self.catalogues = Catalogues(self._rooms.values())
        self.nav = tuple(sorted((item for p in pages for item in p.nav), key=_place))
        by_name("page in the side bar", ((item.path, item.label, item) for item in self.nav))
        by_name("shortcut", ((item.keys, item.label, item) for item in self.nav if item.keys))

    def room_of(self, handler: BaseRouteHandler) -> Room:
        """Whose texts the page of this handler shows."""
        return self._rooms.get(handler.opt.get("room", ""), WEB)

    def part_named(self, template: str) -> Room:
        """The texts of this template alone: a card is whole by itself."""
        name, _, file = template.partition("/")
        return self._rooms[name].part(self._folders[name] / file) if name in self._rooms else WEB

    def nav_for(self, principal: Principal) -> dict[str, list[NavItem]]:
        """The side bar of somebody: groups in order, only what may be opened."""
        groups: dict[str, list[NavItem]] = {}
        for item in self.nav:
            if item.permission == "signed_in" or principal.may(item.permission):
                groups.setdefault(item.group, []).append(item)
        return groups

    def waiting_for(self, principal: Principal, db: Database) -> dict[str, int]:
        """Path → how much waits there, for those entries of somebody's side bar that say so."""
        asked = [item for item in self.nav if item.waiting is not None and principal.may(item.permission)]
        if not asked:
            return {}
        with db.read() as conn:
            workspace = principal.workspace
            return {item.path: item.waiting(conn, workspace) for item in asked if item.waiting is not None}

    def here(self, path: str) -> str:
        """The path of the entry that a page belongs to: the longest that the page's begins with."""
        paths = [item.path for item in self.nav if path == item.path or path.startswith(item.path + "/")]
        return max(paths, key=len, default="")


def render(request: Request[Any, Any, Any], template: str, *, status: int = 200, **context: Any) -> Response[str]:
    """The template as an HTML answer, with what every page needs: who, the side bar, the form token, the theme."""
    console: Console = request.app.state.console
    principal, session = request.scope.get("user"), request.scope.get("auth")
    csrf_token = auth.expected_csrf(request)
    cookies = []
    if session is None and not csrf_token:
        cookie = auth.new_csrf_cookie(request)
        csrf_token = cookie.value or ""
        cookies.append(cookie)
    html = console.env.get_template(template).render(
        request=request,
        path=request.scope["path"],
        principal=principal,
        session=session if isinstance(session, Session) else None,
        nav=console.nav_for(principal) if isinstance(principal, Principal) else {},
        nav_here=console.here(request.scope["path"]),
        nav_waiting=partial(_waiting, request, console, status),
        head_alarms=partial(_amiss, request, status),
        csrf_token=auth.masked(csrf_token),
        theme=_theme(request),
        zone=formats.viewer_zone(request),
        now=now_us(),
        done=request.query_params.get("done", ""),
        **context,
    )
    headers = {"Cache-Control": "no-store"}
    # One bad value shows as U+FFFD; no page falls over it.
    return Response(writable(html), status_code=status, media_type="text/html", headers=headers, cookies=cookies)


def _waiting(request: Request[Any, Any, Any], console: Console, status: int) -> dict[str, int]:
    """What the side bar counts. Nothing on a page that tells of a fault: the database may be the reason."""
    principal = request.scope.get("user")
    if not isinstance(principal, Principal) or status >= 500:
        return {}
    return console.waiting_for(principal, request.app.state.db)


def _amiss(request: Request[Any, Any, Any], status: int) -> Sequence[Any]:
    """What is wrong with the installation, for the head of the page; on Home it stands among the rest."""
    principal = request.scope.get("user")
    if not isinstance(principal, Principal) or status >= 500 or request.scope["path"] == "/console":
        return ()
    return request.app.state.alarms.everywhere(request.app.state.db, principal, now_us())  # type: ignore[no-any-return]


def _translated(text: object) -> str:
    """A constant of ours, in the language that is spoken; whatever else comes is as it was."""
    return gettext(str(text))


def _place(item: NavItem) -> tuple[int, int]:
    if item.group not in GROUPS:
        raise ValueError(f"the page {item.path!r} stands in the group {item.group!r}; there are {list(GROUPS)}")
    return GROUPS.index(item.group), item.order


def missing_files() -> list[str]:
    """The vendored front-end files that the build should have made and did not."""
    return [name for name in VENDOR if not (STATIC / name).is_file()]


def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so browsers may keep it for ever."""
    return f"/static/{name}?v={_digest(name)}"


# Filters


def json_text(value: Any) -> str:
    """Indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def json_view(value: Any) -> Markup:
    """Indented JSON with coloured parts, for a `<pre>`."""
    return Markup("").join(_json_parts(value, depth=0))


def _json_parts(value: Any, *, depth: int) -> list[Markup]:
    if isinstance(value, dict | list) and value and depth < 40:
        return _json_nest(value, depth=depth)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    kind = "str" if isinstance(value, str) else "num" if number else "lit"
    return [Markup('<span class="j-{}">{}</span>').format(kind, json.dumps(value, ensure_ascii=False, default=str))]


def _json_nest(value: dict[Any, Any] | list[Any], *, depth: int) -> list[Markup]:
    """The lines of an object or array, comma after all but the last."""
    indent = Markup("  ") * (depth + 1)
    keyed = isinstance(value, dict)
    entries = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    parts = [Markup("{\n") if keyed else Markup("[\n")]
    for i, (key, entry) in enumerate(entries):
        parts.append(indent)
        if keyed:
            name = json.dumps(str(key), ensure_ascii=False)
            parts.append(Markup('<span class="j-key">{}</span>: ').format(name))
        parts += _json_parts(entry, depth=depth + 1)
        parts.append(Markup(",\n") if i < len(entries) - 1 else Markup("\n"))
    return [*parts, Markup("  ") * depth, Markup("}") if keyed else Markup("]")]


def _theme(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    theme = connection.cookies.get("rapport_theme", "")
    return theme if theme in {"light", "dark"} else ""


@lru_cache(maxsize=64)
def _digest(name: str) -> str:
    path = STATIC / name
    return hashlib.blake2b(path.read_bytes(), digest_size=5).hexdigest() if path.is_file() else "missing"


def quoted(value: object) -> str:
    """A value as one part of an address; unlike Jinja's own filter it leaves no slash."""
    return quote(str(value), safe="")
