"""Jobs of a cluster at its meta server: the job machine runs where the tables are led from."""

from collections.abc import Callable, Mapping, Sequence

from pegasus_server.meta.jobs.jobs import LOOK_US
from pegasus_server.meta.jobs.messages import TaskOrder, TaskReport, TaskStop
from pegasus_server.meta.table import TableStatus
from pegasus_server.runtime.clock import boottime_us
from pegasus_server.runtime.job_driver import JobDriver
from pegasus_server.runtime.job_rpcs import JobRpcs
from pegasus_server.runtime.job_store import JobStore
from pegasus_server.runtime.meta_driver import MetaDriver
from pegasus_tab.base.ids import Gpid, NodeName


class ClusterJobs:
    """The job machine of one meta server, and what it needs to know of the cluster.

    Args:
        meta: the meta machine beside it.
        store: where jobs are kept.
        tell: sends a message to a replica server; it may be lost.

    Attributes:
        rpcs: what serves requests about jobs.
    """

    def __init__(
        self,
        meta: MetaDriver,
        store: JobStore,
        tell: Callable[[NodeName, TaskOrder | TaskStop], None],
    ) -> None:
        self._meta = meta
        self._driver = JobDriver(store, tell, self._primaries)
        self._looked_us = 0
        self.rpcs = JobRpcs(self._driver, lambda: meta.state)

    def tick(self) -> None:
        """Let time pass; call as often as the meta machine's tick."""
        self._driver.lead(is_leading=self._meta.is_leading)
        now_us = boottime_us()
        if self._meta.is_leading and now_us - self._looked_us >= LOOK_US:
            self._looked_us = now_us
            self._driver.tick()

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
