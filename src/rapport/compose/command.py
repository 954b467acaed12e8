"""A command as it is declared: the command line lists it without importing what it does."""

from __future__ import annotations

import pkgutil

import click
import msgspec

__all__ = ["ENTRY_POINTS", "Command"]

ENTRY_POINTS = "rapport.slices"
"""The group under which another distribution names its slice."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command below `rapport`, often a group of some."""

    name: str
    help: str
    """What it does, in one sentence: the first of what its own `--help` says."""
    command: str
    """Where the click command is, imported when it is called: `rapport_giftcards.commands:giftcards`."""

    def load(self) -> click.Command:
        """The click command. Raises ImportError or AttributeError where it is not there, TypeError where it is none."""
        found = pkgutil.resolve_name(self.command)
        if not isinstance(found, click.Command):
            raise TypeError(f"{self.command} of `rapport {self.name}` is {found!r}, no click command")
        return found
