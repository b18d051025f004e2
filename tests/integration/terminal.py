"""A program in a pseudo-terminal of its own: type, wait for what it shows, press Ctrl-C."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

WAIT_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.02
BUSY_LOOKS = 3
"""So often in a row: between prompt and statement lies a moment that is neither."""
ROWS, COLUMNS = 40, 120
CTRL_C, CTRL_D = "\x03", "\x04"

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    """Starts a program with a terminal as its stdin, stdout and stderr.

    Args:
        command: program and arguments.
        environment: added to this process's.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), {**os.environ, **environment})  # noqa: S606 -- the child
        size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)
        self.shown = ""
        self._exit_code: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._descriptor)

    def type(self, text: str) -> None:
        """Type; what was shown before is forgotten."""
        self.shown = ""
        os.write(self._descriptor, text.encode())

    def wait_for(self, text: str) -> str:
        """Return what has been shown since the last typing, when it holds a text; colours removed."""
        give_up = time.monotonic() + WAIT_SECONDS_MAX
        while text not in self.shown:
            if not self._read(give_up):
                raise AssertionError(f"{text!r} did not appear, but:\n{self.shown}")
        return self.shown

    def wait_until_busy(self) -> None:
        """Wait until the program runs a statement: at its prompt, Ctrl-C is a key like any other."""
        give_up = time.monotonic() + WAIT_SECONDS_MAX
        busy = 0
        while busy < BUSY_LOOKS:
            assert time.monotonic() < give_up, f"it still prompts:\n{self.shown}"
            local_modes = termios.tcgetattr(self._descriptor)[3]
            busy = busy + 1 if local_modes & termios.ISIG else 0
            self._read(time.monotonic() + LOOK_SECONDS)

    def end(self) -> int:
        """Wait until the program has ended; return its exit code, negative for a signal."""
        give_up = time.monotonic() + WAIT_SECONDS_MAX
        while self._read(give_up):
            pass
        assert time.monotonic() < give_up, f"it does not end:\n{self.shown}"
        self._exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._exit_code

    def _read(self, give_up: float) -> bool:
        """Take in what is shown next; False when nothing comes in time or the program ended."""
        left = max(0.0, give_up - time.monotonic())
        if not select.select([self._descriptor], [], [], left)[0]:
            return False
        try:
            data = os.read(self._descriptor, 1 << 16)
        except OSError:  # EIO: the last program on the terminal is gone
            return False
        self.shown = _CONTROL.sub("", self.shown + data.decode(errors="replace"))
        return bool(data)
