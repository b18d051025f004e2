"""A node's lease: for how long it may answer reads (reliability reference 2.2, A13).

One object serves all replicas of a node; whoever hears the meta leader's beacon acks extends it,
replicas only look. A lease runs from the moment the acknowledged beacon was *sent*, so it ends
before meta, which counts from the moment it arrived, may give the node's partitions away.
"""

LEASE_US = 6_000_000
"""Length of a lease; meta waits 8 s, so that clocks may differ in rate by 14 %."""


class Lease:
    """Until when this node may serve, and since when without a break.

    Invariant: a lease that lapsed is never extended; the next one begins a new epoch, and what
    meta confirmed before it began must be confirmed again. An epoch is named by its begin.

    Attributes:
        since_us: CLOCK_BOOTTIME at which the present epoch began, microseconds.
        until_us: CLOCK_BOOTTIME at which it ends unless extended, microseconds.
    """

    def __init__(self) -> None:
        self.since_us = 0
        self.until_us = 0

    def is_live(self, now_us: int) -> bool:
        """Tell whether the lease holds now; ask after the read, never before."""
        return now_us < self.until_us

    def covers(self, asked_us: int, now_us: int) -> bool:
        """Tell whether the lease held from ``asked_us`` until now.

        If so, meta cannot have given away in between what it confirmed when asked: it would have
        had to see this node silent for longer than a lease.
        """
        return self.is_live(now_us) and asked_us >= self.since_us

    def extend(self, sent_us: int, now_us: int) -> bool:
        """Take an ack of a beacon sent at ``sent_us``.

        Returns:
            False if the lease had lapsed before: every replica must be told LeaseLapsed.
        """
        assert sent_us <= now_us
        kept = self.is_live(now_us)
        if not kept:
            self.since_us = now_us
        self.until_us = max(self.until_us, sent_us + LEASE_US)
        return kept
