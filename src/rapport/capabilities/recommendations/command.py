"""What the recommendations add to the command line; the commands themselves are imported when one is called."""

from __future__ import annotations

from rapport.compose.command import Command

__all__ = ["COMMANDS"]

COMMANDS = (
    Command(
        name="train",
        help="Learn from the shop's own visits what comes next; what is better than before serves at once.",
        command="rapport.capabilities.recommendations.commands:train",
    ),
)
