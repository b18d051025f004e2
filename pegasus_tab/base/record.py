"""Frozen dataclasses that are cheap to define: the syntax trees, plans and schemas consist of them.

``dataclass(frozen=True)`` compiles six methods for each class, half a millisecond of it; sixty
classes took a fifth of the time in which a shell has to answer its first statement. Here only
``__init__`` is compiled. That nobody assigns to a field is checked by mypy alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a class a dataclass with slots, equality, hash and repr, to be treated as frozen."""
    made: Any = dataclass(eq=False, repr=False, slots=True)(cls)
    compared = [each.name for each in fields(made) if each.compare]
    shown = [each.name for each in fields(made) if each.repr]
    made.__eq__, made.__hash__ = _comparison(_values_of(compared))
    made.__repr__ = _representation(shown)
    kept: type[T] = made
    return kept


def _values_of(names: list[str]) -> Callable[[object], object]:
    """Return what reads these attributes of an object, as something that compares and hashes."""
    return attrgetter(*names) if names else lambda _: ()


def _comparison(
    values: Callable[[object], object],
) -> tuple[Callable[[object, object], object], Callable[[object], int]]:
    def equal(self: object, other: object) -> object:
        if type(other) is not type(self):
            return NotImplemented
        return values(self) == values(other)

    def hashed(self: object) -> int:
        return hash(values(self))

    return equal, hashed


def _representation(names: list[str]) -> Callable[[object], str]:
    def shown(self: object) -> str:
        values = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
        return f"{type(self).__qualname__}({values})"

    return shown
