"""A meta server of a cluster, from start to stop."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from pegasus_server.meta.cluster_inputs import Elected
from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.jobs.messages import TaskReport
from pegasus_server.meta.messages import Bye, Stored
from pegasus_server.runtime.clock import boottime_us, unix_seconds
from pegasus_server.runtime.cluster_config import LEVELS, MetaConfig
from pegasus_server.runtime.cluster_jobs import ClusterJobs
from pegasus_server.runtime.cluster_meta_rpcs import ClusterMetaRpcs
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.disk_jobs import JobThread
from pegasus_server.runtime.dispatch import Dispatch
from pegasus_server.runtime.front import Front
from pegasus_server.runtime.job_store import JobStore, JobStoreFolder
from pegasus_server.runtime.job_store_zookeeper import JobStoreZooKeeper
from pegasus_server.runtime.meta_driver import MetaDriver
from pegasus_server.runtime.meta_election import MetaElection
from pegasus_server.runtime.meta_store import BackgroundStore
from pegasus_server.runtime.meta_store_folder import MetaStoreFolder
from pegasus_server.runtime.meta_store_zookeeper import ZooKeeperStore
from pegasus_server.runtime.no_log import NoLog
from pegasus_server.runtime.node_address import address_of
from pegasus_server.runtime.policy_store import PolicyStore, PolicyStoreFile
from pegasus_server.runtime.policy_store_zookeeper import PolicyStoreZooKeeper
from pegasus_server.runtime.startup_fault import EXIT_BAD_FOLDER, EXIT_FAILED, StartupFault
from pegasus_server.runtime.zookeeper import Ensemble, ZooKeeperSession
from pegasus_server.runtime.zookeeper_paths import ZooKeeperPaths
from pegasus_tab.base.cluster import (
    Beacon,
    ConfigQuery,
    ConfigSync,
    ConfigUpdate,
    ReplicaReport,
)
from pegasus_tab.base.ids import Gpid, NodeName
from pegasus_tab.base.version import VERSION

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.05
"""How late the machine may learn that time passed."""
STOP_SECONDS_MAX = 5.0
"""A stop does not wait longer for ZooKeeper, which ends the session of who is gone by itself."""


class MetaServer:
    """One meta server, with its state in its own folder or in ZooKeeper.

    Args:
        reactor: Twisted's.
        config: how to run.
        folder: its data folder, locked.
    """

    def __init__(self, reactor: Any, config: MetaConfig, folder: DataFolder) -> None:
        self._reactor = reactor
        self._config = config
        self._folder = folder
        self._jobs: JobThread | None = None
        self._election: MetaElection | None = None
        self._front = Front(reactor, config, self._take)

    def start(self) -> None:
        """Begin to serve, and to lead or to stand for election. Blocks.

        Raises:
            StartupFault: why it cannot start.
        """
        front, config = self._front, self._config
        front.listen()
        numbers = ClusterNumbers(lease=config.lease.numbers(), level=LEVELS[config.level])
        meta = ClusterMeta(numbers)
        lead = self._with_zookeeper(meta) if config.zookeeper else self._alone(meta)
        rpcs = ClusterMetaRpcs(self._driver, address_of(config.node), self._facts)
        self._cluster_jobs = ClusterJobs(
            self._driver, self._job_store, self._policy_store, front.links.send
        )
        served = {**rpcs.table, **self._cluster_jobs.rpcs}
        front.serve(Dispatch({}, {}, served, NoLog(), front.turn))
        front.timers.every(TICK_SECONDS, self._driver.tick)
        front.timers.every(TICK_SECONDS, self._cluster_jobs.tick)
        logger.info(
            "pegasus-tab %s: meta server %s of cluster %s, state in %s",
            VERSION,
            config.node,
            config.cluster,
            f"ZooKeeper {config.zookeeper}{config.root}" if config.zookeeper else self._folder.path,
        )
        front.turn.run(lead)

    def _alone(self, meta: ClusterMeta) -> Callable[[], None]:
        """Prepare to lead with a store in the data folder, where nobody else can."""
        store = MetaStoreFolder(self._folder.path / "meta")
        self._jobs = JobThread(self._front.deliver, "store")
        in_background = BackgroundStore(store.perform, self._jobs.run, _end)
        self._driver = MetaDriver(meta, in_background, self._front.links.send, _end)
        self._job_store: JobStore = JobStoreFolder(
            self._folder.path / "meta" / "jobs", self._jobs.run
        )
        self._policy_store: PolicyStore = PolicyStoreFile(
            self._folder.path / "meta" / "policies.json", self._jobs.run
        )
        epoch = store.next_epoch(unix_seconds())
        return lambda: self._driver.take_election(Elected(epoch, None, boottime_us()))

    def _with_zookeeper(self, meta: ClusterMeta) -> Callable[[], None]:
        """Prepare to stand for election, with a store that all meta servers share."""
        config, tables = self._config, self._folder.path / "meta" / "tables.json"
        if tables.exists():
            raise StartupFault(
                EXIT_BAD_FOLDER,
                f"{tables} holds tables of a meta server without ZooKeeper, and would be ignored; "
                "take zookeeper out of the configuration, or move the file away and recover the "
                "cluster from its replica servers",
            )
        paths = ZooKeeperPaths(config.root)
        ensemble = Ensemble(config.zookeeper, config.zookeeper_session_ms)
        store = ZooKeeperStore(paths, config.cluster, self._pause, _end_of_defect)
        self._driver = MetaDriver(meta, store, self._front.links.send, self._resign)
        self._job_store = JobStoreZooKeeper(paths, store, _end_of_defect)
        self._policy_store = PolicyStoreZooKeeper(paths.policies, store, _end_of_defect)
        election = MetaElection(
            config.node,
            paths,
            partial(ZooKeeperSession, ensemble, self._front.deliver, in_daemon_thread),
            store,
            self._driver.take_election,
            self._later,
            _end_of_defect,
        )
        self._election = election
        self._front.timers.every(TICK_SECONDS, election.tick)
        return election.begin

    def _resign(self, reason: str) -> None:
        assert self._election is not None
        self._election.resign(reason)

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        self._reactor.callLater(seconds, self._front.turn.run, work)

    async def _pause(self, seconds: float) -> None:
        over: Deferred[None] = Deferred()
        self._later(seconds, lambda: over.callback(None))
        await over

    def _facts(self) -> Mapping[str, str]:
        return {
            "version": VERSION,
            "cluster_id": self._config.cluster,
            "node_id": self._folder.node,
            "role": "meta",
            "primary_meta_server": self._config.node,
            "meta_servers": ",".join(self._config.meta_nodes),
            "connections": str(len(self._front.connections)),
        }

    def _take(self, sender: NodeName, gpid: Gpid, message: object) -> None:  # noqa: ARG002 -- meta's messages name their partitions themselves
        match message:
            case (
                Beacon()
                | Bye()
                | ConfigUpdate()
                | ConfigQuery()
                | ConfigSync()
                | ReplicaReport()
                | Stored()
            ):
                self._driver.take(message)
            case TaskReport():
                self._cluster_jobs.take(message)
            case _:
                logger.warning("%s says what is not for a meta server: %s", sender, message)

    def stop(self) -> Deferred[None]:
        """Finish what the store is at, give leadership up, and close."""
        stopped: Deferred[None] = Deferred()
        stopped = stopped.addTimeout(STOP_SECONDS_MAX, self._reactor, _log_slow_stop)
        self._front.stop_listening()

        def close() -> None:
            self._front.close()
            if self._jobs is not None:
                self._jobs.stop()
            self._folder.lock.release()
            logger.info("stopped cleanly")
            stopped.callback(None)

        if self._election is None:
            close()
        else:
            self._election.stop(close)
        return stopped


def in_daemon_thread(work: Callable[[], object]) -> None:
    """Run something in a thread that nobody waits for."""
    threading.Thread(target=work, daemon=True).start()


def _log_slow_stop(_result: object, seconds: float) -> None:
    logger.warning("ZooKeeper does not answer within %s s; it ends the session by itself", seconds)


def _end(reason: str) -> None:
    """End the process: without its store a meta server must not speak."""
    _die(f"this meta server cannot lead any more: {reason}", EXIT_BAD_FOLDER)


def _end_of_defect(reason: str) -> None:
    """End the process: what a meta server that is wrong about itself says is worth nothing."""
    _die(f"this meta server is defective: {reason}", EXIT_FAILED)


def _die(text: str, exit_code: int) -> None:
    logger.critical("%s", text)
    logging.shutdown()
    os._exit(exit_code)
