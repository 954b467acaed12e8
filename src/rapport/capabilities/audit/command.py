"""The command of the audit trail, declared apart from what it does: `rapport --help` imports no room."""

from __future__ import annotations

from rapport.compose.command import Command

__all__ = ["COMMANDS"]

COMMANDS = (
    Command(
        name="audit",
        help="Who saw whom and changed what: checked, and handed out so that anybody can check it.",
        command="rapport.capabilities.audit.commands:audit",
    ),
)
