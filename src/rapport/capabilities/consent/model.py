"""The nouns of consent: a policy with its purposes, what people answered, and what follows. Pure.

The rule, for one purpose and one person: each of their identifiers holds its own latest answer, and of several the
strictest counts. So a merge never widens what may be done, and a split gives each what they said themselves. An answer
that was given by somebody who was recognised (signed in, by a link of theirs, to a person of the staff) is held by
every identifier that named them, and so replaces all earlier ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from rapport.kernel.errors import InvalidInput
from rapport.kernel.language import gettext, kept, noted
from rapport.kernel.moments import read_moment

__all__ = [
    "BORN",
    "CONFIRMED",
    "FREE",
    "GPC",
    "MEASURING",
    "ORDERED",
    "PROVEN",
    "RESTRICTED",
    "STATES",
    "Answer",
    "Basis",
    "Books",
    "Held",
    "Kept",
    "Policy",
    "PolicySet",
    "PurposeRule",
    "State",
    "Verdict",
    "category_words",
    "is_restricted",
    "judge",
    "strictest",
]

State: TypeAlias = Literal["granted", "denied", "pending", "unknown"]
Basis: TypeAlias = Literal["consent", "legitimate_interest", "contract", "legal_obligation"]
KeptFrom: TypeAlias = Literal["last_seen", "last_order"]
Kept: TypeAlias = Literal["kept", "counted", "not kept"]
_KEPT_WORDS = (noted("kept"), noted("counted"), noted("not kept"))

STATES: tuple[State, ...] = ("denied", "pending", "granted", "unknown")
"""The strictest first; what nobody has said is no answer."""

GPC = "signal:gpc"
"""What a browser's signal (`Sec-GPC: 1`) is held as: `denied` while it is sent. No purpose can be called so."""

RESTRICTED = "signal:restricted"
"""What is held while somebody has the use of what is kept of them restricted (Art. 18 GDPR): `denied`."""

MEASURING = "analytics"
"""The purpose for which visits are collected, where a policy says no other."""

_MOST_DAYS = 36_500
_MOST_YEARS = 30
_OLDEST = 99
_KINDS = ("access", "portability", "rectification", "restriction", "objection", "erasure")
BORN = "signal:born"
"""Under what the birthday that was stated is held, as its wording: an ISO date."""

CONFIRMED = "confirmed:"
"""What leads the category under which each identifier holds whether its yes was confirmed; a later no ends it."""

PROVEN = ("confirmed", "link", "staff", "request")
"""Ways of answering that need no further confirmation: by a link that was sent, or to a person."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
FREE: tuple[Basis, ...] = ("consent", "legitimate_interest")
"""Where the person has a say."""

ORDERED = noted("allowed for what the person ordered or asked for")
_DEMANDED = noted("allowed because the law demands it")
_RESTRICTED_USE = noted("the person has the use of what is kept restricted")
_NO_PURPOSE = kept("the policy “%(policy)s” knows no purpose “%(purpose)s”")
_TOO_YOUNG = kept("the person is younger than %(age)s")
_NEEDS = kept("it needs “%(other)s”, which is not allowed")
_ASKED_ANEW = kept("the person is to be asked again since %(day)s")


class PurposeRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a policy says of one purpose."""

    title: str
    """In words that a shopper reads."""
    basis: Basis
    """Why the law allows it: because the person agreed, unless they object, or whatever they say."""
    before_answer: Literal["granted", "denied"]
    """What holds while the person has said nothing."""
    called: tuple[str, ...] = ()
    """The categories of consent tools that mean it."""
    signal_denies: bool = False
    """Whether Global Privacy Control is a refusal of it, until the person says otherwise."""
    needs: tuple[str, ...] = ()
    """Purposes without which it is not allowed either."""
    asked_anew_at: str = ""
    """Answers from before this time (ISO 8601) no longer count: the wording, or a partner, is another since."""
    wording: Mapping[str, str] = {}
    """What the person is asked, by language."""
    confirmed: bool = False
    """Whether a yes holds only once it was confirmed by a link that was sent to the person (double opt-in)."""
    kept_days: int | None = None
    """Days for which it keeps what is known of a person, while it is allowed; none: for as long as it is."""
    kept_from: KeptFrom = "last_seen"
    """What these days count from: the last time they were seen, or their last order (it keeps nobody without one)."""
    collects: tuple[str, ...] = ()
    """The kinds of visits that are collected for it, such as `Product Viewed`; the others are for `analytics`."""
    if_refused: Kept | None = None
    """What is kept of these visits of whoever refuses; none: what the shop's settings say."""
    if_unanswered: Kept | None = None
    """The same of whoever has not answered yet, where it is not allowed before an answer."""


class Books(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the law of a market makes a shop keep of orders, whoever is erased."""

    law: str
    """Which law it is; stands as the reason in the proof of an erasure."""
    years: int
    """For so many years after the end of the one in which something was ordered, or given back."""
    kept: bool = False
    """Whether it is kept here: no, where the shop keeps its books elsewhere."""

    def check(self) -> None:
        """Raises InvalidInput where it names no law, or no years."""
        if not self.law.strip() or not 1 <= self.years <= _MOST_YEARS:
            raise InvalidInput(
                f"the books name {self.law[:60]!r} and {self.years} years",
                hint=f"the law that asks for it, and 1 to {_MOST_YEARS} years",
            )


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The purposes of one market, by name."""

    name: str
    title: str
    law: str = ""
    answer_days: int = 30
    """Days in which the law wants an answer to what people ask of what is kept of them."""
    answer_days_of: Mapping[str, int] = {}
    """The same of kinds of requests that have days of their own, such as `objection`."""
    minimum_age: int = 0
    """Who is known to be younger agrees to nothing."""
    countries: tuple[str, ...] = ()
    """ISO codes of those whose customers it holds for."""
    sources: tuple[str, ...] = ()
    """Ids of the sources by which customers of no country that a policy names came first, for whom it holds."""
    books: Books | None = None
    purposes: Mapping[str, PurposeRule]

    def check(self) -> None:
        """Raises InvalidInput where it contradicts itself."""
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(f"the policy name {self.name[:60]!r} is not small letters, digits and _")
        if not 1 <= self.answer_days <= 365:
            raise InvalidInput(f"answer_days of {self.name!r} is {self.answer_days}", hint="1 to 365 days")
        wrong_days = {kind: days for kind, days in self.answer_days_of.items() if not _can_be_meant(kind, days)}
        for kind, days in wrong_days.items():
            raise InvalidInput(f"answer_days_of {kind[:40]!r} is {days}", hint=f"1 to 365 days, of {_KINDS}")
        if not 0 <= self.minimum_age <= _OLDEST:
            raise InvalidInput(f"minimum_age of {self.name!r} is {self.minimum_age}", hint="0 to 99 years")
        wrong = [code for code in self.countries if not (len(code) == 2 and code.isascii() and code.isupper())]
        if wrong:
            raise InvalidInput(f"the country {wrong[0][:20]!r} is no ISO code", hint='two letters, such as "DE"')
        if self.books is not None:
            self.books.check()
        called: dict[str, str] = {}
        for name, rule in self.purposes.items():
            _check_purpose(name, rule, self.purposes)
            for word in (name, *rule.called):
                other = called.setdefault(word.casefold(), name)
                if other != name:
                    raise InvalidInput(f"the category {word!r} means both {other!r} and {name!r}")
        _refuse_loops(self.purposes)
        _refuse_twice(self.purposes)

    def names(self, purpose: str) -> frozenset[str]:
        """All words by which an answer may name this purpose, in small letters."""
        return frozenset(word.casefold() for word in (purpose, *self.purposes[purpose].called))

    def collecting(self, kind: str) -> str:
        """The purpose for which visits of this kind are collected."""
        wanted = kind.casefold()
        named = (name for name, rule in self.purposes.items() for one in rule.collects if one.casefold() == wanted)
        return next(named, MEASURING)


def _refuse_twice(purposes: Mapping[str, PurposeRule]) -> None:
    """Raises InvalidInput where a kind of visit is collected for two purposes."""
    by_kind: dict[str, str] = {}
    for name, rule in purposes.items():
        for kind in rule.collects:
            other = by_kind.setdefault(kind.casefold(), name)
            if other != name:
                raise InvalidInput(f"{kind[:60]!r} is collected for both {other!r} and {name!r}")


def _can_be_meant(kind: str, days: int) -> bool:
    return kind in _KINDS and 1 <= days <= 365


class PolicySet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All policies of a shop, and the one for customers whose country and source no policy names."""

    default: str
    policies: tuple[Policy, ...]

    def check(self) -> None:
        """Raises InvalidInput where two have one name, country or source, or the default is none of them."""
        countries: dict[str, str] = {}
        sources: dict[str, str] = {}
        names = [policy.name for policy in self.policies]
        for policy in self.policies:
            policy.check()
            if names.count(policy.name) > 1:
                raise InvalidInput(f"two policies are named {policy.name!r}")
            for code in policy.countries:
                other = countries.setdefault(code, policy.name)
                if other != policy.name:
                    raise InvalidInput(f"{code} is a country of both {other!r} and {policy.name!r}")
            for source in policy.sources:
                other = sources.setdefault(source, policy.name)
                if other != policy.name:
                    raise InvalidInput(f"{source[:60]} is a source of both {other!r} and {policy.name!r}")
        if self.default not in names:
            raise InvalidInput(f"no policy {self.default!r} to be the default", hint=f"there are: {', '.join(names)}")

    @property
    def ask_sources(self) -> bool:
        """Whether it matters by which source somebody came."""
        return any(policy.sources for policy in self.policies)

    def holding_for(self, country: str, source: str) -> Policy:
        """The policy that holds for a customer: of their country (an ISO code, or empty); where none names that, of the
        source by which they came first (an id, or empty); else the shop's default.
        """
        by_country = (policy for policy in self.policies if country in policy.countries)
        by_source = (policy for policy in self.policies if source in policy.sources)
        default = (policy for policy in self.policies if policy.name == self.default)
        return next(chain(by_country, by_source, default))

    def with_policy(self, policy: Policy) -> PolicySet:
        """The same with this policy added, or in place of that of its name; its countries and sources are no other's
        any more.
        """
        others = tuple(
            msgspec.structs.replace(
                one,
                countries=tuple(c for c in one.countries if c not in policy.countries),
                sources=tuple(c for c in one.sources if c not in policy.sources),
            )
            for one in self.policies
            if one.name != policy.name
        )
        return PolicySet(default=self.default, policies=(*others, policy))


class Answer(NamedTuple):
    """What somebody said of one category."""

    category: str
    state: State


class Held(NamedTuple):
    """The latest answer that one identifier holds of one category."""

    category: str
    state: State
    at: int
    since: int
    """When it was given: of what a client only repeats, from when on it was the same."""
    fact: str
    source: str
    how: str
    """Where it was given: `website`, `signal`, `staff`, `api`, `mail`."""
    wording: str
    language: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done for one purpose, and why."""

    state: State
    may: bool
    reason: str
    at: int | None = None
    """When the answer that decides was given last."""
    since: int | None = None
    """From when on it was the same."""
    how: str = ""
    source: str = ""
    fact: str = ""
    """The fact of that answer."""


def strictest(
    each: Iterable[Sequence[Held]], categories: frozenset[str], *, since: int = 0, confirmed: bool = False
) -> Held | None:
    """What counts of what a person's identifiers, each by itself, hold of these categories (in small letters).

    Of each identifier the latest answer (of one fact's the strictest), of those the strictest; of equally strict ones
    the newest. Where a yes has to be `confirmed`, one that was not is `pending`.
    """
    latest = [(_confirmed if confirmed else _latest)(held, categories, since) for held in each]
    if any(one is not None and one.state == "granted" for one in latest) and confirmed:  # once is enough for a person
        latest = [one for one in latest if one is None or one.state != "pending"]
    said = [one for one in latest if one is not None and one.state != "unknown"]
    return min(said, key=lambda one: (STATES.index(one.state), -one.at, one.fact), default=None)


def _latest(held: Sequence[Held], categories: frozenset[str], since: int) -> Held | None:
    # A client repeats a yes with each event: what counts is when it was given.
    named = (
        one
        for one in held
        if one.category.casefold() in categories and (one.since if one.state == "granted" else one.at) >= since
    )
    return max(named, key=lambda one: (one.at, one.fact, -STATES.index(one.state)), default=None)


def _confirmed(held: Sequence[Held], categories: frozenset[str], since: int) -> Held | None:
    answer = _latest(held, categories, since)
    if answer is None or answer.state != "granted":
        return answer
    proof = _latest(held, frozenset(f"{CONFIRMED}{category}" for category in categories), since)
    return answer if proof is not None and proof.state == "granted" else answer._replace(state="pending")


def category_words(category: str) -> str:
    """What people answered about, as a shop's people read it: `signal:gpc`, `confirmed:news`, `email_marketing`."""
    if category.startswith(CONFIRMED):
        return gettext("%(what)s, confirmed", what=category_words(category.removeprefix(CONFIRMED)))
    return "Global Privacy Control" if category == GPC else category.replace("_", " ")


def judge(policy: Policy, purpose: str, each: Sequence[Sequence[Held]], *, today: str = "") -> Verdict:
    """What follows for one purpose from what each of a person's identifiers holds. Never a yes for a strange one.

    What is held may be answers to other purposes, too, and signals. `today` (an ISO date) tells how old somebody is;
    without it nobody is too young.
    """
    rule = policy.purposes.get(purpose)
    if rule is None:
        return Verdict(state="unknown", may=False, reason=_NO_PURPOSE % {"policy": policy.title, "purpose": purpose})
    verdict = _judge(policy, purpose, rule, each)
    if verdict.may and rule.basis in FREE and is_restricted(each):
        return msgspec.structs.replace(verdict, may=False, reason=_RESTRICTED_USE)
    if verdict.may and rule.basis == "consent" and today and _is_too_young(policy, each, today):
        return msgspec.structs.replace(verdict, may=False, reason=_TOO_YOUNG % {"age": policy.minimum_age})
    if verdict.may:
        for needed in rule.needs:
            if not judge(policy, needed, each, today=today).may:
                title = policy.purposes[needed].title
                return msgspec.structs.replace(verdict, may=False, reason=_NEEDS % {"other": title})
    return verdict


def _is_too_young(policy: Policy, each: Sequence[Sequence[Held]], today: str) -> bool:
    """By the youngest of the birthdays that the person's identifiers state."""
    if not policy.minimum_age:
        return False
    stated = (_latest(held, frozenset({BORN}), 0) for held in each)
    born = max((one.wording for one in stated if one is not None), default="")
    return bool(born) and f"{int(today[:4]) - policy.minimum_age:04d}{today[4:]}" < born


def is_restricted(each: Sequence[Sequence[Held]]) -> bool:
    """Whether the person has the use of what is kept of them restricted."""
    held = strictest(each, frozenset({RESTRICTED}))
    return held is not None and held.state == "denied"


def _judge(policy: Policy, purpose: str, rule: PurposeRule, each: Sequence[Sequence[Held]]) -> Verdict:
    if rule.basis not in FREE:
        return Verdict(state="unknown", may=True, reason=ORDERED if rule.basis == "contract" else _DEMANDED)
    answer = strictest(each, policy.names(purpose), since=_since(rule), confirmed=rule.confirmed)
    if answer is not None:
        return _answered(answer)
    signal = strictest(each, frozenset({GPC})) if rule.signal_denies else None
    if signal is not None:
        return Verdict(
            state="denied", may=False, reason=noted("the browser sends Global Privacy Control"), at=signal.at,
            since=signal.since, how="signal", source=signal.source, fact=signal.fact,
        )  # fmt: skip
    may = rule.before_answer == "granted"
    return Verdict(state="unknown", may=may, reason=_unanswered(rule, may=may))


def _answered(answer: Held) -> Verdict:
    reason = {
        "granted": noted("the person agreed"),
        "denied": noted("the person refused"),
    }.get(answer.state, noted("the person has yet to confirm"))
    return Verdict(
        state=answer.state, may=answer.state == "granted", reason=reason, at=answer.at, since=answer.since,
        how=answer.how, source=answer.source, fact=answer.fact,
    )  # fmt: skip


def _unanswered(rule: PurposeRule, *, may: bool) -> str:
    if rule.asked_anew_at:
        return _ASKED_ANEW % {"day": rule.asked_anew_at[:10]}
    if may:
        return noted("allowed until the person objects")
    return noted("the person has not been asked, or has not answered")


def _since(rule: PurposeRule) -> int:
    return (read_moment(rule.asked_anew_at) or 0) if rule.asked_anew_at else 0


def _check_purpose(name: str, rule: PurposeRule, purposes: Mapping[str, PurposeRule]) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"the purpose name {name[:60]!r} is not small letters, digits and _")
    if rule.basis == "consent" and rule.before_answer == "granted":
        raise InvalidInput(
            f"{name!r} rests on consent and yet holds before an answer",
            hint="say before_answer = 'denied', or basis = 'legitimate_interest' where a refusal is enough",
        )
    if rule.basis not in FREE and rule.before_answer == "denied":
        raise InvalidInput(f"{name!r} needs no answer and yet is denied before one", hint="before_answer = 'granted'")
    if rule.asked_anew_at and read_moment(rule.asked_anew_at) is None:
        raise InvalidInput(f"asked_anew_at {rule.asked_anew_at[:40]!r} of {name!r} is no time", hint="ISO 8601")
    if rule.kept_days is not None and not 1 <= rule.kept_days <= _MOST_DAYS:
        raise InvalidInput(f"kept_days of {name!r} is {rule.kept_days}", hint=f"1 to {_MOST_DAYS:,} days, or left out")
    if rule.kept_from != "last_seen" and rule.kept_days is None:
        raise InvalidInput(f"{name!r} counts days from the last order and says none", hint="say kept_days")
    unknown = [needed for needed in rule.needs if needed not in purposes]
    if unknown:
        raise InvalidInput(f"{name!r} needs {unknown[0][:60]!r}, which is no purpose of this policy")


def _refuse_loops(purposes: Mapping[str, PurposeRule]) -> None:
    done: set[str] = set()

    def follow(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise InvalidInput(f"purposes need each other in a circle: {' → '.join((*path, name))}")
        if name not in done:
            for needed in purposes[name].needs:
                follow(needed, (*path, name))
            done.add(name)

    for name in purposes:
        follow(name, ())
