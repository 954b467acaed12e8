"""What loyalty adds to the command line; the commands themselves are imported when one is called."""

from __future__ import annotations

from rapport.compose.command import Command

__all__ = ["COMMANDS"]

COMMANDS = (
    Command(
        name="loyalty",
        help="Loyalty: prove that balances are the sum of their history.",
        command="rapport.capabilities.loyalty.commands:loyalty",
    ),
)
