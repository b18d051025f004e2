"""One fault on a real cluster under load: what happened before, meanwhile and after is one history."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.cluster import FaultCluster
from tests.faults.load import Load

WAIT_SECONDS_MAX = 90.0
ANSWERS = 40
"""Of each client: so many show that work goes on."""


@dataclass(frozen=True)
class Trial:
    """A cluster under load.

    Attributes:
        cluster: under load.
        load: what its clients do.
        folder: of everything.
        random: what a fault draws from.
    """

    cluster: FaultCluster
    load: Load
    folder: Path
    random: random.Random

    def wait_for(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, looking now and then."""
        wait_for(what, is_so, self.cluster, self.load)

    def wait_for_answers(self, count: int = ANSWERS) -> None:
        """Wait until every client got so many answers more."""
        least = self.load.least
        self.wait_for("every client is answered", lambda: self.load.least >= least + count)

    def wait_for_some_answers(self, count: int = ANSWERS) -> None:
        """Wait until the clients together got so many answers more."""
        before = self.load.acknowledged
        self.wait_for("clients are answered", lambda: self.load.acknowledged >= before + count)


def wait_for(
    what: str, is_so: Callable[[], bool], cluster: FaultCluster, load: Load | None = None
) -> None:
    """Wait until something is so, looking now and then."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not is_so():
        if time.monotonic() > deadline:
            errors = "\n".join(load.errors[-10:]) if load is not None else ""
            raise AssertionError(f"not so in time: {what}\n{errors}\n{cluster.printed()}")
        time.sleep(0.05)


@contextlib.contextmanager
def trial(cluster: FaultCluster, seed: int) -> Iterator[Trial]:
    """Run a cluster under load, hand it over to a fault, and judge what came of it.

    Args:
        cluster: not started.
        seed: of the load.

    Yields:
        What a fault is done to. Afterwards everything is healed, must become whole, lose nothing,
        show nothing stale, and be the same on all servers.
    """
    with cluster:
        wait_for("the servers report to meta", cluster.has_table, cluster)
        wait_for("the table has all its replicas", cluster.is_whole, cluster)
        with Load(cluster.dsn, "t", seed) as load:
            run = Trial(cluster, load, cluster.folder, random.Random(seed))
            run.wait_for_answers()
            yield run
            cluster.heal()
            run.wait_for("the table has all its replicas again", cluster.is_whole)
            run.wait_for_answers()
            run.wait_for("the history is long enough", lambda: load.is_enough)
        judge(cluster, load)


def judge(cluster: FaultCluster, load: Load) -> None:
    """Look for lost and stale values, and compare all copies."""
    load.look_at_all()
    history = cluster.folder / "history.jsonl"
    fault = load.judge(history)
    assert fault is None, f"{fault}; the history is {history}\n{cluster.printed()}"
    cluster.mark()
    for gpid, digests in cluster.digests():
        assert len(set(digests)) == 1, f"copies of {gpid} differ: {digests}\n{cluster.printed()}"
