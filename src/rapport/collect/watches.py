"""What Home warns of while collecting: messages nobody could read, sources that fell silent or send too much."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.store import quarantine, refused_since, sources
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import gettext, ngettext
from rapport.web.alarms import Alarm, Watch
from rapport.web.formats import count, duration

__all__ = ["WATCHES"]

_COUNTED = 1_000
_TOLD = 2 * DAY
_SILENT, _FORGOTTEN = 2 * DAY, 30 * DAY
"""A source that told something every now and then is missed after two days, and no more after a month."""


def _quarantine(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    some = sa.select(sa.literal(1)).where(quarantine.c.workspace == workspace, quarantine.c.state == "open")
    number = conn.execute(sa.select(sa.func.count()).select_from(some.limit(_COUNTED).subquery())).scalar_one()
    if not number:
        return ()
    words = f"{count(number)}{' and more' if number == _COUNTED else ''}"
    what = "One message could not be read" if number == 1 else f"{words} messages could not be read"
    to_do = "See what is wrong with them and mend them: they count from when they came."
    return (Alarm(what=what, to_do=to_do, path="/console/quarantine", tone="amber"),)


def _silent(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    s = sources.c
    query = (
        sa.select(s.id, s.name, s.last_seen_at)
        .where(s.workspace == workspace, s.enabled, s.last_seen_at < now - _SILENT, s.last_seen_at > now - _FORGOTTEN)
        .order_by(s.last_seen_at.desc())
        .limit(5)
    )
    return [
        Alarm(
            what=f"“{row.name}” has told nothing for {duration(now - row.last_seen_at)}",
            to_do="Where it should still run, check that it sends, and with the key it was given.",
            path=f"/console/sources/{row.id}",
        )
        for row in conn.execute(query)
    ]


def _over(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    refused = refused_since(conn, workspace, now - HOUR)
    query = sa.select(sources.c.id, sources.c.name).where(sources.c.workspace == workspace)
    names = {row.id: row.name for row in conn.execute(query)} if refused else {}
    said = {source: "one fact was" if n == 1 else f"{count(n)} facts were" for source, n in refused.items()}
    return [
        Alarm(
            what=f"“{names[source]}” sends more than it may: {said[source]} refused within two hours",
            to_do="If that is not your shop’s own traffic, switch the source off or rotate its key there; else let it"
            " send more.",
            path=f"/console/sources/{source}",
        )
        for source in list(refused)[:5]
        if source in names
    ]


def _let_go(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    dropped = refused_since(conn, workspace, now - _TOLD, counter="dropped")
    if not dropped:
        return ()
    number = sum(dropped.values())
    what = ngettext(
        "%(messages)s message that could not be read was let go, as there is no more room for such",
        "%(messages)s messages that could not be read were let go, as there is no more room for such",
        number, messages=count(number),
    )  # fmt: skip
    to_do = gettext(
        "The oldest go first. Mend what sends them, and replay or discard what waits; how much is kept is said in the"
        " settings, under Collecting."
    )
    return (Alarm(what=what, to_do=to_do, path="/console/quarantine"),)


WATCHES = (
    Watch(name="collect.quarantine", permission="quarantine:read", read=_quarantine),
    Watch(name="collect.let_go", permission="quarantine:read", read=_let_go),
    Watch(name="collect.silent", permission="sources:read", read=_silent),
    Watch(name="collect.over", permission="sources:read", read=_over),
)
