"""SMTP to a server that somebody named in the console: its address is checked, and the very address is connected to.

So a mail server is no way to look into the installation's own network, nor to a cloud's own services. One that the
operator names in the environment may stand anywhere.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from typing import Any

from rapport.act.addresses import allowed

__all__ = ["connected"]


def connected(
    host: str, port: int, *, timeout: float, tls: ssl.SSLContext | None, anywhere: bool, allow_private: bool
) -> smtplib.SMTP:
    """A connection to a mail server, with TLS from the start where `tls` is given.

    Raises NotAllowed where the host is private and neither `anywhere` nor `allow_private` lets it be; OSError and
    SMTPException as smtplib.
    """
    if anywhere:
        if tls is None:
            return smtplib.SMTP(host, port, timeout=timeout)
        return smtplib.SMTP_SSL(host, port, timeout=timeout, context=tls)
    if tls is None:
        return _Guarded(host, port, timeout=timeout, allow_private=allow_private)
    return _GuardedTls(host, port, timeout=timeout, tls=tls, allow_private=allow_private)


class _Guarded(smtplib.SMTP):
    def __init__(self, host: str, port: int, *, timeout: float, allow_private: bool) -> None:
        self._allow_private = allow_private
        super().__init__(host, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        return socket.create_connection((_checked(host, port, self._allow_private), port), timeout)


class _GuardedTls(smtplib.SMTP_SSL):
    def __init__(self, host: str, port: int, *, timeout: float, tls: ssl.SSLContext, allow_private: bool) -> None:
        self._allow_private = allow_private
        super().__init__(host, port, timeout=timeout, context=tls)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        plain = socket.create_connection((_checked(host, port, self._allow_private), port), timeout)
        return self.context.wrap_socket(plain, server_hostname=host)


def _checked(host: str, port: int, allow_private: bool) -> str:  # noqa: FBT001 - inside this file alone
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return allowed(dict.fromkeys(str(entry[4][0]) for entry in found), allow_private=allow_private)
