"""Runs a range of seeds, in several processes if asked: worlds share nothing."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from pegasus_server.simulator import swarm
from pegasus_server.simulator.world import Outcome, World


@dataclass(slots=True)
class Summary:
    """What a range gave.

    Attributes:
        wanted: the seeds asked for.
        done: how many ran.
        events: of all their worlds.
        seconds: wall time.
        failures: seeds and their outcomes, in order of seed.
    """

    wanted: range
    done: int = 0
    events: int = 0
    seconds: float = 0.0
    failures: list[tuple[int, Outcome]] = field(default_factory=list)

    def __str__(self) -> str:
        """Render on one line."""
        verdict = f"{len(self.failures)} failed" if self.failures else "without a violation"
        rest = "" if self.done == len(self.wanted) else f" of {len(self.wanted)} asked for"
        return (
            f"{self.done} seeds{rest} from {self.wanted.start} on {verdict}; "
            f"{self.events / self.seconds:,.0f} events/s, "
            f"{60 * self.done / self.seconds:.0f} seeds/minute"
        )


def run(seeds: range, workers: int, *, minutes: float | None, keeps_going: bool) -> Summary:
    """Run seeds until one fails, all are done, or the time is over.

    Args:
        seeds: which.
        workers: processes that share them, >= 1.
        minutes: begin no seed after this time; None for no limit.
        keeps_going: go on after a failure.
    """
    began = time.perf_counter()
    summary = Summary(seeds)
    with _outcomes(seeds, workers) as outcomes:
        for seed, outcome in outcomes:
            summary.done, summary.events = summary.done + 1, summary.events + outcome.events
            if outcome.violation is not None:
                summary.failures.append((seed, outcome))
                if not keeps_going:
                    break
            if minutes is not None and time.perf_counter() - began > 60 * minutes:
                break
    summary.seconds = time.perf_counter() - began
    return summary


@contextmanager
def _outcomes(seeds: range, workers: int) -> Iterator[Iterator[tuple[int, Outcome]]]:
    """Give outcomes in order of seed; what runs ahead when the reader stops is ended."""
    if workers == 1:
        with closing(_run_seed(seed) for seed in seeds) as outcomes:
            yield outcomes
        return
    # Fresh interpreters: a fork would copy whatever the caller has loaded and locked.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield pool.imap(_run_seed, seeds)


def _run_seed(seed: int) -> tuple[int, Outcome]:
    return seed, World(swarm.schedule(seed)).run()
