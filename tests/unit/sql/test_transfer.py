"""COPY ... TO, EXPORT TABLE, CANCEL JOB, VERIFY EXPORT: what is read, and what is refused where."""

import pytest

from pegasus_tab.base.errors import DataError, Error, NotSupportedError, ProgrammingError
from pegasus_tab.sql.explain import explain
from pegasus_tab.sql.plan_nodes import (
    CancelJob,
    CopyFrom,
    CopyQuery,
    ExportTable,
    Plan,
    Select,
    Show,
    VerifyExport,
)
from pegasus_tab.sql.prepare import prepare
from tests.fakes.sql_catalog import small_catalog

CATALOG = small_catalog()


def plan(text: str) -> Plan:
    return prepare(text, CATALOG, {}).plan


def test_copy_table_and_its_alias() -> None:
    copied = plan("COPY events TO 'hdfs://nn:8020/x' WITH (FORMAT csv, bytes_per_second = 5000)")
    assert isinstance(copied, ExportTable)
    assert (copied.table.name, copied.target) == ("events", "hdfs://nn:8020/x")
    assert (copied.format, copied.bytes_per_second, copied.wait) == ("csv", 5000, True)
    plain = plan("EXPORT TABLE events TO 'x'")
    assert plain == plan("COPY events TO 'x'")
    assert isinstance(plain, ExportTable)
    assert (plain.format, plain.bytes_per_second) == ("parquet", 0)
    unawaited = plan("COPY events TO 'x' (WAIT FALSE)")
    assert isinstance(unawaited, ExportTable)
    assert not unawaited.wait


def test_the_way_decides() -> None:
    assert isinstance(plan("COPY events FROM 'x.parquet'"), CopyFrom)
    assert isinstance(plan("COPY (SELECT age FROM events WHERE user_id = 1) TO 'x.csv'"), CopyQuery)


@pytest.mark.parametrize(
    ("tail", "format_"),
    [
        ("'a.csv'", "csv"),
        ("'a.PARQUET'", "parquet"),
        ("'a.arrow'", "arrow"),
        ("'a' (FORMAT csv)", "csv"),
    ],
)
def test_the_name_of_a_query_s_file_tells_its_format(tail: str, format_: str) -> None:
    copied = plan(f"COPY (SELECT age FROM events WHERE user_id = 1) TO {tail}")
    assert isinstance(copied, CopyQuery)
    assert copied.format == format_
    assert isinstance(copied.query, Select)


def test_a_query_keeps_its_parameters_and_its_plan() -> None:
    statement = prepare("COPY (SELECT age FROM events WHERE user_id = ?) TO 'a.csv'", CATALOG, {})
    assert statement.parameters == (None,)
    lines = explain(prepare("EXPLAIN COPY (SELECT age FROM events) TO 'a.csv'", CATALOG, {}))
    assert lines[0] == "Copy to a.csv"
    assert any("scan of events" in line for line in lines)


def test_jobs() -> None:
    assert plan("SHOW JOBS") == Show("jobs")
    assert plan("CANCEL JOB 7") == CancelJob(7)
    assert plan("VERIFY EXPORT '/x'") == VerifyExport("/x")


@pytest.mark.parametrize(
    ("text", "class_", "message", "at"),
    [
        ("COPY nothing TO 'x'", ProgrammingError, 'table "nothing" does not exist', "nothing"),
        ("COPY events TO x", ProgrammingError, "expected a quoted file", "x"),
        ("COPY events TO STDOUT", NotSupportedError, "COPY TO STDOUT", "STDOUT"),
        ("COPY events (age) TO 'x'", NotSupportedError, "writes all columns", "(age)"),
        ("COPY events TO 'x' (FORMAT xml)", ProgrammingError, "FORMAT does not take", "FORMAT"),
        ("COPY events TO 'x' (FROMAT csv)", ProgrammingError, 'unknown option "fromat"', "FROMAT"),
        ("COPY events TO 'x' (BYTES_PER_SECOND 5)", ProgrammingError, "does not take 5", "BYTES"),
        ("COPY events TO 'x' (WAIT 5)", ProgrammingError, "WAIT does not take 5", "WAIT"),
        (
            "COPY events TO 'x' (WAIT FALSE, WAIT TRUE)",
            ProgrammingError,
            "given twice",
            "WAIT TRUE",
        ),
        ("COPY (SELECT 1) TO 'x'", ProgrammingError, "does not tell the format", "'x'"),
        ("COPY (DELETE FROM events) TO 'x.csv'", ProgrammingError, "expected a query", "events"),
        ("EXPORT events TO 'x'", ProgrammingError, "TABLE", "events"),
        ("CANCEL JOB 0", DataError, "no job has number 0", "0"),
        ("CANCEL 7", ProgrammingError, "JOB", "7"),
        ("VERIFY EXPORT x", ProgrammingError, "expected a quoted", "x"),
    ],
)
def test_faults_have_their_place(text: str, class_: type[Error], message: str, at: str) -> None:
    with pytest.raises(class_, match=message.replace("(", r"\(")) as raised:
        plan(text)
    assert raised.value.position == text.index(at), str(raised.value)
