"""Where a source asks for signatures, nobody is anybody because a browser says so."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.collect import sources
from rapport.collect.model import Envelope, Source
from rapport.collect.prepare import prepare
from rapport.collect.vouching import signature
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import decode_fact
from rapport.kernel.identifiers import Identifier, identifiers_of, key_of
from rapport.kernel.ids import WorkspaceId
from tests.shop import Shop

SECRET = "sk_0123456789"
SHOP = WorkspaceId(1)
SOURCE = Source(
    workspace=SHOP, id="web", name="Web", kind="web", client_side=True, asks_signatures=True, signing_secret=SECRET
)


OF_EVE = {"email": "eve@example.com"}


def named(message: dict[str, Any], source: Source = SOURCE) -> set[Identifier]:
    """What counts as somebody's name of a message that came to this source."""
    row = prepare(msgspec.json.encode({"type": "track", "event": "X", **message}), source=source, received_at=now_us())
    fact = decode_fact(row.body, occurred_at=0, received_at=0, source="web", seq=1)
    found = identifiers_of(fact, source.policy)
    assert row.strand == key_of(SHOP, found[0])
    return set(found)


def signed(name: str) -> dict[str, Any]:
    """As the documentation tells the shop's server to do it, in its own words."""
    return {"userHash": hmac.new(SECRET.encode(), name.encode(), sha256).hexdigest()}


ADA, BROWSER = Identifier("user_id", "ada"), Identifier("anonymous_id", "b-1")
MAIL = Identifier("email", "ada@example.com")


def test_what_the_server_signed_counts_and_the_signature_is_not_kept() -> None:
    message = {"userId": "ada", "anonymousId": "b-1", "context": signed("ada")}
    assert named(message) == {ADA, BROWSER}
    kept = prepare(msgspec.json.encode({"type": "track", "event": "X", **message}), source=SOURCE, received_at=now_us())
    assert signature(SECRET, "ada").encode() not in kept.body
    intercom = {
        "userId": "ada",
        "anonymousId": "b-1",
        "integrations": {"Intercom": {"user_hash": signature(SECRET, "ada")}},
    }
    assert named(intercom) == {ADA, BROWSER}


@pytest.mark.parametrize(
    "context",
    [{}, {"userHash": ""}, {"userHash": "0" * 64}, signed("bo"), {"userHash": 5}, {"userHash": None},
     {"userHash": [signature(SECRET, "ada")]}, {"userHash": signature(SECRET, "ada")[:-1]}],
)  # fmt: skip
def test_without_the_right_one_the_browser_alone_counts(context: dict[str, Any]) -> None:
    traits = {"email": "ada@example.com", "phone": "+4930123456"}
    context = {**context, "traits": traits, "externalIds": [{"type": "crm", "id": "7"}], "device": {"id": "d-1"}}
    found = named({"userId": "ada", "anonymousId": "b-1", "context": context})
    assert found == {BROWSER, Identifier("device", "d-1")}


def test_an_address_without_an_account_is_signed_itself() -> None:
    said = {"type": "identify", "anonymousId": "b-1", "traits": {"email": "Ada@Example.com "}}
    assert named(said) == {BROWSER}
    assert named({**said, "context": signed("ada@example.com")}) == {BROWSER, MAIL}


def test_a_signature_of_ones_own_account_ties_no_other_account() -> None:
    said = {"type": "alias", "userId": "eve", "previousId": "ada", "anonymousId": "b-1", "context": signed("eve")}
    with pytest.raises(InvalidFact):
        named(said)
    own = {"type": "alias", "userId": "eve", "previousId": "b-1", "anonymousId": "b-1", "context": signed("eve")}
    assert named(own) == {Identifier("user_id", "eve"), BROWSER}


def test_who_names_nobody_but_an_account_waits_in_quarantine() -> None:
    with pytest.raises(InvalidFact, match="nobody vouches"):
        named({"userId": "ada"})


def test_a_source_that_does_not_ask_takes_it_as_before() -> None:
    plain = msgspec.structs.replace(SOURCE, asks_signatures=False)
    assert named({"userId": "ada", "anonymousId": "b-1"}, plain) == {ADA, BROWSER}


@given(
    user=st.text(min_size=1, max_size=30), said=st.text(max_size=70),
    kind=st.sampled_from(["track", "identify", "page", "alias"]),
)  # fmt: skip
def test_no_words_make_somebody_of_a_browser(user: str, said: str, kind: str) -> None:
    """Whatever is sent as a signature: unless it is the server's, no account, address or number comes of it."""
    message = {"type": kind, "userId": user, "anonymousId": "b-1", "traits": {"email": "ada@example.com"},
               "previousId": user, "context": {"userHash": said}}  # fmt: skip
    try:
        found = named(message)
    except (InvalidFact, UnicodeEncodeError):
        return
    assert {one.namespace for one in found} <= {"anonymous_id", "device"}


def test_a_loop_over_accounts_leaves_everybody_apart(any_shop: Shop) -> None:
    with any_shop.db.write() as conn:
        made = sources.create_source(conn, any_shop.id, name="Web", kind="web", now=1)
        source = sources.change_source(conn, any_shop.id, made.id, asks_signatures=True)
        again = sources.renew_signing_secret(conn, any_shop.id, made.id, now=2)
    assert source.asks_signatures
    assert source.signing_secret != again.signing_secret
    accounts = [f"user-{number}" for number in range(30)]
    any_shop.send(*(any_shop.message("Order Completed", at=10**15, user=one, order_id=one) for one in accounts))
    rows = [
        prepare(
            msgspec.json.encode({"type": "identify", "userId": one, "anonymousId": "eve", "traits": OF_EVE}),
            source=again, received_at=10**15 + 1, envelope=Envelope(),
        )
        for one in accounts
    ]  # fmt: skip
    assert {row.strand for row in rows} == {key_of(any_shop.id, Identifier("anonymous_id", "eve"))}


def test_a_secret_that_cannot_be_opened_vouches_for_nobody_and_stops_nothing_else(
    any_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_SECRET_KEY", "x" * 44)
    with any_shop.db.write() as conn:
        made = sources.create_source(conn, any_shop.id, name="Shop", kind="web", now=1)
        sources.change_source(conn, any_shop.id, made.id, asks_signatures=True)
    monkeypatch.setenv("RAPPORT_SECRET_KEY", "y" * 44)
    with any_shop.db.read() as conn:
        source = sources.find_source(conn, any_shop.id, made.id)
    assert source.signing_secret == ""
    context = {"userHash": hmac.new(b"", b"ada", sha256).hexdigest()}
    assert named({"userId": "ada", "anonymousId": "b-1", "context": context}, source) == {BROWSER}


def test_an_unsigned_message_that_names_somebody_erased_is_known_to_name_them() -> None:
    message = {"type": "identify", "userId": "ada", "anonymousId": "b-1", "traits": {"email": "ada@example.com"}}
    row = prepare(msgspec.json.encode(message), source=SOURCE, received_at=now_us())
    assert set(row.named) == {ADA, MAIL}
