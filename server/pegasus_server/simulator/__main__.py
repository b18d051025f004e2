"""Runs the simulator: one seed, a range of seeds, or a stored schedule.

python -m pegasus_server.simulator --seed 7 [--trace] [--shrink FILE]
python -m pegasus_server.simulator --seeds 1..200 --minutes 5
python -m pegasus_server.simulator --replay FILE [--trace]
"""

import argparse
import sys
import time
from pathlib import Path

from pegasus_server.simulator import swarm
from pegasus_server.simulator.schedule import Schedule, ScheduleFormatError
from pegasus_server.simulator.shrink import Shrinker
from pegasus_server.simulator.world import Outcome, World

FAILED, USAGE = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments say; 1 if a judge complained."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.seeds is not None:
        return _run_seeds(*_range(parser, options.seeds), options.minutes)
    schedule = _schedule(parser, options)
    outcome = _run_one(schedule, options)
    if outcome.violation is not None and options.shrink is not None:
        _shrink(schedule, options.shrink)
    return FAILED if outcome.violation is not None else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pegasus_server.simulator",
        description="A whole cluster in one process, driven by one seed.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--seed", type=int, help="run one seed")
    what.add_argument("--seeds", metavar="FIRST..LAST", help="run a range of seeds")
    what.add_argument("--replay", type=Path, metavar="FILE", help="run a stored schedule")
    parser.add_argument("--minutes", type=float, default=None, help="stop a range after this time")
    parser.add_argument("--trace", action="store_true", help="print everything that happens")
    parser.add_argument(
        "--shrink", type=Path, metavar="FILE", help="write the smallest failing schedule there"
    )
    parser.add_argument("--history", type=Path, metavar="FILE", help="write what clients saw there")
    return parser


def _range(parser: argparse.ArgumentParser, text: str) -> tuple[int, int]:
    first, dots, last = text.partition("..")
    if not dots or not first.isdecimal() or not last.isdecimal() or int(first) > int(last):
        parser.error(f"--seeds {text}: write FIRST..LAST, for example 1..200")
    return int(first), int(last)


def _schedule(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Schedule:
    if options.replay is None:
        return swarm.schedule(options.seed)
    try:
        return Schedule.from_json(options.replay.read_text())
    except (OSError, ScheduleFormatError) as error:
        parser.error(f"--replay {options.replay}: {error}")


def _run_one(schedule: Schedule, options: argparse.Namespace) -> Outcome:
    world = World(schedule, keeps_trace=options.trace)
    outcome = world.run()
    if options.history is not None:
        options.history.write_text("".join(f"{line}\n" for line in world.history.json_lines()))
    if options.trace or outcome.violation is not None:
        _write("\n".join(world.trace.lines))
    for fault in schedule.faults:
        _write(f"fault {fault}")
    _write(describe(schedule.seed, outcome))
    return outcome


def _run_seeds(first: int, last: int, minutes: float | None) -> int:
    """Run seeds until one fails, all are done, or the time is over."""
    began = time.perf_counter()
    seeds = events = 0
    for seed in range(first, last + 1):
        outcome = World(swarm.schedule(seed)).run()
        seeds, events = seeds + 1, events + outcome.events
        if outcome.violation is not None:
            _write(describe(seed, outcome))
            return FAILED
        if minutes is not None and time.perf_counter() - began > 60 * minutes:
            break
    seconds = time.perf_counter() - began
    _write(
        f"{seeds} seeds from {first} on without a violation; {events / seconds:,.0f} events/s, "
        f"{60 * seeds / seconds:.0f} seeds/minute"
    )
    return 0


def _shrink(schedule: Schedule, path: Path) -> None:
    shrinker = Shrinker(lambda each: judge_of(World(each).run()))
    small = shrinker.shrink(schedule)
    path.write_text(small.to_json())
    _write(f"{len(small.faults)} faults left after {shrinker.tries} runs; written to {path}")


def judge_of(outcome: Outcome) -> str | None:
    """Return which judge complained, for an invariant also where."""
    if outcome.violation is None:
        return None
    if outcome.violation.startswith("judge=invariant"):
        return outcome.violation.partition(": ")[0]
    return outcome.violation.partition(" ")[0]


def describe(seed: int, outcome: Outcome) -> str:
    """Say how a run went, and how to see it again."""
    run = (
        f"seed={seed} trace={outcome.digest} events={outcome.events} "
        f"simulated={outcome.simulated_us / 1e6:.1f}s operations={outcome.operations} "
        f"acknowledged={outcome.acknowledged} unknown={outcome.unknown}"
    )
    if outcome.violation is None:
        return f"ok {run}"
    replay = f"python -m pegasus_server.simulator --seed {seed} --trace"
    return f"FAILED {outcome.violation}\n{run}\nreplay: {replay}"


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
