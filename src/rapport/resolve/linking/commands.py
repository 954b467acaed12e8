"""`rapport identity`: the policy; train on the shop's own records, score, look at models and review queue; batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click
import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.actions.policy_commands import policy_commands
from rapport.resolve.graph.recompute import Moved
from rapport.resolve.graph.store import identifiers
from rapport.resolve.linking import linker, models, review
from rapport.resolve.linking.kinds import Kind, detect, read_map
from rapport.resolve.linking.linker import FieldsOf
from rapport.resolve.linking.store import link_records
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace, find_workspace

__all__ = ["OpenDatabase", "identity_commands"]

OpenDatabase = Callable[[Path | None], AbstractContextManager[Database]]
"""Opens the database of a data folder (None: the default one), its schema up to date and with a workspace in it."""

_BATCH = 1_000


def identity_commands(
    open_database: OpenDatabase,
    *,
    fields_of: FieldsOf,
    kinds: Mapping[str, str],
    score: Callable[[Database], None],
    moved: Callable[[Connection, Sequence[Moved]], object],
) -> click.Group:
    """The group `identity`, joined to an installation.

    `fields_of` says what is known of people, `kinds` what its columns hold; `score` returns once every record that is
    pending has been scored, by this process or by a worker that runs already; `moved` is told, in the same transaction,
    whose customer a changed policy changed.
    """

    @click.group("identity")
    def group() -> None:
        """Who is one person: the policy, and what is learned from the shop's own records."""

    @group.command("train")
    @_common
    @click.option("--map", "map_path", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None,
                  help="Kinds of columns by hand, a TOML file.")  # fmt: skip
    def train_command(data_dir: Path | None, workspace: str | None, map_path: Path | None) -> None:
        """Learn from all customers, without labels; keeps the model and its card, and scores everybody anew."""
        from rapport.resolve.linking.training import train

        with open_database(data_dir) as db:
            shop = _find(db, workspace)
            count = _note_everybody(db, shop, fields_of)
            with db.read() as conn:
                rows = [fields for _, fields in _all_fields(conn, shop)]
            given = {name: Kind(kind) for name, kind in kinds.items()} | (read_map(map_path) if map_path else {})
            model = train(rows, detect(rows, given=given), progress=_tell)
            with db.write() as conn:
                version = models.save_model(conn, shop, model, now=now_us())
            _note_everybody(db, shop, fields_of)  # who changed meanwhile; from now on the worker does so
            if data_dir is not None:
                _write_card(data_dir, version, model)
        click.echo(models.card_text(model))
        click.echo(f"model {version} is active; {count} records are scored by the worker, or by rapport identity score")

    @group.command("score")
    @_common
    def score_command(data_dir: Path | None, workspace: str | None) -> None:
        """Score every record that is pending: tie who is surely one, queue who may be."""
        with open_database(data_dir) as db:
            shop = _find(db, workspace)
            with db.read() as conn:
                if models.active_version(conn, shop) is None:
                    raise InvalidInput("there is no model yet", hint="rapport identity train")
            score(db)
            with db.read() as conn:
                tied, waiting = review.count_linked(conn, shop), review.count_queue(conn, shop)
        click.echo(f"{tied} links were made without asking, {waiting} pairs wait for a person")

    _add_models(group, open_database)
    group.add_command(_batch_command())
    group.add_command(policy_commands(open_database, moved=moved))
    return group


def _add_models(group: click.Group, open_database: OpenDatabase) -> None:
    """What was learned, and what is to be decided."""

    @group.command("models")
    @_common
    def models_command(data_dir: Path | None, workspace: str | None) -> None:
        """List the models that were trained."""
        with open_database(data_dir) as db, db.read() as conn:
            for info in models.list_models(conn, _workspace(conn, workspace)):
                click.echo(f"{info.version:>4}  {to_iso(info.trained_at)}  {'active' if info.active else ''}")

    @group.command("card")
    @_common
    @click.argument("version", type=int)
    @click.option("--json", "as_json", is_flag=True, help="The whole model as JSON.")
    def card_command(data_dir: Path | None, workspace: str | None, version: int, *, as_json: bool) -> None:
        """Show what a model learned."""
        with open_database(data_dir) as db, db.read() as conn:
            model = models.find_model(conn, _workspace(conn, workspace), version)
        click.echo(model.to_json().decode() if as_json else models.card_text(model))

    @group.command("use")
    @_common
    @click.argument("version", type=int)
    def use_command(data_dir: Path | None, workspace: str | None, version: int) -> None:
        """Make a model the active one; everybody is scored anew."""
        with open_database(data_dir) as db, db.write() as conn:
            models.activate(conn, _workspace(conn, workspace), version)

    @group.command("review")
    @_common
    @click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
    def review_command(data_dir: Path | None, workspace: str | None, limit: int, *, as_json: bool) -> None:
        """Show the pairs a person is to decide, the most alike first."""
        with open_database(data_dir) as db, db.read() as conn:
            for pair in review.queue(conn, _workspace(conn, workspace), limit=limit).pairs:
                click.echo(msgspec.json.encode(pair).decode() if as_json else _side_by_side(pair))


def _batch_command() -> click.Command:
    @click.command("batch")
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
    def batch(engine: str, **given: Any) -> None:
        """Link all rows of a table at once with Splink, on DuckDB or on Spark, which find the same persons.

        TABLE is a .parquet or .csv file; with Spark also a folder of Parquet files, or a URL that Spark reads.
        """
        from rapport.resolve.linking.batch import Engine, link_table

        report = link_table(engine=Engine(engine), progress=_tell, **given)
        click.echo(
            f"{report.records:,} records, {report.pairs:,} pairs, {report.persons:,} persons in {report.seconds:.0f} s"
        )

    return batch


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--workspace", default=None, help="Slug of the workspace [default: the first].")(command)
    return click.option(
        "--data", "data_dir", type=click.Path(path_type=Path), default=None, metavar="DIR",
        help="Data folder of the installation [default: ./data, or RAPPORT_DATA_DIR].",
    )(command)  # fmt: skip


def _workspace(conn: Connection, slug: str | None) -> WorkspaceId:
    return (find_workspace(conn, slug) if slug else default_workspace(conn)).id


def _find(db: Database, slug: str | None) -> WorkspaceId:
    with db.read() as conn:
        return _workspace(conn, slug)


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
