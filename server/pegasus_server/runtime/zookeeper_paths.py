"""Where a cluster keeps what in ZooKeeper.

<root>/line/<session>~<node>~<place>  a meta server that would lead; ends with its session
<root>/tables                         name of the cluster, and the catalog without its tables
<root>/tables/<app id>                one table
<root>/partitions/<gpid>              one partition's record
<root>/jobs/<number>                  one job (job_store_zookeeper)
<root>/policies                       all backup policies (policy_store_zookeeper)
"""

from dataclasses import dataclass

from pegasus_server.meta.candidacy import Entry
from pegasus_tab.base.ids import Gpid, NodeName


@dataclass(frozen=True, slots=True)
class ZooKeeperPaths:
    """The paths of one cluster.

    Attributes:
        root: above all of them; begins with a slash and does not end with one.
    """

    root: str

    @property
    def line(self) -> str:
        """Where the candidates stand."""
        return f"{self.root}/line"

    @property
    def tables(self) -> str:
        """The catalog."""
        return f"{self.root}/tables"

    @property
    def partitions(self) -> str:
        """Above all partitions."""
        return f"{self.root}/partitions"

    @property
    def jobs(self) -> str:
        """Above all jobs."""
        return f"{self.root}/jobs"

    def job(self, id_: int) -> str:
        """One job."""
        return f"{self.jobs}/{id_}"

    @property
    def policies(self) -> str:
        """All backup policies."""
        return f"{self.root}/policies"

    def table(self, app_id: int) -> str:
        """One table."""
        return f"{self.tables}/{app_id}"

    def partition(self, gpid: Gpid) -> str:
        """One partition."""
        return f"{self.partitions}/{gpid}"

    def entry(self, entry: Entry) -> str:
        """One candidate."""
        return f"{self.entry_prefix(entry.session, entry.node)}{entry.place:010d}"

    def entry_prefix(self, session: int, node: NodeName) -> str:
        """Return the path of a candidate that has no place yet."""
        return f"{self.line}/{session:x}~{node}~"


def read_entry(name: str) -> Entry | None:
    """Understand the name of a node in the line; None if no meta server made it."""
    parts = name.split("~")
    if len(parts) != 3:
        return None
    try:
        return Entry(int(parts[2]), int(parts[0], 16), NodeName(parts[1]))
    except ValueError:
        return None


def read_gpid(name: str) -> Gpid | None:
    """Understand the name of a partition's node; None if no meta server made it."""
    app_id, _, index = name.partition(".")
    if not (app_id.isdecimal() and index.isdecimal()):
        return None
    return Gpid(int(app_id), int(index))
