"""What an executing statement may use: the store, the catalog, the session's settings, the time."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pegasus_tab.base.errors import Error
from pegasus_tab.execute.catalog import Catalog
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.sql.catalog import Table
from pegasus_tab.tabular.raw_codec import RawCodec
from pegasus_tab.tabular.row_codec import RowCodec

if TYPE_CHECKING:
    from pegasus_tab.execute.residual import ResidualEngine
    from pegasus_tab.kv.call import Call
    from pegasus_tab.kv.client import Client
    from pegasus_tab.kv.pages import Pages

T = TypeVar("T")
Codec: TypeAlias = RowCodec | RawCodec


@dataclass(slots=True)
class ServerAbilities:
    """What the connection has learned about its servers."""

    tab_scan: bool = True


WINDOW = 256
"""Calls of one statement that are under way at once."""


class Context:
    """Shared by all statements of one connection; safe to use from several threads.

    Args:
        client: the key-value client.
        catalog: tables by name.
        clock: seconds since 1970-01-01 UTC.
        monotonic: seconds of a clock that only goes forward.
        residual: gives the engine for residual queries, made at its first use.

    Attributes:
        timeout_ms: longest wait for one request, None for the client's own.
        abilities: what was learned about the servers.
        settings: what SET changed in this session; see ``sql.settings``.
    """

    def __init__(
        self,
        client: "Client",
        catalog: Catalog,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        residual: "Callable[[], ResidualEngine]",
    ) -> None:
        self.client = client
        self.catalog = catalog
        self.clock = clock
        self.monotonic = monotonic
        self.residual = residual
        self.timeout_ms: int | None = None
        self.abilities = ServerAbilities()
        self.settings: dict[str, object] = {}

    def with_timeout(self, timeout_ms: int) -> "Context":
        """Return the same context with another limit for each request."""
        other = copy.copy(self)
        other.timeout_ms = timeout_ms
        return other

    def calls(self, table: Table) -> TableCalls:
        """Return the builder of calls to this very table, not to another of its name."""
        return TableCalls(table.name, self.clock, table.app_id)

    def result(self, call: "Call[T]") -> T:
        """Carry out one call; raise its result when that is an error."""
        result = self.client.call(call, self.timeout_ms)
        if isinstance(result, Error):
            raise result
        return result

    def results(self, calls: "Iterable[Call[T]]", window: int = WINDOW) -> Iterator[T]:
        """Yield the calls' results in order.

        Raises:
            Error: the first result that is one.
        """
        for result in self.client.run(calls, window, self.timeout_ms):
            if isinstance(result, Error):
                raise result
            yield result

    def follow(self, reads: "Iterable[Pages[T]]", parallel: int) -> Iterator[T]:
        """Yield the pages of several reads, ``parallel`` of them under way at once."""
        return self.client.follow(reads, parallel, self.timeout_ms)

    def drain(self, reads: "Sequence[Pages[Any]]", parallel: int = WINDOW) -> None:
        """Carry out reads of several pages to their ends; the reads keep what they found."""
        for _ in self.follow(reads, parallel):
            pass


def codec_of(table: Table) -> Codec:
    """Return the codec for the table's rows."""
    return RawCodec() if table.raw else RowCodec(table.schema)
