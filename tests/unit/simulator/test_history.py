"""A history as JSON lines, and when it proves anything at all."""

import json

import pytest

from pegasus_server.simulator.history import End, History, Operation, Verb
from pegasus_server.simulator.row_model import check_objects, fault_of
from pegasus_tab.base.ids import Ballot, Decree, Gpid

STEPS_MAX = 10_000


def write(number: int, end: End = End.OK, hash_key: bytes = b"h") -> Operation:
    """A write that no other overlaps."""
    operation = Operation(
        (1, number), Gpid(1, 0), Verb.SET, hash_key, (b"a",), (b"v%d" % number,), 10 * number
    )
    operation.end = end
    if end is not End.UNKNOWN:
        operation.return_us = 10 * number + 5
    return operation


def fault(operations: list[Operation]) -> str | None:
    return fault_of(operations, check_objects(operations, STEPS_MAX))


def test_lines_come_in_order_of_time() -> None:
    history = History()
    slow, fast = history.begin(write(1)), history.begin(write(2))
    slow.return_us, slow.decree, slow.ballot, slow.node = 90, Decree(7), Ballot(3), "s1"
    assert fast.return_us == 25
    lines = [json.loads(line) for line in history.json_lines()]
    assert [(each["t"], each["rid"][1]) for each in lines] == [
        ("call", 1),
        ("call", 2),
        ("ok", 2),
        ("ok", 1),
    ]
    assert [each["i"] for each in lines] == [0, 1, 2, 3]
    assert lines[0]["arg"] == ["djE="]
    assert lines[3]["srv"] == {"gpid": "1.0", "ballot": 3, "decree": 7, "node": "s1"}


def test_an_unknown_outcome_has_no_end() -> None:
    history = History()
    history.begin(write(1, End.UNKNOWN))
    assert [json.loads(line)["t"] for line in history.json_lines()] == ["call"]
    assert history.unknown == 1


def test_a_clear_history_has_no_fault() -> None:
    assert fault([write(number) for number in range(100)]) is None


def test_what_failed_did_not_happen() -> None:
    read = Operation((2, 1), Gpid(1, 0), Verb.GET, b"h", (b"a",), None, 50, 60, End.OK, b"v3")
    operations = [write(3), write(4, End.FAIL), read]
    assert fault(operations) is None
    operations[1].end = End.OK
    assert fault(operations) == "(b'h', b'a'): VIOLATED over 3 operations"


@pytest.mark.parametrize(("unknown", "is_fault"), [(5, False), (6, True)])
def test_too_many_unknown_outcomes_of_one_object(unknown: int, is_fault: bool) -> None:
    ends = [End.UNKNOWN] * unknown + [End.OK] * (100 - unknown)
    operations = [write(number, end) for number, end in enumerate(ends)]
    others = [write(number, hash_key=b"other") for number in range(200)]
    assert (fault(operations + others) is not None) == is_fault


def test_too_many_unknown_outcomes_of_a_run() -> None:
    operations = [write(n, End.UNKNOWN if n % 40 == 0 else End.OK) for n in range(200)]
    assert fault(operations) == "5 of 200 outcomes are unknown"
