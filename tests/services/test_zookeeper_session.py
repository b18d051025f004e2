"""The adapter of ZooKeeper on a real one."""

import queue
from collections.abc import Callable, Iterator

import pytest

from pegasus_server.runtime.zookeeper import kazoo_client
from pegasus_shell.onebox_server import await_start
from pegasus_shell.zookeeper_server import ZooKeeperServer
from tests.fakes.keeper_contract import (
    Site,
    test_a_session_has_the_timeout_that_was_granted,
    test_a_transaction_has_a_largest_size,
    test_a_transaction_is_done_or_refused_as_a_whole,
    test_an_entry_ends_with_its_session,
    test_nodes_and_their_versions,
)
from tests.integration.server_process import free_port

__all__ = [
    "test_a_session_has_the_timeout_that_was_granted",
    "test_a_transaction_has_a_largest_size",
    "test_a_transaction_is_done_or_refused_as_a_whole",
    "test_an_entry_ends_with_its_session",
    "test_nodes_and_their_versions",
]

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeperServer]:
    keeper = ZooKeeperServer("zookeeper", tmp_path_factory.mktemp("keeper"), free_port())
    keeper.write_config()
    process = keeper.start()
    await_start(keeper)
    yield keeper
    process.kill()
    process.wait()


@pytest.fixture
def site(keeper: ZooKeeperServer) -> Site:
    works: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    def run() -> None:
        while not works.empty():
            works.get()()

    return Site(keeper.address, kazoo_client, works.put, run)
