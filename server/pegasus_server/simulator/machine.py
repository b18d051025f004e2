"""A machine of the world: one program on it, which can be started again and again."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from pegasus_server.simulator.clock import Clock, MachineClock
from pegasus_server.simulator.process import Process

RESTART_US = 1_000_000
"""How long a program that ended by itself stays down."""


class Program(Protocol):
    """What runs on a machine."""

    def receive(self, sender: str, message: object) -> None:
        """Take a message."""


Running = TypeVar("Running", bound=Program)


class Machine(Generic[Running]):
    """One machine.

    Args:
        name: on the network.
        clock: true time.
        clocks: the machine's.
        start: ``start(machine)`` begins a life of its program; None if it ended at once.

    Attributes:
        name: on the network.
        clocks: the machine's.
        process: the present life, or the last.
        program: what runs, None while it is dead.
        downs: how many faults keep it from being started.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        clocks: MachineClock,
        start: Callable[["Machine[Running]"], Running | None],
    ) -> None:
        self.name = name
        self.clocks = clocks
        self.process = Process(clock, clocks)
        self.process.die()
        self.program: Running | None = None
        self.downs = 0
        self._clock = clock
        self._start = start

    @property
    def is_alive(self) -> bool:
        """Tell whether its program runs, if only stopped."""
        return self.program is not None

    def start(self) -> None:
        """Start the program unless it runs or a fault holds it down."""
        if self.program is None and self.downs == 0:
            self.process = Process(self._clock, self.clocks)
            self.program = self._start(self)
            if self.program is None:
                self.end()

    def end(self) -> None:
        """Let the program end by itself; something starts it again soon."""
        self.kill()
        self._clock.after(RESTART_US, self.start)

    def kill(self) -> None:
        """End the program at once."""
        self.process.die()
        self.program = None

    def receive(self, sender: str, message: object) -> None:
        """Hand a message to the program, if there is one."""
        if self.program is not None:
            self.process.take_message(self.program.receive, sender, message)
