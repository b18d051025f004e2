"""A cluster in memory under the real key-value client: calls are answered by the server's own data code.

``MemoryCluster`` holds tables; ``driver()`` gives what ``Client`` normally gets from ``kv.blocking``.
No sockets, no threads: a call is answered when it is made; those of one ``run`` in the worst order.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import SimpleNamespace
from typing import Any

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.overlay import Overlay
from pegasus_server.data.scan import ScanContexts
from pegasus_server.data.writes import evaluate
from pegasus_server.runtime import read_rpcs
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.errors import Error, NotSupportedError
from pegasus_tab.base.ids import Decree, Gpid
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS
from pegasus_tab.kv import failure
from pegasus_tab.kv.call import Call, Pending, TimeLimit
from pegasus_tab.kv.client import Client
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import AppEnvOperation, AppStatus
from pegasus_tab.wire.frame import (
    RequestFrame,
    RequestReader,
    ResponseReader,
    encode_request,
    encode_response,
)
from pegasus_tab.wire.messages import (
    Address,
    AppInfo,
    CheckAndMutateRequest,
    CheckAndSetRequest,
    CreateAppRequest,
    CreateAppResponse,
    DropAppRequest,
    DropAppResponse,
    IncrRequest,
    ListAppsRequest,
    ListAppsResponse,
    MultiPutRequest,
    MultiRemoveRequest,
    PartitionAccount,
    PartitionConfiguration,
    PartitionsRequest,
    PartitionsResponse,
    QueryConfigRequest,
    QueryConfigResponse,
    RecallAppRequest,
    RecallAppResponse,
    RenameAppRequest,
    RenameAppResponse,
    SetReplicaCountRequest,
    SetReplicaCountResponse,
    TabPutRowsRequest,
    UpdateAppEnvRequest,
    UpdateAppEnvResponse,
    UpdateRequest,
    decode_arguments,
    decode_blob_argument,
    result,
)
from tests.fakes.memory_operator import MemoryOperator

SERVER = "127.0.0.1:34801"
ADDRESS = Address("127.0.0.1", 34801)
_WRITE_REQUESTS: Mapping[bytes, type[Any]] = {
    codes.PUT: UpdateRequest,
    codes.MULTI_PUT: MultiPutRequest,
    codes.MULTI_REMOVE: MultiRemoveRequest,
    codes.INCR: IncrRequest,
    codes.CHECK_AND_SET: CheckAndSetRequest,
    codes.CHECK_AND_MUTATE: CheckAndMutateRequest,
    codes.TAB_PUT_ROWS: TabPutRowsRequest,
}


class MemoryPartition:
    """What ``read_rpcs`` needs of a replica, and writes that are applied at once."""

    def __init__(self, gpid: Gpid, envs: Mapping[str, str]) -> None:
        self.engine = MemoryEngine()
        self.identity = ReplicaIdentity(gpid, SERVER)
        self.scans = ScanContexts(0)
        self.read_seconds_max = 30.0
        self.envs = envs

    def write(self, request: Any, now: int) -> Any:
        default_ttl = int(self.envs.get("default_ttl", "0"))
        evaluation = evaluate(
            request, Overlay(self.engine), self.identity, now, now * 1_000_000, default_ttl
        )
        decree = Decree(self.engine.applied_decree + 1)
        self.engine.apply(evaluation.changes, decree)
        return evaluation.respond(decree)


@dataclass
class MemoryTable:
    """A table; ``dropped`` ones can be recalled."""

    name: str
    app_id: int
    envs: dict[str, str]
    replicas: int
    partitions: list[MemoryPartition] = field(default_factory=list)
    dropped: bool = False

    def info(self) -> AppInfo:
        return AppInfo(
            status=AppStatus.DROPPED if self.dropped else AppStatus.AVAILABLE,
            app_name=self.name,
            app_id=self.app_id,
            partition_count=len(self.partitions),
            envs=dict(self.envs),
            max_replica_count=self.replicas,
            drop_second=1_700_000_000 if self.dropped else 0,
        )


class MemoryCluster:
    """Tables, a clock by hand, and a record of every call.

    Attributes:
        now: unix seconds.
        calls: (table, RPC name) of every data call so far.
        before: called with each data call before it is answered; may change rows through another
            client, move the clock, or return an Error that becomes the call's result.
        before_meta: likewise with each call to meta.
        limits_ms: the time limit of every call so far, calls to meta included.
        operator: what those are told who look after the cluster.
    """

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.tables: list[MemoryTable] = []
        self.calls: list[tuple[str, bytes]] = []
        self.before: Callable[[Call[Any]], object] = lambda _call: None
        self.before_meta: Callable[[Call[Any]], object] = lambda _call: None
        self.limits_ms: list[int] = []
        self.operator = MemoryOperator()

    def client(self) -> Client:
        """Return a real client whose calls this cluster answers."""
        return Client(MemoryDriver(self))  # type: ignore[arg-type]  # a driver by its methods

    def living(self, name: str) -> MemoryTable | None:
        return next((one for one in self.tables if one.name == name and not one.dropped), None)

    def rpc_names(self, table: str) -> list[str]:
        """Return the RPCs called on a table so far, by their short names, and forget them."""
        names = [
            name.decode().removeprefix("RPC_RRDB_RRDB_").removeprefix("RPC_")
            for called, name in self.calls
            if called == table
        ]
        self.calls.clear()
        return names

    def answer(self, call: Call[Any]) -> Any:
        """Carry one call out."""
        if not call.table:
            self.before_meta(call)
            return self._answer_meta(call)
        self.calls.append((call.table, call.method.name))
        fault = self.before(call)
        if isinstance(fault, Error):
            return fault
        table = self.living(call.table)
        if table is None:
            return failure.no_such_table(call.table)
        if call.app_id not in {0, table.app_id}:
            return failure.replaced(call.table)
        index = call.partition_hash % len(table.partitions)
        partition = table.partitions[index]
        frame = _request_frame(call, partition.identity.gpid)
        now = int(self.now) - EPOCH_UNIX_SECONDS
        reply = self._reply(partition, frame, now)
        return None if reply is None else _decoded(call, reply)

    def _reply(self, partition: MemoryPartition, frame: RequestFrame, now: int) -> bytes | None:
        replica: Any = partition
        if frame.name == codes.GET:
            return read_rpcs.get(replica, frame, now)
        if frame.name in read_rpcs.READS:
            return read_rpcs.READS[frame.name](replica, frame, now)
        if frame.name == codes.REMOVE:
            request: Any = decode_blob_argument(frame)
        else:
            request = decode_arguments(frame, _WRITE_REQUESTS[frame.name])
        response = partition.write(request, now)
        return encode_response(frame.name, frame.seqid, result(response.encode()))

    def _answer_meta(self, call: Call[Any]) -> Any:
        frame = _request_frame(call, Gpid(0, 0))
        serve = _META.get(frame.name)
        if serve is not None and not (self.operator.is_plain and frame.name in _TAB_ONLY):
            response = serve(self, frame)
        else:
            response = self.operator.answer(frame)
        if response is None:
            return NotSupportedError(f"{frame.name.decode()} is not known here")
        return _decoded(call, encode_response(frame.name, frame.seqid, result(response.encode())))

    # ---- meta --------------------------------------------------------------------------------

    def _list(self, frame: RequestFrame) -> ListAppsResponse:
        wanted = decode_arguments(frame, ListAppsRequest).status
        infos = [table.info() for table in self.tables]
        return ListAppsResponse(infos=[one for one in infos if wanted in {0, one.status}])

    def _create(self, frame: RequestFrame) -> CreateAppResponse:
        request = decode_arguments(frame, CreateAppRequest)
        if self.living(request.app_name) is not None:
            return CreateAppResponse(err=codes.ERR_APP_EXIST)
        options = request.options
        table = MemoryTable(
            request.app_name, len(self.tables) + 1, dict(options.envs), options.replica_count or 1
        )
        table.partitions = [
            MemoryPartition(Gpid(table.app_id, index), table.envs)
            for index in range(options.partition_count)
        ]
        self.tables.append(table)
        return CreateAppResponse(appid=table.app_id)

    def _drop(self, frame: RequestFrame) -> DropAppResponse:
        request = decode_arguments(frame, DropAppRequest)
        table = self.living(request.app_name)
        if table is None:
            missing_is_fine = request.options.success_if_not_exist
            return DropAppResponse(codes.ERR_OK if missing_is_fine else codes.ERR_APP_NOT_EXIST)
        table.dropped = True
        return DropAppResponse()

    def _recall(self, frame: RequestFrame) -> RecallAppResponse:
        request = decode_arguments(frame, RecallAppRequest)
        table = next(one for one in self.tables if one.app_id == request.app_id)
        table.dropped = False
        table.name = request.new_app_name or table.name
        return RecallAppResponse(info=table.info())

    def _rename(self, frame: RequestFrame) -> RenameAppResponse:
        request = decode_arguments(frame, RenameAppRequest)
        table = self.living(request.old_app_name)
        if table is None:
            return RenameAppResponse(err=codes.ERR_APP_NOT_EXIST)
        table.name = request.new_app_name
        return RenameAppResponse()

    def _set_envs(self, frame: RequestFrame) -> UpdateAppEnvResponse:
        request = decode_arguments(frame, UpdateAppEnvRequest)
        table = self.living(request.app_name)
        if table is None:
            return UpdateAppEnvResponse(err=codes.ERR_APP_NOT_EXIST)
        if request.op == AppEnvOperation.SET:
            table.envs.update(zip(request.keys or (), request.values or (), strict=True))
        else:
            for name in request.keys or ():
                table.envs.pop(name, None)
        return UpdateAppEnvResponse()

    def _set_replica_count(self, frame: RequestFrame) -> SetReplicaCountResponse:
        request = decode_arguments(frame, SetReplicaCountRequest)
        table = self.living(request.app_name)
        if table is None:
            return SetReplicaCountResponse(codes.ERR_APP_NOT_EXIST)
        table.replicas = request.max_replica_count
        return SetReplicaCountResponse()

    def _partitions(self, frame: RequestFrame) -> QueryConfigResponse:
        table = self.living(decode_arguments(frame, QueryConfigRequest).app_name)
        if table is None:
            return QueryConfigResponse(err=codes.ERR_OBJECT_NOT_FOUND)
        parts = [
            PartitionConfiguration(one.identity.gpid, ballot=1, max_replica_count=1)
            for one in table.partitions
        ]
        return QueryConfigResponse(
            app_id=table.app_id,
            partition_count=len(parts),
            is_stateful=True,
            partitions=parts,
        )

    def _accounts(self, frame: RequestFrame) -> PartitionsResponse:
        table = self.living(decode_arguments(frame, PartitionsRequest).app_name)
        if table is None:
            return PartitionsResponse(err=codes.ERR_OBJECT_NOT_FOUND)
        accounts = [
            PartitionAccount(
                PartitionConfiguration(
                    one.identity.gpid,
                    1,
                    1,
                    ADDRESS,
                    last_committed_decree=one.engine.applied_decree,
                ),
                one.engine.applied_decree,
            )
            for one in table.partitions
        ]
        return PartitionsResponse(partitions=accounts)


_TAB_ONLY = frozenset({codes.TAB_PARTITIONS})
_META: Mapping[bytes, Callable[[MemoryCluster, RequestFrame], Any]] = {
    codes.LIST_APPS: MemoryCluster._list,
    codes.CREATE_APP: MemoryCluster._create,
    codes.DROP_APP: MemoryCluster._drop,
    codes.RECALL_APP: MemoryCluster._recall,
    codes.RENAME_APP: MemoryCluster._rename,
    codes.UPDATE_APP_ENV: MemoryCluster._set_envs,
    codes.SET_MAX_REPLICA_COUNT: MemoryCluster._set_replica_count,
    codes.QUERY_CONFIG: MemoryCluster._partitions,
    codes.TAB_PARTITIONS: MemoryCluster._accounts,
}


class MemoryDriver:
    """Carries calls out at once; has the methods of ``kv.blocking.BlockingClient``."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster
        self.wall_clock = lambda: cluster.now
        self.timeout_ms = 5000
        self.closed = False

    def call(self, call: Call[Any], timeout_ms: TimeLimit | None = None) -> Any:
        if self.closed:
            return failure.closed()
        cluster = self._cluster
        limit = self.timeout_ms if timeout_ms is None else timeout_ms
        limit = limit if isinstance(limit, int) else limit()
        cluster.limits_ms.append(limit)
        deadline = cluster.now + limit / 1000
        answer = cluster.answer(call)
        if cluster.now <= deadline:
            return answer
        cluster.now = deadline
        pending = Pending(call, deadline, limit, cluster)
        pending.sent = True
        return failure.expired(pending)

    def run(
        self,
        calls: Iterable[Call[Any]],
        window: int = 256,
        timeout_ms: TimeLimit | None = None,
    ) -> Iterator[Any]:
        """Answer calls a window at a time, the last first: nobody may rely on their order."""
        source = iter(calls)
        while under_way := list(islice(source, window)):
            answers = [self.call(call, timeout_ms) for call in reversed(under_way)]
            yield from reversed(answers)

    def follow(
        self, reads: Iterable[Any], parallel: int, timeout_ms: TimeLimit | None = None
    ) -> Iterator[Any]:
        source = iter(reads)
        turn: list[tuple[Any, Any]] = []

        def begin(read: Any) -> None:
            call = read.next_call()
            if call is not None:
                turn.append((read, self.call(call, timeout_ms)))

        try:
            while True:
                while len(turn) < parallel and (read := next(source, None)) is not None:
                    begin(read)
                if not turn:
                    return
                read, answer = turn.pop(0)
                page = read.accept(answer)
                begin(read)
                yield page
        finally:
            for read, _ in turn:
                closing = read.closing_call()
                if closing is not None:
                    self.call(closing)

    def locate(self, table: str) -> Any:
        found = self._cluster.living(table)
        if found is None:
            raise failure.no_such_table(table)
        return SimpleNamespace(app_id=found.app_id, partition_count=len(found.partitions))

    def forget(self, table: str) -> None:
        """Forget nothing: there is no cache."""

    def close(self) -> None:
        self.closed = True


def _request_frame(call: Call[Any], gpid: Gpid) -> RequestFrame:
    data = encode_request(call.method.name, 1, gpid, call.partition_hash, 1000, call.arguments)
    (frame,) = RequestReader().feed(data)
    return frame


def _decoded(call: Call[Any], reply: bytes) -> Any:
    (frame,) = ResponseReader().feed(reply)
    assert call.method.decode is not None
    return call.method.decode(frame)
