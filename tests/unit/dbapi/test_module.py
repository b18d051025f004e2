"""The module's PEP 249 face, and that importing it stays cheap."""

import subprocess
import sys
from datetime import date, datetime, time

import pytest

import pegasus_tab

HEAVY = ("sqlglot", "pyarrow", "duckdb", "numpy", "pandas", "anycrc", "socket")


def test_globals() -> None:
    assert pegasus_tab.apilevel == "2.0"
    assert pegasus_tab.threadsafety == 2
    assert pegasus_tab.paramstyle == "qmark"
    for name in pegasus_tab.__all__:
        assert getattr(pegasus_tab, name) is not None
    with pytest.raises(AttributeError):
        pegasus_tab.nothing  # noqa: B018 -- the access is the test


def test_type_objects_equal_the_codes_of_their_kind() -> None:
    assert pegasus_tab.NUMBER == "BIGINT"
    assert pegasus_tab.NUMBER == pegasus_tab.NUMBER
    assert pegasus_tab.NUMBER != "TEXT"
    assert pegasus_tab.STRING == "TEXT"
    assert pegasus_tab.BINARY == "BLOB"
    assert pegasus_tab.DATETIME == "DATE"
    assert pegasus_tab.ROWID != "INT"
    assert repr(pegasus_tab.NUMBER) == "pegasus_tab.NUMBER"
    assert len({pegasus_tab.NUMBER, pegasus_tab.STRING}) == 2


def test_constructors() -> None:
    assert pegasus_tab.DateFromTicks(86_400) == date(1970, 1, 2)
    assert pegasus_tab.TimeFromTicks(3661) == time(1, 1, 1)
    moment = datetime(1970, 1, 2, 0, 0, 1)  # noqa: DTZ001 -- naive is UTC here
    assert pegasus_tab.TimestampFromTicks(86_401) == moment
    assert pegasus_tab.Timestamp(1970, 1, 2, 0, 0, 1) == moment
    assert pegasus_tab.Date(1970, 1, 2) == date(1970, 1, 2)
    assert pegasus_tab.Time(1, 2, 3) == time(1, 2, 3)
    assert pegasus_tab.Binary(b"x") == b"x"


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import pegasus_tab", ()),
        ("import pegasus_tab.dbapi.cursor, pegasus_tab.execute.session", ("anycrc", "socket")),
    ],
)
def test_imports_are_lazy(statement: str, allowed: tuple[str, ...]) -> None:
    code = f"{statement}; import sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(found) <= set(allowed)
