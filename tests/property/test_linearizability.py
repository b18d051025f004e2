"""The checker accepts what an atomic map did and finds what it cannot have done."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pegasus_server.simulator.history import End, Operation, Verb
from pegasus_server.simulator.linearizability import Observation, Verdict, check
from pegasus_server.simulator.row_model import NO_ROWS, Rows, Settled, check_objects, step
from pegasus_tab.base.ids import Gpid

STEPS_MAX = 200_000
VERBS = (
    Verb.GET,
    Verb.GET,
    Verb.SET,
    Verb.DELETE,
    Verb.INCREMENT,
    Verb.COMPARE_AND_SET,
    Verb.MULTI_SET,
    Verb.MULTI_GET,
)
SORT_KEYS = (b"a", b"b")
COUNTER = b"n"


def _arguments(verb: Verb, number: int, rng: Random) -> tuple[tuple[bytes, ...], object]:
    value = b"v%d" % number
    match verb:
        case Verb.SET:
            return (rng.choice(SORT_KEYS),), (value,)
        case Verb.MULTI_SET:
            return SORT_KEYS, (value, value + b"'")
        case Verb.INCREMENT:
            return (COUNTER,), number + 1
        case Verb.COMPARE_AND_SET:
            return (rng.choice(SORT_KEYS),), (b"v%d" % rng.randrange(number + 1), value)
        case Verb.MULTI_GET:
            return SORT_KEYS, None
        case _:
            return (rng.choice(SORT_KEYS),), None


def atomic_history(
    seed: int, count: int, clients: int, unknown: float, verbs: Sequence[Verb] = VERBS
) -> list[Operation]:
    """Let clients use a map that takes each operation at one moment between call and return."""
    rng = Random(seed)
    free = [rng.random() for _ in range(clients)]
    moments: list[tuple[float, int]] = []
    operations: list[Operation] = []
    for number in range(count):
        client = min(range(clients), key=free.__getitem__)
        verb = rng.choice(verbs)
        sort_keys, argument = _arguments(verb, number, rng)
        call, length = free[client], rng.expovariate(1)
        is_unknown = rng.random() < unknown
        # A mutation nobody heard of may take effect long after its client gave up, or never.
        moment = call + rng.random() * length * (4 if is_unknown else 1)
        free[client] = call + length + rng.random() * 0.2
        answer = None if is_unknown else int((call + length) * 1e6)
        end = End.UNKNOWN if is_unknown else End.OK
        operations.append(
            Operation(
                (client, number),
                Gpid(1, 0),
                verb,
                b"h",
                sort_keys,
                argument,
                int(call * 1e6),
                answer,
                end,
            )
        )
        if not is_unknown or rng.random() < 0.6:
            moments.append((moment, number))
    _answer(operations, [number for _, number in sorted(moments)])
    return operations


def _answer(operations: Sequence[Operation], order: Sequence[int]) -> None:
    rows = NO_ROWS
    for number in order:
        operation = operations[number]
        operation.outcome = _outcome(rows, operation)
        (rows,) = step(rows, operation, True)
        if operation.end is End.UNKNOWN:
            operation.outcome = None


def _outcome(rows: Rows, operation: Operation) -> object:
    """Say what a map would answer, without asking the model under test."""
    state = {key: value for key, value, _ in rows}
    first = operation.sort_keys[0]
    match operation.verb:
        case Verb.GET:
            return state.get(first)
        case Verb.MULTI_GET:
            return {key: state[key] for key in operation.sort_keys if key in state}
        case Verb.INCREMENT:
            return int(state.get(first, b"0")) + operation.argument
        case Verb.COMPARE_AND_SET:
            return state.get(first, b"") == operation.argument[0]
        case _:
            return None


seeds = st.integers(0, 2**32)


@given(seeds, st.integers(1, 60), st.integers(1, 6), st.sampled_from([0.0, 0.02, 0.1]))
def test_atomic_histories_are_accepted(seed: int, count: int, clients: int, unknown: float) -> None:
    history = atomic_history(seed, count, clients, unknown)
    for found in check_objects(history, STEPS_MAX):
        assert found.finding.verdict is Verdict.LINEARIZABLE


@given(seeds, st.integers(2, 5))
def test_a_stale_read_is_found(seed: int, clients: int) -> None:
    """A read that shows a row as it was before a write that surely came in between."""
    history = atomic_history(seed, 80, clients, 0.0, (Verb.GET, Verb.SET))
    planted = _plant_stale_read(history)
    verdicts = {found.finding.verdict for found in check_objects(history, STEPS_MAX)}
    assert verdicts <= {Verdict.LINEARIZABLE}
    if planted is not None:
        found = check_objects(planted, STEPS_MAX)
        assert Verdict.VIOLATED in {each.finding.verdict for each in found}


def _plant_stale_read(history: list[Operation]) -> list[Operation] | None:
    sets = [each for each in history if each.verb is Verb.SET]
    for index, read in enumerate(history):
        if read.verb is not Verb.GET:
            continue
        for old in sets:
            for new in sets:
                same = old.sort_keys == new.sort_keys == read.sort_keys
                assert old.return_us is not None
                assert new.return_us is not None
                if same and old.return_us < new.call_us and new.return_us < read.call_us:
                    stale = replace(read, outcome=old.argument[0])
                    return [*history[:index], stale, *history[index + 1 :]]
    return None


@given(seeds)
def test_an_increment_done_twice_is_found(seed: int) -> None:
    history = atomic_history(seed, 20, 3, 0.0, (Verb.INCREMENT,))
    last = max(history, key=lambda each: each.call_us)
    doubled = replace(last, outcome=last.outcome + history[0].argument)
    changed = [doubled if each is last else each for each in history]
    (found,) = check_objects(changed, STEPS_MAX)
    assert found.finding.verdict is Verdict.VIOLATED


@given(seeds)
def test_agrees_with_trying_every_order(seed: int) -> None:
    """On a handful of operations, the search finds an order exactly if there is one."""
    rng = Random(seed)
    history = atomic_history(seed, 5, 3, 0.0)
    reads = [each for each in history if each.verb is Verb.GET]
    if reads:
        rng.choice(reads).outcome = rng.choice([None, b"v0", b"v1", b"v2"])
    observations = [Observation(each.call_us, each.return_us, each) for each in history]
    found = check(observations, NO_ROWS, step).verdict is Verdict.LINEARIZABLE
    assert found == _has_order(observations, NO_ROWS)


def _has_order(left: list[Observation], rows: Rows) -> bool:
    if not left:
        return True
    for index, each in enumerate(left):
        others = left[:index] + left[index + 1 :]
        if any(other.answer is not None and other.answer < each.call for other in others):
            continue
        if any(_has_order(others, after) for after in step(rows, each.operation, True)):
            return True
    return False


@given(seeds, st.integers(2, 6))
def test_a_known_order_is_followed(seed: int, clients: int) -> None:
    """The true order of the writes explains a history; with two of them swapped nothing does."""
    history = atomic_history(seed, 60, clients, 0.0, (Verb.INCREMENT, Verb.MULTI_GET))
    writes = [each for each in history if each.verb is Verb.INCREMENT]
    if len(writes) < 2:
        return
    order = {
        each.request_id: place
        for place, each in enumerate(sorted(writes, key=lambda each: each.outcome))
    }
    (found,) = check_objects(history, STEPS_MAX, Settled(frozenset(order), order))
    assert found.finding.verdict is Verdict.LINEARIZABLE
    first, second = list(order)[:2]
    order[first], order[second] = order[second], order[first]
    (found,) = check_objects(history, STEPS_MAX, Settled(frozenset(order), order))
    assert found.finding.verdict is Verdict.VIOLATED


def test_the_budget_is_kept() -> None:
    history = atomic_history(1, 50, 5, 0.0)
    observations = [Observation(each.call_us, each.return_us, each) for each in history]
    finding = check(observations, NO_ROWS, step, 10)
    assert (finding.verdict, finding.steps) == (Verdict.UNDECIDED, 11)
