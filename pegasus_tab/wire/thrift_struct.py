"""Messages as dataclasses whose annotations are their thrift definition.

::

    @thrift_struct
    class CountResponse(Struct):
        error: Annotated[int, I32(1)] = 0
        count: Annotated[int, I64(2)] = 0

One field per line: name, Python type, wire type, field id. A field whose default is None is
optional: left out when None. Every other field is always written, in id order, because old
clients read some without asking whether they came (protocol reference 2.3); a missing one is read
as its default.
"""

import struct
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from typing import Any, ClassVar, NamedTuple, NoReturn, Self, TypeVar, dataclass_transform, get_args

from pegasus_tab.base.errors import DataError
from pegasus_tab.wire.binary import STOP, STRUCT, FieldPlace, FieldType, cut_short, skip
from pegasus_tab.wire.errors import RemoteProtocolError


class FieldCodec(NamedTuple):
    """One field ready for use.

    Attributes:
        name: of the Python attribute.
        head: the three header bytes, type code and field id.
        optional: left out when None.
        write: value -> bytes.
        read: (buffer, offset, end) -> (value, offset behind it).
        position: its place among the fields of its message, from 0.
    """

    name: str
    head: bytes
    optional: bool
    write: Callable[[Any], bytes]
    read: Callable[[bytes, int, int], tuple[Any, int]]
    position: int


class Struct:
    """Base of all messages: a frozen, slotted dataclass that is encoded by the table ``FIELDS``.

    The methods a dataclass usually generates are written out here once: generating them for each
    of fifty messages takes longer than a shell has to answer its first statement.
    """

    __slots__ = ()

    FIELDS: ClassVar[tuple[FieldCodec, ...]] = ()
    FIELDS_BY_HEAD: ClassVar[dict[bytes, FieldCodec]] = {}
    FIELD_IDS: ClassVar[frozenset[bytes]] = frozenset()
    DEFAULTS: ClassVar[tuple[Any, ...]] = ()
    """In field order; shared by all messages, hence immutable."""
    STORES: ClassVar[tuple[Callable[[Any, Any], None], ...]] = ()
    """Setters of the slots, in field order; the only way around ``__setattr__``."""

    def __init__(self, *values: Any, **named: Any) -> None:
        stores = self.STORES
        if named:
            values = self._arrange(values, named)
        elif len(values) < len(stores):
            values += self.DEFAULTS[len(values) :]
        if len(values) > len(stores):
            raise TypeError(f"{type(self).__name__} has {len(stores)} fields, not {len(values)}")
        for store, value in zip(stores, values, strict=True):
            store(self, value)

    @classmethod
    def _arrange(cls, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """Put values given by name behind those given by position, defaults where there are none."""
        rest = [
            named.pop(codec.name, cls.DEFAULTS[codec.position])
            for codec in cls.FIELDS[len(values) :]
        ]
        if named:
            raise TypeError(f"{cls.__name__} has no field {next(iter(named))}, or it came twice")
        return (*values, *rest)

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, codec.name) for codec in self.FIELDS])

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by making it anew: its fields cannot be set one by one."""
        return (type(self), self._values())

    def __repr__(self) -> str:
        values = zip(self.FIELDS, self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{c.name}={v!r}' for c, v in values)})"

    def encode(self) -> bytes:
        """Write the struct.

        Returns:
            Its fields and the STOP byte, without the wrapper of arguments or result.

        Raises:
            DataError: a value does not fit its field's type.
        """
        return encode_fields(self, self.FIELDS)

    @classmethod
    def decode(cls, data: bytes, offset: int = 0, end: int | None = None) -> Self:
        """Read a struct.

        Args:
            data: the buffer.
            offset: where the struct begins.
            end: where its frame ends, the end of ``data`` when None.

        Returns:
            The message, defaults in place of missing fields; bytes behind its STOP are not read.

        Raises:
            RemoteProtocolError: the bytes are not such a struct.
        """
        return cls.read(data, offset, len(data) if end is None else end)[0]

    @classmethod
    def read(cls, data: bytes, at: int, end: int) -> tuple[Self, int]:
        """Read a struct as ``decode`` does; return it and the offset behind its STOP byte."""
        values = list(cls.DEFAULTS)
        seen = set()
        codec_of = cls.FIELDS_BY_HEAD.get
        while at < end:
            head = data[at : at + 3]
            codec = codec_of(head)
            if codec is not None:
                if head in seen:
                    raise RemoteProtocolError(f"{cls.__name__}.{codec.name} comes twice")
                seen.add(head)
                values[codec.position], at = codec.read(data, at + 3, end)
            elif data[at] == STOP:
                return cls(*values), at + 1
            elif head[1:] in cls.FIELD_IDS:
                raise RemoteProtocolError(
                    f"field {int.from_bytes(head[1:], 'big')} of {cls.__name__} has type {head[0]}"
                )
            else:
                at = skip(head[0], data, at + 3, end)
        raise cut_short(f"a {cls.__name__}", at, end)


def encode_fields(message: Struct, codecs: tuple[FieldCodec, ...]) -> bytes:
    """Write a chosen set of fields and the STOP byte; ``Struct.encode`` chooses all of them."""
    parts = []
    for name, head, optional, write, _, _ in codecs:
        value = getattr(message, name)
        if value is None and optional:
            continue
        try:
            parts.append(head + write(value))
        except (struct.error, UnicodeEncodeError) as fault:
            raise DataError(
                f"{type(message).__name__}.{name} cannot be sent: {fault}", sqlstate="22003"
            ) from fault
    parts.append(b"\0")
    return b"".join(parts)


S = TypeVar("S", bound=Struct)


@dataclass_transform(frozen_default=True)
def thrift_struct(cls: type[S]) -> type[S]:
    """Make a frozen, slotted dataclass of an annotated class and build its field table."""
    cls = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    codecs = []
    defaults = []
    for position, field in enumerate(fields(cls)):  # type: ignore[arg-type]  # it is one by now
        place: FieldPlace = get_args(field.type)[1]
        head = bytes((place.type.code,)) + place.id.to_bytes(2, "big")
        optional = field.default is None
        codecs.append(
            FieldCodec(field.name, head, optional, place.type.write, place.type.read, position)
        )
        defaults.append(
            field.default if field.default_factory is MISSING else field.default_factory()
        )
    cls.FIELDS = tuple(codecs)
    cls.FIELDS_BY_HEAD = {codec.head: codec for codec in codecs}
    cls.FIELD_IDS = frozenset(codec.head[1:] for codec in codecs)
    cls.DEFAULTS = tuple(defaults)
    cls.STORES = tuple(cls.__dict__[codec.name].__set__ for codec in codecs)
    return cls


def struct_of(cls: type[S]) -> FieldType[S]:
    """Make the field type of a message that lies inside another."""
    return FieldType(STRUCT, 1, cls.encode, cls.read)
