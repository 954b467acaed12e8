"""`rapport traits`, `backfill`, `features`: which traits know the past, have one learn it, what was known when."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import click
from sqlalchemy import Connection

from rapport.kernel.clock import from_iso, now_us, to_iso, zone_named
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.gate import Gate
from rapport.kernel.ids import Key
from rapport.remember import backfill
from rapport.remember.backfill import TraitStatus
from rapport.remember.features import Asked, Permitted, write_features
from rapport.remember.registry import Remembered
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace

__all__ = ["Remembering", "backfill_trait", "features", "traits"]


class Remembering(Installation, Protocol):
    """What these commands need of the installation."""

    @property
    def remembered(self) -> Remembered:
        """The parts and traits of its slices."""

    @property
    def gate(self) -> Gate:
        """Says what may be done with whom."""

    def fill(self, db: Database, wanted: Collection[str], tell: Callable[[Sequence[TraitStatus]], bool]) -> None:
        """Have these parts learn what they missed of the past, here or in a worker that runs already."""


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


@click.command("backfill")
@click.argument("trait")
@data_option
@json_option("One JSON object.")
@click.pass_obj
def backfill_trait(installation: Remembering, trait: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Have a new or changed TRAIT learn all of the past now, and return once it has.

    Workers do the same by themselves, beside their work. What is learnt is kept with how far it came: after a kill,
    the next call or a worker goes on from there.
    """
    remembered = installation.remembered
    if trait not in remembered.traits or not remembered.traits[trait].part:
        raise NotFound(f"no trait {trait[:60]!r}", hint="`rapport traits status --json` lists them")
    begun, first = time.monotonic(), -1

    def tell(found: Sequence[TraitStatus]) -> bool:
        nonlocal first
        one = next(status for status in found if status.trait == trait)
        if one.state == "filling":
            first = max(first, one.left)
            if not as_json and one.left < first:
                seconds = one.left * (time.monotonic() - begun) / (first - one.left)
                click.echo(f"{one.folded:.0%}, {one.left:,} facts ahead, about {seconds:,.0f} s left", err=True)
        return one.state == "whole"

    with installation.open(data_dir) as db:
        installation.fill(db, [remembered.traits[trait].part], tell)
        with db.read() as conn:
            found = next(one for one in backfill.statuses(conn, remembered) if one.trait == trait)
    seconds = time.monotonic() - begun
    if as_json:
        tell_json({"trait": trait, "state": found.state, "facts": max(0, first), "seconds": round(seconds, 3)})
    else:
        click.echo(f"{trait} is {found.state}; {max(0, first):,} facts in {seconds:,.1f} s")
    if found.state != "whole":
        raise SystemExit(1)


@click.command()
@data_option
@workspace_option
@click.option("--as-of", required=True, metavar="TIME", help="ISO 8601; a date is the beginning of that day there.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A .csv or .parquet file.")
@click.option("--purpose", default="", help="Leave out who does not allow this: personalisation, analytics …")
@json_option("One JSON object.")
@click.pass_obj
def features(
    installation: Remembering, data_dir: Path | None, workspace: str | None, as_of: str, out: Path, purpose: str, *,
    as_json: bool,
) -> None:  # fmt: skip
    """Write what was known of every customer at a moment, a row each, for models to learn from.

    Made of the facts that happened before it, by the rules of the Golden Record; after a kill the same call goes on.
    """
    begun = time.monotonic()

    def tell(done: int, total: int) -> None:
        if not as_json:
            left = (total - done) * (time.monotonic() - begun) / max(done, 1)
            click.echo(f"\r{done:,} of {total:,} customers, about {left:,.0f} s left ", nl=False, err=True)

    with installation.open(data_dir) as db:
        with db.read() as conn:
            shop = workspace_named(conn, workspace)
        asked = Asked(shop, _moment(as_of, shop), purpose)
        permitted = _permitted(installation.gate, asked) if purpose else None
        made = write_features(db, installation.remembered, asked, out, permitted=permitted, tell=tell)
    if as_json:
        tell_json(made._asdict() | {"as_of": to_iso(asked.as_of), "seconds": round(time.monotonic() - begun, 3)})
    else:
        click.echo(f"\n{out}: {made.customers:,} customers, {made.columns} columns, as of {to_iso(asked.as_of)}")
        if made.left_out:
            click.echo(f"{made.left_out:,} customers who do not allow {purpose} are left out")


def _moment(text: str, shop: Workspace) -> int:
    try:
        if len(text) == len("2026-11-27"):
            day = date.fromisoformat(text)
            there = datetime(day.year, day.month, day.day, tzinfo=zone_named(shop.settings.time_zone))
            return int(there.timestamp()) * 1_000_000
        return from_iso(text)
    except ValueError as error:
        raise InvalidInput(f"--as-of {text[:60]!r} is no time", hint="2026-11-27 or 2026-11-27T12:00:00Z") from error


def _permitted(gate: Gate, asked: Asked) -> Permitted:
    def permitted(conn: Connection, keys: Sequence[Key]) -> dict[Key, bool]:
        answers = gate(conn, asked.shop.id, keys, asked.purpose, now_us())
        return {key: key in answers and answers[key].may for key in keys}

    return permitted
