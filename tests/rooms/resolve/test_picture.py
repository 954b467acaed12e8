"""The picture of an identity: the most stable name first, one box each, refused evidence dashed."""

from __future__ import annotations

from itertools import combinations, count

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rapport.kernel.clock import DAY
from rapport.kernel.identifiers import Identifier, IdentifierPolicy, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.model import Kind, Status
from rapport.resolve.reading.identities import Graph, GraphEdge, Member
from rapport.resolve.reading.picture import MOST, draw

_moments = count(20_000 * DAY, DAY)


def member(namespace: str, value: str, root: Key, *, shared: bool = False) -> Member:
    return Member(
        key=key_of_text(namespace, value), namespace=namespace, value=value, first_seen_at=next(_moments),
        first_fact="f", source="s", root=root, shared=shared,
    )  # fmt: skip


def key_of_text(namespace: str, value: str) -> Key:
    return key_of(WorkspaceId(1), Identifier(namespace, value))


def edge(a: Member, b: Member, status: Status = Status.LINKED, *because: str) -> GraphEdge:
    return GraphEdge(
        id=a.key + b.key, a=a.key, b=b.key, kind=Kind.SEEN, first_at=20_000 * DAY, first_fact="f1", source="s",
        weight=100, status=status, refused_because=because,
    )  # fmt: skip


ROOT = key_of_text("anonymous_id", "web")
WEB = member("anonymous_id", "web", ROOT)
ADA = member("user_id", "ada", ROOT)
MAIL = member("email", "ada@example.com", ROOT)


def test_the_most_stable_identifier_stands_left_and_the_others_behind_it() -> None:
    picture = draw(
        Graph(root=ROOT, nodes=[WEB, ADA, MAIL], edges=[edge(ADA, WEB), edge(WEB, MAIL)], truncated=False),
        IdentifierPolicy(),
    )
    left_to_right = [box.label for box in sorted(picture.boxes, key=lambda box: box.x)]
    assert left_to_right == ["ada", "web", "ada@example.com"]
    assert [box.role for box in picture.boxes].count("root") == 1
    assert len(picture.lines) == 2
    assert not any(line.refused for line in picture.lines)


def test_a_line_leads_to_its_fact_and_nowhere_where_no_fact_said_so() -> None:
    learned = msgspec.structs.replace(edge(ADA, MAIL), kind=Kind.PROBABLE, first_fact="model:1")
    picture = draw(
        Graph(root=ROOT, nodes=[WEB, ADA, MAIL], edges=[edge(ADA, WEB), learned], truncated=False), IdentifierPolicy()
    )
    assert [line.fact_id for line in picture.lines] == ["f1", ""]


def test_refused_evidence_is_dashed_and_says_why() -> None:
    other = member("user_id", "bo", key_of_text("user_id", "bo"))
    graph = Graph(
        root=ROOT,
        nodes=[ADA, MAIL, other],
        edges=[edge(ADA, MAIL), edge(other, MAIL, Status.REFUSED, "user_id")],
        truncated=False,
    )
    picture = draw(graph, IdentifierPolicy())
    (refused,) = [line for line in picture.lines if line.refused]
    assert "too many of account" in refused.title
    assert next(box for box in picture.boxes if box.label == "bo").role == "other"


def test_a_lone_identifier_is_one_box() -> None:
    picture = draw(Graph(root=ROOT, nodes=[WEB], edges=[], truncated=False), IdentifierPolicy())
    assert [box.label for box in picture.boxes] == ["web"]


def test_nobody_is_an_empty_picture() -> None:
    assert draw(Graph(root=ROOT, nodes=[], edges=[], truncated=False), IdentifierPolicy()).boxes == []


@given(st.integers(1, 70), st.sets(st.tuples(st.integers(0, 69), st.integers(0, 69)), max_size=150))
def test_boxes_never_overlap_and_lie_inside(size: int, pairs: set[tuple[int, int]]) -> None:
    members = [member("email", f"{i}@example.com", ROOT) for i in range(size)]
    edges = [edge(members[a], members[b]) for a, b in pairs if a < size and b < size and a != b]
    picture = draw(Graph(root=ROOT, nodes=members, edges=edges, truncated=False), IdentifierPolicy())
    assert len(picture.boxes) <= MOST
    assert len(picture.boxes) + picture.left_out == size
    for one, other in combinations(picture.boxes, 2):
        assert abs(one.x - other.x) >= 200 or abs(one.y - other.y) >= 46
    for box in picture.boxes:
        assert 0 <= box.x <= picture.width - 200
        assert 0 <= box.y <= picture.height - 46
