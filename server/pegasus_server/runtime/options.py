"""Settings of one node process, checked as they are made."""

from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from pegasus_server.mutation_log.durability import Durability
from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """Everything a standalone node is told from outside.

    Attributes:
        data: the data folder.
        host: IPv4 address to listen on; 0.0.0.0 listens everywhere.
        insecure: listen where others than this machine can connect, though nobody is asked who
            they are and nothing is encrypted.
        advertise: IPv4 address told to clients; "" means ``host``, or, when listening everywhere,
            the address the asking client reached us at.
        port: 0 takes a free one.
        port_file: file to write the port to once the node listens, or None.
        durability: class of the log: ``sync``, ``interval:<ms>`` or ``os``.
        embedded: end by itself when the last client has gone.
        linger_seconds: how long an embedded node waits for another client, >= 0.
        connections_max: connections at a time, >= 1.
        connections_per_address_max: of them from one IP address; loopback is not counted.
        segment_bytes_max: size at which a log segment is full; two of them are always allocated.
        log_bytes_max: log size at which engines are flushed so that segments can be deleted.
        flush_seconds: engines with unflushed writes are flushed this often.
        free_bytes_min: writes are refused while the disk has less room than this.
        accepted_losses: replicas that are served without what the log lost of them.
    """

    data: Path
    host: str = "127.0.0.1"
    insecure: bool = False
    advertise: str = ""
    port: int = 34601
    port_file: Path | None = None
    durability: str = "sync"
    embedded: bool = False
    linger_seconds: float = 2.0
    connections_max: int = 1024
    connections_per_address_max: int = 64
    segment_bytes_max: int = 32 * MIB
    log_bytes_max: int = 128 * MIB
    flush_seconds: float = 120.0
    free_bytes_min: int = 64 * MIB
    accepted_losses: frozenset[Gpid] = frozenset()

    def __post_init__(self) -> None:
        Durability.parse(self.durability)
        for host in filter(None, (self.host, self.advertise)):
            IPv4Address(host)
        if not self.insecure and not IPv4Address(self.host).is_loopback:
            raise ValueError(
                f"whoever reaches {self.host} could read and write everything: there is neither "
                "authentication nor encryption; say --insecure if the network is trusted"
            )
        if not 0 <= self.port < 65536:
            raise ValueError(f"port {self.port} is not in 0..65535")
        if self.linger_seconds < 0:
            raise ValueError(f"linger seconds {self.linger_seconds} are negative")
        if not 1 <= self.connections_per_address_max <= self.connections_max:
            raise ValueError("connections per address must be in 1..connections")
        if self.log_bytes_max < 2 * self.segment_bytes_max:
            raise ValueError("the log must be allowed at least two segments")
