"""A message becomes a mail: its template in the person's language, filled, with its links; at the moment of sending."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings, Outgoing
from rapport.capabilities.consent import refusal_tokens
from rapport.capabilities.messages.model import (
    NO_SHORT_TEXT,
    SMS,
    WHATSAPP,
    WHATSAPP_WINDOW,
    WINDOW_IS_OVER,
    Mail,
    Recipient,
    WhatsAppTemplate,
)
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.rendering import fill, fill_line, fill_plain, text_of
from rapport.capabilities.messages.service.servers import MailServer
from rapport.capabilities.messages.service.templates import Published, find_template
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS, MessageSettings
from rapport.capabilities.messages.store import MessageRow, by_ids, last_words
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.gate import marketing_by
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import settings
from rapport.storage.workspaces import Workspace, all_workspaces

__all__ = [
    "Approved", "Desk", "Ready", "Shelf", "Short", "Trial", "check_mail", "compose", "compose_short", "load_desk",
    "phone_key", "preview", "preview_approved", "preview_sms", "ready", "trial_of", "write",
]  # fmt: skip


class Desk(NamedTuple):
    """What all mails of a shop have in common."""

    shop: Workspace
    settings: MessageSettings
    public_url: str


class Ready(NamedTuple):
    """A short text at the moment it goes."""

    to: str
    """A number; empty for web push."""
    text: str
    title: str
    url: str
    keys: Sequence[Key]
    """What is certainly the customer's: where their browsers are found."""
    approved: Approved | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A test that staff send to themselves."""

    to: str
    text: str


class _Payload(msgspec.Struct, frozen=True):
    id: str = ""
    trial: Trial | None = None


def trial_of(message: Outgoing) -> Trial | None:
    """The test that an entry of the outbox is; None where it carries a message to a customer."""
    try:
        return msgspec.json.decode(message.payload, type=_Payload).trial
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def load_desk(conn: Connection, workspace: WorkspaceId, given: ChannelSettings) -> Desk:
    """What all mails of this shop have in common."""
    shop = next(one for one in all_workspaces(conn) if one.id == workspace)
    return Desk(shop, settings.load(conn, workspace, MESSAGE_SETTINGS).value, given.public_url)


class Shelf:
    """Templates and links of a shop, each read once for many messages. Of one transaction."""

    def __init__(self, conn: Connection, desk: Desk) -> None:
        self.desk = desk
        self._conn = conn
        self._found: dict[str, Published | NotFound] = {}
        self._refusals: Callable[[Key, str], str] | None = None

    def template(self, name: str) -> Published:
        """A template in force. Raises NotFound."""
        if name not in self._found:
            try:
                self._found[name] = find_template(self._conn, self.desk.shop.id, name)
            except NotFound as error:
                self._found[name] = error
        found = self._found[name]
        if isinstance(found, NotFound):
            raise found
        return found

    def unsubscribe(self, row: MessageRow, recipient: Recipient) -> str:
        """Where one press ends news and offers by the channel; empty for what is neither."""
        if row.purpose != "marketing":
            return ""
        if self._refusals is None:
            self._refusals = refusal_tokens(self._conn, row.workspace)
        token = self._refusals(recipient.key, marketing_by(row.channel))
        return f"{self.desk.public_url}/shop/consent/unsubscribe?shop={self.desk.shop.slug}&t={token}"


def compose(shelf: Shelf, row: MessageRow, recipient: Recipient, server: MailServer | None) -> Mail:
    """The mail of a message. Raises InvalidInput where a value it needs is missing, NotFound without its template."""
    return write(
        shelf.template(row.template), recipient, shelf.desk, data=_data(row),
        unsubscribe=shelf.unsubscribe(row, recipient), message_id=row.id, server=server or MailServer(),
    )  # fmt: skip


def check_mail(shelf: Shelf, row: MessageRow, recipient: Recipient) -> None:
    """Raises what `compose` would."""
    published = shelf.template(row.template)
    language, values = _values(
        published, recipient, shelf.desk, data=_data(row), unsubscribe="#" if row.purpose == "marketing" else ""
    )
    fill(published.html[language], values, language=language)
    fill_line(published.template.texts[language].subject, values, language=language)


def _data(row: MessageRow) -> dict[str, Any]:
    return msgspec.json.decode(row.data, type=dict[str, Any])


class Approved(NamedTuple):
    """A template that Meta has approved, with the values of its variables."""

    name: str
    language: str
    values: tuple[str, ...]
    content_sid: str


class Short(NamedTuple):
    """A message by SMS, WhatsApp or web push."""

    title: str
    text: str
    approved: Approved | None = None
    """What goes by WhatsApp instead of the text."""


def compose_short(shelf: Shelf, row: MessageRow, recipient: Recipient, *, wrote_at: int, now: int) -> Short:
    """A message that is no mail. `wrote_at` says when they wrote by WhatsApp last.

    Raises InvalidInput where a value it needs is missing, the template says nothing short, or WhatsApp takes no free
    text any more; NotFound without its template.
    """
    published = shelf.template(row.template)
    language, values = _values(published, recipient, shelf.desk, data=_data(row), unsubscribe="")
    text = published.template.texts[language]
    if row.channel == WHATSAPP and not (text.short and now - wrote_at < WHATSAPP_WINDOW):
        if text.whatsapp is None:
            raise InvalidInput(WINDOW_IS_OVER, hint="name an approved template on the template's page")
        return Short("", "", _approved(text.whatsapp, language, values))
    short = _short(published, language, values, ends=row.purpose == "marketing" and row.channel in (SMS, WHATSAPP))
    return Short(fill_line(text.subject, values, language=language), short)


def _short(published: Published, language: str, values: Mapping[str, Any], *, ends: bool) -> str:
    """The short text; `ends`: with how to end it below it."""
    text = published.template.texts[language]
    if not text.short:
        template = published.name
        raise InvalidInput(f"the template {template!r} {NO_SHORT_TEXT}", hint="write one on its page")
    short = fill_plain(text.short, values, language=language)
    return f"{short}\n{_STOP.get(language, _STOP['en'])}" if ends else short


def _approved(wanted: WhatsAppTemplate, language: str, values: Mapping[str, Any]) -> Approved:
    filled = tuple(fill_line(one, values, language=language) for one in wanted.variables)
    if not all(filled):
        raise InvalidInput("WhatsApp: a variable of the approved template is empty, which Meta refuses")
    return Approved(wanted.name, wanted.language, filled, wanted.content_sid)


def preview_sms(published: Published, recipient: Recipient, desk: Desk, data: Mapping[str, Any]) -> str:
    """What an SMS by this template would say to this person. Raises InvalidInput."""
    language, values = _values(published, recipient, desk, data=data, unsubscribe="")
    return _short(published, language, values, ends=published.template.purpose == "marketing")


def preview_approved(
    published: Published, recipient: Recipient, desk: Desk, data: Mapping[str, Any]
) -> Approved | None:  # fmt: skip
    """What WhatsApp would bring to who has not written for a day; None where none is named. Raises InvalidInput."""
    language, values = _values(published, recipient, desk, data=data, unsubscribe="")
    wanted = published.template.texts[language].whatsapp
    return None if wanted is None else _approved(wanted, language, values)


_STOP = {
    "en": "Reply STOP to end.", "de": "STOPP antworten beendet das.", "fr": "Répondez STOP pour arrêter.",
    "es": "Responde BAJA para terminar.", "it": "Rispondi STOP per terminare.",
    "nl": "Antwoord STOP om te stoppen.",
}  # fmt: skip


def ready(conn: Connection, message: Outgoing, given: ChannelSettings, *, now: int) -> Ready:
    """What an entry of the outbox says, and to whom. Raises NotFound, and InvalidInput where it cannot be written."""
    trial = trial_of(message)
    if trial is not None:
        keys = [] if message.strand is None else recipients(conn, message.workspace, [message.strand])[
            message.strand
        ].keys  # fmt: skip
        return Ready(trial.to, trial.text, "Test", given.public_url, keys)
    found = by_ids(conn, message.workspace, [msgspec.json.decode(message.payload, type=_Payload).id])
    row = next(iter(found.values()), None)
    if row is None:
        raise NotFound("the message is gone")
    person = recipients(conn, message.workspace, [row.strand])[row.strand]
    number = phone_key(message.workspace, person.phone)
    wrote_at = last_words(conn, message.workspace, row.channel, [number]).get(number, 0)
    shelf = Shelf(conn, load_desk(conn, message.workspace, given))
    short = compose_short(shelf, row, person, wrote_at=wrote_at, now=now)
    url = _data(row).get("url")
    where = url if isinstance(url, str) else given.public_url
    return Ready(person.phone, short.text, short.title, where, person.keys, short.approved)


def phone_key(workspace: WorkspaceId, number: str) -> Key:
    """The key of a number as an identifier."""
    return Key(key_of(workspace, Identifier("phone", number)))


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
    language, values = _values(published, recipient, desk, data=data, unsubscribe=unsubscribe)
    text, called = published.template.texts[language], values["shop"]["name"]
    markup = fill(published.html[language], values, language=language)
    return Mail(
        message_id=f"<{message_id}@{server.domain or 'rapport.invalid'}>", to=recipient.email, to_name=recipient.name,
        sender=server.address, sender_name=called, reply_to=server.reply_to,
        subject=fill_line(text.subject, values, language=language), html=markup, text=text_of(markup),
        language=language, unsubscribe=unsubscribe,
    )  # fmt: skip


def _values(
    published: Published, recipient: Recipient, desk: Desk, *, data: Mapping[str, Any], unsubscribe: str
) -> tuple[str, dict[str, Any]]:
    """In which language it is written, and with which values."""
    language = published.template.language_for(recipient.language, desk.shop.settings.locale.partition("_")[0])
    called = desk.settings.sender_name or desk.shop.name
    # Nothing, not an empty text, is what a condition of Liquid takes for missing.
    return language, {
        **data,
        "customer": {
            "name": recipient.name or None, "first_name": recipient.first_name or None, "language": language,
        },
        "shop": {"name": called, "address": desk.settings.sender_address or None, "colour": desk.settings.colour},
        "links": {"unsubscribe": unsubscribe or None, "site": desk.public_url or None},
    }  # fmt: skip
