"""The replicas of one simulated server: opened from disk, made when invited, deleted."""

from collections.abc import Mapping
from functools import partial

from pegasus_server.mutation_log.replay import ReplicaReplay
from pegasus_server.replication.inputs import ReplicaInput
from pegasus_server.replication.invitation import is_invitation
from pegasus_server.replication.lease import Lease
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.replica import Replica
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.restart import recover
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.simulator.hosted_replica import HostedReplica, restored
from pegasus_server.simulator.machine_disk import ReplicaFiles, copy_of
from pegasus_server.simulator.server_parts import ServerParts
from pegasus_tab.base.cluster import ReplicaStatus
from pegasus_tab.base.ids import Decree, Gpid

IDLE = (ReplicaStatus.INACTIVE, ReplicaStatus.ERROR)
EARLY_INPUTS_MAX = 64
"""Kept while a replica is being made; more are dropped, their senders repeat."""


class ReplicaHost:
    """The replicas of one life of a server.

    Invariant: a new replica gets its first input only after what an earlier one of the partition
    left in the log is void.

    Args:
        parts: of the server.
        lease: of the server.
        replays: what the log gives back.

    Attributes:
        replicas: by partition.
    """

    def __init__(
        self, parts: ServerParts, lease: Lease, replays: Mapping[Gpid, ReplicaReplay]
    ) -> None:
        self.replicas: dict[Gpid, HostedReplica] = {}
        self._parts = parts
        self._lease = lease
        self._early: dict[Gpid, list[ReplicaInput]] = {}
        for gpid, files in parts.disk.replicas.items():
            self._host(gpid, files, replays.get(gpid))

    def _host(self, gpid: Gpid, files: ReplicaFiles, replay: ReplicaReplay | None) -> HostedReplica:
        """Open a replica with what the log gives back; one without a log is new and empty."""
        engine = copy_of(files.image)
        assert engine.applied_decree >= files.durable, "A15: the engine has what the side file says"
        logged = [] if replay is None else replay.mutations
        recovered = recover(engine.applied_decree, [restored(each) for each in logged])
        for each in recovered.committed:
            engine.apply(each.changes, each.decree)
        stamps = [files.timestamp_us, *[each.timestamp_us for each in logged]]
        mutations = PrepareList(
            engine.applied_decree,
            recovered.undecided,
            keeps_recent=True,
            committed_us=recovered.committed_us,
        )
        state = ReplicaState(
            gpid,
            self._parts.node,
            files.ballot,
            mutations,
            Timestamps(max(stamps)),
            files.durable,
            # An empty replica that a configuration counts on has lost its data.
            suspect=files.suspect or replay is None or replay.suspect is not None,
            signature=files.signature,
        )
        replica = HostedReplica(Replica(state, self._lease), engine, files, self._parts)
        self.replicas[gpid] = replica
        return replica

    def drive(self, gpid: Gpid, event: ReplicaInput) -> None:
        """Feed a replica; an invitation makes one, also in place of one that failed."""
        is_invited = is_invitation(self._parts.node, event)
        replica = self.replicas.get(gpid)
        if replica is not None and replica.machine.status is ReplicaStatus.ERROR and is_invited:
            self.delete(gpid)
        if gpid in self.replicas:
            self.replicas[gpid].drive(event)
        elif gpid in self._early:
            if len(self._early[gpid]) < EARLY_INPUTS_MAX:
                self._early[gpid].append(event)
        elif is_invited:
            self._early[gpid] = [event]
            self._parts.log.run(partial(self._make, gpid))

    def _make(self, gpid: Gpid) -> None:
        if not self._parts.log.discard_above(gpid, Decree(0)):
            del self._early[gpid]
            return
        files = ReplicaFiles()
        self._parts.disk.replicas[gpid] = files
        replica = self._host(gpid, files, None)
        for event in self._early.pop(gpid):
            replica.drive(event)

    def delete_table(self, app_id: int) -> None:
        """Delete the replicas of a table that is gone for good."""
        for gpid in [each for each in self.replicas if each.app_id == app_id]:
            self.delete(gpid, is_purged=True)

    def delete(self, gpid: Gpid, *, is_purged: bool = False) -> None:
        """Delete a replica meta does not need, unless it is in use again."""
        replica = self.replicas.get(gpid)
        if replica is None or (replica.machine.status not in IDLE and not is_purged):
            return
        replica.end()
        del self.replicas[gpid]
        del self._parts.disk.replicas[gpid]
