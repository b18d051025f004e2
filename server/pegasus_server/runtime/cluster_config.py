"""The configuration files of a cluster's servers: TOML, every key checked, contradictions refused.

Times are milliseconds and sizes bytes, and the key says so. What is not given has a default, except
who and where the server is.
"""

import re
import socket
import tomllib
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

import msgspec

from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.lease_numbers import LeaseNumbers
from pegasus_server.mutation_log.durability import Durability
from pegasus_server.runtime.startup_fault import EXIT_USAGE, StartupFault
from pegasus_tab.base.ids import NodeName
from pegasus_tab.base.limits import MIB

_US_PER_MS = 1000
ANY_HOST = "0.0.0.0"  # noqa: S104 -- compared with, not listened on
ZOOKEEPER_PATH = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")
SESSION_MS_MIN = 4_000
SESSION_MS_MAX = 40_000
"""The least and most a ZooKeeper with its usual tick of two seconds grants."""
LEVELS = {level.name.lower(): level for level in FunctionLevel}


class LeaseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section [lease]: the failure detector; the same on every server of the cluster.

    Attributes:
        beacon_interval_ms: from one beacon to the next.
        beacon_timeout_ms: a beacon unanswered for so long goes to the next meta server.
        lease_ms: how long a replica server serves after an acknowledged beacon.
        grace_ms: how long meta waits for a beacon before it gives the partitions away.
        clock_error_per_mille: how far a clock's rate may be off.
    """

    beacon_interval_ms: int = 1000
    beacon_timeout_ms: int = 700
    lease_ms: int = 6000
    grace_ms: int = 8000
    clock_error_per_mille: int = 10

    def __post_init__(self) -> None:
        self.numbers()

    def numbers(self) -> LeaseNumbers:
        """Return the numbers in the machines' unit."""
        return LeaseNumbers(
            beacon_interval_us=self.beacon_interval_ms * _US_PER_MS,
            beacon_timeout_us=self.beacon_timeout_ms * _US_PER_MS,
            lease_us=self.lease_ms * _US_PER_MS,
            grace_us=self.grace_ms * _US_PER_MS,
            clock_error_per_mille=self.clock_error_per_mille,
        )


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every server of a cluster is told.

    Attributes:
        cluster: name of the cluster; servers of another do not talk to this one.
        data: the data folder, relative to the file.
        port: of clients and servers; part of the server's name, so it must stay.
        metas: all meta servers, as "host:port".
        host: address to listen on; 0.0.0.0 listens everywhere and needs ``advertise``.
        insecure: listen where others than this machine can connect, though nobody is asked who
            they are and nothing is encrypted.
        advertise: address told to others; "" means ``host``.
        connections_max: clients' connections at a time.
        connections_per_address_max: of them from one IP address; loopback is not counted.
        lease: the failure detector.
    """

    cluster: str
    data: str
    port: int
    metas: list[str]
    host: str = "127.0.0.1"
    insecure: bool = False
    advertise: str = ""
    connections_max: int = 1024
    connections_per_address_max: int = 64
    lease: LeaseSettings = LeaseSettings()

    def __post_init__(self) -> None:
        if not self.cluster:
            raise ValueError("the cluster needs a name")
        if not 1 <= self.port < 65536:
            raise ValueError(f"port {self.port} is not in 1..65535; it is part of the name")
        if not self.insecure and not IPv4Address(ipv4(self.host)).is_loopback:
            raise ValueError(
                f"whoever reaches {self.host} could read and write everything: there is neither "
                "authentication nor encryption; say insecure = true if the network is trusted"
            )
        if self.host == ANY_HOST and not self.advertise:
            raise ValueError("listening on 0.0.0.0 needs an address to advertise")
        if not self.metas or len(set(self.metas)) != len(self.metas):
            raise ValueError("metas must name every meta server, once")
        for meta in self.metas:
            host, colon, port = meta.rpartition(":")
            if not colon or not host or not port.isdecimal():
                raise ValueError(f"meta server {meta!r} is not of the form host:port")
        if not 1 <= self.connections_per_address_max <= self.connections_max:
            raise ValueError("connections per address must be in 1..connections")

    @property
    def node(self) -> NodeName:
        """The server's name."""
        return NodeName(f"{ipv4(self.advertise or self.host)}:{self.port}")

    @property
    def meta_nodes(self) -> tuple[NodeName, ...]:
        """The names of all meta servers."""
        named = [meta.rpartition(":") for meta in self.metas]
        return tuple([NodeName(f"{ipv4(host)}:{port}") for host, _, port in named])


class ReplicaConfig(ServerConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a replica server is told beside that.

    Attributes:
        host_label: servers with one label share a machine, and copies of a partition go elsewhere
            if they can; "" means the address told to others.
        durability: class of the log: ``sync``, ``interval:<ms>`` or ``os``.
        segment_bytes_max: size at which a log segment is full.
        log_bytes_max: log size at which engines are flushed so that segments can be deleted.
        flush_ms: engines with unflushed writes are flushed this often.
        free_bytes_min: writes are refused while the disk has less room than this.
        private_log_bytes_max: what each replica keeps of the last writes to teach others from.
        copies_max: replicas that are copied to this server at a time, and from it.
        copy_bytes_per_second: how fast this server sends files to others; 0 for no limit.
    """

    host_label: str = ""
    durability: str = "sync"
    segment_bytes_max: int = 32 * MIB
    log_bytes_max: int = 128 * MIB
    flush_ms: int = 120_000
    free_bytes_min: int = 64 * MIB
    private_log_bytes_max: int = 64 * MIB
    copies_max: int = 2
    copy_bytes_per_second: int = 120 * MIB

    def __post_init__(self) -> None:
        ServerConfig.__post_init__(self)
        Durability.parse(self.durability)
        if self.segment_bytes_max < 64 * 1024:
            raise ValueError("a log segment has at least 65536 bytes")
        if self.log_bytes_max < 2 * self.segment_bytes_max:
            raise ValueError("the log must be allowed at least two segments")
        if self.flush_ms < 1 or self.free_bytes_min < 0:
            raise ValueError("flush_ms must be at least 1 and free_bytes_min at least 0")
        if self.private_log_bytes_max < 0:
            raise ValueError("private_log_bytes_max must be at least 0")
        if not 1 <= self.copies_max <= 16 or self.copy_bytes_per_second < 0:
            raise ValueError("copies_max must be in 1..16, copy_bytes_per_second at least 0")


class MetaConfig(ServerConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a meta server is told beside that.

    Attributes:
        level: function level it begins with: freezed, steady or lively.
        zookeeper: "host:port,..." where all meta servers keep their state and elect who leads; ""
            keeps it in the data folder of the only one.
        zookeeper_root: path of the cluster in ZooKeeper; "" means /pegasus-tab/<cluster>.
        zookeeper_session_ms: session timeout to ask for. A leader that is gone is missed so much
            later; one that cannot reach ZooKeeper stops leading after STORE_FENCE_SHARE of it.
    """

    level: str = "steady"
    zookeeper: str = ""
    zookeeper_root: str = ""
    zookeeper_session_ms: int = 10_000

    def __post_init__(self) -> None:
        ServerConfig.__post_init__(self)
        if self.level not in LEVELS:
            raise ValueError(f"level {self.level!r} is none of {', '.join(LEVELS)}")
        if self.node not in self.meta_nodes:
            raise ValueError(f"metas does not name this meta server, {self.node}")
        if self.zookeeper:
            self._check_zookeeper()
        elif self.meta_nodes != (self.node,):
            raise ValueError(
                f"a meta server that keeps its state in its own folder is the only one: metas must "
                f"be [{self.node}], or zookeeper must say where all of them keep it"
            )
        elif self.zookeeper_root:
            raise ValueError("zookeeper_root needs zookeeper, which says where ZooKeeper is")

    def _check_zookeeper(self) -> None:
        for server in self.zookeeper.split(","):
            host, colon, port = server.strip().rpartition(":")
            if not colon or not host or not port.isdecimal() or not 1 <= int(port) < 65536:
                raise ValueError(f"zookeeper server {server!r} is not of the form host:port")
        if not ZOOKEEPER_PATH.fullmatch(self.root):
            raise ValueError(
                f"zookeeper_root {self.root!r} is not a path like /pegasus-tab/{self.cluster}"
            )
        if not SESSION_MS_MIN <= self.zookeeper_session_ms <= SESSION_MS_MAX:
            raise ValueError(
                f"zookeeper_session_ms {self.zookeeper_session_ms} is not in "
                f"{SESSION_MS_MIN}..{SESSION_MS_MAX}"
            )

    @property
    def root(self) -> str:
        """Path of the cluster in ZooKeeper."""
        return self.zookeeper_root or f"/pegasus-tab/{self.cluster}"


ConfigType = TypeVar("ConfigType", ReplicaConfig, MetaConfig)


def read_config(path: Path, kind: type[ConfigType]) -> ConfigType:
    """Read a configuration file.

    Raises:
        StartupFault: it cannot be read, or says something that makes no sense; the text says where.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert(content, kind)
    except (OSError, ValueError) as error:
        raise StartupFault(EXIT_USAGE, f"configuration {path}: {error}") from error


def data_path(path: Path, config: ServerConfig) -> Path:
    """Return the data folder that the configuration in the file ``path`` names."""
    return path.absolute().parent / config.data


def ipv4(host: str) -> str:
    """Resolve a host name; the protocol has room for IPv4 addresses only (2.2).

    Raises:
        ValueError: it has none.
    """
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        raise ValueError(f"host {host!r} has no IPv4 address ({error})") from error
