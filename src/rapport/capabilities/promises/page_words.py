"""The words of the customer's page of an order, by language. Pure."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["WORDS"]

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Your order", "order": "Order", "by": "by", "promised": "Promised", "before": "Promised before",
        "likely": "We expect it", "no_date": "We do not know the new date yet and write as soon as we do.",
        "because": "The reason:", "where": "Where it is", "store": "Store", "nothing_sent": "It has not left us yet.",
        "on_time": "Your order is on time", "may_be_late": "Your order may be late", "is_late": "Your order is late",
        "is_there": "Your order has arrived", "is_ready": "Your order is ready to collect",
        "to_collect": "We are getting your order ready to collect", "is_cancelled": "This order was cancelled",
        "asked_cancel": "You asked us to cancel this order", "sorry": "We are sorry. You choose what happens now:",
        "wait": "Wait for it", "collect": "Collect it from a store that has it", "replace": "Send me another one",
        "cancel": "Cancel the order", "send": "Choose", "arrived": "There since",
        "thanks": "Thank you. That is how we do it.",
        "changed": "Something has changed meanwhile. This is how it is now.",
        "choose": "Please choose one of these.", "you_chose": "you chose this",
        "chose_wait": "You chose to wait.", "chose_collect": "You chose to collect it.",
        "chose_replace": "You asked us for another one.",
        "chose_cancel": "We cancel it and tell you when that is done.",
        "steps": "Ordered|On its way|Out for delivery|There",
        "steps_collect": "Ordered|Being put together|Nearly ready|Ready",
        "state_announced": "announced to the carrier", "state_packed": "packed", "state_in_transit": "on its way",
        "state_out_for_delivery": "out for delivery", "state_attempted": "the carrier met nobody",
        "state_ready_to_collect": "ready to collect", "state_delivered": "delivered",
        "state_returning": "on its way back to us", "state_lost": "the carrier is looking for it",
        "state_unknown": "with the carrier",
        "wrong": "This link is not complete, or the order is not ours. Open it as it stands in the message.",
    },
    "de": {
        "title": "Ihre Bestellung", "order": "Bestellung", "by": "bis", "promised": "Versprochen",
        "before": "Vorher versprochen", "likely": "Wir erwarten sie",
        "no_date": "Den neuen Termin kennen wir noch nicht und schreiben, sobald wir ihn wissen.",
        "because": "Der Grund:", "where": "Wo sie ist", "store": "Filiale",
        "nothing_sent": "Sie hat uns noch nicht verlassen.",
        "on_time": "Ihre Bestellung ist pünktlich", "may_be_late": "Ihre Bestellung kommt vielleicht später",
        "is_late": "Ihre Bestellung ist verspätet", "is_there": "Ihre Bestellung ist angekommen",
        "is_ready": "Ihre Bestellung liegt zur Abholung bereit",
        "to_collect": "Wir legen Ihre Bestellung zur Abholung bereit",
        "is_cancelled": "Diese Bestellung wurde storniert",
        "asked_cancel": "Sie haben uns gebeten, diese Bestellung zu stornieren",
        "sorry": "Das tut uns leid. Sie entscheiden, wie es weitergeht:",
        "wait": "Darauf warten", "collect": "In einer Filiale abholen, die sie vorrätig hat",
        "replace": "Schicken Sie mir eine neue", "cancel": "Die Bestellung stornieren", "send": "Auswählen",
        "arrived": "Da seit", "thanks": "Danke. So machen wir es.",
        "changed": "Inzwischen hat sich etwas geändert. So steht es jetzt.",
        "choose": "Bitte wählen Sie eines davon.", "you_chose": "das haben Sie gewählt",
        "chose_wait": "Sie möchten warten.", "chose_collect": "Sie möchten sie abholen.",
        "chose_replace": "Sie haben uns um eine neue gebeten.",
        "chose_cancel": "Wir stornieren sie und melden uns, wenn das geschehen ist.",
        "steps": "Bestellt|Unterwegs|In Zustellung|Da", "steps_collect": "Bestellt|Wird gepackt|Fast fertig|Bereit",
        "state_announced": "beim Paketdienst angekündigt", "state_packed": "gepackt", "state_in_transit": "unterwegs",
        "state_out_for_delivery": "in Zustellung", "state_attempted": "der Paketdienst hat niemanden angetroffen",
        "state_ready_to_collect": "zur Abholung bereit", "state_delivered": "zugestellt",
        "state_returning": "auf dem Rückweg zu uns", "state_lost": "der Paketdienst sucht das Paket",
        "state_unknown": "beim Paketdienst",
        "wrong": "Dieser Link ist nicht vollständig, oder die Bestellung ist nicht von uns. Öffnen Sie ihn so, wie er "
                 "in der Nachricht steht.",
    },
}  # fmt: skip
