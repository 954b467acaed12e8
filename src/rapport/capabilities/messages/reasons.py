"""Why a message waits, or is never sent: kept with it in English, told again in the language of whoever looks."""

from __future__ import annotations

from collections.abc import Mapping

from rapport.kernel.language import kept, noted

__all__ = [
    "A_COPY", "A_DAY", "A_MINUTE", "A_WEEK", "LATE", "NO_NEWS", "QUIET", "QUIET_HERE", "SPENT", "THEN_LATE",
    "UNDER_WAY",
]  # fmt: skip

A_COPY = noted("this is a copy of the data: allow sending on the page Messages first")
A_DAY = kept("no more than %(most)s within 24 hours")
A_MINUTE = kept("no more than %(most)s a minute to %(domain)s")
A_WEEK = kept("no more than %(most)s within 7 days")
BY_HAND = noted("held by hand")
COMPLAINING = noted("a complaint of theirs is open")
HAS_BOUGHT = noted("they have bought it meanwhile")
LATE = kept("too late: it was to go by %(at)s UTC")
NO_NEWS = noted("the address wants no news and offers")
QUIET_HERE = kept("quiet until %(hour)s:00 in %(zone)s, the shop's zone: theirs is not known")
QUIET = kept("quiet until %(hour)s:00 in %(zone)s")
SPENT: Mapping[str, str] = {
    "day": noted("the budget of the day for news and offers is spent"),
    "month": noted("the budget of the month for news and offers is spent"),
}
THEN_LATE = kept("%(why)s, and then it is too late")
UNDER_WAY: Mapping[str, str] = {
    "day": noted("what is under way may spend the rest of the budget of the day"),
    "month": noted("what is under way may spend the rest of the budget of the month"),
}
