"""Why a promise is in danger, in words: for staff in English, for customers in their language. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from rapport.kernel.language import noted

__all__ = ["CAUSES", "LANGUAGES", "TO_DO", "WHY"]

LANGUAGES = ("en", "de")

WHY: Mapping[str, Mapping[str, str]] = {
    "en": {
        "no_stock": "something you ordered is not in stock",
        "not_handed_over": "it has not left our warehouse in time",
        "no_movement": "the parcel has not moved as it should on its way to you",
        "carrier_later": "the carrier expects it later",
        "lost": "the carrier cannot find the parcel",
        "returning": "the carrier is sending the parcel back to us",
        "not_ready": "the store has not got it ready yet",
        "over": "it did not arrive in time",
    },
    "de": {
        "no_stock": "etwas aus Ihrer Bestellung ist nicht vorrätig",
        "not_handed_over": "sie hat unser Lager nicht rechtzeitig verlassen",
        "no_movement": "das Paket ist auf dem Weg zu Ihnen nicht so vorangekommen, wie es sollte",
        "carrier_later": "der Paketdienst erwartet es später",
        "lost": "der Paketdienst findet das Paket nicht",
        "returning": "der Paketdienst schickt das Paket an uns zurück",
        "not_ready": "die Filiale hat sie noch nicht bereitgelegt",
        "over": "sie ist nicht rechtzeitig angekommen",
    },
}
"""To a customer, by language and cause."""

CAUSES: Mapping[str, str] = {
    "no_stock": noted("not in stock"), "not_handed_over": noted("not handed over"), "no_movement": noted("no movement"),
    "carrier_later": noted("carrier expects it later"), "lost": noted("lost by the carrier"),
    "returning": noted("on its way back"),
    "not_ready": noted("not ready in the store"), "over": noted("late"),
}  # fmt: skip
"""To staff."""

TO_DO: Mapping[str, str] = {
    "no_stock": noted("Find it in another store, or tell the customer when it is in."),
    "not_handed_over": noted("Ask the warehouse where it lies, and send it today."),
    "no_movement": noted("Ask the carrier for a search."),
    "carrier_later": noted("See whether a store near the customer has it."),
    "lost": noted("Send another one, and claim this one from the carrier."),
    "returning": noted("Ask the customer for the right address, and send it again."),
    "not_ready": noted("Ask the store to get it ready."),
    "over": noted("Ask the carrier, and offer something for the wait."),
}
"""What staff can do about it."""
