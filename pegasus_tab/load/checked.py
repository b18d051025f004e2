"""Every file opened and matched with the table before the first row of the first is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pegasus_tab.base.errors import Error, IntegrityError, ProgrammingError
from pegasus_tab.load.arrow import ArrowReader
from pegasus_tab.load.csv import CsvReader, delimiter_of
from pegasus_tab.load.errors import in_file
from pegasus_tab.load.files import SourceFile
from pegasus_tab.load.match import Match, check_types, match_columns
from pegasus_tab.load.parquet import ParquetReader
from pegasus_tab.load.reader import Reader
from pegasus_tab.sql.plan_nodes import CopyFrom


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that fits the table.

    Attributes:
        file: where it is.
        match: its columns and the table's.
        rows: how many it has, None when only reading tells.
    """

    file: SourceFile
    match: Match
    rows: int | None


def check_files(plan: CopyFrom, files: list[SourceFile], format_: str) -> list[CheckedFile]:
    """Open each file, match its columns and check their types.

    Raises:
        BadFile: a file is not what its format says.
        ProgrammingError, IntegrityError: a column is missing here or there; 42P10, the files do not
            all have the same columns.
        DataError: 42804, a type that does not fit; all of them name the file.
    """
    checked: list[CheckedFile] = []
    for file in files:
        try:
            checked.append(_checked(plan, file, format_))
        except Error as error:
            raise error if file.name in error.message else in_file(error, file.name) from None
        _check_drift(checked[0], checked[-1])
    return checked


@contextmanager
def opened(plan: CopyFrom, file: SourceFile, format_: str) -> Iterator[Reader]:
    """Open a file for the length of a block."""
    reader = _reader(plan, file, format_)
    try:
        yield reader
    finally:
        reader.close()


def _reader(plan: CopyFrom, file: SourceFile, format_: str) -> Reader:
    if format_ == "parquet":
        return ParquetReader(file)
    if format_ == "arrow":
        return ArrowReader(file)
    names = plan.columns or tuple(column.name for column in plan.table.schema.columns)
    csv = plan.csv
    return CsvReader(
        file,
        header=csv.header,
        names=names,
        delimiter=csv.delimiter or delimiter_of(file.name),
        null=csv.null,
        quote=csv.quote,
    )


def _checked(plan: CopyFrom, file: SourceFile, format_: str) -> CheckedFile:
    with opened(plan, file, format_) as reader:
        schema, names = plan.table.schema, reader.schema.names
        try:
            match = match_columns(schema, names, plan.columns, dict(plan.mapping))
        except (ProgrammingError, IntegrityError) as error:
            if format_ == "csv" and plan.csv.header:
                error.hint = _csv_hint(names, error.hint)
            raise
        if format_ != "csv":
            check_types(match, reader.schema)
        return CheckedFile(file, match, reader.rows)


def _csv_hint(names: list[str], hint: str | None) -> str:
    """Return what to do about a first line that does not name the table's columns."""
    found = [sign for sign in ";\t|," if len(names) == 1 and sign in names[0]]
    if found:
        return f"DELIMITER '{found[0]}' reads it as several columns".replace("\t", r"\t")
    what = "HEADER FALSE reads the first line as a row"
    return f"{hint}; {what}" if hint else what


def _check_drift(first: CheckedFile, other: CheckedFile) -> None:
    """Refuse a file with other columns: what it lacks would become NULL without a word."""
    here = {column.name for column in first.match.columns}
    there = {column.name for column in other.match.columns}
    if here == there:
        return
    name, has = min([(one, "no") for one in here - there] + [(one, "a") for one in there - here])
    raise ProgrammingError(
        f'{other.file.name}: the files differ: it has {has} column "{name}", '
        f"unlike {first.file.name}",
        sqlstate="42P10",
        hint="load files of one form at a time, or list the columns that all of them have",
    )
