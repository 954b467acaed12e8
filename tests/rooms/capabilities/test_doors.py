"""Every channel, placement and webhook asks what may be done with a person; a new one that does not fails here."""

from __future__ import annotations

import msgspec
import pytest

from rapport.act import webhooks
from rapport.act.channels import Outgoing
from rapport.act.send_rules import Drop, verdicts
from rapport.act.webhooks import CHANNEL, WebhookWanted
from rapport.decide.service import CustomerNamed, DecisionAsked
from rapport.kernel.gate import marketing_by
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.kernel.work import Purpose
from tests.shop import NOON, Shop

REFUSED = {"email_marketing": "denied", "sms_marketing": "denied", "personalisation": "denied", "advertising": "denied"}


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    for who, said in (("ada", "denied"), ("bo", "granted")):
        message = any_shop.message("Product Viewed", at=NOON, user=who, product_id="p1")
        preferences = {"categoryPreferences": dict.fromkeys(REFUSED, said == "granted")}
        any_shop.send({**message, "context": {"consent": preferences}})
    any_shop.fold()
    return any_shop


def key(shop: Shop, who: str) -> Key:
    return key_of(shop.id, Identifier("user_id", who))


def message(shop: Shop, channel: str, who: str | None, *, to: str = "x", purpose: Purpose = "marketing") -> Outgoing:
    strand = None if who is None else key(shop, who)
    return Outgoing(
        workspace=shop.id, id=f"{channel}-{to}-{who}", channel=channel, destination=to, payload=b"{}", strand=strand,
        purpose=purpose, attempts=1,
    )  # fmt: skip


def held_back(shop: Shop, *messages: Outgoing) -> set[str]:
    rules = [rule for rule in shop.pipeline.slices.send_rules if rule.name.startswith("consent.")]
    found = verdicts(shop.db, rules, messages, now=NOON)
    return {name for name, verdict in found.items() if isinstance(verdict, Drop)}


def test_nothing_that_would_win_somebody_goes_by_any_channel_without_their_yes(shop: Shop) -> None:
    channels = list(shop.pipeline.slices.channels)
    assert {"email", "webhook"} <= set(channels)
    for channel in channels:
        several = [message(shop, channel, who) for who in ("ada", None)]
        assert held_back(shop, *several) == {one.id for one in several}, channel
    assert held_back(shop, message(shop, "email", "bo")) == set()
    assert marketing_by("email") in REFUSED


def test_a_webhook_is_told_of_those_alone_who_allow_what_it_is_for(shop: Shop) -> None:
    made = {}
    with shop.db.write() as conn:
        for purpose in ("advertising", "mind_reading", None):
            wanted = WebhookWanted(url="https://example.com/hook", events=["*"], purpose=purpose)
            made[purpose], _ = webhooks.add_webhook(conn, shop.id, wanted, now=NOON)
    assert made[None].purpose == "service"
    several = {
        (purpose, who): message(shop, CHANNEL, who, to=hook.id, purpose="operations")
        for purpose, hook in made.items()
        for who in ("ada", "bo", None)
    }
    stopped = held_back(shop, *several.values())
    assert {place for place, one in several.items() if one.id in stopped} == {
        ("advertising", "ada"), ("mind_reading", "ada"), ("mind_reading", "bo"),
    }  # fmt: skip


def test_what_a_webhook_is_for_can_be_changed_and_is_part_of_its_version(shop: Shop) -> None:
    with shop.db.write() as conn:
        hook, _ = webhooks.add_webhook(conn, shop.id, WebhookWanted(url="https://example.com/hook"), now=NOON)
        changed = webhooks.change_webhook(conn, shop.id, hook.id, WebhookWanted(purpose="advertising"))
    assert changed.purpose == "advertising"
    assert webhooks.webhook_version(changed) != webhooks.webhook_version(hook)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"purpose": "Not A Name"}, WebhookWanted)


@pytest.mark.anyio
async def test_no_placement_looks_at_whoever_objects(shop: Shop) -> None:
    placements = list(shop.pipeline.slices.deciding.placements)
    assert placements
    for placement in placements:
        for who, personal in (("ada", False), ("bo", True)):
            asked = DecisionAsked(
                placement=placement, customer=CustomerNamed(namespace="user_id", value=who),
                context={"product_id": "p1"},
            )  # fmt: skip
            decision = await shop.decider.decide(shop.id, asked, now=NOON)
            assert decision.personal is personal, placement
