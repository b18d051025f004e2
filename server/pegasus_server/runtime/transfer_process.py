"""A worker process as Twisted sees it: an order goes in, answers come out, its end is noticed."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from pegasus_server.transfer.order import (
    Answer,
    Done,
    Failed,
    Progress,
    WorkerOrder,
    decode_answer,
    encode,
)

logger = logging.getLogger(__name__)

LINE_BYTES_MAX = 64 * 1024
STDERR_KEPT = 2000


class TransferProcess(ProcessProtocol):
    """One worker.

    Args:
        order: what it is to do.
        on_progress: called now and then.
        on_end: called once, with its last word; a worker that died without one has failed.
    """

    def __init__(
        self,
        order: WorkerOrder,
        on_progress: Callable[[Progress], None],
        on_end: Callable[[Done | Failed], None],
    ) -> None:
        self._order = order
        self._on_progress = on_progress
        self._on_end = on_end
        self._buffer = b""
        self._stderr = b""
        self._outcome: Done | Failed | None = None

    def start(self, reactor: Any) -> None:
        """Start the process."""
        command = [sys.executable, "-m", "pegasus_server.transfer"]
        self._process = reactor.spawnProcess(self, command[0], command, env=dict(os.environ))

    def kill(self) -> None:
        """End the process at once; ``on_end`` is called all the same."""
        try:
            self._process.signalProcess("KILL")
        except ProcessExitedAlready:
            logger.debug("the worker of job %d had ended already", self._order.job)

    def connectionMade(self) -> None:  # noqa: N802 -- Twisted's name
        """Give the order; standard input stays open, its end would end the worker."""
        assert self.transport is not None
        self.transport.write(encode(self._order) + b"\n")

    def outReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Take answers."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > LINE_BYTES_MAX:
            self.kill()
            return
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            answer: Answer = decode_answer(line)
        except msgspec.DecodeError:
            logger.warning("a worker said what nobody understands: %r", line[:200])
            return
        if isinstance(answer, Progress):
            self._on_progress(answer)
        else:
            self._outcome = answer

    def errReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Keep the last words of a worker that fails."""
        self._stderr = (self._stderr + data)[-STDERR_KEPT:]

    def processEnded(self, reason: Failure) -> None:  # noqa: N802 -- Twisted's name
        """Tell how it ended."""
        outcome = self._outcome
        if outcome is None:
            said = self._stderr.decode(errors="replace").strip()
            logger.error("a worker of job %d died: %s\n%s", self._order.job, reason.value, said)
            last = said.splitlines()[-1] if said else "it said nothing"
            outcome = Failed(message=f"the worker process died ({last})")
        self._on_end(outcome)
