"""From one message's JSON to one canonical fact: every odd case is decided on purpose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rapport.collect.model import KIB, MAX_MENDED_BYTES, NO_ENVELOPE, Envelope, Limits, Source, SourceKind
from rapport.collect.prepare import prepare, prepare_all
from rapport.kernel.clock import DAY, HOUR, SECOND, from_iso, to_iso
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact, decode_fact
from rapport.kernel.identifiers import Identifier, bucket_of, key_of
from rapport.kernel.ids import WorkspaceId

NOW = from_iso("2026-03-01T12:00:00Z")
SITE = Source(workspace=WorkspaceId(1), id="src_site", name="Site", kind="web", client_side=True)
BACKEND = Source(workspace=WorkspaceId(1), id="src_backend", name="Backend", kind="server")


def fact_of(
    message: dict[str, Any] | str | bytes, *, source: Source = BACKEND, envelope: Envelope = NO_ENVELOPE
) -> Fact:
    """The canonical fact of a message; it is a `Cart Viewed` of Ada's unless it says otherwise."""
    if isinstance(message, dict):
        message = json.dumps({"type": "track", "event": "Cart Viewed", "userId": "ada"} | message)
    if isinstance(message, str):
        message = message.encode()
    row = prepare(message, source=source, received_at=NOW, envelope=envelope)
    return decode_fact(row.body, occurred_at=row.occurred_at, received_at=NOW, source=row.source, seq=0)


def path_of(message: dict[str, Any] | str | bytes, **others: Any) -> str:
    """The JSON path for which a message goes to quarantine."""
    with pytest.raises(InvalidFact) as caught:
        fact_of(message, **others)
    assert caught.value.message
    return caught.value.path


def test_a_track_becomes_a_fact_whose_row_carries_strand_and_bucket() -> None:
    row = prepare(
        b'{"type":"track","messageId":"m1","event":"Product Viewed","userId":"ada","anonymousId":"a1"}',
        source=BACKEND, received_at=NOW,
    )  # fmt: skip
    key = key_of(WorkspaceId(1), Identifier("user_id", "ada"))
    assert (row.workspace, row.source, row.message_id) == (1, "src_backend", "m1")
    assert (row.strand, row.bucket) == (key, bucket_of(key))
    assert row.occurred_at == row.received_at == NOW


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"type": "identify"}, "Identified"),
        ({"type": "page"}, "Page Viewed"),
        ({"type": "screen"}, "Screen Viewed"),
        ({"type": "group", "groupId": "household-1"}, "Group Joined"),
        ({"type": "alias", "previousId": "a1"}, "Aliased"),
        ({"type": "merge", "mergeProperties": [{"type": "userId", "value": "old"}]}, "Aliased"),
        ({"type": "Track"}, "Cart Viewed"),
        ({"event": " Cart Viewed "}, "Cart Viewed"),
        ({"event": 404}, "404"),
        ({"event": "cart_viewed"}, "Cart Viewed"),
        ({"event": "Completed Order"}, "Order Completed"),
        ({"event": "completedOrder"}, "Order Completed"),
        ({"event": "Viewed Product Category"}, "Product List Viewed"),
    ],
)
def test_each_message_has_one_canonical_name(message: dict[str, Any], name: str) -> None:
    assert fact_of(message).name == name


def test_an_old_name_brings_its_old_property_names_up_to_date_beside_what_was_sent() -> None:
    fact = fact_of({"event": "Completed Order", "properties": {"orderId": "o1", "products": [{"id": "p1"}]}})
    assert fact.properties == {"orderId": "o1", "order_id": "o1", "products": [{"id": "p1", "product_id": "p1"}]}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(42, "42"), (42.0, "42"), (4.5, "4.5"), ("  42 ", "42"), (12345678901234567890, "12345678901234567890")],
)
def test_a_numeric_user_id_is_text(sent: object, kept: str) -> None:
    assert fact_of({"userId": sent}).user_id == kept


@pytest.mark.parametrize("sent", [None, {}, []])
def test_empty_properties_in_any_spelling_are_an_empty_map(sent: object) -> None:
    assert fact_of({"properties": sent}).properties == {}


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"type": None}, "$.type"),
        ({"type": "purchase"}, "$.type"),
        ({"type": 7}, "$.type"),
        ({"event": None}, "$.event"),
        ({"event": "  "}, "$.event"),
        ({"event": "x" * 201}, "$.event"),
        ({"event": {"name": "x"}}, "$.event"),
        ({"userId": True}, "$.userId"),
        ({"userId": ["ada"]}, "$.userId"),
        ({"userId": "null"}, "$.userId"),
        ({"userId": "0000"}, "$.userId"),
        ({"userId": "x" * 2000}, "$.userId"),
        ({"userId": None}, "$"),
        ({"userId": ""}, "$"),
        ({"messageId": "m" * 101}, "$.messageId"),
        ({"properties": "red"}, "$.properties"),
        ({"properties": [1]}, "$.properties"),
        ({"traits": 3}, "$.traits"),
        ({"context": "web"}, "$.context"),
        ({"type": "group"}, "$.groupId"),
        ({"type": "alias"}, "$.previousId"),
        ({"type": "alias", "previousId": "a", "userId": None}, "$.userId"),
        ({"type": "alias", "previousId": "undefined"}, "$.previousId"),
        ({"type": "alias", "previousId": "{{user.id}}", "anonymousId": "a-1"}, "$.previousId"),
        ({"type": "alias", "previousId": "ada-old", "userId": "null"}, "$.userId"),
        ({"type": "merge"}, "$.previousId"),
        ({"type": "merge", "mergeProperties": ["ada@example.com"]}, "$.mergeProperties"),
        ({"type": "merge", "mergeProperties": [{"type": "email", "value": "noemail@"}]}, "$.mergeProperties"),
        ({"type": "merge", "mergeProperties": [{"type": "email", "value": {"a": 1}}, {}]}, "$.mergeProperties"),
        ({"properties": {"price": float("nan")}}, "$.properties.price"),
        ({"properties": {"a": [{"b": float("-inf")}]}}, "$.properties.a[0].b"),
        ({"properties": {f"p{i}": i for i in range(1001)}}, "$.properties"),
        ("[]", "$"),
        ('"text"', "$"),
        ("7", "$"),
        ("", "$"),
        ("{", "$"),
        ("[" * 5000 + "]" * 5000, "$"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "$"),
        (b'{"type":"track","event":"\xff","userId":"ada"}', "$"),
        ('{"type":"track","event":"x","userId":"ada","properties":{"n":1e999}}', "$.properties.n"),
    ],
)
def test_what_cannot_become_a_fact_says_where_and_why(message: dict[str, Any] | str | bytes, path: str) -> None:
    assert path_of(message) == path


def test_a_map_nested_beyond_the_limit_is_refused_and_one_at_the_limit_is_not() -> None:
    def nested(levels: int) -> dict[str, Any]:
        inner: dict[str, Any] = {}
        for _ in range(levels):
            inner = {"a": inner}
        return inner

    assert fact_of({"properties": nested(29)}).properties
    assert path_of({"properties": nested(40)}).startswith("$.properties.a.a")


def test_many_products_are_not_deep() -> None:
    products = [{"product_id": f"p{i}", "variants": [{"size": "S"}]} for i in range(200)]
    assert len(fact_of({"properties": {"products": products}}).properties["products"]) == 200


def test_a_whole_number_beyond_64_bit_is_kept_digit_by_digit() -> None:
    fact = fact_of(
        '{"type":"track","event":"x","userId":"ada","properties":{"n":123456789012345678901234567890,"m":7}}'
    )
    assert fact.properties == {"n": "123456789012345678901234567890", "m": 7}
    long = "9" * 6000
    fact = fact_of(f'{{"type":"track","event":"x","userId":"ada","properties":{{"n":{long}}}}}')
    assert fact.properties["n"] == long


def test_no_nul_passes_but_other_control_characters_do() -> None:
    fact = fact_of({"properties": {"na\0me": "a\0b\x01\t\n", "list": ["\0"]}, "userId": "a\0da"})
    assert fact.properties == {"name": "ab\x01\t\n", "list": [""]}
    assert fact.user_id == "ada"


def test_raw_control_characters_in_text_are_read() -> None:
    assert fact_of('{"type":"track","event":"two\nlines","userId":"ada"}').name == "two\nlines"


def test_text_cut_inside_an_emoji_is_mended() -> None:
    assert fact_of({"properties": {"note": "gift \ud83c", "whole": "\U0001f381"}}).properties == {
        "note": "gift \ufffd",
        "whole": "\U0001f381",
    }


def test_a_message_without_an_id_gets_one_each_time() -> None:
    first, second = fact_of({}), fact_of({"messageId": "  "})
    assert first.id.startswith("srv-")
    assert first.id != second.id


def test_a_person_may_be_known_by_an_external_id_alone() -> None:
    context = {"externalIds": [{"type": "loyalty_card", "id": "LC-1", "collection": "users", "encoding": "none"}]}
    assert fact_of({"userId": None, "context": context}).context == context


def test_the_write_key_never_reaches_the_log() -> None:
    row = prepare(
        b'{"type":"track","event":"x","userId":"ada","writeKey":"wk_secret"}', source=BACKEND, received_at=NOW
    )
    assert b"wk_secret" not in row.body


def test_an_identify_of_rudderstack_brings_its_traits_in_the_context() -> None:
    fact = fact_of({"type": "identify", "context": {"traits": {"email": "ada@example.com"}}})
    assert fact.traits == {"email": "ada@example.com"}


def test_batch_context_and_integrations_lie_under_each_message_s_own() -> None:
    envelope = Envelope(
        context={"locale": "de-DE", "library": {"name": "batch", "version": "1"}},
        integrations={"All": False, "A": True},
    )
    fact = fact_of({"context": {"library": {"name": "own"}}, "integrations": {"All": True}}, envelope=envelope)
    assert fact.context == {"locale": "de-DE", "library": {"name": "own", "version": "1"}}
    assert fact.integrations == {"All": True, "A": True}
    assert envelope.context["library"] == {"name": "batch", "version": "1"}


def test_consent_is_kept_as_sent() -> None:
    consent = {"categoryPreferences": {"marketing": False, "analytics": True}}
    assert fact_of({"context": {"consent": consent}}).context["consent"] == consent


@pytest.mark.parametrize(
    ("source", "context", "ip"),
    [
        (SITE, {}, "203.0.113.9"),
        (SITE, {"ip": "198.51.100.1"}, "198.51.100.1"),
        (BACKEND, {}, None),
        (BACKEND, {"direct": True}, "203.0.113.9"),
        (BACKEND, {"ip": "198.51.100.1"}, "198.51.100.1"),
    ],
)
def test_the_peer_s_address_is_kept_for_client_side_sources_only(
    source: Source, context: dict[str, Any], ip: str
) -> None:
    envelope = Envelope(ip="203.0.113.9")
    assert fact_of({"context": context}, source=source, envelope=envelope).context.get("ip") == ip


def test_global_privacy_control_is_kept() -> None:
    assert fact_of({}, source=SITE, envelope=Envelope(opt_out=True)).context["globalPrivacyControl"] is True


@pytest.mark.parametrize(
    ("said", "sent", "occurred"),
    [
        (None, None, NOW),
        (NOW - HOUR, None, NOW - HOUR),
        (NOW - HOUR, NOW, NOW - HOUR),
        (NOW - HOUR, NOW - 1_999_999, NOW - HOUR),
        (NOW - HOUR, NOW + 1_999_999, NOW - HOUR),
        (NOW - HOUR - 10 * SECOND, NOW - 10 * SECOND, NOW - HOUR),
        (NOW + 3 * HOUR, NOW + 4 * HOUR, NOW - HOUR),
        (NOW - HOUR, NOW - 2 * DAY, NOW - HOUR),
        (NOW + DAY, None, NOW),
        (NOW + 2 * DAY, NOW + 2 * DAY, NOW),
    ],
)
def test_a_wrong_clock_is_set_right_but_a_slow_network_is_not_a_wrong_clock(
    said: int | None, sent: int | None, occurred: int
) -> None:
    message: dict[str, Any] = {}
    if said is not None:
        message["timestamp"] = _iso(said)
    assert fact_of(message, envelope=Envelope(sent_at=None if sent is None else _iso(sent))).occurred_at == occurred
    if sent is not None:
        assert fact_of(message | {"sentAt": _iso(sent)}).occurred_at == occurred
        renamed = {"originalTimestamp": message["timestamp"], "sentAt": _iso(sent)}
        assert fact_of(renamed).occurred_at == occurred


def test_a_time_that_a_relay_corrected_already_survives_exactly() -> None:
    message = {"timestamp": _iso(NOW - DAY), "originalTimestamp": _iso(NOW - HOUR), "sentAt": _iso(NOW - 2 * HOUR)}
    assert fact_of(message).occurred_at == NOW - DAY


def test_history_keeps_its_time_exactly() -> None:
    past = from_iso("2011-12-09T12:50:00.123456Z")
    envelope = Envelope(history=True, sent_at=_iso(NOW - HOUR))
    assert fact_of({"timestamp": "2011-12-09T12:50:00.123456Z"}, envelope=envelope).occurred_at == past


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000000000Z", "2026-03-01T11:00:00+01:00", "2026-03-01 10:00:00",
        1772359200, 1772359200000, "1772359200", "1772359200000", "Sun, 01 Mar 2026 10:00:00 GMT",
        " 2026-03-01T10:00:00Z ",
    ],
)  # fmt: skip
def test_times_are_read_in_the_spellings_clients_use(written: object) -> None:
    assert fact_of({"timestamp": written}).occurred_at == from_iso("2026-03-01T10:00:00Z")


@pytest.mark.parametrize(
    "written", ["yesterday", "99999999999999999999", "2026-11-20 10:00:00 IST", "20/11/2026 10:00", 1e30]
)
def test_a_time_that_cannot_be_read_is_never_replaced_by_another(written: object) -> None:
    assert path_of({"timestamp": written}) == "$.timestamp"
    assert path_of({"originalTimestamp": written}) == "$.originalTimestamp"
    assert path_of({"timestamp": written}, envelope=Envelope(history=True)) == "$.timestamp"


@pytest.mark.parametrize("written", ["", "0001-01-01T00:00:00Z", 0, -5, "1989-12-31T00:00:00Z"])
def test_an_unbelievable_time_is_the_receipt_s_and_quarantine_for_history(written: object) -> None:
    assert fact_of({"timestamp": written}).occurred_at == NOW
    assert path_of({"timestamp": written}, envelope=Envelope(history=True)) == "$.timestamp"


def test_the_size_of_one_message_is_a_limit_of_its_source() -> None:
    small = Source(workspace=WorkspaceId(1), id="src_s", name="S", kind="server", limits=Limits(max_event_bytes=1024))
    assert fact_of({"properties": {"a": "x" * 500}}, source=small).properties
    assert path_of({"properties": {"a": "x" * 2000}}, source=small) == "$"


def _iso(us: int) -> str:
    return to_iso(us)[:-1][:-4] + f".{us % SECOND:06d}Z"


def test_a_till_is_a_store_though_its_sdk_does_not_say_so() -> None:
    """A source whose kind is a place where customers are states the channel, unless the message does."""
    cases: list[tuple[SourceKind, dict[str, str], str | None]] = [
        ("store", {}, "store"), ("store", {"channel": "kiosk"}, "kiosk"), ("web", {}, None),
    ]  # fmt: skip
    for kind, context, channel in cases:
        source = Source(workspace=WorkspaceId(1), id="src", name="Source", kind=kind, write_key="wk")
        assert fact_of({"context": context}, source=source).context.get("channel") == channel


def test_of_a_message_that_is_far_too_long_its_beginning_goes_to_quarantine() -> None:
    long = json.dumps({"type": "track", "event": "x", "userId": "ada", "properties": {"y": "z" * 4_000_000}}).encode()
    for source, most in ((SITE, 64 * KIB), (BACKEND, MAX_MENDED_BYTES)):
        _, [row] = prepare_all([long], source=source, received_at=NOW, envelope=NO_ENVELOPE)
        assert row.body == long[:most]
        assert "its first" in row.reason
    _, again = prepare_all([long], source=SITE, received_at=NOW, envelope=NO_ENVELOPE)
    assert again[0].body_hash == row.body_hash, "it is known when it is sent again"
    _, [short] = prepare_all([b'{"type":"track","userId":"ada"}'], source=SITE, received_at=NOW, envelope=NO_ENVELOPE)
    assert "its first" not in short.reason
