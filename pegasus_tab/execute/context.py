"""What an executing statement may use: the store, the catalog, the session's settings, the time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pegasus_tab.base.errors import Error, OperationalError, UnknownOutcome
from pegasus_tab.execute.catalog import Catalog
from pegasus_tab.execute.deadline import Deadline
from pegasus_tab.kv.failure import TIMEOUT_EXPIRED, UNKNOWN_OUTCOME_HINT
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.sql.catalog import Table
from pegasus_tab.tabular.raw_codec import RawCodec
from pegasus_tab.tabular.row_codec import RowCodec

if TYPE_CHECKING:
    from pegasus_tab.execute.progress import ProgressHandler
    from pegasus_tab.execute.residual import ResidualEngine
    from pegasus_tab.kv.call import Call
    from pegasus_tab.kv.client import Client
    from pegasus_tab.kv.pages import Pages

T = TypeVar("T")
Codec: TypeAlias = RowCodec | RawCodec


@dataclass(slots=True)
class ServerAbilities:
    """What the connection has learned about its servers.

    Attributes:
        tab_scan: whether they know TAB_SCAN, as far as is known.
        put_rows: whether they know TAB_PUT_ROWS; None while nobody asked.
    """

    tab_scan: bool = True
    put_rows: bool | None = None


WINDOW = 256
"""Calls of one statement that are under way at once."""


class Context:
    """What one statement uses while it executes.

    Args:
        client: the key-value client.
        catalog: tables by name.
        clock: seconds since 1970-01-01 UTC.
        monotonic: seconds of a clock that only goes forward.
        residual: gives the connection's engine for residual queries, made at its first use.
        abilities: what was learned about the servers; shared by the connection's statements.
        settings: what SET changed in the session, see ``sql.settings``; shared likewise.
        deadline: of this statement.

    Attributes:
        progress: told now and then how far the statement is, None when nobody asks.
        writes_sent: calls handed to ``writes`` so far.
        has_written: True once one of them was answered.
    """

    __slots__ = (
        "abilities",
        "catalog",
        "client",
        "clock",
        "deadline",
        "has_written",
        "monotonic",
        "progress",
        "residual",
        "settings",
        "writes_sent",
    )

    def __init__(
        self,
        client: "Client",
        catalog: Catalog,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        residual: "Callable[[], ResidualEngine]",
        abilities: ServerAbilities,
        settings: dict[str, object],
        deadline: Deadline,
    ) -> None:
        self.client = client
        self.catalog = catalog
        self.clock = clock
        self.monotonic = monotonic
        self.residual = residual
        self.abilities = abilities
        self.settings = settings
        self.deadline = deadline
        self.progress: ProgressHandler | None = None
        self.writes_sent = 0
        self.has_written = False

    @property
    def meta(self) -> "Client":
        """The client whose calls to meta keep the statement's deadline."""
        return self.client.within(self.deadline.left_ms)

    def calls(self, table: Table) -> TableCalls:
        """Return the builder of calls to this very table, not to another of its name."""
        return TableCalls(table.name, self.clock, table.app_id)

    def result(self, call: "Call[T]") -> T:
        """Carry out one call; raise its result when that is an error."""
        result = self.client.call(call, self.deadline.left_ms)
        if isinstance(result, Error):
            raise result
        return result

    def results(self, calls: "Iterable[Call[T]]", window: int = WINDOW) -> Iterator[T]:
        """Yield the calls' results in order.

        Raises:
            Error: the first result that is one.
        """
        for result in self.client.run(calls, window, self.deadline.left_ms):
            if isinstance(result, Error):
                raise result
            yield result

    def writes(self, calls: "Iterable[Call[T]]", window: int = WINDOW) -> Iterator[T]:
        """Yield the results of calls that write, in order; raises as ``results``."""
        self.deadline.left_ms()  # else calls count as sent that never are
        for result in self.results(self._counted(calls), window):
            self.has_written = True
            yield result

    def _counted(self, calls: "Iterable[Call[T]]") -> "Iterator[Call[T]]":
        for call in calls:
            self.writes_sent += 1
            yield call

    def verdict(self, error: Error) -> Error:
        """Return what the statement ends with when a call of it ends with ``error``.

        An error knows only its own call. When that ran out of time or lost its server, other writes of
        the statement may have been applied all the same.
        """
        timed_out = error.sqlstate == TIMEOUT_EXPIRED
        others_written = self.has_written or self.writes_sent > 1
        open_ended = timed_out or error.sqlstate == OperationalError.default_sqlstate
        if error.ambiguous or not open_ended or not others_written:
            return error
        return UnknownOutcome(
            f"{error.message}; other rows of the statement may have been written",
            sqlstate=TIMEOUT_EXPIRED if timed_out else None,
            hint=UNKNOWN_OUTCOME_HINT,
        )

    def follow(self, reads: "Iterable[Pages[T]]", parallel: int) -> Iterator[T]:
        """Yield the pages of several reads, ``parallel`` of them under way at once."""
        return self.client.follow(reads, parallel, self.deadline.left_ms)

    def drain(self, reads: "Sequence[Pages[Any]]", parallel: int = WINDOW) -> None:
        """Carry out reads of several pages to their ends; the reads keep what they found."""
        for _ in self.follow(reads, parallel):
            pass


def codec_of(table: Table) -> Codec:
    """Return the codec for the table's rows."""
    return RawCodec() if table.raw else RowCodec(table.schema)
