"""Requests and responses for those who look after a cluster (protocol reference 9).

Those named ``RPC_TAB_`` in ``codes`` are ours. The others are the ancestor's, to which ours add no
more than a hint that only comes with an error.
"""

from collections.abc import Sequence
from dataclasses import field
from typing import Annotated

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.address import NO_ADDRESS, Address
from pegasus_tab.wire.binary import (
    BOOLEAN,
    ERROR_CODE,
    GPID,
    HOST_PORT,
    I32,
    I64,
    RPC_ADDRESS,
    STRING,
    list_of,
)
from pegasus_tab.wire.messages_meta import PartitionConfiguration
from pegasus_tab.wire.thrift_struct import Struct, struct_of, thrift_struct

_ADDRESSES = list_of(RPC_ADDRESS)
_HOST_PORTS = list_of(HOST_PORT)
EVERY_PARTITION = Gpid(-1, -1)
"""In a DiagnoseRequest: of all tables."""


@thrift_struct
class ProposalAction(Struct):
    """One change of a partition's configuration; ``type`` is a ConfigType."""

    target: Annotated[Address, RPC_ADDRESS(1)] = NO_ADDRESS
    node: Annotated[Address, RPC_ADDRESS(2)] = NO_ADDRESS
    type: Annotated[int, I32(3)] = 0
    hp_target: Annotated[Address | None, HOST_PORT(5)] = None
    hp_node: Annotated[Address | None, HOST_PORT(6)] = None


@thrift_struct
class ProposeRequest(Struct):
    """Change who holds a partition; ``kind`` is a MoveType, None for a single action."""

    gpid: Annotated[Gpid, GPID(1)] = Gpid(0, 0)
    actions: Annotated[Sequence[ProposalAction], list_of(struct_of(ProposalAction))(2)] = ()
    force: Annotated[bool | None, BOOLEAN(3)] = None
    kind: Annotated[int | None, I32(4)] = None


@thrift_struct
class ProposeResponse(Struct):
    """Answer to PROPOSE_BALANCER."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    hint: Annotated[str | None, STRING(2)] = None


@thrift_struct
class DiagnoseRequest(Struct):
    """Which partitions are not whole; index -1 asks for a whole table, id -1 for all tables."""

    gpid: Annotated[Gpid, GPID(1)] = EVERY_PARTITION


@thrift_struct
class ReplicaEvidence(Struct):
    """What is known of one server's replica of a partition.

    Attributes:
        node: the server.
        drop_time_ms: when it left the configuration; 0, ours only knows the order.
        is_alive: it holds a lease.
        is_collected: it gave an account of its replicas.
        ballot: of its replica, -1 for none.
        last_committed_decree: of its replica, -1 for none.
        last_prepared_decree: of its replica, -1 for none.
        hp_node: never set it in an answer (4.3).
    """

    node: Annotated[Address, RPC_ADDRESS(1)] = NO_ADDRESS
    drop_time_ms: Annotated[int, I64(2)] = 0
    is_alive: Annotated[bool, BOOLEAN(3)] = False
    is_collected: Annotated[bool, BOOLEAN(4)] = False
    ballot: Annotated[int, I64(5)] = -1
    last_committed_decree: Annotated[int, I64(6)] = -1
    last_prepared_decree: Annotated[int, I64(7)] = -1
    hp_node: Annotated[Address | None, HOST_PORT(8)] = None


@thrift_struct
class PartitionDiagnosis(Struct):
    """A partition that is not whole, and the evidence to decide on, newest membership first."""

    config: Annotated[PartitionConfiguration, struct_of(PartitionConfiguration)(1)] = field(
        default_factory=PartitionConfiguration
    )
    evidence: Annotated[Sequence[ReplicaEvidence], list_of(struct_of(ReplicaEvidence))(2)] = ()
    reason: Annotated[str, STRING(3)] = ""


@thrift_struct
class DiagnoseResponse(Struct):
    """Answer to DDD_DIAGNOSE."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    partitions: Annotated[
        Sequence[PartitionDiagnosis], list_of(struct_of(PartitionDiagnosis))(2)
    ] = ()


@thrift_struct
class RecoverRequest(Struct):
    """Rebuild meta's store out of what these replica servers have; none means all that are known."""

    nodes: Annotated[Sequence[Address], _ADDRESSES(1)] = ()
    skip_bad_nodes: Annotated[bool, BOOLEAN(2)] = False
    skip_lost_partitions: Annotated[bool, BOOLEAN(3)] = False
    hp_nodes: Annotated[Sequence[Address] | None, _HOST_PORTS(4)] = None


@thrift_struct
class RecoverResponse(Struct):
    """Answer to START_RECOVERY; the hint lists what was found, or says why it failed."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    hint: Annotated[str, STRING(2)] = ""


@thrift_struct
class BalanceRequest(Struct):
    """Plan moves that even the load out and, unless it is a rehearsal, begin with them.

    ``kinds`` are MoveTypes, none means all.
    """

    moves_max: Annotated[int, I32(1)] = 0
    is_rehearsal: Annotated[bool, BOOLEAN(2)] = False
    kinds: Annotated[Sequence[int], list_of(I32)(3)] = ()


@thrift_struct
class PlannedMove(Struct):
    """A primary's role or a replica goes from one server to another; ``kind`` is a MoveType."""

    gpid: Annotated[Gpid, GPID(1)] = Gpid(0, 0)
    kind: Annotated[int, I32(2)] = 0
    source: Annotated[Address, RPC_ADDRESS(3)] = NO_ADDRESS
    target: Annotated[Address, RPC_ADDRESS(4)] = NO_ADDRESS


@thrift_struct
class BalanceResponse(Struct):
    """Answer to TAB_BALANCE: the plan in the order it is carried out."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    moves: Annotated[Sequence[PlannedMove], list_of(struct_of(PlannedMove))(2)] = ()
    hint: Annotated[str | None, STRING(3)] = None


@thrift_struct
class NodesRequest(Struct):
    """What is known of every replica server; asks nothing."""


@thrift_struct
class NodeAccount(Struct):
    """A replica server as meta sees it.

    Attributes:
        address: where it listens.
        status: a NodeStatus.
        host_label: servers with one label share a machine.
        durability: class of its log, "" while unknown.
        primaries: partitions it serves.
        secondaries: partitions it holds a copy of beside those.
        silent_ms: since when meta heard nothing of it.
        rests_ms: for how long it gets no new replica because it was too slow, 0 if it does.
        stored_bytes: what its data folder takes on disk, -1 while unknown.
        free_bytes: what is free there, -1 while unknown.
    """

    address: Annotated[Address, RPC_ADDRESS(1)] = NO_ADDRESS
    status: Annotated[int, I32(2)] = 0
    host_label: Annotated[str, STRING(3)] = ""
    durability: Annotated[str, STRING(4)] = ""
    primaries: Annotated[int, I32(5)] = 0
    secondaries: Annotated[int, I32(6)] = 0
    silent_ms: Annotated[int, I64(7)] = 0
    rests_ms: Annotated[int, I64(8)] = 0
    stored_bytes: Annotated[int, I64(9)] = -1
    free_bytes: Annotated[int, I64(10)] = -1


@thrift_struct
class NodesResponse(Struct):
    """Answer to TAB_NODES, by address."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    nodes: Annotated[Sequence[NodeAccount], list_of(struct_of(NodeAccount))(2)] = ()


@thrift_struct
class PartitionsRequest(Struct):
    """What is known of every partition of a table."""

    app_name: Annotated[str, STRING(1)] = ""


@thrift_struct
class PartitionAccount(Struct):
    """A partition as meta sees it.

    Attributes:
        config: who holds it; its decree is the last committed one, as last reported.
        last_prepared_decree: of the primary, as last reported, -1 while unknown.
        learners: whom the primary teaches.
        reason: what it waits for or does, "" if it is whole.
    """

    config: Annotated[PartitionConfiguration, struct_of(PartitionConfiguration)(1)] = field(
        default_factory=PartitionConfiguration
    )
    last_prepared_decree: Annotated[int, I64(2)] = -1
    learners: Annotated[Sequence[Address], _ADDRESSES(3)] = ()
    reason: Annotated[str, STRING(4)] = ""


@thrift_struct
class PartitionsResponse(Struct):
    """Answer to TAB_PARTITIONS, by partition index."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    partitions: Annotated[Sequence[PartitionAccount], list_of(struct_of(PartitionAccount))(2)] = ()
