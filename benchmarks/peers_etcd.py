"""etcd with three members under the same load: puts through its JSON gateway on plain sockets.

Needs the Debian package etcd-server. The gateway costs etcd more than gRPC would; Python's gRPC
client would cost this machine more than that.
"""

import base64
import json
import random
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Figure, percentile
from pegasus_shell.free_port import free_ports

MEMBERS = 3
CLIENTS = 64
SECONDS = 8.0
KEYS = 100_000
READY_SECONDS_MAX = 30.0
_VALUE = base64.b64encode(b"v" * 100).decode()


@contextmanager
def running_members(folder: Path) -> Iterator[list[int]]:
    """Run a cluster; yield the members' client ports."""
    ports = free_ports(2 * MEMBERS)
    client_ports = ports[:MEMBERS]
    peer_urls = [f"http://127.0.0.1:{port}" for port in ports[MEMBERS:]]
    cluster = ",".join([f"m{number}={url}" for number, url in enumerate(peer_urls)])
    processes = []
    for number, (port, peer) in enumerate(zip(client_ports, peer_urls, strict=True)):
        url = f"http://127.0.0.1:{port}"
        command = ["etcd", "--name", f"m{number}", "--data-dir", str(folder / f"etcd{number}")]
        command += ["--listen-client-urls", url, "--advertise-client-urls", url]
        command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        command += ["--initial-cluster", cluster, "--log-level", "error"]
        processes.append(
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
    try:
        yield client_ports
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def call(port: int, path: str, body: dict[str, str]) -> dict[str, object]:
    """Make one request; for what happens before the clock starts."""
    with socket.create_connection(("127.0.0.1", port), READY_SECONDS_MAX) as connection:
        connection.sendall(request(path, body, "close"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    found: dict[str, object] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


def request(path: str, body: dict[str, str], connection: str = "keep-alive") -> bytes:
    """Make the bytes of an HTTP request."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.0\r\nHost: etcd\r\nConnection: {connection}\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def await_leader(ports: list[int]) -> int:
    """Return the leader's client port, once there is one."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        for port in ports:
            try:
                status = call(port, "/v3/maintenance/status", {})
            except (OSError, ValueError):
                continue
            header = status.get("header")
            if isinstance(header, dict) and status.get("leader") == header.get("member_id"):
                return port
        time.sleep(0.1)
    raise TimeoutError("etcd elected no leader")


def latencies_ms(port: int) -> list[float]:
    """Put over CLIENTS connections, one put outstanding on each; return each put's latency."""
    generator = random.Random(3)
    frames = []
    for _ in range(1000):
        key = base64.b64encode(b"user%08d" % generator.randrange(KEYS)).decode()
        frames.append(request("/v3/kv/put", {"key": key, "value": _VALUE}))
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CLIENTS)]
    poll = select.epoll()
    by_fd = {each.fileno(): each for each in connections}
    sent_at: dict[int, float] = {}
    times: list[float] = []
    for fd, connection in by_fd.items():
        poll.register(fd, select.EPOLLIN)
        connection.sendall(generator.choice(frames))
        sent_at[fd] = time.perf_counter()
    end = time.perf_counter() + SECONDS
    while (now := time.perf_counter()) < end:
        for fd, _ in poll.poll(1.0):
            answer = by_fd[fd].recv(65536)
            assert b" 200 OK" in answer, answer
            now = time.perf_counter()
            times.append((now - sent_at[fd]) * 1e3)
            sent_at[fd] = now
            by_fd[fd].sendall(generator.choice(frames))
    poll.close()
    for connection in connections:
        connection.close()
    return times


def figures(folder: Path, ours: float) -> list[Figure]:
    """Measure puts; ``ours`` is our rate at 64 outstanding in the same run."""
    if shutil.which("etcd") is None:
        print("etcd is not installed (Debian: etcd-server): left out")
        return []
    with running_members(folder) as ports:
        times = latencies_ms(await_leader(ports))
    rate, name = len(times) / SECONDS, "etcd, 3 members, puts over HTTP, 64 clients"
    return [
        Figure(name, rate, "/s", None, "our PUT, 64 outstanding", ours),
        Figure(f"{name}, p99", percentile(times, 99), "ms", None, "its p50", percentile(times, 50)),
    ]
