"""The console's page "Scorecard": how well customers match the simulated people, now, over time and by channel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get

from rapport.app.scorecard.measure import Agreement, Measurement
from rapport.app.scorecard.series import Series
from rapport.app.settings import Settings
from rapport.collect.sources import list_sources
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.formats import date_words, time_words, viewer_zone
from rapport.web.forms import integer

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]


@get("/scorecard", permission="customers:read", sync_to_thread=True)
def scorecard_page(request: AnyRequest, db: Database, settings: Settings, principal: Principal) -> Response[str]:
    """The latest measurement, and all of them as lines."""
    return render(request, "app/scorecard.html", **_shown(request, db, settings, principal))


@get("/scorecard/now", permission="customers:read", sync_to_thread=True)
def scorecard_now(request: AnyRequest, db: Database, settings: Settings, principal: Principal) -> Response[str]:
    """The part that changes; nothing where the browser has the latest measurement already."""
    seen = integer(dict(request.query_params), "seen", least=0, most=2**62, otherwise=0)
    shown = _shown(request, db, settings, principal)
    latest: Measurement | None = shown["latest"]
    if (latest.at if latest else 0) == seen:
        return Response("", status_code=204)
    return render(request, "app/scorecard_now.html", **shown)


PAGES = ConsolePages(
    room="app",
    templates=Path(__file__).parent.parent / "templates",
    handlers=(scorecard_page, scorecard_now),
    nav=(
        NavItem(
            label="Scorecard", path="/console/scorecard", icon="star", group="Learn", order=500,
            permission="customers:read", keys="e",
        ),
    ),
)  # fmt: skip


def _shown(request: AnyRequest, db: Database, settings: Settings, principal: Principal) -> dict[str, Any]:
    known = Series(settings.data_dir).read()
    with db.read() as conn:
        sources = list_sources(conn, principal.workspace)
    return {
        "latest": known[-1] if known else None,
        "number": len(known),
        "chart": msgspec.json.encode(_chart(known, viewer_zone(request))).decode(),
        "titles": {source.kind: source.name for source in reversed(sources)} | {"import": "Files"},
    }


def _chart(known: Sequence[Measurement], zone: ZoneInfo) -> dict[str, Any]:
    """Precision and recall, a step a measurement: what happened in the last minutes would vanish beside three months.

    Dashed and only from the training on: the same without learned links.
    """
    learned = next((step for step, each in enumerate(known) if each.model is not None), None)
    fork = len(known) if learned is None else max(0, learned - 1)
    lines = [("Precision", "accent"), ("Recall", "green")]
    return {
        "kind": "line",
        "percent": True,
        "steps": [_when(each, zone) for each in known],
        "marks": [] if learned is None else [{"at": fork, "label": "learned"}],
        "series": [
            {"name": name, "tone": tone, "points": [_ratio(each.found, name) for each in known]} for name, tone in lines
        ]
        + [
            {"name": f"{name} without learned links", "tone": tone, "dashed": True,
             "points": [None if step < fork else _ratio(each.certain, name) for step, each in enumerate(known)]}
            for name, tone in lines
            if learned is not None
        ],
    }  # fmt: skip


def _ratio(answer: Agreement, name: str) -> float:
    return answer.overall.precision if name == "Precision" else answer.overall.recall


def _when(measured: Measurement, zone: ZoneInfo) -> str:
    return time_words(measured.at, zone) if measured.live else date_words(measured.at, zone, year=False)
