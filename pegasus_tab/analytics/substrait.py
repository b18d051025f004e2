"""Expressions written as Substrait, read into a tree: what a filter's pushdown asks about, no more.

The field numbers are those of substrait-io/substrait, ``proto/substrait/algebra.proto`` and
``extended_expression.proto``. There are packages with generated classes, but PyArrow takes a module
``substrait`` of theirs for its own and fails when it is not complete.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Field:
    """A column by its place in the schema."""

    place: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; ``value`` is None for NULL."""

    value: object


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arguments, by Substrait's name for it."""

    name: str
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Member:
    """Whether a value is one of some options."""

    value: "Node"
    options: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Condition:
    """IF ... THEN for each case in turn, else ``otherwise``."""

    cases: "tuple[tuple[Node, Node], ...]"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something else."""


Node: TypeAlias = Field | Constant | Call | Member | Condition | Opaque

OPAQUE: Final = Opaque()

_Fields: TypeAlias = Mapping[int, list[Any]]
"""Field number -> its values: int for a varint, bytes for all else."""

_UNIX_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 -- naive means UTC in this layer
_UNIX_DAY: Final = date(1970, 1, 1)
_SIGN_64: Final = 1 << 63


def read_expression(data: bytes) -> Node:
    """Read an ExtendedExpression with one expression.

    Raises:
        ValueError: the bytes are none.
    """
    try:
        return _expression(data)
    except (TypeError, AttributeError, IndexError, RecursionError) as error:
        # A field that is there and of another kind is met deep inside, as a number or as bytes.
        raise ValueError(f"not a Substrait expression: {error}") from error


def _expression(data: bytes) -> Node:
    message = _fields(data)
    names: dict[int, str] = {}
    for declaration in message[2]:
        for function in _fields(declaration)[3]:
            fields = _fields(function)
            names[_number(fields, 2)] = fields[3][0].decode().split(":")[0] if fields[3] else ""
    if len(message[3]) != 1:
        raise ValueError("not one expression")
    expressions = _fields(message[3][0])[1]
    return _node(expressions[0], names) if expressions else OPAQUE


# ---- messages -----------------------------------------------------------------------------------


def _fields(data: bytes) -> _Fields:
    """Cut a protobuf message into its fields."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            found[tag >> 3].append(value)
            continue
        length, at = (8, at) if kind == 1 else (4, at) if kind == 5 else _varint(data, at)
        if kind not in {1, 2, 5} or at + length > len(data):
            raise ValueError(f"not a protobuf message at byte {at}")
        found[tag >> 3].append(data[at : at + length])
        at += length
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError(f"not a protobuf message at byte {at}")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _number(fields: _Fields, number: int) -> int:
    """Return a whole number; one that is 0 is not written at all."""
    value: int = fields[number][-1] if fields[number] else 0
    return value - 2 * _SIGN_64 if value >= _SIGN_64 else value


# ---- Expression ---------------------------------------------------------------------------------


def _node(data: bytes, names: Mapping[int, str]) -> Node:
    for number, values in _fields(data).items():
        read = _READERS.get(number)
        if read is not None:
            return read(_fields(values[0]), names)
    return OPAQUE


def _selection(fields: _Fields, _names: Mapping[int, str]) -> Node:
    if not fields[1]:
        return OPAQUE
    segment = _fields(fields[1][0])
    if not segment[2]:
        return OPAQUE
    field = _fields(segment[2][0])
    return OPAQUE if field[2] else Field(_number(field, 1))


def _call(fields: _Fields, names: Mapping[int, str]) -> Node:
    arguments = [_fields(one)[3] for one in fields[4]]
    return Call(
        names.get(_number(fields, 1), ""),
        tuple(_node(one[0], names) for one in arguments if one),
    )


def _condition(fields: _Fields, names: Mapping[int, str]) -> Node:
    clauses = [_fields(one) for one in fields[1]]
    if not fields[2] or not all(one[1] and one[2] for one in clauses):
        return OPAQUE
    cases = tuple((_node(one[1][0], names), _node(one[2][0], names)) for one in clauses)
    return Condition(cases, _node(fields[2][0], names))


def _member(fields: _Fields, names: Mapping[int, str]) -> Node:
    if not fields[1]:
        return OPAQUE
    return Member(_node(fields[1][0], names), tuple(_node(one, names) for one in fields[2]))


# ---- Literal ------------------------------------------------------------------------------------


def _literal(fields: _Fields, _names: Mapping[int, str]) -> Node:
    try:
        for number, read in _LITERALS.items():
            if fields[number]:
                return Constant(read(fields[number][-1]))
    except (OverflowError, UnicodeDecodeError):
        return OPAQUE
    return Constant(None) if fields[29] else OPAQUE


def _signed(value: int) -> int:
    return value - 2 * _SIGN_64 if value >= _SIGN_64 else value


def _decimal(data: bytes) -> Decimal:
    fields = _fields(data)
    unscaled = int.from_bytes(fields[1][0], "little", signed=True)
    return Decimal(unscaled).scaleb(-_number(fields, 3))


_LITERALS: Final[Mapping[int, Callable[[Any], object]]] = {
    1: bool,
    2: _signed,
    3: _signed,
    5: _signed,
    7: _signed,
    10: lambda data: struct.unpack("<f", data)[0],
    11: lambda data: struct.unpack("<d", data)[0],
    12: lambda data: data.decode(),
    13: bytes,
    14: lambda value: _UNIX_EPOCH + timedelta(microseconds=_signed(value)),
    16: lambda value: _UNIX_DAY + timedelta(days=_signed(value)),
    24: _decimal,
}

_READERS: Final[Mapping[int, Callable[[_Fields, Mapping[int, str]], Node]]] = {
    1: _literal,
    2: _selection,
    3: _call,
    6: _condition,
    8: _member,
}
