"""Meta's RPCs (protocol reference 4 and 9): wire messages to the meta loop and back.

Errors of this layer travel inside the response; the framework error stays ERR_OK.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.inputs import (
    ClearEnvs,
    CreateTable,
    DeleteEnvs,
    DropTable,
    MetaRequest,
    RecallTable,
    RenameTable,
    SetEnvs,
    SetReplicaCount,
)
from pegasus_server.meta.questions import PatternError, list_tables, serving_table
from pegasus_server.meta.table import Table
from pegasus_server.runtime.answer import Client
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestFrame, encode_response
from pegasus_tab.wire.messages import (
    Address,
    AppInfo,
    ClusterInfoResponse,
    ControlMetaRequest,
    ControlMetaResponse,
    CreateAppRequest,
    CreateAppResponse,
    DropAppRequest,
    DropAppResponse,
    ListAppsRequest,
    ListAppsResponse,
    ListNodesRequest,
    ListNodesResponse,
    NegotiationMessage,
    NodeInfo,
    PartitionConfiguration,
    QueryConfigRequest,
    QueryConfigResponse,
    RecallAppRequest,
    RecallAppResponse,
    RenameAppRequest,
    RenameAppResponse,
    SetReplicaCountRequest,
    SetReplicaCountResponse,
    UpdateAppEnvRequest,
    UpdateAppEnvResponse,
    decode_arguments,
    result,
)
from pegasus_tab.wire.thrift_struct import Struct

LEVEL_STEADY = 400
"""Meta accepts changes and does not balance; the only level of a node of its own."""

ServeMeta = Callable[[RequestFrame, Client], None]


class Tables(Protocol):
    """The meta machine with what drives it, as far as requests need it."""

    @property
    def state(self) -> ClusterState:
        """The saved state, for questions."""

    def ask(self, request: MetaRequest) -> None:
        """Take an administrative request; its token must be a function that takes the Reply."""


class MetaRpcs:
    """Serves meta's RPCs on a node of its own.

    Args:
        loop: the meta machine.
        address_for: the address of this node as a given client should use it.
        facts: what CLUSTER_INFO tells.
        decree_of: the last committed decree of a partition served here, 0 for another.
    """

    def __init__(
        self,
        loop: Tables,
        address_for: Callable[[Client], Address],
        facts: Callable[[], Mapping[str, str]],
        decree_of: Callable[[Gpid], int],
    ) -> None:
        self._loop = loop
        self._address_for = address_for
        self._facts = facts
        self._decree_of = decree_of
        self.table: Mapping[bytes, ServeMeta] = {
            codes.QUERY_CONFIG: self._query_config,
            codes.CREATE_APP: self._create,
            codes.DROP_APP: self._drop,
            codes.RECALL_APP: self._recall,
            codes.RENAME_APP: self._rename,
            codes.UPDATE_APP_ENV: self._update_envs,
            codes.SET_MAX_REPLICA_COUNT: self._set_replica_count,
            codes.LIST_APPS: self._list_tables,
            codes.LIST_NODES: self._list_nodes,
            codes.CLUSTER_INFO: self._cluster_info,
            codes.CONTROL_META: _control_level,
            codes.NEGOTIATION: _negotiate,
        }

    def _query_config(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, QueryConfigRequest)
        error, table = serving_table(self._loop.state, request.app_name)
        if table is None:
            send(frame, client, QueryConfigResponse(err=error))
            return
        indices = list(request.partition_indices)
        if not indices or not all(0 <= each < table.partition_count for each in indices):
            indices = list(range(table.partition_count))
        partitions = [self.configuration(table, index, client) for index in indices]
        response = QueryConfigResponse(
            app_id=table.app_id,
            partition_count=table.partition_count,
            is_stateful=True,
            partitions=partitions,
        )
        send(frame, client, response)

    def configuration(self, table: Table, index: int, client: Client) -> PartitionConfiguration:
        """Describe a partition as ``client`` should see it."""
        gpid = Gpid(table.app_id, index)
        return PartitionConfiguration(
            pid=gpid,
            ballot=table.ballots[index],
            max_replica_count=table.max_replica_count,
            primary=self._address_for(client),
            last_committed_decree=self._decree_of(gpid),
        )

    def _create(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, CreateAppRequest)
        options = request.options

        def answer(reply: Reply) -> None:
            app_id = reply.table.app_id if reply.table else 0
            send(frame, client, CreateAppResponse(reply.error, app_id, reply.hint or None))

        self._loop.ask(
            CreateTable(
                name=request.app_name,
                partition_count=options.partition_count,
                replica_count=options.replica_count,
                success_if_exist=options.success_if_exist,
                envs=dict(options.envs),
                token=answer,
            )
        )

    def _drop(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, DropAppRequest)
        self._loop.ask(
            DropTable(
                name=request.app_name,
                success_if_not_exist=request.options.success_if_not_exist,
                reserve_seconds=request.options.reserve_seconds,
                token=lambda reply: send(
                    frame, client, DropAppResponse(reply.error, reply.hint or None)
                ),
            )
        )

    def _recall(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, RecallAppRequest)

        def answer(reply: Reply) -> None:
            info = app_info(reply.table) if reply.table else AppInfo()
            send(frame, client, RecallAppResponse(reply.error, info, reply.hint or None))

        self._loop.ask(
            RecallTable(app_id=request.app_id, new_name=request.new_app_name, token=answer)
        )

    def _rename(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, RenameAppRequest)
        self._loop.ask(
            RenameTable(
                old_name=request.old_app_name,
                new_name=request.new_app_name,
                token=lambda reply: send(frame, client, RenameAppResponse(reply.error, reply.hint)),
            )
        )

    def _update_envs(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, UpdateAppEnvRequest)

        def answer(reply: Reply) -> None:
            send(frame, client, UpdateAppEnvResponse(reply.error, reply.hint))

        name, keys, values = request.app_name, request.keys or (), request.values or ()
        match request.op:
            case codes.AppEnvOperation.SET if len(keys) == len(values):
                envs = dict(zip(keys, values, strict=True))
                self._loop.ask(SetEnvs(name=name, envs=envs, token=answer))
            case codes.AppEnvOperation.DELETE:
                self._loop.ask(DeleteEnvs(name=name, keys=tuple(keys), token=answer))
            case codes.AppEnvOperation.CLEAR:
                prefix = request.clear_prefix or ""
                self._loop.ask(ClearEnvs(name=name, prefix=prefix, token=answer))
            case _:
                hint = f"operation {request.op} with {len(keys)} names and {len(values)} values"
                answer(Reply(answer, codes.ERR_INVALID_PARAMETERS, hint))

    def _set_replica_count(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, SetReplicaCountRequest)

        def answer(reply: Reply) -> None:
            count = 0 if reply.table is None else reply.table.max_replica_count
            send(frame, client, SetReplicaCountResponse(reply.error, count, reply.hint))

        self._loop.ask(
            SetReplicaCount(
                name=request.app_name, replica_count=request.max_replica_count, token=answer
            )
        )

    def _list_tables(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, ListAppsRequest)
        try:
            tables = list_tables(
                self._loop.state, request.status, request.pattern or "", request.match_type or 0
            )
        except PatternError as error:
            response = ListAppsResponse(err=codes.ERR_INVALID_PARAMETERS, hint=str(error))
        else:
            response = ListAppsResponse(
                infos=[app_info(each) for each in tables], hint=self._copies_hint(tables)
            )
        send(frame, client, response)

    def _copies_hint(self, tables: Sequence[Table]) -> str | None:
        """Say so when tables have fewer copies than they ask for; the create RPC has no room."""
        names = [each.name for each in tables if each.max_replica_count > 1]
        if not names:
            return None
        listed = ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")
        return f"this standalone node keeps one copy of each partition; {listed} asked for more"

    def _list_nodes(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, ListNodesRequest)
        alive = NodeInfo(codes.NodeStatus.ALIVE, self._address_for(client))
        infos = [] if request.status == codes.NodeStatus.UNALIVE else [alive]
        send(frame, client, ListNodesResponse(infos=infos))

    def _cluster_info(self, frame: RequestFrame, client: Client) -> None:
        facts = {**self._facts(), **self._meta_facts(client)}
        send(frame, client, ClusterInfoResponse(keys=list(facts), values=list(facts.values())))

    def _meta_facts(self, client: Client) -> Mapping[str, str]:
        """Tell what meta knows of itself, under the ancestor's names."""
        address = str(self._address_for(client))
        return {
            "meta_servers": address,
            "primary_meta_server": address,
            "meta_function_level": str(LEVEL_STEADY),
            "balance_operation_count": "0",
        }


def app_info(table: Table) -> AppInfo:
    """Describe a table the way LIST_APPS does."""
    return AppInfo(
        status=table.status,
        app_type="pegasus",
        app_name=table.name,
        app_id=table.app_id,
        partition_count=table.partition_count,
        envs=dict(table.envs),
        is_stateful=True,
        max_replica_count=table.max_replica_count,
        expire_second=table.expire_second,
        create_second=table.create_second,
        drop_second=table.drop_second,
    )


def _negotiate(frame: RequestFrame, client: Client) -> None:
    """Tell a client that wants to authenticate that nobody asks for it (section 9)."""
    decode_arguments(frame, NegotiationMessage)
    send(frame, client, NegotiationMessage(codes.NegotiationStatus.AUTH_DISABLE))


def _control_level(frame: RequestFrame, client: Client) -> None:
    """Tell the level of activity; a node of its own has but one (section 9)."""
    request = decode_arguments(frame, ControlMetaRequest)
    is_fine = request.level in (LEVEL_STEADY, codes.LEVEL_QUERY)
    error = codes.ERR_OK if is_fine else codes.ERR_INVALID_PARAMETERS
    send(frame, client, ControlMetaResponse(error, LEVEL_STEADY))


def send(frame: RequestFrame, client: Client, response: Struct) -> None:
    """Answer a request."""
    client.send(encode_response(frame.name, frame.seqid, result(response.encode())))
