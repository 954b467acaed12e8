"""Laws of segments: one text gives the same answer live and in the database, and the clock is never late."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.kernel.clock import DAY, HOUR, MINUTE, from_iso
from rapport.kernel.ids import WorkspaceId
from rapport.remember import membership
from rapport.remember.segments.evaluating import NEVER, Clock, Compiled, moment_at, walking
from rapport.remember.segments.fields import Fields, fold_text
from rapport.remember.segments.language import Both, InSegment, Interval, IsNull, Moment, Node, Not
from rapport.remember.segments.parsing import parse
from rapport.remember.segments.sql import sql_of
from rapport.remember.segments.wording import in_words
from rapport.storage.engine import Database
from tests.remembered import REMEMBERED

FIELDS = Fields(REMEMBERED).all
NOW = from_iso("2026-10-24T22:30:00Z")  # the night in which Berlin's summer time ends
ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "Asia/Kathmandu", "America/New_York", "UTC")]
WORDS = ["Zürich", "zurich", "ZU\u0308RICH", "O'Neil", "%", "a_b", "", "DE", "日本", "Straße", "store", "\\"]

records = st.fixed_dictionaries(
    {"visitor": st.booleans()},
    optional={
        "orders": st.integers(0, 5), "revenue.EUR": st.integers(-500, 30_000), "refunds.EUR": st.integers(0, 900),
        "last_order_at": st.integers(-400, 30).map(lambda days: NOW + days * DAY),
        "first_order_at": st.integers(NOW - 3 * DAY, NOW + 3 * DAY), "birthday": st.integers(20_000, 20_800),
        "country": st.sampled_from(WORDS).map(fold_text), "city": st.sampled_from(WORDS).map(fold_text),
        "channels": st.lists(st.sampled_from(WORDS).map(fold_text), max_size=3), "consent.marketing": st.booleans(),
    },
)  # fmt: skip

_numbers = st.one_of(
    st.sampled_from(["orders", "revenue", "refunds", "0", "2", "3.5", "-1", "100", "0.1"]),
    st.tuples(st.sampled_from(["orders", "revenue"]), st.sampled_from("+-*/"),
              st.sampled_from(["orders", "refunds", "0", "3"])).map(" ".join),
)  # fmt: skip
_ops = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
_quoted = st.sampled_from(WORDS).map(lambda word: "'" + word.replace("'", "''") + "'")
_moments = st.sampled_from([
    "now()", "now() - INTERVAL 60 DAY", "now() - INTERVAL 3 MONTH", "today()", "today() - INTERVAL 1 DAY",
    "'2026-10-25'", "'2026-10-24 23:00'", "now() + INTERVAL 1 WEEK", "today() - INTERVAL 1 YEAR",
])  # fmt: skip
_times = st.sampled_from(["last_order_at", "first_order_at"])
_clock_alone = st.sampled_from([
    "today() BETWEEN DATE '2026-10-26' AND DATE '2026-12-24'", "now() > TIMESTAMP '2026-10-26 18:00'",
    "today() >= DATE '2026-10-25'", "today() = DATE '2026-11-01'",
    "now() - INTERVAL 1 MONTH < TIMESTAMP '2026-10-01 12:00'",
    "now() BETWEEN first_order_at AND TIMESTAMP '2026-10-25 01:30'", "today() < now() - INTERVAL 12 HOUR",
    "today() - INTERVAL 31 DAY <= now() - INTERVAL 1 MONTH", "today() <> today() - INTERVAL 1 MONTH",
])  # fmt: skip
_atoms = st.one_of(
    _clock_alone,
    st.sampled_from(["in_segment('unsure')", "NOT in_segment('unsure')"]),
    st.tuples(_numbers, _ops, _numbers).map(" ".join).filter(lambda t: any(f in t for f in ("orders", "rev", "ref"))),
    st.tuples(_times, _ops, _moments).map(" ".join),
    st.tuples(st.just("birthday"), _ops, st.sampled_from(["today()", "today() - INTERVAL 18 YEAR"])).map(" ".join),
    st.tuples(st.sampled_from(["country", "city"]), st.sampled_from(["=", "<>", "LIKE"]), _quoted)
    .map(" ".join).filter(lambda t: not (t.endswith("''") and "LIKE" in t)),
    st.tuples(_quoted, _quoted).map(lambda two: f"city NOT IN ({two[0]}, {two[1]})"),
    _quoted.filter(lambda word: word != "''").map(lambda word: f"has(channels, {word})"),
    st.sampled_from(["country IS NULL", "city IS NOT NULL", "visitor", "consent.marketing", "orders BETWEEN 1 AND 3",
                     "consent.marketing IS TRUE", "consent.marketing = FALSE", "channels IS NULL"]),
)  # fmt: skip
conditions = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT ({one})"),
        st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map(lambda three: "(" + "".join(three) + ")"),
    ),
    max_leaves=5,
)


def read(text: str, zone: ZoneInfo) -> Node:
    """A text of a shop that has a segment of which many are unknown."""

    def other(name: str) -> Node:
        return InSegment(name, parse("country = 'DE' AND orders >= 1", FIELDS, currency="EUR", zone=zone))

    return parse(text, FIELDS, currency="EUR", zone=zone, segment=other)


@pytest.fixture(scope="module")
def kept(shared_db: Database) -> Database:
    return shared_db


@settings(max_examples=150)
@given(texts=st.lists(conditions, min_size=4, max_size=8), several=st.lists(records, min_size=1, max_size=12),
       zone=st.sampled_from(ZONES))  # fmt: skip
def test_a_condition_says_the_same_live_and_in_the_database(
    kept: Database, texts: list[str], several: list[dict[str, object]], zone: ZoneInfo
) -> None:
    workspace = WorkspaceId(1)
    clock = Clock(NOW, zone)
    with kept.write() as conn:
        conn.execute(membership.records.delete())
        for number, record in enumerate(several):
            body = msgspec.json.encode(record).decode()
            conn.execute(membership.records.insert().values(
                workspace=workspace, root=bytes([number]), bucket=0, record=body, next_at=NEVER
            ))  # fmt: skip
        for text in texts:
            node = read(text, zone)
            asked = sql_of(node, clock, dialect=kept.dialect)
            query = sa.text(f"SELECT root FROM segment_records WHERE {asked.text}")
            found = {bytes(root)[0] for root in conn.execute(query, asked.parameters).scalars()}
            compiled = Compiled(node)
            live = {number for number, record in enumerate(several) if compiled.holds(record, clock)}
            assert found == live, text


@settings(max_examples=200)
@given(text=conditions, several=st.lists(records, min_size=1, max_size=6), zone=st.sampled_from(ZONES),
       depth=st.sampled_from([0, 1, 30, 300]))  # fmt: skip
def test_written_as_one_function_it_says_the_same_as_node_by_node(
    text: str, several: list[dict[str, object]], zone: ZoneInfo, depth: int
) -> None:
    """However deep it is: too deep a one is walked through."""
    clock = Clock(NOW, zone)
    node = read(text, zone)
    leaf = IsNull(node)
    for number in range(depth):
        node = Not(Both("and" if number % 3 else "or", (node, leaf)))
    written, walked = Compiled(node).holds, walking(node)
    for record in several:
        assert written(record, clock) is (walked(record, clock) is True)


@settings(max_examples=100)
@given(texts=st.lists(conditions, min_size=4, max_size=8), several=st.lists(records, min_size=1, max_size=8),
       zone=st.sampled_from(ZONES))  # fmt: skip
def test_the_lake_says_the_same(texts: list[str], several: list[dict[str, object]], zone: ZoneInfo) -> None:
    duckdb = pytest.importorskip("duckdb")
    clock = Clock(NOW, zone)
    lake = duckdb.connect()
    lake.execute("CREATE TABLE records (root INTEGER, record VARCHAR)")
    rows = [[number, msgspec.json.encode(record).decode()] for number, record in enumerate(several)]
    lake.executemany("INSERT INTO records VALUES (?, ?)", rows)
    for text in texts:
        node = read(text, zone)
        asked = sql_of(node, clock, dialect="duckdb")
        found = lake.execute(f"SELECT root FROM records WHERE {asked.text}", dict(asked.parameters)).fetchall()
        compiled = Compiled(node)
        assert {row[0] for row in found} == {
            number for number, record in enumerate(several) if compiled.holds(record, clock)
        }, text


@settings(max_examples=300)
@given(text=conditions, record=records, zone=st.sampled_from(ZONES),
       waits=st.lists(st.integers(1, 500 * 24), min_size=1, max_size=6))  # fmt: skip
def test_until_its_next_change_a_membership_stays(
    text: str, record: dict[str, object], zone: ZoneInfo, waits: list[int]
) -> None:
    compiled = Compiled(read(text, zone))
    clock = Clock(NOW, zone)
    holds, next_at = compiled.holds(record, clock), compiled.next_change(record, clock)
    assert next_at > NOW
    for hours in waits:
        later = min(NOW + hours * HOUR, next_at - 1)
        assert compiled.holds(record, Clock(later, zone)) == holds, (text, later)


_SHIFTS = [Interval(amount, unit) for unit in ("month", "year") for amount in (-13, -1, 1, 2)]
_RARE = [ZoneInfo(name) for name in ("Australia/Lord_Howe", "America/Santiago", "Africa/Cairo")]


@settings(max_examples=400)
@given(shifts=st.lists(st.sampled_from([*_SHIFTS, Interval(-1, "day")]), min_size=1, max_size=2),
       zone=st.sampled_from([*ZONES, *_RARE]), at=st.integers(0, 2 * 366 * 24 * 12), steps=st.lists(
           st.sampled_from([1, 5, 59, 60, 24 * 60, 7 * 24 * 60]), min_size=1, max_size=8))  # fmt: skip
def test_a_moment_never_falls_while_time_passes(
    shifts: list[Interval], zone: ZoneInfo, at: int, steps: list[int]
) -> None:
    moment = Moment("now", "time", shifts=tuple(shifts))
    now = from_iso("2027-01-01T00:00:00Z") + at * 5 * MINUTE
    before = moment_at(moment, now, zone)
    for minutes in steps:
        now += minutes * MINUTE
        found = moment_at(moment, now, zone)
        assert found >= before, (moment, now)
        before = found


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("amount", [-1, 1])
def test_a_month_from_now_stands_still_where_there_is_no_such_time(zone: str, amount: int) -> None:
    """Through all ends of months and both changes of the clocks of two years."""
    moment, before = Moment("now", "time", shifts=(Interval(amount, "month"),)), 0
    for step in range(2 * 366 * 48):
        found = moment_at(moment, from_iso("2027-01-01T00:00:00Z") + step * 30 * MINUTE, ZoneInfo(zone))
        assert found >= before, step
        before = found


def test_a_time_of_the_calendar_begins_and_ends_by_the_clock_alone() -> None:
    zone = ZoneInfo("Europe/Berlin")
    compiled = Compiled(read("today() BETWEEN DATE '2026-12-01' AND DATE '2026-12-24' AND orders >= 1", zone))
    begins, ends = from_iso("2026-11-30T23:00:00Z"), from_iso("2026-12-24T23:00:00Z")
    assert compiled.next_change({"orders": 2}, Clock(NOW, zone)) == begins
    second_day = compiled.next_change({"orders": 2}, Clock(begins, zone))  # asked once more, for nothing
    assert compiled.next_change({"orders": 2}, Clock(second_day, zone)) == ends - 24 * HOUR
    assert compiled.next_change({"orders": 2}, Clock(ends - 24 * HOUR, zone)) == ends
    assert compiled.holds({"orders": 2}, Clock(ends - 1, zone))
    assert not compiled.holds({"orders": 2}, Clock(ends, zone))


_ASKED = [
    f"{field} {op} {moment}"
    for field, moments in {
        "last_order_at": ("now()", "now() - INTERVAL 1 DAY", "today()", "today() - INTERVAL 1 DAY", "'2026-10-25'"),
        "birthday": ("today()", "today() - INTERVAL 1 DAY", "'2026-10-25'"),
    }.items()
    for op in ("=", "<>", "<", "<=", ">", ">=")
    for moment in moments
] + ["consent.marketing", "NOT consent.marketing", "consent.marketing IS NULL", "orders < 1234567.5",
     "orders < 1234567.25", "orders >= 1", "orders = 0"]  # fmt: skip


def test_what_reads_alike_means_the_same_at_any_time_but_the_very_instant() -> None:
    zone = ZoneInfo("Europe/Berlin")
    days = [{"birthday": from_iso("2026-10-25T00:00:00Z") // DAY + day, "consent.marketing": day > 0}
            for day in range(-3, 4)]  # fmt: skip
    times = [{"last_order_at": NOW + hours * HOUR + MINUTE} for hours in range(-80, 80)]
    midnights = [{"last_order_at": NOW + days * DAY - HOUR // 2} for days in range(-3, 4)]
    sizes: list[dict[str, object]] = [{"orders": 1_234_567}, {"orders": 0}, {}]
    said: dict[str, tuple[str, list[bool]]] = {}
    for text in _ASKED:
        node = read(text, zone)
        holds = [Compiled(node).holds(one, Clock(NOW, zone)) for one in (*days, *times, *midnights, *sizes)]
        other, theirs = said.setdefault(in_words(node, FIELDS), (text, holds))
        assert holds == theirs, (in_words(node, FIELDS), text, other)
