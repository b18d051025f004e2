"""Rows to write as columns, from Arrow arrays to the bytes of requests without a loop over rows."""

from collections.abc import Iterator
from typing import Any, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pegasus_tab.execute.put_requests import Groups, calls_by_hash_key
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.tabular.arrow_bytes import records
from pegasus_tab.tabular.arrow_encoded import EncodedArrays, as_lists
from pegasus_tab.tabular.arrow_hash import ColumnHash
from pegasus_tab.tabular.arrow_key_encode import joined
from pegasus_tab.tabular.arrow_requests import bounds_of, cut_into_requests
from pegasus_tab.wire.partition_hash import partition_hash
from pegasus_tab.wire.put_rows import join_columns

_Places: TypeAlias = npt.NDArray[np.int64]

_COLUMN_HASH: Final = ColumnHash(partition_hash)
_SORTED_BYTES: Final = 8


class ColumnChunk:
    """Pairs of rows as columns; of equal keys only the last is kept.

    Attributes:
        rows: how many rows count as written once the chunk is.
        tag: see Chunk.

    Args:
        encoded: the pairs in their order.
        ttl_seconds: when they expire, 0 for the table's default.
    """

    is_worth_gathering: Final = True

    def __init__(
        self, encoded: EncodedArrays, rows: int, tag: Any = None, ttl_seconds: int = 0
    ) -> None:
        self._ttl_seconds = ttl_seconds
        self.rows = rows
        self.tag = tag
        self._encoded = encoded
        self._hash_lengths: _Places = (
            pc.binary_length(encoded.hash_keys).to_numpy().astype(np.int64)
        )
        lengths = self._hash_lengths.astype(">u2")
        self._keys = joined([lengths, encoded.hash_keys, encoded.sort_keys])

    def conflicts(self, other: Self) -> bool:
        """See Chunk: one key in both."""
        if not len(self._keys) or not len(other._keys):
            return False
        ours, others = pc.min_max(self._keys), pc.min_max(other._keys)
        if (
            ours["min"].as_py() > others["max"].as_py()
            or ours["max"].as_py() < others["min"].as_py()
        ):
            return False  # the common case of sorted files
        return bool(pc.any(pc.is_in(self._keys, value_set=other._keys)).as_py())

    def calls_by_partition(self, calls: TableCalls, partition_count: int) -> Iterator[Call[Any]]:
        """See Chunk; the pairs of a row stay in one call while one can hold them."""
        if not len(self._keys):
            return
        partitions = (self._hashes() % np.uint64(partition_count)).astype(np.uint16)
        places = self._in_rough_order(self._last_of_each_key())
        places = places[np.argsort(partitions[places], kind="stable")]
        chosen = pa.array(places)
        keys, values = self._keys.take(chosen), self._encoded.values.take(chosen)
        ends = np.cumsum(np.bincount(partitions[places], minlength=partition_count)).tolist()
        begin = 0
        for index, end in enumerate(ends):
            cuts = self._cuts(places[begin:end])
            part = slice(begin, end)
            for columns in cut_into_requests(keys[part], values[part], cuts):
                rows = join_columns(*columns)
                yield calls.put_rows_call(index, rows, self._ttl_seconds)
            begin = end

    def calls_by_hash_key(self, calls: TableCalls) -> Iterator[Call[Any]]:
        """See Chunk."""
        groups: Groups = {}
        hash_keys, sort_keys, values, _ = as_lists([self._encoded])
        for hash_key, sort_key, value in zip(hash_keys, sort_keys, values, strict=True):
            groups.setdefault(hash_key, {})[sort_key] = (
                value,
                self._ttl_seconds,
            )
        return calls_by_hash_key(calls, groups)

    def _hashes(self) -> npt.NDArray[np.uint64]:
        """Hash what places each row: its hash key or, when that is empty, its sort key."""
        bounds, keys = bounds_of(self._keys)
        starts = bounds[:-1] + 2
        ends = np.where(self._hash_lengths, starts + self._hash_lengths, bounds[1:])
        return _COLUMN_HASH.hashes(keys, starts, ends)

    def _last_of_each_key(self) -> _Places:
        """Return the places of the pairs to write, ascending."""
        count = len(self._keys)
        found = self._keys.dictionary_encode()
        if len(found.dictionary) == count:
            return np.arange(count)
        last: _Places = np.empty(len(found.dictionary), np.int64)
        last[found.indices.to_numpy()] = np.arange(
            count
        )  # of equal places the last assignment wins
        return np.sort(last)

    def _in_rough_order(self, places: _Places) -> _Places:
        """Bring pairs into the order of their keys, as far as the first bytes tell.

        The engine takes keys that lie near each other for little more than half the price. Pairs of
        rows that have several stay as they are, as those must stay together.
        """
        bounds, keys = bounds_of(self._keys)
        if self._encoded.rows is not None or np.diff(bounds).min() < 2 + _SORTED_BYTES:
            return places
        first_bytes = records(keys, bounds[:-1] + 2, f">u{_SORTED_BYTES}")
        return places[np.argsort(first_bytes[places].astype(np.uint64))]

    def _cuts(self, places: _Places) -> _Places | None:
        """Return where among these pairs another row begins, and their number."""
        if self._encoded.rows is None:
            return None
        rows = self._encoded.rows[places]
        return np.append(np.flatnonzero(np.diff(rows, prepend=-1)), len(rows))
