"""The node's small watchers: disk space, flushing, the embedded node's last client, timers."""

from collections.abc import Callable
from pathlib import Path

from twisted.internet.task import Clock

from pegasus_server.runtime.disk_space import DiskSpace
from pegasus_server.runtime.embedded import FIRST_CLIENT_SECONDS, LastClientWatch
from pegasus_server.runtime.flush import Flushing
from pegasus_server.runtime.timers import Timers
from pegasus_server.runtime.turn import Turn
from pegasus_server.runtime.warm_up import WarmUp


def test_writes_stop_below_the_minimum_and_resume_a_good_deal_above_it(tmp_path: Path) -> None:
    free = [1000]
    space = DiskSpace(tmp_path, 100, lambda _: free[0])
    verdicts = []
    for free[0] in (100, 99, 100, 124, 125, 100):
        verdicts.append(space.look())
    assert verdicts == [False, True, True, True, False, False]


def test_room_is_low_well_before_it_is_short(tmp_path: Path) -> None:
    free = [500]
    space = DiskSpace(tmp_path, 100, lambda _: free[0])
    assert not space.is_low
    free[0] = 399
    assert (space.look(), space.is_low, space.has_room_to_flush()) == (False, True, False)


def test_a_real_disk_can_be_looked_at(tmp_path: Path) -> None:
    assert DiskSpace(tmp_path, 0).look() is False


class Flushes:
    """A flush that lasts until told otherwise."""

    def __init__(self) -> None:
        self.log_bytes = 0
        self.is_space_low = False
        self.started = 0
        self.deleted = 0
        self.done: Callable[[], None] | None = None
        self.flushing = Flushing(
            flush_seconds=10.0,
            log_bytes_max=1000,
            log_bytes=lambda: self.log_bytes,
            is_space_low=lambda: self.is_space_low,
            flush=self._start,
            delete_segments=self._delete,
        )

    def _start(self, done: Callable[[], None]) -> None:
        self.started += 1
        self.done = done

    def _delete(self) -> None:
        self.deleted += 1

    def finish(self) -> None:
        assert self.done is not None
        self.done()

    def look(self, times: int) -> None:
        for _ in range(times):
            self.flushing.look()


def test_engines_are_flushed_now_and_then_and_segments_deleted_after() -> None:
    flushes = Flushes()
    flushes.look(9)
    assert flushes.started == 0
    flushes.look(1)
    assert (flushes.started, flushes.deleted) == (1, 0)
    flushes.finish()
    assert flushes.deleted == 1
    flushes.look(10)
    assert flushes.started == 2


def test_a_log_past_its_bound_is_not_waited_for_but_one_flush_at_a_time() -> None:
    flushes = Flushes()
    flushes.log_bytes = 1000
    flushes.look(3)
    assert flushes.started == 1
    flushes.finish()
    flushes.look(1)
    assert flushes.started == 2


def test_a_disk_with_little_room_is_flushed_more_often() -> None:
    flushes = Flushes()
    flushes.is_space_low = True
    flushes.look(4)
    assert flushes.started == 0
    flushes.look(1)
    assert flushes.started == 1


def test_an_embedded_node_ends_after_its_last_client() -> None:
    clock, ended = Clock(), list[float]()
    watch = LastClientWatch(clock, 2.0, lambda: ended.append(clock.seconds()))
    clock.advance(20)
    watch.on_count(1)
    clock.advance(1000)
    watch.on_count(2)
    watch.on_count(1)
    watch.on_count(0)
    clock.advance(1)
    watch.on_count(1)
    clock.advance(100)
    watch.on_count(0)
    clock.advance(1.9)
    assert ended == []
    clock.advance(0.1)
    assert len(ended) == 1


def test_a_watch_that_is_cancelled_ends_nothing() -> None:
    clock, ended = Clock(), list[float]()
    watch = LastClientWatch(clock, 2.0, lambda: ended.append(clock.seconds()))
    watch.cancel()
    watch.cancel()
    clock.advance(1000)
    assert ended == []


def test_an_embedded_node_nobody_comes_to_ends_too() -> None:
    clock, ended = Clock(), list[float]()
    LastClientWatch(clock, 2.0, lambda: ended.append(clock.seconds()))
    clock.advance(FIRST_CLIENT_SECONDS)
    assert ended == [FIRST_CLIENT_SECONDS]


def test_a_timer_that_raises_comes_again() -> None:
    clock, calls = Clock(), list[float]()

    def work() -> None:
        calls.append(clock.seconds())
        if len(calls) == 1:
            raise ValueError("once")

    timers = Timers(clock, Turn(lambda: 0))
    timers.every(2.0, work)
    clock.advance(2.0)
    clock.advance(2.0)
    timers.stop()
    clock.advance(2.0)
    assert calls == [2.0, 4.0]


class WarmUps:
    """A warm-up whose imports are counted."""

    def __init__(self, requests_min: int) -> None:
        self.requests = 0
        self.imports = 0
        self._warm_up = WarmUp(lambda: self.requests, requests_min, self._count)

    def _count(self) -> None:
        self.imports += 1

    def look(self, *, requests: int = 0) -> int:
        """Look after so many more requests; return how often it imported so far."""
        self.requests += requests
        self._warm_up.look()
        return self.imports


def test_warm_up_waits_for_a_quiet_moment_and_happens_once() -> None:
    node = WarmUps(requests_min=0)
    assert [node.look(requests=1), node.look(requests=5), node.look()] == [0, 0, 1]
    assert [node.look(), node.look(requests=1), node.look()] == [1, 1, 1]


def test_warm_up_of_an_embedded_node_waits_for_its_first_client() -> None:
    node = WarmUps(requests_min=1)
    assert [node.look(), node.look(), node.look(requests=1), node.look()] == [0, 0, 0, 1]
