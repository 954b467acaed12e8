"""Every message is one that Rapport accepts, and says when it happened however late or wrong its clock is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

import msgspec
import pytest

from rapport.collect.model import Envelope, Source
from rapport.collect.prepare import prepare
from rapport.kernel.clock import SECOND, now_us, to_iso
from rapport.kernel.facts import Fact, decode_fact
from rapport.kernel.identifiers import Identifier, IdentifierPolicy, identifiers_of
from rapport.kernel.ids import WorkspaceId
from rapport.world.messages import CHANNELS, Delivery
from tests.rooms.world.conftest import Past

SOURCE = Source(
    workspace=WorkspaceId(1), id="src_shop", name="shop", kind="web", policy=IdentifierPolicy(default_region="GB")
)


Pairs: TypeAlias = list[tuple[Delivery, Fact]]


def prepared(past: Past) -> Iterator[tuple[Delivery, Fact]]:
    """Each delivery with the row Rapport makes of it, as if it were replayed now."""
    for delivery in past.firsts:
        now = now_us()
        envelope = Envelope(sent_at=to_iso(now + delivery.skew))
        row = prepare(msgspec.json.encode(delivery.message), source=SOURCE, received_at=now, envelope=envelope)
        fact = decode_fact(row.body, occurred_at=row.occurred_at, received_at=now, source=row.source, seq=1)
        yield delivery, fact


@pytest.fixture(scope="module")
def facts(past: Past) -> Pairs:
    return list(prepared(past))


def test_every_message_becomes_a_fact(facts: Pairs) -> None:
    assert len(facts) > 30_000
    assert {delivery.channel for delivery, _ in facts} == set(CHANNELS)
    assert {fact.type for _, fact in facts} == {"track", "identify", "page", "screen", "group", "alias"}


def test_a_fact_keeps_the_time_at_which_it_happened(facts: Pairs) -> None:
    """Offline batches come days late, one clock in twenty is wrong: Rapport finds the true time within two seconds."""
    wrong_clocks = 0
    for delivery, fact in facts:
        assert abs(fact.occurred_at - delivery.occurred_at) < 2 * SECOND
        wrong_clocks += delivery.skew != 0
    assert wrong_clocks > 100


def test_no_message_is_larger_than_segment_allows(past: Past) -> None:
    assert max(len(msgspec.json.encode(d.message)) for d in past.deliveries) < 32_000
    assert max(len(d.message["messageId"]) for d in past.deliveries) <= 100


def test_the_funnel_has_the_shape_of_a_shops(past: Past) -> None:
    count = Counter(d.message.get("event") for d in past.firsts)
    steps = ["Product Viewed", "Product Added", "Checkout Started", "Payment Info Entered"]
    assert [count[step] for step in steps] == sorted((count[step] for step in steps), reverse=True)
    wanted = {
        "Product List Viewed", "Products Searched", "Product Added to Wishlist", "Wishlist Product Added to Cart",
        "Product Removed", "Cart Viewed", "Checkout Step Viewed", "Checkout Step Completed", "Coupon Entered",
        "Coupon Applied", "Coupon Denied", "Order Completed", "Order Refunded", "Product Reviewed", "Email Opened",
        "Newsletter Subscribed", "Call Started", "Promotion Clicked",
    }  # fmt: skip
    assert wanted <= set(count)
    web_orders = sum(
        1 for d in past.firsts if d.message.get("event") == "Order Completed" and d.channel in ("web", "app")
    )
    assert 0.2 < web_orders / count["Checkout Started"] < 0.9


def test_the_truth_lists_the_identifiers_that_were_sent_and_no_others(past: Past, facts: Pairs) -> None:
    """Rapport's own reading of each message finds only what the truth has; a few were still on their way."""
    sent: dict[str, set[Identifier]] = {}
    for delivery, fact in facts:
        read = identifiers_of(fact, SOURCE.policy)
        # A name beside a contact is made of what was sent, not sent.
        sent.setdefault(delivery.person, set()).update(one for one in read if one.namespace != "named_contact")
    noted = unsent = 0
    for shopper in past.world.shoppers.values():
        found = sent.get(shopper.person.key, set())
        assert found <= set(shopper.used)
        noted += len(shopper.used)
        unsent += len(set(shopper.used) - found)
    assert noted > 2_000
    assert unsent < 0.01 * noted
