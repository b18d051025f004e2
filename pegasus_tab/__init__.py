"""Pegasus Tab: SQL over a partitioned, replicated key-value store; this package is the driver.

The PEP 249 face::

    import pegasus_tab

    with pegasus_tab.connect("file:./data") as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT name FROM users WHERE user_id = ?", (7,))
        print(cursor.fetchone())

Importing it is cheap; what a call needs is imported by the call.
"""

from typing import TYPE_CHECKING

from pegasus_tab.base.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    QueryCanceled,
    UnknownOutcome,
    Warning,  # noqa: A004 -- the name is PEP 249's
)
from pegasus_tab.base.version import VERSION
from pegasus_tab.dbapi.types import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)

if TYPE_CHECKING:
    from pegasus_tab.analytics.dataset import TableDataset
    from pegasus_tab.dbapi.connection import Connection
    from pegasus_tab.dbapi.cursor import Cursor

__version__ = VERSION
apilevel = "2.0"
threadsafety = 2
"""Threads may share the module and connections; a cursor belongs to one thread."""
paramstyle = "qmark"
"""``?``; ``:name`` with a mapping works as well."""


def connect(dsn: str, *, timeout: float | None = None, **options: object) -> "Connection":
    """Open a connection; see ``pegasus_tab.dbapi.connection.connect``.

    Args:
        dsn: ``pegasus://host:port,host:port/`` for a cluster, ``file:FOLDER`` for an embedded node.
        timeout: longest wait for one request in seconds; 5 when None.
        options: session settings, as for SET (``full_scan="warn"``).

    Raises:
        InterfaceError: the DSN or the timeout is wrong.
        ProgrammingError: a setting that does not exist, or a value it does not take.
        OperationalError: the embedded node does not start.
    """
    from pegasus_tab.dbapi import connection  # noqa: PLC0415 -- most of the driver hangs on it

    return connection.connect(dsn, timeout=timeout, **options)


def dataset(dsn: str, table: str) -> "TableDataset":
    """Open a table as a PyArrow dataset with one fragment a partition.

    Args:
        dsn: as for ``connect``.
        table: its name.

    Raises:
        InterfaceError: the DSN is wrong.
        NotSupportedError: pyarrow or another package of the extra ``analytics`` is missing.
        ProgrammingError: there is no such table.
        OperationalError: the store cannot be asked.
    """
    try:
        from pegasus_tab.analytics.dataset import open_dataset  # noqa: PLC0415 -- pyarrow is optional
    except ImportError as error:
        raise NotSupportedError(
            f"a dataset needs the package {error.name}, which is not installed",
            hint="pip install 'pegasus-tab[analytics]'",
        ) from error
    return open_dataset(dsn, table)


def __getattr__(name: str) -> type:
    """Import Connection and Cursor when they are first named (PEP 562)."""
    if name == "Connection":
        from pegasus_tab.dbapi.connection import Connection  # noqa: PLC0415 -- see connect

        return Connection
    if name == "Cursor":
        from pegasus_tab.dbapi.cursor import Cursor  # noqa: PLC0415 -- see connect

        return Cursor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "QueryCanceled",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "UnknownOutcome",
    "Warning",
    "__version__",
    "apilevel",
    "connect",
    "dataset",
    "paramstyle",
    "threadsafety",
]
