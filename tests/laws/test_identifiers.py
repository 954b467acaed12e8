"""Identifiers are normalised once and for all, and a fact's strand is its most stable one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import (
    BUCKETS,
    MAX_VALUE,
    Identifier,
    IdentifierPolicy,
    bucket_of,
    email_identifier,
    identifiers_of,
    key_of,
    phone_identifier,
)
from rapport.kernel.ids import Key, WorkspaceId, base32, from_base32
from rapport.resolve import CustomerIds

POLICY = IdentifierPolicy()

anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.none() | st.text(max_size=30) | st.sampled_from(["ada", " ada ", "null", "-1", "0", "Anonymous", "a\x00b"])
contexts = st.fixed_dictionaries(
    {},
    optional={
        "traits": anything | st.fixed_dictionaries({"email": anything, "phone": anything}),
        "device": anything | st.fixed_dictionaries({"id": anything}),
        "externalIds": anything
        | st.lists(
            st.fixed_dictionaries(
                {"type": anything | st.sampled_from(["crm", "email", "phone", "user_id"]), "id": anything}
            )
        ),
    },
)


def fact_of(user: str | None, web: str | None, traits: dict[str, Any], context: dict[str, Any]) -> Fact:
    return Fact(
        id="f", type="identify", name="Identified", user_id=user, anonymous_id=web, traits=traits, context=context
    )


SHOPS = st.integers(1, 3).map(WorkspaceId)


@given(user=names, web=names, traits=st.dictionaries(st.sampled_from(["email", "phone"]), anything), context=contexts)
def test_whatever_a_fact_holds_its_identifiers_are_clean_distinct_and_most_stable_first(
    user: str | None, web: str | None, traits: dict[str, Any], context: dict[str, Any]
) -> None:
    found = identifiers_of(fact_of(user, web, traits, context), POLICY)
    assert len(set(found)) == len(found)
    ranks = [POLICY.rank(one.namespace) for one in found]
    assert ranks == sorted(ranks)
    for one in found:
        assert 0 < len(one.value) <= MAX_VALUE
        assert "\x00" not in one.value
        assert one.value == one.value.strip()
        assert one.value.lower() not in {"null", "anonymous", "-1", "0", "undefined"}


@given(st.emails())
def test_an_e_mail_stays_what_it_is_when_normalised_again(text: str) -> None:
    once = email_identifier(f"  {text.upper()}\t")
    if once is not None:
        assert email_identifier(once.value) == once


@given(st.text(alphabet="+0123456789 ()-/", max_size=20), st.sampled_from(["DE", "US", None]))
def test_a_phone_number_stays_what_it_is_when_normalised_again(text: str, region: str | None) -> None:
    once = phone_identifier(text, region=region)
    if once is not None:
        assert once.value.startswith("+")
        assert phone_identifier(once.value, region=None) == once


@given(st.text(max_size=30), st.text(max_size=30), SHOPS, SHOPS)
def test_keys_differ_where_anything_differs(one: str, other: str, here: WorkspaceId, there: WorkspaceId) -> None:
    same = key_of(here, Identifier("user_id", one)) == key_of(there, Identifier("user_id", other))
    assert same == ((one, here) == (other, there))
    assert 0 <= bucket_of(key_of(here, Identifier("user_id", one))) < BUCKETS


def test_accounts_and_other_things_are_not_people() -> None:
    context = {"externalIds": [{"type": "crm", "id": "7", "collection": "accounts"}, {"type": "crm", "id": "8"}]}
    assert identifiers_of(fact_of(None, None, {}, context), POLICY) == [Identifier("crm", "8")]


def test_patterns_block_whole_values_only() -> None:
    policy = IdentifierPolicy(blocked=("till", r"^0+$"))
    assert not policy.allows("TILL")
    assert policy.allows("tilly")
    assert not policy.allows("000")


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=1, max_size=32))
def test_a_customer_id_leads_back_to_its_identifier(key: bytes, secret: bytes) -> None:
    ids = CustomerIds(secret)
    text = ids.customer_id(Key(key))
    assert len(text) == 30
    assert ids.key(text) == key


@given(st.integers(0, 2**128 - 1))
def test_base_32_leads_back_to_its_number(number: int) -> None:
    assert from_base32(base32(number, length=26)) == number
