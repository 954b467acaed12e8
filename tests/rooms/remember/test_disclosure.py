"""A learned link alone never discloses personal data and never carries consent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rapport.kernel.facts import Fact
from rapport.remember import customers
from rapport.remember.timeline import timeline
from rapport.resolve.linking.ties import tie
from rapport.resolve.linking.units import members_of
from tests.rooms.remember.shop import START, Shop, bought, did


def said(days: float, *, consent: dict[str, bool] | None = None, who: dict[str, str], **traits: Any) -> Fact:
    context = {"consent": {"categoryPreferences": consent}} if consent else {}
    return did("Identified", days, traits=traits, context=context, **who)


ADA, OTHER = {"user": "ada"}, {"web": "w-9"}


@pytest.fixture
def linked(shop: Shop) -> Shop:
    """Ada, and a guest whom a model takes for her."""
    shop.take(
        said(0, who=ADA, email="ada@example.com", name="Ada Lovelace", consent={"email": False}),
        bought("o-1", 20, 1, **ADA),
        said(2, who=OTHER, email="a.lovelace@example.org", phone="+49301234567", consent={"email": True, "sms": True}),
        bought("o-2", 30, 3, **OTHER),
    )  # fmt: skip
    ends = sorted(shop.key("email", value) for value in ("ada@example.com", "a.lovelace@example.org"))
    with shop.db.write() as conn:
        add = {(ends[0], ends[1]): 9.0}
        tied = tie(conn, shop.workspace, lambda *_: shop.policy, add=add, drop=[], model=1, now=START)
        customers.mark_moved(conn, tied.moved)
    return shop


def test_the_record_of_either_tells_nothing_of_the_other_but_that_there_is_one(linked: Shop) -> None:
    ada, other = linked.record("user_id:ada"), linked.record("anonymous_id:w-9")
    assert ada.id == other.id, "for the shop they are one customer"
    for record, own, foreign in ((ada, "ada@example.com", "org"), (other, "a.lovelace@example.org", "ada@example.com")):
        assert record.traits["email"].value == own
        assert foreign not in msgspec.json.encode(msgspec.structs.replace(record, probable=[])).decode()
        assert record.traits["orders"].value == 1
    assert "phone" not in ada.traits
    assert isinstance(ada.probable, list)
    assert [linked.record(reference).traits["email"].value for reference in ada.probable] == ["a.lovelace@example.org"]


def test_staff_may_ask_for_all_and_sees_what_is_only_probable(linked: Shop) -> None:
    record = linked.record("user_id:ada", probable=True)
    assert (record.traits["orders"].value, record.traits["orders"].probable) == (2, True)
    assert (record.traits["phone"].value, record.traits["phone"].probable) == ("+49301234567", True)
    assert record.traits["name"].probable is msgspec.UNSET
    marks = {(one.value, one.probable) for one in record.identifiers}
    assert marks >= {("ada", False), ("ada@example.com", False), ("w-9", True), ("+49301234567", True)}


@pytest.mark.parametrize("probable", [False, True])
def test_consent_is_never_carried(linked: Shop, *, probable: bool) -> None:
    whose = ("user_id:ada", "anonymous_id:w-9")
    ada, other = (linked.record(one, probable=probable).traits["consent"].value for one in whose)
    assert ({name: one["state"] for name, one in ada.items()}) == {"email_marketing": "denied"}
    assert ({name: one["state"] for name, one in other.items()}) == {
        "email_marketing": "granted", "sms_marketing": "granted",
    }  # fmt: skip


def test_where_the_people_meet_for_certain_all_is_told(linked: Shop) -> None:
    linked.take(did("Page Viewed", 4, user="ada", web="w-1"), said(5, who=ADA, email="a.lovelace@example.org"))
    with linked.db.read() as conn:
        assert {one.value for one in members_of(conn, linked.workspace, linked.key("user_id", "ada"))} >= {
            "ada",
            "w-1",
        }
    record = linked.record("user_id:ada")
    assert {one.value for one in record.identifiers} >= {"ada", "ada@example.com", "a.lovelace@example.org"}


def test_the_timeline_of_either_is_her_own(linked: Shop) -> None:
    with linked.db.read() as conn:
        own, all_ = (
            timeline(conn, linked.workspace, linked.key("user_id", "ada"), probable=probable).facts
            for probable in (False, True)
        )
    assert {fact.strand.value for fact in own} == {"ada"}
    assert {fact.strand.value for fact in all_} == {"ada", "a.lovelace@example.org", "w-9"}


def test_the_list_of_customers_names_one_person_alone(linked: Shop) -> None:
    linked.refresh()
    (row,) = linked.listed()
    assert row.orders == 2, "for the shop they are one customer"
    people = {("ada@example.com", "Ada Lovelace", ""), ("a.lovelace@example.org", "", "+49301234567")}
    assert (row.email, row.name, row.phone) in people
