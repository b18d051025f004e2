"""The table of a replica's status."""

import pytest

from pegasus_server.replication.status import MOVES, Occasion, diagram, move
from pegasus_tab.base.cluster import ReplicaStatus


def test_quarantine_is_final() -> None:
    assert not [why for before, why in MOVES if before == ReplicaStatus.ERROR]


def test_a_learner_never_becomes_primary() -> None:
    with pytest.raises(AssertionError, match="a replica that is learner"):
        move(ReplicaStatus.LEARNER, Occasion.NAMED_PRIMARY)


def test_every_other_status_can_fail() -> None:
    for status in set(ReplicaStatus) - {ReplicaStatus.ERROR}:
        assert move(status, Occasion.FAILED) == ReplicaStatus.ERROR


def test_diagram_has_a_line_for_every_move() -> None:
    lines = diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert len(lines) == 2 + len(MOVES)
    assert "    learner --> secondary: a higher ballot names it secondary" in lines
