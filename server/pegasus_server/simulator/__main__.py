"""Runs the simulator: one seed, a range of seeds, or a stored schedule.

python -m pegasus_server.simulator --seed 7 [--trace] [--shrink FILE]
python -m pegasus_server.simulator --seeds 1..200 --minutes 5 [--workers 2] [--bundles FOLDER]
python -m pegasus_server.simulator --replay FILE [--trace]
"""

import argparse
import sys
from pathlib import Path

from pegasus_server.simulator import seed_range, swarm
from pegasus_server.simulator.bundle import describe, write_bundle
from pegasus_server.simulator.schedule import Schedule, ScheduleFormatError
from pegasus_server.simulator.shrink import Shrinker
from pegasus_server.simulator.world import Outcome, World

FAILED = 1
WORKERS_MAX = 64


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments say; 1 if a judge complained."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.seeds is not None:
        return _run_seeds(parser, options)
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
    parser.add_argument(
        "--workers", type=int, default=1, help="processes that share a range, 1..64"
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="go on with a range after a seed that failed"
    )
    parser.add_argument(
        "--bundles",
        type=Path,
        metavar="FOLDER",
        help="write what is needed to look into a failure there, a folder for each seed",
    )
    parser.add_argument("--trace", action="store_true", help="print everything that happens")
    parser.add_argument(
        "--shrink", type=Path, metavar="FILE", help="write the smallest failing schedule there"
    )
    parser.add_argument("--history", type=Path, metavar="FILE", help="write what clients saw there")
    return parser


def _range(parser: argparse.ArgumentParser, text: str) -> range:
    first, dots, last = text.partition("..")
    if not dots or not first.isdecimal() or not last.isdecimal() or int(first) > int(last):
        parser.error(f"--seeds {text}: write FIRST..LAST, for example 1..200")
    return range(int(first), int(last) + 1)


def _schedule(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Schedule:
    if options.replay is None:
        return swarm.schedule(options.seed)
    try:
        return Schedule.from_json(options.replay.read_text())
    except (OSError, ScheduleFormatError) as error:
        parser.error(f"--replay {options.replay}: {error}")


def _run_one(schedule: Schedule, options: argparse.Namespace) -> Outcome:
    world = World(schedule, keeps_trace=options.trace or options.bundles is not None)
    outcome = world.run()
    if options.history is not None:
        options.history.write_text("".join(f"{line}\n" for line in world.history.json_lines()))
    if options.trace or outcome.violation is not None:
        _write("\n".join(world.trace.tail(whole=options.trace)))
    if outcome.violation is not None and options.bundles is not None:
        _write(f"bundle: {write_bundle(options.bundles, world, outcome)}")
    for fault in schedule.faults:
        _write(f"fault {fault}")
    _write(describe(schedule.seed, outcome))
    return outcome


def _run_seeds(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    seeds = _range(parser, options.seeds)
    if not 1 <= options.workers <= WORKERS_MAX:
        parser.error(f"--workers {options.workers}: 1 to {WORKERS_MAX}")
    summary = seed_range.run(
        seeds, options.workers, minutes=options.minutes, keeps_going=options.keep_going
    )
    for seed, outcome in summary.failures:
        _write(describe(seed, outcome))
        if options.bundles is not None:
            world = World(swarm.schedule(seed), keeps_trace=True)
            _write(f"bundle: {write_bundle(options.bundles, world, world.run())}")
    _write(str(summary))
    return FAILED if summary.failures else 0


def _shrink(schedule: Schedule, path: Path) -> None:
    shrinker = Shrinker(lambda each: judge_of(World(each).run()))
    small = shrinker.shrink(schedule)
    path.write_text(small.to_json())
    _write(f"{len(small.faults)} faults left after {shrinker.tries} runs; written to {path}")


def judge_of(outcome: Outcome) -> str | None:
    """Return which judge complained, for an invariant also where."""
    if outcome.violation is None:
        return None
    if outcome.violation.startswith(("judge=invariant", "judge=crash")):
        return outcome.violation.partition(": ")[0]
    return outcome.violation.partition(" ")[0]


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
