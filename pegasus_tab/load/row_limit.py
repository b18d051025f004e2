"""Rows that no request can hold are found before anything of their batch is sent."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import WRITE_REQUEST_BYTES_MAX
from pegasus_tab.tabular.arrow_bytes import Offsets
from pegasus_tab.tabular.arrow_encoded import EncodedArrays

_ENVELOPE_BYTES: Final = 256
"""What a request has around its pairs."""
_PAIR_BYTES: Final = 32
"""What it has around each of several pairs."""
ROW_BYTES_MAX: Final = WRITE_REQUEST_BYTES_MAX - _ENVELOPE_BYTES


def check_rows_fit(parts: Iterable[EncodedArrays], *, whole: bool) -> None:
    """Check that requests can hold the rows.

    Args:
        parts: the rows' pairs.
        whole: whether all pairs of a row must fit one request, which then tests for its main pair too.

    Raises:
        DataError: one is too large.
    """
    for part in parts:
        sizes = _whole_sizes(part) if whole else _pair_sizes(part)
        largest = int(sizes.max(initial=0))
        if largest > ROW_BYTES_MAX:
            raise DataError(
                f"a row takes {largest} bytes with its key, limit is {ROW_BYTES_MAX}",
                sqlstate="54000",
                hint="keep large contents elsewhere, or in several rows",
            )


def _pair_sizes(part: EncodedArrays) -> Offsets:
    return _lengths(part.hash_keys) + _lengths(part.sort_keys) + _lengths(part.values)


def _whole_sizes(part: EncodedArrays) -> Offsets:
    sort_keys = _lengths(part.sort_keys)
    sizes = sort_keys + _lengths(part.values) + _PAIR_BYTES
    if part.rows is None:
        return sizes + _lengths(part.hash_keys) + sort_keys
    firsts = np.flatnonzero(np.diff(part.rows, prepend=-1))
    keys = (_lengths(part.hash_keys) + sort_keys)[firsts]
    return np.add.reduceat(sizes, firsts) + keys if len(firsts) else sizes


def _lengths(array: pa.Array) -> Offsets:
    lengths: Offsets = pc.binary_length(array).to_numpy().astype(np.int64)
    return lengths
