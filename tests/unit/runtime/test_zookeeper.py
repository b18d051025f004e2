"""The adapter of ZooKeeper on a fake one; the real one is in tests/services."""

import socket

import pytest

from pegasus_server.runtime.zookeeper import Create, Ensemble, KeeperLostError, kazoo_client
from tests.fakes.keeper import FakeKeeper
from tests.fakes.keeper_contract import (
    WAIT_SECONDS_MAX,
    Site,
    test_a_session_has_the_timeout_that_was_granted,
    test_a_transaction_has_a_largest_size,
    test_a_transaction_is_done_or_refused_as_a_whole,
    test_an_entry_ends_with_its_session,
    test_nodes_and_their_versions,
)
from tests.fakes.meta_store import Fate

__all__ = [
    "test_a_session_has_the_timeout_that_was_granted",
    "test_a_transaction_has_a_largest_size",
    "test_a_transaction_is_done_or_refused_as_a_whole",
    "test_an_entry_ends_with_its_session",
    "test_nodes_and_their_versions",
]


@pytest.fixture
def keeper() -> FakeKeeper:
    return FakeKeeper()


@pytest.fixture
def site(keeper: FakeKeeper) -> Site:
    return Site("fake:2181", keeper.make_client, keeper.deliver, keeper.run)


@pytest.mark.parametrize(("fate", "is_done"), [(Fate.LOST, False), (Fate.ANSWER_LOST, True)])
def test_a_lost_answer_says_nothing(
    site: Site, keeper: FakeKeeper, fate: Fate, is_done: bool
) -> None:
    session, _ = site.open()
    keeper.fate = lambda: fate
    with pytest.raises(KeeperLostError):
        site.ask(session.commit([Create("/node", b"")]))
    assert ("/node" in keeper.nodes) is is_done


def test_the_end_of_a_session_is_told_once(site: Site, keeper: FakeKeeper) -> None:
    site.open()
    [client] = keeper.clients
    client.lose_session()
    client.start_async()
    client.lose_session()
    keeper.run()
    assert site.ended == 1
    assert client.is_closed


def test_kazoo_tells_the_granted_timeout() -> None:
    """The hook in kazoo's own connection, without a server."""
    granted: list[tuple[int, int]] = []
    client = kazoo_client(
        Ensemble("127.0.0.1:1", 10_000), lambda *told: granted.append(told), lambda _: None
    )
    assert client._connection._connect.__name__ == "connect_and_tell"
    client.close()


@pytest.mark.slow
def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    """A ZooKeeper that is just starting does so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT_SECONDS_MAX)
        host, port = listener.getsockname()
        client = kazoo_client(Ensemble(f"{host}:{port}", 4000), lambda *_: None, lambda _: None)
        client.start_async()
        first, _ = listener.accept()
        second, _ = listener.accept()
        first.close()
        second.close()
    client.stop()
    client.close()
