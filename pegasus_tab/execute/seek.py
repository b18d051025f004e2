"""From an access path and its parameters to encoded keys and key ranges."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, TypeAlias

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Codec
from pegasus_tab.execute.evaluate import compile_expression
from pegasus_tab.execute.lookup import Key
from pegasus_tab.execute.strict import Evaluator
from pegasus_tab.sql.expression import Expression
from pegasus_tab.sql.plan_nodes import Bound, MultiGet, MultiRange, PointGet, RangeScan
from pegasus_tab.tabular.errors import ImpossibleKey
from pegasus_tab.tabular.row_keys import KeyBound, KeyRange

Parts: TypeAlias = list[Evaluator]


def compile_parts(expressions: Sequence[Expression]) -> Parts:
    """Compile the expressions of one key."""
    return [compile_expression(part) for part in expressions]


def values_of(parts: Parts, bindings: Bindings) -> list[Any] | None:
    """Return the key's values, None when one of them is NULL: no row has such a key."""
    values = [part((), bindings) for part in parts]
    return None if None in values else values


def _possible(encode: Callable[[list[Any]], bytes], values: list[Any] | None) -> bytes | None:
    try:
        return None if values is None else encode(values)
    except ImpossibleKey:
        return None


class KeySeek:
    """The keys that PointGet and MultiGet name, in their order and each once."""

    def __init__(self, access: PointGet | MultiGet, codec: Codec) -> None:
        self._codec = codec
        if isinstance(access, PointGet):
            access = MultiGet((access.hash_key,), (access.sort_key,))
        self._hash_keys = [compile_parts(one) for one in access.hash_keys]
        self._sort_keys = [compile_parts(one) for one in access.sort_keys]

    def keys(self, bindings: Bindings) -> list[Key]:
        """Return (hash key, sort key) of each row to look for."""
        hash_keys = self._encoded(self._hash_keys, self._codec.hash_key, bindings)
        sort_keys = self._encoded(self._sort_keys, self._codec.sort_key, bindings)
        return list(product(hash_keys, sort_keys))

    @staticmethod
    def _encoded(
        parts: list[Parts], encode: Callable[[list[Any]], bytes], bindings: Bindings
    ) -> list[bytes]:
        found = (_possible(encode, values_of(one, bindings)) for one in parts)
        return list(dict.fromkeys(key for key in found if key is not None))


class RangeSeek:
    """The hash keys and the sort key range that RangeScan and MultiRange name."""

    def __init__(self, access: RangeScan | MultiRange, codec: Codec) -> None:
        self._codec = codec
        hash_keys = access.hash_keys if isinstance(access, MultiRange) else (access.hash_key,)
        self._hash_keys = [compile_parts(one) for one in hash_keys]
        self._prefix = compile_parts(access.prefix)
        self._lower = _compile_bound(access.lower)
        self._upper = _compile_bound(access.upper)

    def hash_keys(self, bindings: Bindings) -> list[bytes]:
        """Return the hash keys, each once, in the order given."""
        found = (
            _possible(self._codec.hash_key, values_of(one, bindings)) for one in self._hash_keys
        )
        return list(dict.fromkeys(key for key in found if key is not None))

    def sort_range(self, bindings: Bindings) -> KeyRange | None:
        """Return the range of sort keys, None when no row can be in it."""
        prefix = values_of(self._prefix, bindings)
        lower, upper = _bound(self._lower, bindings), _bound(self._upper, bindings)
        if prefix is None or lower is NULL_BOUND or upper is NULL_BOUND:
            return None
        return self._codec.sort_range(prefix, lower, upper)


NULL_BOUND: KeyBound = (None, False)
"""A bound whose value turned out NULL: the comparison is never true."""

_CompiledBound: TypeAlias = tuple[Evaluator, bool] | None


def _compile_bound(bound: Bound | None) -> _CompiledBound:
    return None if bound is None else (compile_expression(bound.value), bound.inclusive)


def _bound(compiled: _CompiledBound, bindings: Bindings) -> KeyBound | None:
    if compiled is None:
        return None
    value = compiled[0]((), bindings)
    return NULL_BOUND if value is None else (value, compiled[1])
