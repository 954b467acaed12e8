"""What is remembered of any person, whatever the shop sells: who, where, since when, by which channels."""

from __future__ import annotations

from typing import Any

from rapport.kernel.clock import to_iso
from rapport.kernel.mergeable import Activity, Counted, First, Latest, Presence, Stamp
from rapport.remember import inputs, stated
from rapport.remember.registry import Part, Trait, yes

__all__ = ["NOT_BY_CUSTOMER", "PARTS", "TRAITS"]

NOT_BY_CUSTOMER = (
    "Order Updated", "Order Refunded", "Order Cancelled", "Order Approved", "Order Fulfilled", "Order Packed",
    "Order Shipped", "Order Delivered", "Bad Debt Adjusted", "Stock Adjusted", "Promise Broken",
    "Email Sent", "Email Delivered", "Email Bounced", "SMS Sent", "SMS Delivered", "Message Sent",
)  # fmt: skip
"""Facts about a customer in which the customer did nothing: they are no visit and no sign of life."""

PARTS: tuple[Part, ...] = (
    Part(name="activity", kind=Activity(), take=yes, but_not=NOT_BY_CUSTOMER),
    Part(
        name="channels", kind=Counted(), take=inputs.channel, but_not=NOT_BY_CUSTOMER,
        reads=("context.channel", "properties.channel", "context.library.name"),
    ),
    Part(
        name="devices", kind=Counted(), take=inputs.device, with_context=("device", "userAgent"),
        reads=("context.device.type", "context.userAgent"),
    ),
    Part(name="email", version=2, kind=Latest(), take=stated.email, with_context=("traits",), reads=("traits.email",)),
    Part(name="phone", version=2, kind=Latest(), take=stated.phone, with_context=("traits",), reads=("traits.phone",)),
    Part(
        name="name", version=2, kind=Latest(), own=True, take=stated.name, with_context=("traits",),
        reads=("traits.name", "traits.firstName", "traits.lastName"),
    ),
    Part(
        name="first_name", version=2, kind=Latest(), own=True, take=stated.first_name,
        with_context=("traits",), reads=("traits.firstName",)
    ),
    Part(
        name="last_name", version=2, kind=Latest(), own=True, take=stated.last_name,
        with_context=("traits",), reads=("traits.lastName",)
    ),
    Part(
        name="birthday", kind=Latest(), own=True, take=stated.birthday, with_context=("traits",),
        reads=("traits.birthday",)
    ),
    Part(
        name="company", kind=Latest(), own=True, take=stated.company, with_context=("traits",),
        reads=("traits.company", "traits.address.company")
    ),
    Part(
        name="location", version=2, kind=Latest(), own=True, take=stated.address, on=("Order Completed",),
        with_context=("traits", "location"),
        reads=("traits.address", "properties.shipping_address", "context.location"),
    ),
    Part(
        name="country", version=2, kind=Latest(), own=True, take=stated.country, on=("Order Completed",),
        with_context=("traits", "location"),
        reads=("traits.address.country", "properties.shipping_address.country", "context.location.country"),
    ),
    Part(
        name="language", kind=Latest(), take=stated.language, with_context=("traits", "locale"),
        reads=("traits.language", "traits.locale", "context.locale"),
    ),
    Part(
        name="time_zone", kind=Latest(), take=stated.time_zone, with_context=("timezone",), reads=("context.timezone",)
    ),
    Part(
        name="acquisition", kind=First(), take=inputs.acquisition, with_context=("campaign", "page"),
        reads=("context.campaign", "context.page.referrer", "context.page.url"),
    ),
)  # fmt: skip


def _first_seen(value: Presence, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return to_iso(value.first[0]), value.first


def _last_seen(value: Presence, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return to_iso(value.last[0]), value.last


def _visits(value: Presence, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return value.visits, value.last


def _counted(value: list[tuple[str, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return [{"name": name, "count": count} for name, count in value[:10]], stamp


def _acquired(value: dict[str, Any], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    named = {field: found for field, found in value.items() if field != "cost"}
    return named | {"first_touch_at": to_iso(stamp[0])}, stamp


def _acquisition_cost(value: dict[str, Any], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return ({value["cost"][0]: value["cost"][1]} if "cost" in value else None), stamp


TRAITS: tuple[Trait, ...] = (
    Trait(name="name", title="Name", type="text", part="name",
          rule="The latest name stated; first and last name together where no full name was."),
    Trait(name="first_name", title="First name", type="text", part="first_name", rule="The latest first name stated."),
    Trait(name="last_name", title="Last name", type="text", part="last_name", rule="The latest last name stated."),
    Trait(name="email", title="E-mail", type="text", part="email", rule="The latest valid e-mail address stated."),
    Trait(name="phone", title="Phone", type="text", part="phone",
          rule="The latest possible phone number stated, in international form."),
    Trait(name="birthday", title="Birthday", type="date", part="birthday", rule="The latest date of birth stated."),
    Trait(name="company", title="Company", type="text", part="company", rule="The latest company stated."),
    Trait(name="location", title="Location", type="object", part="location",
          rule="The latest address stated or shipped to; where none is known, the place of the latest visit."),
    Trait(name="country", title="Country", type="text", part="country",
          rule="The country of the latest address stated or shipped to; where none is known, of the latest visit."),
    Trait(name="language", title="Language", type="text", part="language",
          rule="The latest language stated; where none is known, that of the browser or app last used."),
    Trait(name="time_zone", title="Time zone", type="text", part="time_zone",
          rule="The time zone of the browser or app last used."),
    Trait(name="first_seen_at", title="First seen", type="time", part="activity", pick=_first_seen,
          rule="The time of the earliest fact in which the customer did something."),
    Trait(name="last_seen_at", title="Last seen", type="time", part="activity", pick=_last_seen,
          rule="The time of the latest fact in which the customer did something."),
    Trait(name="sessions", title="Visits", type="integer", part="activity", pick=_visits,
          rule="Runs of activity on any channel with at least 30 minutes between them, within 400 days of the last."),
    Trait(name="channels", title="Channels", type="list", part="channels", pick=_counted,
          rule="Channels by number of facts, the one used most first."),
    Trait(name="devices", title="Devices", type="list", part="devices", pick=_counted,
          rule="Kinds of device by number of facts, the one used most first."),
    Trait(name="acquisition", title="Acquisition", type="object", part="acquisition", pick=_acquired,
          rule="The campaign, or else the referring site, of the earliest visit that came from one."),
    Trait(name="acquisition_cost", title="Acquisition cost", type="money", part="acquisition", pick=_acquisition_cost,
          rule="What the campaign of the earliest visit cost, as the campaign states it."),
)  # fmt: skip
