"""Requests and responses of meta servers (protocol reference 4 and 9).

``err`` is an error name of the second layer: the framework error beside it stays ERR_OK. A ``hint``
that the ancestor's response does not have is ours, and comes only with an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Annotated

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.address import NO_ADDRESS, Address
from pegasus_tab.wire.binary import (
    BLOB,
    BOOLEAN,
    ERROR_CODE,
    GPID,
    HOST_PORT,
    I32,
    I64,
    RPC_ADDRESS,
    STRING,
    list_of,
    map_of,
)
from pegasus_tab.wire.thrift_struct import Struct, struct_of, thrift_struct

_ADDRESSES = list_of(RPC_ADDRESS)
_HOST_PORTS = list_of(HOST_PORT)
_STRINGS = list_of(STRING)
_ENVS = map_of(STRING, STRING)


def _no_envs() -> Mapping[str, str]:
    return MappingProxyType({})


@thrift_struct
class PartitionConfiguration(Struct):
    """Who serves a partition.

    Never set the ``hp_`` fields in an answer: pypegasus3 loses its connection over them (4.3).
    """

    pid: Annotated[Gpid, GPID(1)] = Gpid(0, 0)
    ballot: Annotated[int, I64(2)] = 0
    max_replica_count: Annotated[int, I32(3)] = 0
    primary: Annotated[Address, RPC_ADDRESS(4)] = NO_ADDRESS
    secondaries: Annotated[Sequence[Address], _ADDRESSES(5)] = ()
    last_drops: Annotated[Sequence[Address], _ADDRESSES(6)] = ()
    last_committed_decree: Annotated[int, I64(7)] = 0
    partition_flags: Annotated[int, I32(8)] = 0
    hp_primary: Annotated[Address | None, HOST_PORT(9)] = None
    hp_secondaries: Annotated[Sequence[Address] | None, _HOST_PORTS(10)] = None
    hp_last_drops: Annotated[Sequence[Address] | None, _HOST_PORTS(11)] = None


@thrift_struct
class QueryConfigRequest(Struct):
    """Where a table's partitions are; no indices means all."""

    app_name: Annotated[str, STRING(1)] = ""
    partition_indices: Annotated[Sequence[int], list_of(I32)(2)] = ()


@thrift_struct
class QueryConfigResponse(Struct):
    """Answer to QUERY_CONFIG: ``is_stateful`` must be True exactly on success (4.2)."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    app_id: Annotated[int, I32(2)] = 0
    partition_count: Annotated[int, I32(3)] = 0
    is_stateful: Annotated[bool, BOOLEAN(4)] = False
    partitions: Annotated[
        Sequence[PartitionConfiguration], list_of(struct_of(PartitionConfiguration))(5)
    ] = ()


@thrift_struct
class CreateAppOptions(Struct):
    """What a new table is to be like."""

    partition_count: Annotated[int, I32(1)] = 0
    replica_count: Annotated[int, I32(2)] = 0
    success_if_exist: Annotated[bool, BOOLEAN(3)] = False
    app_type: Annotated[str, STRING(4)] = "pegasus"
    is_stateful: Annotated[bool, BOOLEAN(5)] = True
    envs: Annotated[Mapping[str, str], _ENVS(6)] = field(default_factory=_no_envs)
    atomic_idempotent: Annotated[bool | None, BOOLEAN(7)] = None


@thrift_struct
class CreateAppRequest(Struct):
    """Make a table."""

    app_name: Annotated[str, STRING(1)] = ""
    options: Annotated[CreateAppOptions, struct_of(CreateAppOptions)(2)] = field(
        default_factory=CreateAppOptions
    )


@thrift_struct
class CreateAppResponse(Struct):
    """Answer to CREATE_APP."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    appid: Annotated[int, I32(2)] = 0
    hint: Annotated[str | None, STRING(3)] = None


@thrift_struct
class DropAppOptions(Struct):
    """How to drop a table; ``reserve_seconds`` is how long RECALL can bring it back."""

    success_if_not_exist: Annotated[bool, BOOLEAN(1)] = False
    reserve_seconds: Annotated[int | None, I64(2)] = None


@thrift_struct
class DropAppRequest(Struct):
    """Drop a table."""

    app_name: Annotated[str, STRING(1)] = ""
    options: Annotated[DropAppOptions, struct_of(DropAppOptions)(2)] = field(
        default_factory=DropAppOptions
    )


@thrift_struct
class DropAppResponse(Struct):
    """Answer to DROP_APP."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    hint: Annotated[str | None, STRING(2)] = None


@thrift_struct
class AppInfo(Struct):
    """A table as the meta server knows it; seconds are unix time, 0 when not so."""

    status: Annotated[int, I32(1)] = 0
    app_type: Annotated[str, STRING(2)] = ""
    app_name: Annotated[str, STRING(3)] = ""
    app_id: Annotated[int, I32(4)] = 0
    partition_count: Annotated[int, I32(5)] = 0
    envs: Annotated[Mapping[str, str], _ENVS(6)] = field(default_factory=_no_envs)
    is_stateful: Annotated[bool, BOOLEAN(7)] = False
    max_replica_count: Annotated[int, I32(8)] = 0
    expire_second: Annotated[int, I64(9)] = 0
    create_second: Annotated[int, I64(10)] = 0
    drop_second: Annotated[int, I64(11)] = 0
    duplicating: Annotated[bool | None, BOOLEAN(12)] = None
    init_partition_count: Annotated[int, I32(13)] = -1
    is_bulk_loading: Annotated[bool | None, BOOLEAN(14)] = None
    atomic_idempotent: Annotated[bool | None, BOOLEAN(15)] = None


@thrift_struct
class RecallAppRequest(Struct):
    """Bring a dropped table back, under its old name when the new one is empty."""

    app_id: Annotated[int, I32(1)] = 0
    new_app_name: Annotated[str, STRING(2)] = ""


@thrift_struct
class RecallAppResponse(Struct):
    """Answer to RECALL_APP."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    info: Annotated[AppInfo, struct_of(AppInfo)(2)] = field(default_factory=AppInfo)
    hint: Annotated[str | None, STRING(3)] = None


@thrift_struct
class RenameAppRequest(Struct):
    """Give a table another name."""

    old_app_name: Annotated[str, STRING(1)] = ""
    new_app_name: Annotated[str, STRING(2)] = ""


@thrift_struct
class RenameAppResponse(Struct):
    """Answer to RENAME_APP."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    hint: Annotated[str, STRING(2)] = ""


@thrift_struct
class ListAppsRequest(Struct):
    """Which tables there are; ``status`` is an AppStatus, INVALID for all."""

    status: Annotated[int, I32(1)] = 0
    pattern: Annotated[str | None, STRING(2)] = None
    match_type: Annotated[int | None, I32(3)] = None


@thrift_struct
class ListAppsResponse(Struct):
    """Answer to LIST_APPS."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    infos: Annotated[Sequence[AppInfo], list_of(struct_of(AppInfo))(2)] = ()
    hint: Annotated[str | None, STRING(3)] = None


@thrift_struct
class UpdateAppEnvRequest(Struct):
    """Change a table's envs; ``op`` is an AppEnvOperation."""

    app_name: Annotated[str, STRING(1)] = ""
    op: Annotated[int, I32(2)] = 0
    keys: Annotated[Sequence[str] | None, _STRINGS(3)] = None
    values: Annotated[Sequence[str] | None, _STRINGS(4)] = None
    clear_prefix: Annotated[str | None, STRING(5)] = None


@thrift_struct
class UpdateAppEnvResponse(Struct):
    """Answer to UPDATE_APP_ENV."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    hint: Annotated[str, STRING(2)] = ""


@thrift_struct
class SetReplicaCountRequest(Struct):
    """Ask for another number of copies of each partition of a table."""

    app_name: Annotated[str, STRING(1)] = ""
    max_replica_count: Annotated[int, I32(2)] = 0


@thrift_struct
class SetReplicaCountResponse(Struct):
    """Answer to SET_MAX_REPLICA_COUNT; ours tells the number that holds now."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    old_max_replica_count: Annotated[int, I32(2)] = 0
    hint: Annotated[str, STRING(3)] = ""


@thrift_struct
class ListNodesRequest(Struct):
    """Which replica servers there are; ``status`` is a NodeStatus, INVALID for all."""

    status: Annotated[int, I32(1)] = 0


@thrift_struct
class NodeInfo(Struct):
    """A replica server; never set ``hp_address`` in an answer (4.3)."""

    status: Annotated[int, I32(1)] = 0
    address: Annotated[Address, RPC_ADDRESS(2)] = NO_ADDRESS
    hp_address: Annotated[Address | None, HOST_PORT(3)] = None


@thrift_struct
class ListNodesResponse(Struct):
    """Answer to LIST_NODES."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    infos: Annotated[Sequence[NodeInfo], list_of(struct_of(NodeInfo))(2)] = ()


@thrift_struct
class ClusterInfoRequest(Struct):
    """Facts about the cluster as text; asks nothing."""


@thrift_struct
class ClusterInfoResponse(Struct):
    """Answer to CLUSTER_INFO: names and values, side by side."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    keys: Annotated[Sequence[str], _STRINGS(2)] = ()
    values: Annotated[Sequence[str], _STRINGS(3)] = ()


@thrift_struct
class ControlMetaRequest(Struct):
    """Set the meta server's level of activity; 10000 only asks for it."""

    level: Annotated[int, I32(1)] = 0


@thrift_struct
class ControlMetaResponse(Struct):
    """Answer to CONTROL_META."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    old_level: Annotated[int, I32(2)] = 0
    hint: Annotated[str | None, STRING(3)] = None


@thrift_struct
class NegotiationMessage(Struct):
    """A step of the SASL handshake, both directions; ``status`` is a NegotiationStatus."""

    status: Annotated[int, I32(1)] = 0
    msg: Annotated[bytes, BLOB(2)] = b""
