"""Where a table's partitions are: what meta answered last, and the calls that wait for an answer."""

import math
from collections.abc import Callable
from typing import Final

from pegasus_tab.base.errors import Error, InternalError, OperationalError
from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import PARTITIONS_MAX
from pegasus_tab.kv import failure
from pegasus_tab.kv.call import Call, Effect, Method, Pending
from pegasus_tab.kv.connection import Connection
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.frame import ResponseFrame
from pegasus_tab.wire.messages import (
    QueryConfigRequest,
    QueryConfigResponse,
    arguments,
    decode_result,
)


def _decode_config(frame: ResponseFrame) -> QueryConfigResponse:
    return decode_result(frame, QueryConfigResponse)


_NO_SUCH_TABLE: Final = frozenset(
    {codes.ERR_OBJECT_NOT_FOUND, codes.ERR_APP_NOT_EXIST, codes.ERR_BUSY_DROPPING}
)

LOCATE: Final[Method[object]] = Method(b"look-up", None, Effect.READ)
"""Never sent: a call that is over as soon as its table's partitions are known."""
QUERY_CONFIG: Final = Method(codes.QUERY_CONFIG, _decode_config, Effect.READ)


def query_config_call(table: str) -> Call[QueryConfigResponse]:
    """Build the question where a table's partitions are."""
    request = QueryConfigRequest(app_name=table)
    return Call("", QUERY_CONFIG, 0, arguments(request.encode()))


class PartitionTable:
    """One table's partitions, as far as known.

    Invariants: ``connections`` and ``gpids`` have ``partition_count`` entries; the count is 0
    until the first answer and a power of two afterwards; calls wait only while ``query`` is there.

    Attributes:
        name: of the table.
        app_id: of the table; changes when it is dropped and created again.
        partition_count: 0 when unknown.
        version: counts the answers taken in.
        connections: per partition, the connection to its primary, None when it has no primary.
        gpids: per partition, the id requests carry.
        waiting: calls held back until the next answer, in the order they came.
        query: the question under way, None when there is none.
    """

    __slots__ = (
        "app_id",
        "connections",
        "gpids",
        "name",
        "partition_count",
        "query",
        "version",
        "waiting",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.app_id = 0
        self.partition_count = 0
        self.version = 0
        self.connections: list[Connection | None] = []
        self.gpids: list[Gpid] = []
        self.waiting: list[Pending] = []
        self.query: Query | None = None

    def take_in(self, result: object, connection: Callable[[Address], Connection]) -> Error | None:
        """Take in what asking meta led to.

        Args:
            result: the answer, or the error that came instead.
            connection: finds or makes the connection to an address.

        Returns:
            What is wrong with it, None when the table is known now.
        """
        if isinstance(result, Error):
            return result
        assert isinstance(result, QueryConfigResponse)
        if result.err in _NO_SUCH_TABLE:
            return failure.no_such_table(self.name)
        if result.err != codes.ERR_OK:
            return OperationalError(f'meta answered {result.err} about table "{self.name}"')
        contradiction = _contradiction(result)
        if contradiction is not None:
            return InternalError(
                f'meta answered a wrong partition configuration for table "{self.name}": '
                f"{contradiction}",
                hint="look at the meta server's log",
            )
        self._learn(result, connection)
        return None

    def _learn(
        self, response: QueryConfigResponse, connection: Callable[[Address], Connection]
    ) -> None:
        count = response.partition_count
        by_index = {part.pid.partition_index: part for part in response.partitions}
        connections: list[Connection | None] = []
        gpids: list[Gpid] = []
        for index in range(count):
            # A ballot below zero marks a child of a running split: its parent still serves its
            # rows (protocol reference 4.1 and 4.2).
            home = index - count // 2 if by_index[index].ballot < 0 <= index - count // 2 else index
            primary = by_index[home].primary
            connections.append(connection(primary) if primary else None)
            gpids.append(Gpid(response.app_id, home))
        self.app_id = response.app_id
        self.partition_count = count
        self.connections = connections
        self.gpids = gpids
        self.version += 1


def _contradiction(response: QueryConfigResponse) -> str | None:
    """Say in what a partition configuration contradicts itself, None when it does not."""
    count = response.partition_count
    if not 0 < count <= PARTITIONS_MAX or count & (count - 1):
        return f"{count} partitions, expected a power of two up to {PARTITIONS_MAX}"
    listed = sorted(part.pid.partition_index for part in response.partitions)
    if listed != list(range(count)):
        return f"it lists {len(listed)} of {count} partitions"
    return None


class Query(Pending):
    """The session's own question to meta about one table."""

    __slots__ = ("table",)

    def __init__(self, table: PartitionTable, timeout_ms: int, owner: object) -> None:
        super().__init__(query_config_call(table.name), math.inf, timeout_ms, owner)
        self.table = table
