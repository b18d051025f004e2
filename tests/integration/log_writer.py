"""A process that logs as fast as it can and prints what is acknowledged; to be killed.

Arguments: the folder of the log, the class of durability. Prints one line per acknowledged
mutation, ``<partition index> <decree>``, in one write per group, so that a kill cannot cut one.
"""

import os
import queue
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pegasus_server.mutation_log.durability import Durability
from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.runtime.disk import DiskThread
from pegasus_tab.base.ids import Ballot, Decree, Gpid

PARTITIONS = 8
WINDOW = 4
SEGMENT_BYTES = 128 * 1024

Work = Callable[[], object]


class Writer:
    """Keeps WINDOW mutations of every partition in flight."""

    def __init__(self, folder: Path, durability: str) -> None:
        self._deliveries: queue.SimpleQueue[Work] = queue.SimpleQueue()
        durable = {Gpid(1, index): Decree(0) for index in range(PARTITIONS)}
        log, replay = SharedLog.open(
            folder,
            cluster="cluster",
            node="node",
            segment_bytes_max=SEGMENT_BYTES,
            durable=durable,
            entropy=os.urandom,
        )
        self._next: dict[Gpid, int] = {}
        for gpid, replica in replay.replicas.items():
            assert replica.suspect is None, replay.findings
            self._next[gpid] = len(replica.mutations) + 1
        self._disk = DiskThread(
            log, Durability.parse(durability), self._deliveries.put, self._on_fatal
        )
        self._acked: list[str] = []

    def run(self) -> None:
        """Go on until killed."""
        for gpid in self._next:
            for _ in range(WINDOW):
                self._submit(gpid)
        while True:
            self._deliveries.get()()
            if self._acked:
                os.write(1, "".join(self._acked).encode())
                self._acked.clear()

    def _submit(self, gpid: Gpid) -> None:
        decree = self._next[gpid]
        self._next[gpid] = decree + 1
        body = f"{gpid}:{decree}".encode() * (1 + decree % 40)
        mutation = Mutation(gpid, Ballot(1), Decree(decree), decree, body)
        self._disk.submit(mutation, partial(self._on_acked, gpid, decree))

    def _on_acked(self, gpid: Gpid, decree: int) -> None:
        self._acked.append(f"{gpid.partition_index} {decree}\n")
        self._submit(gpid)

    def _on_fatal(self, error: Exception) -> None:
        raise error


if __name__ == "__main__":
    Writer(Path(sys.argv[1]), sys.argv[2]).run()
