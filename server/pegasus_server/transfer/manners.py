"""How a worker behaves beside the server that serves: last in line, and gone with it."""

import ctypes
import os
import sys
import threading

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


def end_with_parent() -> None:
    """End this process when the parent closes our standard input, which its death does too."""

    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()
