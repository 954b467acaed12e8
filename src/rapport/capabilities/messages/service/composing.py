"""A message becomes a mail: its template in the person's language, filled, with its links; at the moment of sending."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings
from rapport.capabilities.consent import refusal_token
from rapport.capabilities.messages.model import Mail, Recipient
from rapport.capabilities.messages.rendering import fill, fill_line, text_of
from rapport.capabilities.messages.service.servers import MailServer
from rapport.capabilities.messages.service.templates import Published, find_template
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS, MessageSettings
from rapport.capabilities.messages.store import MessageRow
from rapport.kernel.gate import marketing_by
from rapport.kernel.ids import WorkspaceId
from rapport.storage import settings
from rapport.storage.workspaces import Workspace, all_workspaces

__all__ = ["Desk", "compose", "load_desk", "preview", "write"]


class Desk(NamedTuple):
    """What all mails of a shop have in common."""

    shop: Workspace
    settings: MessageSettings
    public_url: str


def load_desk(conn: Connection, workspace: WorkspaceId, given: ChannelSettings) -> Desk:
    """What all mails of this shop have in common."""
    shop = next(one for one in all_workspaces(conn) if one.id == workspace)
    return Desk(shop, settings.load(conn, workspace, MESSAGE_SETTINGS).value, given.public_url)


def compose(conn: Connection, row: MessageRow, recipient: Recipient, desk: Desk, server: MailServer | None) -> Mail:
    """The mail of a message. Raises InvalidInput where a value it needs is missing, NotFound without its template."""
    published = find_template(conn, row.workspace, row.template)
    data = msgspec.json.decode(row.data, type=dict[str, Any])
    unsubscribe = ""
    if row.purpose == "marketing":
        token = refusal_token(conn, row.workspace, recipient.key, marketing_by(row.channel))
        unsubscribe = f"{desk.public_url}/shop/consent/unsubscribe?shop={desk.shop.slug}&t={token}"
    return write(
        published, recipient, desk, data=data, unsubscribe=unsubscribe, message_id=row.id,
        server=server or MailServer(),
    )  # fmt: skip


def preview(conn: Connection, published: Published, recipient: Recipient, desk: Desk, data: Mapping[str, Any]) -> Mail:
    """How a template would look to this person; its link to unsubscribe leads nowhere. Raises InvalidInput."""
    unsubscribe = "#" if published.template.purpose == "marketing" else ""
    return write(
        published, recipient, desk, data=data, unsubscribe=unsubscribe, message_id="preview", server=MailServer()
    )  # fmt: skip


def write(
    published: Published, recipient: Recipient, desk: Desk, *, data: Mapping[str, Any], unsubscribe: str,
    message_id: str, server: MailServer,
) -> Mail:  # fmt: skip
    """The template filled with the data; what the shop knows of itself and the person cannot be overwritten by it."""
    template = published.template
    language = template.language_for(recipient.language, desk.shop.settings.locale.partition("_")[0])
    text = template.texts[language]
    called = desk.settings.sender_name or desk.shop.name
    # Nothing, not an empty text, is what a condition of Liquid takes for missing.
    values = {
        **data,
        "customer": {
            "name": recipient.name or None, "first_name": recipient.first_name or None, "language": language,
        },
        "shop": {"name": called, "address": desk.settings.sender_address or None, "colour": desk.settings.colour},
        "links": {"unsubscribe": unsubscribe or None, "site": desk.public_url or None},
    }  # fmt: skip
    markup = fill(published.html[language], values, language=language)
    return Mail(
        message_id=f"<{message_id}@{server.domain or 'rapport.invalid'}>", to=recipient.email, to_name=recipient.name,
        sender=f"{called.replace('<', '').replace('>', '')} <{parseaddr(server.sender)[1]}>", reply_to=server.reply_to,
        subject=fill_line(text.subject, values, language=language), html=markup, text=text_of(markup),
        language=language, unsubscribe=unsubscribe,
    )  # fmt: skip
