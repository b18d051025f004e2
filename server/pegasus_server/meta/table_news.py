"""Who is told what about tables: at once when it changes, and again now and then, in case it got lost."""

from collections.abc import Iterable

from pegasus_server.meta.lease_numbers import US_PER_SECOND
from pegasus_server.meta.messages import TableNotice
from pegasus_server.meta.table import Table
from pegasus_tab.base.ids import NodeName

REPEAT_US = 60 * US_PER_SECOND


class TableNews:
    """Remembers when each replica server was last told of all its tables."""

    def __init__(self) -> None:
        self._told_us: dict[NodeName, int] = {}

    def introduce(self, node: NodeName) -> None:
        """Tell a server everything with its next account: its process may be new."""
        self._told_us.pop(node, None)

    def due(self, node: NodeName, tables: Iterable[Table], now_us: int) -> list[TableNotice]:
        """Return what to tell a server that gave account of replicas of these tables."""
        told_us = self._told_us.get(node)
        if told_us is not None and now_us - told_us < REPEAT_US:
            return []
        self._told_us[node] = now_us
        return [notice(each) for each in tables]


def notice(table: Table) -> TableNotice:
    """Render what replica servers know of a table."""
    return TableNotice(
        app_id=table.app_id,
        name=table.name,
        status=table.status,
        partition_count=table.partition_count,
        max_replica_count=table.max_replica_count,
        envs=table.envs,
    )
