"""A standalone node in a process of its own, for the length of a benchmark."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pegasus_shell.free_port import free_ports

START_SECONDS_MAX = 20.0


@contextmanager
def running_node(folder: Path, *options: str) -> Iterator[int]:
    """Run a node on ``folder``, yield its port, end it with SIGTERM."""
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [
            sys.executable,
            *("-m", "pegasus_server", "standalone"),
            *("--data", str(folder), "--port", str(port)),
            *options,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_open(port, process)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once the port accepts; fail when the process ends or time is up."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the node ended with exit code {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"no node on port {port} within {START_SECONDS_MAX} s")


def pin_to(cpu: int) -> None:
    """Keep this process on one CPU, so that client and server do not share one by accident."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {cpu})
