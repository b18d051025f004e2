"""What encoding gives: the key-value pairs of rows, as Arrow arrays or as lists."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from pegasus_tab.tabular.arrow_bytes import Offsets

_JOINED_BYTES: Final = 256 << 20
"""Joined arrays stay far below the 2 GiB that Arrow's binary arrays hold."""


class EncodedBatch(NamedTuple):
    """The pairs of a batch's rows, in order.

    Attributes:
        hash_keys: one entry a pair.
        sort_keys: one entry a pair.
        values: one entry a pair.
        rows: number of the row each pair belongs to, ascending; None when each row has one pair.
    """

    hash_keys: list[bytes]
    sort_keys: list[bytes]
    values: list[bytes]
    rows: list[int] | None = None


class EncodedArrays(NamedTuple):
    """The same as columns: binary arrays without nulls, and row numbers that ascend or None."""

    hash_keys: pa.Array
    sort_keys: pa.Array
    values: pa.Array
    rows: Offsets | None = None

    def behind(self, count: int) -> "EncodedArrays":
        """Return the same pairs numbered as if so many rows came before."""
        return self if self.rows is None else self._replace(rows=self.rows + count)


def no_pairs() -> EncodedArrays:
    """Return the pairs of no row."""
    nothing = pa.array([], pa.binary())
    return EncodedArrays(nothing, nothing, nothing)


def as_lists(parts: Sequence[EncodedArrays]) -> EncodedBatch:
    """Return the pairs of all parts, in order; rows are numbered throughout."""
    lists = EncodedBatch([], [], [], None if all(part.rows is None for part in parts) else [])
    for part in parts:
        lists.hash_keys.extend(part.hash_keys.to_pylist())
        lists.sort_keys.extend(part.sort_keys.to_pylist())
        lists.values.extend(part.values.to_pylist())
        if lists.rows is not None and part.rows is not None:
            lists.rows.extend(part.rows.tolist())
    return lists


def joined_parts(parts: Sequence[EncodedArrays]) -> Iterator[EncodedArrays]:
    """Yield the same pairs in few parts; neighbours' rows must be numbered throughout."""
    gathered: list[EncodedArrays] = []
    bytes_ = 0
    for part in parts:
        size = part.hash_keys.nbytes + part.sort_keys.nbytes + part.values.nbytes
        if gathered and bytes_ + size > _JOINED_BYTES:
            yield _joined(gathered)
            gathered, bytes_ = [], 0
        gathered.append(part)
        bytes_ += size
    if gathered:
        yield _joined(gathered)


def _joined(parts: list[EncodedArrays]) -> EncodedArrays:
    if len(parts) == 1:
        return parts[0]
    rows = [part.rows for part in parts if part.rows is not None]
    return EncodedArrays(
        pa.concat_arrays([part.hash_keys for part in parts]),
        pa.concat_arrays([part.sort_keys for part in parts]),
        pa.concat_arrays([part.values for part in parts]),
        np.concatenate(rows) if rows else None,
    )
