"""The picture of a customer's identity: identifiers as boxes, evidence as lines, laid out from left to right. No I/O.

The most stable identifier stands on the left; what was tied to it stands one column to the right, and so on. Evidence
that was refused, withdrawn or does not count is drawn dashed, to the identifier at its far end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from rapport.kernel.clock import DAY
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key
from rapport.kernel.language import gettext
from rapport.resolve.graph.model import Kind, Status
from rapport.resolve.reading.explain import UNFOUNDED
from rapport.resolve.reading.identities import Graph, GraphEdge, Member, worth_showing
from rapport.resolve.reading.naming import kind_words, name_words
from rapport.web.formats import date_words

__all__ = ["Box", "Line", "Picture", "draw", "evidence_words"]

WIDTH, HEIGHT = 190, 46
COLUMN, ROW = WIDTH + 56, HEIGHT + 12
MARGIN = 14
LABEL = 22
"""Characters of an identifier that fit into its box."""

MOST = 40
"""Identifiers drawn; a customer with more shows the best connected ones."""


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier. `role` is root, own or other (it belongs to somebody else, or names nobody)."""

    key: Key
    x: int
    y: int
    namespace: str
    label: str
    title: str
    role: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of evidence: a path, words for its middle, and the whole story as tooltip."""

    path: str
    refused: bool
    label: str
    label_x: int
    label_y: int
    title: str
    fact_id: str
    """The first fact that said so; empty where a person or a model did."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The whole drawing, in pixels."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[Line]
    left_out: int
    """Identifiers of the customer that are not drawn."""


def draw(graph: Graph, policy: IdentifierPolicy) -> Picture:
    """Lay the graph out. The same graph gives the same picture."""
    nodes = {node.key: node for node in _worth_drawing(graph)}
    mine = {key for key, node in nodes.items() if node.root == graph.root}
    if not mine:
        return Picture(width=0, height=0, boxes=[], lines=[], left_out=0)
    start = min(mine, key=lambda key: _order(nodes[key], policy))
    children = _tree(graph, nodes, mine, start, policy)
    depths, places = _places(children, start)
    boxes = {
        key: _box(
            nodes[key], depths[key], places[key], role="root" if key == start else "own" if key in mine else "other"
        )
        for key in depths
    }
    lines = [_line(edge, boxes, nodes) for edge in graph.edges if edge.a in boxes and edge.b in boxes]
    return Picture(
        width=(max(depths.values()) + 1) * COLUMN - (COLUMN - WIDTH) + 2 * MARGIN,
        height=max(box.y for box in boxes.values()) + HEIGHT + MARGIN,
        boxes=list(boxes.values()),
        lines=lines,
        left_out=len(mine - boxes.keys()),
    )


def _worth_drawing(graph: Graph) -> list[Member]:
    """Without a contact's name beside the contact itself, where nothing else hangs on it."""
    told = {node.key for node in worth_showing(graph.nodes)}
    ends = Counter(end for edge in graph.edges if edge.status is Status.LINKED for end in (edge.a, edge.b))
    return [node for node in graph.nodes if node.key in told or ends[node.key] > 1]


def evidence_words(edge: GraphEdge) -> str:
    """What a piece of evidence says, in a few words."""
    return {
        Kind.JOINED: gettext("joined by a person"),
        Kind.ALIAS: gettext("alias"),
        Kind.RENAMED: gettext("renamed in a browser"),
        Kind.SEEN: gettext("seen together"),
        Kind.PROBABLE: gettext("probably the same"),
    }[edge.kind]


def _order(node: Member, policy: IdentifierPolicy) -> tuple[int, int, str]:
    return policy.rank(node.namespace), node.first_seen_at, node.value


def _tree(
    graph: Graph, nodes: Mapping[Key, Member], mine: set[Key], start: Key, policy: IdentifierPolicy
) -> dict[Key, list[Key]]:
    """Children of each identifier: first what is linked, breadth first, then what hangs on by dashed lines."""
    linked: defaultdict[Key, list[Key]] = defaultdict(list)
    dashed: defaultdict[Key, list[Key]] = defaultdict(list)
    for edge in graph.edges:
        if edge.a not in nodes or edge.b not in nodes:
            continue
        neighbours = linked if edge.status is Status.LINKED else dashed
        neighbours[edge.a].append(edge.b)
        neighbours[edge.b].append(edge.a)
    children: dict[Key, list[Key]] = {start: []}
    _grow(children, [start], linked, nodes, policy)
    for key in sorted(mine - children.keys(), key=lambda k: _order(nodes[k], policy)):
        if len(children) < MOST:  # held together by evidence that was not loaded
            children[start].append(key)
            children[key] = []
    _grow(children, [key for key in children if key in mine], dashed, nodes, policy, only_one_step=True)
    return children


def _grow(
    children: dict[Key, list[Key]],
    front: Iterable[Key],
    neighbours: Mapping[Key, list[Key]],
    nodes: Mapping[Key, Member],
    policy: IdentifierPolicy,
    *,
    only_one_step: bool = False,
) -> None:
    queue = list(front)
    while queue:
        key = queue.pop(0)
        for other in sorted(dict.fromkeys(neighbours.get(key, ())), key=lambda k: _order(nodes[k], policy)):
            if other in children or other not in nodes or len(children) >= MOST:
                continue
            children[key].append(other)
            children[other] = []
            if not only_one_step:
                queue.append(other)


def _places(children: Mapping[Key, list[Key]], start: Key) -> tuple[dict[Key, int], dict[Key, float]]:
    """Column and row of each identifier: leaves one below the other, parents in the middle of their children."""
    depths: dict[Key, int] = {start: 0}
    order: list[Key] = []
    stack = [start]
    while stack:
        key = stack.pop()
        order.append(key)
        for child in reversed(children[key]):
            depths[child] = depths[key] + 1
            stack.append(child)
    rows: dict[Key, float] = {}
    leaves = 0
    for key in order:
        if not children[key]:
            rows[key] = float(leaves)
            leaves += 1
    for key in reversed(order):
        if children[key]:
            rows[key] = (rows[children[key][0]] + rows[children[key][-1]]) / 2
    return depths, rows


def _box(node: Member, depth: int, row: float, *, role: str) -> Box:
    notes = [f"{node.namespace}: {node.value}", f"first seen {date_words(node.first_seen_at)}"]
    if node.shared:
        notes.append("seen with so many others that it names nobody")
    elif role == "other":
        notes.append("belongs to another customer")
    return Box(
        key=node.key, x=MARGIN + depth * COLUMN, y=MARGIN + round(row * ROW),
        namespace=kind_words(node.namespace), label=_cut(name_words(node.value, node.first_seen_at)),
        title="\n".join(notes), role="other" if node.shared else role,
    )  # fmt: skip


def _line(edge: GraphEdge, boxes: Mapping[Key, Box], nodes: Mapping[Key, Member]) -> Line:
    a, b = boxes[edge.a], boxes[edge.b]
    left, right = (a, b) if a.x <= b.x else (b, a)
    x1, y1, y2 = left.x + WIDTH, left.y + HEIGHT // 2, right.y + HEIGHT // 2
    if left.x == right.x:
        x2, bend = right.x + WIDTH, x1 + 46
        label_x = x1 + 40
    else:
        x2, bend = right.x, (x1 + right.x) // 2
        label_x = right.x - 36
    refused = edge.status is not Status.LINKED
    both = gettext("%(one)s and %(other)s", one=_called(nodes[edge.a]), other=_called(nodes[edge.b]))
    story = [evidence_words(edge), both]
    first = date_words(edge.first_at)
    story.append(
        gettext("first on %(day)s, by %(who)s", day=first, who=edge.author) if edge.author
        else gettext("first on %(day)s", day=first)
    )  # fmt: skip
    story += [_why_not(edge)] if refused else []
    return Line(
        path=f"M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}",
        refused=refused,
        label=_short_status(edge) if refused else gettext("alias") if edge.kind is Kind.ALIAS else "",
        label_x=label_x,
        label_y=y2 - 6,
        title="\n".join(story),
        fact_id=edge.first_fact if edge.kind in (Kind.SEEN, Kind.ALIAS, Kind.RENAMED) else "",
    )


def _short_status(edge: GraphEdge) -> str:
    said = {
        Status.SURPLUS: gettext("not needed"), Status.WITHDRAWN: gettext("withdrawn"), Status.SHARED: gettext("shared"),
        Status.EXPIRED: gettext("expired"), Status.REFUSED: gettext("refused"), Status.UNFOUNDED: gettext("unfounded"),
    }  # fmt: skip
    return said.get(edge.status) or edge.status.name.lower()


def _why_not(edge: GraphEdge) -> str:
    if edge.status is Status.WITHDRAWN:
        return gettext("withdrawn: %(why)s", why=edge.reason) if edge.reason else gettext("withdrawn by a person")
    if edge.status is Status.EXPIRED:
        return gettext(
            "expired: last seen on %(day)s, and it counts for %(days)s days",
            day=date_words(edge.last_day * DAY), days=edge.counts_days,
        )  # fmt: skip
    aside = {
        Status.SHARED: gettext("does not count: one end is shared by too many"),
        Status.SURPLUS: gettext("does not count: too many weaker neighbours"),
        Status.UNFOUNDED: gettext("does not count: %(why)s", why=gettext(UNFOUNDED)),
    }
    if edge.status in aside:
        return aside[edge.status]
    because = ", ".join(kind_words(name) for name in edge.refused_because)
    if not because:
        return gettext("refused by a limit")
    return gettext("refused: it would give one customer too many of %(names)s", names=because)


def _called(node: Member) -> str:
    return f"{kind_words(node.namespace)} {_cut(name_words(node.value, node.first_seen_at))}"


def _cut(value: str) -> str:
    return value if len(value) <= LABEL else f"{value[: LABEL - 8]}…{value[-6:]}"
