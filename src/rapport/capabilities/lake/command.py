"""The commands of the lake, declared apart from what they do: `rapport --help` imports no room."""

from __future__ import annotations

from rapport.compose.command import Command

__all__ = ["COMMANDS"]

COMMANDS = (
    Command(
        name="lake",
        help="Every fact in open files that any engine can read: archive, compact, verify.",
        command="rapport.capabilities.lake.commands:lake_group",
    ),
    Command(
        name="sql",
        help="Ask the lake one SELECT over the table facts of a shop.",
        command="rapport.capabilities.lake.sql_command:sql",
    ),
    Command(
        name="rebuild",
        help="Make all Golden Records anew from the lake, in a database of their own, and compare the digests.",
        command="rapport.capabilities.lake.commands:rebuild",
    ),
)
