"""Wrong statements and values against a real node: a typed error each, with its place and a hint."""

import math
from collections.abc import Iterator, Sequence

import pytest

import pegasus_tab
from pegasus_tab.base.errors import (
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)
from pegasus_tab.base.limits import HASH_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX, VALUE_BYTES_MAX
from tests.integration.node import Node

pytestmark = pytest.mark.slow

TABLES = (
    """CREATE TABLE people (id BIGINT, at TIMESTAMP, name TEXT NOT NULL, age INT, score DOUBLE,
    money DECIMAL(6, 2), tags MAP<TEXT, TEXT>, PRIMARY KEY ((id), at)) WITH (partitions = 2)""",
    "CREATE TABLE words (word TEXT, part TEXT, said TEXT, PRIMARY KEY ((word), part))",
    "CREATE RAW TABLE rows WITH (partitions = 2)",
)
PUT_PERSON = "UPSERT INTO people (id, at, name, age) VALUES "


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pegasus_tab.Connection]:
    node = Node(tmp_path_factory.mktemp("bad_sql") / "data")
    with node, pegasus_tab.connect(node.dsn) as connection:
        for table in TABLES:
            connection.execute(table)
        connection.execute(PUT_PERSON + "(1, '2026-01-01', 'Ada', 2147483647)")
        yield connection


def refusal(
    connection: pegasus_tab.Connection, text: str, parameters: Sequence[object] | None = None
) -> Error:
    """Run what must fail; check that nothing is said of the outcome but that it failed."""
    with pytest.raises(Error) as caught:
        connection.execute(text, parameters).fetchall()
    assert not caught.value.ambiguous
    assert not caught.value.retryable
    row = connection.execute("SELECT name FROM people WHERE id = 1").fetchall()
    assert row == [("Ada",)], "the session and the row survive"
    return caught.value


def underlined(error: Error) -> str:
    """Return the words of the statement that the carets point at."""
    lines = str(error).splitlines()
    (carets,) = [n for n, line in enumerate(lines) if set(line) <= {" ", "^"} and "^" in line]
    return "".join(
        letter
        for letter, caret in zip(lines[carets - 1], lines[carets], strict=False)
        if caret == "^"
    )


@pytest.mark.parametrize(
    ("text", "kind", "state", "place", "hint"),
    [
        ("SELEC 1", ProgrammingError, "42601", "SELEC", 'did you mean "SELECT"?'),
        ("SELECT *\nFROM people\nWHERE nme = 1", ProgrammingError, "42703", "nme", "name"),
        ("SELECT 'open", ProgrammingError, "42601", "'", None),
        ("SELECT 1; SELECT 2", ProgrammingError, "42601", "SELECT", "split"),
        ("SELECT * FROM peple", ProgrammingError, "42P01", "peple", 'did you mean "people"?'),
        ("SELECT nme FROM people", ProgrammingError, "42703", "nme", 'did you mean "name"?'),
        ("SELECT uper(name) FROM people", ProgrammingError, "42883", "uper", '"upper"'),
        ("UPDATE people SET nme = 'x' WHERE id = 1", ProgrammingError, "42703", "nme", '"name"'),
        ("SELECT name FROM people WHERE id = 'abc'", DataError, "22P02", "'abc'", None),
        ("SELECT name + 1 FROM people", ProgrammingError, "42883", "name", None),
        ("SELECT name FROM people WHERE name", ProgrammingError, "42804", "name", None),
        ("SELECT name FROM people WHERE at = '2026-13-45'", DataError, "22007", None, "2024-01"),
        ("SELECT name FROM people LIMIT -1", DataError, "2201W", "1", None),
        (PUT_PERSON + "(NULL, '2026-01-01', 'x', 1)", IntegrityError, "23502", "NULL", None),
        (PUT_PERSON + "(1, NULL, 'x', 1)", IntegrityError, "23502", "NULL", None),
        (PUT_PERSON + "(1, '2026-01-01', NULL, 1)", IntegrityError, "23502", "NULL", None),
        (PUT_PERSON + "(1, '2026-01-01', 'x', 2147483648)", DataError, "22003", "2147483648", None),
        (
            PUT_PERSON + "(9223372036854775808, '2026-01-01', 'x', 1)",
            DataError,
            "22003",
            None,
            None,
        ),
        (PUT_PERSON + "(1, '2026-01-01', 'x', 'y')", DataError, "22P02", "'y'", None),
        (PUT_PERSON + "(1, '2026-01-01', 'x')", ProgrammingError, "42601", "'x'", "id, at, name"),
        ("UPDATE people SET id = 2 WHERE id = 1", NotSupportedError, "0A000", "id", "INSERT"),
        ("CREATE TABLE t (a FOO PRIMARY KEY)", NotSupportedError, "0A000", "FOO", "BIGINT"),
        ("CREATE TABLE t (a INT)", ProgrammingError, "42P16", "(", "PRIMARY KEY"),
        (
            "CREATE TABLE t (a INT PRIMARY KEY) WITH (partitions = 3)",
            DataError,
            "22023",
            "partitions",
            "power of two",
        ),
        ("SELECT * FROM read_csv('/etc/passwd')", NotSupportedError, "0A000", "read_csv", None),
        ("SELECT * FROM '/etc/passwd'", ProgrammingError, "42P01", "'/etc/passwd'", None),
        ("SELECT '\ud800'", ProgrammingError, "22021", "\ud800", None),
        ("SELECT 'a\0b'", ProgrammingError, "42601", "\0", None),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_statements_that_are_wrong_where_they_stand(
    connection: pegasus_tab.Connection,
    text: str,
    kind: type[Error],
    state: str,
    place: str | None,
    hint: str | None,
) -> None:
    error = refusal(connection, text)
    assert isinstance(error, kind)
    assert error.sqlstate == state
    assert place is None or underlined(error) == place
    assert hint is None or hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "kind", "state", "said"),
    [
        ("", ProgrammingError, "42601", "empty"),
        ("SELECT age + 1 FROM people WHERE id = 1", DataError, "22003", "out of range"),
        ("SELECT age / 0 FROM people WHERE id = 1", DataError, "22012", "division by zero"),
        (
            "UPDATE people SET age = age + 1 WHERE id = 1 AND at = '2026-01-01'",
            DataError,
            "22003",
            "INT",
        ),
        ("SELECT CAST(name AS INT) FROM people", DataError, "22P02", "'Ada'"),
        ("CREATE TABLE people (a INT PRIMARY KEY)", ProgrammingError, "42P07", '"people" exists'),
        ('CREATE TABLE "a/../b" (a INT PRIMARY KEY)', ProgrammingError, "22023", "only letters"),
        (
            "CREATE TABLE " + "n" * 300 + " (a INT PRIMARY KEY)",
            ProgrammingError,
            "22023",
            "at most 64",
        ),
        ("RECALL TABLE nothing", ProgrammingError, "42P01", "nothing"),
        (
            "INSERT INTO people (id, at, name) VALUES (1, '2026-01-01', 'x')",
            IntegrityError,
            "23505",
            "(id = 1, at = 2026-01-01 00:00:00)",
        ),
        ("UPSERT INTO words VALUES ('', 'p', 's')", DataError, "22023", "empty"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_statements_that_fail_when_they_run(
    connection: pegasus_tab.Connection, text: str, kind: type[Error], state: str, said: str
) -> None:
    error = refusal(connection, text)
    assert isinstance(error, kind)
    assert error.sqlstate == state
    assert said in str(error)


@pytest.mark.parametrize(
    ("values", "kind", "state"),
    [
        (("x", 1), DataError, "22P02"),
        ((2**70, 1), DataError, "22003"),
        ((math.nan, 1), DataError, "22023"),
        ((object(), 1), DataError, "42804"),
        ((True, 1), DataError, "42804"),
        ((None, 1), IntegrityError, "23502"),
        ((7, 2**31), DataError, "22003"),
        ((7, b"x"), DataError, "42804"),
        ((7,), ProgrammingError, "07001"),
        ((7, 1, 2), ProgrammingError, "07001"),
    ],
)
def test_parameters_that_do_not_fit(
    connection: pegasus_tab.Connection, values: tuple[object, ...], kind: type[Error], state: str
) -> None:
    error = refusal(connection, PUT_PERSON + "(?, '2026-01-01', 'x', ?)", values)
    assert isinstance(error, kind)
    assert error.sqlstate == state
    assert connection.execute("SELECT count(*) FROM people").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        (("w" * (HASH_KEY_BYTES_MAX + 1), "p", "s"), HASH_KEY_BYTES_MAX),
        (("w", "p" * SORT_KEY_BYTES_MAX, "s"), SORT_KEY_BYTES_MAX),
        (("w", "p", "s" * VALUE_BYTES_MAX), VALUE_BYTES_MAX),
        (("w", "p", "s" * (40 * VALUE_BYTES_MAX)), VALUE_BYTES_MAX),
    ],
    ids=["hash key", "sort key", "value", "huge value"],
)
def test_keys_and_values_over_their_limits(
    connection: pegasus_tab.Connection, row: tuple[str, ...], limit: int
) -> None:
    error = refusal(connection, "UPSERT INTO words VALUES (?, ?, ?)", row)
    assert isinstance(error, DataError)
    assert error.sqlstate == "54000"
    assert str(limit) in error.message
    assert connection.execute("SELECT count(*) FROM words").fetchall() == [(0,)]


def test_a_statement_over_its_limit(connection: pegasus_tab.Connection) -> None:
    error = refusal(connection, f"UPSERT INTO words VALUES ('w', 'p', '{'s' * (1 << 20)}')")
    assert error.sqlstate == "54000"
    assert "executemany" in (error.hint or "")


def test_a_batch_over_the_limit_of_one_request_is_split(connection: pegasus_tab.Connection) -> None:
    rows = [("batch", f"{number:05d}", "s" * 1000) for number in range(3000)]
    connection.executemany("UPSERT INTO words VALUES (?, ?, ?)", rows)
    count = "SELECT count(*) FROM words WHERE word = 'batch'"
    assert connection.execute(count).fetchall() == [(3000,)]
    connection.execute("DELETE FROM words WHERE word = 'batch'")
    assert connection.execute(count).fetchall() == [(0,)]


@pytest.mark.parametrize("text", [b"SELECT 1", 5, None])
def test_what_is_no_text_is_refused(connection: pegasus_tab.Connection, text: object) -> None:
    with pytest.raises(ProgrammingError, match="a statement is a str"):
        connection.execute(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tail", "named"),
    [
        ("1/?nope=1", '"nope"'),
        ("1/?timeout_ms=soon", '"soon"'),
        ("1/?full_scan=sometimes", "sometimes"),
        ("1/?timeout=later", "'later'"),
        ("99999/", "HOST:PORT"),
        ("1/table", '"/table"'),
    ],
)
def test_dsns_that_are_wrong(tail: str, named: str) -> None:
    for timeout in (None, 5.0):
        if timeout and "timeout=" in tail:
            continue  # what is given wins over what the DSN says
        with pytest.raises((InterfaceError, ProgrammingError, DataError)) as caught:
            pegasus_tab.connect(f"pegasus://127.0.0.1:{tail}", timeout=timeout)
        assert named in str(caught.value)
