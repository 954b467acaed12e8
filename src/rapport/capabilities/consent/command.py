"""The command of consent, declared apart from what it does: `rapport --help` imports no room."""

from __future__ import annotations

from rapport.compose.command import Command

__all__ = ["COMMANDS"]

COMMANDS = (
    Command(
        name="privacy",
        help="What may be done with whom: the policies of the shop, shown, tried, applied.",
        command="rapport.capabilities.consent.commands:privacy",
    ),
)
