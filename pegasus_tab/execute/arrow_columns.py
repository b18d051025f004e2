"""Result columns and Arrow schemas, each from the other."""

from collections.abc import Sequence

import pyarrow as pa

from pegasus_tab.execute.result import ResultColumn
from pegasus_tab.tabular.arrow import arrow_type
from pegasus_tab.tabular.schema import ColumnType, Kind

_KINDS = {
    pa.bool_(): Kind.BOOLEAN,
    pa.int8(): Kind.INT,
    pa.int16(): Kind.INT,
    pa.int32(): Kind.INT,
    pa.uint8(): Kind.INT,
    pa.uint16(): Kind.INT,
    pa.uint32(): Kind.BIGINT,
    pa.int64(): Kind.BIGINT,
    pa.float32(): Kind.DOUBLE,
    pa.float64(): Kind.DOUBLE,
    pa.string(): Kind.TEXT,
    pa.large_string(): Kind.TEXT,
    pa.binary(): Kind.BLOB,
    pa.large_binary(): Kind.BLOB,
    pa.date32(): Kind.DATE,
    pa.uuid(): Kind.UUID,
}


def schema_of(columns: Sequence[ResultColumn]) -> pa.Schema:
    """Return the Arrow schema of result columns; one of unknown type is Arrow's null."""
    return pa.schema(
        [
            (column.name, pa.null() if column.type is None else arrow_type(column.type))
            for column in columns
        ]
    )


def columns_of(schema: pa.Schema) -> tuple[ResultColumn, ...]:
    """Return the result columns of an Arrow schema; a type that is not ours becomes None."""
    return tuple(ResultColumn(field.name, type_of(field.type)) for field in schema)


def type_of(kind: pa.DataType) -> ColumnType | None:
    """Return our type for an Arrow type, None when we have none."""
    if kind in _KINDS:
        return ColumnType(_KINDS[kind])
    if pa.types.is_timestamp(kind):
        return ColumnType(Kind.TIMESTAMP)
    if pa.types.is_decimal128(kind):
        return ColumnType(Kind.DECIMAL, kind.precision, kind.scale)
    if pa.types.is_map(kind) and pa.types.is_string(kind.key_type):
        item = type_of(kind.item_type)
        return None if item is None else ColumnType(Kind.MAP, value=item)
    return None
