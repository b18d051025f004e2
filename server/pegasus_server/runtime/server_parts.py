"""What the replicas of one server share."""

from collections.abc import Callable
from dataclasses import dataclass

from pegasus_server.replication.lease import Lease
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.runtime.disk import DiskThread
from pegasus_server.runtime.peer_links import PeerLinks
from pegasus_server.runtime.replica import LogDisk
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.rocks import RocksMemory
from pegasus_tab.base.cluster import ConfigQuery, ConfigUpdate, ReplicaReport
from pegasus_tab.base.ids import NodeName


@dataclass(frozen=True, slots=True)
class ServerParts:
    """One replica server.

    Attributes:
        cluster: name of the cluster.
        node: its name.
        turn: its turn.
        disk: the log's thread; its jobs are those that use engines, one after another.
        log: the same for mutations, those of a turn in one piece.
        run_ballots: for writing ballots, which must not wait for a flush.
        run_files: for the small files of teaching.
        run_copies: for copying files from primaries, some at a time.
        run_senders: for sending files to learners, some at a time.
        links: to the other servers.
        lease: of the server.
        memory: caches shared by the engines.
        private_log_bytes_max: log a replica keeps for learners.
        tell_leader: sends a message to the meta leader.
    """

    cluster: str
    node: NodeName
    turn: Turn
    disk: DiskThread
    log: LogDisk
    run_ballots: RunInBackground
    run_files: RunInBackground
    run_copies: RunInBackground
    run_senders: RunInBackground
    links: PeerLinks
    lease: Lease
    memory: RocksMemory
    private_log_bytes_max: int
    tell_leader: Callable[[ConfigUpdate | ConfigQuery | ReplicaReport], None]
