"""A programme in plain sentences, and what a change would change. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from babel.numbers import format_decimal

from rapport.capabilities.loyalty.currencies import terms_in
from rapport.capabilities.loyalty.programme import Benefit, EarningRule, Plan, Programme, Tier
from rapport.kernel.language import gettext, ngettext, spoken
from rapport.kernel.money import format_minor

__all__ = ["benefit_words", "differences", "sentences"]


def sentences(programme: Programme) -> list[str]:
    """What the programme says, one thing a sentence, in the language that is spoken."""
    found = [_tier(tier, programme) for tier in programme.tiers]
    if any(tier.at for tier in programme.tiers):
        days = programme.tier_keep_days
        found.append(gettext("A tier is kept for %(days)s days from the last order that reached it.", days=days))
    found += [_rule(rule, programme) for rule in programme.earning]
    found.append(_counting(programme))
    days = programme.pending_days
    found.append(gettext("Points of an order wait %(days)s days, until it can be returned no more.", days=days))
    if programme.valid_days:
        days = programme.valid_days
        found.append(gettext("Points expire %(days)s days after they were earned, at the end of that day.", days=days))
    worth = programme.worth
    amount = format_minor(worth.minor, programme.currency)
    found.append(gettext("%(points)s can pay %(amount)s.", points=_points(worth.points), amount=amount))
    found += [*_currencies(programme), *_only(programme), _BACK_WORDS[programme.points_back]()]
    found += [_plan(plan, programme) for plan in programme.plans]
    found += [
        gettext(
            "Until %(until)s only who has “%(what)s” is shown %(products)s products.",
            until=one.until[:16], what=one.what, products=_number(len(one.products)),
        )
        for one in programme.early
    ]  # fmt: skip
    days = programme.notice_days
    found.append(gettext("Whoever is in the programme keeps the terms for %(days)s days after a change.", days=days))
    return found


def _currencies(programme: Programme) -> list[str]:
    """How each other currency counts, and what is promised in it."""
    found = []
    for one in programme.currencies:
        found.append(gettext(
            "Orders in %(currency)s count, too: %(minor)s as %(counts_as)s.", currency=one.currency,
            minor=format_minor(one.minor, one.currency), counts_as=format_minor(one.counts_as, programme.currency),
        ))  # fmt: skip
        here = terms_in(programme, one.currency) or programme
        promised = [_rule(rule, here) for rule in here.earning if rule.per_in]
        of = [(tier.title, tier.benefits) for tier in here.tiers] + [(plan.title, plan.benefits) for plan in here.plans]
        promised += [f"{title}: {benefit_words(b, here)}." for title, several in of for b in several if b.above_in]
        amount = format_minor(here.worth.minor, here.currency)
        promised.append(gettext("%(points)s can pay %(amount)s.", points=_points(here.worth.points), amount=amount))
        found += [f"{one.currency}: {words}" for words in promised]
    return found


def _only(programme: Programme) -> list[str]:
    only = programme.only
    found = []
    if only.countries:
        found.append(gettext("It is only about orders to %(countries)s.", countries=_either(only.countries)))
    if only.brands:
        found.append(gettext("It is only about orders of %(brands)s.", brands=_either(only.brands)))
    if only.channels:
        found.append(gettext("It is only about orders bought in %(channels)s.", channels=_either(only.channels)))
    return found


_BACK_WORDS: Mapping[str, Callable[[], str]] = {
    "share": lambda: gettext(
        "Points that paid for an order come back with it, in the share of its goods that comes back."
    ),
    "whole": lambda: gettext("Points that paid for an order come back once nothing of it is kept."),
    "told": lambda: gettext("Points that paid for an order come back only when the shop says so."),
}


def benefit_words(benefit: Benefit, programme: Programme) -> str:
    """What a benefit brings, exactly."""
    if benefit.kind == "delivery":
        if not benefit.above_minor:
            return gettext("free delivery always")
        amount = format_minor(benefit.above_minor, programme.currency)
        if programme.counting.border == "above":
            return gettext("free delivery above %(amount)s", amount=amount)
        return gettext("free delivery from %(amount)s", amount=amount)
    if benefit.kind == "price":
        return gettext("%(percent)s %% off", percent=benefit.percent)
    if benefit.kind == "points":
        return gettext("%(percent)s %% of the usual points", percent=benefit.percent)
    return f"{benefit.title[:1].lower()}{benefit.title[1:]}"


def differences(before: Programme, after: Programme) -> list[tuple[str, str]]:
    """The sentences that go and those that come, as (`-` or `+`, sentence)."""
    old, new = sentences(before), sentences(after)
    gone = [("-", one) for one in old if one not in new]
    return gone + [("+", one) for one in new if one not in old]


def _tier(tier: Tier, programme: Programme) -> str:
    brings = ", ".join(benefit_words(one, programme) for one in tier.benefits) or gettext("nothing more")
    if not tier.at:
        return gettext("%(tier)s, from the beginning: %(brings)s.", tier=tier.title, brings=brings)
    said = {"tier": tier.title, "days": programme.tier_window_days, "brings": brings}
    if programme.tiers_by == "spend":
        amount = format_minor(tier.at, programme.currency)
        return gettext(
            "%(tier)s, after orders of %(amount)s in all within %(days)s days: %(brings)s.", amount=amount, **said
        )
    if programme.tiers_by == "orders":
        return gettext(
            "%(tier)s, after %(orders)s orders within %(days)s days: %(brings)s.", orders=_number(tier.at), **said
        )
    return gettext(
        "%(tier)s, after %(points)s points within %(days)s days: %(brings)s.", points=_number(tier.at), **said
    )


def _rule(rule: EarningRule, programme: Programme) -> str:
    said = {"rule": rule.title, "points": _points(rule.points), "fact": gettext(rule.on)}
    if rule.per_minor:
        each = format_minor(rule.per_minor, programme.currency)
        first = gettext("%(rule)s: %(points)s for every %(amount)s (%(fact)s)", amount=each, **said)
    else:
        first = gettext("%(rule)s: %(points)s (%(fact)s)", **said)
    more = _when(rule)
    if rule.at_most:
        most, days = _number(rule.at_most), rule.at_most_days
        more.append(gettext("at most %(most)s in %(days)s days", most=most, days=days))
    if rule.budget:
        budget = _number(rule.budget)
        more.append(gettext("%(points)s a month for all together, then a person decides", points=budget))
    return ", ".join([first, *more]) + "."


def _when(rule: EarningRule) -> list[str]:
    """Under which conditions a rule gives."""
    found = []
    if rule.segments:
        found.append(gettext("for %(segments)s", segments=_either(rule.segments)))
    if rule.first_order:
        found.append(gettext("for the first order"))
    found += [gettext("of %(things)s", things=", ".join(some)) for some in (rule.products, rule.categories) if some]
    if rule.channels:
        found.append(gettext("bought in %(channels)s", channels=_either(rule.channels)))
    if rule.since and rule.until:
        found.append(gettext("from %(since)s until %(until)s", since=rule.since[:16], until=rule.until[:16]))
    elif rule.since:
        found.append(gettext("from %(since)s", since=rule.since[:16]))
    elif rule.until:
        found.append(gettext("until %(until)s", until=rule.until[:16]))
    if rule.per_day_late:
        found.append(gettext("%(points)s more for each day late", points=_points(rule.per_day_late)))
    if rule.most_each:
        found.append(gettext("at most %(points)s at once", points=_points(rule.most_each)))
    if rule.holdout_percent:
        found.append(gettext(
            "%(percent)s %% of people, by chance, get none, so that its worth is known", percent=rule.holdout_percent
        ))  # fmt: skip
    return found


def _plan(plan: Plan, programme: Programme) -> str:
    amount = format_minor(plan.fee_minor, programme.currency)
    fee = (
        gettext("%(plan)s, %(amount)s a year", plan=plan.title, amount=amount) if plan.period == "year"
        else gettext("%(plan)s, %(amount)s a month", plan=plan.title, amount=amount)
    )  # fmt: skip
    said = [fee]
    if plan.trial_days:
        said.append(gettext("%(days)s days on trial", days=plan.trial_days))
    if plan.withdrawal_days:
        said.append(gettext("to be taken back within %(days)s days", days=plan.withdrawal_days))
    if plan.pause_days:
        said.append(gettext("%(days)s days a year to rest", days=plan.pause_days))
    if plan.holdout_percent:
        said.append(gettext("%(percent)s %% of people, by chance, are not invited", percent=plan.holdout_percent))
    brings = ", ".join(benefit_words(one, programme) for one in plan.benefits) or gettext("nothing")
    return f"{', '.join(said)}: {brings}."


def _counting(programme: Programme) -> str:
    after, taxed = programme.counting.discounts == "after", programme.counting.tax == "as_priced"
    if after and taxed:
        return gettext(
            "What counts of an order: goods without delivery and gift cards, after discounts, with tax as prices are."
        )
    if after:
        return gettext("What counts of an order: goods without delivery and gift cards, after discounts, without tax.")
    if taxed:
        return gettext(
            "What counts of an order: goods without delivery and gift cards, before discounts, with tax as prices are."
        )
    return gettext("What counts of an order: goods without delivery and gift cards, before discounts, without tax.")


def _either(names: tuple[str, ...]) -> str:
    return f" {gettext('or')} ".join(names)


def _points(number: int) -> str:
    return ngettext("%(points)s point", "%(points)s points", number, points=_number(number))


def _number(number: int) -> str:
    return f"{number:,}" if spoken().tag == "en" else str(format_decimal(number, locale=spoken().locale))
