"""A replica server without sockets and threads: a real folder, real engines, jobs that run at once."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pegasus_server.mutation_log.mutation import Mutation as LoggedMutation
from pegasus_server.replication.effects import Send
from pegasus_server.replication.inputs import Received
from pegasus_server.replication.lease import Lease
from pegasus_server.replication.messages import (
    GroupCheck,
    LearnAnswer,
    LearnMode,
    LearnRequest,
    Message,
)
from pegasus_server.replication.mutation import Mutation
from pegasus_server.runtime.carried_batch import BatchEncoder
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.hosted_replica import HostedReplica
from pegasus_server.runtime.replica_host import ReplicaHost
from pegasus_server.runtime.replica_restart import ReplicaRestart, Restored
from pegasus_server.runtime.table_notes import TableNotes
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.rocks import RocksMemory
from pegasus_tab.base.cluster import Learner, PartitionConfig
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature
from pegasus_tab.base.limits import MIB

NODE = NodeName("127.0.0.1:2")
PRIMARY = NodeName("127.0.0.1:1")
GPID = Gpid(1, 0)
MEMORY = RocksMemory(1 * MIB, 8 * MIB)


def run_now(
    job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
) -> None:
    """Run a job of another thread in this one."""
    try:
        outcome = job()
    except Exception as error:  # noqa: BLE001 -- as the threads do
        failed(error)
    else:
        done(outcome)


class Disk:
    """The log's thread: every mutation is logged at once.

    Attributes:
        discarded: (partition, decree) of every ``discard_above``.
        settled: partitions of every ``settle``.
    """

    def __init__(self) -> None:
        self.discarded: list[tuple[Gpid, Decree]] = []
        self.settled: list[Gpid] = []
        self.refusal: str | None = None
        self.run = run_now

    def submit(self, _mutation: LoggedMutation, done: Callable[[], None]) -> None:
        done()

    def discard_above(self, gpid: Gpid, decree: Decree) -> None:
        self.discarded.append((gpid, decree))

    def settle(self, gpid: Gpid) -> None:
        self.settled.append(gpid)


class Links:
    """The other servers.

    Attributes:
        sent: everything said to them.
    """

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.body = BatchEncoder().body

    def send_all(self, effect: Send, _gpid: Gpid) -> None:
        self.sent.append(effect.message)


class HostedServer:
    """One life of a server.

    Args:
        path: its data folder.
    """

    def __init__(self, path: Path, *, is_suspect: bool = False) -> None:
        self.disk, self.links = Disk(), Links()
        self.folder = DataFolder.open(path, started=0.0, entropy=os.urandom, role="replica")
        restart = ReplicaRestart(self.folder, NODE, MEMORY, is_suspect=is_suspect)
        self.restored: Restored = restart.run(1 * MIB, os.urandom)
        self.log = self.restored.log
        self.notes = TableNotes(path / "tables.json", run_now)
        parts: Any = SimpleNamespace(
            cluster="c",
            node=NODE,
            turn=Turn(lambda: 0),
            disk=self.disk,
            log=self.disk,
            run_ballots=run_now,
            run_files=run_now,
            run_copies=run_now,
            run_senders=run_now,
            links=self.links,
            lease=Lease(),
            memory=MEMORY,
            private_log_bytes_max=1 * MIB,
            tell_leader=lambda _: None,
        )
        self.parts = parts
        self.host = ReplicaHost(self.folder, parts, self.notes, self.restored)

    @property
    def replica(self) -> HostedReplica:
        """The replica of GPID."""
        return self.host.replicas[GPID]

    def invite(self, signature: int, ballot: int = 3) -> None:
        """Have the primary offer to teach this server."""
        learner = Learner(NODE, Signature(signature))
        config = PartitionConfig(Ballot(ballot), PRIMARY, (), 3, (learner,))
        self.hear(GroupCheck(config, Decree(0)), is_invitation=True)

    def hear(self, message: Message, *, is_invitation: bool = False) -> None:
        """Have the primary say something."""
        self.host.drive(GPID, Received(PRIMARY, message), is_invitation=is_invitation)

    def requests(self) -> list[LearnRequest]:
        """Return what was asked of the primary."""
        return [each for each in self.links.sent if isinstance(each, LearnRequest)]

    def teach(self, last: int) -> None:
        """Answer the last request with mutations up to ``last``, and let the learner join there."""
        asked = self.requests()[-1]
        mutations = tuple(
            Mutation(
                asked.ballot,
                Decree(decree),
                decree,
                [(b"\0\1k", b"v%d" % decree)],
                9,
                asked.ballot,
            )
            for decree in range(asked.committed + 1, last + 1)
        )
        self.hear(
            LearnAnswer(
                asked.ballot,
                asked.signature,
                asked.round,
                LearnMode.CACHE,
                Decree(last + 1),
                mutations,
            )
        )

    def quarantined(self) -> Mapping[str, str]:
        """Return what is in quarantine, with the reasons."""
        held = self.folder.quarantine.held(GPID)
        return {path.name: (path / "reason").read_text() for path in held}

    def stop(self) -> None:
        """End this life cleanly."""
        self.host.close(lambda: None)
        self.log.close()
        self.folder.lock.release()
