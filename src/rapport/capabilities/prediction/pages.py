"""The console's page of predictions: what is served, how good it was, and whether its probabilities can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get

from rapport.capabilities.prediction import store
from rapport.capabilities.prediction.model import HORIZON_DAYS, Bin, Judged
from rapport.capabilities.prediction.service.fitting import FEWEST, is_installed
from rapport.kernel.language import gettext, noted
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.formats import count, percent

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

WORDS = {"bgnbd": "BG/NBD", "baseline": noted("the baseline")}
PARAMETERS = {
    "r": noted("how alike customers' rates of ordering are"), "alpha": noted("the rate of ordering, in days"),
    "a": noted("leaving for good after an order"), "b": noted("staying after an order"),
    "p": noted("how alike one customer's orders are"),
    "q": noted("how alike customers' spending is"), "gamma": noted("the level of spending, in minor units"),
}  # fmt: skip


@get("/predictions", permission="metrics:read", sync_to_thread=True)
def predictions_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """The card of the newest fit, and the ones before."""
    with db.read() as conn:
        cards = store.cards(conn, principal.workspace, limit=12)
    card = cards[0] if cards else None
    served = None if card is None else card.model if card.served == "bgnbd" else card.baseline
    return render(
        request, "prediction/predictions.html", card=card, earlier=cards[1:], words=WORDS, parameters=PARAMETERS,
        served=served, plot=_plot(served), days=HORIZON_DAYS, fewest=FEWEST, installed=is_installed(),
    )  # fmt: skip


PAGES = ConsolePages(
    room="prediction",
    templates=Path(__file__).parent / "templates",
    handlers=(predictions_page,),
    nav=(
        NavItem(
            label="Predictions", path="/console/predictions", icon="spark", group="Learn", order=395,
            permission="metrics:read",
        ),
    ),
)  # fmt: skip


def _plot(judged: Judged | None) -> list[tuple[float, float, float, str]]:
    """The calibration's points in a square of 100: x, y (from above), radius, words."""
    if judged is None or not judged.calibration:
        return []
    most = max(one.customers for one in judged.calibration)
    return [
        (
            round(100 * one.said, 2), round(100 - 100 * one.came, 2), round(1.2 + 1.6 * one.customers / most, 2),
            _point(one),
        )
        for one in judged.calibration
    ]  # fmt: skip


def _point(one: Bin) -> str:
    return gettext(
        "%(customers)s customers: %(said)s said, %(came)s came",
        customers=count(one.customers), said=percent(one.said, digits=0), came=percent(one.came, digits=0),
    )  # fmt: skip
