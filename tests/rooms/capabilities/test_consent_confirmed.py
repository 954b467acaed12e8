"""A yes that has to be confirmed holds once it is, by a link that was mailed; who is too young agrees to nothing."""

from __future__ import annotations

import msgspec
import pytest

from rapport.capabilities.consent import confirmation_path, store
from rapport.capabilities.consent.links import CONFIRM_WITHIN, load_links
from rapport.capabilities.consent.service import may, policies_of
from rapport.capabilities.consent.shipped import shipped
from rapport.capabilities.messages import store as messages
from rapport.capabilities.messages.service.confirming import send_link
from rapport.kernel.clock import DAY, HOUR, now_us, to_iso
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from tests.shop import Shop

MAIL = "ada@example.com"


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    with any_shop.db.write() as conn:
        wanted = msgspec.structs.replace(shipped(), default="strict")
        store.save_policies(conn, any_shop.id, wanted, seen=0, by="test", reason="double opt-in", now=now_us())
    return any_shop


def key(shop: Shop, value: str = MAIL, namespace: str = "email") -> Key:
    return key_of(shop.id, Identifier(namespace, value))


def says(shop: Shop, said: object, *, at: int, browser: str = "b1", **traits: object) -> None:
    told = shop.message("x", at=at, user="ada", browser=browser)
    del told["event"]
    consent = {"context": {"consent": {"categoryPreferences": {"marketing": said}}}} if said is not None else {}
    shop.send({**told, "type": "identify", "traits": {"email": MAIL, **traits}, **consent})
    shop.fold()
    shop.fold()


def state(shop: Shop, purpose: str = "email_marketing") -> tuple[str, bool]:
    with shop.db.read() as conn:
        verdict = may(conn, shop.id, key(shop), purpose)
    return verdict.state, verdict.may


def confirm(shop: Shop, *, at: int) -> None:
    """What the page's button does, as the fact it leaves."""
    keys = [key(shop), key(shop, "ada", "user_id"), key(shop, "b1", "anonymous_id")]
    properties = {
        "purposes": {"email_marketing": "granted"}, "how": "confirmed", "keys": [one.hex() for one in keys],
    }  # fmt: skip
    shop.send({**shop.message("Consent Answered", at=at, user="ada"), "properties": properties})
    shop.fold()


def test_a_yes_waits_until_it_is_confirmed_and_a_client_that_repeats_it_changes_nothing(shop: Shop) -> None:
    now = now_us()
    says(shop, True, at=now - HOUR)
    assert state(shop) == ("pending", False)
    confirm(shop, at=now - HOUR // 2)
    assert state(shop) == ("granted", True)
    says(shop, True, at=now)
    assert state(shop) == ("granted", True)


def test_who_has_confirmed_is_not_asked_again_by_another_device(shop: Shop) -> None:
    now = now_us()
    says(shop, True, at=now - 3 * HOUR)
    confirm(shop, at=now - 2 * HOUR)
    says(shop, True, at=now - HOUR, browser="b2")
    assert state(shop) == ("granted", True)
    says(shop, False, at=now, browser="b2")
    assert state(shop) == ("denied", False)


def test_a_no_ends_the_confirmation_so_that_the_next_yes_is_asked_for_anew(shop: Shop) -> None:
    now = now_us()
    says(shop, True, at=now - 5 * HOUR)
    confirm(shop, at=now - 4 * HOUR)
    says(shop, False, at=now - 3 * HOUR)
    assert state(shop) == ("denied", False)
    says(shop, True, at=now - 2 * HOUR)
    assert state(shop) == ("pending", False)


def test_a_confirmation_that_came_before_the_no_counts_for_nothing_in_whatever_order_they_are_read(shop: Shop) -> None:
    now = now_us()
    says(shop, True, at=now - 2 * HOUR)
    confirm(shop, at=now - 4 * HOUR)
    says(shop, False, at=now - 3 * HOUR)
    assert state(shop) == ("pending", False)


def test_nobody_confirms_for_somebody_else_by_a_category_of_that_name(shop: Shop) -> None:
    told = shop.message("Product Viewed", at=now_us() - HOUR, user="ada", browser="b1")
    forged = {"marketing": True, "confirmed:marketing": True, "confirmed:email_marketing": True}
    shop.send({**told, "context": {"consent": {"categoryPreferences": forged}, "traits": {"email": MAIL}}})
    shop.fold()
    assert state(shop) == ("pending", False)


def test_the_mail_is_asked_for_once_and_leads_to_the_confirmation(shop: Shop) -> None:
    now = now_us()
    says(shop, True, at=now - HOUR)
    says(shop, True, at=now - HOUR // 2)
    assert len(shop.facts("Consent To Be Confirmed")) == 1
    [mail] = shop.rows(messages.messages)
    assert (mail["template"], mail["status"]) == ("confirm", "queued")
    path = msgspec.json.decode(mail["data"])["path"]
    assert path.startswith("/shop/consent/confirm?shop=shop&t=")
    token = path.partition("&t=")[2]
    with shop.db.read() as conn:
        links = load_links(conn, shop.id)
        opened = links.open_confirmation(token, now=now)
        assert opened.purpose == "email_marketing"
        with pytest.raises(Conflict):
            links.open_confirmation(token, now=now + CONFIRM_WITHIN + HOUR)
        with pytest.raises(InvalidInput):
            links.open_preferences(token, now=now)
    confirm(shop, at=now)
    with shop.db.read() as conn:
        assert confirmation_path(conn, shop.id, opened.key, "email_marketing", now=now) == "", "nothing waits any more"


def test_an_old_yes_out_of_an_import_sends_nobody_a_mail(shop: Shop) -> None:
    says(shop, True, at=now_us() - 400 * DAY)
    assert state(shop) == ("pending", False)
    assert shop.facts("Consent To Be Confirmed") == []


def test_whoever_is_known_to_be_too_young_agrees_to_nothing(shop: Shop) -> None:
    now = now_us()
    young = to_iso(now - 17 * 365 * DAY)[:10]
    says(shop, True, at=now - HOUR, birthday=young)
    confirm(shop, at=now - HOUR // 2)
    with shop.db.read() as conn:
        verdict = may(conn, shop.id, key(shop), "email_marketing")
    assert (verdict.may, verdict.reason) == (False, "the person is younger than 18")
    with shop.db.read() as conn:
        assert may(conn, shop.id, key(shop), "service").may
    says(shop, None, at=now, birthday=to_iso(now - 19 * 365 * DAY)[:10])
    assert state(shop) == ("granted", True), "it was put right"


def test_a_fresh_link_goes_to_who_is_known_and_nothing_tells_whether(shop: Shop) -> None:
    says(shop, None, at=now_us() - HOUR)
    now = now_us()
    for address in (MAIL, MAIL.upper(), "nobody@example.com", "", "no address", "a" * 300):
        with shop.db.write() as conn:
            send_link(conn, shop.id, address, now=now)
    assert [row["template"] for row in shop.rows(messages.messages)] == ["your_data"], "once in an hour"


def test_the_strictest_policy_alone_wants_it() -> None:
    wanting = {one.name for one in shipped().policies for rule in one.purposes.values() if rule.confirmed}
    assert wanting == {"strict"}


def test_policies_still_say_what_a_shop_decided(any_shop: Shop) -> None:
    with any_shop.db.read() as conn:
        assert policies_of(conn, any_shop.id).version == 0
