"""The mail server of a shop: its own, typed in the console, or the installation's, from the environment."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from typing import Annotated
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings
from rapport.capabilities.messages import store
from rapport.kernel.errors import InvalidInput, Misconfigured
from rapport.kernel.ids import WorkspaceId

__all__ = ["MailServer", "OperatorsServer", "keep_server", "own_server", "readable_server", "server_of"]

_Host = Annotated[str, Meta(max_length=255, pattern=r"^[A-Za-z0-9._:\-]*$")]


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed over, and as whom."""

    host: _Host = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: str = "starttls"
    """`starttls`, `tls` (from the start) or `none`."""
    user: Annotated[str, Meta(max_length=300)] = ""
    password: Annotated[str, Meta(max_length=1000)] = ""
    sender: Annotated[str, Meta(max_length=320)] = ""
    """The address mail comes from, alone or as `Shop <hello@example.com>`."""
    reply_to: Annotated[str, Meta(max_length=320)] = ""
    dkim_selector: Annotated[str, Meta(max_length=100, pattern=r"^[A-Za-z0-9._\-]*$")] = ""
    """Empty: the provider signs."""
    dkim_key: Annotated[str, Meta(max_length=10_000)] = ""
    """The private key, as PEM."""

    @property
    def address(self) -> str:
        """The sender's bare address. Shops are called what they like (`Foo, Inc.`): the brackets alone tell both apart.

        >>> MailServer(sender="Foo, Inc. <hi@foo.example>").address, MailServer(sender="hi@foo.example").address
        ('hi@foo.example', 'hi@foo.example')
        """
        _, bracket, rest = self.sender.rpartition("<")
        return (rest.partition(">")[0] if bracket else self.sender).strip()

    @property
    def name(self) -> str:
        """What the sender is called; empty where only an address was given."""
        return self.sender.rpartition("<")[0].strip(' "')

    @property
    def domain(self) -> str:
        """The domain of the sender."""
        return self.address.rpartition("@")[2].lower()


class OperatorsServer(MailServer, frozen=True, kw_only=True):
    """The server that the environment names: whoever runs the installation may have it stand in the own network."""


def own_server(conn: Connection, workspace: WorkspaceId) -> MailServer | None:
    """What the shop itself has set; None where it has not."""
    body = store.mail_server_of(conn, workspace)
    return None if body is None else msgspec.json.decode(body, type=MailServer)


def readable_server(conn: Connection, workspace: WorkspaceId) -> MailServer | None:
    """What the shop itself has set, as far as it can be opened: else it is typed in anew."""
    try:
        return own_server(conn, workspace)
    except Misconfigured:
        return None


def server_of(conn: Connection, workspace: WorkspaceId, given: ChannelSettings) -> MailServer | None:
    """The server in force: the shop's own, else the installation's; None where there is none."""
    own = own_server(conn, workspace)
    if own is not None and own.host:
        return own
    return _of_url(given.smtp_url, given.mail_from) if given.smtp_url else None


def keep_server(conn: Connection, workspace: WorkspaceId, wanted: MailServer, *, by: str, now: int) -> None:
    """Put a shop's own server in force; an empty password or key keeps the one there is. Raises InvalidInput.

    What is sealed with a key that this installation does not have is kept until somebody says it anew.
    """
    try:
        before = own_server(conn, workspace)
    except Misconfigured as error:
        if wanted.host and wanted.user and not wanted.password:
            raise InvalidInput(
                "the password that is kept cannot be opened, so it cannot stay",
                hint=f"type the password anew, and the DKIM key where there is one; or {error.hint}",
            ) from error
        before = None
    if wanted.host and not _is_address(wanted.address):
        raise InvalidInput("say which address mail comes from", hint="such as hello@example.com")
    if wanted.reply_to and not _is_address(wanted.reply_to):
        raise InvalidInput("answers go to one address, without a name", hint="such as service@example.com")
    if wanted.security not in ("starttls", "tls", "none"):
        raise InvalidInput(f"{wanted.security[:40]!r} is no security", hint="starttls, tls or none")
    if before is not None:
        wanted = msgspec.structs.replace(
            wanted,
            # To another server the password of this one is never handed.
            password=wanted.password or (before.password if before.host == wanted.host else ""),
            dkim_key=wanted.dkim_key or before.dkim_key,
        )
    store.keep_mail_server(conn, workspace, msgspec.json.encode(wanted), by=by, now=now)


def _is_address(text: str) -> bool:
    """Whether the header of a mail can name it."""
    try:
        return bool(Address(addr_spec=text).domain)
    except (ValueError, MessageError, IndexError):  # what the parser raises, a bare "a@" included
        return False


def _of_url(url: str, sender: str) -> MailServer:
    """The installation's server. Raises Misconfigured."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise Misconfigured("RAPPORT_SMTP_URL names no mail server", hint="smtp://user:password@mail.example.com:587")
    plain = parts.query == "plain"
    security = "tls" if parts.scheme == "smtps" else "none" if plain else "starttls"
    return OperatorsServer(
        host=parts.hostname, port=parts.port or (465 if security == "tls" else 587), security=security,
        user=unquote(parts.username or ""), password=unquote(parts.password or ""), sender=sender,
    )  # fmt: skip
