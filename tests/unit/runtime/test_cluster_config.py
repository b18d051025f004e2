"""Configuration files: what is accepted, and the reason for what is not."""

from pathlib import Path

import pytest

from pegasus_server.runtime.cluster_config import (
    MetaConfig,
    ReplicaConfig,
    data_path,
    read_config,
)
from pegasus_server.runtime.startup_fault import StartupFault

REPLICA = """
cluster = "c"
data = "d"
port = 34801
metas = ["127.0.0.1:34601"]
"""
META = """
cluster = "c"
data = "d"
port = 34601
metas = ["127.0.0.1:34601"]
"""


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "server.toml"
    path.write_text(text)
    return path


def test_a_replica_server_needs_little(tmp_path: Path) -> None:
    path = file(tmp_path, REPLICA)
    config = read_config(path, ReplicaConfig)
    assert config.node == "127.0.0.1:34801"
    assert config.meta_nodes == ("127.0.0.1:34601",)
    assert config.durability == "sync"
    assert config.lease.numbers().lease_us == 6_000_000
    assert data_path(path, config) == tmp_path / "d"


def test_a_meta_server_needs_little(tmp_path: Path) -> None:
    config = read_config(file(tmp_path, META + "[lease]\nlease_ms = 3000\n"), MetaConfig)
    assert config.level == "steady"
    assert config.lease.numbers().lease_us == 3_000_000


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("colour = 1", "colour"),
        ("port = 0", "port 0"),
        ('port = "x"', "port"),
        ("metas = []", "metas"),
        ('metas = ["a"]', "host:port"),
        ('cluster = ""', "name"),
        ('durability = "soon"', "durability"),
        ('host = "0.0.0.0"\ninsecure = true', "advertise"),
        ('host = "0.0.0.0"\nadvertise = "10.0.0.1"', "insecure = true"),
        ("log_bytes_max = 1", "two segments"),
        ("segment_bytes_max = 1", "65536"),
        ("flush_ms = 0", "flush_ms"),
        ("connections_max = 1", "connections"),
        ("[lease]\nlease_ms = 9000", "lease 9000000 us is too long"),
        ("[lease]\nbeacon_timeout_ms = 2000", "beacon"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, line: str, reason: str) -> None:
    key = line.split("=", maxsplit=1)[0]
    kept = [each for each in REPLICA.splitlines() if not each.startswith(key)]
    with pytest.raises(StartupFault, match=reason):
        read_config(file(tmp_path, "\n".join([*kept, line])), ReplicaConfig)


@pytest.mark.parametrize("text", ["cluster", "", META.replace('34601"]', '1"]')])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(StartupFault, match=r"server\.toml"):
        read_config(file(tmp_path, text), MetaConfig)
    with pytest.raises(StartupFault, match=r"missing\.toml"):
        read_config(tmp_path / "missing.toml", MetaConfig)


def test_a_meta_server_of_its_own_is_the_only_one(tmp_path: Path) -> None:
    text = META.replace('"]', '", "127.0.0.1:34602"]')
    with pytest.raises(StartupFault, match="the only one"):
        read_config(file(tmp_path, text), MetaConfig)


def test_several_meta_servers_share_zookeeper(tmp_path: Path) -> None:
    text = META.replace('"]', '", "127.0.0.1:34602"]') + 'zookeeper = "z1:2181,z2:2181"\n'
    config = read_config(file(tmp_path, text), MetaConfig)
    assert config.root == "/pegasus-tab/c"
    assert config.zookeeper_session_ms == 10_000
    config = read_config(file(tmp_path, text + 'zookeeper_root = "/a/b.c"\n'), MetaConfig)
    assert config.root == "/a/b.c"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('zookeeper = "z1"', "host:port"),
        ('zookeeper = "z1:2181,"', "host:port"),
        ('zookeeper = "z1:99999"', "host:port"),
        ('zookeeper = "z:1"\nzookeeper_root = "/"', "is not a path"),
        ('zookeeper = "z:1"\nzookeeper_root = "a"', "is not a path"),
        ('zookeeper = "z:1"\nzookeeper_root = "/a/../b"', "is not a path"),
        ('zookeeper = "z:1"\nzookeeper_root = "/a/"', "is not a path"),
        ('zookeeper = "z:1"\nzookeeper_session_ms = 3999', "4000..40000"),
        ('zookeeper = "z:1"\nzookeeper_session_ms = 40001', "4000..40000"),
        ('zookeeper_root = "/a"', "needs zookeeper"),
        ('zookeeper = "z:1"\nport = 34602', "does not name this meta server"),
        ('level = "deadly"', "freezed, steady, lively"),
    ],
)
def test_contradictions_of_a_meta_server_are_refused(
    tmp_path: Path, line: str, reason: str
) -> None:
    kept = META.replace("port = 34601\n", "") if "port = " in line else META
    with pytest.raises(StartupFault, match=reason):
        read_config(file(tmp_path, kept + line), MetaConfig)
