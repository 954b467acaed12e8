"""`rapport train`: learn from the shop's own visits, for somebody at the server and for the nightly job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import click

from rapport.capabilities.recommendations.training import train_shop
from rapport.compose.installed import Installed
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

__all__ = ["train"]


class Training(Installation, Protocol):
    """What `rapport train` needs of the installation."""

    @property
    def slices(self) -> Installed:
        """What is installed: whose gate says what may be learnt from."""


@click.command()
@data_option
@workspace_option
@click.option("--nice", is_flag=True, help="Leave the processor to whoever else wants it.")
@json_option("One JSON object: the card of the model.")
@click.pass_obj
def train(installation: Training, data_dir: Path | None, workspace: str | None, *, nice: bool, as_json: bool) -> None:
    """Learn from the shop's own visits what comes next; what is better than before serves at once.

    The last day is the judge: what is learnt serves only if it finds at least as much of it as what serves now.
    """
    if nice and hasattr(os, "nice"):
        os.nice(10)
    with installation.open(data_dir) as db:
        with db.read() as conn:
            shop = workspace_named(conn, workspace).id
        card = train_shop(db, shop, gate=installation.slices.gate, tell=_say if not as_json else _silent)
    if as_json:
        tell_json(card)
        return
    click.echo(f"{card.visits:,} visits to {card.products:,} products in {card.took_seconds:,.0f} s: {card.words}")
    for name in ("challenger", "champion", "popularity"):
        figures = getattr(card, name)
        if figures is not None:
            words = {"challenger": "learnt now", "champion": "serves", "popularity": "popularity alone"}[name]
            click.echo(f"  {words:17} HR@20 {figures.hr20:6.2f} %  MRR@20 {figures.mrr20:6.2f} %")


def _say(step: str, share: float) -> None:
    click.echo(f"  {share:4.0%} {step}", err=True)


def _silent(step: str, share: float) -> None:
    """Whoever reads JSON wants the end alone."""
