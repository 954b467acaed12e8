"""`rapport keys`: what a client needs, and how a person gets in."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from rapport.app.cli import main
from rapport.app.demo.shop import account, prepare
from rapport.app.settings import Settings
from rapport.kernel.clock import now_us
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces
from rapport.web import store
from rapport.world.timeline import Town


def keys(folder: Path, *more: str) -> str:
    """What the command prints for a data folder."""
    told = CliRunner().invoke(main, ["keys", "--data", str(folder), *more], env={"RAPPORT_PORT": "8400"})
    assert told.exit_code == 0, told.output
    return told.output


def test_a_new_folder_s_keys_say_how_the_first_account_is_made_and_then_how_to_sign_in(tmp_path: Path) -> None:
    first = keys(tmp_path)
    assert "nobody has an account yet: `rapport serve` prints the link" in first
    assert "http://127.0.0.1:8400/console" in first
    as_json = msgspec.json.decode(keys(tmp_path, "--json"))
    assert set(as_json) == {"workspace", "write_key", "api_key"}
    assert as_json["write_key"] in first
    added = CliRunner().invoke(
        main, ["user", "ada@example.com", "--data", str(tmp_path)], env={"RAPPORT_PASSWORD": "correct horse battery"}
    )
    assert added.exit_code == 0, added.output
    assert "with your e-mail and password" in keys(tmp_path)


def test_an_account_is_made_in_the_shop_that_is_named_and_in_none_that_is_not_there(tmp_path: Path) -> None:
    def run(*arguments: str) -> Result:
        environment = {"RAPPORT_PASSWORD": "correct horse battery"}
        return CliRunner().invoke(main, [*arguments, "--data", str(tmp_path)], env=environment)

    assert run("workspaces", "add", "paris").exit_code == 0
    assert run("user", "bo@example.com", "--workspace", "paris", "--role", "viewer").exit_code == 0
    assert run("user", "cy@example.com", "--workspace", "rome").exit_code == 1
    with Database.open(Settings.load({}, data_dir=tmp_path).url).read() as conn:
        members = {shop.slug: [one.email for one in store.members(conn, shop.id)] for shop in all_workspaces(conn)}
    assert members == {"shop": [], "paris": ["bo@example.com"]}


@pytest.mark.slow
def test_the_demonstration_s_keys_say_its_owner_s_password(tmp_path: Path) -> None:
    settings = Settings.load({}, data_dir=tmp_path)
    state = prepare(settings, Town.until(now_us(), seed=7, people=10, days=1))
    told = keys(tmp_path)
    assert state.write_keys["web"] in told
    assert account(tmp_path) == ("owner@marlow.example", state.password)
    assert f"owner@marlow.example   password {state.password}" in told
