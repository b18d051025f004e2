"""A ZooKeeper in memory, with kazoo's interface as far as the adapter uses it.

Answers are delivered when the test says so. ``fate`` is asked for every call that an ensemble
could carry out without its answer arriving.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from kazoo.exceptions import (
    BadVersionError,
    ConnectionLoss,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
)
from kazoo.protocol.states import KazooState, ZnodeStat

from pegasus_server.runtime.zookeeper import Ensemble
from tests.fakes.meta_store import Fate

TIMEOUT_MS_MAX = 40_000
"""Like a real one's."""
REQUEST_BYTES_MAX = 0xFFFFF
"""Likewise: jute.maxbuffer. A real one closes the connection over a larger request."""


class Answer:
    """What kazoo calls an asynchronous result; it is there at once."""

    def __init__(self, value: Any = None, exception: Exception | None = None) -> None:
        self.value = value
        self.exception = exception

    def rawlink(self, callback: Callable[["Answer"], None]) -> None:
        callback(self)


class Node:
    def __init__(self, data: bytes, born: int, owner: int) -> None:
        self.data = data
        self.version = 0
        self.born = born
        self.owner = owner
        self.entries = 0

    @property
    def stat(self) -> ZnodeStat:
        return ZnodeStat(
            self.born, 0, 0, 0, self.version, 0, 0, self.owner, len(self.data), 0, self.born
        )


class FakeKeeper:
    """All nodes and sessions."""

    nodes: dict[str, Node]

    def __init__(self, fate: Callable[[], Fate] = lambda: Fate.DONE) -> None:
        self.fate = fate
        self.clients: list[FakeClient] = []
        self.is_away = False
        self.is_absent = False
        self.nodes = {"": Node(b"", 0, 0)}
        self._transactions = 0
        self._works: deque[Callable[[], object]] = deque()

    def make_client(
        self,
        ensemble: Ensemble,
        on_granted: Callable[[int, int], None],
        on_state: Callable[[Any], None],
    ) -> "FakeClient":
        client = FakeClient(self, len(self.clients) + 1, ensemble.session_ms, on_granted, on_state)
        self.clients.append(client)
        return client

    def deliver(self, work: Callable[[], object]) -> None:
        self._works.append(work)

    def run(self) -> None:
        """Deliver everything, and what comes of it."""
        while self._works:
            self._works.popleft()()

    def expire(self, session: int) -> None:
        """End a session, as a real ensemble does that heard nothing of it."""
        for path in [path for path, node in self.nodes.items() if node.owner == session]:
            del self.nodes[path]

    def children(self, path: str) -> list[str]:
        return [each[len(path) + 1 :] for each in self.nodes if _parent(each) == path and each]

    def create(self, path: str, data: bytes, owner: int = 0) -> None:
        if path in self.nodes:
            raise NodeExistsError
        if _parent(path) not in self.nodes:
            raise NoNodeError
        self._transactions += 1
        self.nodes[path] = Node(data, self._transactions, owner)

    def replace(self, path: str, data: bytes, version: int) -> None:
        node = self.check(path)
        if version not in (-1, node.version):
            raise BadVersionError
        node.data = data
        node.version += 1

    def delete(self, path: str) -> None:
        self.check(path)
        if self.children(path):
            raise NotEmptyError
        del self.nodes[path]

    def check(self, path: str) -> Node:
        if path not in self.nodes:
            raise NoNodeError
        return self.nodes[path]


class FakeClient:
    """One session; see KazooClient."""

    def __init__(
        self,
        keeper: FakeKeeper,
        number: int,
        session_ms: int,
        on_granted: Callable[[int, int], None],
        on_state: Callable[[Any], None],
    ) -> None:
        self.keeper = keeper
        self.number = number
        self.is_closed = False
        self._session_ms = session_ms
        self._on_granted = on_granted
        self._on_state = on_state

    def start_async(self) -> None:
        if not self.keeper.is_absent:
            self._on_granted(self.number, min(self._session_ms, TIMEOUT_MS_MAX))

    def lose_session(self) -> None:
        """Have the session end and say so."""
        self.keeper.expire(self.number)
        self._on_state(KazooState.SUSPENDED)
        self._on_state(KazooState.LOST)

    def stop(self) -> None:
        self.keeper.expire(self.number)

    def close(self) -> None:
        self.is_closed = True

    def _ask(self, do: Callable[[], Any]) -> Answer:
        fate = Fate.LOST if self.keeper.is_away else self.keeper.fate()
        if fate is Fate.LOST:
            return Answer(exception=ConnectionLoss())
        try:
            value = do()
        except (BadVersionError, NodeExistsError, NoNodeError, NotEmptyError) as error:
            return Answer(exception=error)
        return Answer(exception=ConnectionLoss()) if fate is Fate.ANSWER_LOST else Answer(value)

    def sync_async(self, path: str) -> Answer:
        return self._ask(lambda: path)

    def get_async(self, path: str) -> Answer:
        return self._ask(lambda: (self.keeper.check(path).data, self.keeper.check(path).stat))

    def get_children_async(self, path: str) -> Answer:
        def list_children() -> list[str]:
            self.keeper.check(path)
            return self.keeper.children(path)

        return self._ask(list_children)

    def exists_async(self, path: str) -> Answer:
        node = self.keeper.nodes.get(path)
        return self._ask(lambda: None if node is None else node.stat)

    def create_async(self, path: str, data: bytes, *, ephemeral: bool, sequence: bool) -> Answer:
        assert ephemeral
        assert sequence

        def create() -> str:
            parent = self.keeper.check(_parent(path))
            name = f"{path}{parent.entries:010d}"
            parent.entries += 1
            self.keeper.create(name, data, self.number)
            return name

        return self._ask(create)

    def ensure_path_async(self, path: str) -> Answer:
        def ensure() -> bool:
            for end in [at for at, letter in enumerate(path) if letter == "/" and at] + [len(path)]:
                if path[:end] not in self.keeper.nodes:
                    self.keeper.create(path[:end], b"")
            return True

        return self._ask(ensure)

    def transaction(self) -> "FakeTransaction":
        return FakeTransaction(self)


class FakeTransaction:
    """See TransactionRequest."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self._does: list[Callable[[], object]] = []
        self._bytes = 0

    def check(self, path: str, version: int) -> None:
        assert version == -1
        self._does.append(lambda: self._client.keeper.check(path))

    def create(self, path: str, data: bytes) -> None:
        self._bytes += len(path) + len(data)
        self._does.append(lambda: self._client.keeper.create(path, data))

    def set_data(self, path: str, data: bytes, version: int) -> None:
        self._bytes += len(path) + len(data)
        self._does.append(lambda: self._client.keeper.replace(path, data, version))

    def delete(self, path: str) -> None:
        self._does.append(lambda: self._client.keeper.delete(path))

    def commit_async(self) -> Answer:
        if self._bytes > REQUEST_BYTES_MAX:
            return Answer(exception=ConnectionLoss())
        return self._client._ask(self._commit)

    def _commit(self) -> list[object]:
        keeper = self._client.keeper
        before = {path: (node, node.data, node.version) for path, node in keeper.nodes.items()}
        for number, do in enumerate(self._does):
            try:
                do()
            except (BadVersionError, NodeExistsError, NoNodeError, NotEmptyError) as error:
                keeper.nodes.clear()
                for path, (node, data, version) in before.items():
                    node.data, node.version = data, version
                    keeper.nodes[path] = node
                others = len(self._does) - number - 1
                return [RolledBackError()] * number + [error] + [RolledBackError()] * others
        return [True] * len(self._does)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
