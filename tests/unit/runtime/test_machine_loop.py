"""A machine never takes an input before the effects of the one before are carried out."""

import pytest

from pegasus_server.runtime.machine_loop import MachineLoop


class Countdown:
    """Each number leads to all below it, each of which is fed back as it is carried out."""

    def __init__(self) -> None:
        self.trace: list[str] = []
        self.loop: MachineLoop[int, int] = MachineLoop(self.step, self.perform)

    def step(self, number: int) -> list[int]:
        self.trace.append(f"step {number}")
        return list(range(number))

    def perform(self, number: int) -> None:
        self.loop.feed(number)
        self.trace.append(f"done {number}")
        if number == 7:
            self.loop.forget()
        if number == 9:
            raise OSError(number)


def test_inputs_wait_for_their_turn() -> None:
    machine = Countdown()
    machine.loop.feed(2)
    assert machine.trace == ["step 2", "done 0", "done 1", "step 0", "step 1", "done 0", "step 0"]


def test_what_is_forgotten_is_not_fed() -> None:
    machine = Countdown()
    machine.loop.feed(8)
    assert [each for each in machine.trace if each.startswith("step")] == ["step 8"]


def test_it_goes_on_after_a_fault() -> None:
    machine = Countdown()
    with pytest.raises(OSError, match="9"):
        machine.loop.feed(10)
    machine.loop.forget()
    machine.trace.clear()
    machine.loop.feed(1)
    assert machine.trace == ["step 1", "done 0", "step 0"]
