"""Finding a schema's layouts and compiling them."""

from pegasus_tab.tabular.errors import UnknownLayout
from pegasus_tab.tabular.row_encoding import RowLayout
from pegasus_tab.tabular.schema import Column, Layout, Schema


def columns_ever(schema: Schema) -> dict[int, Column]:
    """Return every column the table ever had, by id."""
    return {column.id: column for column in (*schema.dropped, *schema.columns)}


def families_ever(schema: Schema) -> frozenset[int]:
    """Return the id of every family the table ever had; none is given out twice."""
    return frozenset(schema.families).union(
        (column.family for column in columns_ever(schema).values()),
        (layout.family for layout in schema.layouts),
    )


def compiled(schema: Schema, layout: Layout) -> RowLayout:
    """Return the layout ready to pack and unpack."""
    columns = columns_ever(schema)
    return RowLayout(layout, [columns[id_] for id_ in layout.columns])


def newest_layouts(schema: Schema) -> dict[int, Layout]:
    """Return the layout that writers use, by family, for the families that have living columns.

    Family 0 is always there: its pair is what makes a row exist.
    """
    living = {0}.union(column.family for column in schema.columns)
    newest = {layout.family: layout for layout in schema.layouts}  # the newest comes last
    return {family: newest[family] for family in sorted(newest) if family in living}


def find_layout(schema: Schema, family: int, id_: int) -> Layout:
    """Return the layout of a family by id.

    Raises:
        UnknownLayout: the schema has none; it is older than the row, or the row is damaged.
    """
    for layout in schema.layouts:
        if layout.id == id_ and layout.family == family:
            return layout
    raise UnknownLayout(
        f"a row names layout {id_} of family {family}, which schema version {schema.version} lacks",
        sqlstate="XX001",
        hint="The table was altered meanwhile: fetch its schema again. If that does not help, the "
        "row is damaged or was written by something other than this table's driver.",
    )


def unknown_family(schema: Schema, family: int) -> UnknownLayout:
    """Return the error for a family that the schema never had."""
    return UnknownLayout(
        f"a row names family {family}, which schema version {schema.version} lacks",
        sqlstate="XX001",
        hint="The table was altered meanwhile: fetch its schema again. If that does not help, the "
        "row is damaged or was written by something other than this table's driver.",
    )
