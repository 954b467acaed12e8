"""A programme's document read: what it may say, and where it contradicts itself, at the field that says it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from rapport.capabilities.loyalty.facts import ABOUT, ORDER_FACTS, OWN, RULE_FACTS
from rapport.capabilities.loyalty.programme import Benefit, EarningRule, Programme, Tier
from rapport.kernel.clock import from_iso
from rapport.kernel.currencies import currency_code
from rapport.kernel.errors import InvalidInput

__all__ = ["UnfitTerms", "read_programme"]

_AT = re.compile(r"^(?P<what>.*?) - at `\$?\.?(?P<path>[^`]*)`$", re.DOTALL)


class UnfitTerms(InvalidInput):
    """Terms that cannot hold; `path` is the field that says so (`tiers.1.at`), empty where no single one does."""

    def __init__(self, message: str, *, path: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


def read_programme(document: bytes | Mapping[str, Any]) -> Programme:
    """The programme that a JSON document says. Raises UnfitTerms with the path of what cannot be read or hold."""
    try:
        if isinstance(document, bytes):
            programme = msgspec.json.decode(document, type=Programme)
        else:
            programme = msgspec.convert(document, Programme)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnfitTerms(
            f"the programme cannot be read: {error}", hint="see docs/how-to/run-a-loyalty-programme.md",
            path=_path_in(str(error)),
        ) from error  # fmt: skip
    _check(programme)
    return programme


def _path_in(words: str) -> str:
    """Where a message of the decoder's points, as fields are called.

    >>> _path_in("Expected `int` >= 0 - at `$.tiers[1].at`"), _path_in("no such thing")
    ('tiers.1.at', '')
    """
    found = _AT.match(words)
    return re.sub(r"\[(\d+)\]", r".\1", found["path"]).strip(".") if found else ""


def _check(programme: Programme) -> None:
    """Raises UnfitTerms where rules contradict one another, with what to change."""
    _check_head(programme)
    _check_tiers(programme.tiers)
    for i, rule in enumerate(programme.earning):
        _check_rule(rule, programme, f"earning.{i}")
    _check_names("earning rule", [rule.name for rule in programme.earning], "earning")
    for i, early in enumerate(programme.early):
        if _check_time(early.until, f"early.{i}.until") is None:
            raise UnfitTerms(f"{early.what!r} does not say until when", hint="such as 2026-12-01T00:00:00+01:00",
                             path=f"early.{i}.until")  # fmt: skip
    _check_names("plan", [plan.name for plan in programme.plans], "plans")
    for path, benefit in _benefits(programme):
        _check_benefit(benefit, path)
    _check_currencies(programme)


def _benefits(programme: Programme) -> Iterator[tuple[str, Benefit]]:
    of = [(f"tiers.{i}", one.benefits) for i, one in enumerate(programme.tiers)]
    of += [(f"plans.{i}", one.benefits) for i, one in enumerate(programme.plans)]
    for path, several in of:
        for i, benefit in enumerate(several):
            yield f"{path}.benefits.{i}", benefit


def _check_currencies(programme: Programme) -> None:
    """Each amount that is promised is said in each currency, and in no other: nothing is converted in silence."""
    _check_names("currency", [one.currency for one in programme.currencies], "currencies")
    for i, one in enumerate(programme.currencies):
        path = f"currencies.{i}.currency"
        if currency_code(one.currency) is None:
            raise UnfitTerms(f"{one.currency!r} is no currency", hint="ISO 4217, such as CHF", path=path)
        if one.currency == programme.currency:
            raise UnfitTerms(f"{one.currency} is the programme's own currency", hint="name others alone", path=path)
    others = [one.currency for one in programme.currencies]
    for path, what, is_said, there in _amounts(programme):
        stray = sorted(set(there) - set(others))
        if stray:
            raise UnfitTerms(f"{what} is said in {stray[0]}, which the programme does not count in", path=path,
                             hint="add it to `currencies`, or leave it out")  # fmt: skip
        missing = [code for code in others if code not in there] if is_said else []
        if missing:
            raise UnfitTerms(f"{what} is not said in {missing[0]}", path=path,
                             hint=f"orders in {missing[0]} are counted: say the amount there, too")  # fmt: skip


def _amounts(programme: Programme) -> Iterator[tuple[str, str, bool, Mapping[str, int]]]:
    """Amounts of money: the field, what it is, whether the programme's own currency has one, and those of others."""
    for path, benefit in _benefits(programme):
        is_said = benefit.kind == "delivery" and benefit.above_minor > 0
        yield f"{path}.above_in", f"from what {benefit.title!r} begins", is_said, benefit.above_in
    for i, rule in enumerate(programme.earning):
        is_said = rule.per_minor > 0 and rule.on == "Order Completed"
        yield f"earning.{i}.per_in", f"for how much {rule.name!r} gives points", is_said, rule.per_in
    yield "worth.minor_in", "what points are worth", True, programme.worth.minor_in
    delivery = programme.delivery
    yield "delivery.fee_in", "what delivery costs", delivery.fee_minor > 0, delivery.fee_in
    free_from = delivery.free_from_minor > 0
    yield "delivery.free_from_in", "from what delivery is free for all", free_from, delivery.free_from_in


def _check_head(programme: Programme) -> None:
    if currency_code(programme.currency) is None:
        raise UnfitTerms(f"{programme.currency!r} is no currency", hint="ISO 4217, such as EUR", path="currency")
    try:
        ZoneInfo(programme.time_zone)
    except (ValueError, OSError, KeyError) as error:
        raise UnfitTerms(
            f"{programme.time_zone!r} is no time zone", hint="such as Europe/Berlin", path="time_zone"
        ) from error
    _check_time(programme.starts, "starts")
    if programme.counting.tax == "excluded" and not programme.counting.tax_percent:
        raise UnfitTerms("tax is left out, but by how many percent is not said", hint="counting.tax_percent",
                         path="counting.tax_percent")  # fmt: skip


def _check_time(text: str, path: str) -> int | None:
    try:
        return from_iso(text) if text else None
    except ValueError as error:
        raise UnfitTerms(f"{path.rpartition('.')[2]!r} is {text[:40]!r}, no time", path=path,
                         hint="such as 2026-12-01T00:00:00+01:00") from error  # fmt: skip


def _check_names(what: str, names: list[str], path: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        place = len(names) - 1 - names[::-1].index(twice[0])
        raise UnfitTerms(f"there are two of the {what} {twice[0]!r}", hint="give each a name of its own",
                         path=f"{path}.{place}.{'currency' if what == 'currency' else 'name'}")  # fmt: skip


def _check_tiers(tiers: tuple[Tier, ...]) -> None:
    _check_names("tier", [tier.name for tier in tiers], "tiers")
    if tiers and tiers[0].at != 0:
        raise UnfitTerms(
            f"the first tier {tiers[0].name!r} begins at {tiers[0].at}", hint="it begins at 0: everybody is in it",
            path="tiers.0.at",
        )  # fmt: skip
    for i, (before, after) in enumerate(pairwise(tiers)):
        if after.at <= before.at:
            raise UnfitTerms(
                f"the tiers {before.name!r} (from {before.at}) and {after.name!r} (from {after.at}) overlap",
                hint="each begins above the one before it", path=f"tiers.{i + 1}.at",
            )  # fmt: skip


def _check_rule(rule: EarningRule, programme: Programme, path: str) -> None:
    said = f"there are: {', '.join(('Order Completed', *RULE_FACTS))}"
    if rule.on in {kind.name for kind in OWN}:
        raise UnfitTerms(
            f"the rule {rule.name!r} would earn from its own points: {rule.on!r} is stated by the programme", hint=said,
            path=f"{path}.on",
        )  # fmt: skip
    if rule.on not in ("Order Completed", *RULE_FACTS):
        why = "only completed orders earn" if rule.on in ORDER_FACTS else "no rule can listen to it"
        raise UnfitTerms(f"the rule {rule.name!r} is on {rule.on[:60]!r}: {why}", hint=said, path=f"{path}.on")
    of_orders = rule.first_order or rule.channels or rule.products or rule.categories
    if rule.on == "Order Completed" and (rule.per_day_late or rule.holdout_percent or rule.most_each):
        raise UnfitTerms(f"the rule {rule.name!r} asks of an order what only an apology or another fact can say",
                         path=f"{path}.on")  # fmt: skip
    if rule.per_minor and rule.on != "Order Completed" and ABOUT.get(rule.on) != "order_id":
        raise UnfitTerms(f"the rule {rule.name!r} counts by an order's worth, and {rule.on!r} names no order",
                         path=f"{path}.per_minor")  # fmt: skip
    if rule.on != "Order Completed" and of_orders:
        raise UnfitTerms(f"the rule {rule.name!r} asks of {rule.on!r} what only an order can say", path=f"{path}.on")
    unknown = sorted(set(rule.by_tier) - {tier.name for tier in programme.tiers})
    if unknown:
        raise UnfitTerms(f"the rule {rule.name!r} names the tier {unknown[0]!r}, which there is not",
                         path=f"{path}.by_tier")  # fmt: skip
    since, until = _check_time(rule.since, f"{path}.since"), _check_time(rule.until, f"{path}.until")
    if since is not None and until is not None and until <= since:
        raise UnfitTerms(f"the rule {rule.name!r} ends ({rule.until}) before it begins ({rule.since})",
                         path=f"{path}.until")  # fmt: skip


def _check_benefit(benefit: Benefit, path: str) -> None:
    if benefit.kind == "price" and not 0 < benefit.percent <= 100:
        raise UnfitTerms(f"{benefit.title!r} takes {benefit.percent} % off", hint="1 to 100", path=f"{path}.percent")
    if benefit.kind == "points" and benefit.percent <= 100:
        raise UnfitTerms(
            f"{benefit.title!r} gives {benefit.percent} % of the usual points", hint="more than 100: 200 is double",
            path=f"{path}.percent",
        )  # fmt: skip
    if benefit.kind == "access" and not benefit.what:
        raise UnfitTerms(f"{benefit.title!r} does not say access to what", hint='"what": "early-access"',
                         path=f"{path}.what")  # fmt: skip
