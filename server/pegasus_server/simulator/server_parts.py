"""What the parts of a simulated server share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pegasus_server.meta.messages import ToMeta
from pegasus_server.replication.messages import Message
from pegasus_server.simulator.entropy import Stream
from pegasus_server.simulator.knobs import Knobs
from pegasus_server.simulator.log_writer import LogWriter
from pegasus_server.simulator.machine_disk import MachineDisk
from pegasus_server.simulator.parcels import ClientAnswer, ReplicaParcel
from pegasus_server.simulator.process import Process
from pegasus_server.simulator.witness import Witness
from pegasus_tab.base.ids import Gpid, NodeName


@dataclass(slots=True)
class ServerParts:
    """One life of a server.

    Attributes:
        node: its name.
        process: the program.
        disk: what stays.
        log: the shared log.
        knobs: of the world.
        witness: sees everything.
        files: draws the time of file writes.
        carry: sends ``(target, message)``.
        tell_leader: sends a message to the meta leader.
    """

    node: NodeName
    process: Process
    disk: MachineDisk
    log: LogWriter
    knobs: Knobs
    witness: Witness
    files: Stream
    carry: Callable[[str, object], None]
    tell_leader: Callable[[ToMeta], None]

    def send_replica(self, target: NodeName, gpid: Gpid, message: Message) -> None:
        """Send a message to a replica of the same partition."""
        self.carry(target, ReplicaParcel(gpid, message))

    def answer(self, client: str, answer: ClientAnswer) -> None:
        """Answer a client."""
        self.carry(client, answer)

    def write_file(self, done: Callable[..., object], *arguments: Any) -> None:
        """Write a small file durably, then call ``done``."""
        delay_us = int(self.files.exponential(self.knobs.sync_us))
        self.process.after(delay_us + self.disk.log.fault.latency_us, done, *arguments)
