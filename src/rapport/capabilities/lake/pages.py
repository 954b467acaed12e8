"""The console's page of the lake: a query, its rows, and the rows as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.lake import saved
from rapport.capabilities.lake.asking import LONGEST_TEXT, LakeAnswer, Limits, ask
from rapport.capabilities.lake.charting import chart_of, is_number
from rapport.capabilities.lake.permitted import Asking
from rapport.capabilities.lake.saved import SavedQuery
from rapport.capabilities.lake.service import our_lake
from rapport.capabilities.lake.words import COLUMNS, words_of
from rapport.kernel.clock import now_us
from rapport.kernel.errors import RapportError
from rapport.kernel.gate import Gate
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.kernel.wording import Wording
from rapport.storage.engine import Database
from rapport.storage.lake.table import is_installed
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, raw, text
from rapport.web.purposes import Purposes
from rapport.web.tables import csv_answer

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

ROWS_SHOWN = 500
ROWS_SAVED = 10_000

EXAMPLES = (
    ("What happened how often", "SELECT name, count(*) AS facts\nFROM facts\nGROUP BY name\nORDER BY facts DESC"),
    (
        "Orders by day",
        """SELECT occurred_at::date AS day, count(DISTINCT body->>'$.properties.order_id') AS orders
FROM facts
WHERE name = 'Order Completed'
GROUP BY day
ORDER BY day DESC""",
    ),
    (
        "Pages seen most",
        """SELECT body->>'$.context.page.path' AS page, count(*) AS views
FROM facts
WHERE name = 'Page Viewed'
GROUP BY page
ORDER BY views DESC
LIMIT 50""",
    ),
)


@get("/lake", permission="lake:query", sync_to_thread=True)
def lake_page(
    request: AnyRequest, db: Database, principal: Principal, purposes: Purposes, wording: Wording
) -> Response[str]:  # fmt: skip
    """The form with a saved query in it, or an example."""
    shown: dict[str, Any] = {"typed": EXAMPLES[0][1]}
    name = clean(request.query_params.get("query"), longest=80)
    if name:
        with db.read() as conn:
            found = saved.find_query(conn, principal.workspace, name)
        shown = {"typed": found.sql, "purpose": found.purpose, "kept": found}
    return _show(request, db, principal, purposes, wording, **shown)


@post("/lake", permission="lake:query", sync_to_thread=True, status_code=200)
def answer_query(
    request: AnyRequest, db: Database, principal: Principal, gate: Gate, purposes: Purposes, wording: Wording,
    data: Form,
) -> Response[Any]:  # fmt: skip
    """The rows of a query on the page, as a file that has all of them, or the query kept under a name."""
    typed = raw(data, "sql").replace("\r\n", "\n")[: LONGEST_TEXT + 1]
    as_file, purpose = text(data, "then") == "save", text(data, "purpose", longest=60)
    name, seen = text(data, "name", longest=80), integer(data, "seen", least=0, most=2**31 - 2, otherwise=0)
    shown: dict[str, Any] = {"typed": typed, "purpose": purpose}
    try:
        if seen:
            with db.read() as conn:
                shown["kept"] = saved.find_query(conn, principal.workspace, name)
        if text(data, "then") == "keep":
            return _keep(db, principal, typed, purposes.known(principal.workspace, purpose), name=name, seen=seen)
        asking = Asking(gate, purposes.known(principal.workspace, purpose))
        limits = Limits(rows=ROWS_SAVED if as_file else ROWS_SHOWN)
        found = ask(db, principal.workspace, typed, limits, asking=asking)
    except RapportError as error:
        return _show(request, db, principal, purposes, wording, error=error, **shown)
    if as_file and found.complete:
        left_out = f"{found.left_out}-left-out" if found.left_out else ""
        return csv_answer("-".join(filter(None, ("lake", purpose, left_out))), found.columns, found.rows)
    return _show(request, db, principal, purposes, wording, found=found, not_saved=as_file, **shown)


def _keep(db: Database, principal: Principal, typed: str, purpose: str, *, name: str, seen: int) -> Redirect:
    with db.write() as conn:
        kept = saved.save_query(
            conn, principal.workspace, name=name, sql=typed, purpose=purpose, by=principal.name, now=now_us(), seen=seen
        )
    return Redirect(f"/console/lake?{urlencode({'query': kept.name, 'done': 'saved'})}", status_code=303)


@post("/lake/remove", permission="lake:query", sync_to_thread=True, status_code=303)
def remove_saved(db: Database, principal: Principal, data: Form) -> Redirect:
    """Take a saved query away."""
    seen = integer(data, "seen", least=0, most=2**31 - 2, otherwise=0)
    with db.write() as conn:
        saved.remove_query(conn, principal.workspace, text(data, "name", longest=80), seen=seen)
    return Redirect("/console/lake?done=removed", status_code=303)


PAGES = ConsolePages(
    room="lake",
    templates=Path(__file__).parent / "templates",
    handlers=(lake_page, answer_query, remove_saved),
    nav=(NavItem(label="SQL", path="/console/lake", icon="data", group="Data", order=410, permission="lake:query"),),
)


def _show(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    purposes: Purposes,
    wording: Wording,
    *,
    typed: str,
    kept: SavedQuery | None = None,
    purpose: str = "",
    found: LakeAnswer | None = None,
    error: RapportError | None = None,
    not_saved: bool = False,
) -> Response[str]:
    installed = is_installed()
    with db.read() as conn:
        queries = saved.list_queries(conn, principal.workspace)
    chart = chart_of(found) if found else None
    return render(
        request, "lake/lake.html", status=error.status if error else 200, typed=typed, found=found, error=error,
        not_saved=not_saved, installed=installed, filled=installed and our_lake(db).exists(), columns=COLUMNS,
        examples=EXAMPLES, numbers=[is_number(one) for one in found.types] if found else [],
        purposes=purposes.names(principal.workspace), purpose=purpose, queries=queries, kept=kept,
        words=words_of(wording.kinds), chart=None if chart is None else msgspec.json.encode(chart).decode(),
    )  # fmt: skip
