"""What a shop decides of its messages."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from rapport.kernel.settings import Section

__all__ = ["MESSAGE_SETTINGS", "MessageSettings"]


Instead: TypeAlias = Literal["nothing", "email", "sms", "whatsapp", "push"]
_INSTEAD = "By what a message goes that this channel cannot bring, unless it says so itself."


class MessageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop decides of its messages. Hours are those of the customer's clock."""

    quiet_from: Annotated[
        int, Meta(ge=0, le=23, title="Quiet from (hour)", description="News and offers wait from this hour on.")
    ] = 21
    quiet_until: Annotated[
        int, Meta(ge=0, le=23, title="Quiet until (hour)", description="The same hour as before: never quiet.")
    ] = 8
    cap_a_day: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            title="News and offers within 24 hours, at most",
            description="For one customer, over all channels and journeys. 0 is no limit.",
        ),
    ] = 1
    cap_a_week: Annotated[
        int,
        Meta(
            ge=0,
            le=500,
            title="News and offers within seven days, at most",
            description="Messages about an order are neither counted nor held.",
        ),
    ] = 3
    not_bought_days: Annotated[
        int,
        Meta(
            ge=0,
            le=365,
            title="What was bought is not advertised for (days)",
            description="News and offers about products that a customer has bought since are held back. 0: they go.",
        ),
    ] = 14
    first_channel: Annotated[
        Literal["email", "sms", "whatsapp", "push"],
        Meta(
            title="By which channel messages go first",
            description="Those for which none is named, where a customer has not said how they like to be reached.",
        ),
    ] = "email"
    email_instead: Annotated[Instead, Meta(title="Instead of e-mail", description=_INSTEAD)] = "nothing"
    sms_instead: Annotated[Instead, Meta(title="Instead of SMS", description=_INSTEAD)] = "nothing"
    whatsapp_instead: Annotated[Instead, Meta(title="Instead of WhatsApp", description=_INSTEAD)] = "nothing"
    push_instead: Annotated[Instead, Meta(title="Instead of web push", description=_INSTEAD)] = "nothing"
    domain_a_minute: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            title="Mails to one provider in a minute, at most",
            description="Such as all addresses at one mail provider. 0 is no limit.",
        ),
    ] = 600
    mail_price: Annotated[
        int,
        Meta(
            ge=0, le=100_000_000, title="Price of 1,000 mails",
            description="What the provider takes, in the smallest unit of the shop's currency, such as cents.",
        ),
    ] = 0  # fmt: skip
    sms_price: Annotated[
        int,
        Meta(
            ge=0, le=100_000_000, title="Price of 1,000 SMS parts",
            description="A long text, or one with an emoji, is carried in several parts.",
        ),
    ] = 0  # fmt: skip
    whatsapp_price: Annotated[
        int,
        Meta(
            ge=0, le=100_000_000, title="Price of 1,000 WhatsApp messages",
            description="In the smallest unit of the shop's currency, such as cents.",
        ),
    ] = 0  # fmt: skip
    budget_a_day: Annotated[
        int,
        Meta(
            ge=0, le=10**12, title="Budget of a day for news and offers",
            description="In the smallest unit of the currency. What does not fit waits a day. 0 is no limit.",
        ),
    ] = 0  # fmt: skip
    budget_a_month: Annotated[
        int,
        Meta(
            ge=0, le=10**12, title="Budget of a month for news and offers",
            description="Messages about an order are not held by it, but are shown among the costs.",
        ),
    ] = 0  # fmt: skip
    sender_name: Annotated[
        str, Meta(max_length=100, title="Name in mails", description="What mails call the shop. Empty: its name here.")
    ] = ""
    sender_address: Annotated[
        str,
        Meta(
            max_length=300,
            title="Postal address in mails",
            description="Stands at the foot of news and offers, as the law wants.",
        ),
    ] = ""
    colour: Annotated[
        str, Meta(pattern="^#[0-9a-fA-F]{6}$", title="Colour of buttons", description="Such as #1f4f8f.")
    ] = "#1f4f8f"  # fmt: skip


MESSAGE_SETTINGS = Section(name="messages", title="Messages", kind=MessageSettings)
