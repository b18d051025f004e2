"""Feeds a machine its inputs one at a time, and has its effects carried out. Decides nothing."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Input = TypeVar("Input")
Effect = TypeVar("Effect")


class MachineLoop(Generic[Input, Effect]):
    """One machine's turn queue.

    Invariant: a step begins only when all effects of the one before are carried out, also if
    carrying them out brings new inputs up.

    Args:
        step: advances the machine by one input; returns its effects in order.
        perform: carries one effect out.
    """

    def __init__(
        self, step: Callable[[Input], Iterable[Effect]], perform: Callable[[Effect], None]
    ) -> None:
        self._step = step
        self._perform = perform
        self._inputs: deque[Input] = deque()
        self._is_driving = False

    def feed(self, event: Input) -> None:
        """Take an input; it waits for its turn if it came up while effects are carried out."""
        self._inputs.append(event)
        if self._is_driving:
            return
        self._is_driving = True
        try:
            while self._inputs:
                for effect in self._step(self._inputs.popleft()):
                    self._perform(effect)
        finally:
            self._is_driving = False

    def forget(self) -> None:
        """Drop the inputs that wait."""
        self._inputs.clear()
