"""Console pages of messages: what was sent and held, templates with a preview as any customer, the mail server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings
from rapport.act.routes import GivenSettings
from rapport.capabilities.messages import store
from rapport.capabilities.messages.approved import read_approved, typed_approved
from rapport.capabilities.messages.model import Mail, Recipient, Template, TemplateText
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.publishing import DARK, compile_template
from rapport.capabilities.messages.service.composing import load_desk, preview
from rapport.capabilities.messages.service.holding import hold
from rapport.capabilities.messages.service.lengths import Lengths, lengths_of
from rapport.capabilities.messages.service.places import allow_here, is_allowed_here
from rapport.capabilities.messages.service.queueing import try_again
from rapport.capabilities.messages.service.servers import MailServer, keep_server, readable_server, server_of
from rapport.capabilities.messages.service.templates import Published, all_templates, find_template, publish
from rapport.capabilities.messages.service.worst import WORST, Tried, person_of, try_worst
from rapport.decide.people import names_by_strand
from rapport.kernel.clock import DAY, HOUR, now_us
from rapport.kernel.errors import Forbidden, InvalidInput, RapportError
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import find_key
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of
from rapport.web.app import CONTENT_SECURITY_POLICY
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, raw, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

_SHOWN = 50
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; sandbox; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
_PICTURE = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 120 120'%3E%3Crect width='120' "
    "height='120' fill='%23dfe3ea'/%3E%3Cpath d='M38 34l14-8h16l14 8 16 20-12 9-6-6v39H40V57l-6 6-12-9z' "
    "fill='%238e99ab'/%3E%3C/svg%3E"
)
SAMPLE: dict[str, Any] = {
    "url": "https://shop.example/",
    "items": [
        {"name": "Merino jumper", "quantity": 1, "price": {"minor": 8900, "currency": "EUR"}, "image_url": _PICTURE},
        {"name": "Wool socks", "quantity": 2, "price": {"minor": 1900, "currency": "EUR"}, "image_url": _PICTURE},
    ],
    "product": {
        "image_url": _PICTURE,
        "name": "Merino jumper", "url": "https://shop.example/p", "review_url": "https://shop.example/r",
        "price": {"minor": 7900, "currency": "EUR"}, "lowest_before": {"minor": 8900, "currency": "EUR"},
    },
    "order": {"id": "A-1001", "url": "https://shop.example/o"}, "promise": {"was": "2026-12-01", "until": "2026-12-04"},
    "path": "/shop/consent/preferences",
    "story": "It has left the warehouse.", "what": "The parcel was damaged.", "remedy": "A new one is on its way.",
}  # fmt: skip
"""What a preview is filled with, unless somebody types something else."""


@get("/messages", permission="messages:read", sync_to_thread=True)
def messages_page(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings
) -> Response[str]:
    """What was sent and what was held, with reasons."""
    asked = dict(request.query_params)
    status = text(asked, "status", longest=10)
    page = integer(asked, "page", least=1, most=10_000, otherwise=1)
    workspace = principal.workspace
    with db.read() as conn:
        rows = store.listed(conn, workspace, status=status, limit=_SHOWN + 1, offset=(page - 1) * _SHOWN)
        ids = load_customer_ids(conn) if rows else None
        names = names_by_strand(conn, workspace, {row.strand for row in rows})
        counted = store.counts(conn, workspace, since=now_us() - 7 * DAY)
        is_here = is_allowed_here(conn)
        server = server_of(conn, workspace, channel_settings)
    return render(
        request, "messages/messages.html", messages=rows[:_SHOWN], more=len(rows) > _SHOWN, page=page, chosen=status,
        names=names, counted=counted, is_here=is_here, has_server=server is not None,
        public_url=channel_settings.public_url,
        customer={row.strand: ids.customer_id(row.strand) for row in rows} if ids else {},
    )  # fmt: skip


@post("/messages/{message_id:str}/again", permission="messages:send", sync_to_thread=True, status_code=303)
def send_again(db: Database, principal: Principal, message_id: str) -> Redirect:
    """Queue a held or failed message once more; all gates are asked anew."""
    now = now_us()
    with db.write() as conn:
        try_again(conn, principal.workspace, message_id, now=now, latest_at=now + 24 * HOUR)
    return Redirect("/console/messages?done=queued", status_code=303)


@post("/messages/{message_id:str}/hold", permission="messages:send", sync_to_thread=True, status_code=303)
def hold_message(db: Database, principal: Principal, message_id: str) -> Redirect:
    """Hold a message that waits; it can be sent again."""
    with db.write() as conn:
        hold(conn, principal.workspace, message_id, now=now_us())
    return Redirect("/console/messages?done=saved", status_code=303)


@post("/messages/allow", permission="mail:write", sync_to_thread=True, status_code=303)
def allow_sending(db: Database, principal: Principal) -> Redirect:
    """Send from this database from now on."""
    with db.write() as conn:
        allow_here(conn, by=principal.name, now=now_us())
    return Redirect("/console/messages?done=saved", status_code=303)


@get("/messages/server", permission="mail:write", sync_to_thread=True)
def server_page(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings
) -> Response[str]:
    """The mail server of the shop."""
    return _server(request, db, principal, channel_settings)


@post("/messages/server", permission="mail:write", sync_to_thread=True, status_code=200)
def keep_mail_server(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings, data: Form
) -> Response[Any]:
    """Put a mail server in force; what was typed stays where it cannot be."""
    try:
        wanted = msgspec.convert(
            {
                "host": text(data, "host", longest=255), "security": text(data, "security"),
                "port": integer(data, "port", least=1, most=65535, otherwise=587),
                "user": text(data, "user", longest=300),
                "password": raw(data, "password"), "sender": text(data, "sender", longest=320),
                "reply_to": text(data, "reply_to", longest=320), "dkim_selector": text(data, "dkim_selector"),
                "dkim_key": raw(data, "dkim_key").strip(),
            },
            MailServer,
        )  # fmt: skip
        with db.write() as conn:
            keep_server(conn, principal.workspace, wanted, by=principal.name, now=now_us())
    except msgspec.ValidationError as error:
        return _server(request, db, principal, channel_settings, error=InvalidInput(str(error)[:200]))
    except RapportError as error:
        return _server(request, db, principal, channel_settings, error=error, typed=wanted)
    return Redirect("/console/messages/server?done=saved", status_code=303)


@get("/templates", permission="messages:read", sync_to_thread=True)
def templates_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """All templates."""
    with db.read() as conn:
        found = all_templates(conn, principal.workspace)
    return render(request, "messages/templates.html", templates=found)


@get("/templates/{name:str}", permission="messages:read", sync_to_thread=True)
def template_page(request: AnyRequest, db: Database, principal: Principal, name: str) -> Response[str]:
    """A template, and how it looks to somebody."""
    asked = dict(request.query_params)
    version = integer(asked, "version", least=-1, most=2**31 - 2, otherwise=-1)
    with db.read() as conn:
        found = find_template(conn, principal.workspace, name, version=None if version < 0 else version)
    return _template(
        request, db, principal, found, language=text(asked, "language", longest=3), customer=text(asked, "customer")
    )


@get("/templates/{name:str}/mail", permission="messages:read", sync_to_thread=True)
def mail_page(request: AnyRequest, db: Database, principal: Principal, name: str) -> Response[str]:
    """The mail itself, as somebody would get it, in the light or in the dark; nothing in it runs."""
    asked = dict(request.query_params)
    version = integer(asked, "version", least=-1, most=2**31 - 2, otherwise=-1)
    with db.read() as conn:
        found = find_template(conn, principal.workspace, name, version=None if version < 0 else version)
        mail = _previewed(conn, principal, found, **_wanted(asked))
    return _shown(mail, text(asked, "scheme", longest=5))


@post("/templates/{name:str}/mail", permission="templates:write", sync_to_thread=True, status_code=200)
def typed_mail(db: Database, principal: Principal, name: str, data: Form) -> Response[str]:
    """The same of what is typed, which is kept nowhere."""
    language = text(data, "language", longest=3)
    with db.read() as conn:
        before = find_template(conn, principal.workspace, name)
        wanted = _with_text(before.template, language, data)
        tried = before._replace(template=wanted, html=compile_template(wanted))
        mail = _previewed(conn, principal, tried, **_wanted(data))
    return _shown(mail, text(data, "scheme", longest=5))


@post("/templates/{name:str}", permission="templates:write", sync_to_thread=True, status_code=200)
def change_template(request: AnyRequest, db: Database, principal: Principal, name: str, data: Form) -> Response[Any]:
    """Try a text of a template, or put it in force."""
    language = text(data, "language", longest=3)
    with db.read() as conn:
        before = find_template(conn, principal.workspace, name)
    try:
        wanted = _with_text(before.template, language, data)
        compiled = compile_template(wanted)
        if text(data, "then") == "publish":
            seen = integer(data, "version", least=0, most=2**31 - 2, otherwise=0)
            with db.write() as conn:
                publish(conn, principal.workspace, name, wanted, seen=seen, by=principal.name, now=now_us())
            return Redirect(f"/console/templates/{name}?language={language}&done=saved", status_code=303)
    except RapportError as error:
        return _template(request, db, principal, before, language=language, error=error, typed=data)
    tried = before._replace(template=wanted, html=compiled)
    return _template(
        request, db, principal, tried, language=language, customer=text(data, "customer"), typed=data
    )  # fmt: skip


PAGES = ConsolePages(
    room="messages",
    templates=Path(__file__).parent / "templates",
    handlers=(
        messages_page, send_again, hold_message, allow_sending, server_page, keep_mail_server, templates_page,
        template_page, mail_page, typed_mail, change_template,
    ),
    nav=(
        NavItem(
            label="Messages", path="/console/messages", icon="mail", group="Engage", order=310,
            permission="messages:read",
        ),
        NavItem(
            label="Templates", path="/console/templates", icon="book", group="Engage", order=320,
            permission="messages:read",
        ),
    ),
)  # fmt: skip


def _wanted(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "language": text(asked, "language", longest=3), "customer": text(asked, "customer"),
        "worst": integer(asked, "worst", least=-1, most=len(WORST) - 1, otherwise=-1),
    }  # fmt: skip


def _shown(mail: Mail, scheme: str) -> Response[str]:
    """The mail in a frame of ours: its rules for the dark are made to hold, or not to, whatever the screen is."""
    html = mail.html.replace(DARK, {"dark": "@media all", "light": "@media not all"}.get(scheme, DARK))
    return Response(html, media_type="text/html", headers={"Content-Security-Policy": MAIL_POLICY})


def _with_text(template: Template, language: str, data: dict[str, Any]) -> Template:
    try:
        typed = msgspec.convert(
            {
                "subject": text(data, "subject", longest=300), "preheader": text(data, "preheader", longest=300),
                "body": raw(data, "body").replace("\r\n", "\n")[:100_001],
                "short": raw(data, "short").replace("\r\n", "\n")[:1_001],
            },
            TemplateText,
        )  # fmt: skip
        before = template.texts.get(language)
        typed = msgspec.structs.replace(
            typed,
            whatsapp=read_approved(data) if "wa_name" in data else before.whatsapp if before is not None else None,
        )
        return msgspec.convert(
            msgspec.to_builtins(template) | {"texts": msgspec.to_builtins({**template.texts, language: typed})},
            Template,
        )
    except msgspec.ValidationError as error:
        raise InvalidInput(f"this text cannot be kept: {error}"[:200], hint="subject and body are needed") from error


def _template(
    request: AnyRequest, db: Database, principal: Principal, found: Published, *, language: str, customer: str = "",
    error: RapportError | None = None, typed: dict[str, Any] | None = None,
) -> Response[str]:  # fmt: skip
    mail: Mail | None = None
    language = language if language in found.template.texts else found.template.language_for(language)
    worst: list[Tried] = []
    lengths: Lengths | None = None
    with db.read() as conn:
        versions = store.template_versions(conn, principal.workspace, found.name)
        known = _some_customers(conn, principal) if principal.may("customers:read") else []
        if error is None:
            try:
                desk = load_desk(conn, principal.workspace, ChannelSettings())
                person, data = _previewed_as(conn, principal, language=language, customer=customer)
                worst = try_worst(conn, found, desk, SAMPLE, language=language)
                lengths = lengths_of(
                    conn, found, desk, SAMPLE, language=language, person=person, data=data,
                    sees_people=principal.may("customers:read"),
                )  # fmt: skip
                mail = preview(conn, found, person, desk, data)
            except RapportError as problem:
                error = problem
    shown = found.template.texts[language]
    page = render(
        request, "messages/template.html", known=known, worst=worst, found=found, lengths=lengths,
        approved=typed_approved(typed, shown.whatsapp), currency=_currency(db, principal),
        status=error.status if error and typed is not None else 200,
        language=language, customer=customer, error=error, mail=mail, versions=versions,
        subject=typed["subject"] if typed and "subject" in typed else shown.subject,
        preheader=typed.get("preheader", "") if typed else shown.preheader,
        body=raw(typed, "body") if typed else shown.body, short=raw(typed, "short") if typed else shown.short,
    )  # fmt: skip
    page.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return page


def _some_customers(conn: Connection, principal: Principal) -> list[tuple[str, str]]:
    """Customers to look at a mail as: id and name of whom messages were made for last, at most 50."""
    strands = list(dict.fromkeys(row.strand for row in store.listed(conn, principal.workspace, status="", limit=50)))
    if not strands:
        return []
    ids, names = load_customer_ids(conn), names_by_strand(conn, principal.workspace, set(strands))
    return [(ids.customer_id(strand), names.get(strand, "")) for strand in strands]


def _previewed(
    conn: Connection, principal: Principal, found: Published, *, language: str, customer: str, worst: int = -1
) -> Mail:  # fmt: skip
    """The mail as this customer, or Ada, would get it. Raises NotFound, and InvalidInput where a value is missing."""
    language = found.template.language_for(language)
    person, data = _previewed_as(conn, principal, language=language, customer=customer, worst=worst)
    return preview(conn, found, person, load_desk(conn, principal.workspace, ChannelSettings()), data)


def _previewed_as(
    conn: Connection, principal: Principal, *, language: str, customer: str, worst: int = -1
) -> tuple[Recipient, dict[str, Any]]:
    """Whom a preview is for, and the values it is filled with. Raises NotFound."""
    workspace = principal.workspace
    person = Recipient(Key(b""), Key(b""), "ada@example.com", "Ada Lovelace", "Ada", language, "")
    data: dict[str, Any] = SAMPLE
    if worst >= 0:
        person, data = person_of(WORST[worst], language), {**SAMPLE, **WORST[worst].data}
    elif customer:
        if not principal.may("customers:read"):
            raise Forbidden("you may not see customers, so none can be previewed", hint="leave the customer out")
        key = find_key(conn, workspace, customer, region=settings_of(conn, workspace).region)
        person = recipients(conn, workspace, [key])[key]._replace(language=language)
    return person, data


def _currency(db: Database, principal: Principal) -> str:
    with db.read() as conn:
        return workspace_of(conn, principal.workspace).settings.currency


def _server(
    request: AnyRequest, db: Database, principal: Principal, given: Any, *, error: RapportError | None = None,
    typed: MailServer | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        own = readable_server(conn, principal.workspace)
    return render(
        request, "messages/server.html", status=error.status if error else 200, server=typed or own or MailServer(),
        has_password=bool(own and own.password), has_key=bool(own and own.dkim_key), given=given, error=error,
    )  # fmt: skip
