"""Which servers rest: their replicas were removed for slowness again and again.

A primary has a secondary removed that does not acknowledge for three seconds, and leaves a learner
that does not for five; its writes wait that long. Where the cause lasts, a slow disk or a bad link,
the replica would be learned anew at once and be removed again, every few seconds and each time at
that price. So a server whose replicas are removed too often is given none for a while, and for
twice as long when that was not enough.

Removals close to each other are one: whatever makes a server slow, makes all its replicas slow.
Those of a server that meta itself does not hear are none: it died, and comes back as good as it was.
A new process begins with nothing against it, which is how an operator ends a rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pegasus_server.meta.failure_detector import Node
from pegasus_server.meta.lease_numbers import US_PER_SECOND
from pegasus_tab.base.cluster import ReplicaReport, ReplicaStatus
from pegasus_tab.base.ids import NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class SlownessNumbers:
    """When a server rests, and for how long; times in microseconds.

    Attributes:
        removals: so many within ``window_us`` make it rest, >= 1.
        window_us: see there.
        apart_us: removals closer than this to the last one that counted are the same one.
        heard_us: a server not heard of for longer is dead or frozen rather than slow.
        rest_us: the first rest; each that follows soon is twice as long.
        rest_us_max: the longest.

    Raises:
        ValueError: a number is not positive, or the longest rest is shorter than the first.
    """

    removals: int = 3
    window_us: int = 300 * US_PER_SECOND
    apart_us: int = 5 * US_PER_SECOND
    heard_us: int = 2 * US_PER_SECOND
    rest_us: int = 30 * US_PER_SECOND
    rest_us_max: int = 600 * US_PER_SECOND

    def __post_init__(self) -> None:
        times = (self.window_us, self.apart_us, self.heard_us, self.rest_us)
        if min(*times, self.removals) < 1 or self.rest_us_max < self.rest_us:
            raise ValueError("the numbers of slowness must be positive, and the rests in order")


@dataclass(frozen=True, slots=True)
class Record:
    """What is held against one process of a server.

    Attributes:
        incarnation: of the process.
        removals_us: when those within the window were that led to no rest yet, ascending.
        last_us: the last removal that counted.
        rest_us: length of the last rest, 0 for none.
        until_us: when it ends.
    """

    incarnation: int
    removals_us: tuple[int, ...] = ()
    last_us: int = 0
    rest_us: int = 0
    until_us: int = 0


class Slowness:
    """Remembers removals in the time of one leader; nothing here has to survive it.

    Invariants: a rest is between ``rest_us`` and ``rest_us_max`` long; one record a server at most,
    with fewer than ``removals`` times in it.

    Args:
        numbers: see there.
    """

    def __init__(self, numbers: SlownessNumbers) -> None:
        self._numbers = numbers
        self._records: dict[NodeName, Record] = {}

    def note_removal(self, node: Node, now_us: int) -> None:
        """Take into account that a replica was removed or left because it did not do its part."""
        numbers = self._numbers
        if not node.is_alive or now_us - node.heard_us > numbers.heard_us:
            return
        record = self._records.get(node.name)
        if record is None or record.incarnation != node.incarnation:
            record = Record(node.incarnation)
        elif now_us - record.last_us < numbers.apart_us:
            return
        self._records[node.name] = _after_removal(record, numbers, now_us)

    def resting(self, nodes: Mapping[NodeName, Node], now_us: int) -> dict[NodeName, int]:
        """Return until when each server that rests does so, CLOCK_BOOTTIME in microseconds."""
        return {
            name: record.until_us
            for name, record in self._records.items()
            if now_us < record.until_us
            and name in nodes
            and nodes[name].incarnation == record.incarnation
        }

    def forget(self, name: NodeName) -> None:
        """Hold nothing against a server that is no longer counted."""
        self._records.pop(name, None)


def left_learners(before: ReplicaReport | None, after: ReplicaReport) -> tuple[NodeName, ...]:
    """Name the learners that a primary gave up between two accounts of a replica.

    A learner that became a secondary did so under another ballot, and a new ballot ends all
    attempts; under the same one every attempt has its own signature.
    """
    if before is None or before.ballot != after.ballot:
        return ()
    if not before.status is after.status is ReplicaStatus.PRIMARY:
        return ()
    return tuple([each.node for each in before.learners if each not in after.learners])


def _after_removal(record: Record, numbers: SlownessNumbers, now_us: int) -> Record:
    since_us = now_us - numbers.window_us
    removals_us = (*(each for each in record.removals_us if each > since_us), now_us)
    # Once is enough soon after a rest, and during it, when other replicas of the server are slow.
    is_known = record.rest_us > 0 and record.until_us > since_us
    if not is_known and len(removals_us) < numbers.removals:
        return Record(record.incarnation, removals_us, now_us)
    rest_us = numbers.rest_us
    if is_known:
        is_over = now_us >= record.until_us
        rest_us = min(record.rest_us * 2, numbers.rest_us_max) if is_over else record.rest_us
    assert numbers.rest_us <= rest_us <= numbers.rest_us_max
    return Record(record.incarnation, (), now_us, rest_us, now_us + rest_us)
