"""`rapport identity`: the policy; train on the shop's own records, score, look at models and review queue; batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import click
import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.actions.policy_commands import Deciding, policy_group
from rapport.resolve.graph.store import identifiers
from rapport.resolve.linking import linker, models, review
from rapport.resolve.linking.kinds import Kind, detect, read_map
from rapport.resolve.linking.labels import labels
from rapport.resolve.linking.linker import FieldsOf
from rapport.resolve.linking.shop_judge import ASKED
from rapport.resolve.linking.store import link_records
from rapport.storage.command_line import (
    Installation,
    data_option,
    json_option,
    tell_json,
    workspace_named,
    workspace_option,
)
from rapport.storage.engine import Database

__all__ = ["Linking", "identity"]

_BATCH = 1_000


class Linking(Deciding, Protocol):
    """What learned links need of the installation."""

    @property
    def kinds(self) -> Mapping[str, str]:
        """What the columns of `fields_of` hold."""

    def fields_of(
        self, conn: Connection, workspace: WorkspaceId, units: Mapping[Key, list[Key]]
    ) -> dict[Key, dict[str, str]]:
        """What is known of people."""

    def score(self, db: Database) -> None:
        """Return once every record that is pending has been scored, by this process or by a worker that runs."""


@click.group("identity")
def identity() -> None:
    """Who is one person: the policy, and what is learned from the shop's own records."""


@identity.command("train")
@data_option
@workspace_option
@click.option("--map", "map_path", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None,
              help="Kinds of columns by hand, a TOML file.")  # fmt: skip
@click.option("--precision", type=click.FloatRange(0.5, 0.9999), default=ASKED, show_default=True,
              help="Share of the links made without asking that is to be right.")  # fmt: skip
@click.pass_obj
def train_command(
    installation: Linking, data_dir: Path | None, workspace: str | None, map_path: Path | None, precision: float
) -> None:
    """Learn from all customers, and from pairs that staff decided; keeps the model and its card, scores everybody."""
    from rapport.resolve.linking.training import train

    with installation.open(data_dir) as db:
        shop = _find(db, workspace)
        count = _note_everybody(db, shop, installation.fields_of)
        with db.read() as conn:
            rows = [fields for _, fields in _all_fields(conn, shop)]
            known = labels(conn, shop, installation.fields_of)
        by_hand = read_map(map_path) if map_path else {}
        given = {name: Kind(kind) for name, kind in installation.kinds.items()} | by_hand
        model = train(rows, detect(rows, given=given), labels=known, precision=precision, progress=_tell)
        with db.write() as conn:
            version = models.save_model(conn, shop, model, now=now_us())
        _note_everybody(db, shop, installation.fields_of)  # who changed meanwhile; from now on the worker does so
        if data_dir is not None:
            _write_card(data_dir, version, model)
    click.echo(models.card_text(model))
    click.echo(f"model {version} is active; {count} records are scored by the worker, or by rapport identity score")


@identity.command("score")
@data_option
@workspace_option
@click.pass_obj
def score_command(installation: Linking, data_dir: Path | None, workspace: str | None) -> None:
    """Score every record that is pending: tie who is surely one, queue who may be."""
    with installation.open(data_dir) as db:
        shop = _find(db, workspace)
        with db.read() as conn:
            if models.active_version(conn, shop) is None:
                raise InvalidInput("there is no model yet", hint="rapport identity train")
        installation.score(db)
        with db.read() as conn:
            tied, waiting = review.count_linked(conn, shop), review.count_queue(conn, shop)
    click.echo(f"{tied} links were made without asking, {waiting} pairs wait for a person")


@identity.command("models")
@data_option
@workspace_option
@click.pass_obj
def models_command(installation: Installation, data_dir: Path | None, workspace: str | None) -> None:
    """List the models that were trained."""
    with installation.open(data_dir) as db, db.read() as conn:
        for info in models.list_models(conn, workspace_named(conn, workspace).id):
            click.echo(f"{info.version:>4}  {to_iso(info.trained_at)}  {'active' if info.active else ''}")


@identity.command("card")
@data_option
@workspace_option
@click.argument("version", type=int)
@json_option("The whole model as JSON.")
@click.pass_obj
def card_command(
    installation: Installation, data_dir: Path | None, workspace: str | None, version: int, *, as_json: bool
) -> None:
    """Show what a model learned."""
    with installation.open(data_dir) as db, db.read() as conn:
        model = models.find_model(conn, workspace_named(conn, workspace).id, version)
    click.echo(model.to_json().decode() if as_json else models.card_text(model))


@identity.command("use")
@data_option
@workspace_option
@click.argument("version", type=int)
@click.pass_obj
def use_command(installation: Installation, data_dir: Path | None, workspace: str | None, version: int) -> None:
    """Make a model the active one; everybody is scored anew."""
    with installation.open(data_dir) as db, db.write() as conn:
        models.activate(conn, workspace_named(conn, workspace).id, version)


@identity.command("review")
@data_option
@workspace_option
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option("One JSON object a line.")
@click.pass_obj
def review_command(
    installation: Installation, data_dir: Path | None, workspace: str | None, limit: int, *, as_json: bool
) -> None:
    """Show the pairs a person is to decide, the most alike first."""
    with installation.open(data_dir) as db, db.read() as conn:
        for pair in review.queue(conn, workspace_named(conn, workspace).id, limit=limit).pairs:
            tell_json(pair) if as_json else click.echo(_side_by_side(pair))


@identity.command("batch")
@click.argument("table")
@click.option(
    "--out",
    required=True,
    help="Where record (row number, from 0) and person go, as Parquet: a file, with Spark a new folder.",
)
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="In this process, for up to some millions of rows; or on Spark, for more.",
)
@click.option(
    "--master",
    default="local[*]",
    show_default=True,
    metavar="URL",
    help="Spark's: local[4], spark://HOST:7077, yarn, k8s://…",
)
@click.option(
    "--model",
    "model_path",
    type=click.Path(path_type=Path, exists=True),
    default=None,
    help="A model as JSON; trained on the table where it is missing.",
)
@click.option("--map", "map_path", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None,
              help="Kinds of columns by hand, a TOML file.")  # fmt: skip
@click.option("--precision", type=click.FloatRange(0.5, 0.9999), default=ASKED, show_default=True,
              help="Share of the links that is to be right, where a model of a shop is trained.")  # fmt: skip
def batch(engine: str, **given: Any) -> None:
    """Link all rows of a table at once with Splink, on DuckDB or on Spark, which find the same persons.

    TABLE is a .parquet or .csv file; with Spark also a folder of Parquet files, or a URL that Spark reads.
    """
    from rapport.resolve.linking.batch import Engine, link_table

    report = link_table(engine=Engine(engine), progress=_tell, **given)
    click.echo(
        f"{report.records:,} records, {report.pairs:,} pairs, {report.persons:,} persons in {report.seconds:.0f} s"
    )


identity.add_command(policy_group)


def _find(db: Database, slug: str | None) -> WorkspaceId:
    with db.read() as conn:
        return workspace_named(conn, slug).id


def _note_everybody(db: Database, workspace: WorkspaceId, fields_of: FieldsOf) -> int:
    """Bring the records of all customers up to date, a thousand customers a transaction. Returns how many there are."""
    after = b""
    while True:
        query = sa.select(identifiers.c.root).distinct().where(identifiers.c.workspace == workspace)
        query = query.where(identifiers.c.root > after).order_by(identifiers.c.root).limit(_BATCH)
        with db.write() as conn:
            roots = [Key(root) for root in conn.execute(query).scalars()]
            if not roots:
                break
            linker.note_changed(conn, workspace, roots, fields_of, now=now_us())
        after = roots[-1]
    with db.read() as conn:
        total = sa.select(sa.func.count()).where(link_records.c.workspace == workspace)
        return int(conn.execute(total).scalar_one())


def _all_fields(conn: Connection, workspace: WorkspaceId) -> Iterator[tuple[Key, dict[str, str]]]:
    query = sa.select(link_records.c.key, link_records.c.fields).where(link_records.c.workspace == workspace)
    for key, body in conn.execute(query.order_by(link_records.c.key)):
        fields = msgspec.json.decode(body, type=dict[str, str])
        if fields:
            yield Key(key), fields


def _write_card(data_dir: Path, version: int, model: Any) -> None:
    folder = data_dir / "identity"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"model-{version}.json").write_bytes(model.to_json())
    (folder / f"model-{version}.txt").write_text(models.card_text(model), encoding="utf-8")


def _side_by_side(pair: review.ReviewPair) -> str:
    lines = [f"{pair.id}  {pair.score:+.1f} bits, {pair.probability:.1%}"]
    lines += [
        f"  {field.aspect:<14} {field.left[:30]:<30} {field.right[:30]:<30} {field.weight:>+6.1f}  {field.says}"
        for field in pair.fields
    ]
    return "\n".join(lines) + "\n"


def _tell(doing: str, share: float) -> None:
    click.echo(f"{share:>4.0%}  {doing}", err=True)
