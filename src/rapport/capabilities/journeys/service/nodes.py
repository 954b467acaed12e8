"""What happens at each kind of node: to all who are there at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from rapport.act.webhooks import CHANNEL as WEBHOOK
from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.clocks import after_span, at_local_hour
from rapport.capabilities.journeys.facts import ASKED, TASK_GIVEN
from rapport.capabilities.journeys.model import (
    Ask,
    Award,
    Branch,
    Decide,
    Exit,
    Goal,
    Graph,
    Node,
    Send,
    Split,
    Task,
    Tell,
    Trait,
    Wait,
    WaitForFact,
    WaitForHour,
    WaitForSegment,
    Way,
    holds,
)
from rapport.capabilities.journeys.service.chance import percent_of
from rapport.capabilities.journeys.service.going import Going, Move
from rapport.capabilities.journeys.service.sending import send
from rapport.capabilities.journeys.store import Instance
from rapport.capabilities.journeys.waiting import awaited_name, is_met, question_id, subject_name
from rapport.capabilities.loyalty import give_points
from rapport.decide.service import CustomerNamed, DecisionAsked
from rapport.kernel.clock import MINUTE, SECOND, to_iso
from rapport.kernel.errors import RapportError
from rapport.kernel.work import Message
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.bulk import insert_ignore, upsert

__all__ = ["act"]

Some: TypeAlias = Sequence[Instance]


def act(going: Going, graph: Graph, node: Node, some: Some) -> list[Move]:
    """Do the step of a node for all who are at it."""
    return _DO[type(node)](going, graph, node, some)


def _wait(going: Going, graph: Graph, node: Wait, some: Some) -> list[Move]:
    return [
        Move(one, node.next) if one.rests else Move(one, due_at=after_span(going.now, node.span, going.zone_of(one)))
        for one in some
    ]


def _hour(going: Going, graph: Graph, node: WaitForHour, some: Some) -> list[Move]:
    return [
        Move(one, node.next) if one.rests
        else Move(one, due_at=at_local_hour(going.now, node.at, going.zone_of(one), days=node.days))
        for one in some
    ]  # fmt: skip


def _fact(going: Going, graph: Graph, node: WaitForFact, some: Some) -> list[Move]:
    over = [one for one in some if one.rests and not one.heard]
    past = going.past(over, lambda one: one.since, names={node.until.fact})
    named, moves = subject_name(graph), []
    for one in some:
        if not one.rests:
            moves.append(_rest(going, node, one, node.at_most))
            continue
        met = bool(one.heard) or any(
            is_met(node.until, fact, subject=one.subject, subject_name=named) for fact in past[one.id]
        )
        moves.append(Move(one, node.next if met else node.otherwise))
    return moves


def _segment(going: Going, graph: Graph, node: WaitForSegment, some: Some) -> list[Move]:
    inside = going.members(node.segment, {going.roots[one.strand] for one in some})
    moves = []
    for one in some:
        met = bool(one.heard) or (going.roots[one.strand] in inside) is (node.when == "entered")
        if met:
            moves.append(Move(one, node.next))
        else:
            moves.append(Move(one, node.otherwise) if one.rests else _rest(going, node, one, node.at_most))
    return moves


def _rest(going: Going, node: Node, one: Instance, span: str) -> Move:
    return Move(one, due_at=after_span(going.now, span, going.zone_of(one)), waits_for=awaited_name(node))


def _branch(going: Going, graph: Graph, node: Branch, some: Some) -> list[Move]:
    asks_record = any(way.where for way in node.ways)
    names = {way.happened.fact for way in node.ways if way.happened}
    past = going.past(some if names else [], lambda one: one.entered_at, names=names)
    moves = []
    for one in some:
        if asks_record and going.roots[one.strand] in going.unread and going.now - one.since < MINUTE:
            moves.append(Move(one, due_at=going.now + SECOND, again=True))
            continue
        way = next((way for way in node.ways if _leads(going, graph, way, one, past)), None)
        moves.append(Move(one, way.next if way is not None else node.otherwise))
    return moves


def _leads(going: Going, graph: Graph, way: Way, one: Instance, past: Mapping[str, Sequence[Any]]) -> bool:
    if way.where and not going.persons.fulfils(going.roots[one.strand], way.where):
        return False
    if not holds(way.entry, one.context.entry):
        return False
    if way.decision and not one.context.items.get(way.decision):
        return False
    wanted = way.happened
    return wanted is None or any(
        is_met(wanted, fact, subject=one.subject, subject_name=subject_name(graph)) for fact in past[one.id]
    )


def _split(going: Going, graph: Graph, node: Split, some: Some) -> list[Move]:
    moves = []
    for one in some:
        left = percent_of(one.journey, one.node, one.root)
        chosen = node.ways[-1].next
        for way in node.ways:
            if left < way.percent:
                chosen = way.next
                break
            left -= way.percent
        moves.append(Move(one, chosen))
    return moves


def _send(going: Going, graph: Graph, node: Send, some: Some) -> list[Move]:
    return send(going, node, some)


def _decide(going: Going, graph: Graph, node: Decide, some: Some) -> list[Move]:
    """A placement decides for each by itself, as it would on a page; what it finds is kept for the messages to come."""
    moves = []
    for one in some:
        items: list[dict[str, Any]] = []
        named = going.identifiers.get(one.strand)
        if going.tools.decider is not None and named is not None:
            customer = CustomerNamed(namespace=named.namespace, value=named.value)
            asked = DecisionAsked(placement=node.placement, customer=customer, limit=node.limit)
            decision, row = going.tools.decider.compute(going.workspace, asked, now=going.now)
            going.work.state(row)
            items = [{**item, "decision_id": decision.decision_id} for item in decision.items]
        moves.append(Move(one, node.next, items=items))
    return moves


def _ask(going: Going, graph: Graph, node: Ask, some: Some) -> list[Move]:
    moves, rows = [], []
    for one in some:
        if one.rests:
            moves.append(Move(one, node.next if one.heard else node.otherwise))
            continue
        ident = question_id(one.id, one.node)
        rest = _rest(going, node, one, node.at_most)
        rows.append(
            {
                "workspace": going.workspace, "id": ident, "strand": one.strand, "question": node.question,
                "trait": node.trait, "choices": msgspec.json.encode(node.choices), "asked_at": going.now,
                "until_at": rest.due_at, "answered_at": None, "answer": "",
            }
        )  # fmt: skip
        going.state(
            one, ASKED, f"asked-{ident}-{one.since}", question=node.question, trait=node.trait, question_id=ident
        )
        moves.append(rest._replace(sent=ident))
    changing = ("question", "trait", "choices", "asked_at", "until_at", "answered_at", "answer")
    upsert(going.conn, store.answers, rows, key=("workspace", "id"), update=changing)  # in a circle it is asked anew
    return moves


def _award(going: Going, graph: Graph, node: Award, some: Some) -> list[Move]:
    for one in some:
        try:
            give_points(
                going.conn, going.workspace, one.strand, node.points, reason=node.reason, by=graph.title,
                request_id=f"{one.id}:{one.node}:{one.since}", programme=node.programme, now=going.now,
            )  # fmt: skip
        except RapportError as error:
            one.reason = error.message[:200]
    return [Move(one, node.next) for one in some]


def _task(going: Going, graph: Graph, node: Task, some: Some) -> list[Move]:
    rows, moves = [], []
    for one in some:
        ident = f"{question_id(one.id, one.node)}.{one.since}"  # in a circle each time is another task
        rows.append(
            {
                "workspace": going.workspace, "id": ident, "strand": one.strand, "journey": one.journey,
                "title": node.title, "note": node.note, "created_at": going.now, "done_at": None, "done_by": "",
            }
        )  # fmt: skip
        going.state(one, TASK_GIVEN, f"task-{ident}", title=node.title, task_id=ident)
        moves.append(Move(one, node.next, sent=ident))
    insert_ignore(going.conn, store.tasks, rows, key=("workspace", "id"))
    return moves


def _tell(going: Going, graph: Graph, node: Tell, some: Some) -> list[Move]:
    ids = load_customer_ids(going.conn)
    for one in some:
        data = {
            "journey": one.journey, "node": one.node, "subject": one.subject,
            "customer_id": ids.customer_id(going.roots[one.strand]), "entry": one.context.entry,
        }  # fmt: skip
        body = {"type": "Journey Step", "timestamp": to_iso(going.now), "data": data}
        going.work.send(
            Message(
                workspace=going.workspace, channel=WEBHOOK, destination=node.webhook, payload=msgspec.json.encode(body),
                idempotency_key=f"{one.id}:{one.node}:{one.since}", strand=one.strand, purpose="operations",
            )
        )  # fmt: skip
    return [Move(one, node.next) for one in some]


def _trait(going: Going, graph: Graph, node: Trait, some: Some) -> list[Move]:
    for one in some:
        going.remember(one, f"trait-{one.id}-{one.node}-{one.since}", {node.name: node.value})
    return [Move(one, node.next) for one in some]


def _exit(going: Going, graph: Graph, node: Exit, some: Some) -> list[Move]:
    return [Move(one, outcome="end", reason=node.reason) for one in some]


def _goal(going: Going, graph: Graph, node: Goal, some: Some) -> list[Move]:
    return [Move(one, outcome="goal") for one in some]


_DO: Mapping[type, Callable[[Going, Graph, Any, Some], list[Move]]] = {
    Wait: _wait, WaitForHour: _hour, WaitForFact: _fact, WaitForSegment: _segment, Branch: _branch, Split: _split,
    Send: _send, Decide: _decide, Ask: _ask, Award: _award, Task: _task, Tell: _tell, Trait: _trait, Exit: _exit,
    Goal: _goal,
}  # fmt: skip
