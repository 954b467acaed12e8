"""A mention is a whole word: whoever has a longer name, what the shop decided and the audit trail stay as they are."""

from __future__ import annotations

import json

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from rapport.act.store import outbox
from rapport.adapters.files.store import import_errors
from rapport.app.worker import drain
from rapport.capabilities.acquisition.store import costs
from rapport.collect.store import quarantine
from rapport.compose.erasing import erasing
from rapport.compose.mentions import ERASED, Sought, overwrite, overwritten
from rapport.compose.requests import RequestWanted, ask
from rapport.remember.golden import find_key
from rapport.resolve.graph.store import identifiers
from rapport.storage import log
from rapport.storage.audit.entries import append, parts_of
from rapport.storage.audit.sealing import seal
from rapport.storage.audit.verifying import verify
from rapport.storage.settings import shop_settings
from tests.beside import change_beside
from tests.jobs import turns
from tests.shop import NOON, Shop

MAIL, PHONE, USER = "ann@example.com", "+4915123456789", "user_1234"
SOUGHT = Sought.of([MAIL, PHONE, USER], "DE")
ALIKE = ["joann@example.com", "jo.ann@example.com", "jo-ann@example.com", "jo+ann@example.com", "ann@example.com.au",
         "ann@example.community", "user_12345", "super_user_1234", "user_1234-b", "+49151234567890", "user_1234@x.de",
         "müann@example.com"]  # fmt: skip


@pytest.mark.parametrize("other", ALIKE)
def test_a_longer_name_is_another_name(other: str) -> None:
    for text in (other, f"write to {other}.", json.dumps({"to": f"a\n{other}"}), json.dumps([{other: 1}])):
        assert overwritten(text, SOUGHT) == text
        assert overwritten(text.encode(), SOUGHT, typed=True) == text.encode()


@given(st.sampled_from([MAIL, PHONE, USER]), st.sampled_from(["", " ", "\n", "<", "(", "mailto:", "=", "…", "'", '"']),
       st.sampled_from(["", " ", ".", ", ", ">", ")", "!", "\n", '"', "'"]))  # fmt: skip
def test_a_mention_goes_whatever_stands_around_it(text: str, before: str, after: str) -> None:
    whole = f"{before}{text}{after}"
    for value in (whole, json.dumps({"deep": [whole]}), msgspec.json.encode({whole: whole}), whole.encode()):
        found = overwritten(value, SOUGHT)
        assert found != value
        assert text not in str(found)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_what_mentions_nobody_is_itself_to_the_byte(value: str | bytes) -> None:
    assert overwritten(value, SOUGHT) == value


@pytest.mark.parametrize("typed", ["Ann@Example.COM ", "0151 234 56789", "(0151) 23456789", "+49 151 / 23456789"])
def test_in_what_could_not_be_read_contacts_are_known_however_they_are_typed(typed: str) -> None:
    for text in (json.dumps({"contact": typed}), f'{{"contact": "{typed}", broken', f"7;{typed};Berlin"):
        assert typed.strip() not in str(overwritten(text, SOUGHT, typed=True))


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    for number, (user, mail) in enumerate([(USER, MAIL), ("user_12345", "joann@example.com")]):
        told = any_shop.message("x", at=NOON + number, user=user)
        del told["event"]
        any_shop.send(told | {"type": "identify", "traits": {"email": mail}})
    any_shop.wait(NOON)
    drain(any_shop.pipeline)
    return any_shop


def _queued(shop: Shop) -> dict[str, object]:
    payload = msgspec.json.encode({"cc": ["joann@example.com", MAIL]})
    return {
        "workspace": shop.id, "id": "out_1", "channel": "none", "destination": "x", "idempotency_key": "k",
        "payload": payload, "created_at": NOON, "due_at": NOON, "expires_at": NOON, "attempts": 2, "status": "sending",
        "leased_until": NOON, "finished_at": None, "last_error": "", "strand": None, "purpose": "operations",
    }  # fmt: skip


def _erase(shop: Shop) -> None:
    wanted = RequestWanted(kind="erasure", customer=f"email:{MAIL}", verified="signed in")
    with shop.db.write() as conn:
        ask(conn, shop.id, wanted, by="test", now=NOON)
    turns(shop.db, erasing(shop.pipeline.slices), now=NOON)


def test_of_the_others_and_of_the_shop_nothing_is_changed_and_the_trail_stays_whole(shop: Shop) -> None:
    settings = msgspec.json.encode({"sender": MAIL, "note": "joann@example.com"})
    with shop.db.write() as conn:
        conn.execute(
            shop_settings.insert().values(
                workspace=shop.id, section="odd", version=1, body=settings, changed_at=NOON, changed_by="olga"
            )
        )
        told = [append(conn, shop.id, "settings.changed", details={"note": f"asked by {who}"}, now=NOON)
                for who in (MAIL.upper(), "bo@example.com")]  # fmt: skip
        told.append(append(conn, shop.id, "settings.changed", details={"note": "asked by joann@example.com"}, now=NOON))
        conn.execute(outbox.insert().values(_queued(shop)))
        conn.execute(
            import_errors.insert().values(
                workspace=shop.id, import_id="imp", number=1, file="a.csv", line=2, reason="no", row="Ann@Example.com;x"
            )
        )
        seal(conn, shop.id)
    _erase(shop)
    with shop.db.write() as conn:
        seal(conn, shop.id)
        parts = parts_of(conn, shop.id, told)
        assert [parts[one][0].body is None for one in told] == [True, False, False]
        assert verify(conn, shop.id).faults == []
        assert (
            conn.execute(sa.select(shop_settings.c.body).where(shop_settings.c.section == "odd")).scalar() == settings
        )
        assert conn.execute(sa.select(import_errors.c.row)).all() == [], "what stands beside the name is of them, too"
        sent = conn.execute(sa.select(outbox).where(outbox.c.id == "out_1")).one()._mapping
        assert dict(sent) == _queued(shop) | {"payload": msgspec.json.encode({"cc": ["joann@example.com", ERASED]})}
        names = set(conn.execute(sa.select(identifiers.c.value)).scalars())
        assert {"joann@example.com", "user_12345"} <= names
        assert not {MAIL, USER} & names
        assert find_key(conn, shop.id, "email:joann@example.com", region=None)


def test_what_is_delivered_while_a_mention_in_it_is_overwritten_stays_delivered(any_shop: Shop) -> None:
    with any_shop.db.write() as conn:
        conn.execute(outbox.insert().values(_queued(any_shop)))

    def deliver(conn: Connection) -> None:
        conn.execute(outbox.update().values(status="delivered", last_error=f"none, {MAIL} took it"))

    def forget(conn: Connection) -> None:
        list(overwrite(conn, any_shop.pipeline.slices, any_shop.id, [MAIL], region=None))

    assert change_beside(any_shop.db, deliver, forget) is None
    with any_shop.db.read() as conn:
        sent = conn.execute(sa.select(outbox)).one()
    assert (sent.status, sent.last_error, MAIL in sent.payload.decode().split('"')) == (
        "delivered", f"none, {ERASED} took it", False,
    )  # fmt: skip


def test_an_address_that_stands_in_a_link_alone_is_found_too(any_shop: Shop) -> None:
    payload = msgspec.json.encode({"link": "https://shop.example/?e=Ann%40Example.com&n=1"})
    with any_shop.db.write() as conn:
        said = {"payload": payload, "last_error": "GET /?e=ann%40example.com", "destination": "to=%2B4915123456789"}
        conn.execute(outbox.insert().values(_queued(any_shop) | said))
        list(overwrite(conn, any_shop.pipeline.slices, any_shop.id, [MAIL, PHONE], region=None))
        sent = conn.execute(sa.select(outbox)).one()
    assert (sent.payload.decode(), sent.last_error, sent.destination) == (
        f'{{"link":"https://shop.example/?e={ERASED}&n=1"}}', f"GET /?e={ERASED}", f"to={ERASED}",
    )  # fmt: skip


def test_quarantine_of_any_size_is_looked_through_page_by_page(any_shop: Shop) -> None:
    bodies = [b'{"note": "%d of %s"}' % (n, (MAIL if n % 3 else "bo@example.com").encode()) for n in range(450)]
    row = {
        "workspace": any_shop.id, "source": "src_1", "received_at": 1, "reason": "no", "path": "$", "envelope": b"{}",
        "state": "open",
    }  # fmt: skip
    with any_shop.db.write() as conn:
        conn.execute(
            quarantine.insert(),
            [{**row, "id": f"qua_{n:04d}", "body": body, "body_hash": body} for n, body in enumerate(bodies)],
        )
        told = dict(overwrite(conn, any_shop.pipeline.slices, any_shop.id, [MAIL], region=None))
        left = conn.execute(sa.select(quarantine.c.body)).scalars().all()
    assert told[quarantine] == 300
    assert sum(MAIL.encode() in body for body in left) == 0
    assert sum(b"bo@example.com" in body for body in left) == 150


def test_a_campaign_that_is_called_by_an_address_loses_it_and_keeps_what_it_cost(shop: Shop) -> None:
    """Two on one day stay two; so it is of the shop's own facts, from which costs are told again."""
    for number, name in enumerate((MAIL, f"for {MAIL}", "spring")):
        shop.send(shop.message(
            "Campaign Cost Stated", at=NOON + number, campaign=name, platform="ads", cost=5, currency="EUR",
            day="2026-09-01",
        ))  # fmt: skip
    drain(shop.pipeline)
    before = shop.rows(costs)
    assert [row["cost_minor"] for row in before] == [500] * 3
    _erase(shop)
    found = shop.rows(costs)
    assert (len(found), sum(row["cost_minor"] for row in found)) == (3, 1_500)
    assert "spring" in {row["campaign"] for row in found}
    told = [str(row["body"]) for row in shop.rows(log.facts) if b"Campaign Cost" in row["body"]]
    assert len(told) == 3
    assert not any(MAIL in text for text in (*told, *map(str, found)))
