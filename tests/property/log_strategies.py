"""Random logs: groups of mutations of a few partitions, decrees without holes."""

from collections.abc import Sequence

from hypothesis import strategies as st

from pegasus_server.mutation_log.mutation import Mutation
from pegasus_tab.base.ids import Ballot, Decree
from tests.fakes.log_bytes import SegmentBytes, gpid

PARTITIONS = 3

Group = list[Mutation]


@st.composite
def groups(draw: st.DrawFn, count_max: int = 6) -> list[Group]:
    """Groups in the order of writing. A body may look like the start of a block."""
    decrees = [0] * PARTITIONS
    ballot = 1
    drawn: list[Group] = []
    for _ in range(draw(st.integers(0, count_max))):
        group: Group = []
        for index in draw(st.lists(st.integers(0, PARTITIONS - 1), min_size=1, max_size=5)):
            decrees[index] += 1
            body = draw(st.binary(max_size=40) | st.just(b"segm0001" * 3))
            group.append(
                Mutation(gpid(index), Ballot(ballot), Decree(decrees[index]), len(drawn), body)
            )
        drawn.append(group)
        ballot += draw(st.integers(0, 1))
    return drawn


def of_partition(mutations: Sequence[Sequence[Mutation]], index: int) -> list[Mutation]:
    """Everything written for one partition, in order."""
    return [each for group in mutations for each in group if each.gpid == gpid(index)]


def segment_of(drawn: Sequence[Group]) -> SegmentBytes:
    """One segment as a running log leaves it: each group one block, each synced."""
    segment = SegmentBytes()
    for group in drawn:
        segment.add(*group)
    return segment


NOTHING_DURABLE = dict.fromkeys(range(PARTITIONS), 0)
