"""Binding: the values a caller gives, checked against what the statement wants.

A placeholder's type comes from the place it stands in; its value is brought into that type's form once
an execution. A named parameter that stands in places of different types keeps its value as given,
and each place does with it what it can.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

from pegasus_tab.base.errors import DataError, ProgrammingError
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.evaluate import compile_expression
from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.expression import Parameter
from pegasus_tab.sql.plan_nodes import Statement
from pegasus_tab.tabular.schema import ColumnType
from pegasus_tab.tabular.value import coercion

Given: TypeAlias = Sequence[Any] | Mapping[str, Any]


class ParameterBinder:
    """Binds values to one statement's placeholders.

    Attributes:
        is_plain: True when the placeholders are all ``?`` and nothing is computed from them.
    """

    def __init__(self, statement: Statement) -> None:
        self._names = [name for name in statement.parameters if name is not None]
        self._count = len(statement.parameters)
        types = _types(statement)
        self._coercions = [
            (index, coercion(type_))
            for index, type_ in sorted(types.items())
            if type_ is not None and index < self._count
        ]
        self._computed = [compile_expression(one) for one in statement.computed]
        self.is_plain = not self._names and not self._computed

    def bind(self, given: Given | None, clock: Callable[[], float]) -> Bindings:
        """Return the bindings of one execution.

        Args:
            given: values in order for ``?``, a mapping for ``:name``; None for none.
            clock: for ``now()``.

        Raises:
            ProgrammingError: 07001, too few or too many values, a name without a value, or the
                wrong kind of collection.
            DataError: a value does not fit the place it stands in.
        """
        values = self._values(given)
        if self._coercions:
            values = self._coerced(values)
        bindings = Bindings(tuple(values), clock)
        for evaluate in self._computed:
            bindings.parameters = (*bindings.parameters, evaluate((), bindings))
        return bindings

    def checked(self, given: Given) -> tuple[Any, ...]:
        """Return the values as they are, in a tuple of the right length; only when ``is_plain``.

        Raises:
            ProgrammingError: 07001, as for ``bind``.
        """
        if type(given) is tuple and len(given) == self._count:
            return given
        return tuple(self._values(given))

    def _values(self, given: Given | None) -> Sequence[Any]:
        if self._names:
            return self._named_values(given)
        if given is None:
            given = ()
        if isinstance(given, Mapping):
            if given or self._count:
                raise _wrong_collection("the statement has no named parameters", "pass a sequence")
            return ()
        if isinstance(given, str | bytes) or not isinstance(given, Sequence):
            raise _wrong_collection(
                f"parameters must be a sequence, not {type(given).__name__}",
                "pass a tuple or a list",
            )
        if len(given) != self._count:
            raise ProgrammingError(
                f"the statement wants {self._count} parameters, {len(given)} were given",
                sqlstate="07001",
            )
        return given

    def _named_values(self, given: Given | None) -> list[Any]:
        if not isinstance(given, Mapping):
            raise _wrong_collection(
                "the statement has named parameters",
                "pass a dict with " + ", ".join(dict.fromkeys(self._names)),
            )
        missing = [name for name in self._names if name not in given]
        if missing:
            raise ProgrammingError(
                f"no value for the parameter :{missing[0]}",
                sqlstate="07001",
                hint="the dict has " + (", ".join(map(str, given)) or "nothing"),
            )
        return [given[name] for name in self._names]

    def _coerced(self, values: Sequence[Any]) -> list[Any]:
        coerced = list(values)
        for index, coerce in self._coercions:
            value = coerced[index]
            if value is not None:
                try:
                    coerced[index] = coerce(value)
                except DataError as error:
                    raise self._named_error(error, index) from None
        return coerced

    def _named_error(self, error: DataError, index: int) -> DataError:
        which = f":{self._names[index]}" if self._names else str(index + 1)
        return DataError(
            f"parameter {which}: {error.message}", sqlstate=error.sqlstate, hint=error.hint
        )


def _wrong_collection(message: str, hint: str) -> ProgrammingError:
    return ProgrammingError(message, sqlstate="07001", hint=hint)


def _types(statement: Statement) -> dict[int, ColumnType | None]:
    """Return each parameter's type; None for one without, or with several."""
    found: dict[int, set[ColumnType]] = {}
    for parameter in _parameters((statement.plan, statement.computed)):
        kinds = found.setdefault(parameter.index, set())
        if parameter.type is not None:
            kinds.add(parameter.type)
    return {index: next(iter(kinds)) if len(kinds) == 1 else None for index, kinds in found.items()}


def _parameters(node: Any) -> Iterator[Parameter]:
    if isinstance(node, Parameter):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from _parameters(part)
    elif is_dataclass(node) and not isinstance(node, Table):
        for field in fields(node):
            yield from _parameters(getattr(node, field.name))
