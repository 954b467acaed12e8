"""The kinds of facts about who somebody is, stated by clients, and about what became of customers, by Rapport."""

from __future__ import annotations

from rapport.kernel.contacts import email_address, phone_number
from rapport.kernel.countries import country_code
from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext
from rapport.kernel.placeholders import is_placeholder_email
from rapport.kernel.wording import FactKind, joined, short

__all__ = ["FACT_KINDS", "MERGED", "SPLIT"]

MERGED = "Customer Merged"
SPLIT = "Customer Split"


def _identified(fact: Fact) -> str:
    context = fact.context.get("traits")
    traits = {**(context if isinstance(context, dict) else {}), **fact.traits}
    names = [short(traits.get(key)) for key in ("name", "firstName", "first_name", "email", "phone")]
    return joined(*[name for name in names if name][:2]) or (
        gettext("as %(account)s", account=short(fact.user_id)) if fact.user_id else ""
    )


_COUNTRY = ("country", "countryCode", "country_code")
_REGIONS = (None, "US", "DE")
"""Two very different plans of numbers: what is one in neither, nor with a country code, hardly is one anywhere."""


def _unread(fact: Fact) -> dict[str, str]:
    """The e-mail address, telephone number and country that somebody states and that are none; never the value itself,
    but for the country.
    """
    context = fact.context.get("traits")
    found: dict[str, str] = {}
    for traits in (fact.traits, context if isinstance(context, dict) else {}):
        email, phone, address = traits.get("email"), traits.get("phone"), traits.get("address")
        if email not in (None, ""):
            read = email_address(email)
            if read is None:
                found["traits.email"] = "is no e-mail address"
            elif is_placeholder_email(read):
                found["traits.email"] = "is what is written where there is no address"
        if phone not in (None, "") and not any(phone_number(phone, region=region) for region in _REGIONS):
            found["traits.phone"] = "is no telephone number"
        for place in (address if isinstance(address, dict) else {}, traits):
            stated = next((place[name] for name in _COUNTRY if place.get(name) not in (None, "")), None)
            if stated is not None and country_code(stated) is None:
                found["traits.country"] = f"“{str(stated)[:40]}” is no country"
    return found


FACT_KINDS = (
    FactKind(
        name="Identified", meaning="somebody said who they are; the traits say what the shop knows of them",
        icon="person", tone="who", topic="visits", tell=_identified, unread=_unread,
    ),
    FactKind(
        name="Aliased", meaning="two ids of one person were named together", icon="merge", tone="who",
        properties={"previousId": "the other id, beside `userId` or `anonymousId`"},
    ),
    FactKind(name="Group Joined", meaning="a person belongs to a group, such as a company", icon="people", tone="who"),
    FactKind(
        name=MERGED, meaning="two people became one", stated_by="rapport", icon="merge", tone="who",
        tell=lambda _: gettext("two records became one"),
        properties={"customer_id": "who is left", "merged_customer_id": "who is not", "cause": "why"},
    ),
    FactKind(
        name=SPLIT, meaning="one person was taken apart", stated_by="rapport", icon="link", tone="who",
        tell=lambda _: gettext("one record became two"),
        properties={"customer_id": "who is new", "split_from_customer_id": "from whom", "cause": "why"},
    ),
)  # fmt: skip
