"""The command line lists what is declared, imports a command when it is called, and outlives a slice that is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rapport.app.cli import main
from rapport.app.commands import OWN
from rapport.app.wiring import OWN as OWN_SLICES
from rapport.compose.command import Command
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice

HELLO = """
import click
from rapport.compose.command import Command
from rapport.compose.slice import Slice
from rapport.kernel.errors import NotFound

@click.command()
@click.argument("name")
def greet(name):
    '''Greet somebody.'''
    if name == "nobody":
        raise NotFound("there is nobody", hint="name somebody")
    click.echo(f"hello {name}")

HELLO = Slice(
    name="hello", title="Hello",
    commands=(Command(name="hello", help="Greet somebody.", command="hello_slice:greet"),
              Command(name="later", help="Not there before it is called.", command="no_such_module:later")),
)
SERVING = Slice(
    name="serving", title="S", commands=(Command(name="serve", help="Take it over.", command="hello_slice:greet"),)
)
"""


def install(folder: Path, **slices: str) -> None:
    """Make a distribution in this folder whose slices are what these references name."""
    made = folder / "others-1.dist-info"
    made.mkdir()
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1\n")
    lines = [f"{name} = {reference}" for name, reference in slices.items()]
    (made / "entry_points.txt").write_text("\n".join(["[rapport.slices]", *lines]))


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which distributions are found, with the module of a slice in it."""
    (tmp_path / "hello_slice.py").write_text(HELLO)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "hello_slice", raising=False)
    return tmp_path


def test_the_list_for_help_is_what_our_slices_declare() -> None:
    declared = Installed(OWN_SLICES).commands
    assert {command.name: command for command in OWN} == declared


@pytest.mark.parametrize("command", OWN, ids=lambda command: command.name)
def test_a_declared_sentence_is_the_first_of_the_commands_own_help(command: Command) -> None:
    loaded = command.load()
    assert loaded.name == command.name
    assert (loaded.help or "").split("\n\n")[0].strip() == command.help


def test_help_imports_neither_server_nor_database() -> None:
    program = (
        "import sys; from rapport.app.cli import main; main(['--help'], standalone_mode=False);"
        "print('heavy:', sorted({'litestar', 'sqlalchemy', 'jinja2', 'numpy'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert all(f"  {command.name} " in shown for command in OWN)
    assert shown.endswith("heavy: []\n")


def test_a_slice_of_another_distribution_brings_commands_that_are_imported_when_called(others: Path) -> None:
    install(others, hello="hello_slice:HELLO")
    shown = CliRunner().invoke(main, ["--help"])
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "hello       Greet somebody." in shown.stdout
    assert "later       Not there before it is called." in shown.stdout
    assert CliRunner().invoke(main, ["hello", "ada"]).output == "hello ada\n"
    assert isinstance(CliRunner().invoke(main, ["later"]).exception, ImportError)


def test_a_brought_command_that_fails_as_expected_says_so_without_a_traceback(others: Path) -> None:
    install(others, hello="hello_slice:HELLO")
    failed = CliRunner().invoke(main, ["hello", "nobody"])
    assert (failed.exit_code, failed.stderr) == (1, "Error: there is nobody\nname somebody\n")


def test_a_broken_slice_is_said_on_stderr_and_the_rest_is_listed(others: Path) -> None:
    (others / "broken_slice.py").write_text("import no_such_library\n")
    (others / "odd_slice.py").write_text("ODD = 7\n")
    install(others, broken="broken_slice:BROKEN", hello="hello_slice:HELLO", odd="odd_slice:ODD")
    shown = CliRunner().invoke(main, ["--help"])
    assert shown.exit_code == 0
    assert "Warning: the slice 'broken' (broken_slice:BROKEN) cannot be loaded: ModuleNotFoundError" in shown.stderr
    assert "Warning: the slice 'odd' (odd_slice:ODD) cannot be loaded: AttributeError" in shown.stderr
    assert "hello       Greet somebody." in shown.stdout
    assert "serve       Run the server" in shown.stdout


def test_our_own_commands_run_without_a_look_at_other_slices(others: Path) -> None:
    install(others, hello="hello_slice:HELLO")
    assert CliRunner().invoke(main, ["serve", "--help"]).exit_code == 0
    assert "hello_slice" not in sys.modules


def test_a_command_that_two_claim_is_refused_naming_both(others: Path) -> None:
    install(others, serving="hello_slice:SERVING")
    shown = CliRunner().invoke(main, ["--help"])
    assert "serve       Run the server" in shown.stdout
    assert shown.stderr == "Warning: `rapport serve` is of Rapport itself; the slice 'serving' claims it, too\n"
    claims = Slice(name="serving", title="S", commands=(Command(name="serve", help="Mine.", command="a:b"),))
    with pytest.raises(ValueError, match="two of kind command are named 'serve': 'system' and 'serving'"):
        Installed([*OWN_SLICES, claims])


def test_a_name_that_is_mistyped_gets_a_suggestion() -> None:
    failed = CliRunner().invoke(main, ["serv"])
    assert failed.exit_code == 2
    assert "No such command 'serv'" in failed.output
    assert "serve" in failed.output.split("No such command", 1)[1]
