"""Which columns a name can mean: one table under one name."""

from dataclasses import dataclass
from functools import cached_property

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.ast import TableName
from pegasus_tab.sql.catalog import Catalog, Table
from pegasus_tab.sql.place import at
from pegasus_tab.sql.suggest import nearest
from pegasus_tab.sql.terms import Name
from pegasus_tab.tabular.schema import Column


def known_table(catalog: Catalog, reference: TableName) -> Table:
    """Return the table; raise ProgrammingError 42P01, with did-you-mean, when there is none."""
    table = catalog.table(reference.name)
    if table is not None:
        return table
    names = catalog.names()
    raise ProgrammingError(
        f'table "{reference.name}" does not exist',
        sqlstate="42P01",
        hint=nearest(reference.name, names)
        or ("SHOW TABLES lists the tables" if names else "there are no tables yet: CREATE TABLE"),
        **at(reference.place),
    )


@dataclass(frozen=True)
class Scope:
    """Columns of one table, called by the table's name or its alias; without a table, none."""

    table: Table | None = None
    alias: str | None = None

    @cached_property
    def _columns(self) -> dict[str, Column]:
        columns = self.table.schema.columns if self.table is not None else ()
        return {column.name: column for column in columns}

    @cached_property
    def called(self) -> str | None:
        """The name before the dot in ``t.column``."""
        return self.alias or (self.table.name if self.table is not None else None)

    def column(self, name: Name) -> Column:
        """Return the column a name means.

        Raises:
            ProgrammingError: 42703 no such column, 42P01 another table's name before the dot.
        """
        if name.table is not None and name.table != self.called:
            raise ProgrammingError(
                f'there is no table "{name.table}" in this statement',
                sqlstate="42P01",
                hint=f'the table goes by "{self.called}" here' if self.called else None,
                **at(name.place),
            )
        column = self._columns.get(name.column)
        if column is not None:
            return column
        raise unknown_column(name, self.table)


def unknown_column(name: Name, table: Table | None) -> ProgrammingError:
    """Return the 42703 error for a column that ``table`` (None: no table) does not have."""
    if table is None:
        return ProgrammingError(
            f'column "{name.column}" does not exist',
            sqlstate="42703",
            hint="the query has no FROM; text is written in single quotes",
            **at(name.place),
        )
    columns = [column.name for column in table.schema.columns]
    shown = ", ".join(columns[:10]) + (", ..." if len(columns) > 10 else "")
    return ProgrammingError(
        f'column "{name.column}" of table "{table.name}" does not exist',
        sqlstate="42703",
        hint=nearest(name.column, columns) or f"its columns are {shown}",
        **at(name.place),
    )
