"""A table with three replicas on one machine: writes, reads, and how long a fault stops writes.

Every write is on three disks before its reply. Beside it, in the same run, three bare processes
that only log and forward (``bare_replication``). On a machine that others use as well, the CPU time
of an operation says more than its rate: two cores give 2,000,000 us a second to all processes.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.bare_replication import BareReplication, bare_replication
from benchmarks.cluster import await_replicas, make_table, running_cluster
from benchmarks.cluster_load import ClusterLoad
from benchmarks.figure import Figure
from benchmarks.run import Run
from benchmarks.write_gap import gap_seconds
from pegasus_shell.onebox import Onebox
from pegasus_tab.base.limits import PARTITIONS_DEFAULT
from pegasus_tab.kv import Client, connect
from pegasus_tab.wire import codes

TABLE = "bench"
OPERATIONS = 60_000
ROUNDS = 3
OFFERED = 1000
OFFERED_SECONDS = 5.0
BARE = "three bare processes"
CPU_A_SECOND_US = 2_000_000


def figures(folder: Path) -> list[Figure]:
    """Measure a cluster of three replica servers."""
    with bare_replication(folder) as bare:
        baseline = {depth: best(partial(bare.at_depth, OPERATIONS, depth)) for depth in (64, 256)}
        found = []
        with running_cluster(folder / "cluster") as onebox, connect(onebox.dsn) as client:
            make_table(client, TABLE, PARTITIONS_DEFAULT)
            with ClusterLoad(onebox, client, TABLE, codes.PUT, OPERATIONS) as puts:
                puts.at_depth(64)  # every server meets every code path once
                found += write_figures(64, best(lambda: puts.at_depth(64)), baseline[64], 25_000)
                found += write_figures(256, best(lambda: puts.at_depth(256)), baseline[256], 45_000)
                found += latency_figures(puts, bare)
            found += read_figures(onebox, client, bare)
            found += gap_figures(onebox, client)
    return found


def best(run: Callable[[], Run]) -> Run:
    """Return the fastest of some runs: the one that others disturbed least."""
    return max([run() for _ in range(ROUNDS)], key=lambda each: each.rate)


def write_figures(depth: int, run: Run, bare: Run, floor: float) -> list[Figure]:
    """Describe writes with ``depth`` outstanding; the p99 is asked for at 64 only."""
    name = f"PUT on 3 replicas, {depth} outstanding"
    print(run.cpu_line(name))
    p99_max = 5.0 if depth == 64 else None
    p99, bare_p99 = run.latency_ms(99), bare.latency_ms(99)
    return [
        Figure(name, run.rate, "/s", floor, BARE, bare.rate),
        Figure(f"{name}, p50", run.latency_ms(50), "ms", None, BARE, bare.latency_ms(50)),
        Figure(f"{name}, p99", p99, "ms", p99_max, BARE, bare_p99),
        Figure(f"{name}, CPU", run.cpu_us, "us", CPU_A_SECOND_US / floor, BARE, bare.cpu_us),
    ]


def latency_figures(puts: ClusterLoad, bare: BareReplication) -> list[Figure]:
    """Measure writes offered at an even, low rate."""
    run, base = puts.at_rate(OFFERED, OFFERED_SECONDS), bare.at_rate(OFFERED, OFFERED_SECONDS)
    name = f"PUT on 3 replicas, {OFFERED:,} a second offered"
    print(run.cpu_line(name))
    return [
        Figure(f"{name}, p50", run.latency_ms(50), "ms", 2, BARE, base.latency_ms(50)),
        Figure(f"{name}, p99", run.latency_ms(99), "ms", 10, BARE, base.latency_ms(99)),
    ]


def read_figures(onebox: Onebox, client: Client, bare: BareReplication) -> list[Figure]:
    """Measure reads, which the primaries answer alone."""
    with ClusterLoad(onebox, client, TABLE, codes.GET, OPERATIONS) as gets:
        run = best(lambda: gets.at_depth(64))
    name = "GET from 3 primaries, 64 outstanding"
    print(run.cpu_line(name))
    base = bare.at_depth(OPERATIONS, 64)
    return [Figure(name, run.rate, "/s", 150_000, f"{BARE}, writes", base.rate)]


def gap_figures(onebox: Onebox, client: Client) -> list[Figure]:
    """Measure the longest time without a write around a crash and around a planned restart."""
    crash, calm = gap_seconds(onebox, client, TABLE, is_crash=True)
    await_replicas(client, TABLE)
    restart, calm_too = gap_seconds(onebox, client, TABLE, is_crash=False)
    calm_name = "time between two writes before"
    return [
        Figure("longest write gap, kill -9 of the primary", crash, "s", 10, calm_name, calm),
        Figure("longest write gap, planned restart", restart, "s", 1, calm_name, calm_too),
    ]
