"""A server's tasks: pinned at once, one worker at a time, reported on request, gone when told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from pegasus_server.meta.jobs.messages import Outcome, TaskOrder, TaskReport, TaskStop
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.transfer_process import TransferProcess
from pegasus_server.runtime.transfers import FORGOTTEN_SECONDS, IDLE_SECONDS, Doors, Transfers
from pegasus_server.storage.rocks import RocksEngine
from pegasus_server.transfer.order import Done, Failed, Progress, decode_order, encode
from pegasus_tab.base.ids import Decree, Gpid, NodeName

T = TypeVar("T")
HERE = NodeName("here")
CLOCK = "pegasus_server.runtime.transfers.boottime_seconds"


class FakeEngine:
    def checkpoint(self, path: Path) -> Decree:
        path.mkdir()
        return Decree(42)


class FakeProcess:
    """What spawnProcess gives back; the protocol hears of its end when it is killed."""

    def __init__(self, protocol: TransferProcess) -> None:
        self.protocol = protocol
        self.orders: list[Any] = []
        self.is_killed = False

    def write(self, data: bytes) -> None:
        self.orders.append(decode_order(data))

    def signalProcess(self, _signal: str) -> None:  # noqa: N802 -- Twisted's name
        self.is_killed = True


class FakeReactor:
    def __init__(self) -> None:
        self.processes: list[FakeProcess] = []
        self.has_room = True

    def spawnProcess(self, protocol: TransferProcess, *_: Any, **__: Any) -> FakeProcess:  # noqa: N802 -- Twisted's name
        if not self.has_room:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.processes.append(FakeProcess(protocol))
        return self.processes[-1]


def at_once(
    job: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
) -> None:
    try:
        result = job()
    except OSError as error:
        failed(error)
    else:
        done(result)


class Server:
    def __init__(self, folder: Path) -> None:
        self.reactor = FakeReactor()
        self.reports: list[TaskReport] = []
        self.leads = True
        self.folder = folder / "transfers"
        self.transfers = Transfers(
            self.reactor,
            HERE,
            self.folder,
            self._engine,
            at_once,
            self.reports.append,
            lambda: Doors("127.0.0.1:1", ("127.0.0.1:2",)),
        )
        self.transfers._workers_max = 1

    def _engine(self, _gpid: Gpid) -> RocksEngine | None:
        return cast("RocksEngine", FakeEngine()) if self.leads else None

    def order(
        self,
        partition: int = 0,
        attempt: int = 1,
        step: str = "partition",
        *,
        is_known: bool = False,
    ) -> TaskReport:
        self.transfers.take(
            TaskOrder(
                job=5,
                kind="export",
                step=step,
                app_id=1,
                partition=partition,
                attempt=attempt,
                is_known=is_known,
                options='{"bytes_per_second": 100}',
                plan="",
            )
        )
        return self.reports[-1]

    def say(self, answer: Progress | Done | Failed, process: int = -1) -> None:
        data = encode(answer) + b"\n"
        protocol = self.reactor.processes[process].protocol
        protocol.outReceived(data[:7])
        protocol.outReceived(data[7:])


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_a_task_from_order_to_report(server: Server) -> None:
    assert server.order().outcome is Outcome.RUNNING
    (order,) = server.reactor.processes[0].orders
    assert (order.decree, order.bytes_per_second, order.plan) == (42, 100, {})
    assert Path(order.checkpoint).exists()
    server.say(Progress(rows=3, bytes=30, rows_total=9))
    report = server.order(is_known=True)
    assert (report.rows, report.bytes, report.rows_total) == (3, 30, 9)
    server.say(Done(result={"files": 1}, rows=9, bytes=90))
    assert not Path(order.checkpoint).exists()
    report = server.order(is_known=True)
    assert (report.outcome, report.rows, report.result) == (Outcome.DONE, 9, '{"files": 1}')
    assert len(server.reactor.processes) == 1


def test_all_are_pinned_and_one_works(server: Server) -> None:
    for partition in range(3):
        server.order(partition)
    assert len(list(server.folder.iterdir())) == 3
    assert len(server.reactor.processes) == 1
    server.say(Done(result={}))
    server.say(Done(result={}))
    server.say(Done(result={}))
    assert [order.partition for order in server.reactor.processes[0].orders] == [0, 1, 2]
    assert list(server.folder.iterdir()) == []


def test_steps_of_the_whole_table_do_not_wait(server: Server) -> None:
    server.order(0)
    server.order(0, step="finish")
    assert [len(each.orders) for each in server.reactor.processes] == [1, 1]


def test_a_failure_is_told(server: Server) -> None:
    server.order()
    server.say(Failed(message="no room", hint="make some", sqlstate="58030", is_final=True))
    report = server.order(is_known=True)
    assert (report.outcome, report.message, report.hint) == (Outcome.FAILED, "no room", "make some")
    assert (report.sqlstate, report.is_final) == ("58030", True)


def test_a_worker_that_dies_has_failed(server: Server) -> None:
    server.order()
    protocol = server.reactor.processes[0].protocol
    protocol.errReceived(b"Traceback\nMemoryError: too much\n")
    protocol.processEnded(cast("Any", type("Reason", (), {"value": "killed"})))
    report = server.order(is_known=True)
    assert report.outcome is Outcome.FAILED
    assert "MemoryError: too much" in report.message
    server.order(1)
    assert len(server.reactor.processes) == 2, "it is not given anything any more"


def test_a_worker_that_cannot_be_started_leaves_its_place_to_others(server: Server) -> None:
    server.reactor.has_room = False
    for partition in range(3):
        assert server.order(partition).outcome is Outcome.FAILED
        assert "no worker process could be started" in server.reports[-1].message
    assert not any(server.folder.iterdir())
    server.reactor.has_room = True
    assert server.order(0, attempt=2).outcome is Outcome.RUNNING
    assert len(server.reactor.processes) == 1


def test_what_is_not_known_is_lost(server: Server) -> None:
    assert server.order(is_known=True).outcome is Outcome.LOST
    assert server.reactor.processes == []


def test_only_the_primary_works(server: Server) -> None:
    server.leads = False
    assert server.order().outcome is Outcome.NOT_HERE
    assert server.order(step="open").outcome is Outcome.RUNNING


def test_a_newer_attempt_replaces_an_older_one(server: Server) -> None:
    server.order(attempt=1)
    server.order(attempt=2)
    first = server.reactor.processes[0]
    assert first.is_killed
    reports = len(server.reports)
    server.order(attempt=1)
    assert len(server.reports) == reports, "an old order is not answered"
    first.protocol.processEnded(cast("Any", type("Reason", (), {"value": "killed"})))
    assert [order.attempt for order in server.reactor.processes[-1].orders] == [2]
    server.say(Done(result={}, rows=1))
    assert server.order(attempt=2, is_known=True).outcome is Outcome.DONE


def test_stop_ends_all_of_a_job(server: Server) -> None:
    for partition in range(3):
        server.order(partition)
    server.transfers.take(TaskStop(5))
    process = server.reactor.processes[0]
    assert process.is_killed
    process.protocol.processEnded(cast("Any", type("Reason", (), {"value": "killed"})))
    assert list(server.folder.iterdir()) == []
    assert len(process.orders) == 1
    assert server.order(is_known=True).outcome is Outcome.LOST


def test_what_nobody_asks_for_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.order()
    now = boottime_seconds()
    monkeypatch.setattr(CLOCK, lambda: now + FORGOTTEN_SECONDS + 1)
    server.transfers.tick()
    assert server.reactor.processes[0].is_killed


def test_an_idle_worker_is_dismissed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.order()
    server.say(Done(result={}))
    server.transfers.tick()
    assert not server.reactor.processes[0].is_killed
    now = boottime_seconds()
    monkeypatch.setattr(CLOCK, lambda: now + IDLE_SECONDS + 1)
    server.transfers.tick()
    assert server.reactor.processes[0].is_killed


def test_checkpoints_of_an_earlier_life_go(tmp_path: Path) -> None:
    (tmp_path / "transfers" / "3.0.1").mkdir(parents=True)
    Server(tmp_path)
    assert list((tmp_path / "transfers").iterdir()) == []
