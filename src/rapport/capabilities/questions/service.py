"""Asking: which question somebody is asked next, and what is done with the answer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from rapport.capabilities.questions import store
from rapport.capabilities.questions.facts import ANSWERED, SKIPPED
from rapport.capabilities.questions.model import Question, checked, worth_asking
from rapport.capabilities.questions.settings import QUESTION_SETTINGS
from rapport.capabilities.questions.store import Said
from rapport.collect.own import own_fact
from rapport.decide.people import naming
from rapport.kernel.clock import DAY, HOUR, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.gate import Gate
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.kernel.work import Connection
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking.units import certain_identifiers
from rapport.resolve.reading.references import normalised
from rapport.storage import log
from rapport.storage import settings as shop_settings
from rapport.storage.engine import Database
from rapport.storage.locks import Lock, lock_each

__all__ = ["Asked", "Next", "OptionAsked", "answer", "next_question", "whom"]


class OptionAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be answered, in words."""

    value: str
    text: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it is put to somebody."""

    name: str
    text: str
    kind: str
    options: list[OptionAsked]
    language: str
    purpose: str
    reward: str


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask now; null, and why, where nothing is to be asked."""

    question: Asked | None
    reason: str


def whom(conn: Connection, workspace: WorkspaceId, customer: str) -> Identifier:
    """The identifier that `namespace:value` names, seen before or not. Raises InvalidInput."""
    namespace, colon, value = customer.partition(":")
    found = normalised(namespace, value, region=settings_of(conn, workspace).region) if colon else None
    if found is None:
        raise InvalidInput("this names nobody", hint="customer is namespace:value, such as email:ada@example.com")
    return found


def next_question(
    conn: Connection, gate: Gate, workspace: WorkspaceId, identifier: Identifier, *, language: str, now: int,
    purposes: Collection[str] = (),
) -> Next:  # fmt: skip
    """Of all that may be asked of them and is not known, what is most worth knowing; one in each span of the settings.

    `purposes`: those of the key that asks, where it has some. Cost: a handful of index look-ups.
    """
    key = key_of(workspace, identifier)
    said = store.said_by(conn, workspace, _keys(conn, workspace, key))
    pause = shop_settings.load(conn, workspace, QUESTION_SETTINGS).value.pause_hours * HOUR
    last = max((at for at, _ in said.values()), default=None)
    if last is not None and now - last < pause:
        return Next(question=None, reason=f"they were asked lately; not before {to_iso(last + pause)}")
    open_now = [
        one
        for one in store.all_questions(conn, workspace).values()
        if one.enabled and (not purposes or one.purpose in purposes) and _is_open(one, said.get(one.name), now)
    ]
    if not open_now:
        return Next(question=None, reason="nothing is left to ask them")
    permits = {name: gate(conn, workspace, [key], name, now)[key] for name in {one.purpose for one in open_now}}
    allowed = [one for one in open_now if permits[one.purpose].may]
    if not allowed:
        return Next(question=None, reason=f"not asked: {permits[open_now[0].purpose].reason}")
    told = store.answers_given(conn, workspace)
    best = max(allowed, key=lambda one: (worth_asking(one, told.get(one.name, {})), one.name))
    return Next(question=_asked(best, language), reason="the most worth knowing of what they have not said")


def answer(
    db: Database, gate: Gate, workspace: WorkspaceId, identifier: Identifier, name: str, given: Any,
    *, language: str, now: int,
) -> None:  # fmt: skip
    """Keep an answer, or with None that they would rather not: in the log, and asked no more, before this returns.

    Raises NotFound, InvalidInput for what the question does not take, Conflict where its purpose is refused.
    """
    key = key_of(workspace, identifier)
    with db.read() as conn:
        question = store.all_questions(conn, workspace).get(name)
        if question is None or not question.enabled:
            raise NotFound(f"no question {name[:60]!r} is asked")
        permit = gate(conn, workspace, [key], question.purpose, now)[key]
    if not permit.may:
        raise Conflict(f"the answer may not be used: {permit.reason}", hint="nothing was kept")
    said: dict[str, Any] = {"question": name, "purpose": question.purpose, "language": question.text(language)[1]}
    if given is not None:
        said |= {"answer": checked(question, given), "reward": question.reward}
    with db.write() as conn:
        keys = _keys(conn, workspace, key)
        lock_each(conn, Lock.ANSWERS, [int.from_bytes(one[:4], "big", signed=True) for one in keys])
        if given is not None:  # of two answers at once one is the first
            said["first"] = name not in store.said_by(conn, workspace, keys)
        row = own_fact(
            workspace, name=SKIPPED if given is None else ANSWERED, id=new_id("qst"), occurred_at=now, received_at=now,
            properties=said, **naming(identifier),
        )  # fmt: skip
        log.append(conn, [row])
        # The worker does the same when it comes to it.
        store.keep(conn, [Said(workspace, Key(row.strand), name, row.occurred_at, row.message_id, given is None)])


def _keys(conn: Connection, workspace: WorkspaceId, key: Key) -> list[Key]:
    return list({key: None, **dict.fromkeys(certain_identifiers(conn, workspace, key))})


def _is_open(question: Question, said: tuple[int, bool] | None, now: int) -> bool:
    if said is None:
        return True
    return question.again_days is not None and now - said[0] >= question.again_days * DAY


def _asked(question: Question, language: str) -> Asked:
    text, spoken = question.text(language)
    options = [OptionAsked(value=one.value, text=one.words.get(spoken) or one.value) for one in question.options]
    return Asked(
        name=question.name, text=text, kind=question.kind, options=options, language=spoken, purpose=question.purpose,
        reward=question.reward,
    )  # fmt: skip
