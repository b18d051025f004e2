"""Where the parts of a row live: hash key, sort key, family suffix, map key (DESIGN.md 2).

``sort key = encoded sort columns + suffix``. The suffix is empty for family 0, one byte (the family
id, 1..250) for a further family, and that byte + the map key in UTF-8 for a cell of a MAP. Encoded
sort columns delimit themselves, so everything that begins with a row's encoded sort columns
belongs to that row and to no other.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import TypeAlias

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import HASH_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX
from pegasus_tab.tabular.errors import ImpossibleKey
from pegasus_tab.tabular.key_element import KeyElement
from pegasus_tab.tabular.key_encoding import KeyEncoding, prefix_successor
from pegasus_tab.tabular.layouts import families_ever
from pegasus_tab.tabular.scalar_field import VARIABLE_KINDS
from pegasus_tab.tabular.schema import Column, ColumnType, Kind, Schema
from pegasus_tab.tabular.value import coerce, named

FAMILY_ID_MAX = 250

KeyBound: TypeAlias = tuple[object, bool]
"""(value, inclusive): one end of a range on a sort column, in the column's own order."""

KeyRange: TypeAlias = tuple[bytes, bytes]
"""Sort keys from the first, inclusive, to the second, exclusive; an empty second has no end."""


class RowKeys:
    """Encodes and decodes the keys of one table.

    Attributes:
        schema: the schema it was compiled from.
        plain: True when every row is exactly one pair: the table has no MAP and no FAMILY and never
            had one (pairs of a dropped MAP may still be stored).
        hash_columns: the columns of the hash key, in key order.
        sort_columns: the columns of the sort key, in key order.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.plain = families_ever(schema) == {0}
        columns = {column.id: column for column in schema.columns}
        self._columns = columns
        self.hash_columns = tuple(columns[id_] for id_ in schema.hash_key)
        self.sort_columns = tuple(columns[part.column] for part in schema.sort_key)
        last = len(schema.hash_key) - 1
        self.hash_encoding = KeyEncoding(
            [
                KeyElement(column, raw=place == last and column.type.kind in VARIABLE_KINDS)
                for place, column in enumerate(self.hash_columns)
            ]
        )
        self.sort_encoding = KeyEncoding(
            [
                KeyElement(column, descending=part.descending)
                for column, part in zip(self.sort_columns, schema.sort_key, strict=True)
            ]
        )

    def hash_key(self, values: Sequence[object]) -> bytes:
        """Encode the hash columns, all of them, in key order.

        Raises:
            IntegrityError: a value is NULL.
            DataError: a value does not fit its column.
            ImpossibleKey: the key is empty or over 1 KiB: no row can have it.
        """
        assert len(values) == len(self.hash_columns)
        key = self.hash_encoding.encode(values)
        if 0 < len(key) <= HASH_KEY_BYTES_MAX:
            return key
        raise self._impossible_hash_key(key)

    def _impossible_hash_key(self, key: bytes) -> ImpossibleKey:
        names = _quoted(self.hash_columns)
        if not key:
            return ImpossibleKey(f"hash key column {names} cannot be empty", sqlstate="22023")
        return ImpossibleKey(
            f"hash key ({names}) takes {len(key)} bytes, limit is {HASH_KEY_BYTES_MAX}",
            sqlstate="54000",
        )

    def sort_key(self, values: Sequence[object]) -> bytes:
        """Encode the sort columns, all of them, in key order: the row's family 0 sort key.

        Raises:
            IntegrityError: a value is NULL.
            DataError: a value does not fit its column.
            ImpossibleKey: the key is over 4 KiB.
        """
        assert len(values) == len(self.sort_columns)
        key = self.sort_encoding.encode(values) if values else b""
        if len(key) > SORT_KEY_BYTES_MAX:
            raise ImpossibleKey(
                f"sort key ({_quoted(self.sort_columns)}) takes {len(key)} bytes, "
                f"limit is {SORT_KEY_BYTES_MAX}",
                sqlstate="54000",
            )
        return key

    def sort_prefix(self, values: Sequence[object]) -> bytes:
        """Encode the first ``len(values)`` sort columns: what the sort keys of such rows begin with."""
        assert len(values) <= len(self.sort_columns)
        return self.sort_encoding.encode(values) if values else b""

    def sort_range(
        self,
        prefix: Sequence[object] = (),
        lower: KeyBound | None = None,
        upper: KeyBound | None = None,
    ) -> KeyRange | None:
        """Return the sort keys of rows whose first columns equal ``prefix`` and whose next lies between.

        Args:
            prefix: values of the leading sort columns, may be empty.
            lower: bound of the sort column after the prefix, in the column's own order: for a DESC
                column it is still the smallest value.
            upper: likewise the largest value.

        Returns:
            The range with all families of those rows; None when no row can be in it.
        """
        start = stop = base = self.sort_prefix(prefix)
        after_start, after_stop = False, True
        low, high = self._storage_order(len(prefix), lower, upper)
        if low is not None:
            start = base + self.sort_encoding.encode_element(len(prefix), low[0])
            after_start = not low[1]
        if high is not None:
            stop = base + self.sort_encoding.encode_element(len(prefix), high[0])
            after_stop = high[1]
        first = prefix_successor(start) if after_start else start
        end = prefix_successor(stop) if after_stop else stop
        if first is None or (end is not None and first >= end):
            return None
        return first, end or b""

    def _storage_order(
        self, place: int, lower: KeyBound | None, upper: KeyBound | None
    ) -> tuple[KeyBound | None, KeyBound | None]:
        if lower is None and upper is None:
            return None, None
        if self.sort_encoding.elements[place].descending:
            return upper, lower
        return lower, upper

    def row_range(self, sort_key: bytes) -> KeyRange:
        """Return the range of all pairs of the row whose family 0 sort key is given.

        For reading or deleting the row whole.
        """
        return sort_key, prefix_successor(sort_key) or b""

    def row_key(self, sort_key: bytes) -> bytes:
        """Return the family 0 sort key of the row that a pair's sort key belongs to.

        Raises:
            InternalError: the bytes are no sort key of this table.
        """
        return sort_key[: self.row_key_length(sort_key)]

    def row_key_length(self, sort_key: bytes) -> int:
        """Return the length of ``row_key(sort_key)``; raises as it does."""
        if not self.sort_columns:
            return 0
        return self.sort_encoding.decode(sort_key)[1]

    def whole_rows(self, keys: Sequence[bytes]) -> int:
        """Return how many pairs at the front make up whole rows when more pairs may follow.

        Args:
            keys: whole keys (u16 hash key length, hash key, sort key), ascending.

        Returns:
            ``len(keys)`` for a plain table; otherwise the place where the last row begins: 0 when
            all of them belong to one row.

        Raises:
            InternalError: the last key is none of this table.
        """
        if self.plain or not keys:
            return len(keys)
        last = keys[-1]
        sort_start = 2 + int.from_bytes(last[:2], "big")
        return bisect_left(keys, last[: sort_start + self.row_key_length(last[sort_start:])])

    def family_key(self, sort_key: bytes, family: int) -> bytes:
        """Return the sort key of a row's pair in ``family``, from its family 0 sort key."""
        assert 0 <= family <= FAMILY_ID_MAX
        return sort_key + bytes([family]) if family else sort_key

    def cell_key(self, sort_key: bytes, column: int, map_key: object) -> bytes:
        """Return the sort key of one cell of the row with that family 0 sort key.

        Args:
            sort_key: the row's own sort key.
            column: id of a MAP column.
            map_key: the cell's key in the MAP.

        Raises:
            DataError: the map key is no TEXT.
            ImpossibleKey: the sort key would be over 4 KiB.
        """
        map_column = self._columns[column]
        try:
            cell = sort_key + bytes([map_column.family]) + str.encode(map_key)  # type: ignore[arg-type]  # see below
        except (TypeError, UnicodeEncodeError):
            raise _bad_map_key(map_column, map_key) from None
        if len(cell) > SORT_KEY_BYTES_MAX:
            raise ImpossibleKey(
                f'a key of column "{map_column.name}" makes a sort key of {len(cell)} bytes, '
                f"limit is {SORT_KEY_BYTES_MAX}",
                sqlstate="54000",
            )
        return cell


def _bad_map_key(column: Column, map_key: object) -> DataError:
    try:
        coerce(ColumnType(Kind.TEXT), map_key)
    except DataError as error:
        return named(error, column.name)
    return named(DataError("a map key cannot be NULL", sqlstate="22004"), column.name)


def _quoted(columns: Sequence[Column]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)
