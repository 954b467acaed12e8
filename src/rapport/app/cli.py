"""The `rapport` command: it lists what is declared, and imports a command when it is called."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from rapport.app.commands import OWN
from rapport.app.installation import Installation
from rapport.compose.command import ENTRY_POINTS, Command
from rapport.kernel.errors import RapportError

__all__ = ["CommandLine", "main"]


class CommandLine(click.Group):
    """All commands of the installation. One that fails as expected says what happened and what to do.

    Slices of other distributions are imported where all commands are listed, or one is called that Rapport has not. One
    that cannot be, or claims a name that is taken, is said on stderr and left out.
    """

    def declared(self) -> dict[str, Command]:
        """Every command by name."""
        found = {command.name: (command, "Rapport itself") for command in OWN}
        for slice_name, command in _of_other_distributions():
            known, owner = found.setdefault(command.name, (command, f"the slice {slice_name!r}"))
            if known is not command:
                _warn(f"`rapport {command.name}` is of {owner}; the slice {slice_name!r} claims it, too")
        return {name: command for name, (command, _) in found.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.declared())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = next((command for command in OWN if command.name == cmd_name), None)
        found = own or self.declared().get(cmd_name)
        return None if found is None else found.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, from what is declared."""
        declared = self.declared()
        limit = formatter.width - 6 - max(map(len, declared))
        shown = [click.Command(name, help=command.help) for name, command in sorted(declared.items())]
        with formatter.section("Commands"):
            formatter.write_dl([(str(one.name), one.get_short_help_str(limit)) for one in shown])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RapportError as error:
            hint = f"\n{error.hint}" if error.hint else ""
            raise click.ClickException(f"{error.message}{hint}") from error


def _of_other_distributions() -> Iterator[tuple[str, Command]]:
    """The commands of installed slices that are not Rapport's own, with the name of their slice."""
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS):
        try:
            loaded = entry.load()
            brought = [(str(loaded.name), _checked(command)) for command in loaded.commands]
        except Exception as error:  # noqa: BLE001 - whatever foreign code raises
            _warn(f"the slice {entry.name!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}")
        else:
            yield from brought


def _checked(command: object) -> Command:
    if not isinstance(command, Command):
        raise TypeError(f"{command!r} is no command")
    return command


def _warn(text: str) -> None:
    click.echo(f"Warning: {text}", err=True)


@click.group(
    cls=CommandLine,
    commands={command.name: click.Command(command.name) for command in OWN},  # to suggest for a name that is mistyped
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="rapport")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Rapport: facts in, Golden Records out, decisions and their worth."""
    os.umask(0o077)  # whatever is written, database, import, export or backup, is its owner's alone
    gc.set_threshold(50_000, 20, 100)  # what is imported stays: looking through it took a tenth of a command's start
    ctx.obj = Installation()


if __name__ == "__main__":
    sys.exit(main())
