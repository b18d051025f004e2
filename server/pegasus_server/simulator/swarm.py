"""From a seed to a world: which faults there are, how bad, and when.

Each seed enables each family of faults or not, so that rare combinations come up and a family that
hides another's bugs is sometimes away; sizes are drawn log-uniformly (reliability reference 5.4).
"""

from collections.abc import Callable
from dataclasses import replace

from pegasus_server.simulator.disk import SECTOR_BYTES
from pegasus_server.simulator.entropy import Entropy, Stream
from pegasus_server.simulator.faults import DAMAGING
from pegasus_server.simulator.knobs import Knobs
from pegasus_server.simulator.schedule import Fault, FaultKind, Loss, Schedule

US_PER_SECOND = 1_000_000
SAFETY_US_MIN, SAFETY_US_MAX = 15 * US_PER_SECOND, 45 * US_PER_SECOND
FAMILY_FAULTS_MAX = 12
LOSING = (FaultKind.KILL, FaultKind.POWER, FaultKind.SYNC_FAILS)
ON_SERVERS = (
    FaultKind.KILL,
    FaultKind.POWER,
    FaultKind.FREEZE,
    FaultKind.ISOLATE,
    FaultKind.SYNC_FAILS,
    FaultKind.DISK_FULL,
    FaultKind.DISK_SLOW,
    FaultKind.WALL_JUMP,
)
ON_METAS = (FaultKind.KILL, FaultKind.FREEZE, FaultKind.ISOLATE)
ANYWHERE = (FaultKind.STORM, FaultKind.STORE_DOWN, FaultKind.STORE_FORGETS)

_ARGUMENTS: dict[FaultKind, Callable[[Stream], int]] = {
    FaultKind.STORM: lambda stream: stream.between(20, 300),
    FaultKind.DISK_SLOW: lambda stream: int(stream.log_uniform(5_000, 3_000_000)),
    FaultKind.WALL_JUMP: lambda stream: stream.between(-3_600, 3_600) * US_PER_SECOND,
    FaultKind.FREEZE: lambda stream: stream.below(2),
}


def schedule(seed: int) -> Schedule:
    """Make the world of a seed."""
    entropy = Entropy(seed)
    knobs = _knobs(entropy.stream("knobs"))
    faults: list[Fault] = []
    servers = [f"s{number + 1}" for number in range(knobs.servers)]
    metas = [f"m{number + 1}" for number in range(knobs.metas)]
    for kind in ON_SERVERS:
        faults += _family(kind, servers, knobs, entropy.stream("faults", f"server {kind}"))
    for kind in ON_METAS:
        faults += _family(kind, metas, knobs, entropy.stream("faults", f"meta {kind}"))
    for kind in ANYWHERE:
        faults += _family(kind, [""], knobs, entropy.stream("faults", kind))
    faults += _cuts(servers, metas, knobs, entropy.stream("faults", "cut"))
    faults += _blackouts(servers, knobs, entropy.stream("faults", "blackout"))
    faults = _with_damage(faults, servers, knobs, entropy.stream("faults", "damage"))
    faults += _orders(servers, knobs, entropy.stream("faults", "orders"))
    if any(fault.kind is FaultKind.WALL_JUMP for fault in faults):
        # Rows expire by the primary's wall clock; nothing could be said of them.
        knobs = replace(knobs, expiry_share=0)
    faults.sort(key=lambda fault: (fault.time_us, fault.kind, fault.target))
    return Schedule(seed, knobs.to_fields(), tuple(faults))


def _knobs(stream: Stream) -> Knobs:
    is_rough = stream.chance(0.5)
    return Knobs(
        servers=stream.weighted([(3, 5), (4, 3), (5, 2)]),
        metas=stream.weighted([(1, 2), (2, 1), (3, 2)]),
        partitions=stream.weighted([(2, 3), (4, 1)]),
        clients=stream.between(2, 6),
        hash_keys=int(stream.log_uniform(1, 13)),
        think_us=int(stream.log_uniform(10_000, 300_000)),
        retry_us=int(stream.log_uniform(10_000, 500_000)),
        delay_us=int(stream.log_uniform(100, 30_000)),
        loss=stream.log_uniform(0.001, 0.2) if is_rough and stream.chance(0.5) else 0.0,
        duplication=stream.log_uniform(0.001, 0.5) if is_rough and stream.chance(0.5) else 0.0,
        lateness=stream.log_uniform(0.001, 0.05) if is_rough and stream.chance(0.5) else 0.0,
        reorders=is_rough and stream.chance(0.5),
        sync_us=int(stream.log_uniform(100, 200_000)),
        clock_error_per_million=10_000 if stream.chance(0.5) else 0,
        segment_bytes=int(stream.log_uniform(8_192, 131_072)),
        flush_decrees=int(stream.log_uniform(5, 200)),
        forgets_recent=stream.chance(0.5),
        safety_us=stream.between(SAFETY_US_MIN, SAFETY_US_MAX),
        multi_share=stream.choice([0, 20, 50]),
        read_share=stream.choice([20, 40, 60]),
        leaves_minority=(leaves_minority := stream.chance(0.3)),
        return_us=10 * US_PER_SECOND * (1 if leaves_minority else stream.choice([1, 60])),
        scan_share=stream.choice([0, 5, 20]),
        expiry_share=stream.choice([0, 20, 50]),
    )


def _family(kind: FaultKind, targets: list[str], knobs: Knobs, stream: Stream) -> list[Fault]:
    """Draw the faults of one kind, half of the time none."""
    if stream.chance(0.5):
        return []
    pause_us = stream.log_uniform(2 * US_PER_SECOND, 40 * US_PER_SECOND)
    draw = _ARGUMENTS.get(kind)
    faults: list[Fault] = []
    time_us = int(stream.exponential(pause_us))
    while time_us < knobs.safety_us and len(faults) < FAMILY_FAULTS_MAX:
        duration_us = int(stream.log_uniform(100_000, 20 * US_PER_SECOND))
        target = stream.choice(targets)
        argument = 0 if draw is None else draw(stream)
        faults.append(Fault(time_us, kind, target, argument, duration_us))
        time_us += int(stream.exponential(pause_us)) + 1
    return faults


def _cuts(servers: list[str], metas: list[str], knobs: Knobs, stream: Stream) -> list[Fault]:
    """Draw one-way cuts between any two machines; now and then both ways."""
    machines = [*servers, *metas]
    if len(machines) < 2:
        return []
    faults: list[Fault] = []
    for cut in _family(FaultKind.CUT, machines, knobs, stream):
        other = stream.choice([each for each in machines if each != cut.target])
        faults.append(Fault(cut.time_us, cut.kind, cut.target, other, cut.duration_us))
        if stream.chance(0.5):
            faults.append(Fault(cut.time_us, cut.kind, other, cut.target, cut.duration_us))
    return faults


def _blackouts(servers: list[str], knobs: Knobs, stream: Stream) -> list[Fault]:
    """Draw power cuts of all servers at one moment; they come back one by one (F06)."""
    if stream.chance(0.6):
        return []
    faults = []
    for _ in range(stream.between(1, 2)):
        time_us = stream.below(knobs.safety_us)
        for server in servers:
            duration_us = int(stream.log_uniform(US_PER_SECOND, 40 * US_PER_SECOND))
            faults.append(Fault(time_us, FaultKind.POWER, server, 0, duration_us))
    return faults


def _orders(servers: list[str], knobs: Knobs, stream: Stream) -> list[Fault]:
    """Draw what the operator wants meanwhile: moves, balance, tables that come and go."""
    partitions = list(range(knobs.partitions))
    faults = [
        *_family(FaultKind.MOVE_PRIMARY, servers, knobs, stream),
        *_family(FaultKind.MOVE_REPLICA, servers, knobs, stream),
    ]
    faults = [replace(each, argument=stream.choice(partitions)) for each in faults]
    faults += [
        replace(each, argument=10) for each in _family(FaultKind.BALANCE, [""], knobs, stream)
    ]
    tables = _family(FaultKind.TABLE, [""], knobs, stream)
    return faults + [replace(each, argument=number) for number, each in enumerate(tables)]


def _with_damage(
    faults: list[Fault], servers: list[str], knobs: Knobs, stream: Stream
) -> list[Fault]:
    """Now and then, damage what one server keeps (F26, F29, F33-F35).

    One whole copy of everything committed must stay: with more than one disk at fault nobody could
    promise anything. So in such a world nothing else happens to disks, and no other server dies
    (the fault atlas of reliability reference 5.4).
    """
    if stream.chance(0.7):
        return faults
    target = stream.choice(servers)
    harmless = [
        fault
        for fault in faults
        if fault.kind not in LOSING or fault.target not in servers or fault.target == target
    ]
    for _ in range(stream.between(1, 4)):
        harmless += _damage(target, knobs, stream)
    return harmless


def _damage(target: str, knobs: Knobs, stream: Stream) -> list[Fault]:
    """Draw one way to lose a copy."""
    time_us = stream.below(knobs.safety_us)
    duration_us = int(stream.log_uniform(100_000, 20 * US_PER_SECOND))
    kind = stream.choice(sorted(DAMAGING))
    match kind:
        case FaultKind.ENGINE_FAILS:
            partition = stream.below(knobs.partitions)
            return [Fault(time_us, kind, target, partition, duration_us)]
        case FaultKind.WIPE:
            loss = stream.choice(list(Loss))
            return [Fault(time_us, kind, target, int(loss), duration_us)]
        case FaultKind.MISDIRECT:
            astray = stream.choice([-4, -1, 1, 4]) * SECTOR_BYTES
            return [Fault(time_us, kind, target, astray, stream.between(1_000, 300_000))]
        case _:
            place = stream.below(1_000_000)
            return [
                Fault(time_us, FaultKind.BIT_ROT, target, place, 0),
                Fault(time_us + 1, FaultKind.KILL, target, 0, US_PER_SECOND),
            ]
