"""Rapport's own facts go the same way as everybody's."""

from __future__ import annotations

import pytest

from rapport.collect.own import own_fact
from rapport.kernel.clock import HOUR, now_us
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import decode_fact
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import WorkspaceId

SHOP = WorkspaceId(1)
NOW = now_us()


def test_a_fact_of_our_own_is_a_row_for_the_log() -> None:
    row = own_fact(
        SHOP, name="Cart Abandoned", id="cart-abandoned:c1", user_id="ada", properties={"cart_id": "c1"},
        occurred_at=NOW - HOUR, received_at=NOW,
    )  # fmt: skip
    fact = decode_fact(row.body, occurred_at=row.occurred_at, received_at=NOW, source=row.source, seq=1)
    assert (row.source, row.message_id, row.occurred_at) == ("rapport", "cart-abandoned:c1", NOW - HOUR)
    assert (fact.type, fact.name, fact.properties) == ("track", "Cart Abandoned", {"cart_id": "c1"})


def test_a_person_known_by_e_mail_alone_can_be_named() -> None:
    row = own_fact(
        SHOP, name="Cart Abandoned", id="x", external_ids=[{"type": "email", "id": "ada@example.com"}],
        occurred_at=NOW, received_at=NOW,
    )  # fmt: skip
    assert row.strand == key_of(SHOP, Identifier("email", "ada@example.com"))


def test_a_fact_about_nobody_is_refused() -> None:
    with pytest.raises(InvalidFact):
        own_fact(SHOP, name="Cart Abandoned", id="x", occurred_at=NOW, received_at=NOW)
