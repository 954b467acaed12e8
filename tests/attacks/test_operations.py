"""What a night shift meets: a stop, a first start by many, a database that takes nothing, a clock set back, files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from rapport.app.bootstrap import Keys, bootstrap, open_database
from rapport.app.conditions import Folding, conditions
from rapport.app.settings import Settings
from rapport.kernel.clock import SECOND
from rapport.kernel.identifiers import BUCKETS
from rapport.storage import leases
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces
from tests.conftest import StartServer
from tests.databases import POSTGRES
from tests.running import http, wait_until
from tests.shop import NOON, Shop

TRACK = {"event": "Seen", "userId": "ada"}


def test_many_that_start_first_at_once_make_one_installation(empty_database_url: str, tmp_path: Path) -> None:
    found: list[Keys] = []
    together, failures = threading.Barrier(5), list[BaseException]()

    def start(folder: Path) -> None:
        settings = Settings.load({}, data_dir=folder, database_url=empty_database_url)
        try:
            together.wait()
            db = open_database(settings)
            found.append(bootstrap(db, settings))
            db.close()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    folders = [tmp_path / name for name in ("a", "a", "a", "b", "c")]
    starting = [threading.Thread(target=start, args=(folder,)) for folder in folders]
    for one in starting:
        one.start()
    for one in starting:
        one.join()
    assert failures == []
    assert len({keys.write_key for keys in found}) == 1
    assert len({keys.api_key for keys in found}) == 3, "one for each folder, however many start in it"
    db = Database.open(empty_database_url)
    with db.read() as conn:
        assert [one.slug for one in all_workspaces(conn)] == ["shop"]
    db.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_an_orderly_end(start_server: StartServer, number: int) -> None:
    server = start_server()
    http.post(f"{server.url}/v1/track", json=TRACK, auth=(server.write_key, "")).raise_for_status()
    wait_until(lambda: server.customer("user_id:ada"))
    assert server.process is not None
    os.kill(server.process.pid, number)
    assert server.process.wait(20) == 0
    db = Database.open(f"sqlite:///{server.data / 'rapport.db'}")
    with db.read() as conn:
        assert conn.execute(leases.workers.select()).all() == [], "the worker gave its leases back"
        assert {row.owner for row in conn.execute(leases.buckets.select())} == {""}
    db.close()


@pytest.mark.postgres
def test_a_database_that_takes_nothing_is_told_as_that_and_said_once(start_server: StartServer) -> None:
    server = start_server(engine="postgres")
    key = server.write_key
    url = make_url(server.environment["RAPPORT_DATABASE_URL"])
    admin = psycopg.connect(make_url(POSTGRES).set(drivername="postgresql").render_as_string(False), autocommit=True)

    def send() -> int:
        return http.post(f"{server.url}/v1/track", json=TRACK, auth=(key, "")).status_code

    def take_writes(yes: bool) -> None:  # noqa: FBT001
        admin.execute(f'ALTER DATABASE "{url.database}" SET default_transaction_read_only = {"off" if yes else "on"}')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (url.database,))

    assert send() == 200
    take_writes(False)
    wait_until(lambda: http.get(f"{server.url}/readyz").json().get("alarms"))
    answered = {send() for _ in range(10)}
    ready = http.get(f"{server.url}/readyz")
    take_writes(True)
    wait_until(lambda: http.get(f"{server.url}/readyz").status_code == 200)
    wait_until(lambda: send() == 200)
    admin.close()
    assert answered == {503}
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert "database_read_only" in {alarm["name"] for alarm in ready.json()["alarms"]}
    said = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    out = [line["event"] for line in said if "out of order" in line["event"]]
    assert 1 <= len(out) <= 6, "by each process when it begins, however many requests fail"
    assert any("answers again after" in line["event"] for line in said)


def test_a_wrong_key_is_no_fault_of_ours_in_the_log(start_server: StartServer) -> None:
    server = start_server(environment={"RAPPORT_LOG_LEVEL": "DEBUG"})
    wrong = {"Authorization": "Bearer rk_wrong"}
    assert http.get(f"{server.url}/api/v1/customers/user_id:ada", headers=wrong).status_code == 401
    server.stop()
    said = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    requests = [line for line in said if line["event"] == "request" and "customers" in line["route"]]
    assert {(line["status"], line["level"]) for line in requests} == {(401, "debug")}


def test_files_are_their_owners_alone_whoever_made_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o777)
    before = os.umask(0)
    try:
        db = open_database(Settings.load({}, data_dir=folder))
        with db.write() as conn:
            conn.exec_driver_sql("SELECT 1")
        db.close()
        (folder / "rapport.db").chmod(0o666)
        db = open_database(Settings.load({}, data_dir=folder))
        with db.read() as conn:
            conn.exec_driver_sql("SELECT count(*) FROM facts")
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
        db.close()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}, modes


def test_no_secret_is_taken_from_the_command_line(tmp_path: Path) -> None:
    from tests.running import RAPPORT

    done = subprocess.run(
        [*RAPPORT, "user", "--data", str(tmp_path), "ada@example.com", "--password", "correct horse battery"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "No such option" in done.stderr


@pytest.fixture
def quiet(any_shop: Shop) -> Shop:
    leases.Leases(any_shop.db, "alive").maintain()
    return any_shop


def names(shop: Shop, *, folding: Folding | None = None) -> set[str]:
    with suppress(FileNotFoundError), shop.db.look() as conn:
        return {one.name for one in conditions(shop.db, conn, folding=folding or Folding())} - {"disk_nearly_full"}
    return set()


def test_an_installation_that_is_well_says_nothing(quiet: Shop) -> None:
    assert names(quiet) == set()


def test_a_worker_that_is_silent_is_missed(quiet: Shop) -> None:
    with quiet.db.write() as conn:
        conn.execute(leases.workers.update().values(seen_at=quiet.db.now_us(conn) - 60 * SECOND))
    assert names(quiet) == {"no_worker"}


def test_facts_that_wait_while_nothing_moves_are_told(quiet: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with quiet.db.read() as conn:
        now = quiet.db.now_us(conn)
    quiet.send(quiet.message("Seen", at=NOON, user="ada"), received_at=now - 200 * SECOND)
    folding = Folding()
    assert names(quiet, folding=folding) == set(), "perhaps it moves: nobody has looked twice yet"
    monkeypatch.setattr(folding, "_since", folding._since - 100)
    assert names(quiet, folding=folding) == {"folding_stalled"}
    with quiet.db.write() as conn:
        leases.move_cursors(conn, "alive", dict.fromkeys(range(BUCKETS), 1))
    assert names(quiet, folding=folding) == set()


def test_a_clock_that_was_set_back_is_told(quiet: Shop) -> None:
    with quiet.db.read() as conn:
        now = quiet.db.now_us(conn)
    quiet.send(quiet.message("Seen", at=NOON, user="ada"), received_at=now + 3600 * SECOND)
    quiet.fold()
    assert names(quiet) == {"clock_jumped"}
