"""COPY ... TO and its kin: tables, queries and options checked; the target is looked at later."""

from collections.abc import Mapping
from typing import Literal

from pegasus_tab.base.errors import DataError, ProgrammingError
from pegasus_tab.sql.ast_copy_from import CopyOption
from pegasus_tab.sql.ast_transfer import (
    CancelJob,
    CopyQueryTo,
    CopyTo,
    TransferStatement,
    VerifyExport,
)
from pegasus_tab.sql.place import at
from pegasus_tab.sql.plan_nodes import CancelJob as CancelJobPlan
from pegasus_tab.sql.plan_nodes import CopyQuery, ExportTable, TransferPlan
from pegasus_tab.sql.plan_nodes import VerifyExport as VerifyExportPlan
from pegasus_tab.sql.planning import Planning
from pegasus_tab.sql.transfer_options import known_options, rate, refused, truth

FileFormat = Literal["parquet", "csv", "arrow"]
FILE_FORMATS: tuple[FileFormat, ...] = ("parquet", "csv", "arrow")
COPY_TABLE_OPTIONS = ("format", "bytes_per_second", "wait")
COPY_QUERY_OPTIONS = ("format",)
"""Every option of COPY ... TO, as the documentation lists them."""


def plan_transfer(planning: Planning, statement: TransferStatement) -> TransferPlan:
    """Plan one of these statements.

    Raises:
        ProgrammingError: 42P01 no such table; 42601 an option that does not exist; 22023 a value it
            does not take, or a target without a format.
        DataError: 22003 no job has such a number.
    """
    match statement:
        case CopyTo():
            return _plan_table(planning, statement)
        case CopyQueryTo():
            return _plan_query(planning, statement)
        case CancelJob(job=job, place=place):
            if job < 1:
                raise DataError(f"no job has number {job}", sqlstate="22003", **at(place))
            return CancelJobPlan(job)
        case VerifyExport(target=target):
            return VerifyExportPlan(target)


def _plan_table(planning: Planning, statement: CopyTo) -> ExportTable:
    given = known_options("COPY ... TO", statement.options, COPY_TABLE_OPTIONS)
    return ExportTable(
        table=planning.table(statement.table),
        target=statement.target,
        format=_format(given) or "parquet",
        bytes_per_second=rate(given),
        wait=truth(given, "wait", default=True),
    )


def _plan_query(planning: Planning, statement: CopyQueryTo) -> CopyQuery:
    from pegasus_tab.sql.plan import plan_query

    given = known_options("COPY ... TO", statement.options, COPY_QUERY_OPTIONS)
    extension = statement.target.rsplit(".", 1)[-1].lower()
    format_ = _format(given)
    if format_ is None:
        if extension not in FILE_FORMATS:
            raise ProgrammingError(
                f"the name {statement.target!r} does not tell the format",
                sqlstate="22023",
                hint="end it in .parquet, .csv or .arrow, or give FORMAT",
                **at(statement.place),
            )
        format_ = extension
    return CopyQuery(plan_query(planning, statement.query), statement.target, format_)


def _format(given: Mapping[str, CopyOption]) -> FileFormat | None:
    option = given.get("format")
    if option is None:
        return None
    value = option.value.lower() if isinstance(option.value, str) else None
    for known in FILE_FORMATS:
        if known == value:
            return known
    raise refused(option, f"one of {', '.join(FILE_FORMATS)}")
