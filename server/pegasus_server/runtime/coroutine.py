"""Coroutines that wait for Deferreds, started by code that does not wait for them."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from twisted.internet.defer import Deferred


def begin(coroutine: Coroutine[Deferred[Any], Any, None], on_defect: Callable[[str], None]) -> None:
    """Run a coroutine that handles what it expects to go wrong by itself.

    Args:
        coroutine: runs until it first waits, before this returns.
        on_defect: gets the traceback of whatever else it raised.
    """
    running: Any = Deferred.fromCoroutine(coroutine)
    running.addErrback(
        lambda failure: on_defect(f"a defect: {cast('Any', failure).getTraceback()}")
    )
