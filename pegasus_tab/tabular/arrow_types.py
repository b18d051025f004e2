"""Arrow's types for ours, and arrays that need no stored bytes.

=========  ==============================  =========  ==========================
BOOLEAN    bool                            BLOB       binary
INT        int32                           TIMESTAMP  timestamp[us], no time zone
BIGINT     int64                           DATE       date32
DOUBLE     double                          UUID       arrow.uuid
DECIMAL    decimal128(p, s)                MAP        map<string, value>
TEXT       string
=========  ==============================  =========  ==========================

Inside this layer a UUID travels as its storage, fixed_size_binary(16): Arrow's kernels do not take
the extension type. The extension type is put on and taken off at the edge.
"""

from collections.abc import Sequence

import pyarrow as pa

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.schema import Column, ColumnType, Kind, Schema

_SIMPLE_TYPES = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INT: pa.int32(),
    Kind.BIGINT: pa.int64(),
    Kind.DOUBLE: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.BLOB: pa.binary(),
    Kind.TIMESTAMP: pa.timestamp("us"),
    Kind.DATE: pa.date32(),
    Kind.UUID: pa.uuid(),
}
UUID_STORAGE = pa.binary(16)


def arrow_type(type_: ColumnType) -> pa.DataType:
    """Return the Arrow type that holds values of ``type_``."""
    match type_.kind:
        case Kind.DECIMAL:
            return pa.decimal128(type_.precision, type_.scale)
        case Kind.MAP:
            assert type_.value is not None
            return pa.map_(pa.string(), arrow_type(type_.value))
        case kind:
            return _SIMPLE_TYPES[kind]


def storage_type(type_: ColumnType) -> pa.DataType:
    """Return the type that a column has inside this layer."""
    return UUID_STORAGE if type_.kind is Kind.UUID else arrow_type(type_)


def arrow_schema(schema: Schema, columns: Sequence[int]) -> pa.Schema:
    """Return the schema of record batches that hold these columns.

    Args:
        schema: the table's schema.
        columns: column ids in the wanted order; ``-1 - f`` is the expiry of family f, a uint32 of
            seconds since 2016-01-01 UTC (0: never), named ``_expiry_f``.

    Raises:
        DataError: a column id or family that the table does not have.
    """
    living = {column.id: column for column in schema.columns}
    fields = []
    for id_ in columns:
        if id_ in living:
            fields.append(pa.field(living[id_].name, arrow_type(living[id_].type)))
        elif id_ < 0 and -1 - id_ in schema.families:
            fields.append(pa.field(f"_expiry_{-1 - id_}", pa.uint32()))
        else:
            raise DataError(f"the table has no column with id {id_}", sqlstate="42703")
    return pa.schema(fields)


def with_extension(type_: ColumnType, array: pa.Array) -> pa.Array:
    """Return an array of the storage type as one of the Arrow type."""
    if type_.kind is Kind.UUID:
        return pa.ExtensionArray.from_storage(pa.uuid(), array)
    return array


def without_extension(array: pa.Array) -> pa.Array:
    """Return an array of the Arrow type as one of the storage type."""
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def storage_scalar(type_: ColumnType, value: object) -> pa.Scalar:
    """Return a value in the form of value.py as a scalar of the storage type."""
    if type_.kind is Kind.UUID and value is not None:
        value = value.bytes  # type: ignore[attr-defined]  # a UUID by the form of value.py
    return pa.scalar(value, storage_type(type_))


def constant_array(column: Column, length: int) -> pa.Array:
    """Return ``length`` times the column's default, in the storage type."""
    if column.default is None:
        return pa.nulls(length, storage_type(column.type))
    return pa.repeat(storage_scalar(column.type, column.default), length)
