"""What a ``MemoryCluster`` answers an operator: accounts that a test writes down by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestFrame
from pegasus_tab.wire.messages import (
    BalanceRequest,
    BalanceResponse,
    ClusterInfoResponse,
    DiagnoseResponse,
    ListNodesResponse,
    NodeAccount,
    NodeInfo,
    NodesResponse,
    PartitionDiagnosis,
    PlannedMove,
    decode_arguments,
)


@dataclass
class MemoryOperator:
    """Accounts of servers, and what was ordered.

    Attributes:
        is_plain: it is plain Pegasus, which knows no RPC_TAB_ name.
        orders: every BALANCE so far.
    """

    nodes: list[NodeAccount] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    diagnoses: list[PartitionDiagnosis] = field(default_factory=list)
    moves: list[PlannedMove] = field(default_factory=list)
    orders: list[BalanceRequest] = field(default_factory=list)
    is_plain: bool = False

    def answer(self, frame: RequestFrame) -> Any:
        """Answer, or return None if the request is not known."""
        if self.is_plain and frame.name.startswith(b"RPC_TAB_"):
            return None
        serve = _SERVED.get(frame.name)
        return None if serve is None else serve(self, frame)

    def _list_nodes(self, _: RequestFrame) -> ListNodesResponse:
        return ListNodesResponse(infos=[NodeInfo(each.status, each.address) for each in self.nodes])

    def _nodes(self, _: RequestFrame) -> NodesResponse:
        return NodesResponse(nodes=self.nodes)

    def _info(self, _: RequestFrame) -> ClusterInfoResponse:
        return ClusterInfoResponse(keys=list(self.facts), values=list(self.facts.values()))

    def _diagnose(self, _: RequestFrame) -> DiagnoseResponse:
        return DiagnoseResponse(partitions=self.diagnoses)

    def _balance(self, frame: RequestFrame) -> BalanceResponse:
        self.orders.append(decode_arguments(frame, BalanceRequest))
        return BalanceResponse(moves=self.moves)


_SERVED: Mapping[bytes, Callable[[MemoryOperator, RequestFrame], Any]] = {
    codes.LIST_NODES: MemoryOperator._list_nodes,
    codes.TAB_NODES: MemoryOperator._nodes,
    codes.CLUSTER_INFO: MemoryOperator._info,
    codes.DDD_DIAGNOSE: MemoryOperator._diagnose,
    codes.TAB_BALANCE: MemoryOperator._balance,
}
