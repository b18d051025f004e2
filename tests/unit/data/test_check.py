"""Evaluation of checks: the table of protocol reference 6.7."""

import pytest

from pegasus_server.data.check import evaluate_check
from pegasus_tab.wire.codes import CasCheckType as Check
from pegasus_tab.wire.codes import Status

PASS, FAIL, BAD = Status.OK, Status.TRY_AGAIN, Status.INVALID_ARGUMENT

PRESENCE = [
    # type, absent, empty, "v"
    (Check.NO_CHECK, PASS, PASS, PASS),
    (Check.VALUE_NOT_EXIST, PASS, FAIL, FAIL),
    (Check.VALUE_NOT_EXIST_OR_EMPTY, PASS, PASS, FAIL),
    (Check.VALUE_EXIST, FAIL, PASS, PASS),
    (Check.VALUE_NOT_EMPTY, FAIL, FAIL, PASS),
]


@pytest.mark.parametrize(("check", "absent", "empty", "some"), PRESENCE)
def test_presence(check: Check, absent: Status, empty: Status, some: Status) -> None:
    statuses = [evaluate_check(check, value, b"ignored") for value in (None, b"", b"v")]
    assert statuses == [absent, empty, some]


@pytest.mark.parametrize("check", [check for check in Check if check >= Check.VALUE_MATCH_ANYWHERE])
@pytest.mark.parametrize("operand", [b"", b"1", b"text"])
def test_an_absent_row_passes_no_comparison(check: Check, operand: bytes) -> None:
    assert evaluate_check(check, None, operand) == FAIL


@pytest.mark.parametrize(
    ("check", "value", "operand", "status"),
    [
        (Check.VALUE_MATCH_ANYWHERE, b"banana", b"nan", PASS),
        (Check.VALUE_MATCH_ANYWHERE, b"banana", b"x", FAIL),
        (Check.VALUE_MATCH_ANYWHERE, b"", b"", PASS),
        (Check.VALUE_MATCH_PREFIX, b"banana", b"ban", PASS),
        (Check.VALUE_MATCH_PREFIX, b"banana", b"ana", FAIL),
        (Check.VALUE_MATCH_PREFIX, b"banana", b"", PASS),
        (Check.VALUE_MATCH_POSTFIX, b"banana", b"ana", PASS),
        (Check.VALUE_MATCH_POSTFIX, b"banana", b"ban", FAIL),
        (Check.VALUE_MATCH_POSTFIX, b"ana", b"banana", FAIL),
    ],
)
def test_matches(check: Check, value: bytes, operand: bytes, status: Status) -> None:
    assert evaluate_check(check, value, operand) == status


LESS, EQUAL, GREATER = 0, 1, 2
PASSES = {0: {LESS}, 1: {LESS, EQUAL}, 2: {EQUAL}, 3: {EQUAL, GREATER}, 4: {GREATER}}
"""Which orders pass, by position in the family of five comparisons."""


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize(
    ("value", "operand", "order"),
    [
        (b"a", b"b", LESS),
        (b"a", b"aa", LESS),  # the shorter prefix is smaller
        (b"", b"a", LESS),
        (b"10", b"9", LESS),  # bytes, not numbers
        (b"a", b"a", EQUAL),
        (b"", b"", EQUAL),
        (b"\xff", b"\x7f", GREATER),  # unsigned
        (b"aa", b"a", GREATER),
    ],
)
def test_byte_comparisons(position: int, value: bytes, operand: bytes, order: int) -> None:
    status = evaluate_check(Check.VALUE_BYTES_LESS + position, value, operand)
    assert status == (PASS if order in PASSES[position] else FAIL)


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize(
    ("value", "operand", "order"),
    [
        (b"9", b"10", LESS),
        (b"-1", b"0", LESS),
        (b"7", b"0x7", EQUAL),
        (b"10", b"9", GREATER),
        (b"9223372036854775807", b"-9223372036854775808", GREATER),
    ],
)
def test_integer_comparisons(position: int, value: bytes, operand: bytes, order: int) -> None:
    status = evaluate_check(Check.VALUE_INT_LESS + position, value, operand)
    assert status == (PASS if order in PASSES[position] else FAIL)


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize(
    ("value", "operand"),
    [(b"", b"1"), (b"1", b""), (b"x", b"1"), (b"1", b"x"), (b"9223372036854775808", b"1")],
)
def test_no_integer_is_a_bad_argument(position: int, value: bytes, operand: bytes) -> None:
    assert evaluate_check(Check.VALUE_INT_LESS + position, value, operand) == BAD
