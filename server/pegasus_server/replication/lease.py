"""A node's lease: for how long it may answer reads (reliability reference 2.2, A13).

One object serves all replicas of a node; whoever hears the meta leader's beacon acks extends it,
replicas only look. A lease runs from the moment the acknowledged beacon was *sent*, so it ends
before meta, which counts from the moment it arrived, may give the node's partitions away.
"""

LEASE_US = 6_000_000
"""Length of a lease; meta waits 8 s, so that clocks may differ in rate by 14 %."""


class Lease:
    """Until when this node may serve, and how often it failed to renew in time.

    Invariant: a lease that lapsed is never extended; the next one has a higher epoch, and what
    was confirmed under an earlier epoch must be confirmed again.

    Attributes:
        until_us: CLOCK_BOOTTIME at which it ends, microseconds.
        epoch: rises with every lapse.
    """

    def __init__(self) -> None:
        self.until_us = 0
        self.epoch = 0

    def is_live(self, now_us: int) -> bool:
        """Tell whether the lease holds now; ask after the read, never before."""
        return now_us < self.until_us

    def extend(self, sent_us: int, now_us: int) -> bool:
        """Take an ack of a beacon sent at ``sent_us``.

        Returns:
            False if the lease had lapsed before: every replica must be told LeaseLapsed.
        """
        assert sent_us <= now_us
        kept = self.is_live(now_us)
        if not kept:
            self.epoch += 1
        self.until_us = max(self.until_us, sent_us + LEASE_US)
        return kept
