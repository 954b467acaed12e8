"""`rapport serve`, `rapport worker` and `rapport demo`: processes that run until Ctrl-C."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from rapport.app.settings import Settings
from rapport.storage.command_line import data_option

__all__ = ["demo", "serve", "worker"]

_log_option = click.option(
    "--log", type=click.Choice(["auto", "text", "json"]), default=None,
    help="How logs are written [default: text on a terminal, JSON elsewhere].",
)  # fmt: skip


@click.command()
@data_option
@click.option("--host", default=None, help="Address to listen on [default: 127.0.0.1].")
@click.option("--port", type=int, default=None, help="Port to listen on [default: 8321].")
@click.option(
    "--workers",
    type=click.IntRange(0, 64),
    default=None,
    help="Worker processes to start [default: 1 on SQLite, 2 on PostgreSQL].",
)
@click.option("--allow-private-webhooks/--no-allow-private-webhooks", default=None,
              help="Let webhooks go to private and loopback addresses [default: no].")  # fmt: skip
@_log_option
def serve(data_dir: Path | None, **given: Any) -> None:
    """Run the server and its workers until Ctrl-C."""
    from rapport.app.serve import serve as run

    run(Settings.load(data_dir=data_dir, **given))


@click.command()
@data_option
@click.option("--parent", type=int, default=None, hidden=True, help="End when this process is gone.")
@_log_option
def worker(data_dir: Path | None, parent: int | None, log: str | None) -> None:
    """Run one worker until Ctrl-C; start as many as there are cores, on any machine that reaches the database."""
    from rapport.app.serve import work

    work(Settings.load(data_dir=data_dir, log=log), parent=parent)


@click.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=8321, show_default=True, help="Port of the console.")
@click.option("--people", type=click.IntRange(10, 1_000_000), default=2_000, show_default=True)
@click.option("--days", type=click.IntRange(1, 3_650), default=90, show_default=True, help="Days of history.")
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--browser/--no-browser", default=True, help="Open the console in the browser.")
def demo(data_dir: Path | None, host: str, port: int, people: int, days: int, seed: int, *, browser: bool) -> None:
    """Load a simulated shop through the endpoints, then let it live on; console and storefront to look at."""
    from rapport.app.demo.running import run

    folder = data_dir or Path("demo-data")
    sys.exit(run(data=folder, host=host, port=port, people=people, days=days, seed=seed, open_browser=browser))
