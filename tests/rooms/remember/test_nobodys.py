"""An address that staff block is nobody's wherever a person is read: records, segments, links, messages, digests."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from sqlalchemy import Connection

from rapport.capabilities.messages.people import recipients
from rapport.kernel.identifiers import Identifier, IdentifierPolicy, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import customers
from rapport.remember.customers import Summarised
from rapport.remember.digest import workspace_digest
from rapport.remember.persons import fields_of
from rapport.remember.segments.fields import Fields, Record
from rapport.resolve.graph import corrections
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import ALL_BUCKETS, Shop, did

COUNTER, NUMBER = "kasse@marlow.example", "+49301234567"
FIELDS = Fields(REMEMBERED)


class Records:
    """What segments would be asked of, of whoever was brought up to date."""

    parts = FIELDS.parts

    def __init__(self) -> None:
        self.told: list[Record] = []

    def __call__(
        self, conn: Connection, workspace: WorkspaceId, told: Mapping[Key, Summarised], gone: Collection[Key]
    ) -> None:
        self.told += [FIELDS.record(*one[:3], now=9, choices=one.choices) for one in told.values()]


def block(shop: Shop, *patterns: str) -> list[Record]:
    shop.policy = IdentifierPolicy(blocked=patterns)
    records = Records()
    with shop.db.write() as conn:
        customers.mark_moved(conn, corrections.rebuild(conn, shop.workspace, shop.policy, now=9))
        customers.refresh(conn, limit=100, buckets=ALL_BUCKETS, remembered=REMEMBERED, follower=records)
    return records.told


@pytest.mark.parametrize("person", ["user_id:ada", f"email:{COUNTER}"])
def test_what_is_blocked_later_is_read_by_nobody_until_it_is_freed(shop: Shop, person: str) -> None:
    shop.take(
        did("Identified", 1, user="ada", traits={"email": COUNTER, "phone": NUMBER, "name": "Ada Byron"}),
        did("Identified", 2, user="bo", traits={"email": COUNTER}),
    )
    key = key_of(shop.workspace, Identifier(*person.split(":", 1)))

    def read() -> tuple[set[str], tuple[str, str], int]:
        with shop.db.read() as conn:
            fields = fields_of(conn, shop.workspace, {key: [key]}, remembered=REMEMBERED).get(key, {})
            to = recipients(conn, shop.workspace, [key])[key]
            return {"email", "phone"} & fields.keys(), (to.email, to.phone), workspace_digest(
                conn, shop.workspace, remembered=REMEMBERED
            )[0]  # fmt: skip

    before = read()
    assert before[1][0] == COUNTER
    records = block(shop, r"kasse@.*", r"\+49301234567")
    assert records
    assert not [field for record in records for field in ("email", "phone") if field in record]
    fields, address, digest = read()
    assert (fields, address) == (set(), ("", ""))
    assert digest != before[2]
    block(shop)
    assert read() == before
