"""What a shop decides of its promises."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.kernel.language import noted
from rapport.kernel.settings import Section

__all__ = ["PROMISE_SETTINGS", "PromiseSettings"]

_CUT_OFF = "^(([01][0-9]|2[0-3]):[0-5][0-9])?$"


def _until(title: str) -> Meta:
    return Meta(pattern=_CUT_OFF, title=title, description="Such as 17:00; empty: nothing leaves.")


class PromiseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop decides of its promises. Hours are those of the warehouse's clock."""

    tell_customers: Annotated[
        bool,
        Meta(title="Tell customers", description="Write to them before they ask when a promise is at risk or broken."),
    ] = True
    at_risk_percent: Annotated[
        int,
        Meta(
            ge=5, le=95, title="At risk from (percent)",
            description="A promise is at risk from this probability of being late, by the shop's own history.",
        ),
    ] = 50  # fmt: skip
    make_promises: Annotated[
        bool,
        Meta(
            title="Promise by the calendar",
            description="Orders that come without a promise get one from the cut-offs and days below.",
        ),
    ] = False
    warehouse_zone: Annotated[
        str, Meta(max_length=60, title="Warehouse's time zone", description="Such as Europe/Berlin. Empty: the shop's.")
    ] = ""
    cut_off_mon: Annotated[str, _until(noted("Cut-off on Mondays"))] = "17:00"
    cut_off_tue: Annotated[str, _until(noted("Cut-off on Tuesdays"))] = "17:00"
    cut_off_wed: Annotated[str, _until(noted("Cut-off on Wednesdays"))] = "17:00"
    cut_off_thu: Annotated[str, _until(noted("Cut-off on Thursdays"))] = "17:00"
    cut_off_fri: Annotated[str, _until(noted("Cut-off on Fridays"))] = "17:00"
    cut_off_sat: Annotated[str, _until(noted("Cut-off on Saturdays"))] = ""
    cut_off_sun: Annotated[str, _until(noted("Cut-off on Sundays"))] = ""
    holidays: Annotated[
        str,
        Meta(
            max_length=2_000, pattern=r"^(\d{4}-\d{2}-\d{2}([ ,]+|$))*$", title="Holidays",
            description="Days on which nothing moves, such as 2026-12-25, 2026-12-26.",
        ),
    ] = ""  # fmt: skip
    transit_days: Annotated[
        int,
        Meta(ge=0, le=60, title="Days on the way", description="Working days from the hand-over until it is there."),
    ] = 2
    collect_hours: Annotated[
        int, Meta(ge=0, le=240, title="Hours until a store has it ready", description="Where a customer collects.")
    ] = 4  # fmt: skip


PROMISE_SETTINGS = Section(name="promises", title="Delivery promises", kind=PromiseSettings)
