"""A server under one pure replica: disk, engine and file jobs that answer when they are told to.

What is on disk survives ``crash``: the log as far as it was completed, the engine as far as it was
flushed, the ballot as far as it was persisted. Everything else is gone.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from pegasus_server.replication.effects import (
    AppendLog,
    CopyFiles,
    DescribeSources,
    DiscardData,
    Install,
    PersistBallot,
    StartCheckpoint,
)
from pegasus_server.replication.inputs import (
    BallotPersisted,
    CheckpointSource,
    CopyFailed,
    Discarded,
    FilesCopied,
    Installed,
    InstallFailed,
    LogAppended,
    LogSource,
    ReplicaInput,
    SourcesDescribed,
)
from pegasus_server.replication.lease import Lease
from pegasus_server.replication.messages import NO_SIGNATURE, LearnFile, LearnMode
from pegasus_server.replication.mutation import Mutation
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.replica import Replica
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.restart import recover
from pegasus_server.replication.timestamps import Timestamps
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature

GPID = Gpid(1, 0)
DiskJob: TypeAlias = AppendLog | PersistBallot
FileJob: TypeAlias = DescribeSources | StartCheckpoint | CopyFiles | Install | DiscardData


@dataclass(slots=True)
class OnDisk:
    """What survives a crash."""

    ballot: Ballot = field(default_factory=lambda: Ballot(0))
    signature: Signature = NO_SIGNATURE
    suspect: bool = False
    log: list[tuple[Mutation, Decree]] = field(default_factory=list)
    engine: dict[int, Mutation] = field(default_factory=dict)
    durable: int = 0
    checkpoint: int = 0
    log_first: int = 1


class ReplicaNode:
    """One server.

    Args:
        name: its address.
        max_replica_count: of the table.

    Attributes:
        replica: None while the server is down.
        engine: applied mutations by decree.
        disk: what survives.
        pending: for the disk, in order.
        jobs: file work, in order.
    """

    def __init__(self, name: str, max_replica_count: int) -> None:
        self.name = NodeName(name)
        self.lease = Lease()
        self.disk = OnDisk()
        self.engine: dict[int, Mutation] = {}
        self.pending: deque[DiskJob] = deque()
        self.jobs: deque[FileJob] = deque()
        self._max_replica_count = max_replica_count
        self.replica: Replica | None = self._open(suspect=False)

    def _open(self, *, suspect: bool) -> Replica:
        durable = Decree(self.disk.durable)
        recovered = recover(durable, self.disk.log)
        self.engine = {d: m for d, m in self.disk.engine.items() if d <= durable}
        for mutation in recovered.committed:
            self.engine[mutation.decree] = mutation
        committed = Decree(durable + len(recovered.committed))
        mutations = PrepareList(
            committed,
            recovered.undecided,
            keeps_recent=True,
            committed_us=recovered.committed_us,
        )
        stamps = [m.timestamp_us for m in (*self.engine.values(), *recovered.undecided)]
        timestamps = Timestamps(max(stamps, default=0))
        ballot = self.disk.ballot
        state = ReplicaState(
            gpid=GPID,
            node=self.name,
            ballot=ballot,
            mutations=mutations,
            timestamps=timestamps,
            durable=durable,
            suspect=suspect or self.disk.suspect,
            signature=self.disk.signature,
        )
        return Replica(state, self.lease, self._max_replica_count)

    def crash(self) -> None:
        """Lose everything that is not on disk."""
        self.replica = None
        self.pending.clear()
        self.jobs.clear()

    def restart(self, *, suspect: bool = False) -> None:
        """Come back with what is on disk."""
        assert self.replica is None
        self.lease.until_us = 0
        self.replica = self._open(suspect=suspect)

    def wipe(self) -> None:
        """Lose the disk of a server that is down."""
        assert self.replica is None
        self.disk = OnDisk()

    def flush(self) -> Decree:
        """Put the engine on disk; return up to where."""
        assert self.replica is not None
        self.disk.engine = dict(self.engine)
        self.disk.durable = max(self.engine, default=0)
        return Decree(self.disk.durable)

    def apply(self, decree: Decree, mutation: Mutation) -> None:
        """Apply one mutation; the engine itself checks that none is left out."""
        assert decree == max(self.engine, default=0) + 1, "the engine applies in order"
        self.engine[decree] = mutation

    def complete(self, job: DiskJob) -> ReplicaInput:
        """Let the disk finish its oldest job."""
        if isinstance(job, PersistBallot):
            self.disk.ballot, self.disk.signature = job.ballot, job.signature
            self.disk.suspect = job.suspect
            return BallotPersisted(job.ballot, job.signature)
        mutation = Mutation(job.ballot, job.decree, job.timestamp_us, job.changes, 1, job.born)
        self.disk.log.append((mutation, job.committed))
        return LogAppended(job.decree, job.ballot)

    def work(
        self, job: FileJob, others: Callable[[NodeName], "ReplicaNode"], *, fails: bool
    ) -> ReplicaInput | None:
        """Finish, or fail, one piece of file work."""
        match job:
            case DescribeSources():
                return self._describe(job)
            case StartCheckpoint():
                self.disk.checkpoint = max(self.engine, default=0)
                return None
            case CopyFiles():
                if fails or others(job.source).replica is None:
                    return CopyFailed(job.signature, job.round, "the source is gone")
                return FilesCopied(job.signature, job.round)
            case Install():
                if fails:
                    applied = Decree(max(self.engine, default=0))
                    return InstallFailed(job.signature, job.round, applied, "damaged")
                return self._install(job, others)
            case DiscardData():
                self.disk.log.clear()
                self.engine.clear()
                self.flush()
                return Discarded(job.signature)

    def _describe(self, job: DescribeSources) -> SourcesDescribed:
        last = max(self.engine, default=0)
        log = None
        if self.disk.log_first <= last:
            name = f"{self.name}/log.{self.disk.log_first}-{last}"
            file = LearnFile(name, 100, 0)
            log = LogSource(Decree(self.disk.log_first), Decree(last), (file,))
        checkpoint = None
        if self.disk.checkpoint:
            file = LearnFile(f"{self.name}/checkpoint.{self.disk.checkpoint}", 100, 0)
            checkpoint = CheckpointSource(Decree(self.disk.checkpoint), (file,))
        return SourcesDescribed(job.node, job.signature, job.round, log, checkpoint)

    def _install(self, job: Install, others: Callable[[NodeName], "ReplicaNode"]) -> ReplicaInput:
        source = others(NodeName(job.files[0].name.split("/")[0]))
        if job.through not in source.engine:
            # The source restarted and knows less than it told.
            return InstallFailed(job.signature, job.round, self.flush(), "cut short")
        if job.mode == LearnMode.CHECKPOINT:
            self.engine = {}
        for decree in range(max(self.engine, default=0) + 1, job.through + 1):
            self.engine[decree] = source.engine[decree]
        return Installed(job.signature, job.round, self.flush())
