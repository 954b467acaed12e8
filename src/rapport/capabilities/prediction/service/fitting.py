"""Fits the models to a shop, and holds out its last days to see whether they are better than the plain baseline.

What is served is what foretold the held-out days better; the other stands beside it. Where the optional packages are
missing, or a fit is not to be believed, the baseline is served and the card says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.prediction import store
from rapport.capabilities.prediction.model import (
    HORIZON_DAYS,
    Baseline,
    Judged,
    ModelCard,
    baseline_of,
    judge,
)
from rapport.capabilities.prediction.service.buyers import Days, days_of
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.gate import PERSONALISATION, Gate
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import kept, noted
from rapport.measure.days import day_of
from rapport.measure.service import zone_of
from rapport.storage.workspaces import workspace_of

__all__ = ["FEWEST", "Fitted", "fit_shop", "is_installed", "keep_fit"]

SAMPLE = 5_000
"""Customers that are fitted at most; the first by their keys, which are hashes, so they are like the others."""
_NOT_INSTALLED = noted("The optional packages are not installed (`rapport[prediction]`): the baseline is served.")
_BETTER = kept(
    "Over the last %(days)s days, held out, BG/NBD was off by %(model)s orders a customer and the baseline by "
    "%(baseline)s: BG/NBD is served."
)
_NO_BETTER = kept(
    "Over the last %(days)s days, held out, BG/NBD was off by %(model)s orders a customer and the baseline by "
    "%(baseline)s: the baseline is served."
)
FEWEST = 100
"""Customers with orders from which on there is anything to learn."""


class Fitted(NamedTuple):
    """A fit of a shop."""

    card: ModelCard
    baseline: Baseline


def is_installed() -> bool:
    """Whether the optional packages are here (`rapport[prediction]`)."""
    return all(find_spec(name) is not None for name in ("numpy", "scipy"))


def fit_shop(conn: Connection, workspace: WorkspaceId, *, gate: Gate, now: int) -> Fitted | None:
    """Fit a shop as it is; None where it has too few customers, or no past as long as two horizons. Some seconds.

    Nothing is learnt from customers who do not allow it.
    """
    currency = workspace_of(conn, workspace).settings.currency
    found = days_of(conn, workspace, now=now, currency=currency, limit=SAMPLE)
    permits = gate(conn, workspace, [one.root for one in found], PERSONALISATION, now)
    people = [one for one in found if permits[one.root].may]
    today = day_of(now, zone_of(conn, workspace)) // DAY
    if len(people) < FEWEST or min(one.days[0] for one in people) > today - 2 * HORIZON_DAYS:
        return None
    judged_baseline, judged_model, why = _held_out(people, today)
    card = ModelCard(
        fitted_at=to_iso(now), served="baseline", why=why, customers=len(people), sampled=SAMPLE,
        horizon_days=HORIZON_DAYS, currency=currency, model=judged_model, baseline=judged_baseline,
    )  # fmt: skip
    if is_installed():
        card = _with_models(card, people, today)
    return Fitted(card, _learnt(people, today - HORIZON_DAYS))


def _held_out(people: Sequence[Days], today: int) -> tuple[Judged, Judged | None, str]:
    """How well each foretells the last horizon from what was known before it."""
    then = today - HORIZON_DAYS
    known = [(one, buyer) for one in people if (buyer := one.until(then)) is not None]
    came = [one.between(then, today) for one, _ in known]
    baseline = _learnt(people, then - HORIZON_DAYS)
    plain = judge([baseline.foretell(buyer) for _, buyer in known], came)
    if not is_installed():
        return plain, None, _NOT_INSTALLED
    from rapport.capabilities.prediction.bgnbd import FitFailed, fit
    from rapport.capabilities.prediction.service.modelled import foretold

    buyers = [buyer for _, buyer in known]
    try:
        fitted = fit(buyers)
        model = judge(foretold(fitted.parameters, buyers), came)
    except FitFailed as error:
        return plain, None, f"BG/NBD could not be fitted to the days before the last {HORIZON_DAYS}: {error}."
    return plain, model, ""


def _learnt(people: Sequence[Days], then: int) -> Baseline:
    """The baseline of what customers did in the horizon after that day."""
    seen = ((one.until(then), one.between(then, then + HORIZON_DAYS)) for one in people)
    return baseline_of((buyer, came) for buyer, came in seen if buyer is not None)


def _with_models(card: ModelCard, people: Sequence[Days], today: int) -> ModelCard:
    """The card with the models fitted to all that is known today, and which is served."""
    from rapport.capabilities.prediction.bgnbd import FitFailed, fit
    from rapport.capabilities.prediction.spend import fit_spend

    again = [one for one in people if one.repeat_mean is not None]
    try:
        spend = fit_spend([len(one.days) - 1 for one in again], [one.repeat_mean or 0.0 for one in again])
        card = msgspec.structs.replace(
            card, spend_parameters=dict(spend.parameters), spend_customers=len(again),
            mean_spend_minor=round(spend.of_all),
        )  # fmt: skip
    except FitFailed as error:
        card = msgspec.structs.replace(card, why=f"{card.why} Spending: {error}.".strip())
    if card.model is None or card.baseline is None:
        return card
    try:
        model = fit([buyer for one in people if (buyer := one.until(today)) is not None])
    except FitFailed as error:
        return msgspec.structs.replace(card, why=f"BG/NBD could not be fitted: {error}. {card.why}".strip())
    better = card.model.rmse <= card.baseline.rmse
    words = (_BETTER if better else _NO_BETTER) % {
        "days": HORIZON_DAYS, "model": f"{card.model.rmse:.3f}", "baseline": f"{card.baseline.rmse:.3f}",
    }  # fmt: skip
    return msgspec.structs.replace(
        card, parameters=dict(model.parameters), log_likelihood=model.log_likelihood,
        served="bgnbd" if better else "baseline", why=f"{words} {card.why}".strip(),
    )  # fmt: skip


def keep_fit(conn: Connection, workspace: WorkspaceId, fitted: Fitted, *, now: int) -> int:
    """Keep it; customers are told of it from the first on. Returns its number."""
    newest = conn.execute(sa.select(sa.func.max(store.fits.c.id)).where(store.fits.c.workspace == workspace)).scalar()
    number = int(newest or 0) + 1
    conn.execute(
        store.fits.insert().values(
            workspace=workspace, id=number, fitted_at=now, card=msgspec.json.encode(fitted.card).decode(),
            baseline=msgspec.json.encode(fitted.baseline).decode(), told_to=b"",
        )
    )  # fmt: skip
    return number
