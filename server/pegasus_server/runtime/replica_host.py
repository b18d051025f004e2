"""All replicas of a server in a cluster: made when somebody wants one here, driven, flushed, deleted."""

import logging
import os
from collections.abc import Callable
from functools import partial

from pegasus_server.replication.inputs import LeaseLapsed, ReplicaInput
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.replica import Replica as Machine
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.hosted_replica import HostedReplica
from pegasus_server.runtime.replica_folder import ReplicaFolder
from pegasus_server.runtime.replica_restart import Restored, RestoredReplica
from pegasus_server.runtime.server_parts import ServerParts
from pegasus_server.runtime.table_notes import TableNotes
from pegasus_tab.base.cluster import ReplicaReport, ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree, Gpid

logger = logging.getLogger(__name__)

EARLY_INPUTS_MAX = 64
"""Kept while a replica is being made; more are dropped, their senders repeat."""


class ReplicaHost:
    """The replicas of one server.

    Invariant: ``durable`` names every replica with data on this server (A14).

    Args:
        folder: the data folder.
        parts: of the server.
        notes: what is known of tables.
        restored: what the last life left.

    Attributes:
        replicas: those that are open, by partition.
        faults: those that cannot be used, and why.
        durable: decree up to which each replica's engine is on disk.
    """

    def __init__(
        self, folder: DataFolder, parts: ServerParts, notes: TableNotes, restored: Restored
    ) -> None:
        self.replicas: dict[tuple[int, int], HostedReplica] = {}
        self.faults: dict[tuple[int, int], str] = dict(restored.faults.items())
        self.durable: dict[Gpid, Decree] = {gpid: Decree(0) for gpid in restored.faults}
        self._folder = folder
        self._parts = parts
        self._notes = notes
        self._early: dict[Gpid, list[ReplicaInput]] = {}
        self._deleting: set[Gpid] = set()
        for replica in restored.replicas.values():
            self._host(replica)

    def _host(self, restored: RestoredReplica) -> HostedReplica:
        state = restored.state
        table = self._notes.tables.get(state.gpid.app_id)
        machine = Machine(state, self._parts.lease, table.max_replica_count if table else 3)
        replica = HostedReplica(
            machine,
            restored.engine,
            restored.folder,
            restored.folder.keep(restored.record),
            parts=self._parts,
            envs=self._notes.envs(state.gpid.app_id),
            # Ids of this life must not be met by clients of the one before (8.1).
            first_scan_id=int.from_bytes(os.urandom(3), "big") << 32,
        )
        replica.set_dropped(is_dropped=self._notes.is_dropped(state.gpid.app_id))
        self.replicas[state.gpid] = replica
        self.durable[state.gpid] = state.durable
        return replica

    def drive(self, gpid: Gpid, event: ReplicaInput, *, is_invitation: bool) -> None:
        """Feed a replica.

        Args:
            gpid: the partition.
            event: what happened.
            is_invitation: a replica is made for it if there is none.
        """
        replica = self.replicas.get(gpid)
        if replica is not None:
            replica.drive(event)
        elif gpid in self._early:
            if len(self._early[gpid]) < EARLY_INPUTS_MAX:
                self._early[gpid].append(event)
        elif is_invitation and gpid not in self.faults and gpid not in self._deleting:
            self._early[gpid] = [event]
            self._make(gpid)

    def _make(self, gpid: Gpid) -> None:
        folder = ReplicaFolder(self._folder.replica_path(gpid), gpid, self._parts.memory)

        def make() -> RestoredReplica:
            folder.create()
            record = folder.read_record()
            engine = folder.open_engine(Decree(0))
            state = ReplicaState(
                gpid,
                self._parts.node,
                Ballot(0),
                PrepareList(Decree(0), keeps_recent=True),
                Timestamps(),
                Decree(0),
                suspect=record.suspect,
            )
            return RestoredReplica(state, engine, folder, record)

        def made(restored: RestoredReplica) -> None:
            # What an earlier replica of this partition left in the log is void.
            self._parts.disk.discard_above(gpid, Decree(0))
            replica = self._host(restored)
            for event in self._early.pop(gpid):
                replica.drive(event)

        def failed(error: Exception) -> None:
            del self._early[gpid]
            logger.error("replica %s could not be made: %s", gpid, error)

        self._parts.disk.run(make, made, failed)

    def delete(self, gpid: Gpid) -> None:
        """Delete a replica that meta has no use for, unless it is in use again."""
        replica = self.replicas.get(gpid)
        if replica is None or replica.learning.is_replacing:
            return
        if replica.machine.status not in (ReplicaStatus.INACTIVE, ReplicaStatus.ERROR):
            return
        del self.replicas[gpid]
        self._deleting.add(gpid)
        replica.learning.teacher.end()
        replica.end()

        def delete() -> None:
            replica.engine.close()
            self._folder.delete_replica(gpid)

        def deleted(_: None) -> None:
            self._deleting.discard(gpid)
            self.durable.pop(gpid, None)
            logger.info("replica %s is deleted: the partition is whole without it", gpid)

        def failed(error: Exception) -> None:
            self._deleting.discard(gpid)
            self.faults[gpid] = f"it was being deleted: {error}"

        self._parts.disk.run(delete, deleted, failed)

    # Time.

    def tick(self, now_us: int) -> None:
        """Let time pass; call every few milliseconds."""
        for replica in list(self.replicas.values()):
            replica.tick(now_us)

    def look_at_files(self) -> None:
        """Let time pass for what is copied and taught; call every second."""
        for replica in self.replicas.values():
            replica.learning.tick()

    def lapse(self) -> None:
        """Tell every replica that the lease ended."""
        for replica in list(self.replicas.values()):
            replica.drive(LeaseLapsed())

    def flush(self, may_flush: Callable[[], bool], done: Callable[[], None]) -> None:
        """Flush every engine with unflushed writes, one after another; then call ``done``."""
        for replica in list(self.replicas.values()):
            gpid = replica.gpid
            if replica.engine.applied_decree > self.durable[gpid]:
                replica.flush(may_flush, partial(self.durable.__setitem__, gpid))
        self._parts.disk.run(lambda: None, lambda _: done(), lambda _: done())

    # Questions.

    def reports(self) -> tuple[ReplicaReport, ...]:
        """Give account of every replica."""
        return tuple([replica.machine.report() for replica in self.replicas.values()])

    def note_table(self, app_id: int) -> None:
        """Pass a table's settings on to its replicas."""
        for replica in self.replicas.values():
            if replica.gpid.app_id == app_id:
                replica.set_envs(self._notes.envs(app_id))
                replica.set_dropped(is_dropped=self._notes.is_dropped(app_id))

    def close(self, done: Callable[[], None]) -> None:
        """Flush and close every engine; then call ``done``. The replicas must have stopped."""
        for replica in list(self.replicas.values()):
            replica.close()
        self._parts.disk.run(lambda: None, lambda _: done(), lambda _: done())
