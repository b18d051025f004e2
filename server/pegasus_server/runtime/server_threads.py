"""The threads beside the reactor's: everything of a replica server that blocks."""

from collections.abc import Callable

from pegasus_server.mutation_log.durability import Durability
from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.runtime.cluster_config import ReplicaConfig
from pegasus_server.runtime.disk import DiskThread
from pegasus_server.runtime.disk_jobs import Deliver, JobThread


class ServerThreads:
    """The threads of one server.

    Args:
        config: of the server.
        log: the shared log; the disk's thread owns it from now on.
        deliver: brings outcomes to the reactor's thread.
        on_fatal: gets the error when the log's disk failed.

    Attributes:
        disk: of the log, with a second one for engines.
        ballots: for ballots, which must not wait for a flush.
        files: for the small files of teaching.
        copies: for files copied from other servers, some at a time.
        senders: for files sent to other servers, some at a time.
    """

    def __init__(
        self,
        config: ReplicaConfig,
        log: SharedLog,
        deliver: Deliver,
        on_fatal: Callable[[Exception], None],
    ) -> None:
        self.disk = DiskThread(log, Durability.parse(config.durability), deliver, on_fatal)
        self.ballots = JobThread(deliver, "ballots")
        self.files = JobThread(deliver, "files")
        self.copies = JobThread(deliver, "copies", config.copies_max)
        self.senders = JobThread(deliver, "senders", config.copies_max)

    def stop(self) -> None:
        """Finish what was asked for, close the log. Blocks."""
        for thread in (self.copies, self.senders, self.ballots, self.files):
            thread.stop()
        self.disk.stop()
