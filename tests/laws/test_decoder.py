"""Laws of collecting: whatever arrives, a decoder answers with a fact or a reason, never with anything else."""

from __future__ import annotations

import json
import random
import zlib
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from rapport.collect.envelope import base64_json, inflate, read_batch, read_single
from rapport.collect.http import keys_of
from rapport.collect.model import Envelope, Limits, Source
from rapport.collect.prepare import prepare, prepare_all, quarantined
from rapport.collect.validate import MAX_DEPTH
from rapport.kernel.clock import DAY, from_iso
from rapport.kernel.errors import InvalidFact, InvalidInput
from rapport.kernel.facts import decode_fact
from rapport.kernel.identifiers import BUCKETS
from rapport.kernel.ids import WorkspaceId

NOW = from_iso("2026-03-01T12:00:00Z")
SOURCE = Source(workspace=WorkspaceId(1), id="src", name="S", kind="web", limits=Limits(max_event_bytes=10**9))

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from(["", " ", "\0", "null", "\ud800", "2026-03-01T12:00:00Z", "1e400", "ada@example.com", 10**30])
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
names = st.sampled_from(
    ["type", "messageId", "event", "userId", "anonymousId", "previousId", "groupId", "name", "category", "channel",
     "properties", "traits", "context", "integrations", "timestamp", "originalTimestamp", "sentAt", "writeKey", "x"]
)  # fmt: skip
odd_messages = st.dictionaries(names, values)
plausible = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "identify", "page", "screen", "group", "alias", "Track", "x"])},
    optional={
        "event": st.text(max_size=30) | st.sampled_from(["Completed Order", "Order Completed", "Viewed Product"]),
        "userId": st.text(max_size=10) | st.integers(),
        "anonymousId": st.text(max_size=10),
        "groupId": st.text(max_size=10),
        "previousId": st.text(max_size=10),
        "properties": st.dictionaries(st.text(max_size=8), values, max_size=5) | st.none(),
        "context": st.dictionaries(
            st.sampled_from(["traits", "externalIds", "device", "ip", "consent", "direct", "library"]), values
        ),
        "timestamp": st.datetimes().map(lambda d: d.isoformat()) | values,
        "messageId": st.text(max_size=101),
    },
)
moments = st.text(st.characters(codec="utf-8", exclude_characters="\0"))  # clean, as the endpoints hand them on
envelopes = st.builds(
    Envelope,
    type=st.sampled_from([None, "track", "identify", "page", "group", "alias"]),
    sent_at=st.none() | moments | st.integers() | st.floats(allow_nan=False),
    history=st.booleans(),
    ip=st.none() | st.just("203.0.113.9"),
    opt_out=st.booleans(),
)
json_texts = (odd_messages | plausible | values).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))


def check_row(raw: bytes, envelope: Envelope) -> None:
    """A fact or a reason; and a fact is clean: what every later room relies on."""
    try:
        row = prepare(raw, source=SOURCE, received_at=NOW, envelope=envelope)
    except InvalidFact as error:
        kept = quarantined(raw, error, source=SOURCE, received_at=NOW, envelope=envelope)
        assert kept.reason
        assert kept.path.startswith("$")
        assert "\0" not in kept.reason + kept.path
        (kept.reason + kept.path).encode()
        return
    assert from_iso("1990-01-01T00:00:00Z") <= row.occurred_at <= NOW
    assert len(row.strand) == 16
    assert 0 <= row.bucket < BUCKETS
    assert 0 < len(row.message_id) <= 100
    assert "\0" not in row.message_id
    assert b"\\u0000" not in row.body.replace(b"\\\\", b"")
    fact = decode_fact(row.body, occurred_at=row.occurred_at, received_at=NOW, source=row.source, seq=1)
    assert fact.id == row.message_id
    assert fact.name.strip()
    assert msgspec.json.decode(row.body) == json.loads(row.body)
    assert depth_of(msgspec.json.decode(row.body)) <= MAX_DEPTH + 1


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth_of(v) for v in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth_of(v) for v in value), default=0)
    return 0


@given(raw=json_texts, envelope=envelopes)
@example(raw=b'{"type": "track", "userId": "u", "context": {"traits": {"\\u0000": Infinity}}}', envelope=Envelope())
def test_any_json_becomes_a_clean_fact_or_a_reason(raw: bytes, envelope: Envelope) -> None:
    check_row(raw, envelope)


@given(raw=st.binary(), envelope=envelopes)
@example(raw=b"[" * 100_000, envelope=Envelope())
@example(raw=b'{"a":' * 100_000, envelope=Envelope())
@example(raw=b'{"userId":"\\u0000\\ud800","event":"\\udfff"}', envelope=Envelope(type="track"))
@example(raw=b'{"userId":' + b"9" * 10_000 + b"}", envelope=Envelope(type="identify"))
def test_any_bytes_become_a_fact_or_a_reason(raw: bytes, envelope: Envelope) -> None:
    check_row(raw, envelope)


@given(raw=json_texts, envelope=envelopes, cut=st.integers(0, 200), dirt=st.binary(max_size=3))
def test_damaged_json_becomes_a_fact_or_a_reason(raw: bytes, envelope: Envelope, cut: int, dirt: bytes) -> None:
    check_row(raw[:cut] + dirt + raw[cut:], envelope)
    check_row(raw[:cut], envelope)


@given(body=st.binary() | json_texts | st.lists(json_texts).map(lambda m: b'{"batch":[' + b",".join(m) + b"]}"))
def test_any_body_is_cut_into_messages_or_refused(body: bytes) -> None:
    for read in (read_batch, read_single):
        try:
            parts = read(body)
        except InvalidInput:
            continue
        assert all(isinstance(message, bytes) for message in parts.messages)


@given(messages=st.lists(plausible | odd_messages, max_size=8), bad=st.data())
def test_a_bad_message_leaves_its_neighbours_as_they_would_be_alone(
    messages: list[dict[str, Any]], bad: st.DataObject
) -> None:
    """However broken it is, as long as its brackets and quotes close."""
    good = [json.dumps(message).encode() for message in messages]
    broken = bad.draw(
        st.sampled_from([b"NaN", b'{"a":Infinity}', b"{tru}", b'"\\ud800"', b"[" * 2000 + b"]" * 2000, b'"\xff"'])
    )
    at = bad.draw(st.integers(0, len(good)))
    parts = read_batch(b'{"batch":[' + b",".join([*good[:at], broken, *good[at:]]) + b'],"sentAt":"x"}')
    assert parts.messages == [*good[:at], broken, *good[at:]]
    assert parts.sent_at == "x"
    rows, aside = prepare_all(parts.messages, source=SOURCE, received_at=NOW, envelope=Envelope())
    assert len(rows) + len(aside) == len(good) + 1
    assert broken in [row.body for row in aside]


@given(message=plausible, envelope=envelopes)
def test_the_same_message_is_the_same_fact_whenever_it_is_prepared(message: dict[str, Any], envelope: Envelope) -> None:
    raw = json.dumps(message | {"messageId": "m", "userId": "ada"}).encode()
    try:
        first = prepare(raw, source=SOURCE, received_at=NOW, envelope=envelope)
    except InvalidFact:
        return
    assert prepare(raw, source=SOURCE, received_at=NOW, envelope=envelope) == first


@given(skew=st.integers(-2 * DAY, 2 * DAY), ago=st.integers(0, 1000 * DAY))
def test_a_device_s_clock_is_set_right_whatever_it_shows(skew: int, ago: int) -> None:
    """Within belief, and unless it is so little that it may be the network, the error of the clock cancels out."""

    def iso(us: int) -> str:
        return f"{us / 1_000_000:.6f}"

    message = {
        "type": "track",
        "event": "x",
        "userId": "ada",
        "timestamp": iso(NOW - ago + skew),
        "sentAt": iso(NOW + skew),
    }
    row = prepare(json.dumps(message).encode(), source=SOURCE, received_at=NOW, envelope=Envelope())
    wrong = 0 if 2_000_000 <= abs(skew) <= DAY else skew
    assert abs(row.occurred_at - min(NOW, NOW - ago + wrong)) <= 2


@given(
    data=st.binary(max_size=2000), limit=st.integers(0, 1000), encoding=st.sampled_from(["", "gzip", "deflate", "br"])
)
def test_unpacking_never_makes_more_than_the_limit(data: bytes, limit: int, encoding: str) -> None:
    packer = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    packed = packer.compress(data) + packer.flush()
    for body in (data, packed, packed[: random.Random(len(data)).randint(0, len(packed))]):
        try:
            plain = inflate(body, encoding, limit=limit)
        except InvalidInput:
            continue
        assert plain is body or len(plain) <= limit


@given(text=st.text())
def test_any_header_and_parameter_is_read_or_refused(text: str) -> None:
    assert all([*keys_of(f"Basic {text}"), *keys_of(text)])
    with suppress(InvalidInput):
        base64_json(text)
