"""Ports for servers that come back to them."""

import socket
from pathlib import Path

import pytest

from pegasus_shell import free_port
from pegasus_shell.free_port import free_ports

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_they_differ_are_free_and_below_the_ephemeral_ones() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert max(ports) < int(EPHEMERAL.read_text().split()[0])
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_without_room_below_them_any_free_one_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in ("1024\t60999\n", "", "many\n"):
        (tmp_path / "range").write_text(content)
        monkeypatch.setattr(free_port, "_EPHEMERAL", tmp_path / "range")
        assert len(set(free_ports(3))) == 3


def test_when_all_are_taken_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_socket: object, _address: object) -> None:
        raise OSError("in use")

    class Taken(socket.socket):
        bind = refuse

    monkeypatch.setattr(socket, "socket", Taken)
    with pytest.raises(OSError, match="no 2 free ports"):
        free_ports(2)
