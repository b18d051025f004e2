"""Every number of a cluster's meta server in one place."""

from dataclasses import dataclass, field

from pegasus_server.meta.cure_case import CureNumbers
from pegasus_server.meta.function_level import FreezeNumbers, FunctionLevel
from pegasus_server.meta.lease_numbers import US_PER_SECOND, LeaseNumbers
from pegasus_server.meta.slowness import SlownessNumbers


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterNumbers:
    """How a cluster's meta server behaves; the same on every meta server of a cluster.

    Attributes:
        lease: failure detector.
        cure: repair of partitions.
        slowness: when a server rests because it is slow.
        freeze: when meta stands still.
        level: function level a leader begins with.
        look_us: how often partitions that are not whole are looked at, >= 1.
        balance_us: how often a lively meta plans moves, >= 1.
        balance_moves: how many moves such a plan has at most, >= 1.
        opening_us: how long a new table's partitions may take to serve, >= 1.
        recovery_us: how long replica servers may take to tell what they store, >= 1.

    Raises:
        ValueError: a number is out of its range.
    """

    lease: LeaseNumbers = field(default_factory=LeaseNumbers)
    cure: CureNumbers = field(default_factory=CureNumbers)
    slowness: SlownessNumbers = field(default_factory=SlownessNumbers)
    freeze: FreezeNumbers = field(default_factory=FreezeNumbers)
    level: FunctionLevel = FunctionLevel.STEADY
    look_us: int = US_PER_SECOND // 4
    balance_us: int = 60 * US_PER_SECOND
    balance_moves: int = 32
    opening_us: int = 60 * US_PER_SECOND
    recovery_us: int = 30 * US_PER_SECOND

    def __post_init__(self) -> None:
        times = (self.look_us, self.balance_us, self.opening_us, self.recovery_us)
        if min(*times, self.balance_moves) < 1:
            raise ValueError("every time and count of a meta server is at least 1")
