"""The numbers of the failure detector and the inequality that makes them safe."""

from dataclasses import dataclass

US_PER_SECOND = 1_000_000
STORE_FENCE_SHARE = 0.6
"""Share of the store's session timeout during which a silent store still proves leadership."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseNumbers:
    """Times of beacons, leases and grace (reliability reference 2.2), in microseconds.

    A worker serves until ``lease`` after it sent its last acknowledged beacon; meta declares it
    dead ``grace`` after it received its last beacon. A receipt is never before its sending, so
    with clocks that err by at most the rate error the worker has stopped before meta acts if
    lease * (1 + error) <= grace * (1 - error).

    Attributes:
        beacon_interval_us: from one beacon to the next.
        beacon_timeout_us: a beacon unanswered for so long goes to the next meta server.
        lease_us: how long a worker serves after an acknowledged beacon.
        grace_us: how long meta waits for a beacon.
        clock_error_per_mille: how far a clock's rate may be off.

    Raises:
        ValueError: the numbers contradict each other.
    """

    beacon_interval_us: int = US_PER_SECOND
    beacon_timeout_us: int = 700_000
    lease_us: int = 6 * US_PER_SECOND
    grace_us: int = 8 * US_PER_SECOND
    clock_error_per_mille: int = 10

    def __post_init__(self) -> None:
        error = self.clock_error_per_mille
        if not 0 <= error < 1000:
            raise ValueError(f"a clock error of {error} per mille is not in 0..999")
        if self.lease_us * (1000 + error) > self.grace_us * (1000 - error):
            raise ValueError(
                f"lease {self.lease_us} us is too long for grace {self.grace_us} us with clocks "
                f"that err by {error} per mille: a worker could serve after it was replaced"
            )
        if not 0 < self.beacon_timeout_us <= self.beacon_interval_us:
            raise ValueError("a beacon must be given up before the next is due")
        if self.lease_us < 3 * self.beacon_interval_us:
            raise ValueError("a lease must outlive the loss of two beacons")
