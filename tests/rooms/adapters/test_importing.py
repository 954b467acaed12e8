"""Files that were handed in at the console: kept privately, imported by the workers' job, remembered."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rapport.act.jobs import Moment, Turn
from rapport.adapters.files import store, uploads
from rapport.adapters.files.importing import IMPORTING
from rapport.adapters.files.mapping import parse_map
from rapport.adapters.files.ready import ready_map
from rapport.adapters.files.sifting import sift_uploads
from rapport.adapters.files.uploads import KEPT, Upload
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, TooLarge
from rapport.kernel.identifiers import BUCKETS
from rapport.storage.leases import Leases
from rapport.storage.workspaces import create_workspace
from tests.databases import ENGINES, database_at
from tests.jobs import turns
from tests.rooms.adapters import exports
from tests.shop import NOON, Shop

MANY = "First Name,Last Name,Email,Accepts Email Marketing\n" + "".join(
    f"P,{number},p{number}@example.com,no\n" for number in range(40)
)


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    with database_at(request.param, tmp_path) as url:
        found = Shop(url)
        yield found
        found.close()


def hand_in(
    shop: Shop, folder: Path, text: str, *, name: str = "export.csv", map_name: str = "shopify-customers"
) -> str:
    upload_id, path, size = uploads.keep_file(folder / "uploads", io.BytesIO(text.encode()))
    with shop.db.write() as conn:
        uploads.put_in(
            conn, shop.id, upload_id, path, name=name, size=size, said=ready_map(map_name), by="Olga", now=NOON
        )
    return upload_id


def one(shop: Shop, upload_id: str) -> Upload:
    with shop.db.read() as conn:
        return uploads.find_upload(conn, shop.id, upload_id)


def start(shop: Shop, upload_id: str) -> None:
    with shop.db.write() as conn:
        uploads.start(conn, shop.id, upload_id, seen=one(shop, upload_id).version, now=NOON)


def facts(shop: Shop) -> int:
    return len(shop.facts("Identified")) + len(shop.facts("Order Completed"))


def test_a_file_is_kept_for_its_owner_alone_under_a_name_of_ours(shop: Shop, tmp_path: Path) -> None:
    upload = one(shop, hand_in(shop, tmp_path, MANY, name="../../etc/\u202epasswd\n.csv"))

    path = Path(upload.path)
    assert path.parent == tmp_path / "uploads"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "/" not in upload.name
    assert upload.name.isprintable()


def test_an_empty_file_and_one_too_large_leave_nothing_behind(tmp_path: Path) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    with pytest.raises(InvalidInput, match="empty"):
        uploads.keep_file(tmp_path / "uploads", io.BytesIO())
    with pytest.raises(TooLarge, match="larger than 256 MB"):
        uploads.keep_file(tmp_path / "uploads", Endless())  # type: ignore[arg-type]
    assert list((tmp_path / "uploads").iterdir()) == []


@pytest.mark.parametrize("head", [b"PK\x03\x04x", b"%PDF-1.7", b"\x00\x01\x02", b'{"a": 1}', b"<html>"])
def test_what_is_no_table_is_refused(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "x").write_bytes(head)

    with pytest.raises(InvalidInput, match="orders"):
        uploads.refuse_other_files(tmp_path / "x", "orders")


@pytest.mark.parametrize(
    "head", ["a;b\nä;ö\n".encode("cp1252"), "a,b".encode("utf-16"), b"\x1f\x8b\x08", b"\xef\xbb\xbfa,b"]
)
def test_what_may_be_a_table_is_not(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "x").write_bytes(head)

    uploads.refuse_other_files(tmp_path / "x", "orders")


def test_the_job_imports_what_was_started_and_removes_the_file(shop: Shop, tmp_path: Path) -> None:
    waiting, started = hand_in(shop, tmp_path, MANY), hand_in(
        shop, tmp_path, exports.SHOPIFY_ORDERS, map_name="shopify-orders")  # fmt: skip
    path = Path(one(shop, started).path)
    start(shop, started)

    turns(shop.db, IMPORTING, now=NOON)

    upload = one(shop, started)
    assert (upload.state, upload.path, path.exists()) == ("done", "", False)
    with shop.db.read() as conn:
        report = store.find_report(conn, shop.id, upload.import_id or "")
    assert report is not None
    assert (report.rows, report.facts, report.added, report.finished) == (4, 7, 7, True)
    assert one(shop, waiting).state == "ready"


def test_a_file_states_nothing_that_rapport_alone_states_and_other_spellings_are_understood(
    shop: Shop, tmp_path: Path
) -> None:
    text = """
name = "own"
[[fact]]
id = ["event", "order"]
event = { column = "event" }
user_id = "customer"
properties.order_id = "order"
properties.shipment_id = "order"
properties.status = "status"
"""
    said = parse_map(text.encode(), "own")
    names = ("Promise Broken", "Points Earned", "shipment_updated")
    rows = "event,order,customer,status\n" + "".join(f"{name},A-1,ada,sent\n" for name in names)
    upload_id, path, size = uploads.keep_file(tmp_path / "uploads", io.BytesIO(rows.encode()))
    with shop.db.write() as conn:
        uploads.put_in(conn, shop.id, upload_id, path, name="own.csv", size=size, said=said, by="Olga", now=NOON)
    start(shop, upload_id)
    turns(shop.db, IMPORTING, now=NOON, vocabulary=shop.pipeline.slices.vocabulary)
    assert [len(shop.facts(name)) for name in ("Promise Broken", "Points Earned", "Shipment Updated")] == [0, 0, 1]


def test_a_worker_that_is_killed_is_followed_by_one_that_goes_on(shop: Shop, tmp_path: Path) -> None:
    """Each turn has a memory of its own, as if the worker before it had been killed; none tells a fact twice."""
    upload_id = hand_in(shop, tmp_path, MANY)
    start(shop, upload_id)
    Leases(shop.db, "tests").maintain()
    moment = Moment(owner="tests", buckets=tuple(range(BUCKETS)))

    told: list[int] = []
    for _ in range(30):
        memory: dict[object, Any] = {}
        for _ in range(2):
            turn = Turn(shop.db, IMPORTING, moment, now=NOON, kept=memory)
            turn.at_most = 7
            IMPORTING.run(turn)
        told.append(facts(shop))

    assert told[:3] == [7, 14, 21]
    assert (one(shop, upload_id).state, told[-1]) == ("done", 40)


def test_an_import_that_is_stopped_ends_and_what_is_in_stays(shop: Shop, tmp_path: Path) -> None:
    upload_id = hand_in(shop, tmp_path, MANY)
    start(shop, upload_id)
    Leases(shop.db, "tests").maintain()
    moment, memory = Moment(owner="tests", buckets=tuple(range(BUCKETS))), {}  # type: ignore[var-annotated]
    for _ in range(2):
        turn = Turn(shop.db, IMPORTING, moment, now=NOON, kept=memory)
        turn.at_most = 10
        IMPORTING.run(turn)
    with shop.db.write() as conn:
        uploads.drop(conn, shop.id, upload_id, seen=one(shop, upload_id).version, now=NOON)

    IMPORTING.run(Turn(shop.db, IMPORTING, moment, now=NOON, kept=memory))
    turns(shop.db, IMPORTING, now=NOON)

    assert (one(shop, upload_id).state, one(shop, upload_id).path, facts(shop)) == ("dropped", "", 10)


def test_a_file_that_cannot_be_read_fails_with_its_reason_and_can_be_tried_again(shop: Shop, tmp_path: Path) -> None:
    upload_id = hand_in(shop, tmp_path, MANY, map_name="shopify-orders")
    start(shop, upload_id)
    turns(shop.db, IMPORTING, now=NOON)

    failed = one(shop, upload_id)
    assert failed.state == "failed"
    assert "export.csv has no column 'Name'" in failed.error
    start(shop, upload_id)
    assert one(shop, upload_id).state == "waiting"


def test_a_file_that_is_gone_fails(shop: Shop, tmp_path: Path) -> None:
    upload_id = hand_in(shop, tmp_path, MANY)
    start(shop, upload_id)
    Path(one(shop, upload_id).path).unlink()

    turns(shop.db, IMPORTING, now=NOON)

    assert "not on the machine of this worker" in one(shop, upload_id).error


def test_a_file_that_nobody_starts_goes_after_a_week(shop: Shop, tmp_path: Path) -> None:
    upload = one(shop, hand_in(shop, tmp_path, MANY))
    turns(shop.db, IMPORTING, now=NOON + KEPT)
    assert Path(upload.path).exists()

    turns(shop.db, IMPORTING, now=NOON + KEPT + 1)

    assert not Path(upload.path).exists()
    assert one(shop, upload.id).state == "dropped"


def test_an_erasure_in_one_shop_leaves_the_files_of_another(shop: Shop, tmp_path: Path) -> None:
    """Also where what to look for is not known any more, and everything of the shop that waits goes."""
    mine = one(shop, hand_in(shop, tmp_path, MANY))
    with shop.db.write() as conn:
        other = create_workspace(conn, slug="other", name="Other", now=NOON).id
    for texts in (["p7@example.com"], None):
        sift_uploads(shop.db, shop.pipeline.slices, other, texts)
        assert one(shop, mine.id).state == "ready"
        assert Path(mine.path).exists()

    sift_uploads(shop.db, shop.pipeline.slices, shop.id, ["p7@example.com"])

    assert not Path(mine.path).exists()
    assert one(shop, mine.id).state == "dropped"


def test_whoever_saw_another_version_is_told(shop: Shop, tmp_path: Path) -> None:
    upload_id = hand_in(shop, tmp_path, MANY)
    with shop.db.write() as conn:
        uploads.choose_map(conn, shop.id, upload_id, ready_map("shopify-orders"), seen=1)

    with shop.db.write() as conn, pytest.raises(Conflict, match="has changed since you looked"):
        uploads.start(conn, shop.id, upload_id, seen=1, now=NOON)
    with shop.db.read() as conn, pytest.raises(NotFound):
        uploads.find_upload(conn, shop.id, "upl_none")


def test_so_many_files_wait_and_no_more(shop: Shop, tmp_path: Path) -> None:
    for _ in range(uploads.MOST_WAITING):
        hand_in(shop, tmp_path, MANY)

    with pytest.raises(Conflict, match="20 files wait already"):
        hand_in(shop, tmp_path, MANY)
