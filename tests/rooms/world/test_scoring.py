"""How well an assignment of identifiers to customers matches the truth."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from rapport.kernel.identifiers import Identifier
from rapport.world.scoring import Assigned, Scores, compare, one_person, scores
from rapport.world.truth import Known, owners

PHONE, MAIL, LOGIN, TABLET, HERS = (
    Identifier("anonymous_id", "phone"), Identifier("email", "ada@mail.example"), Identifier("user_id", "u-1"),
    Identifier("anonymous_id", "tablet"), Identifier("user_id", "u-2"),
)  # fmt: skip
ADA = Known(person="ada", household=1, name="Ada Reid", identifiers=[PHONE, MAIL, LOGIN, TABLET])
BO = Known(person="bo", household=1, name="Bo Reid", identifiers=[TABLET, HERS])
TRUTH = owners([ADA, BO])

CHANNELS = ("web", "store", "phone")
MANY = [Identifier("id", str(number)) for number in range(9)]
assignments = st.dictionaries(
    st.sampled_from(MANY), st.builds(Assigned, st.sampled_from("abcd"), st.sampled_from(CHANNELS))
)
truths = st.dictionaries(st.sampled_from(MANY), st.sets(st.sampled_from(("ada", "bo", "cy")), min_size=1, max_size=2))


def test_the_right_answer_scores_one() -> None:
    found = scores({PHONE: "c1", MAIL: "c1", LOGIN: "c1", HERS: "c2", TABLET: "c2"}, [ADA, BO])
    assert (found.precision, found.recall, found.f1) == (1.0, 1.0, 1.0)
    assert (found.identifiers, found.shared) == (4, 1)


def test_a_split_costs_recall_and_a_wrong_merge_precision() -> None:
    split = scores({PHONE: "c1", MAIL: "c2", LOGIN: "c2"}, [ADA, BO])
    assert (split.precision, split.recall) == (1.0, 1 / 3)
    merged = scores({PHONE: "c1", MAIL: "c1", LOGIN: "c1", HERS: "c1"}, [ADA, BO])
    assert (merged.precision, merged.recall) == (0.5, 1.0)


def test_what_is_alone_in_its_customer_could_not_be_told() -> None:
    """A pair with such an end is a miss nobody can help; one whose ends are both tied to something could be found."""
    found = scores({PHONE: "c1", MAIL: "c2", LOGIN: "c2"}, [ADA, BO])
    assert (found.true_pairs, found.lone_pairs, found.recall_but_lone) == (3, 2, 1.0)
    tied = scores({PHONE: "c1", TABLET: "c1", MAIL: "c2", LOGIN: "c2"}, [ADA, BO])
    assert (tied.true_pairs, tied.lone_pairs, tied.recall_but_lone) == (3, 0, 1 / 3)


def test_a_pair_between_two_channels_counts_for_both() -> None:
    assigned = {PHONE: Assigned("c1", "web"), MAIL: Assigned("c1", "web"), LOGIN: Assigned("c2", "app")}
    found = compare(assigned, TRUTH)
    assert (found.overall.true_pairs, found.overall.right_pairs) == (3, 1)
    assert found.by_channel["web"].true_pairs == 3
    assert found.by_channel["app"].true_pairs == 2
    assert found.by_channel["app"].recall == 0.0
    assert (found.mixed, found.parted) == (0, 1)


@given(assigned=assignments, truth=truths)
def test_counting_is_what_going_through_all_pairs_would_give(
    assigned: dict[Identifier, Assigned], truth: dict[Identifier, set[str]]
) -> None:
    found = compare(assigned, truth)
    assert found.overall == by_hand(assigned, truth, frozenset(CHANNELS))
    for channel in CHANNELS:
        expected = by_hand(assigned, truth, frozenset({channel}))
        assert found.by_channel.get(channel, Scores(0, 0, 0, 0, 0, 0)) == expected
    own = {each: next(iter(truth[each])) for each in assigned if len(truth.get(each, ())) == 1}
    held = {(assigned[each].customer, person) for each, person in own.items()}
    assert found.mixed == sum(len([1 for c, _ in held if c == customer]) > 1 for customer in {c for c, _ in held})
    assert found.parted == sum(len([1 for _, p in held if p == person]) > 1 for person in {p for _, p in held})


def by_hand(
    assigned: dict[Identifier, Assigned], truth: dict[Identifier, set[str]], channels: frozenset[str]
) -> Scores:
    """The definition itself: each pair of which one end was first seen in one of the channels is looked at."""
    own = {each: next(iter(truth[each])) for each in assigned if len(truth.get(each, ())) == 1}
    pairs = [pair for pair in combinations(own, 2) if any(assigned[each].channel in channels for each in pair)]
    together = [pair for pair in pairs if assigned[pair[0]].customer == assigned[pair[1]].customer]
    same = [pair for pair in pairs if own[pair[0]] == own[pair[1]]]
    sizes = [each.customer for each in assigned.values()]
    return Scores(
        identifiers=sum(assigned[each].channel in channels for each in own),
        shared=sum(len(truth.get(each, ())) > 1 and found.channel in channels for each, found in assigned.items()),
        true_pairs=len(same),
        found_pairs=len(together),
        right_pairs=len(set(same) & set(together)),
        lone_pairs=sum(any(sizes.count(assigned[each].customer) == 1 for each in pair) for pair in same),
    )


def test_a_link_is_right_where_somebody_is_on_both_sides() -> None:
    assert one_person([PHONE], [MAIL, HERS], TRUTH) is True
    assert one_person([PHONE], [HERS, TABLET], TRUTH) is False


def test_nobody_can_judge_a_link_to_what_nobody_owns() -> None:
    stranger = Identifier("anonymous_id", "you, at the storefront")
    assert one_person([PHONE], [TABLET], TRUTH) is None
    assert one_person([stranger], [PHONE], TRUTH) is None
