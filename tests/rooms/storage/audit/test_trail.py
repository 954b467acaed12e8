"""The audit trail: what is told stays told, what is changed is found, and whoever is erased breaks no proof."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from rapport.capabilities.audit.handing_out import lines
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.merkle import consistent, included, leaf_hash
from rapport.storage.audit.entries import append, entries, erase, parts_of
from rapport.storage.audit.sealing import Head, consistency_path, head, inclusion_path, seal
from rapport.storage.audit.tables import audit_entries, audit_heads, audit_nodes, audit_parts
from rapport.storage.audit.verifying import verify
from rapport.storage.engine import Database

SHOP = WorkspaceId(1)
ADA, BO = Key(b"a" * 16), Key(b"b" * 16)
CHECKER = Path(__file__).parents[4] / "docs/examples/check_audit.py"


def tell(db: Database, number: int, *, people: tuple[Key, ...] = (), name: str = "Cleo") -> None:
    with db.write() as conn:
        for one in range(number):
            details = {"reason": "Ada asked on the phone"}
            append(conn, SHOP, "customer.viewed", about=f"page {one}", details=details, people=people, who="usr_1",
                   name=name, now=1_000_000 + one)  # fmt: skip


def seal_all(db: Database) -> Head:
    with db.write() as conn:
        while seal(conn, SHOP, at_most=7):
            pass
        return head(conn, SHOP)


def faults(db: Database, *noted: Head) -> list[str]:
    with db.read() as conn:
        return verify(conn, SHOP, noted=noted).faults


def test_a_trail_that_nobody_touched_is_whole_and_every_entry_and_older_head_is_proven(db: Database) -> None:
    tell(db, 10, people=(ADA,))
    old = seal_all(db)
    tell(db, 13)
    new = seal_all(db)
    assert (old.size, new.size) == (10, 23)
    assert faults(db, old, new) == []
    with db.read() as conn:
        assert consistent(10, old.root, 23, new.root, consistency_path(conn, SHOP, 10, 23))
        for row in entries(conn, SHOP):
            assert included(leaf_hash(row.body), row.leaf, 23, inclusion_path(conn, SHOP, row.leaf, 23), new.root)
        assert len(entries(conn, SHOP, people=[ADA])) == 10
        assert entries(conn, SHOP, people=[BO]) == []


def test_who_is_erased_is_in_no_part_any_more_and_all_proofs_hold(db: Database) -> None:
    tell(db, 3, people=(ADA, BO))
    tell(db, 1, people=(BO,))
    noted = seal_all(db)
    with db.write() as conn:
        assert erase(conn, SHOP, [ADA]) == 6
        assert entries(conn, SHOP, people=[ADA]) == []
        assert len(entries(conn, SHOP, people=[BO])) == 4
        parts = parts_of(conn, SHOP, [one.id for one in entries(conn, SHOP)])
        kept = b"".join(part.body or b"" for several in parts.values() for part in several)
        assert ADA.hex().encode() not in kept
        assert kept.count(b"phone") == 1, "what was said of Bo alone stays"
    assert faults(db, noted) == []
    assert seal_all(db) == noted


TAMPERED = {
    "a body": lambda e, p, n, h: e.update().where(e.c.leaf == 5).values(body=b"{}"),
    "who": lambda e, p, n, h: e.update().where(e.c.leaf == 5).values(who="usr_2"),
    "when": lambda e, p, n, h: e.update().where(e.c.leaf == 5).values(at=5),
    "what": lambda e, p, n, h: e.update().where(e.c.leaf == 5).values(action="nothing"),
    "an entry taken out": lambda e, p, n, h: e.delete().where(e.c.leaf == 5),
    "the last entry taken out": lambda e, p, n, h: e.delete().where(e.c.leaf == 11),
    "an order": lambda e, p, n, h: e.update().where(e.c.leaf == 11).values(leaf=40),
    "a part": lambda e, p, n, h: p.update().where(p.c.number == 0).values(body=b'{"name":"Dan"}'),
    "a salt": lambda e, p, n, h: p.update().where(p.c.number == 1).values(salt=b"0" * 32),
    "whose it is": lambda e, p, n, h: p.update().where(p.c.number == 1).values(key=BO),
    "nobody's": lambda e, p, n, h: p.update().where(p.c.number == 1).values(key=None),
    "a part taken out": lambda e, p, n, h: p.delete().where(p.c.number == 1),
    "a leaf's hash": lambda e, p, n, h: n.update().where(n.c.level == 0, n.c.position == 3).values(hash=b"0" * 32),
    "a node's hash": lambda e, p, n, h: n.update().where(n.c.level == 2, n.c.position == 1).values(hash=b"0" * 32),
    "a hash taken out": lambda e, p, n, h: n.delete().where(n.c.level == 3),
    "a head": lambda e, p, n, h: h.update().where(h.c.size == 7).values(hash=b"0" * 32),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_whatever_is_changed_afterwards_is_found(db: Database, what: str) -> None:
    tell(db, 12, people=(ADA,))
    seal_all(db)
    assert faults(db) == []
    with db.write() as conn:
        conn.execute(TAMPERED[what](audit_entries, audit_parts, audit_nodes, audit_heads))
    assert faults(db), what


def test_an_end_cut_off_with_all_its_hashes_is_found_by_a_noted_head(db: Database) -> None:
    tell(db, 4)
    seal_all(db)
    tell(db, 4)
    noted = seal_all(db)
    with db.write() as conn:
        conn.execute(audit_parts.delete().where(audit_parts.c.entry.in_(
            sa.select(audit_entries.c.id).where(audit_entries.c.leaf >= 4))))  # fmt: skip
        conn.execute(audit_entries.delete().where(audit_entries.c.leaf >= 4))
        conn.execute(audit_heads.delete().where(audit_heads.c.size > 4))
        conn.execute(audit_nodes.delete().where(audit_nodes.c.level == 3))
        conn.execute(audit_nodes.delete().where(audit_nodes.c.level == 0, audit_nodes.c.position >= 4))
        conn.execute(audit_nodes.delete().where(audit_nodes.c.level == 1, audit_nodes.c.position >= 2))
        conn.execute(audit_nodes.delete().where(audit_nodes.c.level == 2, audit_nodes.c.position >= 1))
    assert faults(db) == [], "without a noted head nobody can know"
    assert faults(db, noted) == ["there were 8 entries, now there are 4"]


def test_two_who_append_and_two_who_seal_at_once_leave_one_whole_trail(db: Database) -> None:
    def work() -> None:
        for _ in range(5):
            tell(db, 6, people=(ADA,))
            with db.write() as conn:
                seal(conn, SHOP, at_most=4)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert seal_all(db).size == 60
    assert faults(db) == []


def test_what_is_handed_out_is_checked_without_rapport(db: Database, tmp_path: Path) -> None:
    tell(db, 5, people=(ADA,))
    old = seal_all(db)
    tell(db, 6, people=(BO,))
    seal_all(db)
    with db.write() as conn:
        erase(conn, SHOP, [BO])
    file = tmp_path / "trail.jsonl"
    with db.read() as conn:
        file.write_bytes(b"".join(lines(conn, SHOP)))

    def check(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", str(CHECKER), str(file), *more], capture_output=True, text=True, check=False
        )

    found = check(f"{old.size}:{old.root.hex()}")
    assert (found.returncode, found.stderr) == (0, "")
    assert "11 entries" in found.stdout
    file.write_bytes(file.read_bytes().replace(b"usr_1", b"usr_9", 1))
    assert check().returncode == 1
