"""The policy as a file: shown, tried without effect, applied with a reason, refused with the place of the mistake."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy import Connection

from rapport.resolve import Moved
from rapport.resolve.actions import audit
from rapport.resolve.actions.policy_commands import AUTHOR, policy_group
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspaces
from tests.installation import Opened
from tests.rooms.resolve.shop import Shop, made_shop, seen

Run = Callable[..., str]


@pytest.fixture
def own(db: Database) -> Shop:
    shop = made_shop(db)
    shop.see(
        seen(1, user="ada", email="till@shop.example"), seen(2, email="till@shop.example", web="w1"),
        seen(3, user="bo", web="w2"), seen(4, user="cy", web="w2"),
    )  # fmt: skip
    return shop


@pytest.fixture
def moves() -> list[Moved]:
    """What the command told whoever keeps something per customer."""
    return []


@pytest.fixture
def run(own: Shop, moves: list[Moved]) -> Run:
    """Run one command line in the shop; answers its output."""

    class Told(Opened):
        def moved(self, _: Connection, several: Sequence[Moved]) -> None:
            moves.extend(several)

    with own.db.read() as conn:
        slug = conn.execute(sa.select(workspaces.c.slug).where(workspaces.c.id == own.workspace)).scalar_one()

    def call(*arguments: str, code: int = 0) -> str:
        given = [arguments[0], "--workspace", slug, *arguments[1:]]
        result = CliRunner().invoke(policy_group, given, obj=Told(own.db))
        assert result.exit_code == code, result.output
        return result.output or str(result.exception)

    return call


def test_a_file_is_tried_then_applied_and_the_trail_says_by_what(
    own: Shop, run: Run, moves: list[Moved], tmp_path: Path
) -> None:
    shown = json.loads(run("show"))
    file = tmp_path / "identity.json"
    file.write_text(json.dumps(shown | {"blocked": [r".*@shop\.example"], "limits": {"user_id": 2}}))
    before = own.state()
    said = run("check", str(file))
    assert said.startswith("this change would merge 1 and split 1 customers; here they are")
    assert (
        "  email:till@shop.example, user_id:ada, anonymous_id:w1  →  email:till@shop.example | user_id:ada | " in said
    )
    assert "  anonymous_id:w2, user_id:bo | user_id:cy  →  anonymous_id:w2, user_id:bo, user_id:cy" in said
    assert json.loads(run("check", str(file), "--json"))["merges"] == 1
    run("check", str(file), "--fail-on-change", code=1)
    assert own.state() == before
    assert "3 identifiers belong to another customer" in run("apply", str(file), "--reason", "the till's own address")
    assert len(moves) == 3
    assert run("check", str(file), "--fail-on-change").startswith("this change would merge and split nobody\n")
    assert json.loads(run("show"))["limits"] == {"user_id": 2}
    with own.db.read() as conn:
        [action] = audit.actions(conn, own.workspace)
    assert (action.who, action.action, action.reason) == (AUTHOR, "policy", "the till's own address")


def test_what_was_reviewed_is_applied_to_the_policy_it_was_reviewed_against(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "identity.json"
    file.write_text(json.dumps({"shared_after": 3}))
    seen = json.loads(run("check", str(file), "--json"))["version"]
    assert run("check", str(file)).endswith(f"version {seen}\n")
    run("apply", str(file), "--reason", "as reviewed", "--seen", seen)
    file.write_text(json.dumps({"shared_after": 4}))
    said = run("apply", str(file), "--reason", "as reviewed", "--seen", seen, code=1)
    assert f"{AUTHOR} has changed the identity policy since you looked: shared_after is 3 now" in said
    assert json.loads(run("show"))["shared_after"] == 3


def test_toml_says_the_same_as_json(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "identity.toml"
    file.write_text(
        "default_limit = 4\n[limits]\nemail = 3\nanonymous_id = {at_most = 5, within_days = 30}\n"
        "[evidence_days]\nemail = 365\nalias = 90\n"
    )
    run("apply", str(file), "--reason", "as reviewed")
    now = json.loads(run("show"))
    assert now["limits"] == {"email": 3, "anonymous_id": {"at_most": 5, "within_days": 30}}
    assert (now["default_limit"], now["evidence_days"]) == (4, {"email": 365, "alias": 90})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"limits": {"email": {"at_most": 3}}}', "within_days"),
        ('{"limits": {"email": 0}}', "$.limits[...]"),
        ('{"limit": {}}', "limit"),
        ('{"evidence_days": {"email": 100000}}', "$.evidence_days[...]"),
        ('{"evidence_days": {"joined": 30}}', "does not expire"),
        ('{"evidence_days": {"E Mail": 30}}', "no namespace"),
        ('{"blocked": ["("]}', "blocked pattern"),
        ("{", "identity.json"),
    ],
)
def test_a_mistake_is_named_and_changes_nothing(own: Shop, run: Run, tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "identity.json"
    file.write_text(text)
    before = run("show")
    for command in (("check", str(file)), ("apply", str(file), "--reason", "?")):
        assert says in run(*command, code=1)
    assert run("show") == before
