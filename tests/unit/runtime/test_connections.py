"""Who may connect, and who has outstayed their time."""

import pytest

from pegasus_server.runtime.connections import FRAME_SWEEPS_MAX, IDLE_SWEEPS_MIN, Connections


class Connection:
    """What the registry sees of a connection."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.activity = 0
        self.is_inside_frame = False
        self.is_aborted = False
        self.is_lost = False

    def abort(self) -> None:
        self.is_aborted = True

    def lose(self) -> None:
        self.is_lost = True


class Door:
    """A registry, and what it reported."""

    def __init__(self, connections_max: int = 10, per_address_max: int = 2) -> None:
        self.counts: list[int] = []
        self.connections = Connections(connections_max, per_address_max, self.counts.append)

    def enter(self, connection: Connection) -> bool:
        return self.connections.connected(connection)  # type: ignore[arg-type]  # a fake

    def leave(self, connection: Connection) -> None:
        self.connections.disconnected(connection)  # type: ignore[arg-type]  # a fake

    def sweep(self, times: int) -> None:
        for _ in range(times):
            self.connections.sweep()


def test_the_number_is_reported_whenever_it_changes() -> None:
    door, one, two = Door(), Connection(), Connection()
    door.enter(one)
    door.enter(two)
    door.leave(one)
    door.leave(one)
    door.leave(two)
    assert door.counts == [1, 2, 1, 0]


@pytest.mark.parametrize(
    ("host", "admitted"), [("10.0.0.1", [True, True, False]), ("127.0.0.1", [True] * 3)]
)
def test_one_address_has_its_share_except_loopback(host: str, admitted: list[bool]) -> None:
    door = Door()
    assert [door.enter(Connection(host)) for _ in range(3)] == admitted


def test_a_place_left_is_free_again() -> None:
    door, first = Door(), Connection("10.0.0.1")
    door.enter(first)
    door.enter(Connection("10.0.0.1"))
    door.leave(first)
    assert door.enter(Connection("10.0.0.1"))


def test_when_all_places_are_taken_the_longest_idle_makes_room() -> None:
    door, idle, busy = Door(connections_max=2), Connection(), Connection()
    door.enter(idle)
    door.enter(busy)
    late = Connection()
    assert not door.enter(late)
    door.leave(late)
    for _ in range(IDLE_SWEEPS_MIN + 1):
        busy.activity += 1
        door.sweep(1)
    assert door.enter(Connection())
    assert (idle.is_aborted, busy.is_aborted) == (True, False)


def test_a_frame_that_does_not_arrive_costs_its_connection() -> None:
    door, stuck, idle, uploading = Door(), Connection(), Connection(), Connection()
    for connection in (stuck, idle, uploading):
        door.enter(connection)
    stuck.is_inside_frame = uploading.is_inside_frame = True
    for _ in range(FRAME_SWEEPS_MAX + 1):
        uploading.activity += 1
        door.sweep(1)
    assert [each.is_aborted for each in (stuck, idle, uploading)] == [True, False, False]


def test_all_can_be_asked_to_go() -> None:
    door, one, two = Door(), Connection(), Connection()
    door.enter(one)
    door.enter(two)
    door.connections.lose_all()
    assert (one.is_lost, two.is_lost) == (True, True)


def test_requests_of_gone_connections_still_count() -> None:
    door, one, two = Door(), Connection(), Connection()
    door.enter(one)
    door.enter(two)
    one.activity, two.activity = 3, 4
    door.leave(one)
    assert door.connections.requests == 7
