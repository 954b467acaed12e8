"""A public write key adds facts and does nothing else: ties no accounts, puts no words into our mouth, takes no ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from rapport.collect.model import Source, SourceKind
from rapport.collect.prepare import prepare
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import decode_fact
from rapport.remember.golden import find_root
from rapport.storage import log
from rapport.storage.log import LogRow
from tests.shop import NOON, Shop


def rows(shop: Shop, messages: Sequence[dict[str, Any]], *, kind: SourceKind, source: str = "src_1") -> list[LogRow]:
    of = Source(workspace=shop.id, id=source, name="x", kind=kind)
    vocabulary = shop.pipeline.slices.vocabulary
    return [prepare(msgspec.json.encode(m), source=of, received_at=NOON, vocabulary=vocabulary) for m in messages]


def keep(shop: Shop, several: Sequence[LogRow]) -> int:
    with shop.db.write() as conn:
        return log.append(conn, several)


def track(name: str, ident: str, user: str = "ada", **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "messageId": ident, "userId": user, "properties": properties}


def account(user: str) -> dict[str, Any]:
    return {"type": "identify", "messageId": f"i-{user}", "userId": user, "anonymousId": f"b-{user}"}


def alias(ident: str, user: str, previous: str) -> dict[str, Any]:
    return {"type": "alias", "messageId": ident, "userId": user, "previousId": previous}


def are_one(shop: Shop, *users: str) -> bool:
    with shop.db.read() as conn:
        return len({find_root(conn, shop.id, f"user_id:{user}") for user in users}) == 1


@pytest.mark.parametrize(("kind", "one"), [("web", False), ("app", False), ("server", True)])
def test_accounts_are_tied_by_the_shops_server_alone(any_shop: Shop, kind: SourceKind, one: bool) -> None:  # noqa: FBT001
    users = [f"user-{n}" for n in range(5)]
    keep(any_shop, rows(any_shop, [account(user) for user in users], kind="server", source="backend"))
    ties = [alias(f"a-{n}", users[n], users[n + 1]) for n in range(4)]
    keep(any_shop, rows(any_shop, ties, kind=kind))
    any_shop.fold()
    assert are_one(any_shop, *users) is one


def test_a_merge_of_a_browser_ties_no_accounts_either(any_shop: Shop) -> None:
    keep(any_shop, rows(any_shop, [account("ada"), account("bo")], kind="server", source="backend"))
    merge = {"type": "merge", "messageId": "m", "userId": "ada",
             "mergeProperties": [{"type": "userId", "value": "bo"}]}  # fmt: skip
    keep(any_shop, rows(any_shop, [merge], kind="web"))
    any_shop.fold()
    assert not are_one(any_shop, "ada", "bo")


def test_a_browser_still_says_who_its_visitor_is(any_shop: Shop) -> None:
    seen = {"type": "page", "messageId": "p", "anonymousId": "0b9f1b2e-3f7a-4a57-9f6f-2d1c8a7f5e11"}
    tie = alias("a", "ada", "0b9f1b2e-3f7a-4a57-9f6f-2d1c8a7f5e11")
    keep(any_shop, rows(any_shop, [seen, tie], kind="web"))
    any_shop.fold()
    with any_shop.db.read() as conn:
        assert find_root(conn, any_shop.id, "user_id:ada") == find_root(
            conn, any_shop.id, "anonymous_id:0b9f1b2e-3f7a-4a57-9f6f-2d1c8a7f5e11"
        )


@pytest.mark.parametrize("alias_first", [True, False])
def test_a_visitor_whose_id_looks_like_an_accounts_is_tied_too(any_shop: Shop, *, alias_first: bool) -> None:
    """What was seen decides, not what an id looks like; an account of that name stays another's."""
    both = [alias("a", "ada", "visitor-1"), {"type": "page", "messageId": "p", "anonymousId": "visitor-1"}]
    for message in both if alias_first else reversed(both):
        keep(any_shop, rows(any_shop, [message], kind="web"))
    any_shop.fold()
    with any_shop.db.read() as conn:
        assert find_root(conn, any_shop.id, "user_id:ada") == find_root(conn, any_shop.id, "anonymous_id:visitor-1")


def test_nobody_can_say_of_their_own_word_that_it_is_verified(any_shop: Shop) -> None:
    (row,) = rows(any_shop, [alias("a", "ada", "bo") | {"unverified": False}], kind="web")
    assert decode_fact(row.body, occurred_at=0, received_at=0, source="", seq=0).unverified
    (row,) = rows(any_shop, [alias("a", "ada", "bo") | {"unverified": True}], kind="server")
    assert not decode_fact(row.body, occurred_at=0, received_at=0, source="", seq=0).unverified


@pytest.mark.parametrize("kind", ["web", "app", "server", "import"])
def test_what_rapport_states_nobody_else_does(any_shop: Shop, kind: SourceKind) -> None:
    own = sorted(any_shop.pipeline.slices.vocabulary.own)
    assert {"Cart Abandoned", "Customer Merged", "Decision Made"} <= set(own)
    for name in own:
        with pytest.raises(InvalidFact, match="Rapport alone"):
            rows(any_shop, [track(name, "m1")], kind=kind)


def test_an_id_that_a_browser_took_first_takes_nothing_from_the_server(any_shop: Shop) -> None:
    order: dict[str, Any] = {"order_id": "o1", "total": 30, "currency": "EUR"}
    forged = rows(any_shop, [track("Seen", "order-o1", user="mallory")], kind="web", source="browser")
    real = rows(any_shop, [track("Order Completed", "order-o1", **order)], kind="server", source="backend")
    assert keep(any_shop, forged) == 1
    assert keep(any_shop, real) == 1
    assert keep(any_shop, real) == 0, "sent again it is the same"
    assert keep(any_shop, forged) == 0
    any_shop.fold()
    (fact,) = any_shop.facts("Order Completed")
    assert (fact.user_id, fact.id.startswith("backend:")) == ("ada", True)


def test_of_one_request_in_which_all_come_twice_each_is_kept_once(any_shop: Shop) -> None:
    first = rows(any_shop, [track("Seen", f"m{n}") for n in range(3)], kind="web", source="browser")
    second = rows(any_shop, [track("Seen", f"m{n}") for n in range(3)], kind="server", source="backend")
    assert keep(any_shop, [*first, *second, *first, *second]) == 6
    assert len(any_shop.facts("Seen")) == 6
