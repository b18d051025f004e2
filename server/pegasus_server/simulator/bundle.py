"""A failed run as a folder: everything to look into it, and the one command to see it again."""

from pathlib import Path

from pegasus_server.simulator.world import Outcome, World


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


def write_bundle(folder: Path, world: World, outcome: Outcome) -> Path:
    """Write what a failed run leaves.

    Args:
        folder: where the bundle's own folder goes, named by the seed.
        world: after its run; it kept its trace.
        outcome: of the run.

    Returns:
        The bundle: README (what failed, how to replay), schedule.json, trace, history.jsonl.
    """
    bundle = folder / f"seed-{world.schedule.seed}"
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / "schedule.json").write_text(world.schedule.to_json())
    (bundle / "trace").write_text("".join(f"{line}\n" for line in world.trace.lines))
    history = "".join(f"{line}\n" for line in world.history.json_lines())
    (bundle / "history.jsonl").write_text(history)
    replay = "python -m pegasus_server.simulator --replay schedule.json --trace"
    (bundle / "README").write_text(
        f"{describe(world.schedule.seed, outcome)}\nreplay of this schedule, here: {replay}\n"
    )
    return bundle
