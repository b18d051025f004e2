"""What a storage node keeps by the pushed filter is what the row evaluator would keep."""

from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.evaluate import RowShape, compile_expression
from pegasus_tab.execute.storage_filter import is_false, storage_filter
from pegasus_tab.sql.expression import Call, ColumnRef, Expression, Literal, Parameter
from pegasus_tab.tabular.filter_rows import compile_filter
from pegasus_tab.tabular.schema import Column, ColumnType, Kind, Schema

INT, TEXT, BOOLEAN = ColumnType(Kind.INT), ColumnType(Kind.TEXT), ColumnType(Kind.BOOLEAN)
COLUMNS = (
    Column(3, "n", INT),
    Column(5, "t", TEXT),
    Column(8, "b", BOOLEAN),
)
SCHEMA = Schema(1, COLUMNS, (3,), ())
SHAPE = RowShape({column.id: place for place, column in enumerate(COLUMNS)})
PARAMETERS = (2, "ab", None)

numbers: st.SearchStrategy[Expression] = st.one_of(st.none() | st.integers(0, 3), st.none()).map(
    lambda value: Literal(value, INT)
) | st.sampled_from([Parameter(0, INT), Parameter(2, INT)])
words: st.SearchStrategy[Expression] = st.sampled_from(
    [Literal("ab", TEXT), Literal("a%", TEXT), Literal(None, TEXT), Parameter(1, TEXT)]
)
n, t, b = (ColumnRef(column.id, column.type) for column in COLUMNS)
symbols = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


def call(function: str, *arguments: Expression) -> Call:
    return Call(function, arguments, BOOLEAN)


leaves = st.one_of(
    st.builds(lambda symbol, value: call(symbol, n, value), symbols, numbers),
    st.builds(lambda symbol, value: call(symbol, value, n), symbols, numbers),
    st.builds(lambda symbol, value: call(symbol, t, value), symbols, words),
    st.builds(lambda one, other: call("in", n, one, other), numbers, numbers),
    st.builds(lambda name, value: call(name, t, value), st.sampled_from(["like", "ilike"]), words),
    st.sampled_from([call("is_null", n), call("is_not_null", t), b]),
    st.sampled_from([Literal(True, BOOLEAN), Literal(False, BOOLEAN), Literal(None, None)]),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda one, other: call("and", one, other), inner, inner),
        st.builds(lambda one, other: call("or", one, other), inner, inner),
        st.builds(lambda one: call("not", one), inner),
    ),
    max_leaves=6,
)
rows = st.tuples(
    st.none() | st.integers(0, 3),
    st.none() | st.sampled_from(["ab", "AB", "a%", ""]),
    st.none() | st.booleans(),
)


@given(conjuncts=st.lists(trees, max_size=3), row=rows)
def test_filter_keeps_what_the_evaluator_keeps(
    conjuncts: list[Expression], row: tuple[object, ...]
) -> None:
    bindings = Bindings(PARAMETERS, lambda: 0.0)
    wanted = all(compile_expression(part, SHAPE)(row, bindings) is True for part in conjuncts)
    filter_ = storage_filter(conjuncts, bindings)
    kept = filter_ is None or compile_filter(filter_, SCHEMA)(row) is True
    assert kept == wanted
    if is_false(filter_):
        assert not kept
