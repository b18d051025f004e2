"""A meta server of a cluster, from start to stop."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred

from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.messages import Bye, Stored
from pegasus_server.runtime.clock import unix_seconds
from pegasus_server.runtime.cluster_config import LEVELS, MetaConfig
from pegasus_server.runtime.cluster_meta_rpcs import ClusterMetaRpcs
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.disk_jobs import JobThread
from pegasus_server.runtime.dispatch import Dispatch
from pegasus_server.runtime.front import Front
from pegasus_server.runtime.meta_driver import MetaDriver
from pegasus_server.runtime.meta_store_folder import MetaStoreFolder
from pegasus_server.runtime.no_log import NoLog
from pegasus_server.runtime.node_address import address_of
from pegasus_server.runtime.startup_fault import EXIT_BAD_FOLDER
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


class MetaServer:
    """One meta server, with its state in its own folder.

    Args:
        reactor: Twisted's.
        config: how to run.
        folder: its data folder, locked.
    """

    def __init__(self, reactor: Any, config: MetaConfig, folder: DataFolder) -> None:
        self._config = config
        self._folder = folder
        self._front = Front(reactor, config, self._take)

    def start(self) -> None:
        """Begin to lead and to serve. Blocks.

        Raises:
            StartupFault: why it cannot start.
        """
        front, config = self._front, self._config
        front.listen()
        store = MetaStoreFolder(self._folder.path / "meta")
        self._jobs = JobThread(front.deliver, "store")
        numbers = ClusterNumbers(lease=config.lease.numbers(), level=LEVELS[config.level])
        self._driver = MetaDriver(
            ClusterMeta(numbers), store, self._jobs.run, front.links.send, _end
        )
        rpcs = ClusterMetaRpcs(self._driver, address_of(config.node), self._facts)
        front.serve(Dispatch({}, {}, rpcs.table, NoLog(), front.turn))
        front.timers.every(TICK_SECONDS, self._driver.tick)
        epoch = store.next_epoch(unix_seconds())
        front.turn.run(lambda: self._driver.lead(epoch))
        logger.info(
            "pegasus-tab %s: meta server %s of cluster %s, term %d, state in %s",
            VERSION,
            config.node,
            config.cluster,
            epoch,
            self._folder.path,
        )

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
            case _:
                logger.warning("%s says what is not for a meta server: %s", sender, message)

    def stop(self) -> Deferred[None]:
        """Finish what the store is at, and close."""
        stopped: Deferred[None] = Deferred()
        self._front.stop_listening()
        self._front.close()
        self._jobs.stop()
        self._folder.lock.release()
        logger.info("stopped cleanly")
        stopped.callback(None)
        return stopped


def _end(reason: str) -> None:
    """End the process: without its store a meta server must not speak."""
    logger.critical("this meta server cannot lead any more: %s", reason)
    logging.shutdown()
    os._exit(EXIT_BAD_FOLDER)
