"""The console's page of the lake: a query, its rows, and the rows as a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litestar import Request, Response, get, post

from rapport.capabilities.lake.asking import LONGEST_TEXT, LakeAnswer, Limits, ask
from rapport.capabilities.lake.permitted import Asking
from rapport.capabilities.lake.service import our_lake
from rapport.kernel.errors import RapportError
from rapport.kernel.gate import Gate
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.lake.table import is_installed
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, raw, text
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
COLUMNS = (
    ("name", "what happened: Order Completed"),
    ("occurred_at", "when, UTC"),
    ("received_at", "when the server got it"),
    ("received_day", "its day, the quickest to filter by"),
    ("strand", "whose, as an opaque key"),
    ("source", "where it came from"),
    ("message_id", "its id"),
    ("seq", "its number in the log"),
    ("body", "all of it, as JSON"),
)


@get("/lake", permission="lake:query", sync_to_thread=True)
def lake_page(request: AnyRequest, db: Database, principal: Principal, purposes: Purposes) -> Response[str]:
    """The form with an example in it."""
    return _show(request, db, typed=EXAMPLES[0][1], purposes=purposes.names(principal.workspace))


@post("/lake", permission="lake:query", sync_to_thread=True, status_code=200)
def answer_query(
    request: AnyRequest, db: Database, principal: Principal, gate: Gate, purposes: Purposes, data: Form
) -> Response[Any]:  # fmt: skip
    """The rows of a query on the page, or as a file that has all of them."""
    typed = raw(data, "sql").replace("\r\n", "\n")[: LONGEST_TEXT + 1]
    as_file, purpose = text(data, "then") == "save", text(data, "purpose", longest=60)
    shown: dict[str, Any] = {
        "typed": typed, "purposes": purposes.names(principal.workspace), "purpose": purpose,
    }  # fmt: skip
    try:
        asking = Asking(gate, purposes.known(principal.workspace, purpose))
        limits = Limits(rows=ROWS_SAVED if as_file else ROWS_SHOWN)
        found = ask(db, principal.workspace, typed, limits, asking=asking)
    except RapportError as error:
        return _show(request, db, error=error, **shown)
    if as_file and found.complete:
        left_out = f"{found.left_out}-left-out" if found.left_out else ""
        return csv_answer("-".join(filter(None, ("lake", purpose, left_out))), found.columns, found.rows)
    return _show(request, db, found=found, not_saved=as_file, **shown)


PAGES = ConsolePages(
    room="lake",
    templates=Path(__file__).parent / "templates",
    handlers=(lake_page, answer_query),
    nav=(NavItem(label="SQL", path="/console/lake", icon="data", group="Data", order=410, permission="lake:query"),),
)


def _show(
    request: AnyRequest,
    db: Database,
    *,
    typed: str,
    purposes: Mapping[str, str],
    purpose: str = "",
    found: LakeAnswer | None = None,
    error: RapportError | None = None,
    not_saved: bool = False,
) -> Response[str]:
    installed = is_installed()
    return render(
        request, "lake/lake.html", status=error.status if error else 200, typed=typed, found=found, error=error,
        not_saved=not_saved, installed=installed, filled=installed and our_lake(db).exists(), columns=COLUMNS,
        examples=EXAMPLES, numbers=_numbers(found), purposes=purposes, purpose=purpose,
    )  # fmt: skip


def _numbers(found: LakeAnswer | None) -> list[bool]:
    """Which columns are numbers, to stand on the right."""
    kinds = ("INT", "DOUBLE", "FLOAT", "DECIMAL")
    return [any(kind in one for kind in kinds) and "[" not in one for one in found.types] if found else []
