"""Drives a session over sockets, for callers that wait for their results.

One client serves any number of threads. Each wants the result of its own call, but only one of them
at a time waits on the sockets: the *poller*. It takes in whatever arrives, for everybody. The others
are told when something happened; when the poller leaves with its own result, one of them takes over.
A call is sent by the thread that makes it, so that a depth of one costs no hand-over.

Ctrl-C raises KeyboardInterrupt anywhere. While waiting it is harmless. In the middle of the session's
work it could leave half a change behind: ``_sound`` is False during such work, and who finds it False
on entry begins with a fresh session and fresh connections.
"""

import contextlib
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from pegasus_tab.base.errors import Error
from pegasus_tab.base.limits import MIB
from pegasus_tab.kv import failure
from pegasus_tab.kv.call import WAITING, Call, Pending, TimeLimit
from pegasus_tab.kv.pages import Pages
from pegasus_tab.kv.partition_table import PartitionTable
from pegasus_tab.kv.retry import RetryPolicy
from pegasus_tab.kv.session import Session
from pegasus_tab.kv.wires import Event, Wires
from pegasus_tab.wire.address import Address

WINDOW_BYTES_MAX: Final = 8 * MIB
"""Arguments outstanding in one ``run``, unless a single call is larger."""
POLL_SECONDS_MAX: Final = 60.0
PAUSE_SECONDS_MAX: Final = 24 * 3600.0
"""How long a page that was asked for ahead may stay unanswered while its reader is elsewhere."""

T = TypeVar("T")
P = TypeVar("P")


class BlockingClient:
    """Makes calls and waits for them.

    Args:
        metas: addresses of the meta servers.
        timeout_ms: for each call, unless it says otherwise.
        policy: the session's limits.
        find_metas: asked for new addresses when no connection to a meta server can be opened (an
            embedded node that was started again listens elsewhere); None when they never change.
        clock: monotonic seconds.
        wall_clock: unix seconds, for times to live.
        fraction: draws 0 <= x < 1.
    """

    def __init__(
        self,
        metas: Sequence[Address],
        *,
        timeout_ms: int,
        policy: RetryPolicy | None = None,
        find_metas: Callable[[], Sequence[Address]] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        self.timeout_ms = timeout_ms
        self.wall_clock = wall_clock
        self._metas = list(metas)
        self._policy = policy or RetryPolicy()
        self._find_metas = find_metas
        self._clock = clock
        self._fraction = fraction
        self._session = Session(metas, policy=self._policy, fraction=fraction)
        self._sound = True
        self._closed = False
        self._wires = Wires(self._session, find_metas)
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._poller: int | None = None
        self._poll_until = math.inf
        self._listeners = 0

    # -- for callers -----------------------------------------------------------------------------

    def call(self, call: Call[T], timeout_ms: TimeLimit | None = None) -> T | Error:
        """Carry out one call.

        Args:
            call: what to do.
            timeout_ms: other than the client's.

        Returns:
            Its result, or the error that came instead.

        Raises:
            InterfaceError: the client is closed.
            OperationalError: too many calls are outstanding, for as long as this one may take.
        """
        [pending] = self._submit((call,), timeout_ms)
        self._finish_waiting(pending)
        return pending.result  # type: ignore[return-value]  # the method's decode made it

    def run(
        self, calls: Iterable[Call[T]], window: int = 256, timeout_ms: TimeLimit | None = None
    ) -> Iterator[T | Error]:
        """Carry out many calls, several at a time over all partitions.

        The calls run concurrently: no order is promised between them.

        Args:
            calls: taken as they can be sent.
            window: calls outstanding at once, >= 1.
            timeout_ms: for each call, other than the client's.

        Yields:
            For each call, in their order, its result or the error that came instead.

        Raises:
            InterfaceError: the client is closed.
            OperationalError: too many calls are outstanding, for as long as this one may take.
        """
        source = iter(calls)
        waiting: deque[Pending] = deque()
        size, more = 0, True
        try:
            while more or waiting:
                # Refilling at half keeps the batches, and so the system calls, large.
                if more and len(waiting) <= window // 2:
                    batch = _take(source, window - len(waiting), WINDOW_BYTES_MAX - size)
                    more = bool(batch) or bool(waiting)
                    size += sum(len(call.arguments) for call in batch)
                    waiting.extend(self._submit(batch, timeout_ms))
                if waiting:
                    self._wait(waiting[0])
                while waiting and waiting[0].result is not WAITING:
                    done = waiting.popleft()
                    size -= len(done.call.arguments)
                    yield done.result  # type: ignore[misc]  # the method's decode made it
        finally:
            self._abandon(waiting)

    def follow(
        self, reads: Iterable[Pages[P]], parallel: int, timeout_ms: TimeLimit | None = None
    ) -> Iterator[P]:
        """Carry out reads of several pages, a few of them side by side.

        What the caller does between two pages takes no time from those that were asked for ahead.

        Args:
            reads: begun as there is room.
            parallel: reads under way at once, >= 1; each has one page on the way.
            timeout_ms: for each page, other than the client's.

        Yields:
            Pages: of the reads under way one each in turn, so the order depends on nothing but
            the data.

        Raises:
            Error: a page could not be had; the other reads end too.
        """
        source = iter(reads)
        turn: deque[tuple[Pages[P], Pending]] = deque()
        try:
            while True:
                self._begin(source, turn, parallel, timeout_ms)
                if not turn:
                    return
                read, pending = turn[0]
                self._wait(pending)
                turn.popleft()
                page = read.accept(pending.result)
                self._begin(iter((read,)), turn, parallel, timeout_ms)
                self._postpone(turn, PAUSE_SECONDS_MAX)
                yield page
                self._postpone(turn, self._limit_ms(timeout_ms) / 1000)
        finally:
            self._abandon([pending for _, pending in turn])
            self._free(turn)

    def locate(self, table: str) -> PartitionTable:
        """Look a table's partitions up, without a request when they are known.

        Args:
            table: its name.

        Returns:
            What the session knows; not to be changed.

        Raises:
            ProgrammingError: there is no such table.
            OperationalError: nobody could be asked.
        """
        known = self._session.table(table)
        if known is not None:
            return known
        pending = self._hand_over(
            1, self.timeout_ms, lambda session, now, limit: session.locate(table, now, limit)
        )
        self._finish_waiting(pending)
        if isinstance(pending.result, Error):
            raise pending.result
        assert isinstance(pending.result, PartitionTable)
        return pending.result

    def forget(self, table: str) -> None:
        """Look a table up again before its next call."""
        with self._lock:
            self._enter().forget(table)

    def close(self) -> None:
        """Close all connections; calls that wait in other threads fail. Closing twice is fine."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._sound = False
            self._wires.close()
            self._news.notify_all()

    # -- submitting and waiting ------------------------------------------------------------------

    def _submit(self, calls: Sequence[Call[object]], timeout_ms: TimeLimit | None) -> list[Pending]:
        """Hand calls to the session and send what can be sent."""

        def submit(session: Session, now: float, limit_ms: int) -> list[Pending]:
            submit_one = session.submit
            return [submit_one(call, now, limit_ms) for call in calls]

        return self._hand_over(len(calls), self._limit_ms(timeout_ms), submit)

    def _hand_over(
        self, count: int, limit_ms: int, submit: Callable[[Session, float, int], T]
    ) -> T:
        """Hand so many calls to the session, once it has room for them."""
        while True:
            with self._lock:
                session = self._enter()
                if count <= session.room:
                    self._sound = False
                    now = self._clock()
                    submitted = submit(session, now, limit_ms)
                    self._after_submit(now)
                    return submitted
            limit_ms = self._wait_for_room(count, limit_ms)

    def _wait_for_room(self, count: int, limit_ms: int) -> int:
        """Wait until other calls got their results and left room for so many.

        Returns:
            What is left of the limit, milliseconds, >= 1.

        Raises:
            OperationalError: that takes longer than the limit, or there never is so much room.
        """
        deadline = self._clock() + limit_ms / 1000
        try:
            while True:
                with self._lock:
                    left_ms = math.ceil((deadline - self._clock()) * 1000)
                    if count > self._policy.calls_max or left_ms < 1:
                        raise failure.overloaded(self._policy.calls_max)
                    if count <= self._enter().room:
                        return left_ms
                    wires = self._poll_or_listen(deadline)
                if wires is not None:
                    self._poll_once(wires)
        finally:
            self._abandon(())

    def _limit_ms(self, timeout_ms: TimeLimit | None) -> int:
        if timeout_ms is None:
            return self.timeout_ms
        return timeout_ms if isinstance(timeout_ms, int) else timeout_ms()

    def _postpone(self, turn: Iterable[tuple[Pages[P], Pending]], seconds: float) -> None:
        """Give the pages asked for ahead so much time from now on."""
        with self._lock:
            session = self._enter()
            self._sound = False
            now = self._clock()
            for _, pending in turn:
                if pending.owner is session:
                    session.postpone(pending, now + seconds)
            self._after_submit(now)

    def _after_submit(self, now: float) -> None:
        wires = self._wires
        wires.flush(now)
        self._sound = True
        if self._poller is None:
            return
        if wires.changed or self._session.next_deadline() < self._poll_until:
            wires.ring()

    def _begin(
        self,
        source: Iterator[Pages[P]],
        turn: deque[tuple[Pages[P], Pending]],
        parallel: int,
        timeout_ms: TimeLimit | None,
    ) -> None:
        """Ask for the next page of reads from a source, while there is room for them."""
        while len(turn) < parallel:
            read = next(source, None)
            if read is None:
                return
            call = read.next_call()
            if call is not None:
                turn.append((read, self._submit((call,), timeout_ms)[0]))

    def _finish_waiting(self, pending: Pending) -> None:
        """Wait for a result; when that is interrupted, forget the call."""
        try:
            self._wait(pending)
        finally:
            if pending.result is WAITING:
                self._abandon((pending,))

    def _wait(self, pending: Pending) -> None:
        """Wait until a call has its result, as the poller or beside it."""
        while not pending.done:
            wires = self._take_turn(pending)
            if wires is not None:
                self._poll_once(wires)

    def _take_turn(self, pending: Pending) -> Wires | None:
        """Become the poller, or wait for its news; return the wires to poll, None after news."""
        with self._lock:
            self._enter()
            if pending.done:
                return None
            if pending.owner is not self._session:
                pending.result = failure.forgotten(pending)
                return None
            return self._poll_or_listen(math.inf)

    def _poll_or_listen(self, until: float) -> Wires | None:
        """Become the poller, or wait for its news; needs the lock.

        Args:
            until: monotonic seconds at which the caller wants to look again anyway.

        Returns:
            The wires to poll, None after news.
        """
        me = threading.get_ident()
        if self._poller is not None and self._poller != me:
            self._listen(min(until - self._clock(), POLL_SECONDS_MAX))
            return None
        self._poller = me
        self._poll_until = min(self._session.next_deadline(), until)
        self._wires.changed = False
        return self._wires

    def _listen(self, seconds: float) -> None:
        """Wait for the poller's news, at most so long."""
        self._listeners += 1
        try:
            self._news.wait(max(0.0, seconds))
        finally:
            self._listeners -= 1

    def _poll_once(self, wires: Wires) -> None:
        """Wait for events without the lock, then take them in with it."""
        events: list[Event] = []
        try:
            seconds = min(self._poll_until - self._clock(), POLL_SECONDS_MAX)
            events = wires.poll(max(0, math.ceil(seconds * 1000)))
        finally:
            with self._lock:
                self._poller = None
                if self._sound and wires is self._wires:
                    self._sound = False
                    wires.take_in(events, self._clock())
                    self._sound = True
                if self._listeners:
                    self._news.notify_all()

    def _abandon(self, pendings: Iterable[Pending]) -> None:
        """Forget calls, and the poller's part if an interrupt came just before the polling."""
        with self._lock:
            if self._poller == threading.get_ident():
                self._poller = None
                self._news.notify_all()
            if not self._sound:
                return  # whatever was held is forgotten with the session
            self._sound = False
            for pending in pendings:
                if pending.owner is self._session:
                    self._session.abandon(pending)
            self._sound = True

    def _free(self, turn: Iterable[tuple[Pages[P], Pending]]) -> None:
        """Free what the server remembers of unfinished reads whose last page has come.

        Of the others it frees the rest itself, after a while, and so it does when this fails.
        """
        for read, pending in turn:
            if pending.done and self._sound:
                with contextlib.suppress(Error):
                    read.accept(pending.result)
                    call = read.closing_call()
                    if call is not None:
                        self._submit((call,), None)

    # -- under the lock --------------------------------------------------------------------------

    def _enter(self) -> Session:
        """Return a session that is sound."""
        if not self._sound:
            self._recover()
        return self._session

    def _recover(self) -> None:
        """Begin anew after an interrupt in the middle of the session's work."""
        if self._closed:
            raise failure.closed()
        self._wires.close()
        self._session = Session(self._metas, policy=self._policy, fraction=self._fraction)
        self._wires = Wires(self._session, self._find_metas)
        self._sound = True
        self._news.notify_all()


def _take(source: Iterator[Call[T]], count: int, size: int) -> list[Call[T]]:
    """Take calls from a source up to a count and a size of arguments, the last one beyond it."""
    batch: list[Call[T]] = []
    while len(batch) < count and size > 0:
        call = next(source, None)
        if call is None:
            break
        batch.append(call)
        size -= len(call.arguments)
    return batch
