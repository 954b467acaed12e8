"""`rapport identity` on a real installation's database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import Connection

from rapport.kernel.identifiers import Identifier, IdentifierPolicy, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve import Moved, Resolver
from rapport.resolve.commands import identity_commands
from rapport.storage.engine import Database
from rapport.storage.migrate import migrate
from rapport.storage.workspaces import create_workspace
from tests.rooms.resolve.linking.people import Crowd, crowd
from tests.rooms.resolve.shop import seen, strand_of


class Installation:
    """Customers of a crowd, each known by a browser, and the command beside them."""

    def __init__(self, folder: Path, people: Crowd) -> None:
        self.folder = folder
        self.moved: list[Moved] = []
        with self.open(folder) as db:
            with db.write() as conn:
                self.workspace = create_workspace(conn, slug="shop", name="Shop", now=1).id
            policy = IdentifierPolicy()
            resolver = Resolver(lambda _: policy)
            self._fields = {}
            for number, row in enumerate(people.rows):
                fact = seen(number + 1, web=f"w{number}")
                resolver.observe(self.workspace, fact, strand_of(self.workspace, fact, policy))
                self._fields[key_of(self.workspace, Identifier("anonymous_id", f"w{number}"))] = row
            with db.write() as conn:
                resolver.flush(conn)

    @contextmanager
    def open(self, folder: Path | None) -> Iterator[Database]:
        db = Database.open(f"sqlite:///{self.folder / 'rapport.db'}")
        migrate(db)
        yield db
        db.close()

    def fields_of(
        self, conn: Connection, workspace: WorkspaceId, wanted: Mapping[Key, list[Key]]
    ) -> dict[Key, dict[str, str]]:
        return {unit: self._fields[unit] for unit in wanted}

    def command(self) -> click.Group:
        return identity_commands(
            self.open, fields_of=self.fields_of, kinds={}, moved=lambda conn, moved: self.moved.extend(moved)
        )

    def run(self, *arguments: str) -> str:
        done = CliRunner().invoke(self.command(), [*arguments, "--data", str(self.folder)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout


@pytest.fixture
def shop(tmp_path: Path) -> Installation:
    return Installation(tmp_path, crowd(200, seed=8))


def test_train_score_and_review_from_the_command_line(shop: Installation) -> None:
    card = shop.run("train")
    assert "without labels" in card
    assert "model 1 is active" in card
    saved = json.loads((shop.folder / "identity" / "model-1.json").read_bytes())
    assert saved["format"] == 1
    assert "weights in bits" in (shop.folder / "identity" / "model-1.txt").read_text(encoding="utf-8")
    assert "identifiers changed customer" in shop.run("score")
    assert len(shop.moved) > 100
    assert "active" in shop.run("models")
    assert json.loads(shop.run("card", "1", "--json"))["prior"] == saved["prior"]
    for line in shop.run("review", "--json").splitlines():
        pair = json.loads(line)
        assert pair["score"] >= 0
        assert pair["root_a"] != pair["root_b"]
    assert shop.run("score").startswith("0 records scored")
