"""What may be done with whom: answers of every client, signals, merges, policies by country, and the doors that ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace as but
from sqlalchemy import Connection

from rapport.act.channels import Outgoing
from rapport.act.send_rules import Drop
from rapport.capabilities.consent import store
from rapport.capabilities.consent.effect import effect_of
from rapport.capabilities.consent.model import Policy, PolicySet, PurposeRule, Verdict
from rapport.capabilities.consent.rates import Rate, rates_of
from rapport.capabilities.consent.receipt import receipt_of
from rapport.capabilities.consent.sending import ALLOWED
from rapport.capabilities.consent.service import may, policies_of, verdicts
from rapport.capabilities.consent.shipped import read_policy, shipped
from rapport.decide.service import CustomerNamed
from rapport.kernel.clock import DAY, MINUTE, SECOND, to_iso
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import customers
from rapport.remember.customers import Summarised
from rapport.remember.golden import golden_record
from rapport.remember.listing import CustomerQuery, list_customers
from rapport.remember.segments.fields import Fields
from tests.databases import ENGINES, database_at
from tests.remembered import REMEMBERED
from tests.shop import NOON, Shop

_NUMBERS = count(1)
BROWSER = {"userAgent": "Mozilla/5.0", "page": {"url": "https://shop.example/"}}


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file: each test has an Ada and a Bo of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("consent")) as url:
        made = Shop(url)
        yield made
        made.close()


@pytest.fixture
def other_shop(database_url: str) -> Iterator[Shop]:
    """One whose policies a test may change."""
    made = Shop(database_url)
    yield made
    made.close()


@pytest.fixture
def ada() -> str:
    return f"ada-{next(_NUMBERS)}"


@pytest.fixture
def bo() -> str:
    return f"bo-{next(_NUMBERS)}"


def key(shop: Shop, value: str, namespace: str = "user_id") -> Key:
    return key_of(shop.id, Identifier(namespace, value))


def asked(shop: Shop, purpose: str, value: str, namespace: str = "user_id") -> Verdict:
    with shop.db.read() as conn:
        return may(conn, shop.id, key(shop, value, namespace), purpose)


def said(shop: Shop, at: int, *, user: str | None = None, browser: str | None = None, **context: Any) -> None:
    message = shop.message("Product Viewed", at=at, user=user, browser=browser, product_id="p")
    shop.send({**message, "context": {**BROWSER, **context}})
    shop.fold()


def preferences(**said: object) -> dict[str, object]:
    return {"categoryPreferences": said}


def test_whoever_has_said_nothing_gets_what_the_policy_says(shop: Shop, ada: str) -> None:
    said(shop, NOON, user=ada)
    assert {p: asked(shop, p, ada).may for p in shipped().holding_for("DE", "").purposes} == {
        "service": True, "analytics": False, "personalisation": True, "email_marketing": False,
        "sms_marketing": False, "advertising": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "context",
    [
        {"consent": preferences(Marketing=True)},
        {"consentManagement": {"allowedConsentIds": ["marketing"], "provider": "ketch"}},
    ],
)
def test_a_yes_is_read_from_each_kind_of_client_and_a_later_no_takes_it_back(
    shop: Shop, context: dict[str, Any], ada: str
) -> None:
    said(shop, NOON, user=ada, **context)
    assert asked(shop, "email_marketing", ada).may
    said(shop, NOON + 2 * SECOND, user=ada, consentManagement={"deniedConsentIds": ["marketing"]})
    said(shop, NOON + 1 * SECOND, user=ada, consent=preferences(marketing=True))  # late: from before the no
    verdict = asked(shop, "email_marketing", ada)
    assert (verdict.may, verdict.state, verdict.at, verdict.how) == (False, "denied", NOON + 2 * SECOND, "website")


def test_unsubscribing_ends_marketing_mail_and_nothing_else(shop: Shop, ada: str) -> None:
    said(shop, NOON, user=ada, consent=preferences(marketing=True, sms=True))
    shop.send(shop.message("Unsubscribed", at=NOON + 1 * SECOND, user=ada))
    shop.fold()
    assert [asked(shop, p, ada).may for p in ("email_marketing", "sms_marketing", "service")] == [False, True, True]


def test_what_somebody_allows_on_a_browser_does_not_widen_what_its_account_refused(shop: Shop, ada: str) -> None:
    said(shop, NOON, user=ada, browser=f"b-{ada}", consent=preferences(marketing=False, sms=True))
    said(shop, NOON + 1 * SECOND, browser=f"b-{ada}", consent=preferences(marketing=True, sms=True))
    assert not asked(shop, "email_marketing", ada).may
    assert asked(shop, "sms_marketing", ada).may


def test_a_visitor_without_a_name_has_a_receipt_of_what_they_answered(shop: Shop, ada: str) -> None:
    said(shop, NOON, browser=f"b-{ada}", consent=preferences(marketing=False) | {"wording": "banner-2"})
    with shop.db.read() as conn:
        receipt = receipt_of(conn, shop.id, key(shop, f"b-{ada}", "anonymous_id"), now=NOON)
    told = msgspec.to_builtins(receipt)
    assert "banner-2" in str(told)
    assert ada not in str(told)


def test_a_merge_keeps_the_stricter_answer_until_the_person_is_asked_again(shop: Shop, ada: str) -> None:
    said(shop, NOON, browser=f"laptop-{ada}", consent=preferences(marketing=False))
    said(shop, NOON + 1 * SECOND, user=ada, consent=preferences(marketing=True))
    assert asked(shop, "email_marketing", ada).may
    said(shop, NOON + 2 * SECOND, user=ada, browser=f"laptop-{ada}")
    assert not asked(shop, "email_marketing", ada).may
    said(shop, NOON + 3 * SECOND, user=ada, browser=f"laptop-{ada}", consent=preferences(marketing=True))
    assert asked(shop, "email_marketing", ada).may


def test_a_browsers_signal_refuses_until_the_person_says_yes_and_is_gone_with_the_header(
    shop: Shop, ada: str, bo: str
) -> None:
    country(shop, "US", user=ada)
    assert asked(shop, "advertising", ada).may
    said(shop, NOON + 1 * SECOND, user=ada, browser=f"b-{ada}", globalPrivacyControl=True)
    verdict = asked(shop, "advertising", ada)
    assert (verdict.may, verdict.state, verdict.how) == (False, "denied", "signal")
    said(
        shop, NOON + 2 * SECOND, user=ada, browser=f"b-{ada}", globalPrivacyControl=True, consent=preferences(sale=True)
    )
    assert asked(shop, "advertising", ada).may  # an answer of a person weighs more than a header
    said(shop, NOON + 3 * SECOND, user=bo, browser=f"c-{bo}", globalPrivacyControl=True)
    country(shop, "US", user=bo, at=NOON + 4 * SECOND)
    assert not asked(shop, "advertising", bo).may
    said(shop, NOON + 5 * SECOND, user=bo, browser=f"c-{bo}")
    assert asked(shop, "advertising", bo).may


def test_a_fact_that_only_rapport_states_is_not_believed_from_a_website(shop: Shop, ada: str) -> None:
    shop.send(
        shop.message("Consent Answered", at=NOON, user=ada, purposes={"email_marketing": "granted"}),
        shop.message("Product Viewed", at=NOON, user=ada, product_id="p"),
        forged=True,
    )
    shop.fold()
    assert not asked(shop, "email_marketing", ada).may


def test_the_customers_country_decides_which_policy_holds(shop: Shop) -> None:
    country(shop, "BR", user="ana")
    country(shop, "CA", user="luc")
    assert [asked(shop, "analytics", who).may for who in ("ana", "luc")] == [True, False]
    assert [asked(shop, "personalisation", who).may for who in ("ana", "luc")] == [True, False]


def test_a_purpose_that_no_policy_knows_is_an_error_and_names_those_there_are(shop: Shop, ada: str) -> None:
    said(shop, NOON, user=ada)
    with pytest.raises(InvalidInput, match="knows no purpose 'mind_reading'") as told:
        asked(shop, "mind_reading", ada)
    assert "email_marketing" in told.value.hint


def test_a_decision_for_somebody_who_objects_knows_nothing_of_them(shop: Shop, ada: str) -> None:
    said(shop, NOON, user=ada)
    named = CustomerNamed(namespace="user_id", value=ada)
    assert shop.decide(at=NOON + MINUTE, customer=named).personal
    said(shop, NOON + 1 * SECOND, user=ada, consent=preferences(personalisation=False))
    decision = shop.decide(at=NOON + 2 * MINUTE, customer=named)
    assert (decision.personal, decision.personal_reason) == (False, "the person refused")
    assert [fact.properties["personal"] for fact in shop.facts("Decision Made")] == [True, False]


def test_marketing_goes_to_those_who_allow_it_and_what_was_ordered_is_told_to_all(
    shop: Shop, ada: str, bo: str
) -> None:
    said(shop, NOON, user=ada, consent=preferences(marketing=True))
    said(shop, NOON, user=bo)
    messages = [outgoing(shop, who, strand) for who, strand in ((ada, ada), (bo, bo), ("nobody", None))]
    with shop.db.read() as conn:
        against = ALLOWED.ask(conn, messages, NOON)
    assert ALLOWED.purposes == ("marketing",)
    assert against.keys() == {bo, "nobody"}
    assert isinstance(against[bo], Drop)


def test_a_changed_policy_is_tried_on_everybody_before_it_holds(other_shop: Shop, ada: str, bo: str) -> None:
    said(other_shop, NOON, user=ada, consent=preferences(marketing=True))
    said(other_shop, NOON, user=bo)
    summarise(other_shop)
    with other_shop.db.read() as conn:
        kept = policies_of(conn, other_shop.id)
        anew = _asking_anew(kept.policies.holding_for("DE", ""), since="2027-01-01T00:00:00Z")
        effect = effect_of(conn, other_shop.id, kept.policies.with_policy(anew))
    assert [(one.purpose, one.allowed, one.refused) for one in effect.purposes] == [("email_marketing", 0, 1)]
    apply(other_shop, kept.policies.with_policy(anew), seen=0)
    verdict = asked(other_shop, "email_marketing", ada)
    assert (verdict.may, verdict.state) == (False, "unknown")
    assert "asked again" in verdict.reason


def test_of_two_who_change_the_policies_the_second_is_told(other_shop: Shop, ada: str) -> None:
    strict = but(shipped(), default="strict")
    apply(other_shop, strict, seen=0)
    with pytest.raises(Conflict, match="somebody has changed"):
        apply(other_shop, shipped(), seen=0)
    said(other_shop, NOON, user=ada)
    assert not asked(other_shop, "personalisation", ada).may


RULE = PurposeRule(title="Mail", basis="consent", before_answer="denied")


@pytest.mark.parametrize(
    ("purposes", "wrong"),
    [
        ({"a": but(RULE, needs=("b",)), "b": but(RULE, needs=("a",))}, "circle"),
        ({"a": but(RULE, needs=("z",))}, "no purpose of this policy"),
        ({"a": but(RULE, before_answer="granted")}, "rests on consent"),
        ({"a": but(RULE, basis="contract")}, "needs no answer"),
        ({"a": but(RULE, asked_anew_at="soon")}, "is no time"),
        ({"a": but(RULE, called=("x",)), "b": but(RULE, called=("X",))}, "means both"),
        ({"A b": RULE}, "small letters"),
    ],
)  # fmt: skip
def test_a_policy_that_contradicts_itself_is_refused(purposes: dict[str, PurposeRule], wrong: str) -> None:
    with pytest.raises(InvalidInput, match=wrong):
        Policy(name="p", title="P", purposes=purposes).check()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b'{"name": "p", "title": "P", "purposes": {"a": {"title": "A", "basis": "consent"}}}',
        b"[" * 100_000, b"\xff", b'{"name":"p","title":"P","purposes":{},"more":1}',
    ],
)  # fmt: skip
def test_a_file_that_is_no_policy_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"mine\.json"):
        read_policy(body, name="mine.json")


def test_what_rapport_ships_is_right() -> None:
    assert {policy.name for policy in shipped().policies} == {"eu_uk", "california", "brazil", "quebec", "strict"}


def test_rates_are_told_by_purpose_over_time_by_source_and_by_wording(other_shop: Shop) -> None:
    """Only within the window; a name that no policy knows counts nowhere; who repeats an answer counts once."""
    for number in range(10):
        who = {"categoryPreferences": {"Newsletter": number < 7, "horoscopes": True}, "wording": f"w{number % 2}"}
        said(other_shop, NOON + number * DAY, user=f"u-{number}", consent=who)
        said(other_shop, NOON + number * DAY + 1, user=f"u-{number}", consent=who)
    said(other_shop, NOON - 40 * DAY, user="long-ago", consent=preferences(newsletter=True))
    with other_shop.db.read() as conn:
        policies = policies_of(conn, other_shop.id).policies
        (found,) = rates_of(conn, other_shop.id, policies, until=NOON + 10 * DAY, days=28)
        assert rates_of(conn, other_shop.id, policies, until=NOON - 100 * DAY, days=7) == []
    assert (found.name, found.rate) == ("email_marketing", Rate(7, 3))
    assert [span.rate.answered for span in found.spans] == [0, 0, 3, 7]
    assert dict(found.wordings) == {"w0": Rate(4, 1), "w1": Rate(3, 2)}
    assert [rate for _, rate in found.sources] == [Rate(7, 3)]
    low, high = found.rate.interval
    assert 0.39 < low < 0.7 < high < 0.9


def test_an_answer_that_a_client_repeats_with_each_event_is_one_answer_since_the_first(shop: Shop, ada: str) -> None:
    for number in range(6):
        message = shop.message("Product Viewed", at=NOON + number * SECOND, user=ada, product_id="p")
        may_measure = number not in (2, 3)
        shop.send({**message, "context": {**BROWSER, "consent": preferences(analytics=may_measure)}})
    shop.fold()
    with shop.db.read() as conn:
        told = [(row.at, row.state) for row in store.history(conn, shop.id, [key(shop, ada)])]
    assert told == [(NOON + 4 * SECOND, "granted"), (NOON + 2 * SECOND, "denied"), (NOON, "granted")]
    verdict = asked(shop, "analytics", ada)
    assert (verdict.state, verdict.since, verdict.at) == ("granted", NOON + 4 * SECOND, NOON + 5 * SECOND)


def test_a_yes_that_a_client_only_repeats_is_no_answer_to_what_is_asked_anew(any_shop: Shop) -> None:
    """Not of the browser, and not of the account that the visitor signs in to; a new answer is, said when or worded."""
    shop = any_shop

    def visit(at: int, *, name: str = "b1", user: str | None = None, **beside: str) -> None:
        consent = preferences(analytics=True) | beside
        message = shop.message("Product Viewed", at=at, user=user, product_id="p")
        shop.send({**message, "anonymousId": name, "context": {**BROWSER, "consent": consent}})
        shop.fold()

    def may_measure(namespace: str, name: str) -> bool:
        with shop.db.read() as conn:
            return may(conn, shop.id, key_of(shop.id, Identifier(namespace, name)), "analytics").may

    for browser, beside in (("b1", {}), ("b2", {"answeredAt": to_iso(NOON - 9 * DAY)}), ("b3", {"wording": "eu-1"})):
        visit(NOON - 8 * DAY, name=browser, **beside)
        assert may_measure("anonymous_id", browser)
    _ask_anew(shop, "analytics", since=NOON - DAY)
    visit(NOON, name="b1")
    visit(NOON + SECOND, name="b1", user="ada")
    visit(NOON, name="b2", answeredAt=to_iso(NOON - 9 * DAY))
    visit(NOON + SECOND, name="b2", user="bo", answeredAt=to_iso(NOON - 9 * DAY))
    visit(NOON, name="b3", wording="eu-1")
    people = [("anonymous_id", "b1"), ("user_id", "ada"), ("anonymous_id", "b2"), ("user_id", "bo"),
              ("anonymous_id", "b3")]  # fmt: skip
    assert [may_measure(*one) for one in people] == [False] * 5
    visit(NOON + 2 * SECOND, name="b2", user="bo", answeredAt=to_iso(NOON + 2 * SECOND))
    visit(NOON + 2 * SECOND, name="b3", wording="eu-2")
    assert [may_measure(*one) for one in people] == [False, False, True, True, True]
    # Who says no and then yes again has answered, without a word of when.
    message = shop.message("Product Viewed", at=NOON + 2 * SECOND, user="ada", product_id="p")
    shop.send({**message, "anonymousId": "b1", "context": {**BROWSER, "consent": preferences(analytics=False)}})
    visit(NOON + 3 * SECOND, name="b1", user="ada")
    assert [may_measure(*one) for one in people] == [True] * 5


def _ask_anew(shop: Shop, purpose: str, *, since: int) -> None:
    with shop.db.write() as conn:
        kept = policies_of(conn, shop.id)
        policy = kept.policies.holding_for("", "")
        rule = but(policy.purposes[purpose], asked_anew_at=to_iso(since))
        wanted = kept.policies.with_policy(but(policy, purposes={**policy.purposes, purpose: rule}))
        store.save_policies(conn, shop.id, wanted, seen=kept.version, by="a test", reason="a partner", now=since)


# -- how the tests speak


def country(shop: Shop, code: str, *, user: str, at: int = NOON) -> None:
    shop.send(
        {"type": "identify", "userId": user, "messageId": f"{user}-{at}", "traits": {"address": {"country": code}}}
    )
    shop.fold()
    summarise(shop)


def summarise(shop: Shop, follower: customers.Follower | None = None) -> None:
    with shop.db.write() as conn:
        customers.refresh(conn, limit=1_000, buckets=range(256), remembered=REMEMBERED, follower=follower)


def outgoing(shop: Shop, id: str, user: str | None) -> Outgoing:
    return Outgoing(
        workspace=shop.id, id=id, channel="email", destination="d", payload=b"", purpose="marketing", attempts=1,
        strand=None if user is None else key(shop, user),
    )  # fmt: skip


def apply(shop: Shop, wanted: PolicySet, *, seen: int) -> None:
    with shop.db.write() as conn:
        store.save_policies(conn, shop.id, wanted, seen=seen, by="ada", reason="tried", now=NOON)


def test_the_record_the_list_and_segments_say_of_consent_what_the_gate_says(other_shop: Shop, ada: str) -> None:
    """One definition: an answer, a signal, a policy's change and a row of yesterday are all read from what is held."""
    shop = other_shop
    said(shop, NOON, user=ada, browser="b-1", consent=preferences(marketing=True, statistics=True))
    assert told(shop, ada) == {"analytics": "granted", "email_marketing": "granted"}
    said(shop, NOON + 1, browser="b-1", globalPrivacyControl=True)
    shop.send(shop.message("Unsubscribed", at=NOON + 2, user=ada))
    shop.fold()
    assert told(shop, ada) == {"advertising": "denied", "analytics": "granted", "email_marketing": "denied"}
    shop.send({**shop.message("Consent Answered", at=NOON + 3, user=ada), "properties": {
        "purposes": {"email_marketing": "granted"}, "keys": [key(shop, ada).hex()]}})  # fmt: skip
    shop.fold()
    assert told(shop, ada)["email_marketing"] == "granted"
    with shop.db.read() as conn:
        kept = policies_of(conn, shop.id)
    policy = kept.policies.holding_for("", "")
    apply(shop, kept.policies.with_policy(_asking_anew(policy, since="2100-01-01")), seen=kept.version)
    assert "email_marketing" not in told(shop, ada), "the rows of those who answered are made anew"


def told(shop: Shop, user: str) -> dict[str, str]:
    """What the Golden Record says of consent; the gate, the list and the segments' record say the same."""
    asked_of: dict[Key, dict[str, Any]] = {}
    summarise(shop, _Asked(asked_of))
    with shop.db.read() as conn:
        root = key(shop, user)
        record = golden_record(conn, shop.id, root, now=NOON, remembered=REMEMBERED)
        said = verdicts(conn, shop.id, root)
        states: dict[str, str] = {name: one.state for name, one in said.items() if one.state != "unknown"}
        (row,) = list_customers(conn, shop.id, CustomerQuery(), region="DE").customers
    found = record.traits["consent"].value if "consent" in record.traits else {}
    asked = {name: said == "granted" for name, said in states.items()}
    assert {name: one["state"] for name, one in found.items()} == states
    assert row.consent == asked
    (kept,) = asked_of.values()
    assert {name.partition(".")[2]: may for name, may in kept.items() if name.startswith("consent.")} == asked
    return states


class _Asked:
    """Takes what segments would ask of each customer whose row is made anew."""

    def __init__(self, found: dict[Key, dict[str, Any]]) -> None:
        self.found, self.fields = found, Fields(REMEMBERED)

    @property
    def parts(self) -> frozenset[str]:
        return self.fields.parts

    def __call__(self, conn: Connection, workspace: WorkspaceId, told: Mapping[Key, Summarised], gone: Any) -> None:
        for root, one in told.items():
            self.found[root] = self.fields.record(*one[:3], now=NOON, choices=one.choices)


def _asking_anew(policy: Policy, *, since: str) -> Policy:
    rule = but(policy.purposes["email_marketing"], asked_anew_at=since)
    return but(policy, purposes={**policy.purposes, "email_marketing": rule})
