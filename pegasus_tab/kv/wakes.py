"""Calls that wait between two attempts, by the moment at which each goes on."""

import heapq
import itertools
import math
from collections.abc import Iterator

from pegasus_tab.kv.call import Pending


class Wakes:
    """A heap of moments; calls with the same one go on in the order they were put in."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Pending]] = []
        self._numbers = itertools.count()

    def push(self, moment: float, pending: Pending) -> None:
        """Let a call go on at a moment, monotonic seconds."""
        heapq.heappush(self._heap, (moment, next(self._numbers), pending))

    def pop_due(self, now: float) -> Pending | None:
        """Take the next call whose moment has come, None when there is none."""
        if not self._heap or self._heap[0][0] > now:
            return None
        return heapq.heappop(self._heap)[2]

    def next(self) -> float:
        """Return the next moment, infinity when there is none."""
        return self._heap[0][0] if self._heap else math.inf

    def __iter__(self) -> Iterator[Pending]:
        return (pending for _, _, pending in self._heap)
