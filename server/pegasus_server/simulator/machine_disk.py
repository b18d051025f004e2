"""What one replica server's machine keeps through a crash: log, side files, engines.

An engine without a write-ahead log falls back to its last flush when its process dies, power cut
or not; a flush is atomic. The side file is written after it, so it never promises more (A15).
"""

from dataclasses import dataclass, field
from pathlib import Path

from pegasus_server.replication.messages import NO_SIGNATURE
from pegasus_server.simulator.disk import SimulatedDisk
from pegasus_server.simulator.schedule import Loss
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Ballot, Decree, Gpid, Signature

_COPY = Path("copy")


def copy_of(engine: MemoryEngine) -> MemoryEngine:
    """Copy an engine's rows and decree."""
    engine.checkpoint(_COPY)
    return engine.checkpoints.pop(_COPY)


@dataclass(slots=True)
class ReplicaFiles:
    """One replica's folder.

    Attributes:
        image: the engine as last flushed; nobody changes it.
        timestamp_us: highest timestamp in the image.
        durable: the side file.
        ballot: of the ballot file.
        signature: of the ballot file.
        suspect: of the ballot file.
        is_quarantined: kept for the operator; nobody opens it again.
    """

    image: MemoryEngine = field(default_factory=MemoryEngine)
    timestamp_us: int = 0
    durable: Decree = Decree(0)  # noqa: RUF009 - a NewType call makes no object
    ballot: Ballot = Ballot(0)  # noqa: RUF009 - a NewType call makes no object
    signature: Signature = NO_SIGNATURE
    suspect: bool = False
    is_quarantined: bool = False


@dataclass(slots=True)
class MachineDisk:
    """All of one machine's files.

    Attributes:
        log: the shared log's folder.
        replicas: gpid -> folder.
        incarnation: rises with every start.
        set_aside: how many replicas' data was set aside or quarantined.
    """

    log: SimulatedDisk = field(default_factory=SimulatedDisk)
    replicas: dict[Gpid, ReplicaFiles] = field(default_factory=dict)
    incarnation: int = 0
    set_aside: int = 0

    def clear_quarantine(self) -> None:
        """Let the operator take the quarantined replicas away."""
        for gpid in [each for each, files in self.replicas.items() if files.is_quarantined]:
            del self.replicas[gpid]

    def lose(self, loss: Loss) -> None:
        """Lose what a fault says; the program is dead."""
        self.replicas.clear()
        if loss is Loss.ALL:
            self.log.lose_files()

    def durable(self) -> dict[Gpid, Decree]:
        """Return the durable decree of every replica."""
        return {gpid: files.durable for gpid, files in self.replicas.items()}
