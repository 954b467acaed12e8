"""`rapport predict`: fit a shop now, or show what is known of the last fit, for somebody at the server."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import click

from rapport.capabilities.prediction import store
from rapport.capabilities.prediction.model import ModelCard
from rapport.capabilities.prediction.service.fitting import FEWEST, fit_shop, keep_fit
from rapport.compose.installed import Installed
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, NotFound
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

__all__ = ["predict"]


class Fitting(Installation, Protocol):
    """What `rapport predict fit` needs of the installation."""

    @property
    def slices(self) -> Installed:
        """What is installed: whose gate says what may be learnt from."""


@click.group()
def predict() -> None:
    """What customers will probably do: fit now, show the last fit."""


@predict.command()
@data_option
@workspace_option
@json_option("One JSON object: what is known of the fit.")
@click.pass_obj
def fit(installation: Fitting, data_dir: Path | None, workspace: str | None, *, as_json: bool) -> None:
    """Fit now; a running worker then says what follows of each customer."""
    now = now_us()
    with installation.open(data_dir) as db:
        with db.read() as conn:
            shop = workspace_named(conn, workspace).id
            fitted = fit_shop(conn, shop, gate=installation.slices.gate, now=now)
        if fitted is None:
            raise Conflict(
                f"there is too little to learn from: less than {FEWEST} customers with orders, or half a year of them",
                hint="import the orders of the last years: rapport import FILE",
            )
        with db.write() as conn:
            keep_fit(conn, shop, fitted, now=now)
    _say(fitted.card, as_json=as_json)


@predict.command()
@data_option
@workspace_option
@json_option("One JSON object: what is known of the fit.")
@click.pass_obj
def show(installation: Installation, data_dir: Path | None, workspace: str | None, *, as_json: bool) -> None:
    """Say what is known of the last fit."""
    with installation.open(data_dir) as db, db.read() as conn:
        found = store.cards(conn, workspace_named(conn, workspace).id, limit=1)
    if not found:
        raise NotFound("nothing has been fitted yet", hint="a worker does once a week, or `rapport predict fit` now")
    _say(found[0], as_json=as_json)


def _say(card: ModelCard, *, as_json: bool) -> None:
    if as_json:
        tell_json(card)
        return
    click.echo(f"{card.fitted_at[:10]}  {card.customers:,} customers, {card.served} is served. {card.why}")
