"""Connections (PEP 249): one client, one session, any number of cursors; threads may share them.

There are no transactions. Every statement takes effect by itself, as if committed (autocommit): a
row is written whole or not at all, and so are the rows that one UPSERT writes under one hash key.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, cast
from weakref import WeakSet

from pegasus_tab.base import errors
from pegasus_tab.base.errors import InterfaceError, NotSupportedError
from pegasus_tab.execute.session import Session
from pegasus_tab.kv import connect as connect_client
from pegasus_tab.kv.dsn import CLIENT_OPTIONS, parse_dsn
from pegasus_tab.sql.settings import SETTINGS, TIMEOUT, setting_value

if TYPE_CHECKING:
    from pegasus_tab.dbapi.cursor import Cursor
    from pegasus_tab.execute.session import NoticeHandler
    from pegasus_tab.kv.client import Client


def connect(dsn: str, *, timeout: float | None = None, **options: object) -> "Connection":
    """Open a connection.

    Args:
        dsn: ``pegasus://meta1:34601,meta2:34601/`` for a cluster, ``file:./data`` for an embedded
            node, which is started or joined. Settings may follow: ``?full_scan=warn``.
        timeout: how long a statement may take in seconds, > 0; 30 when None and the DSN has none.
            It is the longest time until ``execute`` returns, and then the longest wait for each
            further page of rows; what the program does between two fetches does not count.
            ``executemany`` executes many times, so there it is the longest wait for one request.
        options: session settings, as for SET (``full_scan="warn"``); they win over the DSN's.

    Raises:
        InterfaceError: the DSN or the timeout is wrong.
        ProgrammingError: a setting that does not exist, or a value it does not take.
        OperationalError: the embedded node does not start.
    """
    parsed = parse_dsn(dsn)
    settings: dict[str, object] = {
        name: value for name, value in parsed.options.items() if name in SETTINGS
    }
    others = {name: value for name, value in parsed.options.items() if name not in SETTINGS}
    _check_options(dsn, others)
    settings.update(options)
    if timeout is not None:
        settings[TIMEOUT] = milliseconds(timeout)
    limit = settings.get(TIMEOUT)
    client = connect_client(
        replace(parsed, options=others),
        # For calls through ``Connection.kv``, which are nobody's statement.
        timeout_ms=None if limit is None else cast("int", setting_value(TIMEOUT, limit)),
    )
    if limit is None and "timeout_ms" in others:
        settings[TIMEOUT] = int(others["timeout_ms"])  # the client has found it to be a number
    try:
        session = Session(client, clock=time.time, monotonic=time.monotonic, settings=settings)
    except BaseException:
        client.close()
        raise
    return Connection(session)


def _check_options(dsn: str, options: Iterable[str]) -> None:
    """Refuse an option that is neither a setting nor the client's."""
    for name in options:
        if name not in CLIENT_OPTIONS:
            known = ", ".join(sorted((*SETTINGS, *CLIENT_OPTIONS)))
            raise InterfaceError(
                f'unknown option "{name}" in the DSN "{dsn}"',
                sqlstate="22023",
                hint=f"a DSN takes {known}: ?{TIMEOUT}=5s, for instance",
            )


def milliseconds(seconds: float) -> int:
    """Return a timeout in whole milliseconds, at least one.

    Raises:
        InterfaceError: it is not above 0, or over a day.
    """
    if not 0 < seconds <= 24 * 3600:
        raise InterfaceError(
            f"a timeout is a number of seconds above 0, not {seconds!r}", sqlstate="22023"
        )
    return max(1, round(seconds * 1000))


class Connection:
    """A PEP 249 connection; make one with ``pegasus_tab.connect``.

    It is a context manager: leaving the block closes it.

    Attributes:
        messages: what was noticed since the last call, as (class, value) pairs (PEP 249,
            optional extension).
    """

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(self, session: Session) -> None:
        self.messages: list[tuple[type[Exception], Exception]] = []
        self._session: Session | None = session
        self._cursors: WeakSet[Cursor] = WeakSet()

    @property
    def session(self) -> Session:
        """The session below, for the shell and other tools.

        Raises:
            InterfaceError: the connection is closed.
        """
        if self._session is None:
            raise InterfaceError("the connection is closed", sqlstate="08003")
        return self._session

    @property
    def kv(self) -> "Client":
        """The key-value client below: get, set, multi_get ... on any table."""
        return self.session.client

    @property
    def closed(self) -> bool:
        """True after ``close``."""
        return self._session is None

    @property
    def autocommit(self) -> bool:
        """Always True: see the module's text."""
        return True

    def cursor(self) -> "Cursor":
        """Return a new cursor; cursors are cheap."""
        from pegasus_tab.dbapi.cursor import Cursor

        self.session  # noqa: B018 -- refuses on a closed connection
        cursor = Cursor(self)
        self._cursors.add(cursor)
        return cursor

    def execute(
        self,
        operation: str,
        parameters: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> "Cursor":
        """Execute a statement on a new cursor and return the cursor."""
        return self.cursor().execute(operation, parameters, timeout=timeout)

    def executemany(
        self,
        operation: str,
        seq_of_parameters: Iterable[Sequence[Any] | Mapping[str, Any]],
        *,
        timeout: float | None = None,
    ) -> "Cursor":
        """Execute a statement for many sets of parameters on a new cursor and return the cursor."""
        return self.cursor().executemany(operation, seq_of_parameters, timeout=timeout)

    def add_notice_handler(self, handler: "NoticeHandler") -> None:
        """Call a function with the text of each notice, as soon as there is one.

        That a statement reads a whole table is told before the reading begins. The function is
        called in the thread that executes the statement; what it raises ends the statement.
        """
        self.session.notice_handlers.append(handler)

    def remove_notice_handler(self, handler: "NoticeHandler") -> None:
        """Call the function no more.

        Raises:
            ValueError: it was not added.
        """
        self.session.notice_handlers.remove(handler)

    def commit(self) -> None:
        """Do nothing: every statement is committed already (PEP 249 asks for the method)."""
        self.session  # noqa: B018 -- refuses on a closed connection

    def rollback(self) -> None:
        """Refuse: there are no transactions, so nothing can be taken back.

        PEP 249 makes the method optional for such stores; doing nothing would let a program believe
        its changes are gone.

        Raises:
            NotSupportedError: always.
        """
        self.session  # noqa: B018 -- refuses on a closed connection
        raise NotSupportedError(
            "there are no transactions to roll back",
            hint="every statement is committed when it returns",
        )

    def close(self) -> None:
        """Close the connection and its cursors; closing twice is fine."""
        if self._session is None:
            return
        for cursor in list(self._cursors):
            cursor.close()
        session, self._session = self._session, None
        session.close()

    def __enter__(self) -> Self:
        self.session  # noqa: B018 -- refuses on a closed connection
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
