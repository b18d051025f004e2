"""One column of a key, to bytes and back; key_encoding.py holds the format and joins elements to keys."""

import struct
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.record import record
from pegasus_tab.tabular.integer_form import (
    DATE_EPOCH_ORDINAL,
    decimal_of,
    timestamp_microseconds,
    timestamp_of,
    unscaled,
)
from pegasus_tab.tabular.schema import Column, ColumnType, Kind

ElementEncoder: TypeAlias = Callable[..., bytes]
ElementDecoder: TypeAlias = Callable[[bytes, int], tuple[object, int]]
"""(data, offset) -> (value, offset behind the element); raises ValueError or struct.error."""

_INVERTED = bytes(255 - byte for byte in range(256))
_SIGN_32 = 1 << 31
_SIGN_64 = 1 << 63
_SIGN_128 = 1 << 127
_NAN_BITS = 0x7FF8_0000_0000_0000

FIXED_KEY_BYTES = {
    Kind.BOOLEAN: 1,
    Kind.INT: 4,
    Kind.DATE: 4,
    Kind.BIGINT: 8,
    Kind.TIMESTAMP: 8,
    Kind.DOUBLE: 8,
    Kind.DECIMAL: 16,
    Kind.UUID: 16,
}
"""Element width of every type of fixed width; TEXT and BLOB are missing."""


@record
class KeyElement:
    """One column of a key.

    Attributes:
        column: the column; its type is not MAP.
        descending: the element's bits are inverted.
        raw: TEXT or BLOB, the last element, stored without escapes and terminator.
    """

    column: Column
    descending: bool = False
    raw: bool = False


# ---- encoders -----------------------------------------------------------------------------------


def element_encoder(element: KeyElement) -> ElementEncoder:
    """Return the encoder of one element."""
    encode = _ascending_encoder(element.column.type, raw=element.raw)
    if not element.descending:
        return encode
    return lambda value: encode(value).translate(_INVERTED)


def _ascending_encoder(type_: ColumnType, *, raw: bool) -> ElementEncoder:
    match type_.kind:
        case Kind.TEXT:
            return _raw_text if raw else _escaped_text
        case Kind.BLOB:
            return _raw_blob if raw else _escaped_blob
        case Kind.DECIMAL:
            return _decimal_encoder(type_)
        case Kind.MAP:
            raise DataError("a MAP cannot be part of a key", sqlstate="42P16")
        case kind:
            return _FIXED_ENCODERS[kind]


_pack_32 = struct.Struct(">I").pack
_pack_64 = struct.Struct(">Q").pack
_double_pack = struct.Struct(">d").pack
_double_bits = struct.Struct(">Q").unpack


def _decimal_encoder(type_: ColumnType) -> Callable[..., bytes]:
    def encode(value: Decimal) -> bytes:
        return (unscaled(value, type_) + _SIGN_128).to_bytes(16, "big")

    return encode


# An encoder raises when the value is not in the form of value.py, also where Python would let it
# pass (True is an int, a datetime is a date); KeyEncoding.encode then brings it into form.


def _int32(value: int) -> bytes:
    if type(value) is not int:
        raise TypeError
    return _pack_32(value + _SIGN_32)


def _int64(value: int) -> bytes:
    if type(value) is not int:
        raise TypeError
    return _pack_64(value + _SIGN_64)


def _date(value: date) -> bytes:
    if type(value) is not date:
        raise TypeError
    return _pack_32(value.toordinal() - DATE_EPOCH_ORDINAL + _SIGN_32)


def _timestamp(value: datetime) -> bytes:
    return _pack_64(timestamp_microseconds(value) + _SIGN_64)


def _double(value: float) -> bytes:
    if value != value:  # noqa: PLR0124 -- only NaN differs from itself
        return _pack_64(_NAN_BITS | _SIGN_64)
    (bits,) = _double_bits(_double_pack(value + 0.0))  # -0.0 + 0.0 is 0.0
    return _pack_64(bits ^ 0xFFFF_FFFF_FFFF_FFFF if bits & _SIGN_64 else bits | _SIGN_64)


def _boolean(value: object) -> bytes:
    if value is True:
        return b"\x01"
    if value is False:
        return b"\x00"
    raise TypeError


def _uuid(value: UUID) -> bytes:
    return value.bytes


def _raw_text(value: str) -> bytes:
    return value.encode()


def _escaped_text(value: str) -> bytes:
    return value.encode().replace(b"\x00", b"\x00\xff") + b"\x00\x00"


def _raw_blob(value: bytes) -> bytes:
    if type(value) is not bytes:
        raise TypeError
    return value


def _escaped_blob(value: bytes) -> bytes:
    return value.replace(b"\x00", b"\x00\xff") + b"\x00\x00"


_FIXED_ENCODERS: dict[Kind, Callable[..., bytes]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INT: _int32,
    Kind.BIGINT: _int64,
    Kind.DOUBLE: _double,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.UUID: _uuid,
}

# ---- decoders -----------------------------------------------------------------------------------


def element_decoder(element: KeyElement) -> ElementDecoder:
    """Return the decoder of one element."""
    kind = element.column.type.kind
    if kind in FIXED_KEY_BYTES:
        return _fixed_decoder(element)
    is_text = kind is Kind.TEXT
    if element.raw:
        return _raw_decoder(is_text=is_text)
    return _escaped_decoder(is_text=is_text, descending=element.descending)


def _raw_decoder(*, is_text: bool) -> ElementDecoder:
    def decode(data: bytes, offset: int) -> tuple[object, int]:
        rest = data[offset:] if offset else data
        return (rest.decode() if is_text else rest), len(data)

    return decode


def _escaped_decoder(*, is_text: bool, descending: bool) -> ElementDecoder:
    zero, escape = (b"\xff", b"\xff\x00") if descending else (b"\x00", b"\x00\xff")
    terminator = zero + zero

    def decode(data: bytes, offset: int) -> tuple[object, int]:
        end = data.index(zero, offset)
        # An escaped zero byte is a zero followed by something else than the terminator's second.
        while data[end : end + 2] != terminator:
            if data[end : end + 2] != escape:
                raise ValueError
            end = data.index(zero, end + 2)
        body = data[offset:end]
        if descending:
            body = body.translate(_INVERTED)
        if b"\x00" in body:
            body = body.replace(b"\x00\xff", b"\x00")
        return (body.decode() if is_text else body), end + 2

    return decode


def _fixed_decoder(element: KeyElement) -> ElementDecoder:
    width = FIXED_KEY_BYTES[element.column.type.kind]
    convert = _integer_converter(element.column.type)
    mask = (1 << 8 * width) - 1 if element.descending else 0
    from_bytes = int.from_bytes

    def decode(data: bytes, offset: int) -> tuple[object, int]:
        end = offset + width
        if end > len(data):
            raise ValueError
        return convert(from_bytes(data[offset:end], "big") ^ mask), end

    return decode


def _integer_converter(type_: ColumnType) -> Callable[[int], object]:
    """Return the function from an ascending element, read as an unsigned integer, to its value."""
    converters: dict[Kind, Callable[[int], object]] = {
        Kind.BOOLEAN: _boolean_of,
        Kind.INT: lambda number: number - _SIGN_32,
        Kind.BIGINT: lambda number: number - _SIGN_64,
        Kind.DOUBLE: _double_of,
        Kind.DECIMAL: lambda number: decimal_of(number - _SIGN_128, type_),
        Kind.TIMESTAMP: lambda number: timestamp_of(number - _SIGN_64),
        Kind.DATE: lambda number: date.fromordinal(number - _SIGN_32 + DATE_EPOCH_ORDINAL),
        Kind.UUID: lambda number: UUID(int=number),
    }
    return converters[type_.kind]


def _boolean_of(number: int) -> bool:
    if number > 1:
        raise ValueError
    return number == 1


_double_unpack = struct.Struct(">d").unpack


def _double_of(bits: int) -> float:
    bits ^= _SIGN_64 if bits & _SIGN_64 else 0xFFFF_FFFF_FFFF_FFFF
    value: float = _double_unpack(_pack_64(bits))[0]
    return value
