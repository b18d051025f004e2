"""A turn: its order, and what becomes of it when it breaks off."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from pegasus_server.runtime.startup_fault import EXIT_DISK_FAILED, EXIT_FAILED
from pegasus_server.runtime.turn import Turn


class Rounds:
    """A reactor whose rounds end when told to."""

    def __init__(self) -> None:
        self._works: list[Callable[[], None]] = []

    def at_round_end(self, work: Callable[[], None]) -> None:
        self._works.append(work)

    def end(self) -> None:
        for work in self._works:
            work()


class Ending:
    """Something with an end of its turn, which it notes."""

    def __init__(self, name: str, notes: list[str], error: Exception | None = None) -> None:
        self._name = name
        self._notes = notes
        self._error = error

    def end_turn(self) -> None:
        if self._error is not None:
            raise self._error
        self._notes.append(self._name)


class Rig:
    """A turn that lasts for rounds, with a replica, a log and a connection in it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.torn: list[Exception] = []
        self.notes: list[str] = []
        self.rounds = Rounds()
        self.turn = Turn(lambda: 0)
        self.turn.last_for_rounds_of(self.rounds, self.torn.append)
        self.turn.run(lambda: self._collect(error))

    def _collect(self, error: Exception | None) -> None:
        self.turn.answered.append(Ending("connection", self.notes))
        self.turn.logging.append(Ending("log", self.notes))
        self.turn.written.append(Ending("replica", self.notes, error))


def test_writes_then_log_then_replies_once_a_round() -> None:
    rig = Rig()
    assert rig.notes == []
    rig.rounds.end()
    rig.rounds.end()
    assert rig.notes == ["replica", "log", "connection"]
    assert rig.torn == []


@pytest.mark.parametrize("end", [lambda rig: rig.rounds.end(), lambda rig: rig.turn.finish()])
def test_a_turn_that_breaks_off_is_fatal_and_nothing_of_it_is_answered(
    end: Callable[[Rig], None],
) -> None:
    error = ValueError("a defect")
    rig = Rig(error)
    end(rig)
    assert rig.torn == [error]
    assert rig.notes == []


def test_without_rounds_the_caller_gets_the_error() -> None:
    turn = Turn(lambda: 0)
    broken = Ending("replica", [], ValueError("a defect"))
    with pytest.raises(ValueError, match="a defect"):
        turn.run(lambda: turn.written.append(broken))


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        ("ValueError('no such decree')", EXIT_FAILED, b"ValueError: no such decree"),
        ("DiskStoppedError('EIO')", EXIT_DISK_FAILED, b"the log's disk failed: EIO"),
    ],
)
def test_the_process_ends_and_says_why(error: str, code: int, said: bytes) -> None:
    program = (
        "from pegasus_server.runtime.disk import DiskStoppedError\n"
        "from pegasus_server.runtime.startup_fault import die_of_torn_turn\n"
        f"die_of_torn_turn({error})\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == code
    assert said in ended.stderr
    assert b"acknowledged writes are safe" in ended.stderr
