"""A cluster whose servers are killed and stopped at random for minutes, with clients all the while.

Usage: ``python -m tests.faults.torture [--minutes N] [--seed N] [--metas 1|3] [--folder F]``, or
``make torture MINUTES=10``. Ends with exit code 0 if nothing acknowledged was lost, the history of
all clients is linearizable, at most 2 % of its outcomes are unknown, and all copies are whole and
equal at the end. The seed draws the faults and what clients ask for; what meets what is up to the
machine, so a run with the same seed is similar, not the same.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from pegasus_server.simulator.history import READS, End
from tests.faults.cluster import TABLE, FaultCluster
from tests.faults.load import Load
from tests.faults.statements import Scanning, Writing, prepare, stored
from tests.faults.trial import judge, wait_for
from tests.integration.cluster import Server

SQL_TABLE = "s"
STATEMENT_ROWS = 1000
FAULT_SECONDS_MAX = 12.0
"""Longest time a server is dead or stands still."""
QUIET_SECONDS_MAX = 8.0
"""Longest time between two faults."""
SEVERAL_SHARE = 0.2
"""Of faults that concern more than one server."""
META_SHARE = 0.2
"""Of faults that concern a meta server."""


@dataclass
class Suffering:
    """What is done to the servers.

    Attributes:
        cluster: whose.
        random: draws everything.
        counts: of what was done, by kind.
    """

    cluster: FaultCluster
    random: random.Random
    counts: Counter[str] = field(default_factory=Counter)

    def go_on_for(self, seconds: float) -> None:
        """Do one thing after another."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(self.random.random() * QUIET_SECONDS_MAX)
            victims = self._victims()
            do = self.random.choice((self._kill, self._stop))
            do(victims)

    def _victims(self) -> Sequence[Server]:
        if self.random.random() < META_SHARE:
            return [self.random.choice(self.cluster.meta_servers)]
        count = self.random.choice((2, 3)) if self.random.random() < SEVERAL_SHARE else 1
        return self.random.sample(self.cluster.replicas, count)

    def _kill(self, victims: Sequence[Server]) -> None:
        for server in victims:
            server.kill()
        self._note("kill -9", victims)
        self._wait()
        for server in victims:
            server.launch()
        for server in victims:
            server.await_port()

    def _stop(self, victims: Sequence[Server]) -> None:
        _send(victims, signal.SIGSTOP)
        self._note("SIGSTOP", victims)
        self._wait()
        _send(victims, signal.SIGCONT)

    def _note(self, what: str, victims: Sequence[Server]) -> None:
        self.counts[f"{what}, {len(victims)} {victims[0].role} server(s)"] += 1

    def _wait(self) -> None:
        time.sleep(self.random.random() * FAULT_SECONDS_MAX)


def _send(victims: Sequence[Server], number: signal.Signals) -> None:
    for server in victims:
        assert server.process is not None
        server.process.send_signal(number)


def torture(cluster: FaultCluster, seed: int, seconds: float) -> list[tuple[str, object]]:
    """Let a cluster suffer; return what there is to tell, as names and numbers.

    Raises:
        AssertionError: it lost something, showed something stale, or did not recover.
    """
    with cluster:
        wait_for("the servers report to meta", cluster.has_table, cluster)
        prepare(cluster.dsn, SQL_TABLE)
        wait_for("the table has all its replicas", cluster.is_whole, cluster)
        suffering = Suffering(cluster, random.Random(seed))
        with Load(cluster.dsn, TABLE, seed) as load:
            writing = Writing(cluster.dsn, SQL_TABLE, STATEMENT_ROWS, goes_on=True)
            scanning = Scanning(cluster.dsn, SQL_TABLE, goes_on=True)
            try:
                suffering.go_on_for(seconds)
                cluster.heal()
                healed = time.monotonic()
                wait_for("all replicas are back", cluster.is_whole, cluster, load)
                whole_seconds = time.monotonic() - healed
                wait_for("the history is long enough", lambda: load.is_enough, cluster, load)
            finally:
                writing.stop()
                scanning.stop()
        judge_statements(cluster, writing, scanning)
        judge(cluster, load)
        return [
            *sorted(suffering.counts.items()),
            *account(load),
            ("longest time without an acknowledged write, s", f"{longest_gap(load):.1f}"),
            ("executemany: well, failed, unknown", _account(writing, writing.unknown)),
            ("rows written by them", sum(map(len, writing.written))),
            ("scans: well, failed", _account(scanning)),
            ("whole again after, s", f"{whole_seconds:.1f}"),
        ]


def _account(statements: Writing | Scanning, unknown: int | None = None) -> str:
    failed = len(statements.errors) - (unknown or 0)
    return ", ".join(map(str, (statements.done, failed, *([] if unknown is None else [unknown]))))


def judge_statements(cluster: FaultCluster, writing: Writing, scanning: Scanning) -> None:
    """Look for rows of statements that ended well."""
    for each in (writing, scanning):
        if each.fault is not None:
            raise AssertionError(f"a statement failed: {each.fault}") from each.fault
    found = stored(cluster.dsn, SQL_TABLE)
    for written in writing.written:
        missing = set(written) - found
        assert not missing, f"{len(missing)} acknowledged rows are lost, {min(missing)} first"


def account(load: Load) -> list[tuple[str, object]]:
    """Count how operations ended."""
    operations = load.history.operations
    ends = Counter(each.end for each in operations)
    writes = [each for each in operations if each.verb not in READS]
    unknown = sum(each.end is End.UNKNOWN for each in writes)
    return [
        ("operations acknowledged", ends[End.OK]),
        ("operations not carried out", ends[End.FAIL]),
        ("operations with an unknown outcome", ends[End.UNKNOWN]),
        ("unknown outcomes of all operations", f"{ends[End.UNKNOWN] / len(operations):.3%}"),
        ("unknown outcomes of all writes", f"{unknown / len(writes):.3%}"),
    ]


def longest_gap(load: Load) -> float:
    """Return the longest time in which nobody's write was acknowledged, in seconds."""
    moments = sorted(
        each.return_us
        for each in load.history.operations
        if each.end is End.OK and each.verb not in READS and each.return_us is not None
    )
    gaps = (later - earlier for earlier, later in pairwise(moments))
    return max(gaps, default=0) / 1e6


def cluster_of(folder: Path, metas: int) -> FaultCluster:
    """Make a cluster with one meta server, or with three and a ZooKeeper."""
    if metas == 1:
        return FaultCluster(folder, lease="")
    from tests.services.cluster import MetaCluster

    return MetaCluster(folder, session_ms=10_000, lease="")


def main() -> int:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser(description="Kill and stop servers of a cluster under load.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--metas", type=int, choices=(1, 3), default=1)
    parser.add_argument("--folder", type=Path, default=None, help="empty; kept afterwards")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    folder = given.folder or Path(tempfile.mkdtemp(prefix="pegasus-tab-torture-"))
    say = partial(print, file=sys.stdout, flush=True)
    say(f"seed {seed}, folder {folder}")
    try:
        rows = torture(cluster_of(folder, given.metas), seed, given.minutes * 60)
    except AssertionError as fault:
        say(f"FAILED: {fault}")
        say(f"again: make torture MINUTES={given.minutes:g} SEED={seed} METAS={given.metas}")
        return 1
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        say(f"{name:<{width}}  {value}")
    say("nothing acknowledged was lost; the history is linearizable; all copies are equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
