"""A worker process as Twisted sees it: orders go in, answers come out, its end is noticed."""

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

LINE_BYTES_MAX = 1024 * 1024
STDERR_KEPT = 2000


class TransferProcess(ProcessProtocol):
    """One worker, which carries out one order at a time; starting one takes a second of CPU.

    Args:
        reactor: Twisted's; the process is started at once.

    Attributes:
        is_gone: it ended, or will not be given anything any more.
    """

    def __init__(self, reactor: Any) -> None:
        self.is_gone = False
        self._buffer = b""
        self._stderr = b""
        self._on_progress: Callable[[Progress], None] = _ignore
        self._on_end: Callable[[Done | Failed], None] | None = None
        command = [sys.executable, "-m", "pegasus_server.transfer"]
        self._process = reactor.spawnProcess(self, command[0], command, env=dict(os.environ))

    def give(
        self,
        order: WorkerOrder,
        on_progress: Callable[[Progress], None],
        on_end: Callable[[Done | Failed], None],
    ) -> None:
        """Have an order carried out; the last one must have ended.

        Args:
            order: what to do.
            on_progress: called now and then.
            on_end: called once; a worker that died without a last word has failed.
        """
        assert self._on_end is None
        assert not self.is_gone
        self._on_progress, self._on_end = on_progress, on_end
        self._process.write(encode(order) + b"\n")

    def kill(self) -> None:
        """End the process at once; ``on_end`` of an order under way is called all the same."""
        self.is_gone = True
        try:
            self._process.signalProcess("KILL")
        except ProcessExitedAlready:
            logger.debug("a worker had ended already")

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
            self._finish(answer)

    def _finish(self, outcome: Done | Failed) -> None:
        on_end, self._on_end = self._on_end, None
        self._on_progress = _ignore
        if on_end is not None:
            on_end(outcome)

    def errReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Keep the last words of a worker that fails."""
        self._stderr = (self._stderr + data)[-STDERR_KEPT:]

    def processEnded(self, reason: Failure) -> None:  # noqa: N802 -- Twisted's name
        """Tell how it ended, if it was at work."""
        self.is_gone = True
        if self._on_end is not None:
            said = self._stderr.decode(errors="replace").strip()
            logger.error("a worker died: %s\n%s", reason.value, said)
            last = said.splitlines()[-1] if said else "it said nothing"
            self._finish(Failed(message=f"the worker process died ({last})"))


def _ignore(_progress: Progress) -> None:
    """Nobody waits for it."""
