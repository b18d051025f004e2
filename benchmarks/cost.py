"""What a statement costs a node and its workers: time, CPU and memory."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu import cpu_seconds
from benchmarks.figure import seconds
from pegasus_tab.base.limits import KIB, MIB


@dataclass(frozen=True, slots=True)
class Cost:
    """What a statement took.

    Attributes:
        seconds: from its beginning to its end.
        server_cpu: seconds of the node.
        worker_cpu: seconds of its workers together.
        workers_mib: the most memory that they had, together, without the code that they share.
        node_mib: by how much the node grew meanwhile.
    """

    seconds: float
    server_cpu: float
    worker_cpu: float
    workers_mib: float
    node_mib: float


def cost_of(work: Callable[[], object]) -> Cost:
    """Measure a statement; its workers stay for a while when it ends, so they can be looked at."""
    (node,) = children(os.getpid())
    node_cpu, node_kib = cpu_seconds(node), memory_kib(node, "VmRSS")
    forget_peak(node)
    before = {worker: cpu_seconds(worker) for worker in children(node)}
    taken = seconds(work)
    workers = children(node)
    worker_cpu = sum(cpu_seconds(worker) - before.get(worker, 0) for worker in workers)
    return Cost(
        taken,
        cpu_seconds(node) - node_cpu,
        worker_cpu,
        sum(own_memory_kib(worker) for worker in workers) * KIB / MIB,
        max(0, memory_kib(node, "VmHWM") - node_kib) * KIB / MIB,
    )


def forget_peak(pid: int) -> None:
    """Let VmHWM begin anew with the memory a process has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def children(pid: int) -> list[int]:
    """Return the processes that a process started and that live."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in listed for child in each.read_text().split()]


def own_memory_kib(pid: int) -> int:
    """Return the most memory a process had, but for the files, its libraries, that it maps."""
    return memory_kib(pid, "VmHWM") - memory_kib(pid, "RssFile")


def memory_kib(pid: int, name: str) -> int:
    """Return a line of /proc/PID/status: VmRSS is memory now, VmHWM the most there was."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
