"""All replicas of a server in a cluster: made when somebody wants one here, driven, flushed, deleted."""

import dataclasses
import logging
import os
from collections.abc import Callable

from pegasus_server.replication.inputs import LeaseLapsed, Received, ReplicaInput
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.replica import Replica as Machine
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.hosted_replica import HostedReplica
from pegasus_server.runtime.private_log import PrivateLog
from pegasus_server.runtime.replica_folder import ReplicaFolder, release
from pegasus_server.runtime.replica_restart import Restored, RestoredReplica
from pegasus_server.runtime.server_parts import ServerParts
from pegasus_server.runtime.table_notes import TableNotes
from pegasus_tab.base.cluster import ReplicaReport, ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree, Gpid

logger = logging.getLogger(__name__)

EARLY_INPUTS_MAX = 64
"""Kept while a replica is being made; more are dropped, their senders repeat."""
FAILURE_CHARACTERS_MAX = 300
"""How much meta is told of why a replica failed; the server's own log has the rest."""


class QuarantineFull(Exception):  # noqa: N818 -- says what is the case
    """So many copies of a partition broke here that another one is no remedy."""


class ReplicaHost:
    """The replicas of one server.

    Invariant: a partition with data on this server is open, faulty, or on its way in or out.

    Args:
        folder: the data folder.
        parts: of the server.
        notes: what is known of tables.
        restored: what the last life left.

    Attributes:
        replicas: those that are open, by partition.
        faults: those that cannot be used, and why.
    """

    def __init__(
        self, folder: DataFolder, parts: ServerParts, notes: TableNotes, restored: Restored
    ) -> None:
        self.replicas: dict[tuple[int, int], HostedReplica] = {}
        self.faults: dict[tuple[int, int], str] = dict(restored.faults.items())
        self._folder = folder
        self._parts = parts
        self._notes = notes
        self._early: dict[Gpid, list[ReplicaInput]] = {}
        self._leaving: dict[Gpid, Decree] = {}
        self._doubted: dict[Gpid, Decree | None] = {}
        for replica in restored.replicas.values():
            self._host(replica)
            if replica.is_log_doubted:
                self._doubted[replica.state.gpid] = None

    def _host(self, restored: RestoredReplica) -> HostedReplica:
        state = restored.state
        table = self._notes.tables.get(state.gpid.app_id)
        machine = Machine(state, self._parts.lease, table.max_replica_count if table else 3)
        replica = HostedReplica(
            machine,
            restored.engine,
            restored.folder,
            restored.folder.keep(restored.record),
            restored.log,
            parts=self._parts,
            envs=self._notes.envs(state.gpid.app_id),
            # Ids of this life must not be met by clients of the one before (8.1).
            first_scan_id=int.from_bytes(os.urandom(3), "big") << 32,
        )
        replica.set_dropped(is_dropped=self._notes.is_dropped(state.gpid.app_id))
        self.replicas[state.gpid] = replica
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
            if replica.may_be_replaced and is_invitation and isinstance(event, Received):
                self._replace(replica, event)
            else:
                replica.drive(event)
        elif gpid in self._early:
            if len(self._early[gpid]) < EARLY_INPUTS_MAX:
                self._early[gpid].append(event)
        elif is_invitation and gpid not in self.faults and gpid not in self._leaving:
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
            return RestoredReplica(
                state, engine, folder, record, PrivateLog(folder.path, Decree(1))
            )

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

    # The way out.

    def _replace(self, replica: HostedReplica, invitation: ReplicaInput) -> None:
        """Make room for a new copy: a primary that holds the partition offers to teach one.

        That another copy exists is what allows to take this one out of use for good.
        """
        gpid = replica.gpid

        def gone(_: None) -> None:
            self._leaving.pop(gpid)
            self.drive(gpid, invitation, is_invitation=True)

        self._take_out(replica, lambda: self._quarantine(replica), gone)

    def delete_table(self, app_id: int) -> None:
        """Delete the replicas of a table that is gone for good, whatever they are doing."""
        for gpid in [each.gpid for each in self.replicas.values() if each.gpid.app_id == app_id]:
            self.delete(gpid, is_purged=True)

    def delete(self, gpid: Gpid, *, is_purged: bool = False) -> None:
        """Delete a replica that meta has no use for, unless it is in use again.

        Args:
            gpid: the partition.
            is_purged: its table is gone for good.
        """
        replica = self.replicas.get(gpid)
        if replica is None or replica.learning.is_replacing or replica.is_being_kept:
            return
        idle = (ReplicaStatus.INACTIVE, ReplicaStatus.ERROR)
        if replica.machine.status not in idle and not is_purged:
            return
        keeps = replica.is_failed and not is_purged

        def remove() -> None:
            if keeps:
                self._quarantine(replica)
            else:
                release(replica.rocks)
                self._folder.delete_replica(gpid)

        def gone(_: None) -> None:
            self._leaving.pop(gpid)
            logger.info("replica %s is deleted: meta has no use for it", gpid)

        self._take_out(replica, remove, gone)

    def _take_out(
        self, replica: HostedReplica, remove: Callable[[], None], gone: Callable[[None], None]
    ) -> None:
        """Use a replica no longer, then have its folder removed in the background."""
        gpid = replica.gpid
        del self.replicas[gpid]
        self._leaving[gpid] = replica.needless
        replica.end()

        def failed(error: Exception) -> None:
            del self._leaving[gpid]
            self.faults[gpid] = f"it was being removed: {error}"
            logger.error("replica %s could not be removed: %s", gpid, error)

        self._parts.disk.run(remove, gone, failed)

    def _quarantine(self, replica: HostedReplica) -> None:
        """Move a failed replica's folder out of the way. Blocks."""
        gpid, quarantine = replica.gpid, self._folder.quarantine
        if quarantine.is_full(gpid):
            raise QuarantineFull(
                f"{len(quarantine.held(gpid))} copies of partition {gpid} broke on this server and "
                f"are kept in {quarantine.path}; check disk and memory, then remove them and restart"
            )
        release(replica.rocks)
        kept = quarantine.take(self._folder.replica_path(gpid), gpid, replica.failure)
        logger.error("replica %s broke (%s); it is kept as %s", gpid, replica.failure, kept)

    # Time.

    def tick(self, now_us: int) -> None:
        """Let time pass; call every few milliseconds."""
        for replica in list(self.replicas.values()):
            replica.tick(now_us)

    def look_at_files(self) -> None:
        """Let time pass for what is copied and taught; call every second."""
        for replica in self.replicas.values():
            replica.learning.tick()
        for gpid in list(self._doubted):
            self._settle(gpid)

    def _settle(self, gpid: Gpid) -> None:
        """Let go of log segments that are damaged, once their replica is whole and on disk again."""
        replica = self.replicas.get(gpid)
        if replica is None:
            del self._doubted[gpid]
            return
        state = replica.machine.state
        if state.suspect:
            return
        whole = self._doubted[gpid]
        if whole is None:
            self._doubted[gpid] = state.mutations.applied
        elif state.durable >= whole:
            del self._doubted[gpid]
            self._parts.disk.settle(gpid)

    def lapse(self) -> None:
        """Tell every replica that the lease ended."""
        for replica in list(self.replicas.values()):
            replica.drive(LeaseLapsed())

    def flush(self, may_flush: Callable[[], bool], done: Callable[[], None]) -> None:
        """Flush every engine with unflushed writes, one after another; then call ``done``."""
        for replica in list(self.replicas.values()):
            if replica.engine.applied_decree > replica.durable:
                replica.flush(may_flush)
        self._parts.disk.run(lambda: None, lambda _: done(), lambda _: done())

    # Questions.

    def durable(self) -> dict[Gpid, Decree]:
        """Tell up to where every replica here needs nothing of the shared log (A14)."""
        durable = {Gpid(*key): Decree(0) for key in self.faults}
        return (
            durable
            | self._leaving
            | {replica.gpid: replica.needless for replica in self.replicas.values()}
        )

    def failed(self) -> dict[Gpid, Decree]:
        """Tell which replicas failed and hold the log back, each from its durable decree on."""
        return {
            replica.gpid: replica.durable
            for replica in self.replicas.values()
            if replica.may_be_replaced and not replica.kept_decree
        }

    def begin_keeping(self, gpid: Gpid) -> bool:
        """Leave a failed replica's folder where it is from now on; False if it is gone."""
        replica = self.replicas.get(gpid)
        if replica is None or not replica.may_be_replaced:
            return False
        replica.is_being_kept = True
        return True

    def end_keeping(self, gpid: Gpid, last: Decree | None) -> None:
        """Note up to where the log's part of a failed replica lies in its folder, None for nothing."""
        replica = self.replicas[gpid]
        replica.is_being_kept = False
        if last is not None:
            replica.kept_decree = last

    def reports(self) -> tuple[ReplicaReport, ...]:
        """Give account of every replica."""
        return tuple([_report(replica) for replica in self.replicas.values()])

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


def _report(replica: HostedReplica) -> ReplicaReport:
    report = replica.machine.report()
    if not replica.is_failed:
        return report
    return dataclasses.replace(report, failure=replica.failure[:FAILURE_CHARACTERS_MAX])
