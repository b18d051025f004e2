"""Rows that expire, and scans, as a history is checked against."""

from typing import Any

import pytest

from pegasus_server.simulator.history import End, Operation, Verb
from pegasus_server.simulator.linearizability import Verdict
from pegasus_server.simulator.row_model import check_objects
from pegasus_tab.base.ids import Gpid

US_PER_SECOND = 1_000_000
STEPS_MAX = 1000
HASH_KEY, SORT_KEY = b"h", b"a"


def done(at_s: float, verb: Verb, argument: Any = None, outcome: Any = None) -> Operation:
    """Make an operation that took a millisecond."""
    call_us = int(at_s * US_PER_SECOND)
    return_us = call_us + 1000
    return Operation(
        (0, call_us),
        Gpid(1, 0),
        verb,
        HASH_KEY,
        (SORT_KEY,),
        argument,
        call_us,
        return_us,
        End.OK,
        outcome,
    )


def scan(at_s: float, outcome: Any) -> Operation:
    operation = done(at_s, Verb.SCAN, None, outcome)
    operation.hash_key, operation.sort_keys = b"", ()
    return operation


def set_for(seconds: int) -> Operation:
    """Set the row at second 10, to expire so much later."""
    operation = done(10, Verb.SET, (b"v",))
    operation.expires_s = 10 + seconds
    return operation


def verdicts(*operations: Operation) -> set[Verdict]:
    return {each.finding.verdict for each in check_objects(operations, STEPS_MAX)}


@pytest.mark.parametrize(
    ("at_s", "allowed"), [(11, {b"v"}), (15, {b"v", None}), (16.2, {b"v", None}), (18, {None})]
)
def test_an_expiring_row_is_there_then_perhaps_then_not(at_s: float, allowed: set[Any]) -> None:
    for outcome in (b"v", None):
        found = verdicts(set_for(5), done(at_s, Verb.GET, None, outcome))
        assert (found == {Verdict.LINEARIZABLE}) == (outcome in allowed), (at_s, outcome)


def test_a_row_in_doubt_may_come_back_with_a_slower_clock() -> None:
    reads = [done(15, Verb.GET, None, None), done(15.1, Verb.GET, None, b"v")]
    assert verdicts(set_for(5), *reads) == {Verdict.LINEARIZABLE}


def test_what_was_set_instead_of_an_expired_row_stays() -> None:
    swap = done(15, Verb.COMPARE_AND_SET, (b"", b"w"), outcome=True)
    assert verdicts(set_for(5), swap, done(16, Verb.GET, None, b"w")) == {Verdict.LINEARIZABLE}
    assert verdicts(set_for(5), swap, done(16, Verb.GET, None, None)) == {Verdict.VIOLATED}


def test_every_way_a_row_in_doubt_may_have_gone_is_tried() -> None:
    """Nobody heard what became of the swap; the next read tells that it found the row expired."""
    swap = done(15, Verb.COMPARE_AND_SET, (b"", b"w"))
    swap.return_us, swap.end = None, End.UNKNOWN
    later = done(20, Verb.GET, None, b"w")
    assert verdicts(set_for(5), swap, later) == {Verdict.LINEARIZABLE}


def test_a_scan_reads_every_row() -> None:
    written = done(1, Verb.SET, (b"v",))
    assert verdicts(written, scan(2, {HASH_KEY: {SORT_KEY: b"v"}})) == {Verdict.LINEARIZABLE}
    assert Verdict.VIOLATED in verdicts(written, scan(2, {}))
    assert Verdict.VIOLATED in verdicts(written, scan(2, {HASH_KEY: {SORT_KEY: b"old"}}))


def test_a_scan_that_sees_what_nobody_wrote_is_found() -> None:
    written = done(1, Verb.SET, (b"v",))
    seen = {HASH_KEY: {SORT_KEY: b"v"}, b"other": {b"x": b"y"}}
    assert Verdict.VIOLATED in verdicts(written, scan(2, seen))
