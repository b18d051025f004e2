"""The largest row that is let through fits every request that may carry it."""

import numpy as np
import pyarrow as pa
import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import HASH_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX
from pegasus_tab.execute.insert import puts
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.load.row_limit import ROW_BYTES_MAX, check_rows_fit
from pegasus_tab.tabular.arrow_encoded import EncodedArrays
from pegasus_tab.wire.codes import CasCheckType
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import CheckAndMutateRequest
from pegasus_tab.wire.put_rows import encode_rows

HASH_KEY = b"h" * HASH_KEY_BYTES_MAX
SORT_KEY = b"s" * SORT_KEY_BYTES_MAX
CALLS = TableCalls("t", lambda: 0.0)


def pairs(values: list[bytes], rows: list[int] | None = None) -> EncodedArrays:
    count = len(values)
    return EncodedArrays(
        pa.array([HASH_KEY] * count, pa.binary()),
        pa.array([SORT_KEY] * count, pa.binary()),
        pa.array(values, pa.binary()),
        None if rows is None else np.array(rows),
    )


def fits(part: EncodedArrays, *, whole: bool) -> bool:
    try:
        check_rows_fit([part], whole=whole)
    except DataError:
        return False
    return True


def largest(count: int, *, whole: bool) -> list[bytes]:
    """Return the values of the largest row of so many pairs that is let through."""
    low, high = 0, ROW_BYTES_MAX
    rows = [0] * count
    while low + 1 < high:
        middle = (low + high) // 2
        values = [b""] * (count - 1) + [b"v" * middle]
        low, high = (middle, high) if fits(pairs(values, rows), whole=whole) else (low, middle)
    return [b""] * (count - 1) + [b"v" * low]


def test_the_largest_pair_fits_a_put() -> None:
    (value,) = largest(1, whole=False)
    assert len(value) == ROW_BYTES_MAX - len(HASH_KEY) - len(SORT_KEY)
    key = encode_key(HASH_KEY, SORT_KEY)
    CALLS.put_call(key, value)
    CALLS.put_rows_call(0, encode_rows([key], [value]))
    CALLS.multi_put_call(HASH_KEY, [SORT_KEY], [value])
    with pytest.raises(DataError):
        CALLS.put_rows_call(0, encode_rows([key], [value + bytes(256)]))


@pytest.mark.parametrize("count", [1, 2, 100])
def test_the_largest_row_fits_a_test_and_its_pairs(count: int) -> None:
    values = largest(count, whole=True)
    written = puts([(SORT_KEY, value) for value in values], 0)
    absent = int(CasCheckType.VALUE_NOT_EXIST)
    CALLS.check_and_mutate_call(CheckAndMutateRequest(HASH_KEY, SORT_KEY, absent, b"", written))
    assert fits(pairs(values), whole=True), "many rows of the same size are no row of their sum"


def test_pairs_of_a_row_may_go_one_by_one() -> None:
    half = [b"v" * 700_000] * 2
    assert fits(pairs(half, [0, 0]), whole=False)
    assert not fits(pairs(half, [0, 0]), whole=True)
    assert fits(pairs(half, [0, 1]), whole=True)
    assert fits(pairs([]), whole=True)
    assert fits(pairs([], []), whole=True)
