"""The facts in which people say what may be done with what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from rapport.capabilities.consent.model import CONFIRMED, Answer, State, category_words
from rapport.capabilities.consent.strings import gpp_answers, tcf_answers
from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext
from rapport.kernel.wording import FactKind, joined

__all__ = ["ANSWERED", "CATEGORIES", "FACT_KINDS", "TO_BE_CONFIRMED", "answers_in", "answers_of", "sends_signal"]

ANSWERED = "Consent Answered"
_UNSUBSCRIBED = "Unsubscribed"
CATEGORIES = 50
"""Categories that are looked at in one fact."""
_LONGEST = 100
_CARRIES = frozenset(("consent", "consentManagement"))

_SAID: dict[object, State] = {"granted": "granted", "denied": "denied", "pending": "pending", "unknown": "unknown"}


def answers_of(fact: Fact) -> list[Answer]:
    """What a fact says of purposes, each category once. What cannot be read is never a yes.

    `context.consent.categoryPreferences` (Segment), `context.consentManagement` (RudderStack), TCF and GPP strings,
    `Unsubscribed` (of Segment's e-mail events), and our own `Consent Answered`.
    """
    if fact.name == ANSWERED:
        return _stated(fact.properties.get("purposes"))
    if fact.name != _UNSUBSCRIBED and _CARRIES.isdisjoint(fact.context):  # nearly all facts
        return []
    found = answers_in(fact.context)
    if fact.name == _UNSUBSCRIBED:
        found = [one for one in found if one.category != "email_marketing"]
        found.append(Answer("email_marketing", "denied"))
    return found


def answers_in(context: Mapping[str, Any]) -> list[Answer]:
    """What the context of a message says of purposes, each category once."""
    found = {answer.category: answer for answer in _preferences(context.get("consent"))}
    for answer in _managed(context.get("consentManagement")):
        if answer.state == "denied" or answer.category not in found:
            found[answer.category] = answer
    for answer in _strings(context.get("consent")):
        found[answer.category] = answer
    return list(found.values())


def _strings(consent: Any) -> list[Answer]:
    """`context.consent.tcf` and `context.consent.gpp`: the strings of the advertising industry."""
    if not isinstance(consent, dict):
        return []
    said = tcf_answers(consent["tcf"]) if consent.get("tcf") is not None else []
    return [*said, *(gpp_answers(consent["gpp"]) if consent.get("gpp") is not None else [])]


def sends_signal(fact: Fact) -> bool:
    """Whether the browser sent Global Privacy Control with it (`Sec-GPC: 1`)."""
    return fact.context.get("globalPrivacyControl") is True


def _stated(purposes: Any) -> list[Answer]:
    if not isinstance(purposes, dict):
        return []
    return [
        Answer(name[:_LONGEST], _SAID.get(said, "denied") if isinstance(said, str) else "denied")
        for name, said in islice(purposes.items(), CATEGORIES)
    ]


def _preferences(consent: Any) -> list[Answer]:
    given = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    if not isinstance(given, dict):
        return []
    return [
        Answer(category.strip()[:_LONGEST], "granted" if allowed is True else "denied")
        for category, allowed in islice(given.items(), CATEGORIES)
        if category.strip() and not _is_ours(category)
    ]


def _managed(management: Any) -> list[Answer]:
    if not isinstance(management, dict):
        return []
    denied = management.get("deniedConsentIds")
    found = {name: Answer(name, "denied") for name in _ids(denied)}
    if denied is None or isinstance(denied, list):  # a list of refusals that cannot be read may refuse anything
        for name in _ids(management.get("allowedConsentIds"), texts_alone=True):
            found.setdefault(name, Answer(name, "granted"))
    return list(found.values())


def _ids(given: Any, *, texts_alone: bool = False) -> list[str]:
    if not isinstance(given, list):
        return []
    named = (one for one in given[:CATEGORIES] if isinstance(one, str) or (type(one) is int and not texts_alone))
    return [name for one in named if (name := str(one).strip()[:_LONGEST]) and not _is_ours(name)]


def _is_ours(category: str) -> bool:
    """`signal:…` and `confirmed:…` are what Rapport itself holds; nobody states them as a category."""
    return category.strip().casefold().startswith(("signal:", CONFIRMED))


def _tell(fact: Fact) -> str:
    return joined(*(f"{category_words(one.category)}: {gettext(one.state)}" for one in answers_of(fact)[:5]))


TO_BE_CONFIRMED = "Consent To Be Confirmed"

FACT_KINDS = (
    FactKind(
        name=TO_BE_CONFIRMED, meaning="a yes was given that holds once it is confirmed by mail", stated_by="rapport",
        icon="mail", tone="who",
        properties={"purpose": "what it is for", "answer": "the fact that says so"},
    ),
    FactKind(
        name=ANSWERED, meaning="somebody said what may be done with what is known of them", stated_by="rapport",
        by_person=True,
        icon="check", tone="who", tell=_tell,
        properties={
            "purposes": "`granted` or `denied` by purpose", "wording": "the version of the text they were shown",
            "language": "the language of that text", "how": "where they answered", "by": "who recorded it",
        },
    ),
    FactKind(
        name=_UNSUBSCRIBED, meaning="somebody wants no more marketing mail", icon="mail", tone="loss",
    ),
)  # fmt: skip
