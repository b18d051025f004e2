"""Type names of the dialect: what may be written for each type, and the types as constants."""

from pegasus_tab.base.errors import NotSupportedError, ProgrammingError
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.suggest import nearest
from pegasus_tab.tabular.schema import ColumnType, Kind

BOOLEAN = ColumnType(Kind.BOOLEAN)
INT = ColumnType(Kind.INT)
BIGINT = ColumnType(Kind.BIGINT)
DOUBLE = ColumnType(Kind.DOUBLE)
TEXT = ColumnType(Kind.TEXT)
BLOB = ColumnType(Kind.BLOB)
TIMESTAMP = ColumnType(Kind.TIMESTAMP)
DATE = ColumnType(Kind.DATE)
UUID = ColumnType(Kind.UUID)

DECIMAL_PRECISION_MAX = 38
DECIMAL_SCALE_DEFAULT = 10

NUMBERS = frozenset((Kind.INT, Kind.BIGINT, Kind.DECIMAL, Kind.DOUBLE))
INTEGERS = frozenset((Kind.INT, Kind.BIGINT))
MOMENTS = frozenset((Kind.TIMESTAMP, Kind.DATE))

_NAMES = {
    Kind.BOOLEAN: "BOOLEAN BOOL",
    Kind.INT: "INT INTEGER INT4 SMALLINT INT2 TINYINT",
    Kind.BIGINT: "BIGINT INT8",
    Kind.DOUBLE: "DOUBLE FLOAT FLOAT8 REAL FLOAT4",
    Kind.DECIMAL: "DECIMAL NUMERIC",
    Kind.TEXT: "TEXT VARCHAR CHAR STRING BPCHAR NVARCHAR NCHAR CHARACTER",
    Kind.BLOB: "BLOB BYTEA VARBINARY BINARY BYTES",
    Kind.TIMESTAMP: "TIMESTAMP TIMESTAMPTZ TIMESTAMPNTZ DATETIME",
    Kind.DATE: "DATE",
    Kind.UUID: "UUID",
}
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_PHRASES = {
    "DOUBLE PRECISION": "DOUBLE",
    "CHARACTER VARYING": "TEXT",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "TIMESTAMP WITHOUT TIME ZONE": "TIMESTAMP",
}
TYPE_NAMES = (
    "BOOLEAN",
    "INT",
    "BIGINT",
    "DOUBLE",
    "DECIMAL",
    "TEXT",
    "BLOB",
    "TIMESTAMP",
    "DATE",
    "UUID",
    "MAP",
)
"""The canonical names, for messages and completion."""


def named_type(
    name: str, arguments: tuple[int, ...] = (), place: Place | None = None
) -> ColumnType:
    """Return the scalar type of that name.

    A length (``VARCHAR(20)``) is accepted and not enforced; a bare DECIMAL is DECIMAL(38, 10).

    Args:
        name: one or several upper-case words.
        arguments: the numbers in parentheses.
        place: where the type stands, for errors.

    Raises:
        NotSupportedError: 0A000, no such type here; the hint lists those there are.
        ProgrammingError: 42601, numbers that the type does not take, or DECIMAL out of range.
    """
    kind = _KINDS.get(_PHRASES.get(name, name))
    if kind is None:
        raise NotSupportedError(
            f"type {name} is not supported",
            hint=nearest(name, TYPE_NAMES) or f"the types are {', '.join(TYPE_NAMES)}",
            **at(place),
        )
    if kind is Kind.DECIMAL:
        return _decimal(arguments, place)
    if len(arguments) > (kind in (Kind.TEXT, Kind.BLOB, Kind.TIMESTAMP)):
        raise ProgrammingError(
            f"type {name} takes no such arguments", sqlstate="42601", **at(place)
        )
    return ColumnType(kind)


def _decimal(arguments: tuple[int, ...], place: Place | None) -> ColumnType:
    match arguments:
        case ():
            precision, scale = DECIMAL_PRECISION_MAX, DECIMAL_SCALE_DEFAULT
        case (precision,):
            scale = 0
        case (precision, scale):
            pass
        case _:
            precision = scale = -1
    if not (1 <= precision <= DECIMAL_PRECISION_MAX and 0 <= scale <= precision):
        raise ProgrammingError(
            "DECIMAL takes a precision of 1 to 38 and a scale of 0 to the precision",
            sqlstate="42601",
            **at(place),
        )
    return ColumnType(Kind.DECIMAL, precision, scale)


def map_type(key: ColumnType, value: ColumnType, place: Place | None = None) -> ColumnType:
    """Return MAP<key, value>; raise NotSupportedError unless the key is TEXT and the value scalar."""
    if key.kind is not Kind.TEXT or value.kind is Kind.MAP:
        raise NotSupportedError(
            "a MAP has TEXT keys and scalar values",
            hint="write MAP<TEXT, INT> for instance",
            **at(place),
        )
    return ColumnType(Kind.MAP, value=value)
