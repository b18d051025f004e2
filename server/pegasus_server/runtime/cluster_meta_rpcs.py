"""Meta's RPCs in a cluster: who leads answers, the others say whom to ask (protocol reference 4.1)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pegasus_server.meta.effects import Reply
from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.inputs import SetLevel
from pegasus_server.meta.table import Table
from pegasus_server.runtime.admin_rpcs import AdminRpcs
from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.meta_driver import MetaDriver
from pegasus_server.runtime.meta_rpcs import MetaRpcs, ServeMeta, send
from pegasus_server.runtime.node_address import address_of
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestFrame
from pegasus_tab.wire.messages import (
    Address,
    ClusterInfoResponse,
    ControlMetaRequest,
    ControlMetaResponse,
    ListAppsResponse,
    ListNodesRequest,
    ListNodesResponse,
    NodeInfo,
    PartitionConfiguration,
    QueryConfigResponse,
    decode_arguments,
)
from pegasus_tab.wire.thrift_struct import Struct


class ClusterMetaRpcs(MetaRpcs):
    """Serves meta's RPCs of a cluster.

    Args:
        driver: the meta machine.
        here: the address of this meta server.
        facts: what CLUSTER_INFO tells.
    """

    def __init__(
        self, driver: MetaDriver, here: Address, facts: Callable[[], Mapping[str, str]]
    ) -> None:
        super().__init__(driver, lambda _: here, facts, lambda _: 0)
        self._driver = driver
        questions: dict[bytes, Callable[[], Struct]] = {
            codes.QUERY_CONFIG: self._forward,
            codes.LIST_APPS: lambda: ListAppsResponse(err=codes.ERR_FORWARD_TO_OTHERS),
            codes.LIST_NODES: lambda: ListNodesResponse(err=codes.ERR_FORWARD_TO_OTHERS),
            codes.CLUSTER_INFO: lambda: ClusterInfoResponse(err=codes.ERR_FORWARD_TO_OTHERS),
        }
        served = {
            **self.table,
            codes.CONTROL_META: self._control_level,
            **AdminRpcs(driver, self.configuration).table,
        }
        for name, elsewhere in questions.items():
            served[name] = partial(self._answer_if_leading, served[name], elsewhere)
        self.table = served

    def _answer_if_leading(
        self, serve: ServeMeta, elsewhere: Callable[[], Struct], frame: RequestFrame, client: Client
    ) -> None:
        if self._driver.is_leading:
            serve(frame, client)
        else:
            send(frame, client, elsewhere())

    def _forward(self) -> QueryConfigResponse:
        leader = address_of(self._driver.forward)
        partitions = [PartitionConfiguration(primary=leader)] if leader else []
        return QueryConfigResponse(err=codes.ERR_FORWARD_TO_OTHERS, partitions=partitions)

    def configuration(self, table: Table, index: int, client: Client) -> PartitionConfiguration:  # noqa: ARG002 -- every client is told the same
        """Describe a partition as the store holds it."""
        gpid = Gpid(table.app_id, index)
        config, decree = self._driver.partition(gpid)
        return PartitionConfiguration(
            pid=gpid,
            ballot=config.ballot,
            max_replica_count=table.max_replica_count,
            primary=address_of(config.primary),
            secondaries=[address_of(node) for node in config.secondaries],
            last_committed_decree=decree,
        )

    def _copies_hint(self, tables: Sequence[Table]) -> str | None:  # noqa: ARG002 -- see MetaRpcs
        return None

    def _list_nodes(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, ListNodesRequest)
        infos = [
            NodeInfo(
                codes.NodeStatus.ALIVE if node.is_alive else codes.NodeStatus.UNALIVE,
                address_of(node.name),
            )
            for node in self._driver.nodes()
        ]
        wanted = [each for each in infos if request.status in (0, each.status)]
        send(frame, client, ListNodesResponse(infos=wanted))

    def _meta_facts(self, client: Client) -> Mapping[str, str]:  # noqa: ARG002 -- every client is told the same
        """Tell what the leader is at; who all meta servers are stands in the facts."""
        guardian = self._driver.guardian
        ward = guardian.ward
        unknown = ward.unknown_app_id()
        return {
            "unknown_table": "" if unknown is None else str(unknown),
            "meta_function_level": str(int(ward.level)),
            "why_frozen": ward.why_frozen if ward.effective_level < ward.level else "",
            "balance_operation_count": str(len(guardian.moves)),
        }

    def _control_level(self, frame: RequestFrame, client: Client) -> None:
        """Set or tell the level of activity (section 9)."""
        request = decode_arguments(frame, ControlMetaRequest)
        if request.level == codes.LEVEL_QUERY:
            level = self._driver.level if self._driver.is_leading else 0
            error = codes.ERR_OK if level else codes.ERR_FORWARD_TO_OTHERS
            send(frame, client, ControlMetaResponse(error, level))
        elif request.level not in set(FunctionLevel):
            send(frame, client, ControlMetaResponse(codes.ERR_INVALID_PARAMETERS, 0))
        else:
            before = self._driver.level if self._driver.is_leading else 0

            def answer(reply: Reply) -> None:
                send(frame, client, ControlMetaResponse(reply.error, before))

            self._driver.ask(SetLevel(level=FunctionLevel(request.level), token=answer))
