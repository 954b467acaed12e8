"""`rapport traits`: which traits know the whole past, and how far the others are."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import click

from rapport.remember import backfill
from rapport.remember.backfill import TraitStatus
from rapport.remember.registry import Remembered
from rapport.storage.command_line import Installation, data_option, json_option, tell_json

__all__ = ["Remembering", "traits"]


class Remembering(Installation, Protocol):
    """What these commands need of the installation."""

    @property
    def remembered(self) -> Remembered:
        """The parts and traits of its slices."""


@click.group()
def traits() -> None:
    """What Golden Records show: which traits know the whole past, and how far the others are."""


@traits.command()
@data_option
@json_option("One JSON list of all traits.")
@click.pass_obj
def status(installation: Remembering, data_dir: Path | None, *, as_json: bool) -> None:
    """Show the traits that are new or changed and that the workers still fill from the log."""
    with installation.open(data_dir) as db, db.read() as conn:
        found = backfill.statuses(conn, installation.remembered)
    if as_json:
        tell_json(found)
        return
    lacking = [one for one in found if one.state != "whole"]
    for one in lacking:
        click.echo(f"{one.trait:<26} {_how_far(one)}")
    click.echo(f"{len(found) - len(lacking)} of {len(found)} traits are whole")


def _how_far(one: TraitStatus) -> str:
    if one.state == "not begun":
        return "not begun; a worker begins when it starts"
    return f"{one.folded:.0%} of the log folded, at most {one.left:,} facts ahead"
