"""Plans of the balancer: every move is possible, nothing gets worse, and they come to an end."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pegasus_server.meta.balance import Move, MoveKind, plan_balance
from pegasus_server.meta.failure_detector import Node
from pegasus_server.meta.placement import Loads
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Ballot, Gpid, NodeName

Configs = dict[Gpid, PartitionConfig]


@st.composite
def clusters(draw: st.DrawFn) -> tuple[Configs, dict[NodeName, Node]]:
    names = [NodeName(f"r{number}") for number in range(draw(st.integers(1, 6)))]
    nodes = {
        name: Node(name, 1, draw(st.sampled_from((name, "shared"))), draw(st.booleans()), 0)
        for name in names
    }
    configs: Configs = {}
    for app_id in range(1, draw(st.integers(1, 3)) + 1):
        for index in range(draw(st.integers(1, 8))):
            members = draw(st.permutations(names))[: draw(st.integers(1, 3))]
            configs[Gpid(app_id, index)] = PartitionConfig(
                Ballot(1), members[0], tuple(members[1:])
            )
    return configs, nodes


def carried_out(move: Move, configs: Configs, nodes: dict[NodeName, Node]) -> Configs:
    config = configs[move.gpid]
    assert nodes[move.target].is_alive
    if move.kind is MoveKind.PRIMARY:
        assert config.primary == move.source
        assert move.target in config.secondaries
        others = tuple(each for each in config.secondaries if each != move.target)
        moved = replace(config, primary=move.target, secondaries=(*others, move.source))
    else:
        assert move.source in config.secondaries
        assert move.target not in config.members
        others = tuple(each for each in config.secondaries if each != move.source)
        moved = replace(config, secondaries=(*others, move.target))
    return {**configs, move.gpid: moved}


def spread(configs: Configs, nodes: dict[NodeName, Node]) -> tuple[int, int]:
    """Return the sums of squares of primaries and of replicas by table and living server."""
    loads = Loads(configs.items())
    tables = {gpid.app_id for gpid in configs}
    alive = [each.name for each in nodes.values() if each.is_alive]
    primaries = sum(loads.primaries(node, table) ** 2 for node in alive for table in tables)
    replicas = sum(loads.replicas(node, table) ** 2 for node in alive for table in tables)
    return primaries, replicas


@given(clusters())
def test_plans_are_possible_and_lower_the_spread_until_nothing_is_left(
    cluster: tuple[Configs, dict[NodeName, Node]],
) -> None:
    configs, nodes = cluster
    before = spread(configs, nodes)
    for _ in range(20):
        plan = plan_balance(configs, nodes, 1000)
        if not plan:
            break
        for move in plan:
            configs = carried_out(move, configs, nodes)
    else:
        raise AssertionError("planning does not come to an end")
    after = spread(configs, nodes)
    assert after[0] <= before[0]
    assert after[1] <= before[1]


@given(clusters(), st.integers(0, 3))
def test_a_plan_is_bounded(cluster: tuple[Configs, dict[NodeName, Node]], moves_max: int) -> None:
    configs, nodes = cluster
    assert len(plan_balance(configs, nodes, moves_max)) <= moves_max


def test_servers_that_rest_are_left_alone() -> None:
    a, b, c = (NodeName(each) for each in "abc")
    nodes = {name: Node(name, 1, name, True, 0) for name in (a, b, c)}
    configs = {Gpid(1, index): PartitionConfig(Ballot(1), a, (b,)) for index in range(4)}
    assert c in {each.target for each in plan_balance(configs, nodes, 10)}
    moves = plan_balance(configs, nodes, 10, resting={c})
    assert moves
    assert c not in {each.target for each in moves}


def test_a_chain_relieves_a_server_without_a_direct_partner() -> None:
    """Server a leads two, b one, c none; a's secondaries are all on b, b's is on c."""
    a, b, c = (NodeName(each) for each in "abc")
    nodes = {name: Node(name, 1, name, True, 0) for name in (a, b, c)}
    configs = {
        Gpid(1, 0): PartitionConfig(Ballot(1), a, (b,)),
        Gpid(1, 1): PartitionConfig(Ballot(1), a, (b,)),
        Gpid(1, 2): PartitionConfig(Ballot(1), b, (c,)),
    }
    plan = plan_balance(configs, nodes, 2)
    assert {str(each) for each in plan} == {
        "move primary 1.2 from b to c",
        "move primary 1.0 from a to b",
    }
