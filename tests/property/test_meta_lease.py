"""Two clocks, a network that delays: no lease outlives meta's patience (reliability reference 2.2)."""

import heapq
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from pegasus_server.meta.failure_detector import FailureDetector
from pegasus_server.meta.lease_numbers import LeaseNumbers
from pegasus_server.meta.worker_lease import (
    BeaconAnswered,
    LeaseTick,
    SendBeacon,
    WorkerLease,
)
from pegasus_tab.base.cluster import Beacon, BeaconAck
from pegasus_tab.base.ids import NodeName

SECOND = 1_000_000
STEP_US = 250_000
NUMBERS = LeaseNumbers()
R1, M1 = NodeName("r1"), NodeName("m1")

DELAYS = st.one_of(st.none(), st.integers(0, 9 * SECOND), st.integers(0, SECOND // 10))


class Clocks:
    """True time, and what the worker and meta read; each may be off by the allowed rate."""

    def __init__(self, worker_error: int, meta_error: int) -> None:
        self.true_us = 0
        self._worker_error = worker_error
        self._meta_error = meta_error

    @property
    def worker_us(self) -> int:
        return 777 * SECOND + self.true_us * (1000 + self._worker_error) // 1000

    @property
    def meta_us(self) -> int:
        return 55 * SECOND + self.true_us * (1000 + self._meta_error) // 1000


@given(
    st.integers(-10, 10),
    st.integers(-10, 10),
    st.lists(st.tuples(DELAYS, DELAYS), min_size=5, max_size=40),
    st.sets(st.integers(0, 150)),
)
def test_a_worker_has_stopped_before_meta_calls_it_dead(
    worker_error: int,
    meta_error: int,
    delays: list[tuple[int | None, int | None]],
    asleep: set[int],
) -> None:
    """``asleep`` are the steps in which the worker does not run; it serves only when it does."""
    clocks = Clocks(worker_error, meta_error)
    worker = WorkerLease(R1, 1, "host", [M1], NUMBERS)
    detector = FailureDetector(NUMBERS, [R1], clocks.meta_us)
    there: list[tuple[int, int, Beacon]] = []
    back: list[tuple[int, int, BeaconAck]] = []
    order = count()
    fates = iter(delays)
    for step in range(150):
        while there and there[0][0] <= clocks.true_us:
            _, number, beacon = heapq.heappop(there)
            detector.on_beacon(beacon, clocks.meta_us)
            answer_us = delays[number % len(delays)][1]
            if answer_us is not None:
                due_us = clocks.true_us + answer_us
                heapq.heappush(back, (due_us, number, BeaconAck(beacon.sent_us, 1)))
        detector.look(clocks.meta_us)
        if step not in asleep:
            while back and back[0][0] <= clocks.true_us:
                _, _, ack = heapq.heappop(back)
                worker.step(BeaconAnswered(M1, ack), clocks.worker_us)
            for effect in worker.step(LeaseTick(), clocks.worker_us):
                if isinstance(effect, SendBeacon):
                    delay_us, _ = next(fates, (None, None))
                    if delay_us is not None:
                        due_us = clocks.true_us + delay_us
                        heapq.heappush(there, (due_us, next(order), effect.beacon))
            # A Bye apart, meta that holds it for dead must find it not serving.
            assert detector.is_alive(R1) or not worker.is_held(clocks.worker_us)
        clocks.true_us += STEP_US
