"""A replica server of a cluster, from start to stop."""

import logging
import os
import socket
from typing import Any

from twisted.internet.defer import Deferred

from pegasus_server.meta.jobs.messages import TaskOrder, TaskReport, TaskStop
from pegasus_server.meta.messages import (
    Stored,
    StoredRequest,
    SyncRequest,
    TableNotice,
    ToMeta,
)
from pegasus_server.meta.worker_lease import BeaconAnswered, Leave, WorkerLease
from pegasus_server.mutation_log.errors import LogFailedError, LogFullError, LogRefusedError
from pegasus_server.replication import log_body
from pegasus_server.replication.inputs import Received, ReplicaInput
from pegasus_server.replication.invitation import is_invitation
from pegasus_server.replication.lease import Lease
from pegasus_server.replication.messages import (
    GroupCheck,
    GroupCheckAck,
    LearnAnswer,
    LearnCompleted,
    LearnRequest,
    Prepare,
    PrepareAck,
    Stale,
)
from pegasus_server.runtime.boot_note import current_boot, may_have_lost, note_boot
from pegasus_server.runtime.clock import boottime_us, unix_seconds
from pegasus_server.runtime.cluster_config import ReplicaConfig
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.disk_space import LOOK_SECONDS, DiskSpace
from pegasus_server.runtime.disk_usage import MEASURE_SECONDS, DiskWatch
from pegasus_server.runtime.dispatch import Dispatch
from pegasus_server.runtime.file_request import StreamRequest
from pegasus_server.runtime.file_sender import FileSender
from pegasus_server.runtime.flush import FLUSH_LOOK_SECONDS, Flushing
from pegasus_server.runtime.front import Front
from pegasus_server.runtime.log_relief import LogRelief
from pegasus_server.runtime.replica_host import ReplicaHost
from pegasus_server.runtime.replica_restart import ReplicaRestart, Restored
from pegasus_server.runtime.server_lease import ServerLease
from pegasus_server.runtime.server_parts import ServerParts
from pegasus_server.runtime.server_threads import ServerThreads
from pegasus_server.runtime.startup_fault import (
    EXIT_BAD_FOLDER,
    EXIT_DISK_FAILED,
    StartupFault,
    die_of_failed_disk,
)
from pegasus_server.runtime.sweeper import SLICE_SECONDS, ExpirySweeper
from pegasus_server.runtime.table_notes import TableNotes
from pegasus_server.runtime.throttle import Throttle
from pegasus_server.runtime.transfers import Doors, Transfers
from pegasus_server.runtime.turn_log import TurnLog
from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_tab.base.cluster import (
    BeaconAck,
    ConfigNotice,
    ConfigProposal,
    ConfigSync,
    ConfigSyncReply,
    ConfigUpdateReply,
    ReplicaStatus,
)
from pegasus_tab.base.ids import Gpid, NodeName
from pegasus_tab.base.version import VERSION
from pegasus_tab.wire import codes

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.05
"""How late a machine may learn that time passed."""
FILES_SECONDS = 1.0
"""How often copies are looked at."""
ACCOUNT_SECONDS = 5.0
"""Between two accounts of all replicas to meta."""
FINISH_SECONDS = 0.3
"""A stopping server finishes the writes it took for so long, then gives its lease back."""
STOP_SECONDS_MAX = 20.0
"""A stop that takes longer ends the process all the same; the log has everything."""


class ReplicaServer:
    """One replica server.

    Args:
        reactor: Twisted's.
        config: how to run.
        folder: its data folder, locked.
    """

    def __init__(self, reactor: Any, config: ReplicaConfig, folder: DataFolder) -> None:
        self._reactor = reactor
        self._config = config
        self._folder = folder
        self._node = config.node
        self._front = Front(reactor, config, self._take)
        self._is_stopping = False

    def start(self) -> None:
        """Recover and begin to serve. Blocks.

        Raises:
            StartupFault: why it cannot start.
        """
        self._front.listen()
        self._life = self._folder.next_life(unix_seconds())
        memory, lease = RocksMemory(), Lease()
        restored = self._restore(memory)
        self._threads = ServerThreads(
            self._config, restored.log, self._front.deliver, die_of_failed_disk
        )
        self._disk = self._threads.disk
        self._disk_watch = DiskWatch(self._folder.path, self._threads.files.run)
        self._sender = FileSender(
            self._threads.senders.run,
            Throttle(self._config.copy_bytes_per_second),
            self._config.copies_max,
        )
        self._notes = TableNotes(self._folder.path / "tables.json", self._threads.ballots.run)
        parts = self._make_parts(memory, lease)
        self._host = ReplicaHost(self._folder, parts, self._notes, restored)
        self._lease = ServerLease(
            self._lease_machine(), lease, self._front.links.send, self._account, self._host.lapse
        )
        self._transfers = self._make_transfers()
        self._dispatch = Dispatch(
            self._host.replicas,
            self._host.faults,
            {},
            self._disk,
            self._front.turn,
            # Clients ask meta again: another replica can serve what is damaged here.
            damaged=codes.ERR_INVALID_STATE,
        )
        self._front.serve(self._dispatch)
        self._front.serve_files(self._on_file_request)
        self._start_timers()
        logger.info(
            "pegasus-tab %s: replica server %s of cluster %s serves %s, durability %s",
            VERSION,
            self._node,
            self._config.cluster,
            self._folder.path,
            self._config.durability,
        )

    def _restore(self, memory: RocksMemory) -> Restored:
        note, boot = self._folder.path / "boot", current_boot(self._config.durability)
        is_suspect = may_have_lost(note, boot)
        if is_suspect:
            logger.warning("the machine went down and writes were not synced: replicas are suspect")
        restart = ReplicaRestart(self._folder, self._node, memory, is_suspect=is_suspect)
        try:
            restored = restart.run(self._config.segment_bytes_max, os.urandom)
        except (LogRefusedError, LogFullError) as error:
            raise StartupFault(EXIT_BAD_FOLDER, str(error)) from error
        except LogFailedError as error:
            raise StartupFault(EXIT_DISK_FAILED, f"the disk failed: {error}") from error
        note_boot(note, boot)
        return restored

    def _make_parts(self, memory: RocksMemory, lease: Lease) -> ServerParts:
        threads, turn = self._threads, self._front.turn
        return ServerParts(
            cluster=self._config.cluster,
            node=self._node,
            turn=turn,
            disk=threads.disk,
            log=TurnLog(threads.disk, turn),
            run_ballots=threads.ballots.run,
            run_files=threads.files.run,
            run_copies=threads.copies.run,
            run_senders=threads.senders.run,
            links=self._front.links,
            lease=lease,
            memory=memory,
            private_log_bytes_max=self._config.private_log_bytes_max,
            tell_leader=self._tell_leader,
        )

    def _make_transfers(self) -> Transfers:
        return Transfers(
            self._reactor,
            self._node,
            self._folder.path / "transfers",
            self._engine_led,
            self._disk.run,
            self._tell_leader,
            lambda: Doors(self._node, tuple(self._config.metas)),
        )

    def _lease_machine(self) -> WorkerLease:
        config = self._config
        label = config.host_label or self._node.rpartition(":")[0]
        numbers = config.lease.numbers()
        return WorkerLease(
            self._node, self._life, label, config.meta_nodes, numbers, config.durability
        )

    def _start_timers(self) -> None:
        config, every = self._config, self._front.timers.every
        space = DiskSpace(self._folder.path, config.free_bytes_min)

        def look_at_disk() -> None:
            is_short = space.look()
            if not self._is_stopping:
                self._dispatch.writes_refused = codes.ERR_CAPACITY_EXCEEDED if is_short else None

        relief = LogRelief(
            self._folder,
            config.log_bytes_max,
            log_body.content,
            disk=self._disk,
            run=self._threads.files.run,
            patients=self._host,
        )

        def delete_segments() -> None:
            self._disk.delete_below(self._host.durable())
            relief.look()

        flushing = Flushing(
            flush_seconds=config.flush_ms / 1000,
            log_bytes_max=config.log_bytes_max,
            log_bytes=self._disk.log_bytes,
            is_space_low=lambda: space.is_low,
            flush=lambda done: self._host.flush(space.has_room_to_flush, done),
            delete_segments=delete_segments,
        )
        look_at_disk()
        every(TICK_SECONDS, self._tick)
        every(FILES_SECONDS, self._host.look_at_files)
        every(ACCOUNT_SECONDS, self._account)
        every(ACCOUNT_SECONDS, self._transfers.tick)
        every(LOOK_SECONDS, look_at_disk)
        self._disk_watch.measure()
        every(MEASURE_SECONDS, self._disk_watch.measure)
        every(FLUSH_LOOK_SECONDS, flushing.look)
        every(SLICE_SECONDS, ExpirySweeper(self._host.replicas, self._front.turn).slice)
        self._reactor.callWhenRunning(self._front.turn.run, self._tick)

    def _tick(self) -> None:
        now_us = boottime_us()
        self._lease.tick(now_us)
        self._host.tick(now_us)

    # What others say.

    def _take(self, sender: NodeName, gpid: Gpid, message: object) -> None:
        match message:
            case (
                Prepare()
                | PrepareAck()
                | GroupCheck()
                | GroupCheckAck()
                | Stale()
                | LearnRequest()
                | LearnAnswer()
                | LearnCompleted()
            ):
                self._drive(gpid, Received(sender, message))
            case BeaconAck():
                self._lease.step(BeaconAnswered(sender, message))
            case _:
                self._on_meta_message(sender, message)

    def _on_meta_message(self, sender: NodeName, message: object) -> None:
        match message:
            case ConfigProposal() | ConfigUpdateReply() | ConfigNotice():
                self._drive(message.gpid, message)
            case ConfigSyncReply():
                self._on_account_answered(message)
            case SyncRequest():
                self._account(message.survey)
            case TableNotice():
                if self._notes.take(message):
                    self._host.note_table(message.app_id)
            case TaskOrder() | TaskStop():
                self._transfers.take(message)
            case StoredRequest():
                tables = tuple(self._notes.tables.values())
                self._front.links.send(sender, Stored(self._node, self._host.reports(), tables))
            case _:
                logger.warning("%s says what is not for a replica server: %s", sender, message)

    def _drive(self, gpid: Gpid, event: ReplicaInput) -> None:
        self._host.drive(gpid, event, is_invitation=is_invitation(self._node, event))

    def _on_account_answered(self, reply: ConfigSyncReply) -> None:
        for notice in reply.notices:
            self._drive(notice.gpid, notice)
        for gpid in reply.garbage:
            self._host.delete(gpid)
        for app_id in reply.purged:
            self._host.delete_table(app_id)

    def _engine_led(self, gpid: Gpid) -> RocksEngine | None:
        """Return the engine of a partition that this server leads."""
        replica = self._host.replicas.get(gpid)
        leads = replica is not None and replica.machine.status == ReplicaStatus.PRIMARY
        return replica.rocks if replica is not None and leads else None

    def _on_file_request(self, request: StreamRequest, connection: socket.socket) -> None:
        replica = self._host.replicas.get(request.gpid)
        if replica is None or self._sender.is_busy:
            connection.close()  # the learner asks again, or somebody else
            return
        teacher = replica.learning.teacher
        self._sender.send(connection, request.ranges, teacher.lend(), teacher.give_back)

    # What is said to meta.

    def _tell_leader(self, message: ToMeta | TaskReport) -> None:
        if self._lease.leader is not None:
            self._front.links.send(self._lease.leader, message)

    def _account(self, survey: int = 0) -> None:
        reports, disk = self._host.reports(), self._disk_watch.usage
        self._tell_leader(ConfigSync(self._node, reports, self._life, boottime_us(), survey, disk))

    # The end.

    def stop(self) -> Deferred[None]:
        """Finish what was taken, give the lease back, close; fires when the process may end."""
        stopped: Deferred[None] = Deferred()
        stopped = stopped.addTimeout(STOP_SECONDS_MAX, self._reactor, _log_slow_stop)
        self._front.stop_listening()
        self._is_stopping = True
        self._dispatch.writes_refused = codes.ERR_INVALID_STATE

        def leave() -> None:
            self._transfers.stop()
            self._lease.step(Leave())
            self._host.close(closed)

        def closed() -> None:
            self._front.close()
            self._sender.close()
            self._threads.stop()
            self._folder.lock.release()
            logger.info("stopped cleanly")
            stopped.callback(None)

        self._reactor.callLater(FINISH_SECONDS, self._front.turn.run, leave)
        return stopped


def _log_slow_stop(_result: object, seconds: float) -> None:
    logger.warning("still not stopped after %s s; the next start replays the log", seconds)
