"""CHECK_AND_SET and CHECK_AND_MUTATE by the sentences of protocol reference 6.6."""

from dataclasses import replace

import pytest

from pegasus_tab.base.limits import BATCH_OPERATIONS_MAX
from pegasus_tab.wire.codes import CasCheckType as Check
from pegasus_tab.wire.codes import MutateOperation, Status
from pegasus_tab.wire.messages_write import (
    CheckAndMutateRequest,
    CheckAndResponse,
    CheckAndSetRequest,
    Mutate,
)
from tests.fakes.partition import Partition

SET = CheckAndSetRequest(b"h", b"c", Check.VALUE_NOT_EXIST, set_value=b"new")
PUT_A = Mutate(MutateOperation.PUT, b"a", b"1", 5000)
MUTATE = CheckAndMutateRequest(b"h", b"c", Check.VALUE_NOT_EXIST, mutate_list=[PUT_A])


def test_set_writes_the_checked_row(partition: Partition) -> None:
    response = partition.write(replace(SET, set_expire_ts_seconds=5000, set_sort_key=b"ignored"))
    assert response == CheckAndResponse(Status.OK, False, False, b"", 2, 3, 1, "127.0.0.1:34801")
    assert partition.rows() == {(b"h", b"c"): (b"new", 5000)}


def test_set_writes_another_row_when_asked(partition: Partition) -> None:
    partition.write(replace(SET, set_diff_sort_key=True, set_sort_key=b"other"))
    assert partition.rows() == {(b"h", b"other"): (b"new", 0)}


def test_a_failed_check_writes_nothing(partition: Partition) -> None:
    partition.put(b"h", b"c", b"old")
    for request in (SET, MUTATE):
        assert partition.write(request).error == Status.TRY_AGAIN
    assert partition.rows() == {(b"h", b"c"): (b"old", 0)}


def test_an_expired_row_counts_as_absent(partition: Partition) -> None:
    partition.put(b"h", b"c", b"old", 999)
    assert partition.write(SET).error == Status.OK
    assert partition.rows() == {(b"h", b"c"): (b"new", 0)}


@pytest.mark.parametrize("check", [Check.NO_CHECK, Check.VALUE_NOT_EXIST, Check.VALUE_INT_LESS])
def test_the_value_before_the_write_comes_back_when_asked(
    partition: Partition, check: Check
) -> None:
    partition.put(b"h", b"c", b"old")
    request = replace(SET, check_type=check, return_check_value=True)
    response = partition.write(request)
    assert response.check_value_returned
    assert response.check_value_exist
    assert response.check_value == b"old"
    expected = {
        Check.NO_CHECK: Status.OK,
        Check.VALUE_NOT_EXIST: Status.TRY_AGAIN,
        Check.VALUE_INT_LESS: Status.INVALID_ARGUMENT,
    }
    assert response.error == expected[check]


def test_an_absent_value_comes_back_as_absent(partition: Partition) -> None:
    response = partition.write(replace(MUTATE, return_check_value=True))
    assert response.check_value_returned
    assert not response.check_value_exist
    assert response.check_value == b""


def test_mutations_happen_in_order_and_together(partition: Partition) -> None:
    partition.put(b"h", b"gone", b"x")
    steps = [
        PUT_A,
        Mutate(MutateOperation.DELETE, b"gone"),
        Mutate(MutateOperation.PUT, b"b", b"first"),
        Mutate(MutateOperation.DELETE, b"b"),
        Mutate(MutateOperation.PUT, b"b", b"second"),
    ]
    response = partition.write(replace(MUTATE, mutate_list=steps))
    assert (response.error, response.decree) == (Status.OK, 2)
    assert partition.rows() == {(b"h", b"a"): (b"1", 5000), (b"h", b"b"): (b"second", 0)}


def test_default_ttl_applies_to_puts_without_expiry(partition: Partition) -> None:
    partition.default_ttl = 60
    partition.write(SET)
    steps = [PUT_A, Mutate(MutateOperation.PUT, b"b", b"2")]
    partition.write(replace(MUTATE, check_type=Check.NO_CHECK, mutate_list=steps))
    expiries = {sort_key: row[1] for (_, sort_key), row in partition.rows().items()}
    assert expiries == {b"c": 1060, b"a": 5000, b"b": 1060}


LONG = b"s" * 4097


@pytest.mark.parametrize(
    "request_",
    [
        replace(SET, check_type=18),
        replace(SET, check_type=-1),
        replace(SET, hash_key=b"h" * 1025),
        replace(SET, check_sort_key=LONG),
        replace(SET, set_diff_sort_key=True, set_sort_key=LONG),
        replace(MUTATE, check_type=18),
        replace(MUTATE, mutate_list=[]),
        replace(MUTATE, mutate_list=[PUT_A, Mutate(2, b"a")]),
        replace(MUTATE, mutate_list=[Mutate(MutateOperation.DELETE, LONG)]),
        replace(MUTATE, mutate_list=[PUT_A] * (BATCH_OPERATIONS_MAX + 1)),
    ],
)
def test_bad_arguments_write_nothing_and_return_no_value(
    partition: Partition, request_: CheckAndSetRequest | CheckAndMutateRequest
) -> None:
    partition.put(b"h", b"c", b"old")
    response = partition.write(replace(request_, return_check_value=True))
    assert response.error == Status.INVALID_ARGUMENT
    assert not response.check_value_returned
    assert partition.rows() == {(b"h", b"c"): (b"old", 0)}
