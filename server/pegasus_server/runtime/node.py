"""A standalone node: meta server and replica server in one process, from start to stop."""

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.jobs.jobs import LOOK_US
from pegasus_server.meta.meta import Meta
from pegasus_server.mutation_log.durability import Durability
from pegasus_server.mutation_log.errors import LogFailedError, LogFullError, LogRefusedError
from pegasus_server.mutation_log.mutation import whole_body
from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.clock import unix_seconds, wall_us
from pegasus_server.runtime.connections import SWEEP_SECONDS, Connections
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.disk import DiskThread
from pegasus_server.runtime.disk_space import LOOK_SECONDS, DiskSpace
from pegasus_server.runtime.disk_usage import MEASURE_SECONDS, DiskWatch
from pegasus_server.runtime.dispatch import Dispatch
from pegasus_server.runtime.embedded import LastClientWatch
from pegasus_server.runtime.flush import FLUSH_LOOK_SECONDS, Flushing
from pegasus_server.runtime.log_relief import LogRelief
from pegasus_server.runtime.lone_admin_rpcs import LoneAdminRpcs
from pegasus_server.runtime.lone_jobs import LoneJobs
from pegasus_server.runtime.meta_loop import TICK_SECONDS, MetaLoop
from pegasus_server.runtime.meta_rpcs import MetaRpcs
from pegasus_server.runtime.meta_store_file import MetaStoreFile
from pegasus_server.runtime.options import NodeOptions
from pegasus_server.runtime.prompt_port import PromptPort
from pegasus_server.runtime.recovery import Recovered, Recovery
from pegasus_server.runtime.replica_set import ReplicaSet
from pegasus_server.runtime.startup_fault import (
    EXIT_BAD_FOLDER,
    EXIT_DISK_FAILED,
    EXIT_PORT_IN_USE,
    StartupFault,
    die_of_failed_disk,
    die_of_torn_turn,
)
from pegasus_server.runtime.sweeper import SLICE_SECONDS, ExpirySweeper
from pegasus_server.runtime.timers import Timers
from pegasus_server.runtime.transport import ClientConnection
from pegasus_server.runtime.turn import Turn
from pegasus_server.runtime.warm_up import QUIET_LOOK_SECONDS, WarmUp
from pegasus_server.storage.atomic_file import replace_file
from pegasus_server.storage.rocks import RocksMemory
from pegasus_tab.base.version import VERSION
from pegasus_tab.wire import codes
from pegasus_tab.wire.messages import Address

logger = logging.getLogger(__name__)

LISTEN_BACKLOG = 512
STOP_SECONDS_MAX = 20.0
"""A stop that takes longer ends the process all the same; the log has everything."""
ANY_HOST = "0.0.0.0"  # noqa: S104 -- compared with, not listened on


class Node(Factory):
    """One node of its own.

    Args:
        reactor: Twisted's.
        options: how to run.
        folder: its data folder, locked.
    """

    noisy = False

    def __init__(self, reactor: Any, options: NodeOptions, folder: DataFolder) -> None:
        self._reactor = reactor
        self._options = options
        self._folder = folder
        self._turn = Turn(wall_us)
        self._turn.last_for_rounds_of(reactor, die_of_torn_turn)
        self._timers = Timers(reactor, self._turn)
        self._connections = Connections(
            options.connections_max, options.connections_per_address_max, self._on_count
        )
        self._watch: LastClientWatch | None = None
        self._port = 0

    def start(self) -> None:
        """Recover, begin to listen, and publish the address. Blocks.

        Raises:
            StartupFault: why it cannot start.
        """
        listening = self._listen()
        self._listening = listening
        self._port = cast("Any", listening).getHost().port
        memory = RocksMemory()
        store = MetaStoreFile(self._folder.meta_state_path)
        state = self._load_state(store).after_restart()
        self._sweep_purged(state)
        store.save(state)
        recovered = self._recover(state, memory)
        self._disk = DiskThread(
            recovered.log,
            Durability.parse(self._options.durability),
            self._deliver,
            die_of_failed_disk,
        )
        self._replicas = ReplicaSet(
            self._folder, memory, str(self._address_for(None)), self._disk, self._turn, recovered
        )
        for table in state.tables.values():
            self._replicas.serve_recovered(table, recovered)
        self._meta = MetaLoop(Meta(state), store, self._replicas, self._disk.run, unix_seconds)
        rpcs = MetaRpcs(self._meta, self._address_for, self._facts, self._replicas.committed_decree)
        self._disk_watch = DiskWatch(self._folder.path, self._disk.run)
        admin = LoneAdminRpcs(
            self._meta,
            self._address_for,
            rpcs.configuration,
            self._options.durability,
            lambda: self._disk_watch.usage,
        )
        self._jobs = LoneJobs(
            self._reactor,
            self._folder.path,
            self._replicas,
            lambda: self._meta.state,
            self._disk.run,
            lambda: str(self._address_for(None)),
        )
        self._dispatch = Dispatch(
            self._replicas.serving,
            self._replicas.faults,
            {**rpcs.table, **admin.table, **self._jobs.rpcs},
            self._disk,
            self._turn,
        )
        self._start_timers()
        self._publish()

    def _listen(self) -> PromptPort:
        """Bind the port before anything else: its number stands in every reply."""
        options = self._options
        port = PromptPort(options.port, self, LISTEN_BACKLOG, options.host, self._reactor)
        try:
            port.startListening()
        except CannotListenError as error:
            raise StartupFault(
                EXIT_PORT_IN_USE,
                f"cannot listen on {options.host}:{options.port} ({error.socketError}); choose "
                "another port, or 0 for a free one",
            ) from error
        return port

    def _load_state(self, store: MetaStoreFile) -> ClusterState:
        """Load the tables, and refuse to begin anew over data that belongs to some."""
        state = store.load()
        if state is None:
            held = sorted(map(str, self._folder.replicas()))
            if held:
                raise StartupFault(
                    EXIT_BAD_FOLDER,
                    f"{self._folder.meta_state_path} is missing, but there is data of replicas "
                    f"{', '.join(held[:5])}; restore the file from a copy",
                )
            state = ClusterState()
        return state

    def _sweep_purged(self, state: ClusterState) -> None:
        """Finish purges that a crash interrupted; refuse data that the state cannot know of.

        A table made now would get the id, and the rows, of such data.
        """
        for gpid in sorted(self._folder.replicas()):
            if gpid.app_id >= state.next_app_id:
                raise StartupFault(
                    EXIT_BAD_FOLDER,
                    f"{self._folder.replica_path(gpid)} holds data of a table that is newer than "
                    f"{self._folder.meta_state_path}; restore the newest copy of that file, or "
                    "move the data away",
                )
            if gpid.app_id not in state.tables:
                self._folder.delete_replica(gpid)

    def _recover(self, state: ClusterState, memory: RocksMemory) -> Recovered:
        recovery = Recovery(
            self._folder,
            state,
            memory,
            self._options.segment_bytes_max,
            os.urandom,
            self._options.accepted_losses,
        )
        try:
            recovered = recovery.run()
        except (LogRefusedError, LogFullError) as error:
            raise StartupFault(EXIT_BAD_FOLDER, str(error)) from error
        except LogFailedError as error:
            raise StartupFault(EXIT_DISK_FAILED, f"the disk failed: {error}") from error
        if not recovered.is_clean and self._options.durability != "sync":
            logger.warning(
                "the log did not end cleanly; with durability %s, acknowledged writes of its last "
                "moments may be gone if the machine went down",
                self._options.durability,
            )
        return recovered

    def _start_timers(self) -> None:
        space = DiskSpace(self._folder.path, self._options.free_bytes_min)

        def look_at_disk() -> None:
            self._dispatch.writes_refused = codes.ERR_CAPACITY_EXCEEDED if space.look() else None

        relief = LogRelief(
            self._folder,
            self._options.log_bytes_max,
            whole_body,
            disk=self._disk,
            run=self._disk.run,
            patients=self._replicas,
        )

        def delete_segments() -> None:
            self._disk.delete_below(dict(self._replicas.durable))
            relief.look()

        flushing = Flushing(
            flush_seconds=self._options.flush_seconds,
            log_bytes_max=self._options.log_bytes_max,
            log_bytes=self._disk.log_bytes,
            is_space_low=lambda: space.is_low,
            flush=lambda done: self._replicas.flush(space.has_room_to_flush, done),
            delete_segments=delete_segments,
        )
        sweeper = ExpirySweeper(self._replicas.serving, self._turn)
        warm_up = WarmUp(lambda: self._connections.requests, 1 if self._options.embedded else 0)
        look_at_disk()
        self._timers.every(LOOK_SECONDS, look_at_disk)
        self._disk_watch.measure()
        self._timers.every(MEASURE_SECONDS, self._disk_watch.measure)
        self._timers.every(FLUSH_LOOK_SECONDS, flushing.look)
        self._timers.every(SLICE_SECONDS, sweeper.slice)
        self._timers.every(SWEEP_SECONDS, self._connections.sweep)
        self._timers.every(QUIET_LOOK_SECONDS, warm_up.look)
        self._timers.every(TICK_SECONDS, self._meta.tick)
        self._timers.every(LOOK_US / 1e6, self._jobs.tick)
        self._reactor.callWhenRunning(self._turn.run, self._meta.tick)
        if self._options.embedded:
            self._watch = LastClientWatch(
                self._reactor, self._options.linger_seconds, self._reactor.stop
            )

    def _publish(self) -> None:
        """Tell where the node listens, now that it can answer."""
        host = self._address_for(None).host
        self._folder.lock.publish(host, self._port)
        if self._options.port_file is not None:
            replace_file(self._options.port_file, f"{self._port}\n".encode())
        logger.info(
            "pegasus-tab %s serves %s on %s:%d, durability %s",
            VERSION,
            self._folder.path,
            self._options.host,
            self._port,
            self._options.durability,
        )

    def buildProtocol(self, addr: IAddress | None) -> ClientConnection:  # noqa: N802, ARG002 -- Twisted's name and argument
        """Make the protocol of a new connection."""
        return ClientConnection(self._dispatch, self._turn, self._connections, self._reactor)

    def _address_for(self, client: Client | None) -> Address:
        """Tell the address of this node as ``client`` should use it."""
        host = self._options.advertise or self._options.host
        if host == ANY_HOST:
            host = client.local_host if client is not None else "127.0.0.1"
        return Address(host, self._port)

    def _facts(self) -> Mapping[str, str]:
        return {
            "version": VERSION,
            "cluster_id": self._folder.cluster,
            "node_id": self._folder.node,
            "role": "standalone",
            "durability": self._options.durability,
            "connections": str(len(self._connections)),
        }

    def _deliver(self, work: Callable[[], object]) -> None:
        """Bring what another thread finished into the reactor's, as a turn. Any thread."""
        self._reactor.callFromThread(self._turn.run, work)

    def _on_count(self, connections: int) -> None:
        if self._watch is not None:
            self._watch.on_count(connections)

    def stop(self) -> Deferred[None]:
        """Finish what was taken, flush and close everything; fires when the process may end."""
        stopped: Deferred[None] = Deferred()
        stopped = stopped.addTimeout(STOP_SECONDS_MAX, self._reactor, _log_slow_stop)
        cast("Any", self._listening).stopListening()
        self._folder.lock.publish("", 0)  # whoever looks for an embedded node waits for the next
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._timers.stop()
        self._jobs.stop()
        self._dispatch.writes_refused = codes.ERR_INVALID_STATE

        def closed() -> None:
            self._connections.lose_all()
            self._disk.stop()
            self._folder.lock.release()
            logger.info("stopped cleanly")
            stopped.callback(None)

        self._turn.run(lambda: self._replicas.close_all(closed))
        return stopped


def _log_slow_stop(_result: object, seconds: float) -> None:
    logger.warning("still not stopped after %s s; the next start replays the log", seconds)
