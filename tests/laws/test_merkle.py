"""The tree of the audit trail: each leaf is proven, each older tree is proven its beginning, and nothing else is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rapport.kernel.merkle import (
    EMPTY,
    Growing,
    Node,
    consistency_ranges,
    consistent,
    included,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    nodes_of,
    range_hash,
)

MOST = 70


def plain_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


DATA = [b"leaf %d" % number for number in range(MOST)]
TREE = Growing()
NODES: dict[Node, bytes] = {}
ROOTS = [TREE.root()]
for _data in DATA:
    NODES |= dict(TREE.add(leaf_hash(_data)))
    ROOTS.append(TREE.root())


def test_growing_leaf_by_leaf_makes_the_tree_of_the_definition() -> None:
    """Also where it goes on from stored peaks."""
    for size in range(MOST + 1):
        assert ROOTS[size] == plain_root(DATA[:size])
        again = Growing(size, [NODES[node] for node in sorted(nodes_of([(0, size)]), reverse=True)])
        assert again.root() == ROOTS[size]


def test_published_roots() -> None:
    """Source: the vectors of Certificate Transparency's reference implementation (RFC 6962 hashes as 9162 does)."""
    published = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Growing()
    for text in published:
        tree.add(leaf_hash(bytes.fromhex(text)))
    assert tree.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_every_leaf_of_every_size_is_proven_and_nowhere_else() -> None:
    for size in range(1, MOST + 1):
        for index in range(size):
            path = [range_hash(one, NODES) for one in inclusion_ranges(index, size)]
            leaf = leaf_hash(DATA[index])
            assert included(leaf, index, size, path, ROOTS[size])
            assert not included(leaf, index, size, [*path, leaf], ROOTS[size])
            assert not included(leaf_hash(b"another"), index, size, path, ROOTS[size])
            assert not included(leaf, (index + 1) % size, size, path, ROOTS[size]) or size == 1


def test_every_older_tree_is_proven_the_beginning_of_every_newer_one() -> None:
    for size in range(1, MOST + 1):
        for first in range(1, size + 1):
            path = [range_hash(one, NODES) for one in consistency_ranges(first, size)]
            assert consistent(first, ROOTS[first], size, ROOTS[size], path)
            assert not consistent(first, EMPTY, size, ROOTS[size], path)
            assert not consistent(first, ROOTS[first], size, EMPTY, path)


@given(st.integers(1, MOST), st.data())
def test_a_path_with_one_other_byte_proves_nothing(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    ranges = consistency_ranges(first, size)
    path = [range_hash(one, NODES) for one in ranges]
    if path:
        place, byte, bit = (data.draw(st.integers(0, top)) for top in (len(path) - 1, 31, 7))
        changed = bytearray(path[place])
        changed[byte] ^= 1 << bit
        path[place] = bytes(changed)
        assert not consistent(first, ROOTS[first], size, ROOTS[size], path)
