"""The console's page on which policies are judged: what each would have brought at a placement."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from rapport.decide.service import Decider
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.errors import NotFound, RapportError
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.measure.judging import POLICIES, Judged, judge
from rapport.storage.engine import Database
from rapport.web.console import NavItem, render

__all__ = ["HANDLERS", "NAV"]

DAYS = 30
LOOKED_AT = 3_000
"""The newest decisions of a placement; `rapport evaluate` looks at more."""

FEW = 300
"""With an effective sample below this the page says that nothing is certain."""

LEAST = 30
"""Below this the estimate is the model's word alone, and its interval knows nothing of it: none is shown."""


@get("/judged", permission="decisions:read", sync_to_thread=True)
def judged_page(request: Request[Any, Any, Any], db: Database, principal: Principal, decider: Decider) -> Response[str]:
    """What every ready policy would bring at a placement, beside what was brought."""
    chosen = clean(request.query_params.get("placement"), longest=100) or next(iter(decider.placements), "")
    error: RapportError | None = None
    found: list[tuple[str, Judged]] = []
    now = now_us()
    try:
        if chosen and chosen not in decider.placements:
            raise NotFound(f"no placement {chosen!r}", hint="choose one of the list")
        with db.read() as conn:
            for policy, words in POLICIES.items():
                if policy != "logged":
                    found.append((words, judge(
                        conn, principal.workspace, placement=chosen, policy=policy, since=now - DAYS * DAY,
                        until=now + 1, most=LOOKED_AT,
                    )))  # fmt: skip
    except NotFound as problem:
        error = problem if chosen not in decider.placements else None
    return render(
        request, "measure/judged.html", found=found, error=error, placements=list(decider.placements.values()),
        placement=chosen, days=DAYS, few=FEW, least=LEAST, looked_at=LOOKED_AT, status=error.status if error else 200,
    )  # fmt: skip


HANDLERS = (judged_page,)
NAV = (
    NavItem(
        label="Other choices", path="/console/judged", icon="spark", group="Learn", order=450,
        permission="decisions:read",
    ),
)  # fmt: skip
