"""What replica servers last reported of their replicas, and how fresh that is.

Meta numbers its SyncRequests. A report that answers a request sent after some event surely tells
of the time after that event; one that came unasked may have been long on its way.
"""

from pegasus_tab.base.cluster import ConfigSync, DiskUsage, ReplicaReport
from pegasus_tab.base.ids import Gpid, NodeName


class ReplicaReports:
    """The newest account of every server.

    Invariants: of two accounts of a server the one sent later is kept, a later process's always;
    no answer is believed to a request that was not sent.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._asked_us: dict[NodeName, int] = {}
        self._reports: dict[NodeName, dict[Gpid, ReplicaReport]] = {}
        self._sent: dict[NodeName, tuple[int, int]] = {}
        self._received_us: dict[NodeName, int] = {}
        self._answered: dict[NodeName, int] = {}
        self._disks: dict[NodeName, DiskUsage | None] = {}

    def take(self, sync: ConfigSync, now_us: int) -> bool:
        """Take an account; False if a newer one came before or it cannot be true."""
        if (sync.incarnation, sync.sent_us) < self._sent.get(sync.node, (0, 0)):
            return False
        if sync.survey > self.asked:
            return False
        self._sent[sync.node] = (sync.incarnation, sync.sent_us)
        self._received_us[sync.node] = now_us
        self._disks[sync.node] = sync.disk
        self._answered[sync.node] = max(sync.survey, self._answered.get(sync.node, 0))
        self._reports[sync.node] = {
            each.gpid: each for each in sync.reports if each.node == sync.node
        }
        return True

    def take_one(self, report: ReplicaReport) -> bool:
        """Take the account of a single replica; False if one under a higher ballot is known.

        It came unasked, so it makes nothing fresh.
        """
        held = self._reports.setdefault(report.node, {})
        before = held.get(report.gpid)
        if before is not None and before.ballot > report.ballot:
            return False
        held[report.gpid] = report
        return True

    def expire(self, node: NodeName) -> None:
        """Keep a lost or restarted server's account as evidence, but as an old one."""
        self._answered.pop(node, None)
        self._received_us.pop(node, None)
        self._asked_us.pop(node, None)

    def report(self, node: NodeName, gpid: Gpid) -> ReplicaReport | None:
        """Return what a server last said of a replica, None if it has none."""
        return self._reports.get(node, {}).get(gpid)

    def disk(self, node: NodeName) -> DiskUsage | None:
        """Return how full a server's disk was as it last said, None if it did not."""
        return self._disks.get(node)

    def is_known(self, node: NodeName) -> bool:
        """Tell whether a server ever gave an account."""
        return node in self._reports

    def app_id_max(self) -> int:
        """Return the highest id of a table that a server said to hold a replica of, 0 for none."""
        held = (gpid.app_id for reports in self._reports.values() for gpid in reports)
        return max(held, default=0)

    def has_answered(self, node: NodeName, asked: int) -> bool:
        """Tell whether a server answered a request sent after the first ``asked``."""
        return self._answered.get(node, 0) > asked

    def is_later(self, node: NodeName, than_us: int) -> bool:
        """Tell whether a server's account came after that time."""
        return self._received_us.get(node, -1) > than_us

    def ask(self, node: NodeName, now_us: int, pause_us: int) -> int | None:
        """Number a new request to a server; None if one was sent less than ``pause_us`` ago."""
        last_us = self._asked_us.get(node)
        if last_us is not None and now_us - last_us < pause_us:
            return None
        self._asked_us[node] = now_us
        self.asked += 1
        return self.asked
