"""A programme in plain sentences, and what a change would change. Pure."""

from __future__ import annotations

from rapport.capabilities.loyalty.programme import Benefit, EarningRule, Programme
from rapport.kernel.money import format_minor

__all__ = ["benefit_words", "differences", "sentences"]


def sentences(programme: Programme, *, locale: str = "en") -> list[str]:
    """What the programme says, one thing a sentence."""
    money = programme.currency
    found = []
    by = {"spend": "orders of {} in all", "orders": "{} orders", "points": "{} points"}[programme.tiers_by]
    for tier in programme.tiers:
        amount = format_minor(tier.at, money, locale=locale) if programme.tiers_by == "spend" else f"{tier.at:,}"
        begins = (
            f"after {by.format(amount)} within {programme.tier_window_days} days" if tier.at else "from the beginning"
        )
        brings = (
            ", ".join(benefit_words(benefit, programme, locale=locale) for benefit in tier.benefits) or "nothing more"
        )
        found.append(f"{tier.title}, {begins}: {brings}.")
    if any(tier.at for tier in programme.tiers):
        found.append(f"A tier is kept for {programme.tier_keep_days} days from the last order that reached it.")
    for rule in programme.earning:
        per = f" for every {format_minor(rule.per_minor, money, locale=locale)}" if rule.per_minor else ""
        limit = f", at most {rule.at_most:,} in {rule.at_most_days} days" if rule.at_most else ""
        budget = f", {rule.budget:,} a month for all together, then a person decides" if rule.budget else ""
        found.append(f"{rule.title}: {_points(rule.points)}{per} ({rule.on}){_when(rule)}{limit}{budget}.")
    found.append(_counting(programme))
    found.append(f"Points of an order wait {programme.pending_days} days, until it can be returned no more.")
    if programme.valid_days:
        found.append(f"Points expire {programme.valid_days} days after they were earned, at the end of that day.")
    worth = programme.worth
    found.append(f"{_points(worth.points)} can pay {format_minor(worth.minor, money, locale=locale)}.")
    for plan in programme.plans:
        brings = ", ".join(benefit_words(benefit, programme, locale=locale) for benefit in plan.benefits) or "nothing"
        trial = f", {plan.trial_days} days on trial" if plan.trial_days else ""
        if plan.withdrawal_days:
            trial += f", to be taken back within {plan.withdrawal_days} days"
        if plan.pause_days:
            trial += f", {plan.pause_days} days a year to rest"
        if plan.holdout_percent:
            trial += f", {plan.holdout_percent} % of people, by chance, are not invited"
        found.append(
            f"{plan.title}, {format_minor(plan.fee_minor, money, locale=locale)} a {plan.period}{trial}: {brings}."
        )
    found += [
        f"Until {one.until[:16]} only who has {one.what!r} is shown {len(one.products):,} products."
        for one in programme.early
    ]
    found.append(f"Whoever is in the programme keeps the terms for {programme.notice_days} days after a change.")
    return found


def benefit_words(benefit: Benefit, programme: Programme, *, locale: str = "en") -> str:
    """What a benefit brings, exactly."""
    if benefit.kind == "delivery":
        if not benefit.above_minor:
            return "free delivery always"
        word = "above" if programme.counting.border == "above" else "from"
        return f"free delivery {word} {format_minor(benefit.above_minor, programme.currency, locale=locale)}"
    if benefit.kind == "price":
        return f"{benefit.percent} % off"
    if benefit.kind == "points":
        return f"{benefit.percent} % of the usual points"
    return f"{benefit.title[:1].lower()}{benefit.title[1:]}"


def differences(before: Programme, after: Programme) -> list[tuple[str, str]]:
    """The sentences that go and those that come, as (`-` or `+`, sentence)."""
    old, new = sentences(before), sentences(after)
    gone = [("-", one) for one in old if one not in new]
    return gone + [("+", one) for one in new if one not in old]


def _when(rule: EarningRule) -> str:
    """Under which conditions a rule gives."""
    found = []
    if rule.segments:
        found.append(f"for {' or '.join(rule.segments)}")
    if rule.first_order:
        found.append("for the first order")
    found += [f"of {', '.join(several)}" for several in (rule.products, rule.categories) if several]
    if rule.channels:
        found.append(f"bought in {' or '.join(rule.channels)}")
    if rule.since or rule.until:
        found.append(" ".join(f"{word} {at[:16]}" for word, at in (("from", rule.since), ("until", rule.until)) if at))
    if rule.per_day_late:
        found.append(f"{_points(rule.per_day_late)} more for each day late")
    if rule.most_each:
        found.append(f"at most {_points(rule.most_each)} at once")
    if rule.holdout_percent:
        found.append(f"{rule.holdout_percent} % of people, by chance, get none, so that its worth is known")
    return "".join(f", {one}" for one in found)


def _counting(programme: Programme) -> str:
    counting = programme.counting
    discounts = "after discounts" if counting.discounts == "after" else "before discounts"
    tax = "with tax as prices are" if counting.tax == "as_priced" else "without tax"
    return f"What counts of an order: goods without delivery and gift cards, {discounts}, {tax}."


def _points(number: int) -> str:
    return "1 point" if number == 1 else f"{number:,} points"
