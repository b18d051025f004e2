"""What the adapter of ZooKeeper promises, as tests that run on the fake and on a real one.

Whoever imports them provides the fixture ``site``.
"""

import itertools
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from twisted.internet.defer import Deferred

from pegasus_server.runtime.stored_nodes import TRANSACTION_BYTES_MAX
from pegasus_server.runtime.zookeeper import (
    Check,
    Create,
    Delete,
    Ensemble,
    KeeperLostError,
    KeeperRefusedError,
    MakeClient,
    NoSuchNodeError,
    Replace,
    Write,
    ZooKeeperSession,
)

T = TypeVar("T")
WAIT_SECONDS_MAX = 20.0
SESSION_MS = 4000
_roots = itertools.count()


class Site:
    """An ensemble and the test's thread, which takes its answers.

    Args:
        hosts: of the ensemble.
        make_client: connects to it.
        deliver: see ZooKeeperSession.
        run: delivers what is there.
    """

    def __init__(
        self,
        hosts: str,
        make_client: MakeClient,
        deliver: Callable[[Callable[[], object]], object],
        run: Callable[[], None],
    ) -> None:
        self.ended = 0
        self.root = f"/contract{next(_roots)}"
        self._hosts = hosts
        self._make_client = make_client
        self._deliver = deliver
        self._run = run

    def open(self, session_ms: int = SESSION_MS) -> tuple[ZooKeeperSession, int]:
        """Begin a session; return it with its granted timeout."""
        granted: list[int] = []

        def count() -> None:
            self.ended += 1

        session = ZooKeeperSession(
            Ensemble(self._hosts, session_ms),
            self._deliver,
            lambda work: work(),
            lambda _, timeout_ms: granted.append(timeout_ms),
            count,
            self._make_client,
        )
        self.wait_for(lambda: bool(granted))
        return session, granted[0]

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        self._run()
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.005)
            self._run()

    def ask(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> T:
        """Wait for an answer."""
        outcomes: list[Any] = []
        asked: Any = Deferred.fromCoroutine(coroutine)
        asked.addBoth(outcomes.append)
        self.wait_for(lambda: bool(outcomes))
        if hasattr(outcomes[0], "raiseException"):
            outcomes[0].raiseException()
        result: T = outcomes[0]
        return result


def test_a_session_has_the_timeout_that_was_granted(site: Site) -> None:
    session, granted_ms = site.open(session_ms=3_600_000)
    assert granted_ms == 40_000
    session.close()
    session, granted_ms = site.open(session_ms=5000)
    assert granted_ms == 5000
    session.close()


def test_nodes_and_their_versions(site: Site) -> None:
    session, _ = site.open()
    path = f"{site.root}/a/b"
    with pytest.raises(NoSuchNodeError):
        site.ask(session.get(path))
    site.ask(session.ensure(f"{site.root}/a"))
    site.ask(session.ensure(f"{site.root}/a"))
    site.ask(session.commit([Create(path, b"1")]))
    assert site.ask(session.get(path)) == (b"1", 0)
    site.ask(session.commit([Replace(path, b"2", 0)]))
    assert site.ask(session.get(path)) == (b"2", 1)
    site.ask(session.commit([Replace(path, b"3", None)]))
    assert site.ask(session.get(path)) == (b"3", 2)
    assert site.ask(session.children(f"{site.root}/a")) == ["b"]
    site.ask(session.commit([Delete(path)]))
    assert site.ask(session.children(f"{site.root}/a")) == []
    session.close()


def test_a_transaction_is_done_or_refused_as_a_whole(site: Site) -> None:
    session, _ = site.open()
    site.ask(session.ensure(site.root))
    first, second = f"{site.root}/1", f"{site.root}/2"
    site.ask(session.commit([Create(first, b"a"), Create(second, b"b")]))
    refusals: list[list[Write]] = [
        [Replace(first, b"x", None), Replace(second, b"x", 7)],
        [Replace(first, b"x", None), Check(f"{site.root}/3")],
        [Replace(first, b"x", None), Create(second, b"x")],
        [Replace(first, b"x", None), Delete(f"{site.root}/3")],
        [Replace(first, b"x", None), Delete(site.root)],
    ]
    for refused in refusals:
        with pytest.raises(KeeperRefusedError):
            site.ask(session.commit(refused))
    assert site.ask(session.get(first)) == (b"a", 0)
    session.close()


def test_a_transaction_has_a_largest_size(site: Site) -> None:
    session, _ = site.open()
    site.ask(session.ensure(site.root))
    site.ask(session.commit([Create(f"{site.root}/1", b"x" * TRANSACTION_BYTES_MAX)]))
    halves: list[Write] = [
        Create(f"{site.root}/{name}", b"x" * TRANSACTION_BYTES_MAX) for name in (2, 3)
    ]
    with pytest.raises(KeeperLostError):
        site.ask(session.commit(halves))
    assert site.ask(session.children(site.root)) == ["1"]
    session.close()


def test_an_entry_ends_with_its_session(site: Site) -> None:
    first, _ = site.open()
    second, _ = site.open()
    site.ask(first.ensure(site.root))
    site.ask(first.enter(f"{site.root}/x~"))
    site.ask(second.enter(f"{site.root}/y~"))
    names = sorted(site.ask(second.children(site.root)))
    assert names == ["x~0000000000", "y~0000000001"]
    births = [site.ask(second.birth(f"{site.root}/{name}")) for name in names]
    assert births[0] < births[1]
    site.ask(first.commit([Check(f"{site.root}/{names[0]}")]))
    first.close()
    site.wait_for(lambda: site.ask(second.children(site.root)) == names[1:])
    with pytest.raises(NoSuchNodeError):
        site.ask(second.birth(f"{site.root}/{names[0]}"))
    second.close()
    assert site.ended == 0, "whoever closes a session need not be told"
