"""A limit of bytes per second holds over any long time, and leaves short bursts alone."""

from pegasus_server.transfer.pace import BURST_SECONDS, BytePace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def test_the_rate_is_kept() -> None:
    clock = Clock()
    pace = BytePace(1000, lambda: clock.now, clock.sleep)
    for _ in range(50):
        pace(200)
    assert abs(clock.now - 110.0) <= BURST_SECONDS


def test_time_not_used_is_not_saved_up() -> None:
    clock = Clock()
    pace = BytePace(1000, lambda: clock.now, clock.sleep)
    clock.now += 1000
    pace(5000)
    assert clock.now >= 1104.0
