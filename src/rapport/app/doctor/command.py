"""`rapport doctor`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rapport.app.doctor.examination import examine
from rapport.app.settings import Settings
from rapport.storage.command_line import data_option, json_option, tell_json

__all__ = ["doctor"]

_MARKS = {"bad": "✗", "fair": "!", "well": "✓"}


@click.command()
@data_option
@json_option("One JSON object a line.")
def doctor(data_dir: Path | None, *, as_json: bool) -> None:
    """Look at the installation and say what to mend; changes nothing.

    Ends with 1 where something is to be mended, with 0 where all is well or could only be better. It looks from where
    it runs: use the user and the environment of the server.
    """
    found = examine(Settings.load(data_dir=data_dir))
    for one in found:
        if as_json:
            tell_json(one)
            continue
        click.echo(f"{_MARKS[one.state]} {one.name:<18} {one.what}")
        if one.to_do:
            click.echo(f"{'':21}→ {one.to_do}")
    sys.exit(any(one.state == "bad" for one in found))
