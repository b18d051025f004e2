"""The rate at which files leave a server."""

from pegasus_server.runtime.throttle import BURST_SECONDS, Throttle


class Clock:
    """A clock that runs while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def seconds(self) -> float:
        return self.now

    def sleep(self, wait_seconds: float) -> None:
        self.now += wait_seconds


def test_the_rate_holds_over_any_number_of_pieces() -> None:
    clock = Clock()
    throttle = Throttle(1000, clock.seconds, clock.sleep)
    for _ in range(50):
        throttle.wait_for(100)
    assert clock.now - 100 >= 49 * 100 / 1000 - 1e-6


def test_a_pause_saves_little_for_later() -> None:
    clock = Clock()
    throttle = Throttle(1000, clock.seconds, clock.sleep)
    clock.now += 60
    begun = clock.now
    for _ in range(11):
        throttle.wait_for(100)
    assert 1.0 - BURST_SECONDS - 1e-6 <= clock.now - begun <= 1.0


def test_no_limit_never_waits() -> None:
    clock = Clock()
    throttle = Throttle(0, clock.seconds, clock.sleep)
    throttle.wait_for(1 << 40)
    assert clock.now == 100.0
