"""The operator's RPCs on a node of its own: one server that holds everything, and nothing to move."""

from collections.abc import Callable

from pegasus_server.meta.questions import serving_table
from pegasus_server.runtime.admin_rpcs import Configure
from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.meta_rpcs import ServeMeta, Tables, send
from pegasus_tab.base.cluster import DiskUsage
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestFrame
from pegasus_tab.wire.messages import (
    Address,
    BalanceRequest,
    BalanceResponse,
    DiagnoseRequest,
    DiagnoseResponse,
    NodeAccount,
    NodesRequest,
    NodesResponse,
    PartitionAccount,
    PartitionsRequest,
    PartitionsResponse,
    ProposeRequest,
    ProposeResponse,
    RecoverRequest,
    RecoverResponse,
    decode_arguments,
)

ALONE = "a standalone node keeps the one copy of each partition and all metadata itself"


class LoneAdminRpcs:
    """Serves the operator of a standalone node.

    Args:
        tables: the meta machine.
        address_for: the address of this node as a given client should use it.
        configuration: describes a partition on the wire, given its table and index.
        durability: class of the node's log.
        disk: tells how full its disk is, None while it does not know.
    """

    def __init__(
        self,
        tables: Tables,
        address_for: Callable[[Client], Address],
        configuration: Configure,
        durability: str,
        disk: Callable[[], DiskUsage | None],
    ) -> None:
        self._tables = tables
        self._address_for = address_for
        self._configuration = configuration
        self._durability = durability
        self._disk = disk
        self.table: dict[bytes, ServeMeta] = {
            codes.TAB_NODES: self._nodes,
            codes.TAB_PARTITIONS: self._partitions,
            codes.DDD_DIAGNOSE: _diagnose,
            codes.TAB_BALANCE: _balance,
            codes.PROPOSE_BALANCER: _propose,
            codes.START_RECOVERY: _recover,
        }

    def _nodes(self, frame: RequestFrame, client: Client) -> None:
        decode_arguments(frame, NodesRequest)
        state = self._tables.state
        served = [serving_table(state, each.name)[1] for each in state.tables.values()]
        disk = self._disk()
        account = NodeAccount(
            self._address_for(client),
            codes.NodeStatus.ALIVE,
            self._address_for(client).host,
            self._durability,
            sum(each.partition_count for each in served if each is not None),
            stored_bytes=-1 if disk is None else disk.stored_bytes,
            free_bytes=-1 if disk is None else disk.free_bytes,
        )
        send(frame, client, NodesResponse(nodes=[account]))

    def _partitions(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, PartitionsRequest)
        error, table = serving_table(self._tables.state, request.app_name)
        configs = (
            []
            if table is None
            else [self._configuration(table, each, client) for each in range(table.partition_count)]
        )
        accounts = [PartitionAccount(each, each.last_committed_decree) for each in configs]
        send(frame, client, PartitionsResponse(error, accounts))


def _diagnose(frame: RequestFrame, client: Client) -> None:
    decode_arguments(frame, DiagnoseRequest)
    send(frame, client, DiagnoseResponse())


def _balance(frame: RequestFrame, client: Client) -> None:
    decode_arguments(frame, BalanceRequest)
    send(frame, client, BalanceResponse())


def _propose(frame: RequestFrame, client: Client) -> None:
    decode_arguments(frame, ProposeRequest)
    send(frame, client, ProposeResponse(codes.ERR_INVALID_STATE, ALONE))


def _recover(frame: RequestFrame, client: Client) -> None:
    decode_arguments(frame, RecoverRequest)
    send(frame, client, RecoverResponse(codes.ERR_INVALID_STATE, ALONE))
