"""The store of several meta servers: nodes of ZooKeeper, written by the one that leads.

Every write is one transaction that also checks the leader's entry in the line of candidates: a
leader that was replaced, and does not know it yet, cannot write (F22). Versions are ZooKeeper's,
except that the catalog's is one higher, 0 while there is none. What is outside the machines' own
nodes is left alone.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.partition import PartitionRecord
from pegasus_server.meta.state_json import StateDamagedError, decode_state, encode_state
from pegasus_server.meta.store_effects import (
    LoadStore,
    PersistConfig,
    PersistTables,
    ReadConfig,
    ReadTables,
    StoreEffect,
)
from pegasus_server.meta.store_inputs import (
    ConfigPersisted,
    ConfigRead,
    PersistUnknown,
    StoreFailed,
    StoreInput,
    StoreLoaded,
    TablesPersisted,
    TablesRead,
    TablesUnknown,
)
from pegasus_server.meta.table import Table
from pegasus_server.runtime.coroutine import begin
from pegasus_server.runtime.stored_nodes import (
    TRANSACTION_BYTES_MAX,
    ContentError,
    decode_node,
    get_all,
    parts,
)
from pegasus_server.runtime.zookeeper import (
    Check,
    Create,
    Delete,
    KeeperError,
    KeeperRefusedError,
    NoSuchNodeError,
    Replace,
    Write,
    ZooKeeperSession,
)
from pegasus_server.runtime.zookeeper_paths import ZooKeeperPaths, read_gpid
from pegasus_tab.base.ids import Gpid

logger = logging.getLogger(__name__)

DELETES_AT_ONCE = 256
REFUSED_SECONDS = 0.2
"""A leader without its entry would try again at once, until it looks at the line."""
AGAIN_SECONDS_MIN = 0.1
AGAIN_SECONDS_MAX = 2.0
"""Pauses between attempts to read, doubled with every failure."""

Found = TypeVar("Found")
Pause = Callable[[float], Awaitable[None]]


class TermOverError(Exception):
    """This meta server does not lead any more; nobody waits for the answer."""


class _Header(msgspec.Struct, frozen=True):
    cluster: str
    catalog: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Warrant:
    """By what a leader writes: its session, and the path of its entry in the line."""

    session: ZooKeeperSession
    entry: str


class ZooKeeperStore:
    """The store.

    Args:
        paths: where it is.
        cluster: name of the cluster; another one's nodes are not touched.
        pause: waits for so many seconds.
        on_fatal: a defect of this program; the text says which.
    """

    def __init__(
        self, paths: ZooKeeperPaths, cluster: str, pause: Pause, on_fatal: Callable[[str], None]
    ) -> None:
        self._paths = paths
        self._cluster = cluster
        self._pause = pause
        self._on_fatal = on_fatal
        self._warrant: Warrant | None = None
        self._stored_tables: set[int] = set()
        self._uncounted: set[int] = set()

    @property
    def warrant(self) -> Warrant | None:
        """By what this meta server writes; None while it does not lead."""
        return self._warrant

    def lead(self, warrant: Warrant) -> None:
        """Write by this warrant from now on."""
        self._warrant = warrant

    def follow(self) -> None:
        """Write no more; what was asked before is answered no more."""
        self._warrant = None

    def ask(self, effect: StoreEffect, answer: Callable[[StoreInput], None]) -> None:
        """Read or write; no answer comes once the term is over."""
        warrant = self._warrant
        if warrant is None:
            return

        async def ask() -> None:
            try:
                answered = await self._perform(warrant, effect)
            except TermOverError:
                return
            if self._warrant is warrant:
                answer(answered)

        begin(ask(), self._on_fatal)

    async def _perform(self, warrant: Warrant, effect: StoreEffect) -> StoreInput:
        match effect:
            case LoadStore():
                return await self._load(warrant)
            case PersistConfig():
                return await self._persist_config(warrant, effect)
            case ReadConfig():
                return await self._insist(lambda: self._read_config(warrant, effect.gpid), warrant)
            case PersistTables():
                return await self._persist_tables(warrant, effect)
            case ReadTables():
                tables, version = await self._insist(lambda: self._read_tables(warrant), warrant)
                return TablesRead(tables, version)

    async def _insist(self, read: Callable[[], Awaitable[Found]], warrant: Warrant) -> Found:
        """Read until there is an answer.

        Raises:
            TermOverError: there was none before the term ended.
        """
        seconds = AGAIN_SECONDS_MIN
        while True:
            try:
                return await read()
            except (KeeperError, ContentError) as error:
                if self._warrant is not warrant:
                    raise TermOverError from error
                logger.warning("reading from ZooKeeper: %s", error)
            await self._pause(seconds)
            seconds = min(2 * seconds, AGAIN_SECONDS_MAX)

    # Partitions.

    async def _persist_config(self, warrant: Warrant, effect: PersistConfig) -> StoreInput:
        path, data = self._paths.partition(effect.gpid), msgspec.json.encode(effect.record)
        version = effect.expected_version
        write = Create(path, data) if version is None else Replace(path, data, version)
        if not await self._commit(warrant, [write]):
            return PersistUnknown(effect.gpid)
        return ConfigPersisted(effect.gpid, 0 if version is None else version + 1)

    async def _read_config(self, warrant: Warrant, gpid: Gpid) -> StoreInput:
        path = self._paths.partition(gpid)
        try:
            data, version = await warrant.session.get(path)
        except NoSuchNodeError:
            return ConfigRead(gpid, None, None)
        return ConfigRead(gpid, decode_node(path, data, PartitionRecord), version)

    # Tables.

    async def _persist_tables(self, warrant: Warrant, effect: PersistTables) -> StoreInput:
        header = self._header(replace(effect.applied_to(ClusterState()), tables={}))
        version, path = effect.expected_version, self._paths.tables
        nodes = {app_id: msgspec.json.encode(table) for app_id, table in effect.written.items()}
        if sum(map(len, nodes.values())) > TRANSACTION_BYTES_MAX:
            if not await self._write_ahead(warrant, version, nodes):
                return TablesUnknown()
            version, nodes = max(version, 1), {}
        writes: list[Write] = [
            Replace(path, header, version - 1) if version else Create(path, header)
        ]
        writes += [self._table_write(*each) for each in nodes.items()]
        gone = {*effect.removed, *(self._uncounted - set(effect.written))}
        writes += [Delete(self._paths.table(each)) for each in sorted(gone)]
        if not await self._commit(warrant, writes):
            return TablesUnknown()
        self._stored_tables.update(effect.written)
        self._stored_tables.difference_update(gone)
        self._uncounted = set()
        if effect.removed:
            await self._forget(warrant, effect.removed)
        return TablesPersisted(version + 1)

    async def _write_ahead(
        self, warrant: Warrant, version: int, nodes: Mapping[int, bytes]
    ) -> bool:
        """Write tables before the catalog that counts them in; False as ``_commit``.

        Only a recovery has so many at once. Their ids are above those that the stored catalog gave
        out, so until the next one is stored they are no tables (``_read_tables``).
        """
        if not version and not await self._commit(
            warrant, [Create(self._paths.tables, self._header(ClusterState()))]
        ):
            return False
        for part in parts(nodes):
            if not await self._commit(warrant, [self._table_write(*each) for each in part]):
                return False
            self._stored_tables.update(app_id for app_id, _ in part)
            self._uncounted.update(app_id for app_id, _ in part)
        return True

    def _table_write(self, app_id: int, data: bytes) -> Write:
        node = self._paths.table(app_id)
        is_new = app_id not in self._stored_tables
        return Create(node, data) if is_new else Replace(node, data, None)

    def _header(self, catalog: ClusterState) -> bytes:
        """Encode the catalog without its tables."""
        raw = msgspec.Raw(encode_state(catalog).encode())
        return msgspec.json.encode(_Header(self._cluster, raw))

    async def _forget(self, warrant: Warrant, app_ids: tuple[int, ...]) -> None:
        """Delete the records of purged tables; one that stays belongs to no table and is ignored."""
        try:
            known = await self._gpids(warrant)
            purged = [each for each in known if each.app_id in app_ids]
            for start in range(0, len(purged), DELETES_AT_ONCE):
                part = purged[start : start + DELETES_AT_ONCE]
                deletes = [Delete(self._paths.partition(each)) for each in part]
                await warrant.session.commit([Check(warrant.entry), *deletes])
        except KeeperError as error:
            logger.warning("records of purged tables %s stay in ZooKeeper: %s", app_ids, error)

    async def _read_tables(self, warrant: Warrant) -> tuple[ClusterState, int]:
        path = self._paths.tables
        try:
            data, version = await warrant.session.get(path)
        except NoSuchNodeError:
            self._stored_tables, self._uncounted = set(), set()
            return ClusterState(), 0
        rest = self._decode_header(data)
        names = [each for each in await warrant.session.children(path) if each.isdecimal()]
        nodes = await get_all(warrant.session, [f"{path}/{name}" for name in names])
        decoded = [decode_node(node.path, node.data, Table) for node in nodes]
        tables = {each.app_id: each for each in decoded}
        if any(app_id < 1 for app_id in tables):
            raise ContentError(f"{path}: a table has no id above 0")
        self._stored_tables = set(tables)
        # A recovery that broke off may have left tables that the catalog does not count in yet.
        known = {app_id: tables[app_id] for app_id in sorted(tables) if app_id < rest.next_app_id}
        self._uncounted = set(tables) - set(known)
        return replace(rest, tables=known), version + 1

    def _decode_header(self, data: bytes) -> ClusterState:
        path = self._paths.tables
        header = decode_node(path, data, _Header)
        if header.cluster != self._cluster:
            raise ContentError(
                f"{path} belongs to cluster {header.cluster!r}; give each cluster a root of its own"
            )
        try:
            return decode_state(bytes(header.catalog).decode())
        except (StateDamagedError, UnicodeDecodeError) as error:
            raise ContentError(f"{path} is damaged: {error}") from error

    # Everything.

    async def _load(self, warrant: Warrant) -> StoreInput:
        try:
            await warrant.session.ensure(self._paths.partitions)
            tables, version = await self._read_tables(warrant)
            gpids = await self._gpids(warrant)
            paths = [self._paths.partition(each) for each in gpids]
            partitions = {
                gpid: (decode_node(node.path, node.data, PartitionRecord), node.version)
                for gpid, node in zip(gpids, await get_all(warrant.session, paths), strict=True)
            }
        except (KeeperError, ContentError) as error:
            return StoreFailed(f"the content of ZooKeeper could not be read: {error}")
        return StoreLoaded(tables, version, partitions)

    async def _gpids(self, warrant: Warrant) -> list[Gpid]:
        """List the partitions there are records of."""
        names = await warrant.session.children(self._paths.partitions)
        return sorted(gpid for gpid in map(read_gpid, names) if gpid is not None)

    async def _commit(self, warrant: Warrant, writes: Iterable[Write]) -> bool:
        """Write as the leader; False if it was refused, or nobody knows."""
        try:
            await warrant.session.commit([Check(warrant.entry), *writes])
        except KeeperRefusedError as error:
            logger.warning("ZooKeeper refused a write: %s", error)
            await self._pause(REFUSED_SECONDS)
            return False
        except KeeperError as error:
            logger.warning("a write to ZooKeeper has no answer: %s", error)
            return False
        return True
