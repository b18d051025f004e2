"""Repeating timers of a node."""

import logging
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from pegasus_server.runtime.turn import Turn

logger = logging.getLogger(__name__)


class Timers:
    """Runs things every so often, each time as a turn of its own.

    A call that raises is logged and comes again at its next time: a fault in one sweep must not
    end all later ones.

    Args:
        reactor: whose clock counts.
        turn: the node's turn.
    """

    def __init__(self, reactor: IReactorTime, turn: Turn) -> None:
        self._reactor = reactor
        self._turn = turn
        self._loops: list[LoopingCall] = []

    def every(self, seconds: float, work: Callable[[], object]) -> None:
        """Do ``work`` every ``seconds``, the first time after that long."""

        def run() -> None:
            try:
                self._turn.run(work)
            except Exception:
                logger.exception("a timer failed")

        loop = LoopingCall(run)
        loop.clock = self._reactor
        cast("Any", loop.start(seconds, now=False)).addErrback(_log_failure)
        self._loops.append(loop)

    def stop(self) -> None:
        """End all of them."""
        for loop in self._loops:
            loop.stop()
        self._loops.clear()


def _log_failure(failure: Failure) -> None:
    logger.error("a timer ended: %s", failure.getTraceback())
