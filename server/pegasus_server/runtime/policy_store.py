"""Where a meta server keeps backup policies: one JSON record, in a file or in ZooKeeper."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred

from pegasus_server.meta.policies.policy import StoredPolicies
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.runtime.coroutine import begin
from pegasus_server.runtime.meta_store_zookeeper import Warrant, ZooKeeperStore
from pegasus_server.runtime.zookeeper import (
    Check,
    Create,
    KeeperError,
    NoSuchNodeError,
    Replace,
    Write,
)
from pegasus_server.storage.atomic_file import replace_file

encode_policies = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(StoredPolicies).decode

Failed = Callable[[str], None]


class PolicyStore(Protocol):
    """Keeps policies; every call ends in exactly one of its two functions."""

    def load(self, done: Callable[[StoredPolicies], None], failed: Failed) -> None:
        """Read all policies."""

    def save(self, stored: StoredPolicies, done: Callable[[], None], failed: Failed) -> None:
        """Write all policies in place of what is stored; failed: it may or may not be there."""


class DamagedPoliciesError(Exception):
    """What is stored is not what was written; backups that stop silently would be worse."""


def decode_policies(content: bytes, where: object) -> StoredPolicies:
    """Read the record; raises DamagedPoliciesError."""
    try:
        return _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, AssertionError) as error:
        raise DamagedPoliciesError(f"{where} is damaged; restore or remove it: {error}") from error


class PolicyStoreFile:
    """Policies as a file, replaced in one step.

    Args:
        path: the file; its folder must exist by the time it is written.
        run_in_background: for reading and writing; runs in order.
    """

    def __init__(self, path: Path, run_in_background: RunInBackground) -> None:
        self._path = path
        self._run_in_background = run_in_background

    def load(self, done: Callable[[StoredPolicies], None], failed: Failed) -> None:
        """Read all policies."""
        self._run_in_background(self._load, done, lambda error: failed(str(error)))

    def _load(self) -> StoredPolicies:
        if not self._path.exists():
            return StoredPolicies()
        return decode_policies(self._path.read_bytes(), self._path)

    def save(self, stored: StoredPolicies, done: Callable[[], None], failed: Failed) -> None:
        """Write all policies."""
        content = encode_policies(stored)
        self._run_in_background(
            lambda: replace_file(self._path, content),
            lambda _: done(),
            lambda error: failed(str(error)),
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
