"""A program on a machine: it runs, is stopped (SIGSTOP), or is dead.

Whatever is meant for a stopped program waits, as it does in socket buffers and timer queues, and
is taken once it goes on; its clock ran all the time. A program that wakes may well read its sockets
before it looks at its timers: that is how timers alone let a sleeper serve stale data (reliability
reference 2.2). What was meant for a program that died never reaches the one that is started after.
"""

from collections import deque
from typing import Any

from pegasus_server.simulator.clock import Action, Clock, MachineClock


class Process:
    """One life of a program.

    Args:
        clock: true time.
        machine: the machine's clocks.

    Attributes:
        is_alive: False for good once it died.
        is_stopped: what comes in waits.
    """

    def __init__(self, clock: Clock, machine: MachineClock) -> None:
        self.is_alive = True
        self.is_stopped = False
        self._clock = clock
        self._machine = machine
        self._backlog: deque[tuple[Action, tuple[Any, ...]]] = deque()
        self._messages: deque[tuple[Action, tuple[Any, ...]]] = deque()
        self._reads_first = False

    @property
    def now_us(self) -> int:
        """CLOCK_BOOTTIME."""
        return self._machine.now_us

    @property
    def wall_us(self) -> int:
        """The wall clock."""
        return self._machine.wall_us

    def after(self, delay_us: int, action: Action, *arguments: object) -> None:
        """Have an action run in this life after a delay of true time."""
        self._clock.after(delay_us, self.take, action, *arguments)

    def at(self, time_us: int, action: Action, *arguments: object) -> None:
        """Have an action run in this life once CLOCK_BOOTTIME shows a time."""
        self._clock.at(self._machine.true_us(time_us), self.take, action, *arguments)

    def take(self, action: Action, *arguments: object) -> None:
        """Run an action now, later, or never."""
        if not self.is_alive:
            return
        if self.is_stopped:
            self._backlog.append((action, arguments))
        else:
            action(*arguments)

    def take_message(self, action: Action, *arguments: object) -> None:
        """Run what a message calls for, now, later, or never."""
        if self.is_alive and self.is_stopped and self._reads_first:
            self._messages.append((action, arguments))
        else:
            self.take(action, *arguments)

    def die(self) -> None:
        """End; nothing runs in this life any more."""
        self.is_alive = False
        self._backlog.clear()
        self._messages.clear()

    def stop(self, *, reads_first: bool) -> None:
        """Stop (SIGSTOP).

        Args:
            reads_first: on waking, take messages before timers and what the disk did.
        """
        self.is_stopped = True
        self._reads_first = reads_first

    def go_on(self) -> None:
        """Go on (SIGCONT): first with what waited."""
        self.is_stopped = False
        for waiting in (self._messages, self._backlog):
            while waiting and self.is_alive and not self.is_stopped:
                action, arguments = waiting.popleft()
                action(*arguments)
