"""The judgement can fail: histories with a lost value, a stale one, one written twice."""

from pathlib import Path
from typing import Any

import pytest

from pegasus_server.simulator.history import End, Operation, Verb
from tests.faults.load import Load
from tests.faults.rows import COUNTER, NOWHERE, SORT_KEYS

ROW = SORT_KEYS[0]


def operation(
    number: int, verb: Verb, argument: Any, outcome: Any, sort_key: bytes = ROW
) -> Operation:
    """Make an operation that took from 10 to 15 times its number."""
    return Operation(
        request_id=(0, number),
        gpid=NOWHERE,
        verb=verb,
        hash_key=b"0.1",
        sort_keys=(sort_key,),
        argument=argument,
        call_us=10 * number,
        return_us=10 * number + 5,
        end=End.OK,
        outcome=outcome,
    )


def verdict(folder: Path, *operations: Operation) -> str | None:
    """Judge a history."""
    load = Load("pegasus://127.0.0.1:1/", "t", 0)
    for each in operations:
        load.history.begin(each)
    return load.judge(folder / "history.jsonl")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = operation(1, Verb.SET, (b"v",), None)
    assert verdict(tmp_path, written, operation(2, Verb.GET, None, b"v")) is None
    assert not (tmp_path / "history.jsonl").exists()


@pytest.mark.parametrize("found", [None, b"older"])
def test_lost_and_stale_values_are_seen(tmp_path: Path, found: bytes | None) -> None:
    history = (
        operation(1, Verb.SET, (b"older",), None),
        operation(2, Verb.SET, (b"v",), None),
        operation(3, Verb.GET, None, found),
    )
    fault = verdict(tmp_path, *history)
    assert fault is not None
    assert "VIOLATED" in fault
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 6


def test_what_happened_twice_is_seen(tmp_path: Path) -> None:
    history = (
        operation(1, Verb.INCREMENT, 7, 7, COUNTER),
        operation(2, Verb.GET, None, b"14", COUNTER),
    )
    assert verdict(tmp_path, *history) is not None
