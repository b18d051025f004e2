"""A table on a cluster of real processes: made, filled, watched until it is whole, read back."""

import time
from collections.abc import Callable, Iterable

from pegasus_server.storage.engine import ROW_KEYS_END
from pegasus_server.storage.rocks import RocksEngine
from pegasus_tab.base.errors import Error
from pegasus_tab.base.ids import Decree, Gpid
from pegasus_tab.kv import Client
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import QueryConfigResponse
from tests.integration.cluster import Cluster, Server
from tests.integration.wire_client import WireClient

WAIT_SECONDS_MAX = 60.0
CLOSING = "closing"


class ClusterTable:
    """Table ``t`` with copies on three servers, and what was acknowledged of its rows.

    Args:
        cluster: where it is.
        client: connected to it.
        partitions: how many it has.

    Attributes:
        rows: what was acknowledged.
        app_id: the table.
    """

    def __init__(self, cluster: Cluster, client: Client, partitions: int = 4) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.app_id = 0
        self._cluster = cluster
        self._client = client
        self.await_that("the servers report to meta", lambda: self._is_made(partitions))
        self.await_whole()
        self._table = client.table("t")
        self.app_id = self.config().app_id

    def _is_made(self, partitions: int) -> bool:
        try:
            self._client.create_table("t", partitions=partitions, replicas=3, if_not_exists=True)
        except Error:
            return False
        return True

    def await_that(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, looking now and then."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not is_so():
            assert time.monotonic() < deadline, f"not in time: {what}\n{self._cluster.printed()}"
            time.sleep(0.1)

    def config(self) -> QueryConfigResponse:
        """Ask meta."""
        with WireClient(self._cluster.meta.port) as wire:
            return wire.config("t")

    def await_whole(self) -> None:
        """Wait until every partition has three replicas."""
        self.await_that(
            "all partitions have three replicas",
            lambda: all(p.primary and len(p.secondaries) == 2 for p in self.config().partitions),
        )

    def await_learned(
        self, server: Server, printed: int, partitions: Iterable[int] | None = None
    ) -> None:
        """Wait until a server learned partitions anew, and all have three replicas.

        Args:
            server: which.
            printed: length of what it had printed before.
            partitions: which, all if None.
        """
        count = len(self.config().partitions)
        self.await_that(
            f"{server.name} learned",
            lambda: all(
                f"replica {self.app_id}.{index} is secondary" in server.printed()[printed:]
                for index in (range(count) if partitions is None else partitions)
            ),
        )
        self.await_whole()

    def pour(self, label: str, count: int, value_bytes: int = 100) -> None:
        """Write ``count`` new rows at once and remember those that were acknowledged."""
        rows = {
            b"%s %d" % (label.encode(), number): b"%d " % number * (value_bytes // 4)
            for number in range(count)
        }
        calls = [self._table.put_call(encode_key(key, b""), value) for key, value in rows.items()]
        answers = self._client.run(calls)
        for (key, value), answer in zip(rows.items(), answers, strict=True):
            if not isinstance(answer, Error):
                self.rows[key] = value

    def check(self) -> None:
        """Read every row back."""
        found = {key: self._table.get(key, b"") for key in self.rows}
        wrong = [key for key, value in self.rows.items() if found[key] != value]
        assert not wrong, f"{len(wrong)} rows are gone or wrong, {wrong[:3]}"

    def check_copies(self) -> None:
        """Stop all replica servers and compare the copies of every partition on disk (A16)."""
        acknowledged = len(self.rows)
        for _ in range(2):
            # A secondary hears with the next mutation that the one before is committed.
            self.pour(CLOSING, 200)
        for server in self._cluster.replicas:
            assert server.stop() == 0, server.printed()
        found = 0
        for index in range(len(self.config().partitions)):
            gpid = Gpid(self.app_id, index)
            copies = [_content(each, gpid) for each in self._cluster.replicas]
            for copy in copies[1:]:
                differing = {key for key, _ in copies[0].items() ^ copy.items()}
                sizes = list(map(len, copies))
                assert not differing, f"copies of {gpid} differ in {list(differing)[:5]}; {sizes}"
            found += len(copies[0])
        assert found >= acknowledged, f"{acknowledged} rows were acknowledged, {found} are there"


def _content(server: Server, gpid: Gpid) -> dict[bytes, bytes]:
    """Read the rows of a stopped server's replica, but for the closing ones."""
    engine = RocksEngine.open(
        server.folder / "replicas" / str(gpid) / "db", durable_decree=Decree(0)
    )
    try:
        closing = encode_key(CLOSING.encode(), b"")
        rows = engine.scan(b"", ROW_KEYS_END)
        return {key: value for key, value in rows if not key[2:].startswith(closing[2:])}
    finally:
        engine.close()
