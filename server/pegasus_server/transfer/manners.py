"""How a worker behaves beside the server that serves: last in line, and gone with it."""

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue

_IDLE_CLASS = 3
_CLASS_SHIFT = 13
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
"""Number of the system call; it has no function in the C library."""
NICENESS = 10


def yield_to_others() -> None:
    """Take the lowest disk priority and little CPU, where the system lets us."""
    os.nice(NICENESS)
    number = _IOPRIO_SET.get(os.uname().machine)
    if number is not None:
        # A refusal (a sandbox without this call) costs nothing but the priority.
        ctypes.CDLL(None).syscall(number, 1, 0, _IDLE_CLASS << _CLASS_SHIFT)


def orders_of_parent() -> Iterator[bytes]:
    """Yield the lines of standard input for ever; its end, which the parent's death is, ends all.

    A thread reads, so that the end is noticed also in the middle of an order.
    """
    lines: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield lines.get()
