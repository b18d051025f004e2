"""A client of the simulated cluster: one operation at a time, following the primary.

A timeout leaves an operation open for good; its client goes on with the next. Errors that promise
that nothing happened end it as failed.
"""

from collections.abc import Callable, Sequence

from pegasus_server.simulator.clock import Clock
from pegasus_server.simulator.entropy import Stream
from pegasus_server.simulator.history import READS, End, History, Operation
from pegasus_server.simulator.knobs import Knobs
from pegasus_server.simulator.parcels import (
    OK,
    UNKNOWN_OUTCOME,
    ClientAnswer,
    ClientQuestion,
    RouteAnswer,
    RouteQuestion,
)
from pegasus_server.simulator.workload import Workload, outcome_of, request_of
from pegasus_tab.base.ids import Gpid

TIMEOUT_US = 3_000_000


class Client:
    """Works until it is told to stop.

    Invariant: at most one operation is under way.

    Args:
        number: names it.
        clock: true time.
        knobs: of the world.
        stream: of this client.
        history: where its operations go.
        metas: whom to ask for primaries.
        carry: sends ``(target, message)``.

    Attributes:
        name: on the network.
        is_done: it begins nothing new.
    """

    def __init__(
        self,
        number: int,
        clock: Clock,
        knobs: Knobs,
        stream: Stream,
        history: History,
        metas: Sequence[str],
        carry: Callable[[str, object], None],
    ) -> None:
        self.name = f"c{number}"
        self.is_done = False
        self._number = number
        self._clock = clock
        self._knobs = knobs
        self._stream = stream
        self._history = history
        self._metas = metas
        self._carry = carry
        self._workload = Workload(knobs, stream)
        self._sequence = 0
        self._current: Operation | None = None
        self._primaries = dict[Gpid, str]()
        self._pause()

    def _pause(self, least_us: int = 0) -> None:
        think_us = int(self._stream.exponential(self._knobs.think_us))
        self._clock.after(max(think_us, least_us, 1), self._begin)

    def _begin(self) -> None:
        if self.is_done or self._current is not None:
            return
        self._sequence += 1
        operation = self._workload.draw((self._number, self._sequence), self._clock.now_us)
        primary = self._primaries.get(operation.gpid)
        if primary is None:
            self._ask_route(operation)
            return
        self._current = self._history.begin(operation)
        question = ClientQuestion(operation.request_id, operation.gpid, request_of(operation))
        self._carry(primary, question)
        self._clock.after(TIMEOUT_US, self._lose_patience, operation)

    def _ask_route(self, operation: Operation) -> None:
        """Ask a meta server, each time the next one; the operation drawn never begins."""
        meta = self._metas[self._sequence % len(self._metas)]
        self._carry(meta, RouteQuestion(operation.request_id, operation.gpid))
        self._pause(self._knobs.retry_us)

    def _lose_patience(self, operation: Operation) -> None:
        if operation is self._current:
            self._end(operation, End.FAIL if operation.verb in READS else End.UNKNOWN)
            del self._primaries[operation.gpid]

    def _end(self, operation: Operation, end: End) -> None:
        operation.end = end
        if end is not End.UNKNOWN:
            operation.return_us = self._clock.now_us
        self._current = None
        self._pause(0 if end is End.OK else self._knobs.retry_us)

    def receive(self, sender: str, message: object) -> None:
        """Take an answer; one that came too late changes nothing."""
        match message:
            case RouteAnswer():
                self._on_route(message)
            case ClientAnswer():
                self._on_answer(sender, message)
            case _:
                raise AssertionError(f"a client does not understand {message}")

    def _on_route(self, answer: RouteAnswer) -> None:
        if answer.config is not None and answer.config.primary is not None:
            self._primaries[answer.gpid] = answer.config.primary

    def _on_answer(self, sender: str, answer: ClientAnswer) -> None:
        operation = self._current
        if operation is None or operation.request_id != answer.request_id:
            return
        operation.node, operation.ballot = sender, answer.ballot
        if answer.error == OK:
            operation.outcome = outcome_of(answer.response)
            operation.decree = answer.decree
            self._end(operation, End.OK)
            self._workload.note(operation)
            return
        del self._primaries[operation.gpid]
        self._end(operation, End.UNKNOWN if answer.error == UNKNOWN_OUTCOME else End.FAIL)
