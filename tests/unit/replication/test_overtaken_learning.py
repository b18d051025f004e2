"""What an attempt at learning did to the engine counts also when the attempt is over by then."""

import pytest

from pegasus_server.replication.effects import (
    CopyFiles,
    Effect,
    Install,
    PersistBallot,
    Quarantine,
    Send,
)
from pegasus_server.replication.inputs import (
    BallotPersisted,
    Discarded,
    FilesCopied,
    Installed,
    InstallFailed,
    Received,
    ReplicaInput,
)
from pegasus_server.replication.lease import Lease
from pegasus_server.replication.messages import (
    GroupCheck,
    LearnAnswer,
    LearnFile,
    LearnMode,
    LearnRequest,
)
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.replica import Replica
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.timestamps import Timestamps
from pegasus_tab.base.cluster import Learner, PartitionConfig, ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature

HERE, PRIMARY = NodeName("r2:1"), NodeName("r1:1")
OLD, NEW = Signature(5), Signature(6)


class Machine:
    """A replica that learned up to decree 10 long ago, and its disk."""

    def __init__(self) -> None:
        mutations = PrepareList(Decree(10), keeps_recent=True)
        state = ReplicaState(Gpid(1, 0), HERE, Ballot(2), mutations, Timestamps(), Decree(10))
        self.replica = Replica(state, Lease(), 3)

    def step(self, event: ReplicaInput) -> list[Effect]:
        effects = self.replica.step(event, 1_000_000)
        for each in list(effects):
            if isinstance(each, PersistBallot):
                effects += self.step(BallotPersisted(each.ballot, each.signature))
        return effects

    def invite(self, signature: Signature) -> list[Effect]:
        config = PartitionConfig(Ballot(2), PRIMARY, (), 3, (Learner(HERE, signature),))
        return self.step(Received(PRIMARY, GroupCheck(config, Decree(50))))

    def begin_install(self) -> None:
        """Bring the attempt OLD to where a checkpoint of decree 40 is being installed."""
        self.invite(OLD)
        files = (LearnFile("checkpoint.40/CURRENT", 1, 0),)
        answer = LearnAnswer(
            Ballot(2), OLD, 1, LearnMode.CHECKPOINT, files=files, through=Decree(40)
        )
        assert any(isinstance(e, CopyFiles) for e in self.step(Received(PRIMARY, answer)))
        assert any(isinstance(e, Install) for e in self.step(FilesCopied(OLD, 1)))


def requests(effects: list[Effect]) -> list[tuple[int, int]]:
    """Return signature and committed decree of every request."""
    messages = [each.message for each in effects if isinstance(each, Send)]
    return [(m.signature, m.committed) for m in messages if isinstance(m, LearnRequest)]


@pytest.fixture
def machine() -> Machine:
    machine = Machine()
    machine.begin_install()
    return machine


@pytest.mark.parametrize(
    ("event", "applied"), [(Installed(OLD, 1, Decree(40)), 40), (Discarded(OLD), 0)]
)
def test_a_later_attempt_asks_anew_for_what_the_engine_lacks(
    machine: Machine, event: ReplicaInput, applied: int
) -> None:
    assert requests(machine.invite(NEW)) == [(NEW, 10)]
    assert requests(machine.step(event)) == [(NEW, applied)]
    assert machine.replica.state.durable == applied


def test_a_replica_that_learns_no_longer_knows_its_engine(machine: Machine) -> None:
    config = PartitionConfig(Ballot(3), PRIMARY, (), 3)
    machine.step(Received(PRIMARY, GroupCheck(config, Decree(50))))
    assert machine.replica.status == ReplicaStatus.INACTIVE
    machine.step(Installed(OLD, 1, Decree(40)))
    report = machine.replica.report()
    assert (report.durable, report.applied, report.suspect) == (40, 40, True)


def test_an_engine_nobody_knows_is_quarantined(machine: Machine) -> None:
    machine.invite(NEW)
    effects = machine.step(InstallFailed(OLD, 1, Decree(0), "no CURRENT"))
    (quarantine,) = [each for each in effects if isinstance(each, Quarantine)]
    assert "no CURRENT" in quarantine.reason


def test_files_of_an_attempt_that_is_over_are_not_installed(machine: Machine) -> None:
    machine.invite(NEW)
    assert machine.step(FilesCopied(OLD, 1)) == []
