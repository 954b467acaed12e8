"""`rapport doctor` names what is amiss with what to do, changes nothing, and ends with 1 where something is to mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.cli import main
from rapport.app.doctor import Finding, examine, web
from rapport.app.doctor.machine import folder
from rapport.app.settings import Settings
from tests.databases import postgres_database
from tests.openid import open_id

NOBODY = 9
"""A port where nobody answers."""


def settings(data: Path, **more: object) -> Settings:
    return Settings.load({}, data_dir=data, port=NOBODY, **more)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that was used once; no server runs."""
    data = tmp_path_factory.mktemp("doctor") / "data"
    db = open_database(settings(data))
    bootstrap(db, settings(data))
    db.close()
    return data


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {one.name: one for one in found}


def test_a_fresh_installation_lacks_its_worker_and_its_address_and_nothing_else(installed: Path) -> None:
    found = examine(settings(installed))
    assert {one.name for one in found if one.state == "bad"} == {"no_worker"}
    assert {one.name for one in found if one.state == "fair"} - {"clock", "files", "disk"} == {"server", "tls"}
    assert {"package", "folder", "schema", "database"} <= {one.name for one in found if one.state == "well"}


def test_whatever_is_not_well_says_what_to_do_and_the_worst_comes_first(installed: Path, tmp_path: Path) -> None:
    for data in (installed, tmp_path / "none"):
        found = examine(settings(data, host="0.0.0.0"))
        assert all(one.to_do for one in found if one.state != "well")
        order = [("bad", "fair", "well").index(one.state) for one in found]
        assert order == sorted(order)


def test_looking_makes_and_changes_nothing(installed: Path, tmp_path: Path) -> None:
    examine(settings(tmp_path / "none"))
    assert list(tmp_path.iterdir()) == []
    before = (installed / "rapport.db").read_bytes()
    examine(settings(installed))
    assert (installed / "rapport.db").read_bytes() == before


def test_a_file_that_others_may_read_is_named(installed: Path) -> None:
    secret = installed / "secrets.json"
    secret.chmod(0o644)
    try:
        found = list(folder(installed, holds_database=True))
    finally:
        secret.chmod(0o600)
    assert [one.state for one in found] == ["bad"]
    assert str(secret) in found[0].to_do


def test_a_database_of_a_newer_rapport_is_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    db = open_database(settings(data))
    with db.write() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    db.close()
    assert "newer" in by_name(examine(settings(data)))["schema"].what


@pytest.mark.parametrize(
    ("given", "name", "state"),
    [
        ({"host": "0.0.0.0"}, "tls", "bad"),
        ({"public_url": "http://shop.example"}, "tls", "bad"),
        ({"public_url": "https://localhost:9"}, "cookies", "bad"),
        ({"public_url": "https://localhost:9", "secure_cookies": True}, "tls", "fair"),
    ],
)
def test_what_travels_unencrypted_is_told(tmp_path: Path, given: dict[str, object], name: str, state: str) -> None:
    assert by_name(list(web.encryption(settings(tmp_path, **given))))[name].state == state


def test_believing_every_proxy_is_told(tmp_path: Path) -> None:
    assert [one.state for one in web.proxies(settings(tmp_path, trusted_proxies="*"))] == ["bad"]


@pytest.mark.postgres
def test_a_database_that_forgets_what_it_acknowledged_is_told(tmp_path: Path) -> None:
    with postgres_database() as url:
        found = by_name(examine(settings(tmp_path, database_url=url)))
    # The tests switch synchronous_commit off for their own connections, and CI all that keeps a power cut harmless.
    assert found["database"].state == "bad"
    assert found["database"].what.endswith(" is off")


def test_a_database_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:9/none"
    found = by_name(examine(settings(tmp_path, database_url=url)))["database"]
    assert (found.state, "Traceback" in found.what) == ("bad", False)


def test_a_script_reads_lines_of_json_and_the_exit_code(installed: Path) -> None:
    done = CliRunner().invoke(main, ["doctor", "--data", str(installed), "--json"], env={"RAPPORT_PORT": str(NOBODY)})
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 1
    assert {"name", "state", "what", "to_do"} == set(found[0])


def test_a_provider_is_asked_whether_it_is_who_it_should_be(installed: Path) -> None:
    with open_id() as there:
        wanted = {
            "oidc_issuer": there.issuer, "oidc_client_id": "r", "oidc_allow_private": True,
            "public_url": "https://shop.example",
        }  # fmt: skip
        assert [one.state for one in web.provider(settings(installed, **wanted))] == ["well"]
        there.words = {"issuer": "https://elsewhere.example"}
        (amiss,) = web.provider(settings(installed, **wanted))
        assert (amiss.state, "calls itself" in amiss.what) == ("bad", True)
    (amiss,) = web.provider(settings(installed, **(wanted | {"public_url": ""})))
    assert "RAPPORT_PUBLIC_URL" in amiss.what
    assert not list(web.provider(settings(installed)))
