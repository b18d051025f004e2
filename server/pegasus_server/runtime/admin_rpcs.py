"""The operator's RPCs at a cluster's meta server (protocol reference 9): wire messages to orders.

Questions are answered by the leader alone; orders go to the machine, which answers for itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pegasus_server.meta.balance import Move, MoveKind
from pegasus_server.meta.cluster_inputs import Balance, Recover
from pegasus_server.meta.diagnosis import Diagnosis, Evidence, diagnose
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.questions import serving_table
from pegasus_server.meta.survey import NodeSurvey, PartitionSurvey, survey_nodes, survey_partitions
from pegasus_server.meta.table import Table
from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.clock import boottime_us
from pegasus_server.runtime.meta_driver import MetaDriver
from pegasus_server.runtime.meta_rpcs import ServeMeta, send
from pegasus_server.runtime.node_address import address_of, node_of
from pegasus_server.runtime.proposal import UnknownProposalError, order_of
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import MoveType
from pegasus_tab.wire.frame import RequestFrame
from pegasus_tab.wire.messages import (
    NO_ADDRESS,
    BalanceRequest,
    BalanceResponse,
    DiagnoseRequest,
    DiagnoseResponse,
    NodeAccount,
    NodesRequest,
    NodesResponse,
    PartitionAccount,
    PartitionConfiguration,
    PartitionDiagnosis,
    PartitionsRequest,
    PartitionsResponse,
    PlannedMove,
    ProposeRequest,
    ProposeResponse,
    RecoverRequest,
    RecoverResponse,
    ReplicaEvidence,
    decode_arguments,
)

MOVE_TYPES = {MoveKind.PRIMARY: MoveType.MOVE_PRIMARY, MoveKind.REPLICA: MoveType.COPY_SECONDARY}
MOVE_KINDS = {int(number): kind for kind, number in MOVE_TYPES.items()}
_US_PER_MS = 1000

Configure = Callable[[Table, int, Client], PartitionConfiguration]


class AdminRpcs:
    """Serves the operator of a cluster.

    Args:
        driver: the meta machine.
        configuration: describes a partition on the wire, given its table and index.
    """

    def __init__(self, driver: MetaDriver, configuration: Configure) -> None:
        self._driver = driver
        self._configuration = configuration
        self.table: dict[bytes, ServeMeta] = {
            codes.TAB_NODES: self._nodes,
            codes.TAB_PARTITIONS: self._partitions,
            codes.DDD_DIAGNOSE: self._diagnose,
            codes.TAB_BALANCE: self._balance,
            codes.PROPOSE_BALANCER: self._propose,
            codes.START_RECOVERY: self._recover,
        }

    # Questions.

    def _nodes(self, frame: RequestFrame, client: Client) -> None:
        decode_arguments(frame, NodesRequest)
        if not self._driver.is_leading:
            send(frame, client, NodesResponse(err=codes.ERR_FORWARD_TO_OTHERS))
            return
        now_us = boottime_us()
        accounts = [
            _node_account(each, now_us) for each in survey_nodes(self._driver.guardian, now_us)
        ]
        send(frame, client, NodesResponse(nodes=accounts))

    def _partitions(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, PartitionsRequest)
        if not self._driver.is_leading:
            send(frame, client, PartitionsResponse(err=codes.ERR_FORWARD_TO_OTHERS))
            return
        error, table = serving_table(self._driver.state, request.app_name)
        surveys = [] if table is None else survey_partitions(self._driver.guardian, table)
        accounts = [] if table is None else [self._account(table, each, client) for each in surveys]
        send(frame, client, PartitionsResponse(error, accounts))

    def _account(self, table: Table, survey: PartitionSurvey, client: Client) -> PartitionAccount:
        return PartitionAccount(
            self._shown(table, survey.gpid, client),
            -1 if survey.prepared is None else survey.prepared,
            [address_of(each) for each in survey.learners],
            survey.reason,
        )

    def _diagnose(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, DiagnoseRequest)
        if not self._driver.is_leading:
            send(frame, client, DiagnoseResponse(err=codes.ERR_FORWARD_TO_OTHERS))
            return
        found = [
            self._diagnosis(each, client)
            for each in diagnose(self._driver.guardian)
            if _is_asked_for(each.gpid, request.gpid)
        ]
        send(frame, client, DiagnoseResponse(partitions=found))

    def _diagnosis(self, diagnosis: Diagnosis, client: Client) -> PartitionDiagnosis:
        table = self._driver.state.tables[diagnosis.gpid.app_id]
        return PartitionDiagnosis(
            self._shown(table, diagnosis.gpid, client),
            [_evidence(each) for each in diagnosis.evidence],
            diagnosis.reason,
        )

    def _shown(self, table: Table, gpid: Gpid, client: Client) -> PartitionConfiguration:
        """Describe a partition; a primary that surely serves nothing is none, whatever is stored."""
        config = self._configuration(table, gpid.partition_index, client)
        is_serving = self._driver.guardian.ward.is_serving(gpid)
        return config if is_serving else replace(config, primary=NO_ADDRESS)

    # Orders.

    def _balance(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, BalanceRequest)
        kinds = frozenset(MOVE_KINDS[each] for each in request.kinds if each in MOVE_KINDS)
        if request.moves_max < 1 or len(kinds) != len(set(request.kinds)):
            hint = f"at most {request.moves_max} moves of the kinds {list(request.kinds)}"
            send(frame, client, BalanceResponse(codes.ERR_INVALID_PARAMETERS, hint=hint))
            return

        def answer(reply: Reply) -> None:
            moves = planned(reply.moves)
            send(frame, client, BalanceResponse(reply.error, moves, reply.hint or None))

        self._driver.command(
            Balance(request.moves_max, request.is_rehearsal, answer, kinds or frozenset(MoveKind))
        )

    def _propose(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, ProposeRequest)

        def answer(reply: Reply) -> None:
            send(frame, client, ProposeResponse(reply.error, reply.hint or None))

        try:
            order = order_of(request, answer)
        except UnknownProposalError as error:
            send(frame, client, ProposeResponse(codes.ERR_INVALID_PARAMETERS, str(error)))
        else:
            self._driver.command(order)

    def _recover(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, RecoverRequest)
        nodes = tuple(node_of(each) for each in request.nodes if each)
        if not nodes and self._driver.is_leading:
            nodes = tuple(each.name for each in self._driver.nodes())
        self._driver.command(
            Recover(
                nodes,
                request.skip_bad_nodes,
                request.skip_lost_partitions,
                lambda reply: send(frame, client, RecoverResponse(reply.error, reply.hint)),
            )
        )


def planned(moves: Sequence[Move]) -> list[PlannedMove]:
    """Turn a plan into its wire form."""
    return [
        PlannedMove(
            each.gpid, MOVE_TYPES[each.kind], address_of(each.source), address_of(each.target)
        )
        for each in moves
    ]


def _is_asked_for(gpid: Gpid, asked: Gpid) -> bool:
    is_table = asked.app_id in (-1, gpid.app_id)
    return is_table and asked.partition_index in (-1, gpid.partition_index)


def _node_account(survey: NodeSurvey, now_us: int) -> NodeAccount:
    node, disk = survey.node, survey.disk
    return NodeAccount(
        address_of(node.name),
        codes.NodeStatus.ALIVE if node.is_alive else codes.NodeStatus.UNALIVE,
        node.host_label,
        node.durability,
        survey.primaries,
        survey.secondaries,
        max(0, now_us - node.heard_us) // _US_PER_MS,
        survey.rests_us // _US_PER_MS,
        -1 if disk is None else disk.stored_bytes,
        -1 if disk is None else disk.free_bytes,
    )


def _evidence(evidence: Evidence) -> ReplicaEvidence:
    report = evidence.report
    return ReplicaEvidence(
        address_of(evidence.node),
        is_alive=evidence.is_alive,
        is_collected=evidence.is_collected,
        ballot=-1 if report is None else report.ballot,
        last_committed_decree=-1 if report is None else report.committed,
        last_prepared_decree=-1 if report is None else report.prepared,
    )
