"""What a shopper reads on the page of what is kept of them, by language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["WORDS"]

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "title": "Your data", "lead": "What we keep of you is yours to see, to have put right, and to have erased.",
        "access": "See what you keep of me", "access_more": "All of it, with where it came from, to read here.",
        "portability": "Give it to me as a file", "portability_more": "All of it, as a file that programs can read.",
        "rectification": "Put something right", "rectification_more": "Fill in what is wrong, as it ought to be.",
        "restriction": "Use it no more for now", "restriction_more":
            "We keep it and do nothing with it but what you ordered, and what the law demands.",
        "objection": "Stop choosing and advertising by it", "objection_more":
            "No more news, offers, or suggestions by what we know of you.",
        "erasure": "Erase all of it", "erasure_more":
            "For ever: orders, addresses, what you looked at. Nobody can take it back.",
        "books": "The law makes us keep numbers and amounts of your orders, tied to nobody: {law}.",
        "held": "waits, as we have to keep it for a while for a legal case",
        "sure": "Yes, erase all that you keep of me", "ask": "Ask", "asked": "Thank you. It is being done.",
        "duplicate": "You have asked for this already.", "unsure": "Tick that you are sure, then ask again.",
        "nothing": "Nothing was pressed.", "no_correction": "Fill in what is to be put right.",
        "yours": "What you asked", "read": "Read", "download": "Download", "by": "answered by {day} at the latest",
        "state": {
            "verifying": "being checked", "received": "being done", "running": "being done", "completed": "done",
            "refused": "not done", "not_found": "over", "duplicate": "asked already",
        },
        "fields": {
            "first_name": "First name", "last_name": "Last name", "birthday": "Birthday (1990-12-31)",
            "street": "Street", "postal_code": "Postal code", "city": "City", "country": "Country",
        },
        "known": "What is known", "names": "By what you are known", "made": "As it was on {day}.",
        "more": "{number} more are in the file", "back": "Back", "preferences": "What we may do",
        "over": "This link is over. They work for an hour.", "again": "Have a new one sent",
        "wrong": "This link is not complete. Open it as it stands in the message.",
    },
    "de": {
        "title": "Ihre Daten", "lead": "Was wir von Ihnen wissen, dürfen Sie sehen, berichtigen und löschen lassen.",
        "access": "Zeigen, was Sie von mir wissen", "access_more": "Alles, mit seiner Herkunft, hier zu lesen.",
        "portability": "Als Datei geben", "portability_more": "Alles, als Datei, die Programme lesen können.",
        "rectification": "Etwas berichtigen", "rectification_more": "Tragen Sie ein, wie es richtig heißt.",
        "restriction": "Vorerst nicht mehr nutzen", "restriction_more":
            "Wir behalten es und tun damit nur, was Sie bestellt haben und was das Gesetz verlangt.",
        "objection": "Nicht mehr danach auswählen und werben", "objection_more":
            "Keine Neuigkeiten, Angebote und Vorschläge mehr nach dem, was wir von Ihnen wissen.",
        "erasure": "Alles löschen", "erasure_more":
            "Für immer: Bestellungen, Adressen, was Sie angesehen haben. Niemand kann es zurückholen.",
        "books": "Nummern und Beträge Ihrer Bestellungen müssen wir von Gesetzes wegen behalten, mit niemandem "
            "verbunden: {law}.",
        "held": "wartet, weil wir es für ein Verfahren eine Zeit lang behalten müssen",
        "sure": "Ja, löschen Sie alles, was Sie von mir wissen", "ask": "Anfragen", "asked": "Danke. Es wird erledigt.",
        "duplicate": "Darum haben Sie schon gebeten.", "unsure": "Haken Sie an, dass Sie sicher sind.",
        "nothing": "Es wurde nichts gewählt.", "no_correction": "Tragen Sie ein, was berichtigt werden soll.",
        "yours": "Worum Sie gebeten haben", "read": "Lesen", "download": "Herunterladen",
        "by": "spätestens am {day} beantwortet",
        "state": {
            "verifying": "wird geprüft", "received": "wird erledigt", "running": "wird erledigt",
            "completed": "erledigt", "refused": "abgelehnt", "not_found": "vorbei", "duplicate": "schon gefragt",
        },
        "fields": {
            "first_name": "Vorname", "last_name": "Nachname", "birthday": "Geburtstag (1990-12-31)",
            "street": "Straße", "postal_code": "Postleitzahl", "city": "Ort", "country": "Land",
        },
        "known": "Was bekannt ist", "names": "Woran wir Sie erkennen", "made": "Wie es am {day} war.",
        "more": "{number} weitere stehen in der Datei", "back": "Zurück", "preferences": "Was wir dürfen",
        "over": "Dieser Link gilt nicht mehr. Sie gelten eine Stunde.", "again": "Einen neuen senden lassen",
        "wrong": "Dieser Link ist nicht vollständig. Öffnen Sie ihn so, wie er in der Nachricht steht.",
    },
}  # fmt: skip
