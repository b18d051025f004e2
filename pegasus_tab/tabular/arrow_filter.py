"""Filters on record batches with pyarrow's kernels: the columnar twin of filter_rows.py.

Three-valued logic by the Kleene kernels. DOUBLE compares as in PostgreSQL and DuckDB: NaN equals
NaN and is greater than every number.
"""

import math
import re
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pegasus_tab.tabular.arrow_types import storage_scalar, storage_type, without_extension
from pegasus_tab.tabular.filter import And, Compare, Filter, In, IsNull, Like, Not, Or
from pegasus_tab.tabular.like import LikePattern, lower_case, matcher, parse_pattern
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema

_KERNELS: dict[str, Callable[..., pa.Array]] = {
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


def filter_mask(filter_: Filter, schema: Schema, columns: Mapping[int, pa.Array]) -> pa.Array:
    """Return the filter's answer for every row: TRUE, FALSE or NULL; only TRUE keeps a row.

    Args:
        filter_: its constants are in the form of value.py for their columns.
        schema: the table's schema.
        columns: column id -> array of the column, for every column the filter names, and at least
            one (it gives the number of rows).

    Raises:
        DataError: a LIKE pattern ends with a lone backslash.
    """
    types = {column.id: column.type for column in schema.columns}
    arrays = {id_: without_extension(array) for id_, array in columns.items()}
    length = len(next(iter(arrays.values())))
    return _Evaluator(types, arrays, length).mask(filter_)


def filter_columns(filter_: Filter) -> frozenset[int]:
    """Return the ids of the columns that a filter reads."""
    match filter_:
        case And(parts) | Or(parts):
            return frozenset().union(*(filter_columns(part) for part in parts))
        case Not(part):
            return filter_columns(part)
        case Compare() | In() | IsNull() | Like():
            return frozenset({filter_.column})


class _Evaluator:
    def __init__(
        self, types: Mapping[int, ColumnType], arrays: Mapping[int, pa.Array], length: int
    ) -> None:
        self._types = types
        self._arrays = arrays
        self._length = length

    def mask(self, filter_: Filter) -> pa.Array:
        match filter_:
            case Compare(column, operator, value):
                return self._compare(column, operator, value)
            case In(column, values):
                return self._in(column, values)
            case IsNull(column, negated):
                array = self._arrays[column]
                return pc.is_valid(array) if negated else pc.is_null(array)
            case Like(column, pattern, ignore_case):
                return _like(self._arrays[column], pattern, ignore_case=ignore_case)
            case And(parts):
                return self._fold(pc.and_kleene, parts, empty=True)
            case Or(parts):
                return self._fold(pc.or_kleene, parts, empty=False)
            case Not(part):
                return pc.invert(self.mask(part))

    def _fold(
        self, kernel: Callable[..., pa.Array], parts: tuple[Filter, ...], *, empty: bool
    ) -> pa.Array:
        if not parts:
            return self._constant(empty)
        mask = self.mask(parts[0])
        for part in parts[1:]:
            mask = kernel(mask, self.mask(part))
        return mask

    def _constant(self, value: bool) -> pa.Array:
        return pa.repeat(pa.scalar(value), self._length)

    def _compare(self, column: int, operator: str, value: object) -> pa.Array:
        type_, array = self._types[column], self._arrays[column]
        if isinstance(value, float) and math.isnan(value):
            return _compare_with_nan(array, operator)
        scalar = storage_scalar(type_, value)
        if type_.kind is Kind.BOOLEAN:  # pyarrow has no order of truth values
            array, scalar = array.cast(pa.uint8()), scalar.cast(pa.uint8())
        mask = _KERNELS[operator](array, scalar)
        if type_.kind is Kind.DOUBLE and operator in {">", ">="}:
            mask = pc.or_(mask, pc.is_nan(array))
        return mask

    def _in(self, column: int, values: tuple[object, ...]) -> pa.Array:
        if not values:
            return self._constant(False)
        type_, array = self._types[column], self._arrays[column]
        if type_.kind is Kind.DOUBLE:
            array = pc.add(array, 0.0)  # is_in tells -0.0 from 0.0
            values = tuple(value + 0.0 for value in values)  # type: ignore[operator]  # floats
        scalars = [storage_scalar(type_, value).as_py() for value in values]
        mask = pc.is_in(array, value_set=pa.array(scalars, storage_type(type_)))
        if not array.null_count:
            return mask
        return pc.if_else(pc.is_valid(array), mask, pa.scalar(None, pa.bool_()))


def _compare_with_nan(array: pa.Array, operator: str) -> pa.Array:
    is_nan = pc.is_nan(array)
    match operator:
        case "=" | ">=":
            return is_nan
        case "<>" | "<":
            return pc.invert(is_nan)
        case "<=":
            return pc.or_(is_nan, pc.invert(is_nan))
        case _:
            return pc.and_(is_nan, pc.invert(is_nan))


def _like(array: pa.Array, pattern: str, *, ignore_case: bool) -> pa.Array:
    parsed = parse_pattern(lower_case(pattern) if ignore_case else pattern)
    if ignore_case:
        array = pc.utf8_lower(array)
    texts = parsed.literal()
    match texts:
        case (text,):
            return pc.equal(array, text)
        case (text, ""):
            return pc.starts_with(array, text)
        case ("", text):
            return pc.ends_with(array, text)
        case ("", text, ""):
            return pc.match_substring(array, text)
        case _:
            return _match_expression(array, parsed, pattern, ignore_case=ignore_case)


def _match_expression(
    array: pa.Array, parsed: LikePattern, pattern: str, *, ignore_case: bool
) -> pa.Array:
    try:
        return pc.match_substring_regex(array, _expression(parsed))
    except pa.ArrowInvalid:
        # The pattern is too large for RE2's limits: match text by text.
        matches = matcher(pattern, ignore_case=ignore_case).matches
        answers = [None if text is None else matches(text) for text in array.to_pylist()]
        return pa.array(answers, pa.bool_())


def _expression(parsed: LikePattern) -> str:
    """Return the pattern in RE2's syntax, whose matching time is linear in the text."""
    pieces = (
        "".join("." if character is None else re.escape(character) for character in piece)
        for piece in parsed.pieces
    )
    return r"(?s)\A" + ".*".join(pieces) + r"\z"
