"""The engine: takes who is due, does their steps side by side, writes where they stand. All in one transaction.

A step of many is done at once; one that fails is tried alone, so that its neighbours go on, then ever more rarely, and
after some days the journey ends for them. What a step makes (a message, a task, points) carries a key of instance and
node, so that whatever is killed or repeated, it is made once.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.facts import ENTERED, LEFT
from rapport.capabilities.journeys.model import CONTROL, NEVER, TREATED, Graph, Node
from rapport.capabilities.journeys.service.chance import percent_of
from rapport.capabilities.journeys.service.entering import GOAL
from rapport.capabilities.journeys.service.going import Going, Move, Tools
from rapport.capabilities.journeys.service.nodes import act
from rapport.capabilities.journeys.store import DONE, PARKED, Instance
from rapport.capabilities.journeys.waiting import is_met, subject_name
from rapport.kernel.clock import MINUTE, SECOND
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Work

__all__ = ["step"]

_logger = logging.getLogger(__name__)

HOPS = 60
"""Nodes that somebody passes in one turn; more are done in the next."""
TRAIL = 50
TRIES = 8
"""Of a step that fails, over about two hours."""
READ_WITHIN = MINUTE
"""So long a condition waits for a record that is being brought up to date."""

Passes = Counter[tuple[WorkspaceId, str, int, str, str]]


def step(conn: Connection, work: Work, claimed: Sequence[Instance], tools: Tools, *, now: int) -> None:
    """Do the steps of these instances, which this transaction holds, and write them back."""
    by_shop: defaultdict[WorkspaceId, list[Instance]] = defaultdict(list)
    for one in claimed:
        by_shop[one.workspace].append(one)
    passes: Passes = Counter()
    for workspace, some in by_shop.items():
        going = Going(conn, work, workspace, tools, some, now)
        _walk(going, some, passes)
        for row in going.facts():
            work.state(row)
    store.count_passes(conn, passes)


def _walk(going: Going, claimed: Sequence[Instance], passes: Passes) -> None:
    gone: list[str] = []
    todo = _settled(going, claimed, passes)
    for _ in range(HOPS):
        groups: defaultdict[tuple[str, int, str], list[Instance]] = defaultdict(list)
        for one in todo:
            groups[one.journey, one.version, one.node].append(one)
        todo = []
        for some in groups.values():
            for move in _contained(going, some):
                if move.forget:
                    gone.append(move.one.id)
                elif _apply(going, move, passes):
                    todo.append(move.one)
        if not todo:
            break
    lost = set(gone)
    store.write(going.conn, [one for one in claimed if one.id not in lost])
    store.forget(going.conn, going.workspace, gone)


def _settled(going: Going, claimed: Sequence[Instance], passes: Passes) -> list[Instance]:
    """Those who go on; the others are stopped, have left, or have reached what it is for."""
    left: list[Instance] = []
    for one in claimed:
        row = going.journeys.get(one.journey)
        if row is None or one.version <= row.removed_upto:
            _leave(going, one, "removed", "", passes)
        elif row.state == "stopped":
            one.state = PARKED
        else:
            graph = going.graph(one)
            if one.version < row.moves_from:
                graph = _moved(going, one, row.version, graph)
            if graph is None:
                _leave(going, one, "removed", "", passes)
            elif one.heard == GOAL:
                _leave(going, one, "goal", "", passes)
            elif other := _other(going, one):
                _leave(going, one, "merged", f"since {other.entered_at}", passes)
            else:
                left.append(one)
    return _without_goal(going, left, passes)


def _moved(going: Going, one: Instance, version: int, graph: Graph | None) -> Graph | None:
    """By the newest version where it knows the node somebody stands at; else by the one they are in."""
    newest = going.tools.graphs.graph(going.conn, going.workspace, one.journey, version)
    if newest is None or (one.node and one.node not in newest.nodes):
        return graph
    if graph is not None and one.node and type(newest.nodes[one.node]) is not type(graph.nodes.get(one.node)):
        one.rests, one.heard, one.waits_for = 0, 0, ""
    one.version = version
    return newest


def _other(going: Going, one: Instance) -> Instance | None:
    """The same customer, merged since, in the same journey about the same subject, and longer."""
    for other in going.siblings.get(going.roots[one.strand], ()):
        same = other.journey == one.journey and other.subject == one.subject and other.state != DONE
        if same and other.id != one.id and (other.entered_at, other.id) < (one.entered_at, one.id):
            return other
    return None


def _without_goal(going: Going, some: Sequence[Instance], passes: Passes) -> list[Instance]:
    """Those who have not reached the goal by what the log says: also under a name that became theirs only since."""
    asked = [(one, graph) for one in some if one.node and (graph := going.graph(one)) is not None and graph.goal]
    names = {graph.goal.fact for _, graph in asked if graph.goal}
    past = going.past([one for one, _ in asked], lambda one: one.entered_at, names=names)
    done = set()
    for one, graph in asked:
        goal = graph.goal
        named = subject_name(graph)
        if goal and any(is_met(goal, fact, subject=one.subject, subject_name=named) for fact in past[one.id]):
            _leave(going, one, "goal", "", passes)
            done.add(one.id)
    return [one for one in some if one.id not in done]


def _contained(going: Going, some: Sequence[Instance]) -> list[Move]:
    """What becomes of a group; where that fails, of each alone."""
    mark = going.mark()
    try:
        with going.conn.begin_nested():
            return _do(going, some)
    except Exception as error:
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            raise
        failed = error
    going.rollback(mark)
    if len(some) > 1:
        return [move for one in some for move in _contained(going, [one])]
    [one] = some
    one.failures += 1
    _logger.error("a step of journey %s failed for the %dth time: %s", one.journey, one.failures,
                  type(failed).__name__)  # fmt: skip
    if one.failures >= TRIES:
        return [Move(one, outcome="failed", reason=f"{one.node}: {type(failed).__name__}")]
    return [Move(one, due_at=going.now + (MINUTE << (one.failures - 1)), again=True)]


def _do(going: Going, some: Sequence[Instance]) -> list[Move]:
    graph = going.graph(some[0])
    if graph is None:
        return [Move(one, outcome="removed") for one in some]
    if not some[0].node:
        return _let_in(going, graph, some)
    node: Node | None = graph.nodes.get(some[0].node)
    if node is None:
        return [Move(one, outcome="removed", reason=one.node) for one in some]
    return act(going, graph, node, some)


def _let_in(going: Going, graph: Graph, some: Sequence[Instance]) -> list[Move]:
    """The door: who fulfils the condition enters, by chance into one of the arms."""
    moves = []
    for one in some:
        root = going.roots[one.strand]
        if graph.only_if:
            if root in going.unread and going.now - one.since < READ_WITHIN:
                moves.append(Move(one, due_at=going.now + SECOND, again=True))
                continue
            if not going.persons.fulfils(root, graph.only_if):
                moves.append(Move(one, forget=True))
                continue
        one.arm = _arm(going, one, graph)
        going.state(one, ENTERED, f"journey-in-{one.id}", **_said(going, one), arm=one.arm)
        if one.arm == CONTROL:
            moves.append(Move(one, outcome="control"))
        else:
            moves.append(Move(one, graph.start))
    return moves


def _arm(going: Going, one: Instance, graph: Graph) -> str:
    """By chance, the same for one customer whenever they enter, whatever became of them since."""
    others = [
        other for other in going.siblings.get(going.roots[one.strand], ())
        if other.journey == one.journey and other.arm and other.id != one.id
    ]  # fmt: skip
    if others:
        return min(others, key=lambda other: (other.entered_at, other.id)).arm
    return CONTROL if percent_of(one.journey, "arm", one.root) < graph.control_percent else TREATED


def _apply(going: Going, move: Move, passes: Passes) -> bool:
    """Move somebody; True where they have another step to do at once."""
    one = move.one
    if move.sent:
        one.context.sent[one.node] = move.sent
    if move.items is not None:
        one.context.items[one.node] = [dict(item) for item in move.items]
    if move.outcome:
        _leave(going, one, move.outcome, move.reason, passes)
        return False
    if not move.target:
        one.due_at = move.due_at
        if not move.again:
            one.rests, one.waits_for, one.failures = 1, move.waits_for, 0
        return False
    passes[going.workspace, one.journey, one.version, one.node, move.target] += 1
    one.node, one.since, one.rests, one.heard, one.waits_for = move.target, going.now, 0, 0, ""
    one.due_at, one.failures = going.now, 0
    one.context.trail = [*one.context.trail[1 - TRAIL :], (move.target, going.now)]
    return True


def _leave(going: Going, one: Instance, outcome: str, reason: str, passes: Passes) -> None:
    if outcome != "control":
        passes[going.workspace, one.journey, one.version, one.node, ""] += 1
        if one.node:
            said = _said(going, one)
            going.state(one, LEFT, f"journey-out-{one.id}", **said, outcome=outcome, reason=reason)
    one.state, one.outcome, one.reason, one.finished_at = DONE, outcome, reason[:500], going.now
    one.due_at, one.rests, one.waits_for = NEVER, 0, ""


def _said(going: Going, one: Instance) -> dict[str, object]:
    graph = going.graph(one)
    title = graph.title if graph is not None else one.journey
    return {"journey": one.journey, "title": title, "version": one.version, "subject": one.subject}
