"""The failure detector's halves: the worker's lease and meta's grace."""

import pytest

from pegasus_server.meta.failure_detector import (
    FailureDetector,
    NodeAppeared,
    NodeLost,
    NodeRestarted,
)
from pegasus_server.meta.lease_numbers import LeaseNumbers
from pegasus_server.meta.messages import Bye
from pegasus_server.meta.worker_lease import (
    BeaconAnswered,
    LeaderChanged,
    LeaseEffect,
    LeaseGranted,
    LeaseLapsed,
    LeaseTick,
    Leave,
    SendBeacon,
    SendBye,
    WorkerLease,
)
from pegasus_tab.base.cluster import Beacon, BeaconAck
from pegasus_tab.base.ids import NodeName

SECOND = 1_000_000
START = 50 * SECOND
NUMBERS = LeaseNumbers()
R1, M1, M2, M3 = (NodeName(each) for each in ("r1", "m1", "m2", "m3"))


@pytest.mark.parametrize(
    "fields",
    [
        {"lease_us": 8 * SECOND},
        {"clock_error_per_mille": 150},
        {"clock_error_per_mille": 1000},
        {"beacon_timeout_us": 1_100_000},
        {"beacon_timeout_us": 0},
        {"lease_us": 2 * SECOND},
    ],
)
def test_numbers_that_could_let_two_primaries_serve_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        LeaseNumbers(**fields)


def test_the_numbers_hold_up_to_fourteen_percent() -> None:
    LeaseNumbers(clock_error_per_mille=140)


class Worker:
    """A worker's lease and the meta servers its beacons go to."""

    def __init__(self) -> None:
        self.lease = WorkerLease(R1, 1, "host", [M1, M2, M3], NUMBERS)
        self.now_us = START

    def tick(self, seconds: float = 0) -> list[LeaseEffect]:
        self.now_us += int(seconds * SECOND)
        return self.lease.step(LeaseTick(), self.now_us)

    def answer(
        self,
        sent_us: int,
        epoch: int = 1,
        sender: NodeName = M1,
        forward: NodeName | None = None,
        *,
        is_leader: bool = True,
    ) -> list[LeaseEffect]:
        ack = BeaconAck(sent_us, epoch, is_leader, forward)
        return self.lease.step(BeaconAnswered(sender, ack), self.now_us)


def beacons(effects: list[LeaseEffect]) -> list[NodeName]:
    return [each.to for each in effects if isinstance(each, SendBeacon)]


def test_the_lease_runs_from_the_sending_not_from_the_answer() -> None:
    worker = Worker()
    assert beacons(worker.tick()) == [M1]
    worker.now_us += 3 * SECOND
    assert worker.answer(START) == [LeaseGranted(1, M1)]
    assert worker.lease.lease_until_us == START + 6 * SECOND
    assert worker.lease.is_held(START + 6 * SECOND - 1)
    assert not worker.lease.is_held(START + 6 * SECOND)


def test_a_lapse_is_seen_before_the_lease_is_extended() -> None:
    worker = Worker()
    worker.tick()
    worker.answer(START)
    worker.tick(5)
    # The process slept; the first thing it sees is the answer to a beacon from before.
    worker.now_us = START + 6 * SECOND
    assert worker.answer(START + 5 * SECOND) == [LeaseLapsed(2), LeaseGranted(3, M1)]
    assert worker.lease.lease_until_us == START + 11 * SECOND


def test_an_answer_that_is_too_old_grants_nothing() -> None:
    worker = Worker()
    worker.tick()
    worker.now_us += 6 * SECOND
    assert worker.answer(START) == []
    assert not worker.lease.is_held(worker.now_us)


def test_an_answer_to_a_beacon_that_was_never_sent_grants_nothing() -> None:
    worker = Worker()
    worker.tick()
    assert worker.answer(START + 60 * SECOND) == []
    assert worker.answer(START - 1) == []


def test_a_lower_leader_epoch_is_ignored_and_a_higher_one_is_told() -> None:
    worker = Worker()
    worker.tick()
    worker.answer(START, epoch=5)
    worker.tick(1)
    assert worker.answer(START + SECOND, epoch=4, sender=M2) == []
    assert worker.lease.lease_until_us == START + 6 * SECOND
    assert worker.answer(START + SECOND, epoch=6, sender=M2) == [LeaderChanged(M2)]
    assert worker.lease.leader_epoch == 6
    assert beacons(worker.tick(1)) == [M2]


def test_a_silent_meta_server_gives_way_to_the_next() -> None:
    worker = Worker()
    assert beacons(worker.tick()) == [M1]
    assert beacons(worker.tick(0.7)) == []
    assert beacons(worker.tick(0.3)) == [M2]
    worker.tick(0.7)
    assert beacons(worker.tick(0.3)) == [M3]
    worker.tick(0.7)
    assert beacons(worker.tick(0.3)) == [M1]


def test_a_redirect_is_followed_at_once_but_only_one_a_beacon() -> None:
    worker = Worker()
    worker.tick()
    assert beacons(worker.answer(START, forward=M2, is_leader=False)) == [M2]
    assert worker.answer(START, sender=M2, forward=M1, is_leader=False) == []
    assert beacons(worker.tick(1)) == [M3]


@pytest.mark.parametrize("forward", [None, M1, NodeName("stranger")])
def test_a_redirect_to_nobody_useful_tries_the_next_server_later(forward: NodeName | None) -> None:
    worker = Worker()
    worker.tick()
    assert worker.answer(START, forward=forward, is_leader=False) == []
    assert beacons(worker.tick(1)) == [M2]


def test_leaving_ends_the_lease_before_the_bye_leaves_and_for_good() -> None:
    worker = Worker()
    worker.tick()
    worker.answer(START)
    effects = worker.lease.step(Leave(), worker.now_us)
    assert effects == [LeaseLapsed(2), SendBye(M1, Bye(R1, 1))]
    assert worker.answer(START) == []
    assert worker.tick(5) == []
    assert worker.lease.next_deadline() is None


def detector(*known: str) -> FailureDetector:
    return FailureDetector(NUMBERS, [NodeName(each) for each in known], START)


def beacon(incarnation: int = 1) -> Beacon:
    return Beacon(R1, incarnation, 0, "host")


def test_a_new_leader_holds_everybody_known_for_alive_until_the_grace_is_over() -> None:
    watching = detector("r1", "r2")
    assert watching.alive() == ["r1", "r2"]
    assert watching.next_deadline() == START + 8 * SECOND
    watching.on_beacon(beacon(), START + SECOND)
    assert watching.look(START + 8 * SECOND - 1) == []
    assert watching.look(START + 8 * SECOND) == [NodeLost(NodeName("r2"))]
    assert watching.look(START + 9 * SECOND) == [NodeLost(R1)]
    assert watching.next_deadline() is None


def test_a_later_incarnation_is_a_restart_and_an_earlier_one_nothing() -> None:
    watching = detector()
    assert watching.on_beacon(beacon(2), START) == [NodeAppeared(R1)]
    assert watching.on_beacon(beacon(2), START) == []
    assert watching.on_beacon(beacon(3), START) == [NodeRestarted(R1)]
    assert watching.on_beacon(beacon(2), START) is None


def test_a_new_leader_cannot_tell_a_restart_from_what_it_never_heard() -> None:
    assert detector("r1").on_beacon(beacon(7), START) == []


def test_a_bye_counts_only_for_the_process_that_says_it() -> None:
    watching = detector()
    watching.on_beacon(beacon(2), START)
    assert watching.on_bye(Bye(R1, 1)) == []
    assert watching.on_bye(Bye(R1, 2)) == [NodeLost(R1)]
    assert watching.on_bye(Bye(R1, 2)) == []
    assert watching.on_beacon(beacon(3), START) == [NodeAppeared(R1)]
