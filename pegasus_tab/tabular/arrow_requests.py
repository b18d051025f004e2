"""Columns of keys and values cut into requests, without a loop over rows.

The pieces are what ``wire.put_rows.join_columns`` takes.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pegasus_tab.base.limits import KIB, PUT_ROWS_MAX, WRITE_REQUEST_BYTES_MAX
from pegasus_tab.tabular.arrow_bytes import Offsets

REQUEST_BYTES: Final = 256 * KIB
"""A request has no more unless what must stay together does."""
_TOGETHER_BYTES_MAX: Final = WRITE_REQUEST_BYTES_MAX - 64 * KIB
"""What takes more is cut all the same; leaves room for the ends of PUT_ROWS_MAX rows."""


class RequestColumns(NamedTuple):
    """One request's rows.

    Attributes:
        row_count: how many.
        key_ends: where each key ends in ``keys``, as u32 little-endian.
        value_ends: likewise.
        keys: the bytes of all keys.
        values: the bytes of all values.
    """

    row_count: int
    key_ends: bytes
    value_ends: bytes
    keys: memoryview
    values: memoryview


def cut_into_requests(
    keys: pa.Array, values: pa.Array, cuts: Offsets | None = None
) -> Iterator[RequestColumns]:
    """Lay rows out for requests, in their order.

    Args:
        keys: encoded, binary, without NULL.
        values: one per key.
        cuts: places in front of which a request may begin, ascending, the number of keys behind the
            last; None for all. What lies between two stays together while one request can hold it.

    Yields:
        Requests of at most PUT_ROWS_MAX rows and about REQUEST_BYTES, each at least one row.
    """
    key_bounds, key_bytes = bounds_of(keys)
    value_bounds, value_bytes = bounds_of(values)
    sizes = key_bounds + value_bounds
    start, count = 0, len(keys)
    while start < count:
        fitting = int(np.searchsorted(sizes, sizes[start] + REQUEST_BYTES, "right")) - 1
        stop = min(max(fitting, start + 1), start + PUT_ROWS_MAX, count)
        if cuts is not None:
            stop = _whole(cuts, sizes, start, stop)
        yield RequestColumns(
            stop - start,
            _ends(key_bounds, start, stop),
            _ends(value_bounds, start, stop),
            key_bytes[key_bounds[start] : key_bounds[stop]],
            value_bytes[value_bounds[start] : value_bounds[stop]],
        )
        start = stop


def _whole(cuts: Offsets, sizes: Offsets, start: int, stop: int) -> int:
    """Return the place nearest to ``stop`` where a request that begins at ``start`` may end."""
    behind = int(np.searchsorted(cuts, stop, "right"))
    last = int(cuts[behind - 1]) if behind else start
    if last > start:
        return last
    first = int(cuts[behind])
    fits = first - start <= PUT_ROWS_MAX and sizes[first] - sizes[start] <= _TOGETHER_BYTES_MAX
    return first if fits else stop


def bounds_of(array: pa.Array) -> tuple[Offsets, memoryview]:
    """Return where each piece of a binary array begins, and behind the last its end; and the bytes."""
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    return bounds.astype(np.int64), memoryview(data if data is not None else b"")


def _ends(bounds: Offsets, start: int, stop: int) -> bytes:
    ends: npt.NDArray[np.uint32] = (bounds[start + 1 : stop + 1] - bounds[start]).astype("<u4")
    return ends.tobytes()
