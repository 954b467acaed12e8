"""Points of facts that are taken out of the log: what is due without them, booked as what it is, a taking back."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.causes import cause_of, lot_of
from rapport.capabilities.loyalty.members import refresh
from rapport.capabilities.loyalty.settling import settle
from rapport.decide import people
from rapport.kernel.ids import Key
from rapport.kernel.language import noted
from rapport.kernel.work import Connection, Unsaid
from rapport.storage.lookup import change_among, select_among

__all__ = ["unsay"]

_WORDS = noted("what its source sent was withdrawn")


def unsay(conn: Connection, unsaid: Unsaid) -> Mapping[str, int]:
    """Forget the causes, and bring everybody's lots to what is due to them now; entries are never taken away.

    Nothing of it is stated: that somebody had these points was never so.
    """
    workspace = unsaid.workspace
    if unsaid.reads:
        _read_anew(conn, unsaid)
        return {}
    c = store.causes.c
    rows = list(select_among(conn, store.causes.select(), workspace, c.fact, unsaid.facts))
    told = [store.cause_in(row) for row in rows]
    if not told:
        return {}
    change_among(conn, store.causes.delete(), workspace, c.fact, [one.fact for one in told])
    strands = {one.strand for one in told}
    names = {lot_of(one) for one in told} | {f"fact:{one.fact}" for one in told}
    subjects = {one.subject for one in told}
    subjects |= {f"referral:{one.removeprefix('order:')}" for one in subjects if one.startswith("order:")}
    still = store.causes_of(conn, workspace, (), subjects)
    strands |= {Key(one.strand) for one in still}
    before = _given(conn, unsaid, names)
    settle(conn, workspace, strands, cause=dict.fromkeys(strands, unsaid.cause), now=unsaid.now)
    kept = {lot_of(one) for one in still}
    emptied = [lot for (_, name), lot in store.lots_named(conn, workspace, names - kept).items() if lot.given]
    for lot in emptied:
        lot.become(0, now=unsaid.now, cause=unsaid.cause, words=_WORDS)
    store.save_lots(conn, workspace, emptied)
    store.save_savings(conn, workspace, {(lot.programme, lot.lot): (lot.strand, lot.at, ()) for lot in emptied})
    refresh(conn, workspace, strands, now=unsaid.now)
    return {"points": before - _given(conn, unsaid, names)}


def _read_anew(conn: Connection, unsaid: Unsaid) -> None:
    """Causes of facts that stay say what those say now; they are settled when these are told again, and the segments
    that somebody was in then stay. So the books move by what the facts lack now, and by nothing else.
    """
    c, workspace = store.causes.c, unsaid.workspace
    known = {row.fact for row in select_among(conn, sa.select(c.fact), workspace, c.fact, unsaid.facts)}
    if not known:
        return
    settings = people.reading_settings(conn, workspace)
    now_said = {fact: cause_of(unsaid.reads[fact], settings) for fact in known if fact in unsaid.reads}
    change_among(
        conn, store.causes.delete(), workspace, c.fact, [fact for fact, cause in now_said.items() if cause is None]
    )
    values = [
        {"of": cause.fact, "to_subject": cause.subject, "to_body": cause.body}
        for cause in now_said.values() if cause is not None
    ]  # fmt: skip
    if values:
        update = store.causes.update().where(c.workspace == workspace, c.fact == sa.bindparam("of"))
        conn.execute(update.values(subject=sa.bindparam("to_subject"), body=sa.bindparam("to_body")), values)


def _given(conn: Connection, unsaid: Unsaid, names: set[str]) -> int:
    return sum(lot.given for lot in store.lots_named(conn, unsaid.workspace, names).values())
