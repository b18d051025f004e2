"""The log of a turn: what is handed to the disk thread, and when."""

import pytest

from pegasus_server.runtime import turn_log
from pegasus_server.runtime.disk import Entry
from pegasus_server.runtime.turn import Turn
from pegasus_server.runtime.turn_log import TurnLog
from tests.fakes.log_bytes import mutation


class Disk:
    """Keeps the decrees of each piece it is handed."""

    refusal = "the disk is full"

    def __init__(self) -> None:
        self.pieces: list[list[int]] = []

    def submit_group(self, entries: list[Entry]) -> None:
        self.pieces.append([each.decree for each, _ in entries])


class Rig:
    """A turn log over a disk, and a turn that submits when told to."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.turn = Turn(lambda: 0)
        self.log = TurnLog(self.disk, self.turn)

    def submit(self, *decrees: int) -> None:
        for decree in decrees:
            self.log.submit(mutation(0, decree, body=bytes(10)), lambda: None)

    def run(self, *decrees: int) -> None:
        self.turn.run(lambda: self.submit(*decrees))


def test_a_turn_is_one_piece() -> None:
    rig = Rig()
    rig.run(1, 2, 3)
    rig.run(4)
    rig.run()
    assert rig.disk.pieces == [[1, 2, 3], [4]]


def test_what_replicas_submit_as_the_turn_ends_belongs_to_it() -> None:
    rig = Rig()

    class Replica:
        def end_turn(self) -> None:
            rig.submit(1, 2)

    rig.turn.run(lambda: rig.turn.written.append(Replica()))
    assert rig.disk.pieces == [[1, 2]]


@pytest.mark.parametrize("bound", [("GROUP_MUTATIONS_MAX", 2), ("GROUP_BYTES_MAX", 15)])
def test_a_full_piece_does_not_wait(
    bound: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_log, *bound)
    rig = Rig()
    rig.turn.open()
    rig.submit(1, 2)
    assert rig.disk.pieces == [[1, 2]]
    rig.submit(3)
    rig.turn.close()
    assert rig.disk.pieces == [[1, 2], [3]]


def test_a_full_piece_at_the_end_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_log, "GROUP_MUTATIONS_MAX", 2)
    rig = Rig()
    rig.run(1, 2)
    assert rig.disk.pieces == [[1, 2]]


def test_refuses_when_the_disk_does() -> None:
    assert Rig().log.refusal == "the disk is full"
