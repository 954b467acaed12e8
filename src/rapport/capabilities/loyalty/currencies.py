"""Which carts and orders a programme counts, and its amounts in each currency it names. Pure.

Points are one, whatever was paid in; what members are promised is said in each currency by itself. Nothing is converted
in silence: an order in a currency that the terms do not name earns nothing, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from rapport.capabilities.loyalty.programme import Benefit, EarningRule, Programme

__all__ = ["Place", "currencies_of", "first_for", "from_own", "in_own", "is_of", "terms_in"]


class Place(NamedTuple):
    """Where something is bought."""

    currency: str
    country: str = ""
    brand: str = ""
    channel: str = ""


def currencies_of(terms: Programme) -> list[str]:
    """All that orders count in, the programme's own first."""
    return [terms.currency, *(one.currency for one in terms.currencies)]


def is_of(terms: Programme, place: Place) -> bool:
    """Whether the programme is about what is bought there, whatever it is paid in."""
    only = terms.only
    return all(
        not wanted or found.casefold() in {one.casefold() for one in wanted}
        for wanted, found in (
            (only.countries, place.country), (only.brands, place.brand), (only.channels, place.channel)
        )
    )  # fmt: skip


def first_for(newest: Mapping[str, Programme], place: Place) -> str:
    """Which programme counts what is bought there: the first by name; the first of all where none does, empty without
    any.
    """
    fits = [name for name, terms in newest.items() if is_of(terms, place) and place.currency in currencies_of(terms)]
    return next(iter([*fits, *newest]), "")


def terms_in(terms: Programme, currency: str) -> Programme | None:
    """The same terms with their amounts in this currency; None where they do not count in it.

    Fees of memberships stay in the programme's own.
    """
    if currency == terms.currency:
        return terms
    if currency not in currencies_of(terms):
        return None
    replace = msgspec.structs.replace
    spend = terms.tiers_by == "spend"
    return replace(
        terms, currency=currency,
        tiers=tuple(
            replace(one, at=from_own(terms, currency, one.at) if spend else one.at,
                    benefits=_benefits(one.benefits, currency))
            for one in terms.tiers
        ),
        plans=tuple(replace(one, benefits=_benefits(one.benefits, currency)) for one in terms.plans),
        earning=tuple(_rule(one, currency) for one in terms.earning),
        worth=replace(terms.worth, minor=terms.worth.minor_in[currency]),
        delivery=replace(terms.delivery, fee_minor=terms.delivery.fee_in.get(currency, 0),
                         free_from_minor=terms.delivery.free_from_in.get(currency, 0)),
    )  # fmt: skip


def in_own(terms: Programme, currency: str, minor: int) -> int:
    """What an amount counts as in the programme's own currency, rounded down; 0 of one that does not count."""
    rate = next((one for one in terms.currencies if one.currency == currency), None)
    if rate is None:
        return minor if currency == terms.currency else 0
    return minor * rate.counts_as // rate.minor


def from_own(terms: Programme, currency: str, minor: int) -> int:
    """So much of a currency as counts as this amount of the programme's own: rounded up."""
    rate = next((one for one in terms.currencies if one.currency == currency), None)
    return minor if rate is None else -(-minor * rate.minor // rate.counts_as)


def _benefits(several: Sequence[Benefit], currency: str) -> tuple[Benefit, ...]:
    return tuple(msgspec.structs.replace(one, above_minor=one.above_in.get(currency, 0)) for one in several)


def _rule(rule: EarningRule, currency: str) -> EarningRule:
    """A rule about an order's worth that is no order's own stays: that worth is counted in the programme's currency."""
    if not rule.per_minor or rule.on != "Order Completed":
        return rule
    return msgspec.structs.replace(rule, per_minor=rule.per_in[currency])
