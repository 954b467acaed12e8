"""`rapport evaluate`: judge a policy on what was decided, for somebody at the server."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from rapport.kernel.clock import DAY, now_us
from rapport.measure.judging import FEW, Reward, judge
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)

__all__ = ["evaluate"]


@click.command()
@data_option
@workspace_option
@click.option("--placement", required=True, metavar="NAME", help="Where it was decided: home, product …")
@click.option("--policy", default="greedy", metavar="NAME", show_default=True,
              help="What is judged: greedy, random, popular, logged, or epsilon=0.1.")  # fmt: skip
@click.option("--reward", type=click.Choice(["clicks", "orders", "revenue"]), default="clicks", show_default=True,
              help="What counts.")  # fmt: skip
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How far back.")
@json_option("One JSON object: estimates with intervals, effective sample size.")
@click.pass_obj
def evaluate(
    installation: Installation, data_dir: Path | None, workspace: str | None, placement: str, policy: str,
    reward: str, days: int, *, as_json: bool,
) -> None:  # fmt: skip
    """What another policy would have brought at a placement, from the decisions that were logged there."""
    now = now_us()
    with installation.open(data_dir) as db, db.read() as conn:
        shop = workspace_named(conn, workspace).id
        found = judge(
            conn, shop, placement=placement, policy=policy, since=now - days * DAY, until=now + 1,
            reward=cast(Reward, reward),
        )  # fmt: skip
    if as_json:
        tell_json(found)
        return
    unit = f"{reward} ({found.currency}, minor units)" if found.currency else reward
    click.echo(f"{found.decisions:,} decisions at {placement}, {unit} a decision, 95 % intervals")
    for name, told in (("as decided", found.logged), *((how.upper(), told) for how, told in found.estimates.items())):
        click.echo(f"  {name:10} {told['value']:12.5f}   {told['low']:.5f} to {told['high']:.5f}")
    if not found.estimates:
        click.echo(f"  fewer than {FEW} decisions of {policy} itself would say as much: nothing is told")
    if found.left_out:
        click.echo(f"  {found.left_out:,} decisions are left out: their log does not say what could be chosen")
    click.echo(f"  as much as {found.effective_sample_size:,.0f} decisions of {policy} itself would say")
