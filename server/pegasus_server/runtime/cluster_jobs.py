"""Jobs and backup policies of a cluster at its meta server: they run where tables are led from."""

from collections.abc import Callable, Mapping, Sequence

from pegasus_server.meta.jobs.jobs import LOOK_US
from pegasus_server.meta.jobs.messages import TaskOrder, TaskReport, TaskStop
from pegasus_server.meta.table import TableStatus
from pegasus_server.runtime.clock import boottime_us
from pegasus_server.runtime.job_driver import JobDriver
from pegasus_server.runtime.job_rpcs import JobRpcs
from pegasus_server.runtime.job_store import JobStore
from pegasus_server.runtime.meta_driver import MetaDriver
from pegasus_server.runtime.policy_driver import PolicyDriver
from pegasus_server.runtime.policy_rpcs import PolicyRpcs
from pegasus_server.runtime.policy_store import PolicyStore
from pegasus_tab.base.ids import Gpid, NodeName


class ClusterJobs:
    """The job and policy machines of one meta server, and what they need to know of the cluster.

    Args:
        meta: the meta machine beside it.
        store: where jobs are kept.
        policies: where backup policies are kept.
        tell: sends a message to a replica server; it may be lost.

    Attributes:
        rpcs: what serves requests about jobs and policies.
    """

    def __init__(
        self,
        meta: MetaDriver,
        store: JobStore,
        policies: PolicyStore,
        tell: Callable[[NodeName, TaskOrder | TaskStop], None],
    ) -> None:
        self._meta = meta
        self._driver = JobDriver(store, tell, self._primaries)
        self._looked_us = 0
        self._policies = PolicyDriver(policies, self._driver, lambda: meta.state)
        self.rpcs = {
            **JobRpcs(self._driver, lambda: meta.state if meta.is_leading else None).table,
            **PolicyRpcs(self._policies).table,
        }

    def tick(self) -> None:
        """Let time pass; call as often as the meta machine's tick."""
        self._policies.lead(is_leading=self._meta.is_leading)
        self._driver.lead(is_leading=self._meta.is_leading)
        now_us = boottime_us()
        if self._meta.is_leading and now_us - self._looked_us >= LOOK_US:
            self._looked_us = now_us
            self._driver.tick()
            self._policies.tick()

    def take(self, report: TaskReport) -> None:
        """Take what a server says of a task."""
        self._driver.take(report)

    def _primaries(self, app_ids: set[int]) -> Mapping[int, Sequence[NodeName | None]]:
        tables = self._meta.state.tables
        return {
            id_: [
                self._meta.partition(Gpid(id_, index))[0].primary
                for index in range(tables[id_].partition_count)
            ]
            for id_ in app_ids
            if id_ in tables and tables[id_].status == TableStatus.AVAILABLE
        }
