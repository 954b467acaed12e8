"""A database that cannot be used: the operator reads which, why and what to do, in two lines and without a password."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from rapport.app.bootstrap import open_database
from rapport.app.settings import Settings
from rapport.kernel.errors import Misconfigured, RapportError, Unavailable
from tests.databases import postgres_database
from tests.docs.pages import DOCS, blocks
from tests.running import free_port


def refusal(url: str, folder: Path) -> RapportError:
    """What a start with this database says."""
    with pytest.raises(RapportError) as caught:
        open_database(Settings.load({}, data_dir=folder, database_url=url))
    assert "sesame" not in caught.value.message + caught.value.hint
    return caught.value


@contextmanager
def administrator() -> Iterator[psycopg.Connection]:
    """PostgreSQL's administrator, in a database of this test."""
    with postgres_database(empty=True) as url:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as conn:
            yield conn


def address(conn: psycopg.Connection, *, role: str, database: str, password: str = "sesame") -> str:
    return f"postgresql://{role}:{password}@{conn.info.host}:{conn.info.port}/{database}"


@pytest.mark.postgres
def test_a_database_that_is_absent_is_named_with_the_statement_that_makes_it(tmp_path: Path) -> None:
    with administrator() as conn:
        role = conn.info.user
        url = address(conn, role=role, database="absent", password=conn.info.password)
        error = refusal(url, tmp_path)
    assert isinstance(error, Misconfigured)
    assert error.message.startswith("there is no database 'absent' on ")
    assert f'CREATE DATABASE "absent" OWNER "{role}"' in error.hint


@pytest.mark.postgres
def test_a_role_that_is_absent_or_may_not_is_named(tmp_path: Path) -> None:
    role = f"rapport_{secrets.token_hex(6)}"
    with administrator() as conn:
        url = address(conn, role=role, database=conn.info.dbname)
        assert role in refusal(url, tmp_path).message
        conn.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'sesame'")
        conn.execute(f"GRANT {role} TO CURRENT_USER")  # or it could not hand over to it what is its own
        try:
            error = refusal(url, tmp_path)
            assert "may not make tables" in error.message
            assert f'ALTER DATABASE "{conn.info.dbname}" OWNER TO "{role}"' in error.hint
            conn.execute(f"ALTER DATABASE {conn.info.dbname} OWNER TO {role}")
            open_database(Settings.load({}, data_dir=tmp_path, database_url=url)).close()
        finally:
            conn.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
            conn.execute(f"DROP OWNED BY {role}")
            conn.execute(f"DROP ROLE {role}")


@pytest.mark.postgres
def test_the_page_s_role_and_database_are_enough(tmp_path: Path) -> None:
    """The line that the page says to paste, with other names."""
    page = DOCS / "how-to/postgresql-and-workers.md"
    (line,) = (block.text for block in blocks(page) if "CREATE ROLE" in block.text)
    (shown,) = re.findall(r"RAPPORT_DATABASE_URL=postgresql://(\S+)@127.0.0.1/(\S+)", page.read_text())
    assert shown == ("rapport:choose-another", "rapport")
    name = f"rapport_{secrets.token_hex(6)}"
    statements = [text.replace("rapport", name) for text in re.findall(r'-c "([^"]+)"', line)]
    assert len(statements) == 2
    with administrator() as conn:
        try:
            for statement in statements:
                conn.execute(statement)
                if "CREATE ROLE" in statement:
                    conn.execute(f"GRANT {name} TO CURRENT_USER")  # whoever pastes it is PostgreSQL's administrator
            url = f"postgresql://{name}:choose-another@{conn.info.host}:{conn.info.port}/{name}"
            open_database(Settings.load({}, data_dir=tmp_path, database_url=url)).close()
        finally:
            conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            conn.execute(f"DROP ROLE IF EXISTS {name}")


def test_a_server_that_does_not_run_is_asked_after(tmp_path: Path) -> None:
    error = refusal(f"postgresql://rapport:sesame@127.0.0.1:{free_port()}/rapport", tmp_path)
    assert isinstance(error, Unavailable)
    assert "Connection refused" in error.message
    assert "is PostgreSQL running" in error.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="whoever may everything is refused nothing")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert str(tmp_path / "data") in refusal("", tmp_path / "data").message


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert str(tmp_path / "data") in refusal("", tmp_path / "data" / "deeper").message
