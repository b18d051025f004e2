"""Which replicas hold segments of the log back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pegasus_server.mutation_log.replay import KeptSegment
from pegasus_tab.base.ids import Decree, Gpid


@dataclass(frozen=True, slots=True)
class Pins:
    """What stands in the way of deleting closed segments.

    Attributes:
        writing: number of the segment being written; those before it are closed.
        held: replicas that need closed segments, and have nothing in the one being written.
    """

    writing: int
    held: frozenset[Gpid]


def find_pins(segments: Sequence[KeptSegment], durable: Mapping[Gpid, Decree]) -> Pins:
    """Find the pins among some replicas.

    Args:
        segments: of the log in their order, the last one being written.
        durable: the replicas to look at, with the decree up to which each needs nothing.
    """
    writing = segments[-1]
    needed = {
        gpid
        for segment in segments[:-1]
        for gpid, decree in segment.highest.items()
        if gpid in durable and decree > durable[gpid]
    }
    return Pins(writing.number, frozenset(needed - writing.highest.keys()))
