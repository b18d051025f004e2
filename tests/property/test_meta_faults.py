"""Random faults against the meta server: judges at every moment, and convergence afterwards.

``MetaWorld`` judges: one serving primary, one primary per ballot, growing ballots, no lost write.
A failure is replayed by its seed.
"""

import random

import pytest

from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.cure_case import CureNumbers
from pegasus_server.meta.inputs import CreateTable
from tests.fakes.meta_store import Fate
from tests.fakes.meta_world import SESSION_US, MetaWorld, unreliable

SECOND = 1_000_000
FAULTS = 12


def numbers() -> ClusterNumbers:
    return ClusterNumbers(cure=CureNumbers(return_us=20 * SECOND))


def table(name: str = "t", partitions: int = 2, replicas: int = 3) -> CreateTable:
    return CreateTable(
        name=name,
        partition_count=partitions,
        replica_count=replicas,
        success_if_exist=False,
        envs={},
        token=name,
    )


def started(seed: int, servers: int, metas: int) -> MetaWorld:
    world = MetaWorld(servers, metas, seed, numbers())
    world.elect(min(world.metas))
    world.start_all()
    world.run(3 * SECOND)
    world.administer(table())
    world.run_until(lambda: bool(world.replies) and world.is_whole(), 60 * SECOND)
    assert [each.error for each in world.replies] == ["ERR_OK"]
    return world


def strike(world: MetaWorld, chance: random.Random) -> None:
    """Let one thing go wrong."""
    strike = chance.choice((strike_server, strike_server, strike_network, strike_meta))
    strike(world, chance)


def strike_server(world: MetaWorld, chance: random.Random) -> None:
    server = world.servers[chance.choice(sorted(world.servers))]
    kind = chance.choice(("kill", "restart", "leave", "start"))
    if kind == "leave" and server.is_up and server.name not in world.paused:
        server.leave(world.now_us)
    elif kind in ("kill", "restart") and server.is_up:
        server.kill()
    if kind in ("start", "restart") and not server.is_up:
        server.start()


def strike_network(world: MetaWorld, chance: random.Random) -> None:
    everybody = [*sorted(world.servers), *sorted(world.metas)]
    kind = chance.choice(("pause", "resume", "cut", "heal"))
    if kind == "pause":
        world.pause(chance.choice(everybody))
    elif kind == "resume":
        world.resume(chance.choice(everybody))
    elif kind == "cut":
        world.cut.add(frozenset(chance.sample(everybody, 2)))
    else:
        world.cut.clear()


def strike_meta(world: MetaWorld, chance: random.Random) -> None:
    meta = chance.choice(sorted(world.metas))
    kind = chance.choice(("hand over", "usurp", "store"))
    if kind == "store":
        world.store.fate = unreliable(chance, chance.choice([0.0, 0.3, 0.8]))
    elif world.leader is not None and meta not in world.paused:
        (world.hand_over if kind == "hand over" else world.usurp)(meta)


def heal(world: MetaWorld) -> None:
    world.cut.clear()
    world.loss = 0.0
    world.store.fate = lambda: Fate.DONE
    for name in sorted(world.paused):
        world.resume(name)
    world.run(2 * SESSION_US)
    world.hand_over(min(world.metas))
    world.start_all()


@pytest.mark.parametrize("seed", range(30))
def test_faults_never_break_the_rules_and_the_healed_cluster_converges(seed: int) -> None:
    chance = random.Random(seed)
    world = started(seed, servers=chance.choice([3, 4, 5]), metas=chance.choice([1, 3]))
    world.loss = chance.choice([0.0, 0.05, 0.3])
    for _ in range(FAULTS):
        strike(world, chance)
        world.run(int(chance.expovariate(1 / 4) * SECOND))
    heal(world)
    world.run_until(world.is_whole, 180 * SECOND)
    for gpid in world.meta.guardian.ward.partitions:
        assert len(world.meta.guardian.ward.partitions.record(gpid).config.members) == 3
    acknowledged = dict(world.committed)
    world.run(5 * SECOND)
    assert all(world.committed[gpid] > acknowledged.get(gpid, 0) for gpid in world.committed)
