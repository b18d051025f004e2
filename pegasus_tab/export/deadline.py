"""Give up on a call that a library may never return from: the other half of every short timeout.

A remote filesystem that stops answering in the middle of a call (a stopped NameNode, a cut line)
holds its caller for minutes, whatever its own settings say. The call then goes on in a thread of
its own that nobody waits for any more; it dies with the process.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

Value = TypeVar("Value")


def within(seconds: float | None, call: Callable[[], Value]) -> Value:
    """Return what ``call`` returns, or give up on it.

    Args:
        seconds: how long to wait, > 0; None to call directly and wait for ever.
        call: runs in a thread of its own unless ``seconds`` is None. About 60 us more.

    Returns:
        The value of the call.

    Raises:
        TimeoutError: no answer in time; the call may still take effect.
        BaseException: whatever the call raises.
    """
    if seconds is None:
        return call()
    answers: SimpleQueue[tuple[Value | None, BaseException | None]] = SimpleQueue()
    threading.Thread(target=_answer, args=(call, answers), daemon=True).start()
    try:
        value, error = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # set when there is no error


def _answer(
    call: Callable[[], Value], answers: "SimpleQueue[tuple[Value | None, BaseException | None]]"
) -> None:
    try:
        answers.put((call(), None))
    except BaseException as error:  # noqa: BLE001 -- raised again in the waiting thread
        answers.put((None, error))
