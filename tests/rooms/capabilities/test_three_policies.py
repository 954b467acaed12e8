"""The same facts under three policies: exactly what is stored, personalised and sent is what the table here says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rapport.act.channels import Outgoing
from rapport.act.send_rules import Drop, verdicts
from rapport.capabilities.consent import store
from rapport.capabilities.consent.collecting import Collecting
from rapport.capabilities.consent.settings import PRIVACY_SETTINGS, PrivacySettings
from rapport.capabilities.consent.shipped import shipped
from rapport.collect.model import Envelope, Source
from rapport.collect.prepare import prepare
from rapport.decide.service import CustomerNamed, DecisionAsked
from rapport.kernel.clock import DAY
from rapport.kernel.identifiers import Identifier, key_of
from rapport.storage import log, settings
from tests.shop import NOON, Shop

ALL = {"statistics": True, "personalization": True, "marketing": True}
PEOPLE: dict[str, dict[str, Any]] = {
    "yes": {"consent": {"categoryPreferences": ALL}},
    "no": {"consent": {"categoryPreferences": dict.fromkeys(ALL, False)}},
    "silent": {},
    "signal": {"globalPrivacyControl": True},
    "mail": {"consent": {"categoryPreferences": {"marketing": True}}},
    "measured": {"consent": {"categoryPreferences": {"statistics": True}}},
    "odd": {"consent": {"categoryPreferences": {"statistics": "true", "personalization": 1, "marketing": "true"}}},
}
"""What the browser of each says with every visit."""

EVERYBODY = set(PEOPLE)
TABLE = {
    "eu_uk": ({"yes", "measured"}, EVERYBODY - {"no", "odd"}, {"yes", "mail"}),
    "california": (EVERYBODY - {"no", "odd"}, EVERYBODY - {"no", "odd", "signal"}, EVERYBODY - {"no", "odd"}),
    "strict": ({"yes", "measured"}, {"yes"}, set[str]()),
}
"""By policy whose visits are stored, who is looked at for what they are shown, and to whom news is sent. The strict one
wants a yes to news confirmed."""


@pytest.mark.anyio
@pytest.mark.parametrize("policy", TABLE)
async def test_the_same_facts_under_three_policies(any_shop: Shop, policy: str) -> None:
    shop = any_shop
    _put_in_force(shop, policy)
    stored, personalised = TABLE[policy][:2]
    kept = {name for name in PEOPLE if _visits(shop, name)}
    shown = {name for name in PEOPLE if await _is_looked_at(shop, name)}
    assert (kept, shown, _sent(shop)) == (stored, personalised, TABLE[policy][2])


def _put_in_force(shop: Shop, policy: str) -> None:
    wanted = msgspec.structs.replace(shipped(), default=policy)
    less = PrivacySettings(visits_refused="not kept", visits_unanswered="not kept")
    with shop.db.write() as conn:
        store.save_policies(conn, shop.id, wanted, seen=0, by="test", reason="tried", now=NOON)
        settings.save(conn, shop.id, PRIVACY_SETTINGS, less, version=0, by="test", now=NOON)


def _visits(shop: Shop, name: str) -> bool:
    """Somebody looks at a product and orders it; whether the look is in the log."""
    source = Source(workspace=shop.id, id="web", name="Web", kind="web", client_side=True)
    context = {"context": PEOPLE[name]}
    view = shop.message("Product Viewed", at=NOON, user=name, product_id="p1") | context
    order = shop.message("Order Completed", at=NOON + 1, user=name, order_id=name, total=5, currency="EUR") | context
    for message in (view, order):
        body = msgspec.json.encode({key: value for key, value in message.items() if value is not None})
        row = prepare(body, source=source, received_at=NOON + DAY, envelope=Envelope(history=True))
        with shop.db.write() as conn:
            log.append(conn, Collecting(shop.db).admit(source, [row], NOON))
    shop.fold()
    return name in {fact.user_id for fact in shop.facts("Product Viewed")}


async def _is_looked_at(shop: Shop, name: str) -> bool:
    who = CustomerNamed(namespace="user_id", value=name)
    asked = DecisionAsked(placement="product.also", customer=who, context={"product_id": "p1"})
    return bool((await shop.decider.decide(shop.id, asked, now=NOON + 2)).personal)


def _sent(shop: Shop) -> set[str]:
    """To whom news goes out by e-mail."""
    messages = [
        Outgoing(
            workspace=shop.id, id=name, channel="email", destination="x", payload=b"{}", purpose="marketing",
            strand=key_of(shop.id, Identifier("user_id", name)), attempts=1,
        )
        for name in PEOPLE
    ]  # fmt: skip
    rules = [rule for rule in shop.pipeline.slices.send_rules if rule.name.startswith("consent.")]
    found = verdicts(shop.db, rules, messages, now=NOON + 2)
    return {name for name in PEOPLE if not isinstance(found.get(name), Drop)}
