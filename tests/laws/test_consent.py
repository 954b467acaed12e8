"""Consent as a law: a merge never widens what may be done, a split gives each their own, no order of facts matters."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.consent.facts import answers_of
from rapport.capabilities.consent.model import STATES, Held, Policy, judge
from rapport.capabilities.consent.shipped import shipped
from rapport.kernel.facts import Fact

POLICIES = shipped().policies
CATEGORIES = sorted({word for policy in POLICIES for name in policy.purposes for word in policy.names(name)})

holding = st.builds(
    Held,
    category=st.sampled_from([*CATEGORIES, "Marketing", "signal:gpc", "unheard of"]),
    state=st.sampled_from(STATES),
    at=st.integers(0, 6),
    since=st.just(0),
    fact=st.sampled_from(["a", "b", "c"]),
    source=st.just("website"),
    how=st.just("website"),
    wording=st.just(""),
    language=st.just(""),
)
identifiers = st.lists(st.lists(holding, max_size=6), max_size=4)
"""What each identifier of a person holds."""


@given(st.sampled_from(POLICIES), identifiers, identifiers)
def test_what_is_refused_before_a_merge_is_refused_after_it(
    policy: Policy, one: list[list[Held]], other: list[list[Held]]
) -> None:
    for purpose in policy.purposes:
        alone, merged = judge(policy, purpose, one), judge(policy, purpose, [*one, *other])
        if alone.state in ("denied", "pending") and alone.how != "signal" and not alone.may:
            assert not merged.may, purpose


@given(st.sampled_from(POLICIES), identifiers, st.randoms())
def test_the_answer_does_not_depend_on_the_order_of_identifiers_or_of_what_they_hold(
    policy: Policy, each: list[list[Held]], chance: st.DrawFn
) -> None:
    shuffled: list[Sequence[Held]] = [chance.sample(held, len(held)) for held in each]  # type: ignore[attr-defined]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    for purpose in policy.purposes:
        before, after = judge(policy, purpose, each), judge(policy, purpose, shuffled)
        assert (before.may, before.state, before.at) == (after.may, after.state, after.at)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=12), anything, max_size=5))
def test_only_a_plain_true_is_a_yes(preferences: dict[str, object]) -> None:
    context = {"consent": {"categoryPreferences": preferences}}
    answers = answers_of(Fact(id="m", type="track", name="Product Viewed", context=context))
    agreed = {answer.category for answer in answers if answer.state == "granted"}
    assert agreed == {name.strip() for name, said in preferences.items() if said is True and name.strip()}


@given(anything, anything)
def test_a_refusal_that_cannot_be_read_lets_nothing_be_a_yes(allowed: object, denied: object) -> None:
    context = {"consentManagement": {"allowedConsentIds": allowed, "deniedConsentIds": denied}}
    answers = answers_of(Fact(id="m", type="track", name="Product Viewed", context=context))
    granted = {answer.category for answer in answers if answer.state == "granted"}
    if denied is not None and not isinstance(denied, list):
        assert not granted
    if isinstance(denied, list):
        assert granted.isdisjoint(str(one).strip() for one in denied)
