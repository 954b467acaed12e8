"""A field is taken out of what came in a span of time: everything is as if it had never been sent, and stays so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from rapport.act.store import outbox, timers
from rapport.adapters.files.model import Refused
from rapport.adapters.files.redacting import _file_names, redacted_refusals
from rapport.adapters.files.store import begin, import_errors, imports
from rapport.adapters.files.uploads import uploads
from rapport.app.pipeline import Pipeline
from rapport.app.redacting import redacting
from rapport.app.redactions_carried import carry_redactions, redactions_in
from rapport.app.worker import drain, run_job_now
from rapport.capabilities.lake import service as lake
from rapport.capabilities.loyalty.store import entries
from rapport.collect import quarantine as quarantining
from rapport.collect import sources
from rapport.collect.model import Envelope, QuarantineRow
from rapport.collect.store import insert_quarantined, quarantine
from rapport.collect.store import sources as sources_table
from rapport.compose import redactions
from rapport.compose.redactions import REDACTING, Redaction, RedactionProof, RedactionWanted
from rapport.kernel.clock import DAY, HOUR, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import WorkspaceId
from rapport.resolve.graph.store import identifiers
from rapport.storage import log
from rapport.storage.audit.tables import audit_entries
from rapport.storage.lake import upkeep
from rapport.storage.withdrawn import withdrawn_facts
from tests import loyal
from tests.databases import sqlite_database
from tests.jobs import turns
from tests.rooms.app.test_undoing import LATER, everything, honest, lake_is
from tests.shop import NOON, Shop

_COLUMNS = ("seq", "workspace", "source", "message_id", "strand", "bucket", "occurred_at", "received_at", "body")

SECRET = "zq7-secret 4711"
"""Stands in every field that is redacted; nothing else says it."""


def leaking(shop: Shop, *, leaks: bool = True) -> list[dict[str, Any]]:
    """What Ada and Bo did, and what of it never ought to have been sent."""
    said = honest(shop)
    if leaks:
        for one in said:
            one.setdefault("properties", {})["note"] = SECRET
            one.setdefault("context", {})["ip"] = f"{SECRET}.ip"
            for line in one["properties"].get("products", []):
                line["engraving"] = SECRET
    return said


def begun(shop: Shop, said: list[dict[str, Any]]) -> None:
    loyal.begin(shop, pending_days=0)
    with shop.db.write() as conn:
        made = sources.create_source(conn, shop.id, name="Website", kind="server", now=NOON)
        conn.execute(sources_table.update().where(sources_table.c.id == made.id).values(id="website"))
    shop.send(*said)
    drain(shop.pipeline)
    drain(shop.pipeline)


def asked(shop: Shop, field: str, **more: Any) -> Redaction:
    wanted: dict[str, Any] = {"since": to_iso(NOON), "until": to_iso(LATER), "source": "", "reason": "a bug sent it"}
    with shop.db.write() as conn:
        return redactions.ask(
            conn, shop.id, RedactionWanted(field=field, **(wanted | more)), by="ada", now=LATER
        )  # fmt: skip


def carried_out(shop: Shop, ident: str) -> Redaction:
    for _ in range(50):
        run_job_now(shop.pipeline, REDACTING)
        drain(shop.pipeline)
        with shop.db.read() as conn:
            found = redactions.find(conn, shop.id, ident)
        if found.state in ("told", "done"):
            return found
    raise AssertionError(f"it never ends: {found}")


def confirmed(shop: Shop, ident: str) -> None:
    with shop.db.write() as conn:
        redactions.confirm(conn, shop.id, ident, by="ada", now=LATER)


def redacted(shop: Shop, field: str, **more: Any) -> Redaction:
    """Asked for, counted, confirmed and done."""
    wanted = carried_out(shop, asked(shop, field, **more).id)
    confirmed(shop, wanted.id)
    return carried_out(shop, wanted.id)


def rows_with(shop: Shop, text: str) -> list[str]:
    """The tables in which this text stands."""
    found = []
    for name, table in shop.pipeline.slices.tables.items():
        values = (value for row in shop.rows(table) for value in row.values())
        if any(text in (str(value) if not isinstance(value, bytes) else value.decode("utf-8", "replace"))
               for value in values):  # fmt: skip
            found.append(name)
    return found


@pytest.fixture
def clean(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Everything of a shop that was never sent the field."""
    (tmp_path / "clean").mkdir()
    shop = Shop(sqlite_database(tmp_path / "clean"))
    begun(shop, leaking(shop, leaks=False))
    yield everything(shop)
    shop.close()


@pytest.mark.slow
def test_everything_is_as_if_the_field_had_never_been_sent(any_shop: Shop, clean: dict[str, Any]) -> None:
    """In parts of three facts, each by a worker that has just begun."""
    begun(any_shop, leaking(any_shop))
    books = any_shop.rows(entries)
    for field in ("properties.note", "context.ip", "properties.products.engraving"):
        before = everything(any_shop)
        wanted = carried_out(any_shop, asked(any_shop, field, source="website").id)
        assert wanted.told is not None
        assert wanted.told.facts == len([row for row in any_shop.rows(log.facts) if field.split(".")[-1].encode()
                                         in row["body"]])  # fmt: skip
        assert everything(any_shop) == before, "counting changed something"
        confirmed(any_shop, wanted.id)
        turns(any_shop.db, redacting(Pipeline(any_shop.db), at_once=3), now=LATER)
        done = carried_out(any_shop, wanted.id)
        assert done.proof is not None
        assert (done.proof.facts, done.proof.nobodys) == (wanted.told.facts, 0)
    found = everything(any_shop)
    for name, rows in clean.items():
        assert found[name] == rows, name
    assert rows_with(any_shop, SECRET) == []
    assert any_shop.rows(entries) == books, "the books were written in"
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in _files(any_shop))


def _files(shop: Shop) -> list[Path]:
    return [] if shop.db.path is None else sorted(shop.db.path.parent.glob(f"{shop.db.path.name}*"))


def of_ada(shop: Shop, message_id: str, *, at: int = NOON + HOUR, **more: Any) -> dict[str, Any]:
    return shop.message("Product Viewed", at=at, user="ada", id=message_id, product_id="p1", note=SECRET, **more)


def notes(shop: Shop) -> dict[str, bool]:
    """By message whether it has the field."""
    sent = (row for row in shop.rows(log.facts) if row["source"] != OWN_SOURCE)
    return {row["message_id"]: f'"note":"{SECRET}"'.encode() in row["body"] for row in sent}


def test_it_does_not_come_back_with_a_replay_or_a_late_client_and_what_is_not_meant_keeps_it(any_shop: Shop) -> None:
    """Of the span is what happened in it, and what came in it; of another source, event or time nothing is taken."""
    until = NOON + 2 * HOUR
    said = [of_ada(any_shop, "old", at=NOON - DAY), of_ada(any_shop, "in"), of_ada(any_shop, "after", at=until),
            any_shop.message("Product Added", at=NOON + HOUR, user="ada", id="other", note=SECRET)]  # fmt: skip
    begun(any_shop, said)
    any_shop.send(of_ada(any_shop, "elsewhere"), source="import")
    any_shop.send(of_ada(any_shop, "brought in", at=NOON - 9 * DAY), received_at=NOON + HOUR)
    wanted = {"source": "website", "event": "Product Viewed", "until": to_iso(until)}
    done = redacted(any_shop, "properties.note", **wanted)
    assert done.proof is not None
    assert (done.proof.facts, done.proof.customers) == (2, 1)
    any_shop.send(*said, received_at=LATER)
    any_shop.send(of_ada(any_shop, "late"), received_at=LATER)
    any_shop.send(of_ada(any_shop, "new", at=LATER))
    assert notes(any_shop) == {
        "old": True, "in": False, "after": True, "other": True, "elsewhere": True, "brought in": False, "late": False,
        "new": True,
    }  # fmt: skip


@pytest.mark.slow
def test_what_named_somebody_is_nobodys_any_more_and_who_was_one_by_it_alone_is_two(
    any_shop: Shop, tmp_path: Path
) -> None:
    """A fact that names nobody else goes whole; one that does is theirs from then on."""
    mail = {"context": {"traits": {"email": "leak@example.com"}}}
    begun(any_shop, [
        of_ada(any_shop, "a") | mail,
        any_shop.message("Product Viewed", at=NOON + HOUR, user="bo", id="b", product_id="p2"),
        any_shop.message("Product Viewed", at=NOON + HOUR, browser="x", id="x", product_id="p3") | mail,
        {**any_shop.message("Product Viewed", at=NOON + HOUR, id="m", product_id="p4"), **mail},
    ])  # fmt: skip
    (tmp_path / "clean").mkdir()
    clean = Shop(sqlite_database(tmp_path / "clean"))
    begun(clean, [
        of_ada(clean, "a"), any_shop.message("Product Viewed", at=NOON + HOUR, user="bo", id="b", product_id="p2"),
        any_shop.message("Product Viewed", at=NOON + HOUR, browser="x", id="x", product_id="p3"),
    ])  # fmt: skip
    done = redacted(any_shop, "traits.email", source="website")
    assert done.proof is not None
    assert (done.proof.facts, done.proof.nobodys, done.proof.identifiers) == (3, 1, 1)
    assert any_shop.digest() == clean.digest()
    assert {row["value"] for row in any_shop.rows(identifiers)} == {row["value"] for row in clean.rows(identifiers)}
    assert rows_with(any_shop, "leak@example.com") == []
    clean.close()


@pytest.mark.slow
def test_of_one_customer_nobody_elses_field_is_touched(any_shop: Shop) -> None:
    begun(any_shop, leaking(any_shop))
    done = redacted(any_shop, "properties.note", customer="email:ada@example.com")
    kept = {row["message_id"] for row in any_shop.rows(log.facts) if SECRET.encode() in row["body"]
            and b'"note"' in row["body"]}  # fmt: skip
    assert kept == {"h4", "h5", "h6"}
    assert done.proof is not None
    assert (done.proof.facts, done.proof.customers) == (5, 1)
    any_shop.send(of_ada(any_shop, "late"), received_at=LATER)
    any_shop.send(any_shop.message("Product Viewed", at=NOON + HOUR, user="bo", id="bo-late", note=SECRET))
    assert not notes(any_shop)["late"]
    assert notes(any_shop)["bo-late"]


def test_what_named_the_one_customer_it_is_about_does_not_come_back_either(any_shop: Shop) -> None:
    mail = "leak@example.com"
    said = [{"type": "identify", "messageId": "only", "traits": {"email": mail}, "timestamp": to_iso(NOON + 1)},
            any_shop.message("Product Viewed", at=NOON + HOUR, browser="x", id="x", product_id="p3")
            | {"context": {"traits": {"email": mail}}}]  # fmt: skip
    begun(any_shop, said)
    note = carried_out(any_shop, asked(any_shop, "properties.note", customer=f"email:{mail}").id)
    done = redacted(any_shop, "traits.email", customer=f"email:{mail}")
    confirmed(any_shop, note.id)
    assert done.proof is not None
    assert (done.proof.facts, done.proof.nobodys, done.proof.identifiers) == (2, 1, 1)
    late = any_shop.message("Product Viewed", at=NOON + HOUR, browser="y", id="y", product_id="p3", note=SECRET)
    any_shop.send(*said, late | {"context": {"traits": {"email": mail}}})
    drain(any_shop.pipeline)
    assert rows_with(any_shop, mail) == rows_with(any_shop, SECRET) == []


def test_messages_nobody_could_read_lose_it_or_go_whole(any_shop: Shop) -> None:
    begun(any_shop, [])

    def aside(ident: str, body: object, *, source: str = "website", ip: str | None = None) -> QuarantineRow:
        written = body if isinstance(body, bytes) else msgspec.json.encode(body)
        envelope = msgspec.json.encode(Envelope(context={"page": {"title": SECRET}}, ip=ip))
        return QuarantineRow(ident, any_shop.id, source, NOON + HOUR, "?", "$", written, envelope, ident.encode())

    ours = [
        aside("qua_1", {"type": "track", "properties": {"note": SECRET, "size": 3}}),
        aside("qua_2", b'{"type": "track", "properties": {"note": "' + SECRET.encode()),
        aside("qua_3", {"type": "track", "properties": f"note: {SECRET}"}),
        aside("qua_4", {"type": "track", "properties": {"note": "theirs"}}, source="import"),
        aside("qua_5", {"type": "track", "properties": {"size": 3}}, ip=f"{SECRET}.ip"),
    ]
    with any_shop.db.write() as conn:
        insert_quarantined(conn, ours)
    redacted(any_shop, "properties.note", source="website")
    redacted(any_shop, "context.page.title", source="website")
    redacted(any_shop, "context.ip", source="website")
    with any_shop.db.write() as conn:
        insert_quarantined(conn, [
            aside("qua_6", {"type": "track", "properties": {"note": SECRET}}),
            aside("qua_7", b'{"properties": {"note": "' + SECRET.encode()),
        ])  # fmt: skip
        mended = msgspec.json.encode({"type": "track", "properties": {"note": SECRET, "size": 4}})
        assert SECRET not in quarantining.mend(conn, any_shop.id, "qua_6", mended).text
        with pytest.raises(InvalidInput):
            quarantining.mend(conn, any_shop.id, "qua_6", b'{"properties": "note"}')
    rows = {row["id"]: row for row in any_shop.rows(quarantine)}
    assert rows.keys() == {"qua_1", "qua_4", "qua_5", "qua_6"}
    assert msgspec.json.decode(rows["qua_1"]["body"]) == {"type": "track", "properties": {"size": 3}}
    of_website = [row for row in rows.values() if row["source"] == "website"]
    assert all(SECRET.encode() not in row["body"] + row["envelope"] for row in of_website)
    assert all(row["size"] == len(row["body"]) + len(row["envelope"]) + len(row["original"] or b"")
               for row in rows.values())  # fmt: skip


@pytest.mark.slow
def test_the_lake_what_was_taken_back_and_what_waits_to_be_sent_lose_it_too(any_shop: Shop, tmp_path: Path) -> None:
    any_shop.db.folder = tmp_path / "data"
    any_shop.db.folder.mkdir()
    begun(any_shop, leaking(any_shop))
    lake.archive(any_shop.db)
    key = next(row["strand"] for row in any_shop.rows(log.facts) if row["message_id"] == "h1")
    said = msgspec.json.encode({"fact": {"properties": {"note": SECRET, "size": 3}}, "words": f"she said {SECRET}."})
    with any_shop.db.write() as conn:
        conn.execute(timers.insert().values(workspace=any_shop.id, kind="t", key=key + b"1", due_at=2**52,
                                            payload=said, bucket=0, failures=0, last_error=""))  # fmt: skip
        conn.execute(outbox.insert().values(
            workspace=any_shop.id, id="out_1", channel="webhook", destination="d", idempotency_key="k", payload=said,
            created_at=NOON, due_at=2**52, expires_at=2**52, attempts=0, status="pending", leased_until=0,
            last_error="", strand=key,
        ))  # fmt: skip
        kept = sa.select(*(log.facts.c[name] for name in _COLUMNS)).where(log.facts.c.message_id == "h2")
        row = conn.execute(kept).one()._asdict()
        conn.execute(withdrawn_facts.insert().values(row | {"withdrawal": "wdr_1", "message_id": "gone", "seq": 9_999}))
    done = redacted(any_shop, "properties.note", source="website")
    assert done.proof is not None
    assert done.proof.withdrawn == 1
    assert {"timers", "outbox"} <= done.proof.stores.keys()
    found = lake_is(any_shop)
    assert (found.is_whole, found.only_in_lake) == (True, 0)
    assert not [one for one in upkeep.read_rows(lake.our_lake(any_shop.db)) if b'"note"' in one.body]
    payload = msgspec.json.decode(next(row["payload"] for row in any_shop.rows(timers) if row["kind"] == "t"))
    assert payload == {"fact": {"properties": {"size": 3}}, "words": "she said (erased)."}
    assert [row for row in any_shop.rows(audit_entries) if row["action"] == "redaction.done"]


def test_what_cannot_be_meant_is_refused_and_nothing_is_done_before_its_numbers_are_there(any_shop: Shop) -> None:
    begun(any_shop, leaking(any_shop))
    for field in ("note", "userId", "properties.", "context.consent.categoryPreferences", "properties." + "x" * 300):
        with pytest.raises(InvalidInput):
            asked(any_shop, field, source="website")
    for more in ({}, {"source": "website", "since": to_iso(LATER)}, {"source": "website", "until": "2999-01-01"}):
        with pytest.raises(InvalidInput):
            asked(any_shop, "properties.note", **more)
    for nobody in ({"source": "nowhere"}, {"customer": "email:nobody@example.com"}):
        with pytest.raises(NotFound):
            asked(any_shop, "properties.note", **nobody)
    ident = asked(any_shop, "properties.note", source="website").id
    with pytest.raises(Conflict):
        confirmed(any_shop, ident)
    assert "facts" in rows_with(any_shop, SECRET)


def test_a_backup_that_is_put_back_loses_the_field_again(any_shop: Shop, tmp_path: Path) -> None:
    begun(any_shop, leaking(any_shop))
    (tmp_path / "backup").mkdir()
    backup = Shop(sqlite_database(tmp_path / "backup"))
    begun(backup, leaking(backup))
    done = redacted(any_shop, "properties.note", customer="user_id:ada")
    with any_shop.db.read() as there, backup.db.write() as conn:
        standing = redactions_in(there)
        elsewhere = [{**row, "workspace": 99} for row in standing["redactions"]]
        assert carry_redactions(conn, {**standing, "redactions": [*standing["redactions"], *elsewhere]}) == 1
        assert redactions.find(conn, backup.id, done.id).proof == RedactionProof()
    backup.send(of_ada(backup, "late"))
    assert carried_out(backup, done.id).state == "done"
    assert notes(backup)["h4"]
    assert not any(notes(backup)[name] for name in ("late", "h1"))
    with any_shop.db.read() as there, backup.db.write() as conn:
        assert carry_redactions(conn, redactions_in(there)) == 0
    backup.close()


@pytest.mark.parametrize("source", ["website", ""])
def test_refused_lines_and_files_of_imports_lose_it_where_imports_are_meant(
    any_shop: Shop, tmp_path: Path, source: str
) -> None:
    shop = any_shop
    begun(shop, leaking(shop))
    years_later = NOON + 1000 * DAY
    path = tmp_path / "upl_1"
    path.write_text(f"note\n{SECRET}\n")
    line = {"workspace": shop.id, "import_id": "imp_1", "file": "a.csv", "line": 2, "reason": f"no: {SECRET}"}
    upload = dict.fromkeys((column.name for column in uploads.columns), "") | {
        "workspace": shop.id, "id": path.name, "path": str(path), "size": 9, "uploaded_at": years_later,
        "map_text": b"",
        "version": 1, "state": "ready", "import_id": None, "started_at": None, "finished_at": None, "done": 0,
        "total": 0, "repeated": False,
    }  # fmt: skip
    with shop.db.write() as conn:
        begin(conn, shop.id, kind="any", title="a.csv", fingerprint="f", now=years_later)
        conn.execute(imports.update().values(id="imp_1"))
        conn.execute(import_errors.insert().values({**line, "number": 1, "row": SECRET}))
        conn.execute(uploads.insert().values(upload))
    done = redacted(shop, "properties.note", source=source, **({} if source else {"event": "Order Completed"}))
    assert done.proof is not None
    assert ("import_errors" in rows_with(shop, SECRET)) == bool(source)
    assert ("1 refused lines of imports emptied" in done.proof.files) == (not source)
    assert source or not path.exists()
    refused = [Refused("a.csv", 3, f"no: {SECRET}", f'["{SECRET}"]'), Refused("a.csv", 4, "no time", f'["{SECRET}"]')]
    with shop.db.write() as conn:
        later = redacted_refusals(conn, shop.id, refused)
    assert (later == refused) == bool(source)
    assert source or (SECRET not in str(later) and later[1].reason.startswith("no time; "))


def test_of_one_customer_only_the_files_go_that_name_them(tmp_path: Path) -> None:
    shop, path = WorkspaceId(1), tmp_path / "upl_1"
    keys = {key_of(shop, Identifier("email", "ada@example.com"))}
    for text, named in (("mail;note\nbo@example.com;x\n", False), ("note;mail\nx;ada@example.com\n", True)):
        path.write_text(text)
        assert _file_names(shop, keys, path) == named
    path.write_bytes("mail\nbo@example.com\n".encode("utf-16"))
    assert _file_names(shop, keys, path), "what cannot be read may name them"
