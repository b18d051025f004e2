"""Jobs and policies of a node of its own: it is meta and the only server, so orders never leave it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.jobs.messages import TaskOrder, TaskStop
from pegasus_server.meta.table import TableStatus
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.runtime.job_driver import JobDriver
from pegasus_server.runtime.job_rpcs import JobRpcs
from pegasus_server.runtime.job_store import JobStoreFolder
from pegasus_server.runtime.policy_driver import PolicyDriver
from pegasus_server.runtime.policy_rpcs import PolicyRpcs
from pegasus_server.runtime.policy_store import PolicyStoreFile
from pegasus_server.runtime.replica_set import ReplicaSet
from pegasus_server.runtime.transfers import Doors, Transfers
from pegasus_server.storage.rocks import RocksEngine
from pegasus_tab.base.ids import Gpid, NodeName

HERE = NodeName("this node")


class LoneJobs:
    """The job machine and its workers on one node.

    Args:
        reactor: Twisted's.
        folder: the data folder.
        replicas: of the node.
        state: the stored tables.
        run_in_background: for checkpoints and the store.
        address: "host:port" at which this node serves.

    Attributes:
        rpcs: what serves requests about jobs and policies.
    """

    def __init__(
        self,
        reactor: Any,
        folder: Path,
        replicas: ReplicaSet,
        state: Callable[[], ClusterState],
        run_in_background: RunInBackground,
        address: Callable[[], str],
    ) -> None:
        self._replicas = replicas
        self._state = state
        store = JobStoreFolder(folder / "meta" / "jobs", run_in_background)
        self._driver = JobDriver(store, self._tell, self._primaries)
        self._transfers = Transfers(
            reactor,
            HERE,
            folder / "transfers",
            self._engine_led,
            run_in_background,
            self._driver.take,
            lambda: Doors(address(), (address(),)),
        )
        kept = PolicyStoreFile(folder / "meta" / "policies.json", run_in_background)
        self._policies = PolicyDriver(kept, self._driver, state)
        self.rpcs = {
            **JobRpcs(self._driver, state).table,
            **PolicyRpcs(self._policies).table,
        }
        self._driver.lead(is_leading=True)
        self._policies.lead(is_leading=True)

    @property
    def is_busy(self) -> bool:
        """Tell whether a job is under way."""
        jobs = self._driver.jobs
        return jobs is not None and any(not job.state.is_over for job in jobs.jobs)

    def tick(self) -> None:
        """Let time pass."""
        self._driver.tick()
        self._policies.tick()
        self._transfers.tick()

    def stop(self) -> None:
        """End all workers; jobs go on with the next start."""
        self._policies.lead(is_leading=False)
        self._driver.lead(is_leading=False)
        self._transfers.stop()

    def _tell(self, _to: NodeName, message: TaskOrder | TaskStop) -> None:
        self._transfers.take(message)

    def _engine_led(self, gpid: Gpid) -> RocksEngine | None:
        replica = self._replicas.serving.get(gpid)
        if replica is None or replica.is_failed:
            return None
        assert isinstance(replica.engine, RocksEngine)
        return replica.engine

    def _primaries(self, app_ids: set[int]) -> Mapping[int, Sequence[NodeName | None]]:
        tables = self._state().tables
        return {
            id_: [HERE] * tables[id_].partition_count
            for id_ in app_ids
            if id_ in tables and tables[id_].status == TableStatus.AVAILABLE
        }
