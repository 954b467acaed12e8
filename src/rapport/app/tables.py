"""Every table of this installation, and the writing of a migration when one has changed.

    uv run python -m rapport.app.tables "customers get a shoe size"
    uv run python -m rapport.app.tables --slice giftcards "a card has a note"

compares the tables the code declares with those the migrations make and writes the difference as a new file: in
Rapport's own line below `storage/migrations/versions`, or in the slice's folder. Read it before you commit it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from rapport.app.wiring import installed
from rapport.compose.installed import Installed
from rapport.storage.engine import Database
from rapport.storage.migrate import CORE, migrate, write_revision

__all__ = ["write"]


def write(message: str, *, slices: Installed, of: str = "") -> str:
    """Write the difference as a migration of Rapport's own line, or of the slice `of`; returns the file's path."""
    branch = next((branch for branch in slices.branches if branch.slice == of), None) if of else CORE
    if branch is None:
        raise click.ClickException(f"no slice {of!r} with migrations; there are: {[b.slice for b in slices.branches]}")
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(f"sqlite:///{Path(folder) / 'migrated.db'}")
        migrate(db, slices.branches)
        try:
            return write_revision(db, message, branch=branch, tables=slices.tables_of(branch.slice))
        finally:
            db.close()


@click.command()
@click.option("--slice", "of", default="", help="The slice whose tables have changed.")
@click.argument("message")
def main(message: str, of: str) -> None:
    """Write the difference as a migration."""
    click.echo(write(message, slices=installed(), of=of))


if __name__ == "__main__":
    main()
