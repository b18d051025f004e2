"""Sessions with a ZooKeeper ensemble; the only importer of kazoo.

kazoo lives in threads of its own: every answer is brought into the reactor's thread, and closing,
which may block, goes to a thread. One client serves one session: what was asked in a session that
ended can then never be carried out in the next. Decides nothing.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

from kazoo.client import KazooClient
from kazoo.exceptions import (
    BadVersionError,
    KazooException,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.handlers.threading import KazooTimeoutError, SequentialThreadingHandler
from kazoo.protocol.states import KazooState
from twisted.internet.defer import Deferred

from pegasus_server.runtime.disk_jobs import Deliver

logger = logging.getLogger(__name__)
logging.getLogger("kazoo").setLevel(logging.ERROR)  # it tells of every attempt to connect

RETRY_SECONDS = {"max_tries": -1, "delay": 0.1, "backoff": 2, "max_delay": 1.0}
"""Pauses between attempts to connect: the ensemble's return must be noticed within a second."""


ANSWER_SECONDS_MAX = 3.0
"""A server that is well answers a new connection sooner."""


class KeeperError(Exception):
    """ZooKeeper did not do what was asked."""


class KeeperLostError(KeeperError):
    """No answer: it may or may not have been done."""


class KeeperRefusedError(KeeperError):
    """It was not done: a node is there or not, or has another version."""


class NoSuchNodeError(KeeperRefusedError):
    """There is no such node."""


@dataclass(frozen=True, slots=True)
class Check:
    """Refuse the transaction unless the node exists."""

    path: str


@dataclass(frozen=True, slots=True)
class Create:
    """Make a node; refused if it exists. Its version is 0."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace a node's content; refused if its version is another, unless that is None."""

    path: str
    data: bytes
    version: int | None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a node, whatever its version; refused if it is not there."""

    path: str


Write: TypeAlias = Check | Create | Replace | Delete


class RunInThread(Protocol):
    """Runs a call in some other thread; nobody waits for it."""

    def __call__(self, work: Callable[[], object], /) -> object:
        """Run it."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Where ZooKeeper is.

    Attributes:
        hosts: "host:port", separated by commas.
        session_ms: session timeout asked for; the ensemble may grant another.
    """

    hosts: str
    session_ms: int


class MakeClient(Protocol):
    """Makes the client of a session."""

    def __call__(
        self,
        ensemble: Ensemble,
        on_granted: Callable[[int, int], None],
        on_state: Callable[[Any], None],
    ) -> Any:
        """Make a client that is not connected yet.

        Args:
            ensemble: where ZooKeeper is.
            on_granted: gets session and granted timeout in milliseconds with every connection;
                called in any thread.
            on_state: gets every KazooState; called in any thread.
        """


class PromptThreads(SequentialThreadingHandler):  # type: ignore[misc]  # kazoo has no types
    """kazoo's threads, with less patience for a server that accepts a connection and says nothing.

    A ZooKeeper that is just starting may do that, and kazoo would wait for it as long as a whole
    session lasts.
    """

    def create_connection(self, *arguments: Any, timeout: float, **named: Any) -> Any:
        """Connect."""
        timeout = min(timeout, ANSWER_SECONDS_MAX)
        return super().create_connection(*arguments, timeout=timeout, **named)

    def select(self, read: Any, write: Any, errors: Any, timeout: float | None = None) -> Any:
        """Wait for sockets; one to read from alone is one whose answer is due."""
        if timeout is not None and len(read) == 1:
            timeout = min(timeout, ANSWER_SECONDS_MAX)
        return super().select(read, write, errors, timeout)


def kazoo_client(
    ensemble: Ensemble, on_granted: Callable[[int, int], None], on_state: Callable[[Any], None]
) -> Any:
    """Make a client of kazoo; see MakeClient."""
    client = KazooClient(
        ensemble.hosts,
        timeout=ensemble.session_ms / 1000,
        handler=PromptThreads(),
        connection_retry=RETRY_SECONDS,
    )
    client.add_listener(on_state)
    # kazoo tells nobody which timeout was granted, and the fence of a leader rests on it.
    connection = client._connection  # noqa: SLF001 -- there is no other way
    connect = connection._connect  # noqa: SLF001 -- there is no other way

    def connect_and_tell(host: str, address: str, port: int) -> tuple[float, float]:
        read_ms, connect_ms = connect(host, address, port)
        on_granted(client.client_id[0], int(read_ms * 3 / 2))
        return read_ms, connect_ms

    connection._connect = connect_and_tell  # noqa: SLF001 -- there is no other way
    return client


class ZooKeeperSession:
    """One session, from the first attempt to connect to its end.

    Every question is answered in the reactor's thread: when the ensemble answered, when the
    connection broke, or when the session ended. While there is no connection questions wait for
    the next one, in their order.

    Args:
        ensemble: where ZooKeeper is.
        deliver: has work done in the reactor's thread. Any thread may call it.
        run_in_thread: for closing.
        on_began: gets the session's number and its granted timeout in milliseconds, once.
        on_ended: the session is over; not called after ``close``.
        make_client: makes the client.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        deliver: Deliver,
        run_in_thread: RunInThread,
        on_began: Callable[[int, int], None],
        on_ended: Callable[[], None],
        make_client: MakeClient = kazoo_client,
    ) -> None:
        self._deliver = deliver
        self._run_in_thread = run_in_thread
        self._on_began = on_began
        self._on_ended = on_ended
        self._number: int | None = None
        self._is_over = False
        self._client = make_client(ensemble, self._tell_granted, self._tell_state)
        self._hosts = ensemble.hosts
        self._client.start_async()

    @property
    def has_begun(self) -> bool:
        """Tell whether ZooKeeper granted it."""
        return self._number is not None

    @property
    def number(self) -> int:
        """The session's number; only once it began."""
        assert self._number is not None
        return self._number

    # From kazoo's threads.

    def _tell_granted(self, session: int, timeout_ms: int) -> None:
        self._deliver(partial(self._connected, session, timeout_ms))

    def _tell_state(self, state: Any) -> None:
        self._deliver(partial(self._changed, state))

    # In the reactor's thread.

    def _connected(self, session: int, timeout_ms: int) -> None:
        if self._is_over:
            return
        logger.info(
            "connected to ZooKeeper %s, session %x of %d ms", self._hosts, session, timeout_ms
        )
        if self._number is None:
            self._number = session
            self._on_began(session, timeout_ms)

    def _changed(self, state: Any) -> None:
        if self._is_over:
            return
        if state == KazooState.SUSPENDED:
            logger.warning("the connection to ZooKeeper %s is lost", self._hosts)
        elif state == KazooState.LOST:
            logger.warning("the session with ZooKeeper %s ended", self._hosts)
            self._end()
            self._on_ended()

    def close(self, closed: Callable[[], object] | None = None) -> None:
        """End the session.

        Args:
            closed: called in the reactor's thread once the ensemble knows, or could not be told.
        """
        self._end(closed)

    def _end(self, closed: Callable[[], object] | None = None) -> None:
        if self._is_over:
            return
        self._is_over = True

        def stop() -> None:
            try:
                self._client.stop()
                self._client.close()
            except (KazooException, KazooTimeoutError, OSError) as error:
                logger.warning("a session with ZooKeeper was not closed cleanly: %s", error)
            if closed is not None:
                self._deliver(closed)

        self._run_in_thread(stop)

    # Questions.

    async def get(self, path: str) -> tuple[bytes, int]:
        """Return a node's content and version.

        Raises:
            NoSuchNodeError: there is none.
            KeeperError: there was no answer.
        """
        data, stat = await self._ask(self._client.get_async(path))
        return data, stat.version

    async def children(self, path: str) -> list[str]:
        """List the names of a node's children, as the ensemble's leader knows them or later.

        Raises:
            KeeperError: there is no such node, or there was no answer.
        """
        await self._ask(self._client.sync_async(path))
        names: list[str] = await self._ask(self._client.get_children_async(path))
        return names

    async def birth(self, path: str) -> int:
        """Return the number of the transaction that made a node; it rises from one to the next.

        Raises:
            NoSuchNodeError: there is none.
            KeeperError: there was no answer.
        """
        stat = await self._ask(self._client.exists_async(path))
        if stat is None:
            raise NoSuchNodeError(path)
        born: int = stat.czxid
        return born

    async def enter(self, path: str) -> None:
        """Make a node that ends with the session; a rising number is appended to its name.

        Raises:
            KeeperError: it was not made, or maybe it was.
        """
        await self._ask(self._client.create_async(path, b"", ephemeral=True, sequence=True))

    async def ensure(self, path: str) -> None:
        """Make a node and those above it, unless they exist.

        Raises:
            KeeperError: there was no answer.
        """
        await self._ask(self._client.ensure_path_async(path))

    async def commit(self, writes: Sequence[Write]) -> None:
        """Do all of it or nothing.

        Raises:
            KeeperRefusedError: nothing was done.
            KeeperError: there was no answer.
        """
        transaction = self._client.transaction()
        for write in writes:
            match write:
                case Check():
                    transaction.check(write.path, -1)
                case Create():
                    transaction.create(write.path, write.data)
                case Replace():
                    version = -1 if write.version is None else write.version
                    transaction.set_data(write.path, write.data, version)
                case Delete():
                    transaction.delete(write.path)
        results = await self._ask(transaction.commit_async())
        faults = [each for each in results if isinstance(each, Exception)]
        for fault in faults:
            if not isinstance(fault, RolledBackError | RuntimeInconsistency):
                raise _translated(fault)
        if faults:
            raise KeeperRefusedError("the transaction was rolled back")

    def _ask(self, asked: Any) -> Deferred[Any]:
        """Bring the outcome of a call of kazoo into the reactor's thread."""
        answer: Deferred[Any] = Deferred()

        def settle() -> None:
            if answer.called:  # kazoo may say twice that it was closed
                return
            if asked.exception is None:
                answer.callback(asked.value)
            else:
                answer.errback(_translated(asked.exception))

        asked.rawlink(lambda _: self._deliver(settle))
        return answer


def _translated(error: BaseException) -> KeeperError:
    """Say in our words what kazoo says."""
    text = str(error) or type(error).__name__
    if isinstance(error, NoNodeError):
        return NoSuchNodeError(text)
    if isinstance(error, BadVersionError | NodeExistsError | NotEmptyError):
        return KeeperRefusedError(text)
    return KeeperLostError(text)
