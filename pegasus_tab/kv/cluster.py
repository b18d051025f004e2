"""What an operator asks of a cluster's meta servers, and orders them to do.

``TableHandle`` is for the rows of a table, this for the servers that hold them. Plain Pegasus does
not know three of the requests; what it does know stands in for two of them, with less to tell.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.codes import ConfigType, FunctionLevel, MoveType
from pegasus_tab.wire.messages import (
    EVERY_PARTITION,
    BalanceRequest,
    BalanceResponse,
    ClusterInfoRequest,
    ClusterInfoResponse,
    ControlMetaRequest,
    ControlMetaResponse,
    DiagnoseRequest,
    DiagnoseResponse,
    NodeAccount,
    NodesRequest,
    NodesResponse,
    PartitionAccount,
    PartitionDiagnosis,
    PartitionsRequest,
    PartitionsResponse,
    PlannedMove,
    ProposalAction,
    ProposeRequest,
    ProposeResponse,
    RecoverRequest,
    RecoverResponse,
)

if TYPE_CHECKING:
    from pegasus_tab.kv.client import Client

BALANCE_MOVES_MAX: Final = 1024
"""Moves in one plan when the caller does not say."""
RECOVERY_MS_MIN: Final = 90_000
"""Least time for a recovery: servers may take 30 s to tell what they have."""


class ClusterHandle:
    """The servers of the cluster a client is connected to; nothing is asked until a method is called.

    Args:
        client: whose connections and time limits it shares.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client

    # -- questions -------------------------------------------------------------------------------

    def nodes(self) -> Sequence[NodeAccount]:
        """List the replica servers and what each holds, by address; numbers are -1 if unknown."""
        try:
            return self._client.meta(codes.TAB_NODES, NodesRequest(), NodesResponse).nodes
        except NotSupportedError:
            return [
                NodeAccount(each.address, each.status, primaries=-1, secondaries=-1, silent_ms=-1)
                for each in self._client.list_nodes()
            ]

    def partitions(self, table: str) -> Sequence[PartitionAccount]:
        """Tell who holds each partition of a table and what it lacks, by partition index.

        Raises:
            ProgrammingError: there is no such table.
        """
        request = PartitionsRequest(table)
        try:
            return self._client.meta(codes.TAB_PARTITIONS, request, PartitionsResponse).partitions
        except NotSupportedError:
            return [PartitionAccount(config) for config in self._client.partitions(table)]

    def facts(self) -> Mapping[str, str]:
        """Tell what the leading meta server says about itself and the cluster, by name."""
        request = ClusterInfoRequest()
        response = self._client.meta(codes.CLUSTER_INFO, request, ClusterInfoResponse)
        return dict(zip(response.keys, response.values, strict=False))

    def diagnose(self, partition: Gpid = EVERY_PARTITION) -> Sequence[PartitionDiagnosis]:
        """List the partitions that are not whole, with the evidence on their replicas.

        Args:
            partition: only this one; index -1 for all of a table, id -1 for all tables.
        """
        request = DiagnoseRequest(partition)
        return self._client.meta(codes.DDD_DIAGNOSE, request, DiagnoseResponse).partitions

    def level(self) -> FunctionLevel:
        """Tell what meta does by itself, as it was set."""
        return FunctionLevel(self._control(codes.LEVEL_QUERY))

    # -- orders ----------------------------------------------------------------------------------

    def set_level(self, level: FunctionLevel) -> FunctionLevel:
        """Set what meta does by itself; it lasts until it is set again.

        Returns:
            The level before.
        """
        return FunctionLevel(self._control(level))

    def balance(
        self,
        *,
        dry_run: bool = False,
        moves_max: int = BALANCE_MOVES_MAX,
        kinds: Collection[MoveType] = (),
    ) -> Sequence[PlannedMove]:
        """Plan moves that spread primaries and replicas evenly, and begin with them.

        Args:
            dry_run: only plan.
            moves_max: plan at most so many, >= 1.
            kinds: MOVE_PRIMARY, COPY_SECONDARY, or nothing for both.

        Returns:
            The plan, in the order it is carried out.

        Raises:
            OperationalError: the level is freezed, or moves are under way already.
        """
        request = BalanceRequest(moves_max, dry_run, sorted(kinds))
        return self._client.meta(codes.TAB_BALANCE, request, BalanceResponse).moves

    def move_primary(self, partition: Gpid, target: Address) -> None:
        """Make a secondary the primary of a partition, by handing over."""
        self._propose(partition, [_action(ConfigType.UPGRADE_TO_PRIMARY, target)], MoveType(0))

    def copy_replica(self, partition: Gpid, source: Address, target: Address) -> None:
        """Give a server the replica that a secondary has; the secondary's goes when it is there."""
        actions = [
            _action(ConfigType.ADD_SECONDARY_FOR_LB, target),
            _action(ConfigType.DOWNGRADE_TO_INACTIVE, source),
        ]
        self._propose(partition, actions, MoveType.COPY_SECONDARY)

    def remove_replica(self, partition: Gpid, source: Address) -> None:
        """Take a secondary out of a partition; another server gets a replica if there is one."""
        self._propose(partition, [_action(ConfigType.REMOVE, source)], None)

    def force_primary(self, partition: Gpid, target: Address) -> None:
        """Make a server the primary of a partition that has none, with whatever its replica holds.

        Acknowledged writes that this replica lacks are lost for good.
        """
        self._propose(partition, [_action(ConfigType.ASSIGN_PRIMARY, target)], None)

    def recover(
        self,
        nodes: Sequence[Address] = (),
        *,
        skip_silent: bool = False,
        skip_lost: bool = False,
    ) -> str:
        """Rebuild meta's lost store out of what the replica servers have.

        Args:
            nodes: all replica servers of the cluster; those that meta hears of when empty.
            skip_silent: go on without servers that do not answer.
            skip_lost: make partitions that no server has a replica of anew, empty.

        Returns:
            What the operator should know, a line each, "" for nothing.

        Raises:
            OperationalError: the store is not empty, or something is missing; nothing was changed.
        """
        request = RecoverRequest(list(nodes), skip_silent, skip_lost)
        patient = self._client.within(RECOVERY_MS_MIN)
        return patient.meta(codes.START_RECOVERY, request, RecoverResponse).hint

    def _control(self, level: int) -> int:
        request = ControlMetaRequest(level)
        response = self._client.meta(
            codes.CONTROL_META, request, ControlMetaResponse, repeatable=True
        )
        return response.old_level

    def _propose(
        self, partition: Gpid, actions: Sequence[ProposalAction], kind: MoveType | None
    ) -> None:
        request = ProposeRequest(partition, actions, True, kind)
        self._client.meta(codes.PROPOSE_BALANCER, request, ProposeResponse)


def _action(kind: ConfigType, node: Address) -> ProposalAction:
    return ProposalAction(node, node, kind)
