"""Pages of tuples and record batches: there and back, also through a slice."""

from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.execute.arrow_columns import columns_of, schema_of
from pegasus_tab.execute.arrow_page import batch_of, rows_of
from pegasus_tab.execute.result import Page, ResultColumn
from pegasus_tab.tabular.schema import ColumnType, Kind
from tests.property.tabular_strategies import decimal_types, same, values

scalars = (
    st.sampled_from([ColumnType(kind) for kind in Kind if kind not in {Kind.DECIMAL, Kind.MAP}])
    | decimal_types()
)
types = scalars | scalars.map(lambda item: ColumnType(Kind.MAP, value=item))


@st.composite
def pages(draw: st.DrawFn) -> tuple[tuple[ResultColumn, ...], Page]:
    kinds = draw(st.lists(types, min_size=1, max_size=4))
    columns = tuple(ResultColumn(f"c{place}", kind) for place, kind in enumerate(kinds))
    row = st.tuples(*(st.none() | values(kind) for kind in kinds))
    return columns, draw(st.lists(row, max_size=5))


@given(drawn=pages(), start=st.integers(0, 5), length=st.integers(0, 5))
def test_a_slice_of_a_batch_holds_the_same_rows(
    drawn: tuple[tuple[ResultColumn, ...], Page], start: int, length: int
) -> None:
    columns, page = drawn
    batch = batch_of(page, columns)
    assert batch.schema.types == schema_of(columns).types
    assert columns_of(batch.schema) == columns
    found = rows_of(batch.slice(start, length))
    wanted = page[start : start + length]
    assert [[same(value) for value in row] for row in found] == [
        [same(value) for value in row] for row in wanted
    ]
