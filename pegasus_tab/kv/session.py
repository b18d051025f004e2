"""The key-value client as one sans-I/O machine: no socket, clock, thread or randomness in it.

Bytes, connection events and time go in; bytes, wishes for connections and results come out::

    pending = session.submit(call, now, timeout_ms)
    for address in session.take_connects(): ...          # start connecting
    for address, data in session.take_output(now): ...   # send
    ... wait for bytes, a connection event, or session.next_deadline() ...
    session.received(address, data, now)                 # or connected, disconnected
    session.tick(now)                                    # after the received bytes, never before
    until pending.result is not WAITING

How a call gets through: its table's partitions are looked up, or asked for from meta, and the call
queues at its partition's primary. What goes wrong leads to one of three things (protocol reference
3.3): "wrong server" and a lost connection to another question to meta and a repetition, "not now" to
a wait and a repetition, everything else to an error. A write that may have been carried out is
repeated only when that changes nothing and the first attempt cannot come later than the repetition;
otherwise it ends as UnknownOutcome.

A server that goes silent, as a stopped process does, loses its partitions to others after a while. So
meta is asked about it long before the calls' deadlines; what waited there goes to the new primaries
if it is a read, and ends as UnknownOutcome if it is a write.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

from pegasus_tab.kv import failure
from pegasus_tab.kv.call import WAITING, Call, Effect, Pending
from pegasus_tab.kv.connection import Connection, Phase
from pegasus_tab.kv.meta_dialogue import MetaDialogue
from pegasus_tab.kv.partition_table import LOCATE, PartitionTable, Query
from pegasus_tab.kv.retry import Reaction, RetryPolicy, reaction
from pegasus_tab.kv.switchboard import Switchboard
from pegasus_tab.kv.wakes import Wakes
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.frame import ResponseFrame


class Session:
    """See the module's text.

    Invariants: a submitted call is in exactly one place (a connection's queue or outstanding calls,
    a table's waiting calls, the heap of wakes) until its result is set, once; no more than
    ``policy.calls_max`` calls have no result; a table has at most one question under way.

    Args:
        metas: addresses of the meta servers, at least one, presumed leader first.
        policy: its limits and waits.
        fraction: draws 0 <= x < 1 to spread repetitions; called once per wait.
    """

    def __init__(
        self, metas: Sequence[Address], *, policy: RetryPolicy, fraction: Callable[[], float]
    ) -> None:
        self._policy = policy
        self._fraction = fraction
        self._doubt_seconds = policy.doubt_ms / 1000
        self._board = Switchboard(policy.connect_ms / 1000)
        self._tables: dict[str, PartitionTable] = {}
        self._completed: list[Pending] = []
        self._no_table = PartitionTable("")
        self._wakes = Wakes()
        self._live = 0
        # No later than the earliest deadline of anything held: calls mostly end long before
        # theirs, so the exact one is looked for only when this moment comes.
        self._expiry = math.inf
        self._dialogue = MetaDialogue(
            metas,
            enqueue=self._ask,
            later=self._later,
            ask_whom=self._ask_whom,
            conclude=self._conclude,
        )

    # -- inputs ----------------------------------------------------------------------------------

    def submit(self, call: Call[object], now: float, timeout_ms: int) -> Pending:
        """Take a call in.

        Args:
            call: what to do.
            now: monotonic seconds.
            timeout_ms: time until the call fails, repetitions included, >= 1.

        Returns:
            The call's life in this session; its ``result`` appears sooner or later.

        Raises:
            OperationalError: ``room`` is 0; nothing was done.
        """
        if self._live >= self._policy.calls_max:
            raise failure.overloaded(self._live)
        deadline = now + timeout_ms / 1000
        if deadline < self._expiry:  # noqa: PLR1730 -- the hot path: a call of min() costs 60 ns
            self._expiry = deadline
        pending = Pending(call, deadline, timeout_ms, self)
        self._live += 1
        self._dispatch(pending, now)
        return pending

    def locate(self, name: str, now: float, timeout_ms: int) -> Pending:
        """Look a table up, without sending anything to its partitions.

        Args:
            name: table name.
            now: monotonic seconds.
            timeout_ms: time until the look-up fails, >= 1.

        Returns:
            A pending whose result is the ``PartitionTable``, not to be changed by the caller.

        Raises:
            OperationalError: ``room`` is 0; nothing was done.
        """
        if self._live >= self._policy.calls_max:
            raise failure.overloaded(self._live)
        pending = Pending(Call(name, LOCATE, 0, b""), now + timeout_ms / 1000, timeout_ms, self)
        self._live += 1
        self._expiry = min(self._expiry, pending.deadline)
        table = self._tables.get(name)
        if table is not None and table.partition_count:
            self._finish(pending, table)
        else:
            self._await_table(name, pending, now)
        return pending

    def forget(self, name: str) -> None:
        """Ask meta again before the next call to a table (it was dropped, renamed or made anew)."""
        table = self._tables.get(name)
        if table is not None:
            table.partition_count = 0

    def abandon(self, pending: Pending) -> None:
        """Forget a call: it is not sent any more; a reply on its way is dropped when it comes."""
        if pending.result is not WAITING:
            return
        pending.abandoned = True
        if pending.sent:
            return  # it ends with the reply, its deadline or the connection
        for connection in self._board.connections.values():
            if pending in connection.queue:
                connection.queue.remove(pending)
        table = self._tables.get(pending.call.table)
        if table is not None and pending in table.waiting:
            table.waiting.remove(pending)
        self._finish(pending, failure.abandoned(pending))

    def postpone(self, pending: Pending, deadline: float) -> None:
        """Give a call another deadline, in monotonic seconds; one that has its result is left alone."""
        if pending.result is WAITING:
            pending.deadline = deadline
            self._expiry = min(self._expiry, deadline)

    def connected(self, address: Address) -> None:
        """Note that a connection asked for by ``take_connects`` is open."""
        self._board.opened(address)
        self._dialogue.connected(address)

    def received(self, address: Address, data: bytes, now: float) -> None:
        """Take in bytes from a connection.

        Args:
            address: of the connection, which is open.
            data: any number of bytes, >= 1.
            now: monotonic seconds.
        """
        connection = self._board.connections[address]
        assert connection.phase is Phase.OPEN
        outstanding = connection.outstanding
        for frame in connection.feed(data):
            pending = outstanding.pop(frame.seqid, None)
            if pending is None:
                continue  # it comes after its call's deadline (protocol reference 1.5)
            pending.sent = False
            if frame.error != codes.ERR_OK:
                self._refused(pending, frame.error, address, now)
            elif pending.call.table:
                self._finish(pending, _decoded(pending, frame))
            else:
                self._dialogue.answered(pending, _decoded(pending, frame), address, now)
        if connection.fault is not None:
            self._give_up(connection, f"it does not speak the protocol: {connection.fault}", now)

    def disconnected(self, address: Address, reason: str, now: float, *, by_peer: bool) -> None:
        """Note that a connection was lost or could not be opened.

        Args:
            address: of the connection.
            reason: for the error text, e.g. ``connection refused``.
            now: monotonic seconds.
            by_peer: the server closed or reset it. Then requests it has not read are void. Else it
                may read and carry them out at any time, even after a repetition was answered and
                another write followed, so no write is repeated.
        """
        connection = self._board.connections[address]
        what = "lost the connection to" if connection.phase is Phase.OPEN else "cannot connect to"
        text = f"{what} {address}: {reason}"
        unsent, lost = connection.reset()
        self._dialogue.failed(address)
        for pending in lost:
            effect = pending.call.method.effect
            pending.may_have_run = effect is not Effect.READ
            if effect is Effect.READ or (by_peer and effect is Effect.REPEATABLE_WRITE):
                self._repeat_elsewhere(pending, text, now)
            else:
                self._finish(pending, failure.unanswered(pending, text))
        for pending in unsent:
            self._repeat_elsewhere(pending, text, now)

    def tick(self, now: float) -> None:
        """Do what time asks for; call it whenever ``next_deadline`` has passed.

        Args:
            now: monotonic seconds; bytes that arrived before must have been handed in.
        """
        while (pending := self._wakes.pop_due(now)) is not None:
            if pending.result is WAITING:
                self._resume(pending, now)
        if self._expiry <= now:
            self._expire(now)

    def replace_metas(self, addresses: Sequence[Address]) -> None:
        """Ask other meta servers from now on (an embedded node came back on another port)."""
        self._dialogue.replace_metas(addresses)

    # -- outputs ---------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more calls can be submitted now."""
        return self._policy.calls_max - self._live

    def take_closes(self) -> list[Address]:
        """Return the addresses whose connection is to be closed, without a ``disconnected``.

        Carry this out before ``take_connects``: an address may be in both.
        """
        return self._board.take_closes()

    def take_connects(self) -> list[Address]:
        """Return the addresses to connect to; each wants a ``connected`` or ``disconnected``."""
        return self._board.take_connects()

    def take_output(self, now: float) -> list[tuple[Address, bytes]]:
        """Return what to send; from here on it counts as sent.

        Args:
            now: monotonic seconds.
        """
        output = []
        for connection in self._board.take_with_output():
            if connection.phase is not Phase.OPEN or not connection.queue:
                continue  # lost meanwhile; or what was queued is over, or was taken already
            data, never_answered = connection.take(now)
            output.append((connection.address, data))
            if connection.unanswered_since == now:
                connection.doubt_at = now + self._doubt_seconds
                self._expiry = min(self._expiry, connection.doubt_at)
            for pending in never_answered:
                self._finish(pending, None)
        return output

    def take_completed(self) -> list[Pending]:
        """Return the calls that got their result since the last call, in that order."""
        completed, self._completed = self._completed, []
        return completed

    def next_deadline(self) -> float:
        """Return when to call ``tick`` at the latest: monotonic seconds, infinity for never."""
        return min(self._expiry, self._wakes.next())

    def table(self, name: str) -> PartitionTable | None:
        """Return what is known about a table's partitions, None when nothing is."""
        table = self._tables.get(name)
        return table if table is not None and table.partition_count else None

    # -- addressing ------------------------------------------------------------------------------

    def _dispatch(self, pending: Pending, now: float) -> None:
        """Queue a call where it belongs, as far as that is known."""
        name = pending.call.table
        if not name:
            self._dialogue.ask(pending, now)
            return
        table = self._tables.get(name)
        if table is None or not table.partition_count:
            self._await_table(name, pending, now)
            return
        wanted = pending.call.app_id
        if wanted and wanted != table.app_id:
            self._misdirected(pending, table, now)
            return
        index = pending.call.partition_hash % table.partition_count
        pending.gpid = table.gpids[index]
        connection = table.connections[index]
        if connection is None:
            self._repeat(pending, f"partition {index} has no primary", Reaction.REFRESH, now)
        elif connection.queue:
            connection.queue.append(pending)  # whoever queued first has seen to the rest
        else:
            self._enqueue(pending, connection, now)

    def _misdirected(self, pending: Pending, table: PartitionTable, now: float) -> None:
        """Keep a call from a table it was not made for; what is known may only be out of date."""
        if pending.stale_version in {-1, table.version}:
            pending.stale_version = table.version
            table.waiting.append(pending)
            self._query(table, now)
        else:
            replaced = failure.replaced(table.name)
            self._finish(pending, failure.unrouted(pending, replaced))

    def _await_table(self, name: str, pending: Pending, now: float) -> None:
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = PartitionTable(name)
        table.waiting.append(pending)
        self._query(table, now)

    def _enqueue(self, pending: Pending, connection: Connection, now: float) -> None:
        self._board.enqueue(pending, connection, now)
        if connection.phase is Phase.CONNECTING and connection.open_until < self._expiry:
            self._expiry = connection.open_until

    def _ask(self, pending: Pending, address: Address, now: float) -> None:
        """Queue a call to a meta server."""
        if isinstance(pending, Query):
            pending.deadline = now + self._policy.query_ms / 1000
            self._expiry = min(self._expiry, pending.deadline)
        self._enqueue(pending, self._board.connection(address), now)

    def _ask_whom(self, address: Address, now: float) -> None:
        """Ask a meta server who leads, by a question about no table: nobody waits for its answer."""
        if self._no_table.query is None:
            self._no_table.query = Query(self._no_table, self._policy.query_ms, self)
            self._ask(self._no_table.query, address, now)

    # -- results ---------------------------------------------------------------------------------

    def _finish(self, pending: Pending, result: object) -> None:
        """Give a caller's call its result."""
        assert pending.result is WAITING
        pending.result = result
        pending.sent = False
        self._live -= 1
        assert self._live >= 0
        self._completed.append(pending)

    def _conclude(self, pending: Pending, result: object, now: float) -> None:
        """Give any call its result, the session's own questions included."""
        if isinstance(pending, Query):
            self._query_concluded(pending.table, result, now)
        else:
            self._finish(pending, result)

    # -- repetition ------------------------------------------------------------------------------

    def _refused(self, pending: Pending, error: str, address: Address, now: float) -> None:
        """A server answered with a framework error in place of a result."""
        answer = reaction(error)
        if answer is Reaction.FAIL:
            self._conclude(pending, failure.refused(pending, error, str(address)), now)
        elif pending.call.table:
            self._repeat(pending, f"{address} answered {error}", answer, now)
        else:
            self._dialogue.refused(pending, error, address, now)

    def _repeat_elsewhere(self, pending: Pending, text: str, now: float) -> None:
        """Repeat a call whose connection is gone."""
        if pending.call.table:
            self._repeat(pending, text, Reaction.REFRESH, now)
        else:
            self._dialogue.ask_again(pending, text, now)

    def _repeat(self, pending: Pending, text: str, why: Reaction, now: float) -> None:
        """Repeat a data call, at once after its first wrong address, else after a wait."""
        assert not pending.sent
        assert why is not Reaction.FAIL
        pending.attempts += 1
        pending.failure = text
        if why is Reaction.REFRESH:
            table = self._tables.get(pending.call.table)
            pending.stale_version = -1 if table is None else table.version
            if pending.attempts == 1 and not pending.abandoned:
                self._resume(pending, now)
                return
        self._later(pending, pending.attempts, now)

    def _later(self, pending: Pending, attempts: int, now: float) -> None:
        """Repeat a call after a wait, unless it would be over before that."""
        if pending.abandoned:
            self._conclude(pending, failure.abandoned(pending), now)
            return
        wake = now + self._policy.delay_seconds(attempts, self._fraction())
        if wake >= pending.deadline or pending.attempts >= self._policy.attempts_max:
            text = f"gave up after {pending.attempts} attempts: {pending.failure}"
            self._conclude(pending, failure.unanswered(pending, text), now)
            return
        self._wakes.push(wake, pending)

    def _resume(self, pending: Pending, now: float) -> None:
        """Send a call again, after a newer partition table if the known one led it astray."""
        table = self._tables.get(pending.call.table)
        if table is not None and table.version == pending.stale_version:
            table.waiting.append(pending)
            self._query(table, now)
        else:
            self._dispatch(pending, now)

    # -- partition tables ------------------------------------------------------------------------

    def _query(self, table: PartitionTable, now: float) -> None:
        """Ask where a table's partitions are, unless that is being asked already."""
        if table.query is None:
            table.query = Query(table, self._policy.query_ms, self)
            self._dialogue.ask(table.query, now)

    def _query_concluded(self, table: PartitionTable, result: object, now: float) -> None:
        """Meta answered about a table, or will not: let go the calls that waited for it."""
        table.query = None
        waiting, table.waiting = table.waiting, []
        error = table.take_in(result, self._board.connection)
        if error is None:
            self._leave_silent(table, now)
            for pending in waiting:
                if pending.call.method is LOCATE:
                    self._finish(pending, table)
                else:
                    self._dispatch(pending, now)
            return
        if error.sqlstate == failure.UNDEFINED_TABLE or not table.partition_count:
            self._tables.pop(table.name, None)
        for pending in waiting:
            self._finish(pending, failure.unrouted(pending, error))

    # -- silent servers --------------------------------------------------------------------------

    def _doubt(self, connection: Connection, now: float) -> None:
        """Look whether a silent server is still the right one, and again after a while."""
        connection.doubt_at = now + self._doubt_seconds
        for name in {pending.call.table for pending in connection.outstanding.values()}:
            table = self._tables.get(name)
            if table is not None:
                self._query(table, now)

    def _leave_silent(self, table: PartitionTable, now: float) -> None:
        """Wait no longer for silent servers whose partitions of a table are others' now."""
        for connection in self._board.connections.values():
            if not connection.silent_since(now - self._doubt_seconds):
                continue
            for pending in connection.withdraw(partial(_is_elsewhere, table, connection)):
                self._leave(pending, connection.address, now)

    def _leave(self, pending: Pending, address: Address, now: float) -> None:
        pending.attempts += 1
        pending.failure = f"{address} stopped answering, and another server took over"
        if pending.call.method.effect is not Effect.READ:
            pending.may_have_run = True
            self._finish(pending, failure.unanswered(pending, pending.failure))
        elif pending.abandoned:
            self._finish(pending, failure.abandoned(pending))
        else:
            self._dispatch(pending, now)

    # -- time ------------------------------------------------------------------------------------

    def _expire(self, now: float) -> None:
        """End everything whose time is up and find the next such moment."""
        self._expiry = math.inf
        for connection in list(self._board.connections.values()):
            self._expire_connection(connection, now)
        for table in list(self._tables.values()):
            asked = "" if table.query is None else table.query.failure
            waiting, table.waiting = table.waiting, []
            for pending in waiting:
                if self._in_time(pending, now):
                    table.waiting.append(pending)
                else:
                    pending.failure = pending.failure or asked
                    self._finish(pending, failure.expired(pending))
        for pending in self._wakes:
            if pending.result is WAITING and not self._in_time(pending, now):
                self._finish(pending, failure.expired(pending))

    def _expire_connection(self, connection: Connection, now: float) -> None:
        if connection.phase is Phase.CONNECTING:
            if connection.open_until <= now:
                reason = f"no answer within {self._policy.connect_ms} ms"
                self._give_up(connection, reason, now)
                return
            self._expiry = min(self._expiry, connection.open_until)
        queue, connection.queue = connection.queue, []
        connection.queue += [p for p in queue if self._in_time(p, now)]
        for pending in queue:
            if pending.deadline <= now:
                self._expired_at(connection, pending, now)
        late = [s for s, p in connection.outstanding.items() if not self._in_time(p, now)]
        for seqid in late:
            self._expired_at(connection, connection.outstanding.pop(seqid), now)
        if late and connection.silent_since(now - self._policy.silence_ms / 1000):
            self._give_up(connection, f"nothing arrived for {self._policy.silence_ms} ms", now)
        elif connection.outstanding and connection.unanswered_since is not None:
            if connection.doubt_at <= now:
                self._doubt(connection, now)
            self._expiry = min(self._expiry, connection.doubt_at)

    def _in_time(self, pending: Pending, now: float) -> bool:
        """Tell whether a call's deadline lies ahead, and remember it."""
        if pending.deadline <= now:
            return False
        self._expiry = min(self._expiry, pending.deadline)
        return True

    def _expired_at(self, connection: Connection, pending: Pending, now: float) -> None:
        """End a call that got no reply in time, and look whether the server is still the right one."""
        if not pending.call.table:
            self._dialogue.failed(connection.address)
        if isinstance(pending, Query):
            pending.sent = False
            self._dialogue.ask_again(pending, f"no answer from {connection.address}", now)
            return
        self._finish(pending, failure.expired(pending))
        table = self._tables.get(pending.call.table)
        if table is not None:
            self._query(table, now)

    def _give_up(self, connection: Connection, reason: str, now: float) -> None:
        """Close a connection from this side."""
        self._board.close(connection)
        self.disconnected(connection.address, reason, now, by_peer=False)


def _is_elsewhere(table: PartitionTable, connection: Connection, pending: Pending) -> bool:
    """Tell whether another connection leads to the partition that a call concerns."""
    if pending.call.table != table.name:
        return False
    home = table.connections[pending.call.partition_hash % table.partition_count]
    return home is not None and home is not connection


def _decoded(pending: Pending, frame: ResponseFrame) -> object:
    """Decode a reply; what cannot be decoded is the call's result as an error."""
    decode = pending.call.method.decode
    assert decode is not None
    try:
        return decode(frame)
    except RemoteProtocolError as fault:
        return failure.undecodable(pending, fault)
