"""What a world is like: sizes, speeds and buffers, drawn by the swarm or set by a test."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """One world.

    Attributes:
        servers: replica servers, >= 1.
        metas: meta servers, >= 1.
        partitions: of the one table, a power of two, >= 2.
        replicas: copies asked for.
        clients: that work at the same time.
        hash_keys: how many rows' hash keys there are.
        think_us: mean pause of a client between two operations.
        retry_us: pause of a client after an error.
        delay_us: mean delay of the network.
        loss: probability that a message is lost, all the time.
        duplication: probability that one comes twice.
        lateness: probability that one takes far longer.
        reorders: links do not keep the order.
        sync_us: mean time of a sync.
        clock_error_per_million: clocks run wrong by up to this.
        segment_bytes: size of a log segment.
        flush_decrees: decrees applied between two flushes and checkpoints.
        forgets_recent: each flush also drops the mutations kept for learners.
        safety_us: how long faults happen.
        multi_share: share of operations on several sort keys, per cent.
        read_share: share of reads, per cent.
        scan_share: share of the reads that scan a partition, per cent.
        expiry_share: share of the single rows set that expire, per cent.
        encoded_share: share of the messages between servers that go through their codec, per cent.
        leaves_minority: some machines nobody needs are never healed.
        return_us: how long meta waits for a lost replica before another server learns anew.
    """

    servers: int = 3
    metas: int = 1
    partitions: int = 2
    replicas: int = 3
    clients: int = 3
    hash_keys: int = 6
    think_us: int = 50_000
    retry_us: int = 200_000
    delay_us: int = 200
    loss: float = 0.0
    duplication: float = 0.0
    lateness: float = 0.0
    reorders: bool = False
    sync_us: int = 300
    clock_error_per_million: int = 0
    segment_bytes: int = 32 * 1024
    flush_decrees: int = 20
    forgets_recent: bool = False
    safety_us: int = 20_000_000
    multi_share: int = 20
    read_share: int = 40
    scan_share: int = 0
    expiry_share: int = 0
    encoded_share: int = 5
    leaves_minority: bool = False
    return_us: int = 600_000_000

    def __post_init__(self) -> None:
        assert self.servers >= 1
        assert self.metas >= 1
        assert self.partitions >= 2
        assert self.partitions & (self.partitions - 1) == 0
        assert self.clients >= 1
        assert self.safety_us > 0

    def to_fields(self) -> dict[str, Any]:
        """Return all fields by name."""
        return asdict(self)
