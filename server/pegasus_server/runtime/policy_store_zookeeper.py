"""Backup policies in ZooKeeper: ``<root>/policies``, written by the meta server that leads."""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred

from pegasus_server.meta.policies.policy import StoredPolicies
from pegasus_server.runtime.coroutine import begin
from pegasus_server.runtime.meta_store_zookeeper import Warrant, ZooKeeperStore
from pegasus_server.runtime.policy_store import (
    DamagedPoliciesError,
    Failed,
    decode_policies,
    encode_policies,
)
from pegasus_server.runtime.zookeeper import (
    Check,
    Create,
    KeeperError,
    NoSuchNodeError,
    Replace,
    Write,
)


class PolicyStoreZooKeeper:
    """Policies beside the tables of a cluster with several meta servers.

    Every write also checks the leader's entry in the line, as the tables' do: a leader that was
    replaced cannot write.

    Args:
        path: of the record's node.
        tables: the store of the tables, which knows by what the leader writes.
        on_fatal: a defect of this program; the text says which.
    """

    def __init__(self, path: str, tables: ZooKeeperStore, on_fatal: Callable[[str], None]) -> None:
        self._path = path
        self._tables = tables
        self._on_fatal = on_fatal

    def load(self, done: Callable[[StoredPolicies], None], failed: Failed) -> None:
        """Read all policies."""

        async def load(warrant: Warrant) -> None:
            try:
                content, _ = await warrant.session.get(self._path)
            except NoSuchNodeError:
                done(StoredPolicies())
                return
            done(decode_policies(content, self._path))

        self._as_leader(load, failed)

    def save(self, stored: StoredPolicies, done: Callable[[], None], failed: Failed) -> None:
        """Write all policies."""
        content = encode_policies(stored)

        async def save(warrant: Warrant) -> None:
            try:
                await warrant.session.get(self._path)
            except NoSuchNodeError:
                write: Write = Create(self._path, content)
            else:
                write = Replace(self._path, content, None)
            await warrant.session.commit([Check(warrant.entry), write])
            done()

        self._as_leader(save, failed)

    def _as_leader(
        self, work: Callable[[Warrant], Coroutine[Deferred[Any], Any, None]], failed: Failed
    ) -> None:
        warrant = self._tables.warrant
        if warrant is None:
            failed("this meta server does not lead any more")
            return

        async def run() -> None:
            try:
                await work(warrant)
            except (KeeperError, DamagedPoliciesError) as error:
                failed(f"ZooKeeper: {error}")

        begin(run(), self._on_fatal)
