"""A backup taken while facts come holds what was acknowledged, comes back whole or not at all, undoes no erasure."""

from __future__ import annotations

import contextlib
import hashlib
import random
import sqlite3
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from rapport.act import outbox
from rapport.act.store import outbox as outbox_table
from rapport.app.asides import sift_asides
from rapport.app.bootstrap import open_database
from rapport.app.restoring import Restored, restore
from rapport.app.settings import Settings
from rapport.capabilities.lake.service import archive
from rapport.capabilities.lake.store import lake_home
from rapport.capabilities.messages import queue_transactional
from rapport.capabilities.messages import store as messages
from rapport.capabilities.messages.service.places import allow_here, is_allowed_here
from rapport.capabilities.messages.service.queueing import try_again
from rapport.collect.sources import create_source
from rapport.collect.store import sources
from rapport.compose.erasure import erase
from rapport.kernel.clock import DAY
from rapport.kernel.errors import Conflict, InvalidInput, Misconfigured
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.work import Message
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.resolve.graph.store import identifiers
from rapport.storage import log, suppressed_file, suppression
from rapport.storage.backup.archive import opened
from rapport.storage.backup.taking import take
from rapport.storage.engine import Database
from rapport.storage.lake import upkeep
from rapport.storage.lake.table import Lake
from rapport.storage.tidying import found_in
from rapport.web import accounts, api_keys
from rapport.web.api_keys import ApiKey
from rapport.web.provider import store as ties
from rapport.web.store import memberships, sessions, users
from tests.databases import postgres_database, sqlite_database
from tests.shop import NOON, Shop

ADA = "ada-backs-up@example.com"


def orders(shop: Shop, *numbers: int, user: str = "bo") -> None:
    shop.send(*(
        shop.message("Order Completed", at=NOON + n, user=user, id=f"m-o{n}", order_id=f"o{n}", total=n, currency="EUR")
        for n in numbers
    ))  # fmt: skip


@pytest.fixture
def shop(any_shop: Shop) -> Shop:
    told = any_shop.message("x", at=NOON, user="ada")
    del told["event"]
    any_shop.send({**told, "type": "identify", "traits": {"email": ADA}})
    orders(any_shop, 1, 2)
    orders(any_shop, 3, user="ada")
    any_shop.fold()
    return any_shop


@pytest.fixture
def elsewhere(shop: Shop, tmp_path: Path) -> Iterator[Settings]:
    """An installation of the same engine with nothing in it."""
    folder = tmp_path / "elsewhere"
    if shop.db.path is not None:
        yield Settings.load({}, data_dir=folder)
        return
    with postgres_database(empty=True) as url:
        yield Settings.load({}, data_dir=folder, database_url=url)


def here(shop: Shop) -> Settings:
    """The shop's own installation, which nobody has open any more."""
    url = shop.db.engine.url.render_as_string(hide_password=False)
    folder = shop.db.path.parent if shop.db.path else Path("/nowhere-to-be-made")
    shop.close()
    return Settings.load({}, data_dir=folder, database_url=url)


def put_back(shop: Shop, settings: Settings, file: Path, **given: Any) -> Restored:
    wanted: dict[str, Any] = {"replace": False, "keep_waiting": False, "now": NOON, **given}
    return restore(settings, shop.pipeline.slices, file, **wanted)


def read(settings: Settings, query: sa.Select[Any]) -> list[Any]:
    db = Database.open(settings.url)
    try:
        with db.read() as conn:
            return list(conn.execute(query))
    finally:
        db.close()


FACTS = sa.select(log.facts).order_by(log.facts.c.seq)


def test_what_comes_back_is_what_was_there(shop: Shop, elsewhere: Settings, tmp_path: Path) -> None:
    before = shop.digest()
    found = take(shop.db, tmp_path / "b.zip")
    done = put_back(shop, elsewhere, tmp_path / "b.zip")
    assert done.log_seq == found.log_seq == 4
    again = Shop(elsewhere.url)
    try:
        assert again.digest() == before
        assert read(elsewhere, FACTS) == read(here(shop), FACTS)
        orders(again, 9)  # the next number is free
        with again.db.read() as conn:
            assert log.newest_seq(conn) > done.log_seq
    finally:
        again.close()


def test_the_file_is_its_owners_alone_and_replaces_none(shop: Shop, tmp_path: Path) -> None:
    take(shop.db, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidInput, match="exists"):
        take(shop.db, tmp_path / "b.zip")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_facts_go_in_while_it_is_taken_and_each_is_whole_or_absent(
    shop: Shop, elsewhere: Settings, tmp_path: Path
) -> None:
    stop, sent = threading.Event(), [0]

    def send() -> None:
        for n in range(100, 100_000):
            if stop.is_set():
                return
            orders(shop, n)
            sent[0] = n

    sending = threading.Thread(target=send)
    sending.start()
    while not sent[0]:
        stop.wait(0.001)
    first = sent[0]
    found = take(shop.db, tmp_path / "b.zip")
    stop.set()
    sending.join()
    assert sent[0] > first
    put_back(shop, elsewhere, tmp_path / "b.zip")
    seqs = [row.seq for row in read(elsewhere, FACTS)]
    assert len(seqs) >= first - 100 + 4  # what was acknowledged before is in it
    assert max(seqs) == found.log_seq


def test_who_opens_the_old_one_while_a_backup_is_made_ready_keeps_it(shop: Shop, tmp_path: Path) -> None:
    if shop.db.path is None:
        pytest.skip("PostgreSQL: it is one transaction")
    there = shop.db.path
    take(shop.db, tmp_path / "b.zip")
    settings = here(shop)
    before, refused = read(settings, FACTS), threading.Event()
    draft = there.with_name(f".{there.name}.restoring")

    def server() -> None:
        while not draft.exists() and not refused.wait(0.001):
            pass
        with contextlib.closing(sqlite3.connect(there, timeout=60)) as connection:
            connection.execute("SELECT count(*) FROM facts").fetchone()
            refused.wait(60)

    starting = threading.Thread(target=server)
    starting.start()
    try:
        with pytest.raises(Conflict, match="in use"):
            put_back(shop, settings, tmp_path / "b.zip", replace=True)
    finally:
        refused.set()
        starting.join()
    assert read(settings, FACTS) == before
    assert list(there.parent.glob("*.before-*")) == []


def test_what_was_closed_since_the_backup_stays_closed(shop: Shop, tmp_path: Path) -> None:
    ada, bo, cy = (
        accounts.create_user(
            shop.db, email=f"{name}@staff.example", password="correct horse battery", name=name, workspace=shop.id,
            role=role, now=NOON,
        ).id
        for name, role in (("ada", "owner"), ("bo", "marketer"), ("cy", "agent"))
    )  # fmt: skip
    accounts.start_session(shop.db, user_id=bo, workspace=shop.id, browser="", device="", now=NOON)
    with shop.db.write() as conn:
        for name in ("kept", "stolen"):
            key = ApiKey(
                workspace=shop.id,
                id=name,
                name=name,
                prefix="rk_",
                scopes=(),
                created_at=NOON,
                last_used_at=None,
                revoked_at=None,
            )
            api_keys.add(conn, key, token_hash=name.encode(), created_by=ada)
        web = create_source(conn, shop.id, name="Web", kind="web", now=NOON)
        ties.tie(conn, issuer="https://login.example", subject="p-1", user_id=ada, now=NOON)
    take(shop.db, tmp_path / "b.zip")
    with shop.db.write() as conn:
        ties.untie(conn, issuer="https://login.example", user_id=ada)
        api_keys.revoke(conn, workspace=shop.id, key_id="stolen", now=NOON)
        conn.execute(sources.update().where(sources.c.id == web.id).values(write_key="wk_new"))
        conn.execute(memberships.delete().where(memberships.c.user_id == bo))
        conn.execute(memberships.update().where(memberships.c.user_id == cy).values(role="viewer"))
        conn.execute(users.update().where(users.c.id == ada).values(password_hash="another"))
    settings = here(shop)
    done = put_back(shop, settings, tmp_path / "b.zip", replace=True)
    assert (done.access_changed, done.access_is_old) == (4, False)
    keys = api_keys.api_keys.c
    assert dict(map(tuple, read(settings, sa.select(keys.id, keys.revoked_at)))) == {"kept": None, "stolen": NOON}
    assert read(settings, sa.select(sources.c.write_key).where(sources.c.id == web.id)) == [("wk_new",)]
    members = read(settings, sa.select(memberships.c.user_id, memberships.c.role))
    assert dict(map(tuple, members)) == {ada: "owner", cy: "viewer"}
    assert read(settings, sa.select(users.c.password_hash).where(users.c.id == ada)) == [("another",)]
    assert read(settings, sa.select(ties.provider_identities)) == []
    assert read(settings, sa.select(sessions)) == [], "everybody signs in again"


def test_a_shop_keeps_an_owner_and_where_nothing_was_it_is_said(
    shop: Shop, elsewhere: Settings, tmp_path: Path
) -> None:
    ada = accounts.create_user(
        shop.db, email="ada@staff.example", password="correct horse battery", name="Ada", workspace=shop.id,
        role="owner", now=NOON,
    ).id  # fmt: skip
    take(shop.db, tmp_path / "b.zip")
    assert put_back(shop, elsewhere, tmp_path / "b.zip").access_is_old
    with shop.db.write() as conn:
        conn.execute(memberships.update().values(user_id="usr_later"))
    settings = here(shop)
    put_back(shop, settings, tmp_path / "b.zip", replace=True)
    assert read(settings, sa.select(memberships.c.user_id, memberships.c.role)) == [(ada, "owner")]


def test_a_damaged_backup_is_refused_before_anything_is_touched(
    shop: Shop, elsewhere: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "b.zip"
    take(shop.db, file)
    whole = file.read_bytes()
    for cut in (whole[: len(whole) // 2], whole[:-30], b"", b"PK\x03\x04nonsense"):
        file.write_bytes(cut)
        with pytest.raises(InvalidInput, match="no backup"):
            put_back(shop, elsewhere, file)
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as changed:
        file.write_bytes(whole)
        with zipfile.ZipFile(file) as original:
            for name in original.namelist():
                body = original.read(name)
                changed.writestr(name, body if name == "manifest.json" else body + b"x")
    with pytest.raises(InvalidInput, match="is damaged"):
        put_back(shop, elsewhere, tmp_path / "whole.zip")
    assert not elsewhere.data_dir.joinpath("rapport.db").exists()


def test_a_bit_that_flipped_is_found_or_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    file, chance, refused = tmp_path / "b.zip", random.Random(7), 0
    take(shop.db, file)
    whole = file.read_bytes()
    with opened(file) as backup:
        before = [hashlib.sha256(b"".join(backup.pieces(part))).digest() for part in backup.manifest.parts]
    for _ in range(40):
        body = bytearray(whole)
        body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        file.write_bytes(body)
        try:
            with opened(file) as backup:
                backup.check()
                after = [hashlib.sha256(b"".join(backup.pieces(part))).digest() for part in backup.manifest.parts]
                assert after == before
        except InvalidInput:
            refused += 1
    assert refused > 10


def test_where_something_is_it_takes_the_word_replace(shop: Shop, tmp_path: Path) -> None:
    take(shop.db, tmp_path / "b.zip")
    orders(shop, 50)
    settings = here(shop)
    with pytest.raises(Conflict, match="already"):
        put_back(shop, settings, tmp_path / "b.zip")
    assert len(read(settings, FACTS)) == 5
    done = put_back(shop, settings, tmp_path / "b.zip", replace=True)
    assert len(read(settings, FACTS)) == 4
    assert [Path(name).exists() for name in done.kept] == ([True] if settings.url.startswith("sqlite") else [])


def test_a_running_installation_is_not_replaced(shop: Shop, tmp_path: Path) -> None:
    take(shop.db, tmp_path / "b.zip")
    url = shop.db.engine.url.render_as_string(hide_password=False)
    folder = shop.db.path.parent if shop.db.path else tmp_path / "data"
    settings = Settings.load({}, data_dir=folder, database_url=url)
    with shop.db.read() as conn:
        conn.execute(sa.select(1))
        with pytest.raises(Conflict, match="use"):
            put_back(shop, settings, tmp_path / "b.zip", replace=True)
    orders(shop, 60)


def test_whoever_was_erased_since_is_erased_from_it_again_and_from_the_lake_it_puts_aside(
    shop: Shop, tmp_path: Path
) -> None:
    take(shop.db, tmp_path / "b.zip")
    if shop.db.path:
        archive(shop.db)
    with shop.db.write() as conn:
        key = key_of(shop.id, Identifier("email", ADA))
        erase(conn, shop.pipeline.slices, shop.id, key, now=NOON, told="then")
    settings = here(shop)
    done = put_back(shop, settings, tmp_path / "b.zip", replace=True)
    assert done.erased_again > 0
    again = Shop(settings.url)
    try:
        for name, table in again.pipeline.slices.tables.items():
            rows = read(settings, sa.select(table))
            assert ADA.encode() not in b"".join(str(row).encode() for row in rows), name
        orders(again, 70, user="ada")
        assert "ada" not in {fact.user_id for fact in again.facts("Order Completed")}
    finally:
        again.close()
    if settings.url.startswith("sqlite"):
        files = [settings.data_dir / "rapport.db", settings.data_dir / "rapport.db-wal"]
        assert found_in(files, [ADA]) == []
        (lake,) = settings.data_dir.glob("lake.before-*")
        assert len(read(settings, sa.select(lake_home))) == 1, "who is erased from here on is noted for it"
        assert {row.strand for row in upkeep.read_rows(Lake(lake))} == {key_of(shop.id, Identifier("user_id", "bo"))}


def test_a_database_put_aside_is_written_anew_where_somebody_was_in_it_and_named_where_it_cannot_be_opened(
    tmp_path: Path,
) -> None:
    """One with a revision nobody knows: the erasure ends, and its proof says what is left."""
    shop, other = Shop(sqlite_database(tmp_path)), tmp_path / "rapport.db.before-20261101T100000"
    assert shop.db.path is not None
    orders(shop, 1, user="ada")
    shop.fold()
    with shop.db.alone() as driver:
        driver.execute(f"VACUUM INTO '{shop.db.path}.before-20261101T100000'")
    with shop.db.write() as conn:
        key = key_of(shop.id, Identifier("user_id", "ada"))
        erase(conn, shop.pipeline.slices, shop.id, key, now=NOON, told="then")
    written = []
    for left_by_a_crash in (False, False, True):
        if left_by_a_crash:
            other.with_name(f"{other.name}.lock").touch()
        assert sift_asides(shop.db, shop.pipeline.slices, shop.id, None).left == []
        with contextlib.closing(sqlite3.connect(other)) as driver:
            written.append(driver.execute("PRAGMA schema_version").fetchone()[0])
    assert written[0] == written[1] < written[2], "VACUUM counts it up"
    with contextlib.closing(sqlite3.connect(other)) as driver:
        assert driver.execute("SELECT count(*) FROM facts").fetchone() == (0,)
        driver.execute("UPDATE alembic_version SET version_num = '0000x'")
        driver.commit()
    assert sift_asides(shop.db, shop.pipeline.slices, shop.id, None).left == [
        f"{other.name} could not be opened and keeps who was erased: remove it"
    ]
    shop.close()


def test_a_database_copied_back_into_its_place_does_not_bring_back_whom_it_had_not_erased_yet(
    shop: Shop, elsewhere: Settings, tmp_path: Path
) -> None:
    """The file beside the data outlives the database, also one that is begun anew; it is its owner's alone."""
    take(shop.db, tmp_path / "b.zip")
    put_back(shop, elsewhere, tmp_path / "b.zip")
    folder = elsewhere.data_dir
    db = open_database(elsewhere, slices=shop.pipeline.slices)
    old = [db.path.read_bytes()] if db.path else []
    key = key_of(shop.id, Identifier("email", ADA))
    with db.write() as conn:
        erase(conn, shop.pipeline.slices, shop.id, key, now=NOON, told="then")
    assert suppressed_file.keep(db)
    assert not suppressed_file.keep(db), "what is there already is not written again"
    file = folder / suppressed_file.FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert ADA.encode() not in file.read_bytes()
    if db.path is None:  # what the old copy says of the erased
        with db.write() as conn:
            conn.execute(suppression.suppressed.delete())
        db.close()
    else:
        db.close()
        for beside in ("-wal", "-shm"):
            db.path.with_name(db.path.name + beside).unlink(missing_ok=True)
        db.path.write_bytes(old[0])
    again = open_database(elsewhere, slices=shop.pipeline.slices)
    with again.read() as conn:
        assert suppression.is_suppressed(conn, shop.id, [key]) == {key}
        assert conn.execute(sa.select(identifiers.c.value)).scalars().all().count(ADA) == 0
    again.close()
    if again.path is not None:
        assert found_in([again.path, again.path.with_name("rapport.db-wal")], [ADA]) == []
        again.path.unlink()
        begun = open_database(elsewhere, slices=shop.pipeline.slices)
        with begun.read() as conn:
            assert suppression.is_suppressed(conn, shop.id, [key]) == {key}, "a new database keeps them out, too"
        begun.close()
    file.write_bytes(b"{")
    with pytest.raises(Misconfigured, match="cannot be read"):
        open_database(elsewhere, slices=shop.pipeline.slices)


def test_a_restored_copy_sends_nothing_until_somebody_allows_it(
    shop: Shop, elsewhere: Settings, tmp_path: Path
) -> None:
    with shop.db.write() as conn:
        waiting = Message(
            workspace=shop.id, channel="webhook", destination="w1", idempotency_key="k1", payload=b"{}",
            strand=None, purpose="operations",
        )  # fmt: skip
        outbox.write(conn, [waiting], now=NOON)
    take(shop.db, tmp_path / "b.zip")
    assert put_back(shop, elsewhere, tmp_path / "b.zip").given_up == 1
    db = Database.open(elsewhere.url)
    with db.write() as conn:
        assert not is_allowed_here(conn)
        assert conn.execute(sa.select(outbox_table.c.status)).scalars().all() == ["dead"]
        allow_here(conn, by="ada", now=NOON)
        assert is_allowed_here(conn)
    db.close()


def test_a_message_that_waited_in_a_backup_is_held_with_the_reason_and_can_be_sent_by_hand(
    shop: Shop, elsewhere: Settings, tmp_path: Path
) -> None:
    shop.send({"type": "identify", "userId": "ada", "messageId": "i", "traits": {"email": ADA}})
    shop.fold()
    strand = key_of(shop.id, Identifier("user_id", "ada"))
    data = {"order": {"id": "A-1"}, "story": "x"}
    with shop.db.write() as conn:
        ensure_secret(conn)
        queue_transactional(conn, shop.id, strand, template="order_story", key="k", data=data, now=NOON)
    take(shop.db, tmp_path / "b.zip")
    put_back(shop, elsewhere, tmp_path / "b.zip")
    db = Database.open(elsewhere.url)
    with db.write() as conn:
        [row] = messages.listed(conn, shop.id)
        assert (row.status, "may have gone out since" in row.reason) == ("held", True)
        assert try_again(conn, shop.id, row.id, now=NOON, latest_at=NOON + DAY).status == "queued"
        assert sorted(conn.execute(sa.select(outbox_table.c.status)).scalars()) == ["dead", "pending"]
    db.close()


def test_another_installations_erased_are_not_mixed_in(shop: Shop, elsewhere: Settings, tmp_path: Path) -> None:
    take(shop.db, tmp_path / "b.zip")
    other = Shop(elsewhere.url, slices=shop.pipeline.slices)
    with other.db.write() as conn:
        erase(
            conn, other.pipeline.slices, other.id, key_of(other.id, Identifier("email", ADA)), now=NOON, told="then"
        )  # fmt: skip
    other.close()
    with pytest.raises(Conflict, match="another installation"):
        put_back(shop, elsewhere, tmp_path / "b.zip", replace=True)
    assert read(elsewhere, FACTS) == []


def test_a_backup_of_a_newer_version_or_another_engine_is_refused(
    shop: Shop, elsewhere: Settings, tmp_path: Path
) -> None:
    with shop.db.write() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    take(shop.db, tmp_path / "b.zip")
    with pytest.raises(Misconfigured, match="9999"):
        put_back(shop, elsewhere, tmp_path / "b.zip")
    other = "postgresql://127.0.0.1/none" if shop.db.path else "sqlite:////nowhere/rapport.db"
    with pytest.raises(InvalidInput, match="this installation of"):
        put_back(shop, Settings.load({}, data_dir=tmp_path / "x", database_url=other), tmp_path / "b.zip")
