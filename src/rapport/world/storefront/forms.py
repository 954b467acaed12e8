"""The checkout's form: what is filled in already, what is missing, said so that it can be mended."""

from __future__ import annotations

import re

from rapport.world.people import Person
from rapport.world.storefront.delivery import COUNTRIES

__all__ = ["checked", "filled"]

_LONGEST = 120
_FIELDS = ("email", "phone", "given", "family", "street", "extra", "city", "postcode", "country", "method")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
_POSTCODES = {
    "GB": (re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"), "BA1 1BP"),
    "IE": (re.compile(r"[A-Z]\d[\dW] ?[A-Z\d]{4}"), "D02 XK20"),
    "DE": (re.compile(r"\d{5}"), "20357"),
    "FR": (re.compile(r"\d{5}"), "69001"),
    "IT": (re.compile(r"\d{5}"), "40124"),
}
_ASKED = {
    "given": "your first name",
    "family": "your last name",
    "street": "the street and number",
    "city": "the town or city",
    "postcode": "the postcode",
}


def filled(person: Person | None) -> dict[str, str]:
    """The form as it is shown first: with what is known of who has signed in."""
    empty = dict.fromkeys(_FIELDS, "") | {"country": "GB", "method": "delivery"}
    if person is None:
        return empty
    home = person.household
    return empty | {
        "email": person.email, "given": person.given, "family": person.family, "street": home.street,
        "city": home.city, "postcode": home.postcode, "country": home.country.code,
    }  # fmt: skip


def checked(form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The form's values, and per field what is the matter with it; of an address only where it is delivered to."""
    values = {name: " ".join(form.get(name, "").split())[:_LONGEST] for name in _FIELDS}
    values["method"] = "pickup" if values["method"] == "pickup" else "delivery"
    values["postcode"] = values["postcode"].upper()
    errors: dict[str, str] = {}
    if not _EMAIL.fullmatch(values["email"]):
        errors["email"] = (
            "Enter your e-mail address, like name@example.com, so that we can confirm the order."
            if not values["email"]
            else "This e-mail address looks incomplete: it needs an @ and a domain, like name@example.com."
        )
    if values["phone"] and len(re.sub(r"\D", "", values["phone"])) < 6:
        errors["phone"] = "This telephone number is too short. Mend it, or leave it out."
    wanted = ("given", "family") if values["method"] == "pickup" else tuple(_ASKED)
    errors |= {name: f"Enter {_ASKED[name]}." for name in wanted if not values[name]}
    if values["method"] == "delivery":
        errors |= _of_country(values, errors)
    else:
        values |= dict.fromkeys(("street", "extra", "city", "postcode"), "")
    return values, errors


def _of_country(values: dict[str, str], errors: dict[str, str]) -> dict[str, str]:
    if values["country"] not in COUNTRIES:
        return {"country": f"We deliver to {', '.join(COUNTRIES.values())}. Choose one of them."}
    pattern, example = _POSTCODES[values["country"]]
    if "postcode" not in errors and not pattern.fullmatch(values["postcode"]):
        return {"postcode": f"This is no postcode of {COUNTRIES[values['country']]}. They look like {example}."}
    return {}
