"""Whatever happens to clock, leader, store and target: once all is well, a round succeeds soon."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.policy_world import DAY, PolicyWorld

EVENTS = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 4000)),
    st.tuples(st.just("jump"), st.integers(-3 * DAY, 5 * DAY)),
    st.tuples(st.just("leader"), st.just(0)),
    st.tuples(st.just("store"), st.integers(0, 1)),
    st.tuples(st.just("lose"), st.integers(0, 1)),
    st.tuples(st.just("fault"), st.integers(0, 3)),
    st.tuples(st.just("well"), st.just(0)),
    st.tuples(st.just("drop table"), st.just(0)),
)
FAULTS = [("backup", "58030"), ("prune", "58030"), ("backup", "XX001"), ("prune", "XX001")]


def happen(world: PolicyWorld, what: str, number: int) -> None:
    match what:
        case "run":
            world.run(number, every=max(1, number // 60))
        case "jump":
            world.now += number
        case "leader":
            world.new_leader()
        case "store":
            world.store_works = bool(number)
        case "lose":
            world.save_loss = number / 2
        case "fault":
            kind, sqlstate = FAULTS[number]
            world.faults[kind, "a"] = ("it fails", sqlstate)
        case "well":
            world.faults.clear()
        case _:
            world.tables ^= {"b"}


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENTS, max_size=25), st.booleans(), st.integers(0, 99))
def test_a_policy_comes_round_again(events: list[tuple[str, int]], is_all: bool, seed: int) -> None:
    world = PolicyWorld("a", "b", seed=seed)
    world.create(*(() if is_all else ("a", "b")))
    world.run(1)  # before its first round a policy waits for the moment that was named
    for what, number in events:
        happen(world, what, number)
    world.faults.clear()
    world.tables = {"a", "b"}
    world.store_works, world.save_loss = True, 0.0
    world.new_leader()
    if not world.policies.policies:
        world.create(*(() if is_all else ("a", "b")))
    healed_at, done_before = world.now, len(world.done)
    world.run(DAY + 8000, every=30)
    assert world.policy.succeeded >= healed_at
    assert world.policy.fault == ""
    assert {("backup", "a"), ("prune", "a"), ("backup", "b"), ("prune", "b")} <= {
        (kind, table) for _, kind, table, _ in world.done[done_before:]
    }
    assert 0 < world.policy.next_at - world.now <= DAY
