"""The mailbox that catches what the demonstration's shop writes: nothing goes to the addresses of its people."""

from __future__ import annotations

from dataclasses import dataclass

from rapport.app.demo.processes import LOOPBACK, Children
from rapport.world.mailbox.taking import is_installed

__all__ = ["Post"]


@dataclass(frozen=True)
class Post:
    """Where the mailbox listens, if the library it needs is installed."""

    host: str
    port: int
    smtp_port: int

    @property
    def url(self) -> str:
        """Its page; empty where there is none."""
        return f"http://{self.host}:{self.port}" if is_installed() else ""

    @property
    def environment(self) -> dict[str, str]:
        """What the server must know: this mail server and, without one, none, whatever the environment names."""
        return {
            "RAPPORT_SMTP_URL": f"smtp://{LOOPBACK}:{self.smtp_port}?plain" if is_installed() else "",
            "RAPPORT_MAIL_FROM": "Marlow & Vine <hello@marlow.example>",
        }

    def start(self, children: Children) -> None:
        """Start it."""
        if is_installed():
            ports = ["--port", str(self.port), "--smtp-port", str(self.smtp_port)]
            children.start("mailbox", ["-m", "rapport.world.mailbox", "--host", self.host, *ports])
