"""The key-value client: tables, and what the meta server does with them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Self, TypeVar

from pegasus_tab.base.errors import Error, ProgrammingError
from pegasus_tab.base.limits import (
    PARTITIONS_DEFAULT,
    REPLICAS_DEFAULT,
)
from pegasus_tab.kv import failure
from pegasus_tab.kv.blocking import BlockingClient
from pegasus_tab.kv.call import Call, Effect, Method, TimeLimit
from pegasus_tab.kv.cluster import ClusterHandle
from pegasus_tab.kv.pages import Pages
from pegasus_tab.kv.table import TableHandle
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import AppEnvOperation, AppStatus
from pegasus_tab.wire.frame import ResponseFrame
from pegasus_tab.wire.messages import (
    AppInfo,
    CreateAppOptions,
    CreateAppRequest,
    CreateAppResponse,
    DropAppOptions,
    DropAppRequest,
    DropAppResponse,
    ListAppsRequest,
    ListAppsResponse,
    ListNodesRequest,
    ListNodesResponse,
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
    arguments,
    decode_result,
)
from pegasus_tab.wire.thrift_struct import Struct

WINDOW_DEFAULT: Final = 256
"""Calls of one ``run`` outstanding at once."""

TABLE_CHANGE_MS_MIN: Final = 30_000
"""Least time for a change of a table: creating one opens a store for each partition."""

_META_READS: Final = frozenset(
    {
        codes.QUERY_CONFIG,
        codes.LIST_APPS,
        codes.LIST_NODES,
        codes.CLUSTER_INFO,
        codes.DDD_DIAGNOSE,
        codes.TAB_LIST_JOBS,
        codes.TAB_LIST_POLICIES,
        codes.TAB_NODES,
        codes.TAB_PARTITIONS,
    }
)

R = TypeVar("R", bound=Struct)
T = TypeVar("T")
P = TypeVar("P")


class Client:
    """A connection to a cluster, or to an embedded node; threads may share it.

    Not to be used on both sides of a fork: the child opens its own.

    Args:
        driver: carries calls out; closed with the client.
        meta_limit: for each call to meta; None for the driver's, and no less than
            TABLE_CHANGE_MS_MIN for a change.
    """

    def __init__(self, driver: BlockingClient, meta_limit: TimeLimit | None = None) -> None:
        self._driver = driver
        self._meta_limit = meta_limit

    def within(self, limit: TimeLimit) -> "Client":
        """Return this client with a limit for its calls to meta; both share the connections."""
        return Client(self._driver, limit)

    def table(self, name: str) -> TableHandle:
        """Return a table's operations; nothing is asked yet."""
        return TableHandle(name, self._driver)

    def cluster(self) -> ClusterHandle:
        """Return what can be asked of the servers and ordered; nothing is asked yet."""
        return ClusterHandle(self)

    def call(self, call: Call[T], timeout_ms: TimeLimit | None = None) -> T | Error:
        """Carry out one call; the result, or the error that came instead, which is not raised."""
        return self._driver.call(call, timeout_ms)

    def run(
        self,
        calls: Iterable[Call[T]],
        window: int = WINDOW_DEFAULT,
        timeout_ms: TimeLimit | None = None,
    ) -> Iterator[T | Error]:
        """Carry out many calls, concurrently over partitions and connections.

        Args:
            calls: built by ``TableHandle``'s ``_call`` methods; taken as they can be sent. No
                order is promised between them: do not write one row twice in one run.
            window: calls outstanding at once, >= 1.
            timeout_ms: for each call, other than the client's.

        Yields:
            For each call, in their order, its result or the error that came instead.
        """
        return self._driver.run(calls, window, timeout_ms)

    def follow(
        self, reads: Iterable[Pages[P]], parallel: int, timeout_ms: TimeLimit | None = None
    ) -> Iterator[P]:
        """Carry out reads of several pages (``kv.pages``), a few of them side by side.

        Args:
            reads: for instance ``TabScanPages`` of each partition.
            parallel: reads under way at once, >= 1.
            timeout_ms: for each page, other than the client's.

        Yields:
            Pages, of the reads under way one each in turn; an error is raised.
        """
        return self._driver.follow(reads, parallel, timeout_ms)

    # -- meta ------------------------------------------------------------------------------------

    def meta(
        self, name: bytes, request: Struct, response_type: type[R], *, repeatable: bool = False
    ) -> R:
        """Carry out one call to the leading meta server.

        Args:
            name: RPC name.
            request: its argument.
            response_type: what it answers with.
            repeatable: it may be sent again when its answer was lost; reads always may.

        Returns:
            The answer, whose ``err`` is ERR_OK.

        Raises:
            ProgrammingError: there is no such table, or there is one already.
            OperationalError: meta cannot do it now, or nobody could be reached.
            UnknownOutcome: the answer was lost.
        """
        if name in _META_READS:
            effect = Effect.READ
        else:
            effect = Effect.REPEATABLE_WRITE if repeatable else Effect.SINGLE_WRITE

        def decode(frame: ResponseFrame) -> R:
            return decode_result(frame, response_type)

        limit = self._meta_limit
        if limit is None:
            floor = 0 if effect is Effect.READ else TABLE_CHANGE_MS_MIN
            limit = max(self._driver.timeout_ms, floor)
        call = Call("", Method(name, decode, effect), 0, arguments(request.encode()))
        result = self._driver.call(call, limit)
        if isinstance(result, Error):
            raise result
        err: str = getattr(result, "err", codes.ERR_OK)
        if err != codes.ERR_OK:
            reason, table = getattr(result, "hint", None), getattr(request, "app_name", "")
            raise failure.refused_by_meta(name, err, reason or None, table)
        return result

    def list_tables(self, status: AppStatus = AppStatus.AVAILABLE) -> list[AppInfo]:
        """List tables by name.

        Args:
            status: which; INVALID for all.

        Returns:
            The tables with their envs.
        """
        request = ListAppsRequest(status)
        response = self.meta(codes.LIST_APPS, request, ListAppsResponse)
        infos = [info for info in response.infos if status in {AppStatus.INVALID, info.status}]
        return sorted(infos, key=lambda info: (info.app_name, info.app_id))

    def table_info(self, name: str) -> AppInfo | None:
        """Return a table with its envs, None when there is no such table."""
        return next((info for info in self.list_tables() if info.app_name == name), None)

    def partitions(self, name: str) -> Sequence[PartitionConfiguration]:
        """Return who serves each partition of a table, by partition index.

        Raises:
            ProgrammingError: there is no such table.
        """
        request = QueryConfigRequest(name)
        response = self.meta(codes.QUERY_CONFIG, request, QueryConfigResponse)
        return sorted(response.partitions, key=lambda part: part.pid.partition_index)

    def list_nodes(self) -> Sequence[NodeInfo]:
        """List the replica servers."""
        return self.meta(codes.LIST_NODES, ListNodesRequest(), ListNodesResponse).infos

    def create_table(
        self,
        name: str,
        partitions: int = PARTITIONS_DEFAULT,
        replicas: int = REPLICAS_DEFAULT,
        envs: Mapping[str, str] | None = None,
        *,
        if_not_exists: bool = False,
    ) -> bool:
        """Create a table.

        Args:
            name: letters, digits, ``_``, ``.``, ``:``.
            partitions: a power of two.
            replicas: copies of each partition; 0 leaves it to the servers: three, or as many as
                there are servers if those are fewer. Plain Pegasus wants a number.
            envs: table envs, e.g. ``default_ttl``.
            if_not_exists: leave a table of this name as it is.

        Returns:
            True when it was created, False when it existed.

        Raises:
            ProgrammingError: it exists, or an argument is not allowed.
        """
        options = CreateAppOptions(partitions, replicas, envs=dict(envs or {}))
        request = CreateAppRequest(name, options)
        try:
            self.meta(codes.CREATE_APP, request, CreateAppResponse, repeatable=if_not_exists)
        except ProgrammingError as error:
            if if_not_exists and error.sqlstate == failure.DUPLICATE_TABLE:
                return False
            raise
        self._driver.forget(name)
        return True

    def drop_table(
        self, name: str, *, if_exists: bool = False, reserve_seconds: int | None = None
    ) -> None:
        """Drop a table; ``recall_table`` brings it back for a while.

        Args:
            name: of the table.
            if_exists: a missing table is no error.
            reserve_seconds: how long it can be recalled; the server's default when None.

        Raises:
            ProgrammingError: there is no such table.
        """
        options = DropAppOptions(if_exists, reserve_seconds)
        request = DropAppRequest(name, options)
        self.meta(codes.DROP_APP, request, DropAppResponse, repeatable=if_exists)
        self._driver.forget(name)

    def recall_table(self, name: str, new_name: str = "") -> AppInfo:
        """Bring the table of this name that was dropped last back.

        Args:
            name: what it was called.
            new_name: what it is to be called, "" for the same.

        Returns:
            The table.

        Raises:
            ProgrammingError: no such table was dropped, or its name is taken.
        """
        dropped = [t for t in self.list_tables(AppStatus.DROPPED) if t.app_name == name]
        if not dropped:
            raise failure.no_such_table(name, hint="there is no dropped table of this name either")
        app_id = max(dropped, key=lambda table: (table.drop_second, table.app_id)).app_id
        request = RecallAppRequest(app_id, new_name)
        response = self.meta(codes.RECALL_APP, request, RecallAppResponse)
        self._driver.forget(new_name or name)
        return response.info

    def rename_table(self, name: str, new_name: str) -> None:
        """Give a table another name.

        Raises:
            ProgrammingError: there is no such table, or the new name is taken.
        """
        request = RenameAppRequest(name, new_name)
        self.meta(codes.RENAME_APP, request, RenameAppResponse)
        self._driver.forget(name)
        self._driver.forget(new_name)

    def set_envs(
        self,
        name: str,
        set: Mapping[str, str] | None = None,  # noqa: A002 -- reads as what it does where it is called
        delete: Sequence[str] = (),
    ) -> None:
        """Change a table's envs: first set, then delete.

        Args:
            name: of the table.
            set: new and changed envs.
            delete: names of envs to remove.

        Raises:
            ProgrammingError: there is no such table, or an env is not allowed.
            OperationalError: the schema was changed by someone else meanwhile (SQLSTATE 40001).
        """
        if set:
            keys, values = list(set), list(set.values())
            request = UpdateAppEnvRequest(name, AppEnvOperation.SET, keys, values)
            self.meta(codes.UPDATE_APP_ENV, request, UpdateAppEnvResponse)
        if delete:
            request = UpdateAppEnvRequest(name, AppEnvOperation.DELETE, list(delete))
            self.meta(codes.UPDATE_APP_ENV, request, UpdateAppEnvResponse, repeatable=True)

    def set_replica_count(self, name: str, replicas: int) -> None:
        """Ask for another number of copies of each partition; they are made or given up from now on.

        Args:
            name: of the table.
            replicas: 1 to 5.

        Raises:
            ProgrammingError: there is no such table, or there are too few servers.
        """
        request = SetReplicaCountRequest(name, replicas)
        self.meta(codes.SET_MAX_REPLICA_COUNT, request, SetReplicaCountResponse, repeatable=True)

    # -- end -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close all connections; closing twice is fine."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
