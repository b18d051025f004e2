"""Whether a healed cluster is whole: every partition served, copied, and the same everywhere."""

from collections.abc import Sequence

from pegasus_server.simulator.meta_store import MetaStore
from pegasus_server.simulator.replica_server import ReplicaServer
from pegasus_server.simulator.workload import APP_ID
from pegasus_tab.base.cluster import ReplicaStatus
from pegasus_tab.base.ids import Gpid


def lacking(
    store: MetaStore, servers: Sequence[ReplicaServer], partitions: int, replicas: int
) -> str | None:
    """Say what keeps a cluster from being whole.

    Args:
        store: of the metas.
        servers: those alive.
        partitions: of the table.
        replicas: copies every partition must have.

    Returns:
        The first thing that is missing, None if nothing is.
    """
    by_name = {each.node: each for each in servers}
    for index in range(partitions):
        gpid = Gpid(APP_ID, index)
        record, _ = store.partitions.get(gpid, (None, None))
        if record is None:
            return f"partition {gpid} has no record"
        config = record.config
        if config.primary is None or len(config.members) < replicas:
            return f"partition {gpid} has the members {', '.join(config.members) or 'none'}"
        decrees = set()
        for node in config.members:
            if node not in by_name or gpid not in by_name[node].replicas:
                return f"partition {gpid}: {node} has no replica"
            replica = by_name[node].replicas[gpid]
            role = ReplicaStatus.PRIMARY if node == config.primary else ReplicaStatus.SECONDARY
            if replica.machine.status != role or replica.machine.ballot != config.ballot:
                status, ballot = replica.machine.status, replica.machine.ballot
                return f"partition {gpid}: {node} is {status} of ballot {ballot}, not {role}"
            decrees.add(replica.engine.applied_decree)
        leader = by_name[config.primary].replicas[gpid].machine.primary
        if leader is None or not leader.is_serving:
            return f"partition {gpid}: {config.primary} does not serve yet"
        if len(decrees) > 1:
            return f"partition {gpid}: its members stand at decrees {sorted(decrees)}"
    return None
