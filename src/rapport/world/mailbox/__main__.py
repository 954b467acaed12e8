"""`python -m rapport.world.mailbox`: take mail on one port, show it on another, until a signal ends it."""

from __future__ import annotations

import argparse

import uvicorn

from rapport.world.mailbox.letters import Mailbox
from rapport.world.mailbox.pages import Pages
from rapport.world.mailbox.taking import taking


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(
        prog="python -m rapport.world.mailbox", description="Catches the simulated shop's mail."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8323)
    parser.add_argument("--smtp-port", type=int, default=8325)
    given = parser.parse_args()
    mailbox = Mailbox()
    with taking(mailbox, port=given.smtp_port):
        uvicorn.run(Pages(mailbox), host=given.host, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
