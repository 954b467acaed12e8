"""What prediction adds to the command line; the commands themselves are imported when one is called."""

from __future__ import annotations

from rapport.compose.command import Command

__all__ = ["COMMANDS"]

COMMANDS = (
    Command(
        name="predict",
        help="What customers will probably do: fit now, show the last fit.",
        command="rapport.capabilities.prediction.commands:predict",
    ),
)
