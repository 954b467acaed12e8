"""Says of each customer what a fit foretells: a fact, where it is another than what was said before.

Of customers who do not allow to be judged by what is known of them nothing is said, and what was said before ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights import usual_intervals
from rapport.capabilities.prediction import store
from rapport.capabilities.prediction.facts import MADE
from rapport.capabilities.prediction.model import Baseline, Buyer, Foretold, ModelCard, running_out
from rapport.capabilities.prediction.service.buyers import Bought, Days, bought_by, days_of
from rapport.collect.own import own_fact
from rapport.collect.sources import identifier_policy
from rapport.decide import people
from rapport.kernel.clock import DAY
from rapport.kernel.errors import InvalidFact
from rapport.kernel.gate import PERSONALISATION, Gate
from rapport.kernel.ids import Key, WorkspaceId
from rapport.measure.days import day_of
from rapport.measure.service import zone_of
from rapport.resolve.graph.policy import settings_of
from rapport.storage.log import LogRow

__all__ = ["Ending", "Told", "end_some", "read_ending", "read_some", "write_some"]

_EPOCH = date(1970, 1, 1)
_OVERDUE, _SOON = 14, 21
"""Days before and after the fit within which a product counts as running out."""
MOST_PRODUCTS = 10
LAPSES = 60 * DAY
"""So old a statement on the next 90 days is said no more: the shop was not fitted anew since."""
_ENDED = {"withheld": PERSONALISATION}


class Told(NamedTuple):
    """What is to be said of some customers."""

    fit: int
    said: Mapping[Key, dict[str, Any]]
    withheld: Sequence[Key]
    """Those of whom nothing may be said."""
    last: Key | None
    """The last of them; None where there were no more."""


class Ending(NamedTuple):
    """Customers of whom something is said that must not, or need not, be said any more."""

    roots: Sequence[Key]
    last: Key | None
    """The last that was looked at; None where there were no more."""


class _Ask(NamedTuple):
    """What a model is asked of one customer, and its answer."""

    of: Days
    buyer: Buyer
    told: Foretold
    window: tuple[int, int] | None
    spend_minor: int | None


def read_some(conn: Connection, workspace: WorkspaceId, *, gate: Gate, now: int, limit: int) -> Told | None:
    """What the newest fit says of the next customers; None where all have been told of."""
    fit = store.latest_fit(conn, workspace)
    if fit is None or fit.told_to is None:
        return None
    card = msgspec.json.decode(fit.card, type=ModelCard)
    baseline = msgspec.json.decode(fit.baseline, type=Baseline)
    then = fit.fitted_at
    some = days_of(conn, workspace, now=then, currency=card.currency, after=bytes(fit.told_to), limit=limit)
    if not some:
        return Told(fit.id, {}, (), None)
    permits = gate(conn, workspace, [one.root for one in some], PERSONALISATION, now)
    found = [one for one in some if permits[one.root].may]
    today = day_of(then, zone_of(conn, workspace)) // DAY
    bought = bought_by(conn, workspace, [one.root for one in found], now=then)
    usual = usual_intervals(conn, workspace, {b.product_id for products in bought.values() for b in products}, now=then)
    said = {
        ask.of.root: _said(ask, card, today) | _empty(bought.get(ask.of.root, ()), usual, today)
        for ask in _asked(found, card, baseline, today)
    }
    withheld = [one.root for one in some if not permits[one.root].may]
    return Told(fit.id, said, withheld, some[-1].root)


def write_some(conn: Connection, workspace: WorkspaceId, told: Told) -> list[LogRow]:
    """Note it, and answer the facts to state: of those customers alone of whom something else was said before.

    Of whom nothing may be said any more a fact says so, once: it takes the place of what was said.
    """
    texts = {root: msgspec.json.encode(_lasting(said)).decode() for root, said in told.said.items()}
    before = _said_before(conn, workspace, [*texts, *told.withheld])
    changed = [root for root, text in texts.items() if set(before.get(root, {}).values()) != {text}]
    store.forget(conn, workspace, [strand for said in before.values() for strand in said])
    store.say(conn, workspace, told.fit, texts)
    here = (store.fits.c.workspace == workspace, store.fits.c.id == told.fit)
    conn.execute(sa.update(store.fits).where(*here).values(told_to=told.last))
    left = _left_out(conn, workspace, told) if told.last is None else set()
    fitted_at = conn.execute(sa.select(store.fits.c.fitted_at).where(*here)).scalar_one()
    ended = {root: _ENDED for root in told.withheld if root in before}
    stated = {root: told.said[root] for root in changed} | ended | dict.fromkeys(left, _ENDED)
    return _facts(conn, workspace, stated, fit=told.fit, now=int(fitted_at))


def read_ending(conn: Connection, workspace: WorkspaceId, *, gate: Gate, now: int, after: bytes, limit: int) -> Ending:
    """Of the next customers of whom something was said: those who do not allow it any more, and those of whom it was
    said so long ago that the days it speaks of are nearly over. No fit is needed for either.
    """
    p, f = store.predictions.c, store.fits.c
    here = sa.and_(f.workspace == p.workspace, f.id == p.fit)
    query = sa.select(p.strand, sa.func.coalesce(f.fitted_at, 0).label("fitted_at"))
    query = query.select_from(store.predictions.outerjoin(store.fits, here))
    query = query.where(p.workspace == workspace, p.strand > after).order_by(p.strand).limit(limit)
    said = {Key(row.strand): int(row.fitted_at) for row in conn.execute(query)}
    roots = people.roots_of(conn, workspace, said)
    permits = gate(conn, workspace, sorted(set(roots.values())), PERSONALISATION, now)
    ended = {roots[strand] for strand, at in said.items() if at < now - LAPSES or not permits[roots[strand]].may}
    return Ending(sorted(ended), max(said) if len(said) == limit else None)


def end_some(conn: Connection, workspace: WorkspaceId, roots: Sequence[Key], *, now: int) -> list[LogRow]:
    """Forget what was said of these customers, and answer the facts that take its place."""
    before = _said_before(conn, workspace, roots)
    store.forget(conn, workspace, [strand for said in before.values() for strand in said])
    return _facts(conn, workspace, dict.fromkeys(before, _ENDED), fit=f"ended-{now}", now=now)


def _left_out(conn: Connection, workspace: WorkspaceId, told: Told) -> set[Key]:
    """Of whom the round said nothing any more, such as whoever has only cancelled orders left; it is forgotten."""
    p = store.predictions.c
    gone = (p.workspace == workspace, p.fit < told.fit)
    strands = {Key(one) for one in conn.execute(sa.select(p.strand).where(*gone)).scalars()}
    conn.execute(store.predictions.delete().where(*gone))
    said = {root for root in people.roots_of(conn, workspace, strands).values() if root not in told.said}
    still = _said_before(conn, workspace, sorted(said))
    return {root for root in said if root not in still}


def _said_before(conn: Connection, workspace: WorkspaceId, roots: Sequence[Key]) -> dict[Key, dict[Key, str]]:
    """What was last said of each customer, by any identifier of theirs: before a merge the root was another."""
    own = people.strands_by_root(conn, workspace, roots)
    said = store.last_said(conn, workspace, [strand for strands in own.values() for strand in strands])
    known = {root: {one: said[one] for one in strands if one in said} for root, strands in own.items()}
    return {root: texts for root, texts in known.items() if texts}


def _lasting(said: Mapping[str, Any]) -> dict[str, Any]:
    """What is compared with what was said before: all but the day of the fit."""
    return {name: value for name, value in said.items() if name != "fitted_on"}


def _asked(found: Sequence[Days], card: ModelCard, baseline: Baseline, today: int) -> list[_Ask]:
    buyers = [buyer for one in found if (buyer := one.until(today)) is not None]
    told = [baseline.foretell(buyer) for buyer in buyers]
    windows: list[tuple[int, int] | None] = [None] * len(found)
    spends: list[int | None] = [None] * len(found)
    if card.parameters or card.spend_parameters:
        from rapport.capabilities.prediction.service import modelled

        if card.parameters and card.served == "bgnbd":  # what was worse says nothing, of windows neither
            windows = modelled.windows(card.parameters, buyers)
            said = modelled.foretold(card.parameters, buyers)
            told = [one if one.is_finite else plain for one, plain in zip(said, told, strict=True)]
        if card.spend_parameters:
            spends = modelled.spends(card.spend_parameters, found)
    return [_Ask(*one) for one in zip(found, buyers, told, windows, spends, strict=True)]


def _said(ask: _Ask, card: ModelCard, today: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "churn_risk": round(100 * (1 - ask.told.buys)), "expected_orders": round(ask.told.orders, 2),
        "model": card.served, "fitted_on": card.fitted_at[:10],
    }  # fmt: skip
    if ask.spend_minor is not None and sum(ask.of.spent) > 0:
        said |= {"expected_value_minor": round(ask.told.orders * ask.spend_minor), "currency": card.currency}
    if ask.window is not None:
        said |= {"next_order_from": _day(today + ask.window[0]), "next_order_until": _day(today + ask.window[1])}
    return said


def _empty(bought: Sequence[Bought], usual: Mapping[str, int], today: int) -> dict[str, Any]:
    """Products that run out about now, the most urgent first."""
    due = []
    for one in bought:
        every = running_out(one.days, usual.get(one.product_id))
        if every is None or every < 3:
            continue
        on = one.days[-1] + every
        if today - _OVERDUE <= on <= today + _SOON:
            due.append((on, {"product_id": one.product_id, "name": one.name, "on": _day(on), "every_days": every}))
    products = [product for _, product in sorted(due, key=lambda pair: (pair[0], pair[1]["product_id"]))]
    return {"running_out": products[:MOST_PRODUCTS]} if products else {}


def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


def _facts(
    conn: Connection, workspace: WorkspaceId, said: Mapping[Key, dict[str, Any]], *, fit: int | str, now: int
) -> list[LogRow]:
    """A fact for each, on an identifier of theirs; of who has none that still names them there is none."""
    policy, names = identifier_policy(settings_of(conn, workspace)), people.identifiers_by_key(conn, workspace, said)
    rows = []
    for root, identifier in names.items():
        try:
            row = own_fact(
                workspace, name=MADE, id=f"prediction-{fit}-{root.hex()}", occurred_at=now, received_at=now,
                properties=said[root], policy=policy, **people.naming(identifier),
            )  # fmt: skip
        except InvalidFact:
            continue
        rows.append(row)
    return rows
