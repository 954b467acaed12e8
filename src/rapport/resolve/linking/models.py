"""Models that were trained: kept by version, one of them active."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.versions import version_of
from rapport.resolve.graph import store as graph
from rapport.resolve.linking.model import LinkModel
from rapport.resolve.linking.store import link_models, link_records
from rapport.web.formats import count

__all__ = [
    "ModelInfo",
    "activate",
    "active_model",
    "active_version",
    "card_text",
    "find_model",
    "in_force",
    "list_models",
    "save_model",
]

_models = link_models.c


class ModelInfo(NamedTuple):
    """A model without its body."""

    version: int
    trained_at: int
    active: bool


def save_model(conn: Connection, workspace: WorkspaceId, model: LinkModel, *, now: int) -> int:
    """Keep a model and make it the active one. Every record is scored anew. Returns its version."""
    highest = conn.execute(sa.select(sa.func.max(_models.version)).where(_models.workspace == workspace)).scalar()
    version = (highest or 0) + 1
    conn.execute(
        link_models.insert().values(
            workspace=workspace, version=version, trained_at=now, active=False, body=model.to_json()
        )
    )
    activate(conn, workspace, version)
    return version


def activate(conn: Connection, workspace: WorkspaceId, version: int) -> None:
    """Make a model the active one; all records become pending. Raises as `find_model` does."""
    graph.lock(conn, workspace)  # whoever scores must not take records for scored by the other model
    find_model(conn, workspace, version)
    conn.execute(link_models.update().where(_models.workspace == workspace).values(active=_models.version == version))
    conn.execute(link_records.update().where(link_records.c.workspace == workspace).values(pending=True))


def find_model(conn: Connection, workspace: WorkspaceId, version: int) -> LinkModel:
    """A model by its version. Raises NotFound, Conflict where it is of another format."""
    query = sa.select(_models.body).where(_models.workspace == workspace, _models.version == version)
    body = conn.execute(query).scalar()
    if body is None:
        raise NotFound(f"no model {version}", hint="rapport identity models lists them")
    try:
        return LinkModel.from_json(bytes(body))
    except msgspec.ValidationError as error:
        raise Conflict(f"model {version} cannot be read: {error}", hint="rapport identity train") from error


def active_model(conn: Connection, workspace: WorkspaceId) -> tuple[int, LinkModel] | None:
    """The model in force with its version; None where none was trained, or it is of another format."""
    query = sa.select(_models.version, _models.body).where(_models.workspace == workspace, _models.active)
    row = conn.execute(query).first()
    if row is None:
        return None
    try:
        return int(row.version), LinkModel.from_json(bytes(row.body))
    except msgspec.ValidationError:
        return None


def active_version(conn: Connection, workspace: WorkspaceId) -> int | None:
    """The version of the model in force; None where none was trained."""
    query = sa.select(_models.version).where(_models.workspace == workspace, _models.active)
    return conn.execute(query).scalar()


def in_force(version: int | None) -> str:
    """The version, in the sense of `ETag`, of which model is in force."""
    return version_of({"model": version})


def list_models(conn: Connection, workspace: WorkspaceId) -> list[ModelInfo]:
    """All versions, the newest first."""
    query = sa.select(_models.version, _models.trained_at, _models.active).where(_models.workspace == workspace)
    return [ModelInfo(*row) for row in conn.execute(query.order_by(_models.version.desc()))]


def card_text(model: LinkModel) -> str:
    """The model card for people to read: what it was trained on, and what every agreement tells."""
    card: dict[str, Any] = model.card
    lines = [
        f"Trained on {count(card.get('rows', 0))} records in {card.get('seconds', 0)} seconds, {_labelled(card)}.",
        f"Expected: {count(card.get('expected_matching_pairs', 0))} pairs of records of one person.",
        f"Tied from {model.thresholds.automatic} bits on; a person decides from {model.thresholds.review} bits on.",
        *_taught(card),
        "",
        "Columns",
    ]
    lines += [
        f"  {c['name']:<24} {c['kind']:<14} {c['distinct']:>8,} different, {c['null_share']:>5.0%} empty"
        for c in card.get("columns", [])
    ]
    for comparison in model.comparisons:
        lines += ["", f"{comparison.aspect.name}  (weights in bits: positive speaks for one person)"]
        for entry in card.get("weights", []):
            if entry["aspect"] == comparison.aspect.name:
                lines.append(f"  {entry['weight']:>+7.2f} {_bar(entry['weight']):<22} {entry['says']}")
    return "\n".join(lines) + "\n"


def _labelled(card: dict[str, Any]) -> str:
    """What was known of pairs beforehand."""
    known = sum(card.get("labels", {}).values())
    if not known:
        return "without labels"
    said = f"with {count(known)} pairs of which it is known who they are"
    staff = card.get("staff")
    if not staff:
        return said
    return f"{said}; of {count(staff['decided'])} decided by people it had told {count(staff['likewise'])} likewise"


def _taught(card: dict[str, Any]) -> list[str]:
    if "asked_precision" in card:
        return _expected(card)
    anchors = [anchor for anchor in card.get("anchors", []) if anchor.get("taught")]
    if not anchors:
        return ["Nobody was found twice for certain: how people differ from themselves is experience, not learned."]
    return [
        "Learned among records with the same "
        + ", ".join(f"{a['aspect']} ({count(a['pairs'])} pairs)" for a in anchors)
    ]


def _expected(card: dict[str, Any]) -> list[str]:
    """Of a shop's model: where its weights come from, and what may be expected of it."""
    right, asked, found = (100 * card[name] for name in ("expected_precision", "asked_precision", "expected_recall"))
    learned = (
        "Weights were learned on simulated shops, whose truth is known; names and who shares what were counted here."
    )
    links = f"{right:.1f} of 100 links made without asking are expected to be right ({asked:.1f} asked for),"
    rest = f"which are {found:.0f} % of all; {count(card['expected_waiting'])} likelier pairs wait for somebody."
    seen = card.get("links")
    if seen is None:
        return [learned, f"{links} {rest}"]
    low, high = (f"{100 * seen[name]:.1f}" for name in ("low", "high"))
    shops = f"On simulated shops {100 * seen['right']:.1f} of 100 such pairs were one person (95 %: {low} to {high})."
    return [learned, f"{links} {rest}", shops]


def _bar(weight: float) -> str:
    return ("-" if weight < 0 else "+") * min(22, round(abs(weight)))
