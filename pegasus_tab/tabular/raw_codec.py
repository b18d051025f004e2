"""Tables without a schema, seen as (hash_key BLOB, sort_key BLOB, value BLOB).

Keys and values are stored as they are; the codec has the face of RowCodec so that the executor
treats both alike. Text is accepted where BLOB is (value.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import HASH_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX, VALUE_BYTES_MAX
from pegasus_tab.tabular.errors import ImpossibleKey
from pegasus_tab.tabular.key_encoding import null_in_key
from pegasus_tab.tabular.row_codec import Pair, Row, RowInput
from pegasus_tab.tabular.row_encoding import null_in_column
from pegasus_tab.tabular.row_keys import KeyBound, KeyRange
from pegasus_tab.tabular.schema import RAW_SCHEMA, Column, Schema
from pegasus_tab.tabular.value import coerce_column

_HASH_KEY, _SORT_KEY, _VALUE = RAW_SCHEMA.columns


class RawCodec:
    """Encodes and decodes the rows of a raw table.

    Attributes:
        schema: RAW_SCHEMA.
        plain: True: every row is one pair.
    """

    schema: Schema = RAW_SCHEMA
    plain = True

    def hash_key(self, values: Sequence[object]) -> bytes:
        """Return the hash key; empty is legal here (protocol reference 6.8).

        Raises:
            IntegrityError: NULL.
            DataError: not a BLOB.
            ImpossibleKey: over 1 KiB.
        """
        (value,) = values
        return _key_bytes(_HASH_KEY, value, HASH_KEY_BYTES_MAX)

    def sort_key(self, values: Sequence[object]) -> bytes:
        """Return the sort key; raises as hash_key, the limit is 4 KiB."""
        (value,) = values
        return _key_bytes(_SORT_KEY, value, SORT_KEY_BYTES_MAX)

    def sort_prefix(self, values: Sequence[object]) -> bytes:
        """Return the whole sort key when it is given: a raw table has one sort column."""
        return self.sort_key(values) if values else b""

    def sort_range(
        self,
        prefix: Sequence[object] = (),
        lower: KeyBound | None = None,
        upper: KeyBound | None = None,
    ) -> KeyRange | None:
        """Return the range of sort keys between bounds, or equal to ``prefix``.

        Returns:
            (first, end) as RowKeys.sort_range; None when no row can be in it.
        """
        if prefix:
            assert lower is None
            assert upper is None
            return self.row_range(self.sort_key(prefix))
        first, end = b"", None
        # Sort keys are whole here, not prefixes: the next one after k is k + 00.
        if lower is not None:
            first = self.sort_key([lower[0]]) + (b"" if lower[1] else b"\x00")
        if upper is not None:
            end = self.sort_key([upper[0]]) + (b"\x00" if upper[1] else b"")
        if end is not None and first >= end:
            return None
        return first, end or b""

    def row_range(self, sort_key: bytes) -> KeyRange:
        """Return the range that holds this sort key alone."""
        return sort_key, sort_key + b"\x00"

    def row_key(self, sort_key: bytes) -> bytes:
        """Return the sort key itself."""
        return sort_key

    def family_key(self, sort_key: bytes, family: int) -> bytes:
        """Return the sort key itself: a raw table has the one family 0."""
        assert family == 0
        return sort_key

    def whole_rows(self, keys: Sequence[bytes]) -> int:
        """Return the number of keys: every pair is a row."""
        return len(keys)

    def key(self, row: RowInput) -> tuple[bytes, bytes]:
        """Return (hash key, sort key) of a row."""
        hash_key, sort_key, _ = _in_order(row)
        return self.hash_key([hash_key]), self.sort_key([sort_key])

    def coerce(self, row: RowInput) -> Row:
        """Return the row with every value as bytes or None.

        Raises:
            DataError: a value is no BLOB.
        """
        columns = RAW_SCHEMA.columns
        values = _in_order(row)
        return tuple(
            coerce_column(column, value) for column, value in zip(columns, values, strict=True)
        )

    def encode_value(self, row: RowInput, family: int = 0) -> bytes:
        """Return the value's bytes.

        Raises:
            IntegrityError: NULL.
            DataError: not a BLOB, or over 1 MiB.
        """
        assert family == 0
        value = coerce_column(_VALUE, _in_order(row)[2])
        if value is None:
            raise null_in_column(_VALUE)
        assert isinstance(value, bytes)
        if len(value) > VALUE_BYTES_MAX:
            raise DataError(
                f'column "value" takes {len(value)} bytes, limit of one value is {VALUE_BYTES_MAX}',
                sqlstate="54000",
            )
        return value

    def encode(self, row: RowInput) -> list[Pair]:
        """Return the row's one pair."""
        return [(self.key(row)[1], self.encode_value(row))]

    def decode_plain(self, hash_key: bytes, sort_key: bytes, value: bytes) -> Row:
        """Return the row of a pair."""
        return hash_key, sort_key, value

    def decode(self, hash_key: bytes, pairs: Iterable[Pair]) -> Row | None:
        """Return the row of its one pair, None when there is none."""
        for sort_key, value in pairs:
            return hash_key, sort_key, value
        return None

    def decode_rows(self, hash_key: bytes, pairs: Iterable[Pair]) -> Iterator[Row]:
        """Return the rows of one hash key's pairs, in their order."""
        return ((hash_key, sort_key, value) for sort_key, value in pairs)


def _key_bytes(column: Column, value: object, bytes_max: int) -> bytes:
    key = coerce_column(column, value)
    if key is None:
        raise null_in_key(column)
    assert isinstance(key, bytes)
    if len(key) > bytes_max:
        message = f'key column "{column.name}" takes {len(key)} bytes, limit is {bytes_max}'
        raise ImpossibleKey(message, sqlstate="54000")
    return key


def _in_order(row: RowInput) -> Sequence[object]:
    if isinstance(row, Mapping):
        return [row.get(column.id) for column in RAW_SCHEMA.columns]
    assert len(row) == len(RAW_SCHEMA.columns)
    return row
