"""When a server rests because its replicas were removed for slowness, and for how long."""

import pytest

from pegasus_server.meta.failure_detector import Node
from pegasus_server.meta.lease_numbers import US_PER_SECOND
from pegasus_server.meta.slowness import Slowness, SlownessNumbers
from pegasus_tab.base.ids import NodeName

NAME = NodeName("r1")
NUMBERS = SlownessNumbers()


class Rig:
    """A server that is heard of whenever something happens."""

    def __init__(self) -> None:
        self.slowness = Slowness(NUMBERS)
        self.now_us = 1000 * US_PER_SECOND
        self.incarnation = 1
        self.silent_us = 0

    @property
    def node(self) -> Node:
        return Node(NAME, self.incarnation, "host", True, self.now_us - self.silent_us)

    def remove(self, *, after_us: int = NUMBERS.apart_us) -> int:
        """Have it removed once more; return how long it rests from then on."""
        self.now_us += after_us
        self.slowness.note_removal(self.node, self.now_us)
        return self.rest_us()

    def rest_us(self) -> int:
        until_us = self.slowness.resting({NAME: self.node}, self.now_us).get(NAME, self.now_us)
        return until_us - self.now_us


def test_three_removals_make_it_rest() -> None:
    rig = Rig()
    assert [rig.remove() for _ in range(3)] == [0, 0, NUMBERS.rest_us]
    rig.now_us += NUMBERS.rest_us
    assert rig.rest_us() == 0


def test_removals_of_long_ago_do_not_count() -> None:
    rig = Rig()
    assert [rig.remove(after_us=NUMBERS.window_us // 2) for _ in range(10)] == [0] * 10


def test_removals_close_together_are_one() -> None:
    rig = Rig()
    assert [rig.remove(after_us=NUMBERS.apart_us // 10) for _ in range(10)] == [0] * 10
    assert rig.remove(after_us=NUMBERS.apart_us) == 0


def test_each_rest_that_follows_soon_is_twice_as_long_up_to_a_ceiling() -> None:
    rig = Rig()
    rests = [rig.remove() for _ in range(3)][2:]
    while len(rests) < 7:
        rests.append(rig.remove(after_us=rests[-1] + NUMBERS.apart_us))
    seconds = [each // US_PER_SECOND for each in rests]
    assert seconds == [30, 60, 120, 240, 480, 600, 600]


def test_a_removal_during_a_rest_begins_it_anew() -> None:
    rig = Rig()
    for _ in range(3):
        rig.remove()
    assert rig.remove(after_us=NUMBERS.rest_us - 1) == NUMBERS.rest_us


def test_it_is_forgiven_when_it_did_well_for_long() -> None:
    rig = Rig()
    for _ in range(3):
        rig.remove()
    assert rig.remove(after_us=NUMBERS.rest_us + NUMBERS.window_us) == 0


def test_a_new_process_begins_with_nothing_against_it() -> None:
    rig = Rig()
    for _ in range(3):
        rig.remove()
    rig.incarnation = 2
    assert rig.rest_us() == 0
    assert rig.remove() == 0


def test_a_silent_server_is_not_called_slow() -> None:
    rig = Rig()
    rig.silent_us = NUMBERS.heard_us + 1
    assert [rig.remove() for _ in range(5)] == [0] * 5


def test_a_server_that_is_forgotten_has_nothing_against_it() -> None:
    rig = Rig()
    for _ in range(3):
        rig.remove()
    rig.slowness.forget(NAME)
    assert rig.rest_us() == 0


@pytest.mark.parametrize(
    "numbers", [{"removals": 0}, {"window_us": 0}, {"rest_us": 2, "rest_us_max": 1}]
)
def test_numbers_out_of_range_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="slowness"):
        SlownessNumbers(**numbers)
