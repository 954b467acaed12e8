"""The log keeps every fact once, in both engines, and its readers never walk past a gap."""

from __future__ import annotations

import random
import threading
import time
import uuid

import pytest

from rapport.kernel.ids import WorkspaceId
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import Horizon, LogRow


def row(message_id: str, *, workspace: int = 1, body: bytes = b"{}") -> LogRow:
    return LogRow(WorkspaceId(workspace), "src_web", message_id, b"k" * 16, 7, 1, 2, body)


def test_a_message_id_is_kept_once_per_workspace(db: Database) -> None:
    """The first body wins; the same id in another shop is another fact."""
    with db.write() as conn:
        assert log.append(conn, [row("a"), row("b"), row("a")]) == 2
    with db.write() as conn:
        assert log.append(conn, [row("a", body=b'{"later":1}'), row("a", workspace=2)]) == 1
    with db.read() as conn:
        stored = log.read_after(conn, after=0, upto=1 << 40, buckets=None, limit=10)
    assert [(r.workspace, r.message_id, r.body) for r in stored] == [(1, "a", b"{}"), (1, "b", b"{}"), (2, "a", b"{}")]


def of(source: str, message_id: str) -> LogRow:
    return row(message_id)._replace(source=source)


def test_nobody_takes_the_id_that_a_server_s_fact_would_get(db: Database) -> None:
    """A stranger says the server's id, and the one that it used to be kept under then: neither keeps the fact out."""
    mine = of("src_server", "order-1")
    with db.write() as conn:
        guessed = log.id_under_source(mine, b"")
        assert log.append(conn, [of("src_web", "order-1"), of("src_web", guessed)]) == 2
        assert log.append(conn, [mine]) == 1
        assert log.append(conn, [mine]) == 0
    with db.read() as conn:
        sources = [one.source for one in log.latest(conn, WorkspaceId(1))]
        assert sorted(sources) == ["src_server", "src_web", "src_web"]


def test_what_was_kept_under_an_id_of_before_is_known_still(db: Database) -> None:
    mine = of("src_server", "order-1")
    with db.write() as conn:
        log.append(conn, [of("src_web", "order-1"), mine._replace(message_id=log.id_under_source(mine, b""))])
        assert log.append(conn, [mine]) == 0


def test_a_reader_knows_that_it_waits_for_somebody_who_is_appending(db: Database) -> None:
    """So that it looks again in two milliseconds instead of fifty."""
    horizon = Horizon()
    if db.dialect == "sqlite":
        with db.look() as conn:
            horizon.advance(conn)
        assert not horizon.is_held_back
        return
    with db.write() as other:
        log.append(other, [row("a")])
        with db.look() as conn:
            assert (horizon.advance(conn), horizon.is_held_back) == (0, True)
    with db.look() as conn:
        assert (horizon.advance(conn) > 0, horizon.is_held_back) == (True, False)


def test_a_transaction_that_fails_leaves_nothing(db: Database) -> None:
    def fail() -> None:
        with db.write() as conn:
            log.append(conn, [row("a")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with db.read() as conn:
        assert log.latest(conn, WorkspaceId(1)) == []


def test_a_number_is_never_given_twice_even_after_its_fact_was_erased(db: Database) -> None:
    """A reader whose cursor has passed it would never see the second holder."""
    with db.write() as conn:
        log.append(conn, [row("a"), row("b")])
    with db.write() as conn:
        conn.execute(log.facts.delete().where(log.facts.c.message_id == "b"))
    with db.write() as conn:
        log.append(conn, [row("c")])
    with db.read() as conn:
        assert log.latest(conn, WorkspaceId(1))[0].seq > 2


def test_bodies_and_ids_come_back_to_the_byte(db: Database) -> None:
    rng = random.Random(1)
    bodies = {f"m-{n}": rng.randbytes(rng.randint(0, 3000)) for n in range(700)}
    with db.write() as conn:
        assert log.append(conn, [row(name, body=body) for name, body in bodies.items()]) == len(bodies)
    with db.read() as conn:
        assert {r.message_id: r.body for r in log.latest(conn, WorkspaceId(1), limit=1000)} == bodies


def test_readers_lose_nothing_while_writers_commit_out_of_order(db: Database) -> None:
    """Transactions that hold a low number for a while must not be overtaken by a cursor."""
    stop = threading.Event()
    sent: list[str] = []

    def write(seed: int) -> None:
        rng = random.Random(seed)
        while not stop.is_set():
            ids = [str(uuid.uuid4()) for _ in range(rng.randint(1, 20))]
            with db.write() as conn:
                log.append(conn, [row(name) for name in ids])
                time.sleep(rng.choice([0, 0, 0.004]))
            sent.extend(ids)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for writer in writers:
        writer.start()
    horizon, seen, cursor = Horizon(), [], 0
    deadline = time.monotonic() + 2
    while True:
        with db.read() as conn:
            upto = horizon.advance(conn)
        with db.read() as conn:
            rows = log.read_after(conn, after=cursor, upto=upto, buckets=None, limit=200)
        seen += [r.message_id for r in rows]
        cursor = rows[-1].seq if len(rows) == 200 else max(cursor, upto)
        if time.monotonic() > deadline:
            if not stop.is_set():
                stop.set()
                for writer in writers:
                    writer.join()
                deadline = time.monotonic() + 0.2
            elif not rows:
                break
    assert sorted(seen) == sorted(sent)
    assert len(sent) > 20


def test_only_the_asked_buckets_are_read(db: Database) -> None:
    with db.write() as conn:
        log.append(conn, [row(f"m{n}")._replace(bucket=n % 4) for n in range(20)])
    with db.read() as conn:
        rows = log.read_after(conn, after=0, upto=1 << 40, buckets=[1, 3], limit=100)
    assert {r.bucket for r in rows} == {1, 3}
    assert len(rows) == 10


def test_the_newest_facts_of_each_of_several_groups_are_what_each_alone_has(db: Database) -> None:
    """Also of an empty group, of a strand in two of them, and of one with more facts than are wanted."""
    rng = random.Random(3)
    strands = [bytes([number]) * 16 for number in range(6)]
    told = [
        row(f"m{number}")._replace(strand=rng.choice(strands), occurred_at=rng.randint(1, 40)) for number in range(200)
    ]
    with db.write() as conn:
        log.append(conn, told)
        log.append(conn, [row("other", workspace=2)._replace(strand=strands[0])])
    groups = [strands[:1], [], strands[1:4], [b"u" * 16], [strands[0], strands[5]], strands[4:5]]
    with db.read() as conn:
        alone = [log.of_strands(conn, WorkspaceId(1), strands, limit=1_000) for strands in groups]
        assert log.of_groups(conn, WorkspaceId(1), groups, limit=1_000) == alone
        apart = groups[:4] + groups[5:]
        alone = [log.of_strands(conn, WorkspaceId(1), strands, limit=7) for strands in apart]
        assert log.of_groups(conn, WorkspaceId(1), apart, limit=7) == alone
        assert log.of_groups(conn, WorkspaceId(1), [], limit=7) == []
