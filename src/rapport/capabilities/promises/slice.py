"""What promises bring: they are read from facts, judged by the clock, shown everywhere and told in time."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.promises.facts import FACT_KINDS, LISTENS_TO, SCAN
from rapport.capabilities.promises.holding import HOLDS
from rapport.capabilities.promises.paid_back import unsay
from rapport.capabilities.promises.service.learning import LEARNING
from rapport.capabilities.promises.service.queueing import LOOK_ON
from rapport.capabilities.promises.service.sending import NO_SELLING, STILL_TRUE
from rapport.capabilities.promises.service.watching import WATCH, keep, look_on, watch
from rapport.capabilities.promises.settings import PROMISE_SETTINGS
from rapport.compose.slice import Slice
from rapport.kernel.identifiers import shop_key
from rapport.kernel.work import BatchStage, Retelling, Seen
from rapport.web.permissions import Permission

__all__ = ["PROMISES"]


def _believed(seen: Seen) -> Seen | None:
    """What carriers and shelves say is about the shop: from whomever else it comes, it says nothing."""
    is_shops = seen.fact.name in (SCAN, "Stock Level Changed")
    return None if is_shops and seen.strand != shop_key(seen.workspace) else seen


PROMISES = Slice(
    name="promises",
    title="Delivery promises",
    facts=FACT_KINDS,
    stage=lambda: BatchStage[Seen](LISTENS_TO, read=_believed, write=keep),
    retelling=Retelling(version=2),  # 2: what was paid back
    unsay=unsay,
    holds=HOLDS,
    migrations=Path(__file__).parent / "migrations",
    settings=PROMISE_SETTINGS,
    timers={WATCH: watch, LOOK_ON: look_on},
    send_rules=(NO_SELLING, STILL_TRUE),
    jobs=(LEARNING,),
    permissions=(
        Permission(name="promises:read", words="see what was promised", roles=("marketer", "agent", "analyst")),
        Permission(name="promises:write", words="promise anew", roles=("agent",)),
    ),
    web="rapport.capabilities.promises.web:WEB",
)
