"""Which pairs of a row a statement needs: families, whole MAPs, single cells, times to live.

A row is spread over key-value pairs (DESIGN.md 2); a lookup fetches only those its expressions name.
The family 0 pair is always among them, for it says whether the row exists.
"""

from collections.abc import Iterable, Iterator

from pegasus_tab.base.record import record
from pegasus_tab.execute.evaluate import compile_expression
from pegasus_tab.execute.strict import Evaluator
from pegasus_tab.sql.expression import Call, ColumnRef, Expression, MapItem, TtlOf
from pegasus_tab.tabular.schema import Kind, Schema


@record
class Wanted:
    """The parts of a row that expressions name.

    Attributes:
        families: scalar families besides family 0, ascending.
        maps: ids of MAP columns wanted whole.
        cells: (MAP column id, key) of single cells; empty when any MAP is wanted whole, as then
            the row is read in one range.
        ttls: column ids whose family's time to live is wanted, ascending.
    """

    families: tuple[int, ...]
    maps: tuple[int, ...]
    cells: tuple[tuple[int, Evaluator], ...]
    ttls: tuple[int, ...]

    @property
    def main_only(self) -> bool:
        """True when the family 0 pair is all there is to fetch."""
        return not (self.families or self.maps or self.cells)


def wanted_parts(schema: Schema, expressions: Iterable[Expression]) -> Wanted:
    """Return what the expressions need of a row of ``schema``."""
    columns = {column.id: column for column in schema.columns}
    families: set[int] = set()
    maps: set[int] = set()
    ttls: set[int] = set()
    items: list[MapItem] = []
    for node in nodes(expressions):
        match node:
            case ColumnRef(column=id_) if columns[id_].type.kind is Kind.MAP:
                maps.add(id_)
            case ColumnRef(column=id_):
                families.add(columns[id_].family)
            case MapItem(column=id_, key=key):
                # A key taken from the row is not known before the row is.
                if any(isinstance(part, (ColumnRef, MapItem, TtlOf)) for part in nodes([key])):
                    maps.add(id_)
                items.append(node)
            case TtlOf(column=id_):
                ttls.add(id_)
            case _:
                pass
    if maps:
        maps |= {item.column for item in items}
        items = []
    return Wanted(
        families=tuple(sorted(families - {0})),
        maps=tuple(sorted(maps)),
        cells=tuple((item.column, compile_expression(item.key)) for item in items),
        ttls=tuple(sorted(ttls)),
    )


def nodes(expressions: Iterable[Expression]) -> Iterator[Expression]:
    """Yield every node of the expressions, parents before children."""
    for expression in expressions:
        yield expression
        if isinstance(expression, Call):
            yield from nodes(expression.arguments)
        elif isinstance(expression, MapItem):
            yield from nodes((expression.key,))


def whole_row(schema: Schema) -> tuple[ColumnRef, ...]:
    """Return references to every column, for what needs rows complete."""
    return tuple(ColumnRef(column.id, column.type) for column in schema.columns)
