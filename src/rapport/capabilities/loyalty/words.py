"""What members read, in their language: the words of wallet, membership and cart. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from babel.dates import format_date
from babel.numbers import format_decimal

from rapport.capabilities.loyalty.programme import Benefit
from rapport.kernel.clock import from_iso, to_datetime, zone_named

__all__ = ["LANGUAGES", "MOVED", "WORDS", "benefit_title", "day", "number", "points"]

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Your wallet",
        "worth": "worth {} on your next order",
        "pending": "{} more wait until your orders can be returned no more.",
        "owed": "{} were given for goods that came back after you had used them; your next points make up for it.",
        "held": "{} are kept for a checkout that is going on.",
        "none": "No points yet: they come with your first order.",
        "expire": "{} expire after {}",
        "soon": "Use them in time",
        "lots": "All points and until when they are good",
        "ever": "do not expire",
        "tier": "Your tier",
        "next": "{} to {}",
        "top": "This is the highest there is.",
        "kept": "yours until {} at least",
        "benefits": "What you have",
        "saved": "saved so far with your benefits",
        "membership": "Membership",
        "fee": "{} a {}",
        "month": "month",
        "year": "year",
        "trial": "on trial until {}",
        "active": "paid until {}",
        "cancelled": "ends after {}; until then all stays as it is",
        "ended": "ended on {}",
        "account": "Paid {}, saved {} so far.",
        "try": "Try {} days for nothing",
        "pay": "Join for {} a {}",
        "change": "Change from {} today for {}: {} of what you have paid is credited",
        "ask": "You can join when you next order.",
        "cancel": "Cancel membership",
        "sure": "You keep everything until {}. After that nothing more is charged.",
        "joined": "Welcome. It holds from now on.",
        "paused": "rests until {}; what is paid for lasts as much longer",
        "pause": "Pause",
        "pausing": "It brings nothing meanwhile, and lasts as much longer. For how many days, {} at most?",
        "resume": "Go on now",
        "rests": "It rests. What you have paid for lasts as much longer.",
        "withdraw": "Take it back",
        "withdrawing": "Until {} you may take it back. It ends at once, and you have your whole fee back.",
        "taken_back": "Taken back. You have {} back.",
        "gone": "Cancelled. You keep everything until the date below.",
        "history": "What happened",
        "nothing": "Nothing yet.",
        "over": "This link is over. Ask the shop for a new one.",
        "wrong": "This link is not complete. Open it as it stands in the message.",
        "here": "In this basket",
        "saving": "You save {}",
        "earn": "This order brings {}",
        "balance": "You have {}",
        "missing": "{} more to free delivery",
        "would": "With {} you would save {} today",
        "point": "point",
        "points": "points",
        "orders": "orders",
        "order": "order",
        "failed": "That did not work: {}",
        "pays": "up to {} can be paid with points",
        "open": "Open your wallet",
        "card": "On your phone",
        "apple": "Add to Apple Wallet",
        "google": "Save to Google Wallet",
        "renew_card": "Take it again whenever you like: it is the same card, with what holds then.",
        "no_card": "This shop has no card for your phone's wallet yet.",
        "card_points": "Points",
        "card_tier": "Tier",
        "card_number": "Member",
        "card_next": "Next tier",
        "card_until": "Use in time",
        "card_as_of": "As of",
    },
    "de": {
        "title": "Ihre Vorteile",
        "worth": "{} wert bei der nächsten Bestellung",
        "pending": "{} warten, bis Ihre Bestellungen nicht mehr zurückgegeben werden können.",
        "owed": "{} gab es für Ware, die zurückkam, nachdem Sie sie eingelöst hatten; die nächsten "
        "Punkte gleichen das aus.",
        "held": "{} sind für einen laufenden Kauf zurückgelegt.",
        "none": "Noch keine Punkte: Sie kommen mit der ersten Bestellung.",
        "expire": "{} verfallen nach dem {}",
        "soon": "Bald einlösen",
        "lots": "Alle Punkte und wie lange sie gelten",
        "ever": "verfallen nicht",
        "tier": "Ihre Stufe",
        "next": "{} bis {}",
        "top": "Höher geht es nicht.",
        "kept": "mindestens bis {}",
        "benefits": "Das haben Sie davon",
        "saved": "bisher durch Ihre Vorteile gespart",
        "membership": "Mitgliedschaft",
        "fee": "{} im {}",
        "month": "Monat",
        "year": "Jahr",
        "trial": "zur Probe bis {}",
        "active": "bezahlt bis {}",
        "cancelled": "endet nach dem {}; bis dahin bleibt alles, wie es ist",
        "ended": "beendet am {}",
        "account": "Bezahlt: {}, bisher gespart: {}.",
        "try": "{} Tage kostenlos probieren",
        "pay": "Für {} im {} beitreten",
        "change": "Heute von {} wechseln für {}: {} von Bezahltem werden angerechnet",
        "ask": "Beitreten können Sie bei der nächsten Bestellung.",
        "cancel": "Mitgliedschaft kündigen",
        "sure": "Bis {} behalten Sie alles. Danach wird nichts mehr berechnet.",
        "joined": "Willkommen. Es gilt ab sofort.",
        "paused": "ruht bis {}; Bezahltes gilt entsprechend länger",
        "pause": "Ruhen lassen",
        "pausing": "So lange bringt sie nichts, und Bezahltes gilt entsprechend länger. Wie viele Tage, höchstens {}?",
        "resume": "Jetzt weiter",
        "rests": "Sie ruht. Bezahltes gilt entsprechend länger.",
        "withdraw": "Widerrufen",
        "withdrawing": "Bis {} können Sie widerrufen. Sie endet sofort, und Sie erhalten den ganzen Beitrag zurück.",
        "taken_back": "Widerrufen. Sie erhalten {} zurück.",
        "gone": "Gekündigt. Bis zum Datum unten behalten Sie alles.",
        "history": "Was geschah",
        "nothing": "Noch nichts.",
        "over": "Dieser Link gilt nicht mehr. Fordern Sie beim Shop einen neuen an.",
        "wrong": "Dieser Link ist nicht vollständig. Öffnen Sie ihn so, wie er in der Nachricht steht.",
        "here": "In diesem Warenkorb",
        "saving": "Sie sparen {}",
        "earn": "Diese Bestellung bringt {}",
        "balance": "Sie haben {}",
        "missing": "Noch {} bis zum kostenlosen Versand",
        "would": "Mit {} würden Sie heute {} sparen",
        "point": "Punkt",
        "points": "Punkte",
        "orders": "Bestellungen",
        "order": "Bestellung",
        "failed": "Das ging nicht: {}",
        "pays": "bis zu {} können mit Punkten bezahlt werden",
        "open": "Zu Ihren Vorteilen",
        "card": "Auf Ihrem Telefon",
        "apple": "Zu Apple Wallet hinzufügen",
        "google": "In Google Wallet speichern",
        "renew_card": "Holen Sie sie erneut, wann immer Sie möchten: Es ist dieselbe Karte mit dem, was dann gilt.",
        "no_card": "Dieser Shop hat noch keine Karte für die Wallet Ihres Telefons.",
        "card_points": "Punkte",
        "card_tier": "Stufe",
        "card_number": "Mitglied",
        "card_next": "Nächste Stufe",
        "card_until": "Bald einlösen",
        "card_as_of": "Stand",
    },
}  # fmt: skip
LANGUAGES = tuple(WORDS)

MOVED: Mapping[str, Mapping[str, str]] = {
    "de": {
        "earned, waiting": "gesammelt, wartet noch", "earned": "gesammelt", "available now": "jetzt verfügbar",
        "held for a checkout": "für einen Kauf zurückgelegt", "paid with": "eingelöst", "released": "wieder frei",
        "expired": "verfallen", "taken back": "zurückgenommen", "owed": "auszugleichen", "paid off": "ausgeglichen",
        "given back": "zurückgegeben", "taken by staff": "vom Shop berichtigt",
    },
}  # fmt: skip
"""What a movement is called (`wallet.Movement.what`), where it is not English."""


def number(value: int, language: str) -> str:
    """A number as it is written there."""
    return str(format_decimal(value, locale=language))


def points(value: int, language: str) -> str:
    """So many points.

    >>> points(1, "en"), points(1234, "de")
    ('1 point', '1.234 Punkte')
    """
    return f"{number(value, language)} {WORDS[language]['point' if value == 1 else 'points']}"


def day(at: str, language: str, zone: str, *, ends: bool = False) -> str:
    """The day of a time in the programme's zone; `ends`: the last day of what is over at that moment.

    >>> day("2026-07-06T22:00:00.000Z", "en", "Europe/Berlin", ends=True)
    'July 6, 2026'
    """
    there: datetime = to_datetime(from_iso(at) - (1 if ends else 0)).astimezone(zone_named(zone))
    return str(format_date(there, format="long", locale=language))


def benefit_title(benefit: Benefit, language: str) -> str:
    """What a benefit is called."""
    return benefit.title_de if language == "de" and benefit.title_de else benefit.title
