"""What the commands of all rooms and slices share: the installation they work on, their options, and how they answer.

A command is a plain click command of a module; `@click.pass_obj` hands it the installation. A room whose commands need
more of it says so in a protocol of its own that extends `Installation`; `app/installation.py` has all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
import msgspec
from sqlalchemy import Connection

from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace, default_workspace, find_workspace

__all__ = ["Installation", "data_option", "json_option", "tell_json", "workspace_named", "workspace_option"]

F = TypeVar("F", bound=Callable[..., Any])


class Installation(Protocol):
    """What a command works on."""

    def open(self, data_dir: Path | None) -> AbstractContextManager[Database]:
        """The database of a data folder (None: the default one), its schema up to date and with a workspace in it."""


def data_option(command: F) -> F:
    """`--data DIR`, as `data_dir`: the installation to work on."""
    return click.option(
        "--data", "data_dir", type=click.Path(file_okay=False, path_type=Path), default=None, metavar="DIR",
        help="Data folder of the installation [default: ./data, or RAPPORT_DATA_DIR].",
    )(command)  # fmt: skip


def workspace_option(command: F) -> F:
    """`--workspace SLUG`, as `workspace`: the shop to work on."""
    return click.option("--workspace", default=None, metavar="SLUG", help="The shop [default: the first].")(command)


def json_option(help: str) -> Callable[[F], F]:
    """`--json`, as `as_json`; the help says what comes. What is answered so goes through `tell_json`."""
    return click.option("--json", "as_json", is_flag=True, help=help)


def tell_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    click.echo(msgspec.json.encode(value))


def workspace_named(conn: Connection, slug: str | None) -> Workspace:
    """The shop of this slug; without one the first. Raises NotFound."""
    return find_workspace(conn, slug) if slug else default_workspace(conn)
